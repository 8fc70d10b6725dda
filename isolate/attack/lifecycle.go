package attack

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// lifecycle are attacks on other processes, and on the end of a run. Most are made by starting loadlock.
func lifecycle() []Check {
	const supervised = "what is attacked is how loadlock supervises, which has no switch; the tests of isolate and runner kill each part of it"
	drive := func(name, word string, f func(*Host) string) Probe {
		return Probe{Name: name, Drive: f, Want: Saw{word: Ours}}
	}
	ours := []string{Ours}
	return []Check{
		{
			ID: "L-01", Title: "kills every process it may", Needs: []string{"subprocess"}, Layers: []string{"pid"}, Setup: Setup{Alone: "L-01"},
			NoWithout: "it would end every process of this machine",
			Probes: []Probe{
				{Name: "kill-all", Try: func(*Inside) string { return Call(unix.SYS_KILL, -1, int(unix.SIGKILL)) }, Want: Saw{"SIGKILL": "pid"}}, // itself
				{Name: "marker-lives", Look: func(h *Host, _ Ended) string { return Errno(unix.Kill(h.PID, 0)) }, Want: Saw{"through": ""}},
			},
		},
		{
			ID: "L-02", Title: "traces, reads and takes from other processes", Layers: []string{"seccomp", "pid"}, Refs: []string{"CVE-2016-9962"},
			Probes: []Probe{
				refused("traceme", "EPERM", unix.SYS_PTRACE, 0, 0, 0, 0),
				refused("attach", "EPERM", unix.SYS_PTRACE, unix.PTRACE_ATTACH, -1, 0, 0), // pid 1 would stay stopped
				refused("seize-pid1", "EPERM", unix.SYS_PTRACE, unix.PTRACE_SEIZE, 1, 0, 0),
				refused("read-memory", "EPERM", unix.SYS_PROCESS_VM_READV, 1, nil, 0, nil, 0, 0),
				refused("write-memory", "EPERM", unix.SYS_PROCESS_VM_WRITEV, 1, nil, 0, nil, 0, 0),
				refused("take-descriptor", "ENOSYS", unix.SYS_PIDFD_GETFD, -1, 0, 0),
				refused("compare", "EPERM", unix.SYS_KCMP, 1, 1, 99, 0, 0),
				{Name: "pid1-memory", Try: func(*Inside) string { return open("/proc/1/mem") }, Want: Saw{"EACCES": "", "EPERM": ""}, Benign: true}, // not dumpable
			},
		},
		{
			ID: "L-03", Title: "leaves a daemon behind when it ends", Needs: []string{"subprocess"}, Layers: []string{"pid"}, Setup: Setup{Alone: "L-03"},
			NoWithout: "outside a pid namespace it would be left on this machine",
			Probes: []Probe{
				{Name: "leave", Try: leaveDaemon, Want: Saw{"left": ""}, Benign: true},
				{Name: "survivors", Look: func(h *Host, _ Ended) string { return h.gone(100*time.Millisecond, h.Mark, `"Alone":"L-03"`) }, Want: Saw{"gone": "pid"}, Through: []string{"alive"}},
			},
		},
		{
			ID: "L-04", Title: "lives on when loadlock is killed", Needs: []string{"subprocess"}, Layers: ours, NoWithout: supervised,
			Probes: []Probe{drive("sigkill", "gone", killedSupervisor)},
		},
		{
			ID: "L-05", Title: "has the host's memory run out, so that loadlock is killed", Layers: ours,
			NotHere: "filling the memory of a user's machine is not done; the kernel's OOM killer sends SIGKILL, which is L-04",
		},
		{
			ID: "L-06", Title: "forks without end", Layers: []string{"cgroup"}, Needs: []string{"subprocess", "cgroup"}, Setup: Setup{Pids: 40, Alone: "L-06"},
			Probes: []Probe{
				{Name: "fork", Try: forkBomb, Want: Saw{"EAGAIN": "cgroup"}, Through: []string{"through"}},
				{Name: "reported", Look: pidsReported, Want: Saw{"counted": ""}},
				{Name: "host-forks", Look: func(*Host, Ended) string { return Errno(exec.Command("/bin/true").Run()) }, Want: Saw{"through": ""}},
			},
		},
		{
			ID: "L-07", Title: "starts threads without end", Layers: []string{"cgroup"}, Needs: []string{"cgroup"}, Setup: Setup{Pids: 40, Alone: "L-07"},
			Probes: []Probe{
				{Name: "threads", Try: threadBomb, Want: Saw{"SIGABRT": "cgroup", "exit-2": "cgroup"}, Through: []string{"through"}},
				{Name: "reported", Look: pidsReported, Want: Saw{"counted": ""}},
			},
		},
		{
			ID: "L-08", Title: "ignores the signal to end", Needs: []string{"subprocess"}, Layers: ours, NoWithout: supervised,
			Probes: []Probe{drive("ignore", "exit-124", func(h *Host) string {
				return ends(h, "trap '' TERM INT HUP; while :; do sleep 1; done", "--timeout", "1")
			})},
		},
		{
			ID: "L-09", Title: "stops itself, so that no signal is handled", Needs: []string{"subprocess"}, Layers: ours, NoWithout: supervised,
			Probes: []Probe{drive("stop", "exit-124", func(h *Host) string { return ends(h, "kill -STOP $$", "--timeout", "1") })},
		},
		{
			ID: "L-10", Title: "ends at the very moment of the time limit", Needs: []string{"subprocess"}, Layers: ours, NoWithout: supervised,
			Probes: []Probe{drive("race", "one-reason", oneReason)},
		},
		{
			ID: "L-11", Title: "has another process hit by a signal through a reused number", Layers: ours,
			NotHere: "numbers cannot be made to come round in a run; pid 1, which alone signals the command, has not reaped it then, and an unreaped number is not reused",
		},
		{
			ID: "L-12", Title: "ends with a status that looks like loadlock's own", Needs: []string{"subprocess"}, Layers: ours, NoWithout: supervised,
			Probes: []Probe{drive("statuses", "told-apart", ownStatuses)},
		},
		{
			ID: "L-13", Title: "is started by a caller that ignores SIGCHLD", Needs: []string{"subprocess"}, Layers: ours, NoWithout: supervised,
			Probes: []Probe{drive("ignored", "exit-0", func(h *Host) string {
				cmd := h.Loadlock("--", "/bin/true")
				return exit(exec.Command("/bin/sh", append([]string{"-c", `trap '' CHLD; exec "$@"`, "sh"}, cmd.Args...)...).Run())
			})},
		},
		{
			ID: "L-14", Title: "is terminated: SIGTERM to loadlock", Needs: []string{"subprocess"}, Layers: ours, NoWithout: supervised,
			Probes: []Probe{drive("sigterm", "exit-143", terminated)},
		},
		{
			ID: "L-15", Title: "is started without standard streams", Needs: []string{"subprocess"}, Layers: ours, NoWithout: supervised,
			Probes: []Probe{drive("closed", "exit-0", func(h *Host) string {
				cmd := h.Loadlock("--", "/bin/sh", "-c", "test -e /dev/fd/0 && test -e /dev/fd/1 && test -e /dev/fd/2")
				return exit(exec.Command("/bin/sh", append([]string{"-c", `exec "$@" <&- >&- 2>&-`, "sh"}, cmd.Args...)...).Run())
			})},
		},
		{
			ID: "L-16", Title: "outlives its limit because the host's clock jumps", Layers: ours,
			NotHere: "setting the clock of a user's machine is not done; the limit is a Go timer, which runs on the monotonic clock (package time)",
		},
	}
}

func open(name string) string {
	f, err := os.Open(name)
	if err == nil {
		f.Close()
	}
	return Errno(err)
}

// leaveDaemon starts processes that are nobody's children when the payload ends.
func leaveDaemon(*Inside) string {
	if _, why := Fork(2, unix.SYS_PPOLL, nil, 0, nil, nil, 8); why != "through" {
		return why
	}
	return "left"
}

// gone waits for every process with the words in its arguments to end. Payloads of other checks run at the same time.
func (h *Host) gone(limit time.Duration, words ...string) string {
	for end := time.Now().Add(limit); ; time.Sleep(10 * time.Millisecond) {
		if len(h.survivors(words...)) == 0 {
			return "gone"
		}
		if time.Now().After(end) {
			return "alive"
		}
	}
}

// bomb is how many processes or threads are tried: more than Setup.Pids.
const bomb = 100

func forkBomb(*Inside) string {
	spareThreads()
	pids, why := Fork(bomb, unix.SYS_PPOLL, nil, 0, nil, nil, 8)
	Reap(pids)
	return why
}

// spareThreads has the Go runtime make threads before there can be no more: it ends the program when it wants one and is
// refused.
func spareThreads() {
	var busy sync.WaitGroup
	for range 8 {
		busy.Go(func() { _ = unix.Nanosleep(&unix.Timespec{Nsec: 20_000_000}, nil) })
	}
	busy.Wait()
}

func pidsReported(_ *Host, e Ended) string {
	if e.PidsDenied > 0 {
		return "counted"
	}
	return "not-counted"
}

// exit is the observation for how a program of the host ended.
func exit(err error) string {
	var e *exec.ExitError
	switch {
	case err == nil:
		return "exit-0"
	case errors.As(err, &e) && e.Exited():
		return "exit-" + strconv.Itoa(e.ExitCode())
	case errors.As(err, &e):
		return unix.SignalName(e.Sys().(interface{ Signal() unix.Signal }).Signal())
	}
	return "not-started"
}

// ends runs a shell script in a box and says how loadlock ended.
func ends(h *Host, script string, flags ...string) string {
	return exit(h.Loadlock(append(flags, "--", "/bin/sh", "-c", script)...).Run())
}

// reported runs a shell script in a box and returns the report.
func reported(h *Host, script string, flags ...string) report {
	return h.run(nil, []string{"/bin/sh", "-c", script}, flags...).Report
}

// oneReason ends a command about when its time is over: the report must give one reason, and never "ok" for what was
// ended.
func oneReason(h *Host) string {
	for _, nap := range []string{"0.97", "1", "1.03"} {
		r := reported(h, "exec sleep "+nap, "--timeout", "1")
		switch {
		case r.Exit == nil:
			return "no-report"
		case r.Exit.TimedOut && r.Status != 124, !r.Exit.TimedOut && (r.Status != 0 || r.Exit.Signal != 0):
			return "two-reasons"
		}
	}
	return "one-reason"
}

func ownStatuses(h *Host) string {
	for _, code := range []int{121, 122, 124, 125, 126, 127, 137} {
		r := reported(h, fmt.Sprint("exit ", code))
		if r.Exit == nil {
			return "no-report"
		}
		if r.Exit.Code != code || r.Status != code || r.Exit.OOM || r.Exit.TimedOut || r.Exit.Signal != 0 {
			return "taken-for-ours"
		}
	}
	return "told-apart"
}

// running starts a command that carries a mark of its own and waits until it runs inside.
func running(h *Host, name string) (cmd *exec.Cmd, alive func() bool, err error) {
	mark := name + "-" + h.Mark[len(h.Mark)-8:]
	inside := func(pid string) bool { // the command: sh itself, neither pid 1 nor loadlock
		return bytes.HasPrefix([]byte(readSmall("/proc/"+pid+"/cmdline")), []byte("/bin/sh\x00-c\x00: "+mark))
	}
	alive = func() bool {
		list, _ := filepath.Glob("/proc/[0-9]*")
		for _, p := range list {
			if inside(filepath.Base(p)) {
				return true
			}
		}
		return false
	}
	cmd = h.Loadlock("--", "/bin/sh", "-c", ": "+mark+"; sleep 60; :")
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	for range 500 {
		if alive() {
			return cmd, alive, nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	return nil, nil, errors.New("the command did not start")
}

func killedSupervisor(h *Host) string {
	cmd, alive, err := running(h, "killed")
	if err != nil {
		return "not-started"
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	for end := time.Now().Add(time.Second); alive(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			return "alive"
		}
	}
	return "gone"
}

func terminated(h *Host) string {
	cmd, _, err := running(h, "terminated")
	if err != nil {
		return "not-started"
	}
	_ = cmd.Process.Signal(unix.SIGTERM)
	return exit(cmd.Wait())
}
