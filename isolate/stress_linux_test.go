package isolate

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// census counts what a run could leave behind: of this process, and of the boxes of this test.
func census(t *testing.T, ids, folder string) map[string]int {
	t.Helper()
	children, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil || len(children) == 0 {
		t.Fatal("the kernel does not list children (CONFIG_PROC_CHILDREN)")
	}
	count := map[string]int{"goroutines": runtime.NumGoroutine()}
	for _, file := range children {
		raw, _ := os.ReadFile(file) // a thread that has ended has none
		count["processes"] += len(strings.Fields(string(raw)))
	}
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	count["descriptors"] = len(fds)
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	count["mounts"] = strings.Count(string(mounts), folder)
	for _, depth := range []string{"", "*/", "*/*/", "*/*/*/"} {
		groups, _ := filepath.Glob("/sys/fs/cgroup/" + depth + "*" + ids + "*")
		count["cgroups"] += len(groups)
	}
	_ = filepath.WalkDir(folder, func(string, os.DirEntry, error) error { count["files"]++; return nil })
	// Of the workloads: their ids are those of nobody on the host.
	for _, kind := range []string{"shm", "sem", "msg"} {
		raw, _ := os.ReadFile("/proc/sysvipc/" + kind)
		creator := slices.Index(strings.Fields(string(raw)), "cuid")
		for line := range strings.Lines(string(raw)) {
			if f := strings.Fields(line); creator > 0 && creator < len(f) {
				if id, err := strconv.ParseUint(f[creator], 10, 64); err == nil && id >= uint64(idsOf(0)) && id < 0x70000000 {
					count["System V IPC"]++
				}
			}
		}
	}
	return count
}

// oneRun is a whole life of a box, with a daemon that is left behind when its number says so.
func oneRun(ids, folder string, n int) error {
	s, err := plainSpec(filepath.Join(folder, fmt.Sprint(n)), nil)
	if err != nil {
		return err
	}
	defer s.Stdin.Close()
	id := fmt.Sprintf("%s-%d", ids, n)
	s.Host.Cgroup, s.ID = strings.Replace(s.Host.Cgroup, s.ID, id, 1), id
	s.Args = []string{"/bin/true"}
	want := 0
	switch {
	case n%10 == 0:
		s.Args, want = []string{"/bin/sh", "-c", "setsid sleep 1000 & exit 3"}, 3
	case n%25 == 7 && s.Host.Cgroup != "":
		s.Sandbox.MemoryMB, s.Args = 16, []string{"/bin/sh", "-c", "for i in 1 2 3 4; do head -c 64000000 /dev/zero | tail & done; wait"}
	}
	b, err := New(s)
	if err != nil {
		return err
	}
	defer b.Close()
	if err := b.Start(context.Background()); err != nil {
		return err
	}
	if err := b.Release(); err != nil {
		return err
	}
	exit, err := b.Wait(context.Background())
	switch {
	case err != nil:
		return err
	case exit.OOM && s.Sandbox.MemoryMB == 16:
	case exit.Code != want || exit.Signal != 0 || exit.Survivors != want/3:
		return fmt.Errorf("%+v", exit)
	}
	return b.Close()
}

// Runs one after the other, and some beside each other, leave as much as was there before. The machine's count of
// processes is no business of this test: other tests run beside it.
func TestManyRunsLeaveNothing(t *testing.T) {
	needBox(t)
	sequential, beside, each := 1000, 8, 50
	if testing.Short() || os.Geteuid() != 0 { // CI has been here as root
		sequential, beside, each = 101, 4, 10
	}
	ids, folder := fmt.Sprintf("stress%d", os.Getpid()), openDir(t)
	for n := range 5 { // what is made once: pollers, threads, caches
		if err := oneRun(ids, folder, -1-n); err != nil {
			t.Fatal(err)
		}
	}
	before := census(t, ids, folder)
	began := time.Now()
	// The collector closes files that were forgotten: at first it does not run, and they are seen.
	collector := debug.SetGCPercent(-1)
	for n := range sequential {
		if n == 100 {
			debug.SetGCPercent(collector)
			asBefore(t, before, func() map[string]int { return census(t, ids, folder) })
		}
		if err := oneRun(ids, folder, n); err != nil {
			t.Fatalf("run %d: %v", n, err)
		}
	}
	inOrder := time.Since(began)
	began = time.Now()
	var all sync.WaitGroup
	for lane := range beside {
		all.Go(func() {
			for n := range each {
				if err := oneRun(ids, folder, sequential+lane*each+n); err != nil {
					t.Errorf("lane %d, run %d: %v", lane, n, err)
					return
				}
			}
		})
	}
	all.Wait()
	t.Logf("%d runs in order: %.1f ms each; %d × %d beside each other: %.1f ms each", sequential, float64(inOrder.Milliseconds())/float64(sequential),
		beside, each, float64(time.Since(began).Milliseconds())/float64(beside*each))
	asBefore(t, before, func() map[string]int { return census(t, ids, folder) })
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err == nil {
		t.Logf("most memory of the supervisor: %d KiB", usage.Maxrss)
	}
}

// asBefore waits for the kernel to take apart what has ended.
func asBefore(t *testing.T, before map[string]int, count func() map[string]int) {
	t.Helper()
	left := within(func() (more []string) {
		for what, n := range count() {
			if n > before[what] {
				more = append(more, fmt.Sprintf("%s: %d before, %d after", what, before[what], n))
			}
		}
		slices.Sort(more)
		return more
	})
	if left == nil {
		return
	}
	fds, _ := os.ReadDir("/proc/self/fd")
	for _, fd := range fds {
		to, _ := os.Readlink("/proc/self/fd/" + fd.Name())
		left = append(left, fd.Name()+" → "+to)
	}
	t.Error(strings.Join(left, "\n"))
}
