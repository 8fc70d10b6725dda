package attack

import (
	"runtime"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Call makes one system call in a process of its own and says what came of it: the errno's name, "through", or the
// name of the signal that the kernel answered with. Where the policy permits no processes the call is made here.
// Arguments are integers, nil, strings (passed with a zero byte) and byte slices.
func Call(number int, args ...any) string {
	a, keep := registers(args)
	defer runtime.KeepAlive(keep)
	return forked(uintptr(number), &a)
}

// registers turns arguments into what is put into registers.
func registers(args []any) (a [6]uintptr, keep []any) {
	for i, v := range args {
		switch v := v.(type) {
		case nil:
		case int:
			a[i] = uintptr(v)
		case int64:
			a[i] = uintptr(v)
		case uint64:
			a[i] = uintptr(v)
		case uintptr:
			a[i] = v
		case string:
			b := append([]byte(v), 0)
			a[i], keep = uintptr(unsafe.Pointer(&b[0])), append(keep, b)
		case []byte:
			a[i], keep = uintptr(unsafe.Pointer(&v[0])), append(keep, v)
		default:
			panic("attack: an argument that fits no register")
		}
	}
	return a, keep
}

var oneFork sync.Mutex // the signal mask is the thread's, the children are everybody's

// forked makes the call in a child. The Go runtime does not exist there: between fork and exit there are system calls
// only, and no signal may come in.
func forked(number uintptr, a *[6]uintptr) string {
	return inChild(func() (uintptr, unix.Errno) { return child(number, a) }, func() unix.Errno {
		_, _, errno := unix.Syscall6(number, a[0], a[1], a[2], a[3], a[4], a[5])
		return errno
	})
}

// child forks, and in the child makes the call and exits with its errno.
//
//go:noinline
//go:norace
func child(number uintptr, a *[6]uintptr) (pid uintptr, errno unix.Errno) {
	pid, _, errno = unix.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if errno != 0 || pid != 0 {
		return pid, errno
	}
	_, _, errno = unix.RawSyscall6(number, a[0], a[1], a[2], a[3], a[4], a[5])
	for {
		unix.RawSyscall6(unix.SYS_EXIT_GROUP, uintptr(errno), 0, 0, 0, 0, 0)
	}
}

// Fork starts at most n processes that make one call for ever, and returns those that it could start, and why there are
// no more. The processes carry the payload's arguments. They stay until the box ends, or until Reap.
func Fork(n int, number int, args ...any) (pids []int, why string) {
	a, keep := registers(args)
	defer runtime.KeepAlive(keep)
	pids = make([]int, 0, n)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	all, old := ^uint64(0), uint64(0)
	setMask(&all, &old)
	var errno unix.Errno
	for len(pids) < n {
		var pid uintptr
		if pid, errno = endless(uintptr(number), &a); errno != 0 {
			break
		}
		pids = append(pids, int(pid))
	}
	setMask(&old, nil)
	return pids, word(errno)
}

// Reap ends processes that Fork started.
func Reap(pids []int) {
	for _, pid := range pids {
		_ = unix.Kill(pid, unix.SIGKILL)
		_, _ = unix.Wait4(pid, nil, 0, nil)
	}
}

//go:noinline
//go:norace
func endless(number uintptr, a *[6]uintptr) (pid uintptr, errno unix.Errno) {
	pid, _, errno = unix.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if errno != 0 || pid != 0 {
		return pid, errno
	}
	for {
		unix.RawSyscall6(number, a[0], a[1], a[2], a[3], a[4], a[5])
	}
}

func setMask(set, was *uint64) {
	unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(was)), 8, 0, 0)
}

// word is the observation for an errno.
func word(errno unix.Errno) string {
	if errno == 0 {
		return "through"
	}
	if name := unix.ErrnoName(errno); name != "" {
		return name
	}
	return errno.Error()
}
