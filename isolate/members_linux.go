package isolate

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Kill ends everything in the box at once. It may be called at any time after Start.
func (b *Box) Kill() { b.kill() }

// Group is the box's folder of cgroup v2, empty where it has none: no cgroup, or v1.
func (b *Box) Group() string {
	if b.spec.Host.Cgroup == "" || !unified() {
		return ""
	}
	return b.groups().cgroups[""]
}

// Pids are the numbers of the box's processes in the supervisor's pid namespace, without pid 1, which is ours: those of
// its cgroup, or where there is none those below pid 1. A number may have passed to another process when it is used.
func (b *Box) Pids() ([]int, error) {
	first, err := b.process.Pid()
	if err != nil {
		return nil, fmt.Errorf("pid: %w", err)
	}
	if b.spec.Host.Cgroup == "" {
		return below(first)
	}
	dir := b.groups().cgroups["pids"]
	if dir == "" {
		dir = b.groups().cgroups[""]
	}
	raw, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	if err != nil {
		return nil, fmt.Errorf("processes of the box: %w", err)
	}
	var pids []int
	for _, f := range strings.Fields(string(raw)) {
		if pid, err := strconv.Atoi(f); err == nil && pid > 0 && pid != first {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// below are the processes that descend from one. Who loses its parent becomes a child of pid 1 of its namespace.
func below(first int) (pids []int, err error) {
	all, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	children := map[int][]int{}
	for _, e := range all {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if parent := parentOf(pid); parent > 0 {
			children[parent] = append(children[parent], pid)
		}
	}
	for next := children[first]; len(next) > 0; {
		pid := next[0]
		next = append(next[1:], children[pid]...)
		delete(children, pid) // numbers that changed hands meanwhile could make a ring
		pids = append(pids, pid)
	}
	slices.Sort(pids)
	return slices.Compact(pids), nil
}

// parentOf is field 4 of proc_pid_stat(5), 0 when there is none. The second field is in parentheses, with anything in it.
func parentOf(pid int) int {
	raw, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	f := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
	if len(f) < 2 {
		return 0
	}
	n, _ := strconv.Atoi(f[1])
	return n
}
