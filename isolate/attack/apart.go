package attack

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// apart runs f in a process of its own and says what came of it, like Call. In there the Go runtime does not exist: f
// makes system calls, and calls what does.
func apart(f func() unix.Errno) string {
	oneFork.Lock()
	defer oneFork.Unlock()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	all, old := ^uint64(0), uint64(0)
	mask := func(set, was *uint64) {
		unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(was)), 8, 0, 0)
	}
	mask(&all, &old)
	pid, errno := childOf(f)
	mask(&old, nil)
	if errno != 0 {
		return word(f())
	}
	return ended(int(pid))
}

//go:noinline
//go:norace
func childOf(f func() unix.Errno) (pid uintptr, errno unix.Errno) {
	pid, _, errno = unix.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if errno != 0 || pid != 0 {
		return pid, errno
	}
	errno = f()
	for {
		unix.RawSyscall6(unix.SYS_EXIT_GROUP, uintptr(errno), 0, 0, 0, 0, 0)
	}
}

func ended(pid int) string {
	var ws unix.WaitStatus
	for {
		if _, err := unix.Wait4(pid, &ws, 0, nil); err != unix.EINTR {
			break
		}
	}
	if ws.Signaled() {
		return unix.SignalName(ws.Signal())
	}
	return word(unix.Errno(ws.ExitStatus()))
}

func addressOf(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }
