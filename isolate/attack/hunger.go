package attack

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// What the attacks on resources do.

// Numbers that x/sys/unix lacks (asm-generic/resource.h).
const (
	rlimitSigpending = 11
	rlimitMsgqueue   = 12
)

func touch(b []byte) {
	for i := 0; i < len(b); i += 4096 {
		b[i] = 1
	}
}

// fill writes a file of zeros and removes it.
func fill(name string, n int) string {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return Errno(err)
	}
	defer os.Remove(name)
	defer f.Close()
	zeros := make([]byte, 1<<20)
	for range n / len(zeros) {
		if _, err := f.Write(zeros); err != nil {
			return Errno(err)
		}
	}
	return "through"
}

// fillPipes fills n pipes of 1 MiB (the largest for an ordinary user, pipe(7)), below his limit of 64 MiB.
func fillPipes(n int) string {
	zeros := make([]byte, 1<<20)
	for range n {
		var p [2]int
		if err := unix.Pipe2(p[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
			return Errno(err)
		}
		defer func() { unix.Close(p[0]); unix.Close(p[1]) }()
		if _, err := unix.FcntlInt(uintptr(p[1]), unix.F_SETPIPE_SZ, len(zeros)); err != nil {
			return "size-" + Errno(err)
		}
		if _, err := unix.Write(p[1], zeros); err != nil {
			return Errno(err)
		}
	}
	return "through"
}

// manyNames makes more files than an /tmp of Setup.TmpMB has inodes for.
func manyNames(in *Inside) string {
	dir := "/tmp/" + in.Mark + "-names"
	if err := os.Mkdir(dir, 0o700); err != nil {
		return Errno(err)
	}
	defer os.RemoveAll(dir)
	for i := range 64*in.Setup.TmpMB + 200 {
		f, err := os.Create(filepath.Join(dir, fmt.Sprint(i)))
		if err != nil {
			return Errno(err)
		}
		f.Close()
	}
	return "through"
}

// threadBomb starts threads that sleep. The Go runtime ends the process when it is refused one.
func threadBomb(*Inside) string {
	for range bomb {
		go func() {
			runtime.LockOSThread()
			_, _ = unix.Ppoll(nil, nil, nil)
		}()
	}
	for range 500 {
		if tasks, _ := filepath.Glob("/proc/self/task/*"); len(tasks) >= bomb {
			return "through"
		}
		time.Sleep(10 * time.Millisecond)
	}
	return "fewer"
}

// burn computes until it has had three times the processor time that its quota gives.
func burn(*Inside) string {
	const enough, limit = 150 * time.Millisecond, 1500 * time.Millisecond
	start := time.Now()
	var stop atomic.Bool
	defer stop.Store(true)
	for range runtime.NumCPU() {
		go func() {
			for !stop.Load() {
			}
		}()
	}
	used := func() time.Duration {
		var r unix.Rusage
		_ = unix.Getrusage(unix.RUSAGE_SELF, &r)
		return time.Duration(r.Utime.Nano() + r.Stime.Nano())
	}
	before := used()
	for time.Since(start) < limit {
		if used()-before > enough {
			return "through"
		}
		time.Sleep(10 * time.Millisecond)
	}
	return "throttled"
}

// childMemory has a child take twice the limit: tail keeps a line that does not end.
func childMemory(in *Inside) string {
	err := exec.Command("/bin/sh", "-c", fmt.Sprintf("head -c %dm /dev/zero | tail -n 1 >/dev/null", 2*in.Setup.MemoryMB)).Run()
	if err != nil {
		time.Sleep(5 * time.Second) // on a busy machine it takes a while until the others are ended, too
		return "child-only"
	}
	return "through"
}

func limitOf(which int, most uint64) string {
	var l unix.Rlimit
	if err := unix.Getrlimit(which, &l); err != nil {
		return Errno(err)
	}
	if l.Max > most {
		return "through"
	}
	return "limited"
}

func atMost(name string, which int, most uint64) Probe {
	return Probe{Name: name, Try: func(*Inside) string { return limitOf(which, most) }, Want: Saw{"limited": "limits"}, Through: []string{"through"}}
}

func addressSpace(*Inside) string {
	if limitOf(unix.RLIMIT_AS, 1<<62) == "limited" {
		return "limited"
	}
	return "unlimited"
}

// outputFlood writes 128 MiB without a newline into a file of the host and looks at what loadlock took for it.
func outputFlood(h *Host) string {
	f, err := os.CreateTemp("", h.Mark)
	if err != nil {
		return Errno(err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	const n = 128 << 20
	cmd := h.Loadlock("--", "/bin/sh", "-c", fmt.Sprintf("head -c %d /dev/zero", n))
	cmd.Stdout = f
	if err := cmd.Run(); err != nil {
		return exit(err)
	}
	info, err := f.Stat()
	if err != nil || info.Size() != n {
		return "lost"
	}
	// The largest that a process was counts what it was before execve(2): the size of this one. In KiB, getrusage(2).
	var self syscall.Rusage
	r, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &self); err != nil || !ok || r.Maxrss > n>>11 && r.Maxrss > self.Maxrss+n>>12 {
		return "grew"
	}
	return "whole-and-flat"
}

// blockedRead reads from a pipe that nobody writes to.
func blockedRead(h *Host) string {
	cmd := h.Loadlock("--timeout", "1", "--", "/bin/cat")
	in, err := cmd.StdinPipe()
	if err != nil {
		return Errno(err)
	}
	defer in.Close()
	return exit(cmd.Run())
}

// hugeHeader has a safetensors file say that its header is as long as a file can be.
func hugeHeader(h *Host) string {
	dir, err := os.MkdirTemp("", h.Mark)
	if err != nil {
		return Errno(err)
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "model.safetensors"), binary.LittleEndian.AppendUint64(nil, 1<<63-1), 0o644); err != nil {
		return Errno(err)
	}
	return exit(h.Loadlock("--model", dir, "--", "/bin/true").Run())
}

// tenRuns looks for what runs leave by their names: run folder and cgroups.
func tenRuns(h *Host) string {
	ids := map[string]bool{}
	for range 10 {
		r := reported(h, ":")
		if r.ID == "" || r.Status != 0 {
			return "no-report"
		}
		ids[r.ID] = true
	}
	saw := "nothing-left"
	for _, root := range []string{"/sys/fs/cgroup", "/run/loadlock", filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "loadlock"), filepath.Join(os.TempDir(), fmt.Sprintf("loadlock-%d", os.Getuid()))} {
		_ = filepath.WalkDir(root, func(_ string, e fs.DirEntry, err error) error {
			if err != nil {
				return nil
			}
			for id := range ids {
				if strings.Contains(e.Name(), id) {
					saw = "left"
				}
			}
			return nil
		})
	}
	return saw
}
