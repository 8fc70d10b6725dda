package isolate

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// processes lists what runs of a box: by the host ids that only it has as root, and by its name, which is an argument
// of the command in most tests, and the name of a supervisor that is killed.
func processes(s Spec) []string {
	var found []string
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		cmdline, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		status, err := os.ReadFile(filepath.Join(dir, "status"))
		if err != nil || bytes.Contains(status, []byte("\nState:\tZ")) {
			continue // gone, or a zombie that holds nothing any more
		}
		mine := bytes.Contains(cmdline, []byte(s.ID))
		for line := range strings.Lines(string(status)) {
			f := strings.Fields(line)
			if len(f) < 2 || f[0] != "Uid:" {
				continue
			}
			id, err := strconv.ParseUint(f[1], 10, 32)
			mine = mine || err == nil && uint32(id)-s.Host.IDBase <= workID
		}
		if mine {
			found = append(found, fmt.Sprintf("process %s %q", filepath.Base(dir), cmdline))
		}
	}
	return found
}

// folders lists the cgroups and mounts of a box, and its run folder.
func folders(s Spec) []string {
	var found []string
	for _, pattern := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/*"} {
		dirs, _ := filepath.Glob(filepath.Join(pattern, "*"+s.ID+"*"))
		found = append(found, dirs...)
	}
	mounts, _ := os.ReadFile("/proc/self/mountinfo")
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, s.RunDir) {
			found = append(found, line)
		}
	}
	if _, err := os.Lstat(s.RunDir); err == nil {
		found = append(found, s.RunDir)
	}
	return found
}

// wantNothingLeft waits for a box to vanish. The wait is for the kernel, which takes dead processes apart after
// their parent has heard of their end; it is bounded.
func wantNothingLeft(t *testing.T, s Spec) {
	t.Helper()
	left := within(func() []string { return append(processes(s), folders(s)...) })
	if left != nil {
		t.Errorf("left behind:\n%s", strings.Join(left, "\n"))
	}
}

// wantNoProcess is wantNothingLeft before anybody has removed the folders.
func wantNoProcess(t *testing.T, s Spec) {
	t.Helper()
	if left := within(func() []string { return processes(s) }); left != nil {
		t.Errorf("still running:\n%s", strings.Join(left, "\n"))
	}
}

// within asks until nothing is left, and returns what was left at the end.
func within(look func() []string) (left []string) {
	for range 100 {
		if left = look(); left == nil {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return left
}
