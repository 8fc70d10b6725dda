package isolate

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
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
		_ = c.Signal(unix.SIGKILL)
		_ = c.Destroy()
	}
	var errs []error
	for _, dir := range leftoverCgroups(id) {
		errs = append(errs, removeCgroup(dir))
	}
	return errors.Join(errs...)
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

// removeCgroup kills every process of a group and removes its folder. Killed processes leave their group a
// moment later, so it tries for a while.
func removeCgroup(dir string) error {
	var err error
	for range 100 {
		raw, _ := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
		for _, f := range strings.Fields(string(raw)) {
			if pid, convErr := strconv.Atoi(f); convErr == nil && pid > 1 {
				_ = unix.Kill(pid, unix.SIGKILL)
			}
		}
		if err = unix.Rmdir(dir); err == nil || errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return &os.PathError{Op: "rmdir", Path: dir, Err: err}
}
