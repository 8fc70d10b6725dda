package isolate

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// CPUTime is the processor time that the box has used so far: the cgroup's count, or where there is none the sum
// over its processes of today and those they have waited for. It does not change after Wait.
func (b *Box) CPUTime() time.Duration {
	if ns := b.cgroupCPU(); ns > 0 {
		return time.Duration(ns)
	}
	pid, err := b.process.Pid()
	if err != nil {
		return 0
	}
	return time.Duration(treeTicks(pid, 0)) * (time.Second / userHZ)
}

// cgroupCPU is in nanoseconds, 0 when there is no cgroup or it does not count.
func (b *Box) cgroupCPU() int64 {
	if b.spec.Host.Cgroup == "" {
		return 0
	}
	if ns := b.groups().cgroupNumber("cpuacct", "cpuacct.usage"); ns > 0 {
		return ns
	}
	return 1000 * max(0, b.groups().cgroupKey("", "cpu.stat", "usage_usec"))
}

// groups are the folders of the box's cgroup, asked for once.
func (b *Box) groups() View {
	b.cgroupOnce.Do(func() {
		if st, err := b.container.State(); err == nil {
			b.cgroup = View{cgroups: st.CgroupPaths}
		}
	})
	return b.cgroup
}

// userHZ is the unit of times in proc_pid_stat(5), ticks per second; the same on amd64 and arm64.
const userHZ = 100

// maxTree bounds the depth that treeTicks goes to: a hostile chain of processes can be as long as the pids limit.
const maxTree = 64

// treeTicks adds up utime, stime, cutime and cstime of a process and of what it has started. Who loses its parent
// becomes a child of pid 1, so every process of the box is below it.
func treeTicks(pid, depth int) (ticks int64) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil || depth > maxTree {
		return 0
	}
	// The name, in parentheses, may hold anything; fields are counted from the one after it, which is the third.
	f := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
	if len(f) < 15 {
		return 0
	}
	for _, field := range f[11:15] {
		n, _ := strconv.ParseInt(field, 10, 64)
		ticks += n
	}
	tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	for _, t := range tasks {
		children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, t.Name())) // CONFIG_PROC_CHILDREN
		for child := range strings.FieldsSeq(string(children)) {
			if n, err := strconv.Atoi(child); err == nil {
				ticks += treeTicks(n, depth+1)
			}
		}
	}
	return ticks
}
