package isolate

// #cgo LDFLAGS: -static
import "C"

import (
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
		// libcontainer asks for this signal in its first stage only, and fork(2) clears it: the last stage would
		// wait in its fifo for ever when the supervisor is killed. Pid 1 clears it again.
		if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
			os.Exit(1)
		}
		libcontainer.Init()
	}
	// Keep the main thread for the main goroutine: libcontainer's helper threads enter the box's mount
	// namespace and must end with their goroutine, which the main thread cannot.
	runtime.LockOSThread()
}
