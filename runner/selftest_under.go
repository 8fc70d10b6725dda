package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/loadlock/loadlock/isolate/attack"
)

// underTime bounds one batch of probes under another sandbox, which may have no time limit of its own.
const underTime = 40 * time.Second

// underProbes is how many are made at once there: firejail takes no longer arguments.
const underProbes = 24

// under runs the payload below another program than ours, to see what gets through there. The program gets the
// payload's command as arguments; SELFTEST_PROGRAM and SELFTEST_MODEL name the file and the folder that must exist
// inside, read-only.
func (t *selftest) under(ctx context.Context, setup attack.Setup, keys []string) ([]byte, attack.Ended, error) {
	ctx, cancel := context.WithTimeout(ctx, underTime)
	defer cancel()
	args := append(append([]string{}, t.job.Under...), t.host.Task(keys, setup, t.open())...)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.WaitDelay = time.Second // a survivor may hold the pipe
	cmd.Env = append(os.Environ(), append(t.host.Environ()[:2], "SELFTEST_PROGRAM="+t.host.Program, "SELFTEST_MODEL="+t.host.Model)...)
	cmd.Dir = t.host.Model
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	ended := attack.Ended{Code: cmd.ProcessState.ExitCode(), TimedOut: ctx.Err() != nil}
	if n := ended.Code; n > 128 { // as shells and sandboxes say that a signal ended it
		ended.Signal = n - 128
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && len(bytes.TrimSpace(stdout.Bytes())) > 0 {
		err = nil // the payload ran; how it ended is an observation
	}
	if err != nil {
		err = fmt.Errorf("%s: %w: %s", args[0], err, bytes.TrimSpace(stderr.Bytes()))
	}
	return stdout.Bytes(), ended, err
}

// fits reports whether a batch takes one more check.
func (t *selftest) fits(b batch) bool {
	n := 0
	for _, c := range b.checks {
		n += len(c.Tries())
	}
	return len(t.job.Under) == 0 || n < underProbes
}

// probes are those of a check that can be made: under another sandbox only the payload's own.
func (t *selftest) probes(c attack.Check) (out []attack.Probe) {
	for _, p := range c.Probes {
		if len(t.job.Under) == 0 || p.Try != nil {
			out = append(out, p)
		}
	}
	return out
}
