package isolate

import (
	"fmt"
	"os"
	"runtime"

	"github.com/opencontainers/runc/libcontainer"
	"golang.org/x/sys/unix"

	// Without nsenter there is no C constructor that joins the new namespaces before the Go runtime starts.
	_ "github.com/opencontainers/runc/libcontainer/nsenter"
	// Without it device rules cannot be set: the function is nil.
	_ "github.com/opencontainers/cgroups/devices"
)

// Init becomes the box's first process when libcontainer re-executed this program for that, and then never
// returns. It must be called from an init function, on the start-up thread.
func Init() {
	if len(os.Args) > 1 && os.Args[1] == "init" && os.Getenv("_LIBCONTAINER_INITPIPE") != "" {
		if os.Getenv("_LIBCONTAINER_INITPIPE") != fmt.Sprint(controlFD) { // a caller without a control socket
			go followSupervisor()
		}
		libcontainer.Init()
	}
	// Keep the main thread for the main goroutine: libcontainer's helper threads enter the box's mount
	// namespace and must end with their goroutine, which the main thread cannot.
	runtime.LockOSThread()
}

// controlFD is the first descriptor after the standard streams: the control socket. See pid1_linux.c.
const controlFD = 3

// followSupervisor ends this process, and with it the box, when the supervisor's end of the control socket closes.
// Otherwise libcontainer's init would wait in its fifo for ever. A parent-death signal does not do: fork(2) and a
// change of ids clear it, and libcontainer sets it again without asking whether the parent is still there.
func followSupervisor() {
	for {
		fds := []unix.PollFd{{Fd: controlFD}} // no event asked for: a closed peer is reported always (poll(2))
		if n, err := unix.Poll(fds, -1); n > 0 || err != nil && err != unix.EINTR {
			os.Exit(1)
		}
	}
}
