package attack

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// badPolicies are files that a reader who is not strict would take for something weaker, or never finish.
func badPolicies() (probes []Probe) {
	bomb := "name: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'k'; c++ {
		bomb += fmt.Sprintf("k%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c,", c-1), 10), ","))
	}
	for _, f := range []struct{ name, text string }{
		{"unknown-key", "name: x\nsandbox_is_required: false\n"},
		{"misspelt-key", "name: x\nmemory_limit_mbs: 5\n"},
		{"wrong-type", "name: x\ntimeout_seconds: soon\n"},
		{"key-twice", "name: x\nsandbox_required: true\nsandbox_required: false\n"},
		{"aliases-without-end", bomb},
		{"two-documents", "name: x\n---\nname: y\nextends: trust\n"},
		{"unknown-operation", "name: x\nrestricted_operations: [network_acces]\n"},
	} {
		probes = append(probes, Probe{Name: f.name, Drive: func(h *Host) string { return h.withPolicy(f.text) }, Want: Saw{"refused-with-its-line": Ours}})
	}
	return probes
}

var place = regexp.MustCompile(`policy\.yaml:\d+(:\d+)?: `)

// goodPolicy is a near miss of the bad ones.
func goodPolicy(h *Host) string {
	name := filepath.Join(h.Dir, "policy.yaml")
	defer os.Remove(name)
	if err := os.WriteFile(name, []byte("extends: safe\nname: selftest\nsandbox_required: true\n"), 0o644); err != nil {
		return Errno(err)
	}
	return yes(h.bare(nil, []string{h.Program, "policy", "check", name}).Code == 0, "read", "refused")
}

// withPolicy starts something under a policy file of its own.
func (h *Host) withPolicy(text string) string {
	name := filepath.Join(h.Dir, "policy.yaml")
	defer os.Remove(name)
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		return Errno(err)
	}
	d := h.run(nil, h.payload("V-01/inside"), "--policy", name, "--dry-run")
	switch {
	case d.Code == 125 && place.MatchString(d.Stderr):
		return "refused-with-its-line"
	case d.Code == 125:
		return "refused"
	}
	return "read"
}
