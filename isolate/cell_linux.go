package isolate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"

	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	libseccomp "github.com/seccomp/libseccomp-golang"
	"golang.org/x/sys/unix"
)

// Cell is a confined child of this very program: a place to parse hostile bytes in. It has no privilege, no file
// system, no network and no environment; it computes on what it is sent, descriptors included, and answers.
//
// Theory of operation. The child is started with an empty environment and four descriptors. Before it reads the first
// request it takes away from itself, for all its threads and in this order: every Landlock right, root (when it has it),
// and every system call but some forty (CellInit). Then it says hello, and the parent looks at what the kernel shows of
// it (Observe) before it sends anything. Requests are packets on a socket, with descriptors; answers are a stream.
type Cell struct {
	Requests *os.File // SOCK_SEQPACKET; ours
	Answers  *os.File
	// Confinement is what the kernel shows of the child: "uid 65534", "no_new_privs", "seccomp", "landlock 6".
	Confinement []string

	cmd    *exec.Cmd
	ended  chan struct{} // closed by Close; may be nil
	stderr tail
	once   sync.Once
	result error
}

// cellArg is the first argument of a child; the rest of the command line is empty, and so is the environment.
const cellArg = "cell"

// cellUID is nobody and nogroup: 65534 on every Linux (the kernel's overflowuid).
const cellUID = 65534

// IsCell reports whether this process was started as a Cell. Then main calls CellInit and serves.
func IsCell() bool {
	return len(os.Args) == 2 && os.Args[1] == cellArg && os.Getenv(cellArg) == "1"
}

// CellInit confines this process, all its threads, and returns the descriptors it was given.
func CellInit() (requests, answers *os.File, err error) {
	if err := ll.AllThreadsPrctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return nil, nil, fmt.Errorf("cell: no_new_privs: %w", err)
	}
	if err := onlyFiles(nil, nil); err != nil && !errors.Is(err, ErrUnsupported) {
		return nil, nil, fmt.Errorf("cell: %w", err)
	}
	if err := nobody(); err != nil {
		return nil, nil, fmt.Errorf("cell: %w", err)
	}
	if err := filterCalls(cellCalls, nil); err != nil {
		return nil, nil, fmt.Errorf("cell: %w", err)
	}
	return os.NewFile(3, "requests"), os.NewFile(4, "answers"), nil
}

// cellCalls is what a Go program needs that reads and writes descriptors it was given and computes. Forms that an
// architecture lacks are passed over.
const cellCalls = `read write pread64 recvmsg close fstat lseek fcntl
	mmap munmap mprotect madvise brk mremap
	futex clone set_robust_list rseq exit exit_group
	rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack tgkill restart_syscall
	sched_yield sched_getaffinity nanosleep clock_gettime gettimeofday getrandom
	epoll_create1 epoll_ctl epoll_pwait epoll_wait eventfd2 poll ppoll
	getpid gettid timer_create timer_settime timer_delete setitimer`

// StartCell starts a child that confines itself.
func StartCell(ctx context.Context) (*Cell, error) { return startCell(ctx, cellArg, nil) }

func startCell(ctx context.Context, arg string, extra []*os.File) (*Cell, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cell: socketpair: %w", err)
	}
	theirs := os.NewFile(uintptr(pair[1]), "requests")
	defer theirs.Close()
	c := &Cell{Requests: os.NewFile(uintptr(pair[0]), "requests")}
	answers, theirAnswers, err := os.Pipe()
	if err != nil {
		c.Requests.Close()
		return nil, fmt.Errorf("cell: pipe: %w", err)
	}
	defer theirAnswers.Close()
	c.Answers = answers
	c.cmd = exec.CommandContext(ctx, "/proc/self/exe", arg)
	c.cmd.Args[0] = os.Args[0]
	c.cmd.Env = []string{cellArg + "=1"}
	c.cmd.Dir = "/"
	c.cmd.ExtraFiles = append([]*os.File{theirs, theirAnswers}, extra...)
	c.cmd.Stderr = &c.stderr
	if arg == netCellArg { // lives as long as the command: what the terminal sends to its foreground is not for it
		c.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	}

	if err := c.cmd.Start(); err != nil {
		c.Requests.Close()
		c.Answers.Close()
		return nil, fmt.Errorf("cell: %w", err)
	}
	return c, nil
}

// onlyFiles gives all threads a Landlock domain in which nothing but these files can be opened and, where the kernel
// knows TCP (ABI 4), no port but these connected to. What can always be listed is the process's own threads: the library
// that confines all threads looks there, before and after.
func onlyFiles(files map[string]uint64, ports []uint16) error {
	abi, err := landlockABI()
	if err != nil {
		return err
	}
	attr := handled(abi, Spec{})
	ruleset, err := ll.LandlockCreateRuleset(&attr, 0)
	if err != nil {
		return fmt.Errorf("landlock_create_ruleset: %w", err)
	}
	defer unix.Close(ruleset)
	if err := addFile(ruleset, "/proc/self/task", ll.AccessFSReadDir); err != nil {
		return err
	}
	for name, access := range files {
		if err := addFile(ruleset, name, access); err != nil && !errors.Is(err, unix.ENOENT) {
			return err
		}
	}
	if attr.HandledAccessNet != 0 {
		for _, port := range slices.Compact(slices.Sorted(slices.Values(ports))) {
			if err := ll.LandlockAddNetPortRule(ruleset, &ll.NetPortAttr{AllowedAccess: ll.AccessNetConnectTCP, Port: uint64(port)}, 0); err != nil {
				return fmt.Errorf("landlock rule for port %d: %w", port, err)
			}
		}
	}
	if err := ll.AllThreadsLandlockRestrictSelf(ruleset, 0); err != nil {
		return fmt.Errorf("landlock_restrict_self: %w", err)
	}
	return nil
}

// addFile permits access to a file, which may be reached through links: /etc/resolv.conf is often one.
func addFile(ruleset int, name string, access uint64) error {
	fd, err := unix.Open(name, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err == nil {
		err = ll.LandlockAddPathBeneathRule(ruleset, &ll.PathBeneathAttr{ParentFd: fd, AllowedAccess: access}, 0)
		unix.Close(fd)
	}
	if err != nil {
		return fmt.Errorf("landlock rule for %s: %w", name, err)
	}
	return nil
}

// filterCalls permits calls to all threads, whatever their arguments, and what more adds, and answers EPERM to all
// others; a foreign ABI ends the process (libseccomp's default).
func filterCalls(calls string, more func(*libseccomp.ScmpFilter) error) error {
	filter, err := libseccomp.NewFilter(libseccomp.ActErrno.SetReturnCode(int16(unix.EPERM)))
	if err != nil {
		return fmt.Errorf("seccomp: %w", err)
	}
	defer filter.Release()
	// Its flags lie in memory that a filter cannot read; libc takes clone instead when there is no clone3.
	if call, err := libseccomp.GetSyscallFromName("clone3"); err == nil {
		if err := filter.AddRule(call, libseccomp.ActErrno.SetReturnCode(int16(unix.ENOSYS))); err != nil {
			return fmt.Errorf("seccomp: clone3: %w", err)
		}
	}
	for name := range strings.FieldsSeq(calls) {
		call, err := libseccomp.GetSyscallFromName(name)
		if err != nil || call < 0 {
			continue
		}
		if err := filter.AddRule(call, libseccomp.ActAllow); err != nil {
			return fmt.Errorf("seccomp: %s: %w", name, err)
		}
	}
	if more != nil {
		if err := more(filter); err != nil {
			return err
		}
	}
	if err := filter.Load(); err != nil {
		return fmt.Errorf("seccomp: %w", err)
	}
	return nil
}

// Observe asks the kernel what the child has become, after its first answer. It is an error when the child is root
// on a host that has other ids, or lacks a layer that the kernel has.
func (c *Cell) Observe() error {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	if err != nil {
		return fmt.Errorf("cell: %w", err)
	}
	field := map[string]string{}
	for line := range strings.Lines(string(raw)) {
		key, value, _ := strings.Cut(line, ":")
		field[key] = strings.TrimSpace(value)
	}
	uid, _, _ := strings.Cut(field["Uid"], "\t")
	c.Confinement = append(c.Confinement, "uid "+uid)
	if uid == "0" && !singleID() {
		return fmt.Errorf("cell: the child is still root")
	}
	if caps := field["CapEff"]; caps != "0000000000000000" && uid == "0" { // of a user namespace with a single id
		c.Confinement = append(c.Confinement, "capabilities "+caps+" of a user namespace")
	}
	if field["CapEff"] != "0000000000000000" && uid != "0" || field["NoNewPrivs"] != "1" || field["Seccomp"] != "2" {
		return fmt.Errorf("cell: the kernel shows capabilities %s, no_new_privs %s, seccomp %s", field["CapEff"], field["NoNewPrivs"], field["Seccomp"])
	}
	c.Confinement = append(c.Confinement, "no_new_privs", "seccomp")
	if abi, err := landlockABI(); err == nil { // the kernel shows a domain nowhere: the call returned 0
		c.Confinement = append(c.Confinement, fmt.Sprintf("landlock %d", abi))
	}
	return nil
}

// singleID reports whether this process lives in a user namespace in which nobody (65534) is not mapped.
func singleID() bool {
	raw, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(raw)) {
		var inside, outside, n int64
		if k, _ := fmt.Sscan(line, &inside, &outside, &n); k == 3 && inside <= cellUID && cellUID < inside+n {
			return false
		}
	}
	return true
}

// PID is the child's.
func (c *Cell) PID() int { return c.cmd.Process.Pid }

// Kill ends the child now. Close is still needed.
func (c *Cell) Kill() { _ = c.cmd.Process.Kill() }

// Close ends the child and says how it ended when that was not by itself. It may be called twice.
func (c *Cell) Close() error {
	c.once.Do(func() {
		c.Requests.Close() // end of file: the child ends
		c.Answers.Close()
		err := c.cmd.Wait()
		if c.ended != nil {
			close(c.ended)
		}
		if err != nil {
			c.result = fmt.Errorf("cell: %w", err)
			if s := c.stderr.String(); s != "" {
				c.result = fmt.Errorf("cell: %w: %s", err, s)
			}
		}
	})
	return c.result
}

// tail keeps the beginning of what is written, enough for the first lines of a Go panic.
type tail struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if room := 512 - t.b.Len(); room > 0 {
		t.b.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(t.b.String())
}
