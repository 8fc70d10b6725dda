package seccomp

import (
	"os"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/policy"
)

// tolerated are measured calls that stay refused; the program works without them.
var tolerated = map[string]string{
	"clone3":        "ENOSYS; libc falls back to clone",
	"get_mempolicy": "torch and numpy carry on (only with gpu)",
	"set_mempolicy": "as above",
	"mbind":         "as above",
	"sendfile":      "shutil falls back to read and write",
	"fsetxattr":     "ENOTSUP; cp -a falls back to chmod",
	"timer_create":  "ENOSYS; timeout falls back to alarm",
	"timer_settime": "follows timer_create",
}

func TestEveryMeasuredCallIsAllowedOrKnownToBeTolerated(t *testing.T) {
	data, err := os.ReadFile("testdata/measured.txt")
	if err != nil {
		t.Fatal(err)
	}
	open := allowed(Profile(Options{Arch: "amd64", Ops: policy.Operations{Subprocess: true}}))
	seen := map[string]bool{}
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		for name := range strings.FieldsSeq(line) {
			seen[name] = true
			if !open[name] && tolerated[name] == "" {
				t.Errorf("%s was measured and is refused", name)
			}
		}
	}
	if len(seen) < 75 {
		t.Errorf("only %d calls in the list", len(seen))
	}
	for name := range tolerated {
		if !seen[name] || open[name] {
			t.Errorf("%s: measured %v, allowed %v: not an exception", name, seen[name], open[name])
		}
	}
}
