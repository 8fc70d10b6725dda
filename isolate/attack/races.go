package attack

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// races are attacks on the moment in which a call is decided.
func races() []Check {
	return []Check{
		{ID: "S-24", Title: "changes what a pointer points to while the call is decided", Refs: []string{"seccomp_unotify(2)", "multikernel/sandlock#27"},
			Layers: []string{"mount"}, Probes: []Probe{
				{Name: "path", Try: func(in *Inside) string { return racePath(in.Secret) }, Want: Saw{"never": "mount"}, Through: throughOnly},
				{Name: "socket-address", Try: func(in *Inside) string { return raceAddress(in.Socket) }, Want: Saw{"never": "mount"}, Through: throughOnly},
			}},
		{ID: "S-25", Title: "floods the place where refused calls are counted", Refs: []string{"seccomp_unotify(2)"}, Layers: seccomp, Probes: []Probe{
			{Name: "eight-threads", Try: func(*Inside) string { return flood(8, 500) }, Want: Saw{"EPERM": "seccomp"}},
		}},
		{ID: "S-26", Title: "interrupts a refused call with signals, and restarts it", Refs: []string{"restart_syscall(2)"}, Layers: seccomp, Probes: []Probe{
			{Name: "interrupted", Try: func(*Inside) string { return interrupted(2000) }, Want: Saw{"EPERM": "seccomp"}},
			{Name: "restart-nothing", Try: func(*Inside) string { return Call(unix.SYS_RESTART_SYSCALL) }, Want: Saw{"EINTR": ""}, Benign: true},
		}},
		{ID: "S-27", Title: "jumps into the page of old system calls", Refs: []string{"vsyscall= of the kernel's parameters"}, Needs: []string{"subprocess", "amd64"},
			NoWithout: "the page is the kernel's: it answers three calls that read clocks, or none, with and without a filter", Probes: vsyscalls()},
		{ID: "S-28", Title: "runs a thread that was there before the filter", Refs: []string{"seccomp(2), SECCOMP_FILTER_FLAG_TSYNC"}, Layers: seccomp, Probes: []Probe{
			{Name: "every-task", Try: func(*Inside) string { return unfiltered() }, Want: Saw{"filtered": "seccomp"}, Through: []string{"unfiltered"}},
		}},
	}
}

// tries is how often a race is run: enough that a decision made on memory loses some.
const tries = 3000

// flips turns one byte over and over on a thread of its own until the returned function is called.
func flips(at *byte, a, b byte) (stop func()) {
	var done atomic.Bool
	ended := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		defer close(ended)
		for !done.Load() {
			*at = a // raced on purpose: the reader is the kernel
			*at = b
		}
	}()
	return func() { done.Store(true); <-ended }
}

// racePath opens a path whose last byte changes between that of a file that does not exist and that of the secret.
func racePath(secret string) string {
	path := append([]byte(secret), 0)
	last := &path[len(secret)-1]
	stop := flips(last, *last, '#')
	defer stop()
	for range tries {
		fd, _, errno := unix.Syscall6(unix.SYS_OPENAT, ^uintptr(99), addressOf(path), unix.O_RDONLY|unix.O_CLOEXEC, 0, 0, 0)
		if errno == 0 {
			unix.Close(int(fd))
			return "through"
		}
	}
	return "never"
}

// raceAddress connects to a socket whose name changes in the same way.
func raceAddress(name string) string {
	address := append([]byte{unix.AF_UNIX, 0}, name...)
	address = append(address, 0)
	last := &address[len(address)-2]
	stop := flips(last, *last, '#')
	defer stop()
	for range tries {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return "socket-" + Errno(err)
		}
		_, _, errno := unix.Syscall(unix.SYS_CONNECT, uintptr(fd), addressOf(address), uintptr(len(address)))
		unix.Close(fd)
		if errno == 0 {
			return "through"
		}
	}
	return "never"
}

// refusedHere makes a refused call on this very thread.
func refusedHere() unix.Errno {
	_, _, errno := unix.Syscall6(unix.SYS_PERSONALITY, 0x0040000, 0, 0, 0, 0, 0)
	return errno
}

// flood makes refused calls on several threads at once and answers with the first that was not refused.
func flood(threads, each int) string {
	saw := make(chan string, threads)
	for range threads {
		go func() {
			runtime.LockOSThread() // not unlocked: the thread ends, and with it what the call changed
			for range each {
				if errno := refusedHere(); errno != unix.EPERM {
					saw <- word(errno)
					return
				}
			}
			saw <- "EPERM"
		}()
	}
	all := make([]string, threads)
	for i := range all {
		all[i] = <-saw
	}
	return Worst([]string{"EPERM"}, all...)
}

// interrupted makes refused calls while signals hit the thread. SIGURG is the one that the Go runtime handles anyway.
func interrupted(n int) string {
	tid := make(chan int)
	saw := make(chan string)
	var done atomic.Bool
	go func() {
		runtime.LockOSThread()
		tid <- unix.Gettid()
		for range n {
			if errno := refusedHere(); errno != unix.EPERM && errno != unix.EINTR {
				saw <- word(errno)
				return
			}
		}
		saw <- "EPERM"
	}()
	thread := <-tid
	var signaller sync.WaitGroup
	signaller.Go(func() {
		for !done.Load() {
			_ = unix.Tgkill(os.Getpid(), thread, unix.SIGURG)
		}
	})
	s := <-saw
	done.Store(true)
	signaller.Wait()
	return s
}

// unfiltered looks at every thread that there is, pid 1's and its own.
func unfiltered() string {
	tasks, _ := filepath.Glob("/proc/[0-9]*/task/[0-9]*/status")
	if len(tasks) == 0 {
		return "no-proc"
	}
	for _, t := range tasks {
		if text := readSmall(t); text != "" && !strings.Contains(text, "\nSeccomp:\t2\n") {
			return "unfiltered"
		}
	}
	return "filtered"
}
