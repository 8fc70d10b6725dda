package isolate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A process that SIGKILL does not end, as one that waits in a driver: the freezer of cgroup v1 keeps it in the kernel, in
// state D, until it is thawed. The group is not the box's own, which libcontainer would thaw.
func freeze(t *testing.T, pid int) (thaw func()) {
	t.Helper()
	dir := filepath.Join("/sys/fs/cgroup/freezer", "loadlock-stand-in-"+strconv.Itoa(pid))
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	thaw = func() { _ = writeExisting(dir, "freezer.state", "THAWED") }
	t.Cleanup(func() {
		thaw()
		for range 100 {
			if unix.Rmdir(dir) == nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Errorf("%s stays", dir)
	})
	if err := errors.Join(writeExisting(dir, "cgroup.procs", strconv.Itoa(pid)), writeExisting(dir, "freezer.state", "FROZEN")); err != nil {
		t.Fatal(err)
	}
	for range 200 {
		if raw, _ := os.ReadFile(filepath.Join(dir, "freezer.state")); strings.TrimSpace(string(raw)) == "FROZEN" {
			return thaw
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("it does not freeze")
	return nil
}

func TestAProcessThatNothingEndsIsReportedAndNotWaitedForForEver(t *testing.T) {
	needBox(t)
	need(t, "root", "cgroup1")
	for _, tt := range []struct {
		what, script string
		victim       string // whose process freezes
		code         int
		signal       int
	}{
		{"a child of a command that ended by itself", "(sleep 1000 & echo $!); read x; exit 6", "sleep", 6, 0},
		{"the command itself, killed", "echo up; exec sleep 1000", "sleep", 0, 9},
	} {
		t.Run(tt.what, func(t *testing.T) {
			s, out := boxed(t, tt.script)
			in, feed, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer feed.Close()
			s.Stdin = in
			b, err := New(s)
			if err != nil {
				t.Fatal(err)
			}
			b.dying = 300 * time.Millisecond
			defer b.Close()
			if err := errors.Join(b.Start(context.Background()), b.Release()); err != nil {
				t.Fatal(err)
			}
			b.spec.Stdout.Close()
			if _, err := out.Read(make([]byte, 64)); err != nil {
				t.Fatal(err)
			}
			pid := named(t, b, tt.victim)
			thaw := freeze(t, pid)
			if tt.signal != 0 {
				b.Kill()
			}
			fmt.Fprintln(feed, "on")

			exit, err := b.Wait(context.Background())
			if err != nil || exit.Code != tt.code || exit.Signal != tt.signal {
				t.Errorf("%+v: %v", exit, err)
			}
			i := slices.IndexFunc(exit.Stuck, func(s Stuck) bool { return s.Pid == pid })
			if i < 0 || exit.Stuck[i].Name != "sleep" || exit.Stuck[i].State != "D" {
				t.Errorf("stuck: %+v, want process %d in state D", exit.Stuck, pid)
			}
			var stuck *StuckError
			if err := b.Close(); !errors.As(err, &stuck) || !strings.Contains(stuck.Error(), fmt.Sprintf("%d \"sleep\" (D)", pid)) {
				t.Errorf("Close: %v", err)
			}
			if _, err := os.Stat(filepath.Join(s.RunDir, "state")); err != nil {
				t.Errorf("what the next call looks for is gone: %v", err)
			}

			thaw()
			if err := Remove(b.stateRoot(), s.ID); err != nil {
				t.Error(err)
			}
			if err := os.RemoveAll(s.RunDir); err != nil {
				t.Error(err)
			}
			wantNothingLeft(t, s)
		})
	}
}

// What takes a while and then ends is no survivor.
func TestAProcessThatTakesLongToEndIsWaitedFor(t *testing.T) {
	needBox(t)
	need(t, "root", "cgroup1")
	s, out := boxed(t, "echo up; exec sleep 1000")
	b := started(t, s)
	if _, err := io.ReadFull(out, make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	thaw := freeze(t, named(t, b, "sleep"))
	b.Kill()
	time.AfterFunc(400*time.Millisecond, thaw)
	if exit, err := b.Wait(context.Background()); err != nil || exit.Signal != 9 || exit.Stuck != nil {
		t.Errorf("%+v: %v", exit, err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

// named waits for the one process of a box with this name.
func named(t *testing.T, b *Box, name string) int {
	t.Helper()
	for range 500 {
		pids, err := b.Pids()
		if err != nil {
			t.Fatal(err)
		}
		for _, pid := range pids {
			if raw, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); string(raw) == name+"\n" {
				return pid
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("no process %s", name)
	return 0
}

// The numbers are the box's processes, all of them and nobody else, with a cgroup and without one.
func TestPidsAreTheProcessesOfTheBox(t *testing.T) {
	needBox(t)
	for _, without := range []bool{false, true} {
		s, out := boxed(t, "sleep 1000 & (setsid sleep 2000 & ) ; echo up; exec sleep 3000")
		if without {
			s.Host.Cgroup, s.Sandbox.UnsafeOptional = "", []string{"cgroup"}
		}
		b := started(t, s)
		if _, err := io.ReadFull(out, make([]byte, 3)); err != nil {
			t.Fatal(err)
		}
		var got []string
		for range 100 { // sh forks, then executes
			pids, err := b.Pids()
			if err != nil {
				t.Fatal(err)
			}
			got = nil
			for _, pid := range pids {
				raw, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
				got = append(got, strings.TrimSuffix(string(raw), "\x00"))
			}
			slices.Sort(got)
			if len(got) == 3 && !slices.ContainsFunc(got, func(s string) bool { return !strings.HasPrefix(s, "sleep") }) {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		if want := []string{"sleep\x001000", "sleep\x002000", "sleep\x003000"}; !slices.Equal(got, want) {
			t.Errorf("cgroup %q: %q, want %q", s.Host.Cgroup, got, want)
		}
		b.Kill()
		if exit, err := b.Wait(context.Background()); err != nil || exit.Signal != 9 {
			t.Errorf("%+v: %v", exit, err)
		}
	}
}
