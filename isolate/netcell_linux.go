package isolate

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"syscall"

	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	libseccomp "github.com/seccomp/libseccomp-golang"
	"golang.org/x/sys/unix"
)

// A net cell is a Cell that may talk to the network: the place in which bytes of the workload and of hosts outside are
// parsed and passed on. It has no privilege and no environment, starts no program, and reads no file but those of name
// resolution. It may connect with TCP to the ports it is given; it may use UDP, which resolvers need.

const netCellArg = "netcell"

// IsNetCell reports whether this process was started as a net cell. Then main serves as one.
func IsNetCell() bool {
	return len(os.Args) == 2 && os.Args[1] == netCellArg && os.Getenv(cellArg) == "1"
}

// StartNetCell starts a child that confines itself. It finds extra from descriptor 5 on.
func StartNetCell(ctx context.Context, extra ...*os.File) (c *Cell, err error) {
	started := make(chan error)
	ended := make(chan struct{})
	go func() {
		// The kernel ends the child with the thread that started it (see NetCellInit): a locked thread is ours alone, and
		// this one lives until Close.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		c, err = startCell(ctx, netCellArg, extra)
		if err == nil {
			c.ended = ended
		}
		started <- err
		if err == nil {
			<-ended
		}
	}()
	<-started
	return c, err
}

// NetCellFiles are the descriptors that every cell has. To be called once: a file that is forgotten is closed.
func NetCellFiles() (requests, answers *os.File) {
	return os.NewFile(3, "requests"), os.NewFile(4, "answers")
}

// NetCellGiven are the n descriptors that a net cell was given besides, by place. To be called once, as above.
func NetCellGiven(n int) (given []*os.File) {
	for fd := 5; fd < 5+n; fd++ {
		unix.CloseOnExec(fd)
		given = append(given, os.NewFile(uintptr(fd), fmt.Sprintf("given-%d", fd)))
	}
	return given
}

// resolverFiles is what the Go resolver reads (net package, conf.go).
var resolverFiles = []string{"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/services", "/etc/protocols"}

// resolverPort is that of DNS over TCP, for answers that are too long for UDP.
const resolverPort = 53

// NetCellInit confines this process, all its threads. ports are those that it may connect to.
func NetCellInit(ports []uint16) error {
	// The net package finds out on first use whether there is IPv6, by binding a socket; afterwards it may not.
	if c, err := net.ListenPacket("udp", "127.0.0.1:0"); err == nil {
		c.Close()
	}
	if err := ll.AllThreadsPrctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("net cell: no_new_privs: %w", err)
	}
	if err := onlyFiles(resolverAccess(), append(slices.Clone(ports), resolverPort)); err != nil && !errors.Is(err, ErrUnsupported) {
		return fmt.Errorf("net cell: %w", err)
	}
	if err := nobody(); err != nil {
		return fmt.Errorf("net cell: %w", err)
	}
	// After the change of ids, which takes it back. It is for the future only: the end of the socket says whether the
	// parent is there still. With it a stopped cell ends as well.
	if err := ll.AllThreadsPrctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return fmt.Errorf("net cell: PR_SET_PDEATHSIG: %w", err)
	}
	if err := filterCalls(netCellCalls, netCellSockets); err != nil {
		return fmt.Errorf("net cell: %w", err)
	}
	return nil
}

// netCellCalls is what a cell may do, and sockets, and opening files (Landlock says which).
const netCellCalls = cellCalls + `
	openat newfstatat fstatat64 statx readlinkat getdents64 uname
	connect accept4 getsockname getpeername getsockopt setsockopt shutdown
	sendto recvfrom sendmsg readv writev pread64 dup`

// netCellSockets are the kinds of socket that a net cell makes.
func netCellSockets(filter *libseccomp.ScmpFilter) error {
	call, err := libseccomp.GetSyscallFromName("socket")
	if err != nil {
		return fmt.Errorf("seccomp: socket: %w", err)
	}
	for _, family := range []uint64{unix.AF_INET, unix.AF_INET6} {
		for _, kind := range []uint64{unix.SOCK_STREAM, unix.SOCK_DGRAM} {
			if err := filter.AddRuleConditional(call, libseccomp.ActAllow, []libseccomp.ScmpCondition{
				{Argument: 0, Op: libseccomp.CompareEqual, Operand1: family},
				{Argument: 1, Op: libseccomp.CompareMaskedEqual, Operand1: 0xf, Operand2: kind},
				{Argument: 2, Op: libseccomp.CompareEqual, Operand1: 0},
			}); err != nil {
				return fmt.Errorf("seccomp: socket: %w", err)
			}
		}
	}
	return nil
}

// resolverAccess is what name resolution reads.
func resolverAccess() map[string]uint64 {
	files := map[string]uint64{}
	for _, name := range resolverFiles {
		files[name] = ll.AccessFSReadFile
	}
	return files
}

// nobody gives up root, where there is somebody else to become; the parent sees and reports it.
func nobody() error {
	if os.Geteuid() != 0 {
		return nil
	}
	err := errors.Join(syscall.Setgroups(nil), syscall.Setresgid(cellUID, cellUID, cellUID), syscall.Setresuid(cellUID, cellUID, cellUID))
	if err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.EPERM) {
		return fmt.Errorf("giving up root: %w", err)
	}
	return nil
}
