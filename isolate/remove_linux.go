package isolate

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/opencontainers/runc/libcontainer"
	"golang.org/x/sys/unix"
)

// Remove ends and removes what a killed supervisor left of a box: processes, cgroups, libcontainer's state. A
// supervisor can be killed before libcontainer wrote any state, so the cgroups are found by their name as well.
func Remove(stateRoot, id string) error {
	if c, err := libcontainer.Load(stateRoot, id); err == nil {
		if st, err := c.State(); err == nil {
			endLeftover(st.InitProcessPid, st.InitProcessStartTime)
		}
		_ = c.Destroy()
	}
	for _, dir := range leftoverCgroups(id) {
		if err := removeCgroup(dir); err != nil {
			return err // on v1 the others hold the same processes, and would be waited for again
		}
	}
	return nil
}

// endLeftover ends a process whose number may have passed to another one: what it holds by that number it looks at
// again, by the time at which the process started (clock ticks since boot, proc_pid_stat(5)).
func endLeftover(pid int, started uint64) {
	p, err := hold(pid)
	if err != nil {
		return
	}
	defer p.close()
	if p.started() == started {
		_ = p.kill()
		p.wait(2 * time.Second)
	}
}

func leftoverCgroups(id string) (dirs []string) {
	names := []string{"/sys/fs/cgroup/loadlock-" + id, "/sys/fs/cgroup/*/loadlock-" + id}
	if cg, err := FindCgroup(id); err == nil && !cg.Systemd {
		names = append(names, filepath.Join("/sys/fs/cgroup", cg.Path))
	}
	for _, n := range names {
		found, _ := filepath.Glob(n) // the only error is a bad pattern; id is hexadecimal
		dirs = append(dirs, found...)
	}
	return dirs
}

// removeCgroup kills every process of a group and removes its folder. On cgroup v2 the kernel does (cgroup.kill, Linux
// 5.14); on v1 nothing may be forked any more, and whoever is there is killed until nobody is. Killed processes leave
// their group a moment later, so it tries for a while.
func removeCgroup(dir string) error {
	_ = writeExisting(dir, "cgroup.kill", "1")
	_ = writeExisting(dir, "pids.max", "0")
	var err error
	for range 200 {
		for _, pid := range members(dir) {
			endMember(dir, pid)
		}
		if err = unix.Rmdir(dir); err == nil || errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return &os.PathError{Op: "rmdir", Path: dir, Err: err}
}

// writeExisting writes to one of the kernel's files, and makes none.
func writeExisting(dir, file, text string) error {
	f, err := os.OpenFile(filepath.Join(dir, file), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(text)
	return err
}

func members(dir string) (pids []int) {
	raw, _ := os.ReadFile(filepath.Join(dir, "cgroup.procs")) // a group that cannot be read is tried again
	for _, f := range strings.Fields(string(raw)) {
		if pid, err := strconv.Atoi(f); err == nil && pid > 1 {
			pids = append(pids, pid)
		}
	}
	return pids
}

// endMember kills a process that is still in the group once it is held: its number may have passed to another.
func endMember(dir string, pid int) {
	p, err := hold(pid)
	if err != nil {
		return
	}
	defer p.close()
	if slices.Contains(members(dir), pid) {
		_ = p.kill()
	}
}
