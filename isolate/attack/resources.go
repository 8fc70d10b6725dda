package attack

import (
	"bytes"
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

// resources are attacks on memory, processes, disk and time.
func resources() []Check {
	memory := func(name string, try func(*Inside) string) Probe {
		return Probe{Name: name, Try: try, Want: Saw{"oom": "cgroup"}, Through: []string{"through"}}
	}
	limits := []string{"cgroup"}
	const bounded = "there is nothing to take away"
	return []Check{
		{
			ID: "R-01", Title: "takes twice the memory it may have", Layers: limits, Needs: limits, Setup: Setup{MemoryMB: 48, Alone: "R-01"},
			Probes: []Probe{
				memory("allocate", func(in *Inside) string { touch(make([]byte, 2*in.Setup.MemoryMB<<20)); return "through" }),
				{Name: "reported", Look: func(_ *Host, e Ended) string {
					if !e.OOM || e.Signal != int(unix.SIGKILL) || e.PeakMemory <= 0 {
						return "not-reported"
					}
					return "oom-with-peak"
				}, Want: Saw{"oom-with-peak": ""}},
			},
		},
		{
			ID: "R-02", Title: "takes memory where no process shows it: files in memory, /tmp, /dev/shm, pipes", Layers: limits, Needs: limits,
			Setup: Setup{MemoryMB: 40, TmpMB: 120, ShmMB: 120, Alone: "R-02"},
			Probes: []Probe{
				memory("shm", func(in *Inside) string { return fill("/dev/shm/"+in.Mark, 80<<20) }),
				memory("tmp", func(in *Inside) string { return fill("/tmp/"+in.Mark, 80<<20) }),
				memory("pipes", func(*Inside) string { return fillPipes(58) }),
			},
		},
		{
			ID: "R-03", Title: "fills the disk: bytes, then names", Layers: []string{"mount"}, Setup: Setup{TmpMB: 4, Alone: "R-03"},
			Probes: []Probe{
				{Name: "bytes", Try: func(in *Inside) string { return fill("/tmp/"+in.Mark, 16<<20) }, Want: Saw{"ENOSPC": "mount"}, Through: []string{"through"}},
				{Name: "names", Try: manyNames, Want: Saw{"ENOSPC": "mount"}, Through: []string{"through"}},
			},
		},
		{
			ID: "R-04", Title: "writes without end and without a newline", Needs: []string{"subprocess"}, Layers: []string{Ours}, NoWithout: "what is attacked is how loadlock copies, which has no switch",
			Probes: []Probe{{Name: "flood", Drive: outputFlood, Want: Saw{"whole-and-flat": Ours}}},
		},
		{
			ID: "R-05", Title: "computes on every processor", Layers: limits, Needs: limits, Setup: Setup{CPUs: 0.05, Alone: "R-05"},
			Probes: []Probe{{Name: "burn", Try: burn, Want: Saw{"throttled": "cgroup"}, Through: []string{"through"}}},
		},
		{
			ID: "R-06", Title: "sleeps for ever", Needs: []string{"subprocess"}, Layers: []string{Ours}, NoWithout: "what is attacked is how loadlock supervises, which has no switch",
			Probes: []Probe{{Name: "sleep", Drive: func(h *Host) string { return ends(h, "exec sleep 60", "--timeout", "1") }, Want: Saw{"exit-124": Ours}},
				{Name: "read", Drive: blockedRead, Want: Saw{"exit-124": Ours}}},
		},
		{
			ID: "R-07", Title: "storms the disk: a million files, renames, fsync",
			NotHere: "no layer limits the rate of input and output. Only memory is written by default, within R-03; a folder of --output or --rw can be written as fast as the disk takes it",
		},
		{
			ID: "R-08", Title: "has only a child run out of memory, and says that all is well", Layers: limits, Needs: []string{"cgroup", "subprocess"}, Setup: Setup{MemoryMB: 48, Alone: "R-08"},
			Probes: []Probe{memory("child", childMemory)},
		},
		{
			ID: "R-09", Title: "has validation run out of memory or time: a header of 2^63 bytes", Layers: []string{Ours}, NoWithout: "validation has no switch; its limits have tests with larger bombs (runner, validate)",
			Probes: []Probe{{Name: "header", Drive: hugeHeader, Want: Saw{"exit-121": Ours, "exit-122": Ours}}},
		},
		{
			ID: "R-10", Title: "hangs under a limit of address space, as torch does", NoWithout: bounded,
			Probes: []Probe{{Name: "address-space", Try: addressSpace, Want: Saw{"unlimited": ""}, Benign: true}}, // memory is limited by R-01
		},
		{
			ID: "R-11", Title: "is run again and again, to leave something each time", Needs: []string{"subprocess"}, Layers: []string{Ours}, NoWithout: "the end of a run has no switch; thousands of runs are a test of runner",
			Probes: []Probe{{Name: "ten-runs", Drive: tenRuns, Want: Saw{"nothing-left": Ours}}},
		},
		{
			ID: "R-12", Title: "uses up what the kernel counts per user: queues, signals, locked memory", Layers: []string{"limits"}, WithoutNeeds: []string{"core-limit"},
			Probes: []Probe{
				atMost("queues", rlimitMsgqueue, 0), atMost("signals", rlimitSigpending, 1024),
				{Name: "raise", Try: func(*Inside) string {
					return Call(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_CORE, bytes.Repeat([]byte{0xff}, 16), nil)
				},
					Want: Saw{"EPERM": "limits"}, Through: []string{"through"}},
				{Name: "locked", Try: func(*Inside) string { return limitOf(unix.RLIMIT_MEMLOCK, 64<<20) }, Want: Saw{"limited": ""}, Benign: true}, // often 8 MiB before
				{Name: "descriptors", Try: func(*Inside) string { return limitOf(unix.RLIMIT_NOFILE, 65536) }, Want: Saw{"limited": ""}, Benign: true},
			},
		},
		{
			ID: "R-13", Title: "floods the kernel's log", Layers: []string{"seccomp"},
			NotHere: "the log cannot be told from what the host writes there; refusals are errnos, which the kernel does not log, and the tests of seccomp compare every action of the filter",
		},
		{
			ID: "R-14", Title: "holds a GPU's memory, or computes on it for ever", Needs: []string{"gpu"},
			NotHere: "no cgroup limits a GPU's memory or time; the time limit of the run (R-06) ends the process that holds it",
		},
	}
}

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
