package isolate

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// process is a process by descriptors, which mean the same process for ever; a number is given to another one when
// the process has been waited for.
type process struct {
	mu   sync.Mutex
	fd   int      // pidfd, -1 once closed
	proc *os.File // its folder of /proc
}

// hold opens the process with this number. Precondition: the number still means it, as that of a child does which
// nobody has waited for; or the caller looks again at what tells the process, afterwards.
func hold(pid int) (*process, error) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil, fmt.Errorf("pidfd_open: %w", err)
	}
	proc, err := os.Open(fmt.Sprintf("/proc/%d", pid))
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("process %d: %w", pid, err)
	}
	return &process{fd: fd, proc: proc}, nil
}

// dir is the process's folder of /proc, as a path for this process.
func (p *process) dir() string { return fmt.Sprintf("/proc/self/fd/%d", p.proc.Fd()) }

// kill sends SIGKILL. A process that has ended, or that is not held any more, is no error.
func (p *process) kill() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fd < 0 {
		return nil
	}
	if err := unix.PidfdSendSignal(p.fd, unix.SIGKILL, nil, 0); err != nil && err != unix.ESRCH {
		return fmt.Errorf("pidfd_send_signal: %w", err)
	}
	return nil
}

// wait waits for the end of the process, for a while, and reports whether it came; its parent has to wait for it still.
func (p *process) wait(most time.Duration) (ended bool) {
	fds := []unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLIN}} // readable at the end, pidfd_open(2)
	for until := time.Now().Add(most); ; {
		n, err := unix.Poll(fds, int(max(0, time.Until(until)).Milliseconds()))
		if err != unix.EINTR {
			return n > 0
		}
	}
}

// started is when the process started, in clock ticks since boot: field 22 of proc_pid_stat(5), or 0. The second
// field is in parentheses, and may have any character in it.
func (p *process) started() uint64 {
	raw, _ := os.ReadFile(p.dir() + "/stat")
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
	if len(fields) < 20 {
		return 0
	}
	n, _ := strconv.ParseUint(fields[19], 10, 64)
	return n
}

func (p *process) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	unix.Close(p.fd)
	p.fd = -1
	p.proc.Close()
}
