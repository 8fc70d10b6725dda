package attack

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// apart runs f in a process of its own and says what came of it, like Call. In there the Go runtime does not exist: f
// makes system calls, and calls what does.
func apart(f func() unix.Errno) string {
	return inChild(func() (uintptr, unix.Errno) { return childOf(f) }, f)
}

// inChild waits for what fork makes, without processes for what here does. A child in which the Go runtime wanted to
// take the processor away just then never comes back: there is nobody to give it to. It is ended, and made again.
func inChild(fork func() (uintptr, unix.Errno), here func() unix.Errno) string {
	oneFork.Lock()
	defer oneFork.Unlock()
	for range 3 {
		runtime.Gosched() // whatever the runtime wanted, it has had
		runtime.LockOSThread()
		all, old := ^uint64(0), uint64(0)
		setMask(&all, &old)
		pid, errno := fork()
		setMask(&old, nil)
		runtime.UnlockOSThread()
		if errno != 0 {
			return word(here())
		}
		if saw := ended(int(pid)); saw != "hangs" {
			return saw
		}
	}
	return "hangs"
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

// childTime is how long a child may take, in milliseconds: some make hundreds of refused calls, on emulated processors.
const childTime = 15_000

// ended waits for a child and says how it ended.
func ended(pid int) string {
	hung := false
	if fd, err := unix.PidfdOpen(pid, 0); err == nil {
		for {
			n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, childTime)
			if err != unix.EINTR {
				hung = n == 0 && err == nil
				break
			}
		}
		unix.Close(fd)
	}
	if hung {
		_ = unix.Kill(pid, unix.SIGKILL)
	}
	var ws unix.WaitStatus
	for {
		if _, err := unix.Wait4(pid, &ws, 0, nil); err != unix.EINTR {
			break
		}
	}
	switch {
	case hung:
		return "hangs"
	case ws.Signaled():
		return unix.SignalName(ws.Signal())
	}
	return word(unix.Errno(ws.ExitStatus()))
}

func addressOf(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }
