package isolate

import (
	"fmt"
	"strconv"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// limitsLayer sets per-process limits (getrlimit(2)) for what cgroups do not count. There is no RLIMIT_AS: a
// process that reserves much and touches little, such as torch, hangs under it.
var limitsLayer = Layer{
	Name: "limits", Doc: "core dumps, locked memory, queues, descriptors and CPU time",
	Remedy: "sysctl kernel.core_pattern=core, so that a crash starts no program of the host; or run where ulimit -Hc is not 0",
	Probe:  func() error { return nil },
	Configure: func(oci *specs.Spec, s Spec) error {
		if s.GPU.Granted() {
			if err := enoughForGPU(atMost(unix.RLIMIT_NOFILE, fewestGPUFiles)); err != nil {
				return err
			}
		}
		for _, l := range rlimits(s) {
			oci.Process.Rlimits = append(oci.Process.Rlimits, specs.POSIXRlimit{Type: l.oci, Soft: l.max, Hard: l.max})
		}
		return nil
	},
	Observe: func(v View, s Spec) (Strength, string) {
		for _, l := range rlimits(s) {
			// Lower is fine: on cgroup v2 libcontainer raises the supervisor's own RLIMIT_MEMLOCK, which atMost
			// read before, to load the device list.
			if got, err := strconv.ParseUint(v.rlimit(l.proc), 10, 64); err != nil || got > l.max {
				return Partial, fmt.Sprintf("%s is %s, not %d", l.oci, v.rlimit(l.proc), l.max)
			}
		}
		if got := oomScoreAdj(v.dir); got < workloadOOM() {
			return Partial, fmt.Sprintf("oom_score_adj is %d: out of memory, the kernel might end the supervisor first", got)
		}
		if coreLimit() == 0 && corePiped() {
			return Partial, "the hard limit of core files is 0, which does not keep a crash from starting the program of kernel.core_pattern (core(5))"
		}
		return Full, ""
	},
}

// fewestGPUFiles is how many descriptors CUDA needs at the most, by experience.
const fewestGPUFiles = 4096

func enoughForGPU(files uint64) error {
	if files >= fewestGPUFiles {
		return nil
	}
	return &LayerError{Layer: "limits", Remedy: fmt.Sprintf("ulimit -Hn %d", fewestGPUFiles),
		Err: fmt.Errorf("the limit of open files is %d, a GPU's libraries need %d", files, fewestGPUFiles)}
}

type rlimit struct {
	oci, proc string // name in the OCI spec, and in /proc/<pid>/limits
	max       uint64
}

func rlimits(s Spec) []rlimit {
	ls := []rlimit{
		{"RLIMIT_CORE", "Max core file size", coreLimit()},
		{"RLIMIT_MEMLOCK", "Max locked memory", atMost(unix.RLIMIT_MEMLOCK, 64<<20)},
		{"RLIMIT_MSGQUEUE", "Max msgqueue size", 0},
		{"RLIMIT_NOFILE", "Max open files", atMost(unix.RLIMIT_NOFILE, 65536)},
		{"RLIMIT_SIGPENDING", "Max pending signals", atMost(unix.RLIMIT_SIGPENDING, 1024)},
	}
	if t := s.Sandbox.CPUTimeSec; t > 0 {
		ls = append(ls, rlimit{"RLIMIT_CPU", "Max cpu time", uint64(t)})
	}
	return ls
}
