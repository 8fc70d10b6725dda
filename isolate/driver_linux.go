package isolate

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// With a GPU, the whole of /proc/driver is what the plan says (gpu.Plan.Proc): the driver's own folder there names every
// GPU of the host, and has files that are written. Without one, or with one whose driver has nothing there, it is masked.
//
// The files are written into the box's root, and bound on /proc/driver. libcontainer mounts nothing below /proc (it would
// do so for whoever writes a spec), so the mount is made by a hook of ours (driver_linux.c): in the box's own namespaces
// before anything else runs there, with the capabilities that the box's own root has there, with a fixed environment, and
// without a path of anybody's in it. Neither the host's root nor its namespaces are in play, as they would be for a helper
// that joins the box from outside.

// driverPath is where the files lie in the box's root.
const driverPath = "/.loadlock/driver"

func driverHook() *specs.Hooks {
	return &specs.Hooks{CreateContainer: []specs.Hook{{
		Path: "/proc/self/exe", Args: []string{driverPath},
		Env: []string{"PATH=/"}, // not empty: that would be libcontainer's own
	}}}
}

// observeDriver compares the /proc/driver of the box with the plan: every file, its text, and that nothing can be changed.
func observeDriver(root string, want map[string]string) error {
	var mnt unix.Statfs_t
	dir := filepath.Join(root, "proc/driver")
	if err := unix.Statfs(dir, &mnt); err != nil {
		return fmt.Errorf("/proc/driver: %w", err)
	}
	const locked = unix.ST_RDONLY | unix.ST_NOSUID | unix.ST_NODEV | unix.ST_NOEXEC
	switch {
	case mnt.Type == unix.PROC_SUPER_MAGIC:
		return errors.New("/proc/driver is the kernel's own")
	case mnt.Flags&locked != locked:
		return fmt.Errorf("/proc/driver is mounted with flags %#x, without one of ro, nosuid, nodev, noexec", mnt.Flags)
	}
	saw := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, _ := filepath.Rel(dir, p) // p lies below dir
		if !d.Type().IsRegular() {
			return fmt.Errorf("%s is no file", path.Join("/proc/driver", name))
		}
		text, err := os.ReadFile(p)
		saw[name] = string(text)
		return err
	})
	if err != nil {
		return fmt.Errorf("/proc/driver: %w", err)
	}
	if !maps.Equal(saw, want) {
		return fmt.Errorf("/proc/driver holds other files than the plan says, or with other texts: %q, %q", slices.Sorted(maps.Keys(saw)), slices.Sorted(maps.Keys(want)))
	}
	return nil
}
