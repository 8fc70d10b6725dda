package attack

import (
	"bytes"

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
			NotHere: "no layer limits the rate of input and output. Only memory is written by default, within R-03; a folder of --rw can be written as fast as the disk takes it",
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
			ID: "R-14", Title: "holds a GPU's memory, or computes on it for ever", Layers: []string{Ours}, Needs: []string{"nvidia", "python"}, Refs: []string{"CVE-2023-4969"},
			NoWithout: "it takes a GPU. No cgroup limits its time, and its memory only dmem or MIG: the time limit (R-06) ends the process, and what it held must be free",
			Probes:    []Probe{{Name: "all-memory", Drive: heldMemory, Want: Saw{"freed": Ours}}},
		},
	}
}
