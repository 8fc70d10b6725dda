package isolate

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// dying is how long processes may take to end that were killed, unless a test is in a hurry. A driver may take seconds to
// tear a large context down; one that waits for a device that does not answer any more never ends.
const dying = 30 * time.Second

// reap waits for the end of pid 1, which is the end of every process of its pid namespace (the kernel waits for them,
// zap_pid_ns_processes), and says which ones do not end.
func (b *Box) reap() []Stuck {
	if b.first.wait(b.dying) {
		_, _ = b.process.Wait()
		b.stuck = nil
		return nil
	}
	pids, _ := b.Pids() // the group may be gone; then pid 1 is what is left
	if first, err := b.process.Pid(); err == nil {
		pids = append(pids, first)
	}
	b.stuck = nil
	for _, pid := range pids {
		raw, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		open, end := strings.IndexByte(string(raw), '('), strings.LastIndexByte(string(raw), ')')
		if open < 0 || end+2 >= len(raw) || raw[end+2] == 'Z' {
			continue
		}
		b.stuck = append(b.stuck, Stuck{Pid: pid, Name: string(raw[open+1 : end]), State: string(raw[end+2])})
	}
	return b.stuck
}

// gone is nil when nothing of the box runs any more. What Wait has waited for in vain is not waited for again.
func (b *Box) gone() error {
	if b.stuck != nil {
		b.dying = 0
	}
	if stuck := b.reap(); stuck != nil {
		return &StuckError{Processes: stuck}
	}
	return nil
}

// StuckError says that killed processes do not end.
type StuckError struct{ Processes []Stuck }

func (e *StuckError) Error() string {
	var list []string
	for _, p := range e.Processes {
		list = append(list, fmt.Sprintf("%d %q (%s)", p.Pid, p.Name, p.State))
	}
	return "killed, and not ended by the kernel: process " + strings.Join(list, ", ")
}
