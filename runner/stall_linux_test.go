package runner

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/validate/validatetest"
)

const python = "/usr/bin/python3"

// denyIt is a program that is refused a socket; then it does something else.
const denyIt = `
import socket, sys, threading, time
def deny():
    try: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    except OSError: pass
def work(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end: sum(range(1000))
`

func TestARunThatStallsAfterADenialSaysSoWhileItRuns(t *testing.T) {
	needBox(t)
	_, err := os.Stat(python)
	validatetest.Need(t, "python", err)
	for name, tc := range map[string]struct {
		program string
		want    int // notices
	}{
		"it waits for ever":              {"deny(); threading.Event().wait()", 1},
		"it sleeps without a denial":     {"time.sleep(4)", 0},
		"it goes on after the denial":    {"deny(); work(4)", 0},
		"it works for long, then sleeps": {"deny(); work(4); time.sleep(2)", 0},
		"it writes after the denial":     {"deny()\nfor i in range(40): print(i, flush=True); time.sleep(0.1)", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := folder(t)
			policyFile := filepath.Join(t.TempDir(), "p.yaml")
			if err := os.WriteFile(policyFile, []byte("name: stall\noptional_layers: [cgroup]\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := os.Create(filepath.Join(t.TempDir(), "out"))
			if err != nil {
				t.Fatal(err)
			}
			defer out.Close()
			var notices []string
			absent := filepath.Join(t.TempDir(), "absent")
			limit := int64(60)
			ctx, enough := context.WithCancel(t.Context())
			defer enough()
			job := Job{Command: []string{python, "-c", denyIt + tc.program}, Dir: dir, Home: t.TempDir(), Stdout: out, Stderr: out,
				Policy: policy.Sources{Host: absent, User: absent, Explicit: policyFile}, Flags: policy.Flags{TimeoutSec: &limit},
				Env: []string{"PATH=/usr/bin:/bin", "XDG_RUNTIME_DIR=" + folder(t), "XDG_CACHE_HOME=" + folder(t)},
				Notice: func(line string) {
					notices = append(notices, line)
					time.AfterFunc(3*time.Second, enough) // a second one would come by then
				}, stall: 1500 * time.Millisecond}
			res, err := Run(ctx, job)
			if err != nil {
				t.Fatal(err)
			}
			if res.DenialsNotCounted != "" {
				validatetest.Need(t, "seccomp", errors.New(res.DenialsNotCounted))
			}
			if len(notices) != tc.want {
				t.Errorf("%d notices, want %d: %q (denials %+v)", len(notices), tc.want, notices, res.Denials)
			}
			for _, n := range notices {
				if !strings.Contains(n, "no progress for 1.5 s after socket(AF_NETLINK) was refused (EAFNOSUPPORT, by /usr/bin/python3") {
					t.Errorf("%q", n)
				}
			}
		})
	}
}
