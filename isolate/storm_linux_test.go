package isolate

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// deniedProgram compiles testdata/denied.c.
func deniedProgram(t testing.TB) string {
	t.Helper()
	need(t, "userns", "seccomp", "landlock", "gcc")
	dir := openDir(t)
	program := filepath.Join(dir, "denied")
	if out, err := exec.Command("gcc", "-O1", "-static", "-pthread", "-o", program, "testdata/denied.c").CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
	return program
}

// deniedBox is a box that runs it.
func deniedBox(t testing.TB, args string) (Spec, *os.File) {
	t.Helper()
	program := deniedProgram(t)
	s, out := boxed(t, "exec /data/denied "+args)
	s.Binds = append(s.Binds, Bind{Source: filepath.Dir(program), Target: "/data", Exec: true})
	s.Sandbox.Pids = 300
	return s, out
}

func resident(t testing.TB) int64 {
	t.Helper()
	runtime.GC()
	raw, err := os.ReadFile("/proc/self/statm")
	var size, pages int64
	if _, err2 := fmt.Sscan(string(raw), &size, &pages); err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	return pages * int64(os.Getpagesize())
}

func TestAFloodFromManyThreadsIsAnsweredAndCountedExactly(t *testing.T) {
	const threads, rounds = 200, 200
	s, out := deniedBox(t, fmt.Sprint("storm ", rounds, " ", threads))
	before := resident(t)
	exit, text, b := runBox(t, s, out)
	if text != "wrong 0\n" || exit.Code != 0 {
		t.Fatalf("%q, %+v", text, exit)
	}
	list := counted(t, b)
	if got := denied(list, "socket", "AF_INET").Count; got != threads*rounds {
		t.Errorf("%d counted, %d made", got, threads*rounds)
	}
	if len(list) != 1 {
		t.Errorf("%d rows: %+v", len(list), list)
	}
	if grown := resident(t) - before; grown > 32<<20 {
		t.Errorf("the supervisor grew by %d bytes", grown)
	}
}

func TestRowsAreBounded(t *testing.T) {
	const rounds = 5000
	s, out := deniedBox(t, fmt.Sprint("variety ", rounds))
	_, text, b := runBox(t, s, out)
	if text != "done\n" {
		t.Fatalf("%q", text)
	}
	list := counted(t, b)
	sum, rows := map[string]int64{}, map[string]int{}
	for _, d := range list {
		sum[d.Call] += d.Count
		rows[d.Call]++
	}
	for _, call := range []string{"prctl", "ioctl", unknownCall} {
		if sum[call] != rounds || rows[call] > maxArgs+1 || denied(list, call, "others").Count == 0 {
			t.Errorf("%s: %d counted in %d rows", call, sum[call], rows[call])
		}
	}
	if len(list) > 4*(maxArgs+1) {
		t.Errorf("%d rows", len(list))
	}
}

// Processor time of the thread itself, so that others' work on the same processors is not measured.
func TestAFloodDoesNotSlowTheAllowedCallsOfOtherThreads(t *testing.T) {
	program := deniedProgram(t)
	var alone, flooded float64
	for range 5 {
		s, out := boxed(t, "exec /data/denied allowed 20000 8")
		s.Binds = append(s.Binds, Bind{Source: filepath.Dir(program), Target: "/data", Exec: true})
		_, text, _ := runBox(t, s, out)
		if _, err := fmt.Sscan(text, &alone, &flooded); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if flooded < 3*alone {
			return
		}
	}
	t.Errorf("an allowed call takes %.0f ns alone and %.0f ns beside a flood", alone, flooded)
}

func TestSignalsDoNotLetARefusedCallThrough(t *testing.T) {
	for name, restart := range map[string]int{"calls are restarted": 1, "calls are interrupted": 0} {
		t.Run(name, func(t *testing.T) {
			s, out := deniedBox(t, fmt.Sprint("interrupted 2000 ", restart))
			exit, text, b := runBox(t, s, out)
			var right, again, wrong int64
			if _, err := fmt.Sscanf(text, "right %d again %d wrong %d\n", &right, &again, &wrong); err != nil || exit.Code != 0 {
				t.Fatalf("%q: %v (%+v)", text, err, exit)
			}
			if wrong != 0 || right+again < 2000 || restart == 1 && again != 0 {
				t.Errorf("%q", text)
			}
			if got := denied(counted(t, b), "socket", "AF_INET").Count; got < right {
				t.Errorf("%d counted, %d answered", got, right)
			}
		})
	}
}

func TestMemoryThatChangesDuringARefusedCallChangesNothing(t *testing.T) {
	const rounds = 3000
	s, out := deniedBox(t, fmt.Sprint("race ", rounds))
	if _, text := finish(t, weakened(t, s, []string{"seccomp"}, nil), out); text != fmt.Sprintf("through %d left 1\n", rounds) {
		t.Errorf("without the filter: %q: the attack is fake", text)
	}
	s, out = deniedBox(t, fmt.Sprint("race ", rounds))
	_, text, b := runBox(t, s, out)
	if text != "through 0 left 0\n" {
		t.Errorf("%q", text)
	}
	if got := denied(counted(t, b), "openat", "set-user-id").Count; got != rounds {
		t.Errorf("%d counted", got)
	}
}

// The listener is gone, as after a crash of the goroutine that has it: refused calls are answered ENOSYS by the
// kernel, nothing hangs and nothing gets through.
func TestWithoutItsListenerARefusedCallFails(t *testing.T) {
	s, out := deniedBox(t, "until")
	b := started(t, s)
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "EAFNOSUPPORT" {
		t.Fatalf("%q", lines.Text())
	}
	b.denials.close()
	if !lines.Scan() || lines.Text() != "ENOSYS" {
		t.Errorf("%q", lines.Text())
	}
	exit, err := b.Wait(context.Background())
	if err != nil || exit.Code != 0 || exit.Signal != 0 {
		t.Errorf("%+v: %v", exit, err)
	}
}

// A refused call waits for a supervisor that is killed: the box ends all the same.
func TestASupervisorKilledDuringAFloodLeavesNothing(t *testing.T) {
	needBox(t)
	need(t, "python")
	for range 3 {
		afterwards(t, killed(t, "flooded", 200*time.Millisecond))
	}
}

func TestTheListenerIsNotInTheCommandsHands(t *testing.T) {
	needBox(t)
	s, out := boxed(t, "ls -l /proc/self/fd /proc/$$/fd")
	_, text, b := runBox(t, s, out)
	counted(t, b) // there is one
	if strings.Contains(text, "seccomp") || strings.Contains(text, "socket:") || !strings.Contains(text, " 2 -> ") {
		t.Errorf("%s", text)
	}
}

func TestTheProcessorTimeOfABoxIsKnownWithAndWithoutACgroup(t *testing.T) {
	needBox(t)
	need(t, "python")
	// A grandchild that lost its parent works; the command waits.
	s, out := boxed(t, "( "+py("sum(range(30000000))")+" & ) ; echo started; sleep 1.5; echo end")
	b := started(t, s)
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "end" {
	}
	pid, err := b.process.Pid()
	if err != nil {
		t.Fatal(err)
	}
	tree := time.Duration(treeTicks(pid, 0)) * (time.Second / userHZ)
	if tree < 100*time.Millisecond || tree > 3*time.Second {
		t.Errorf("the processes have used %v", tree)
	}
	if group := b.CPUTime(); group < 100*time.Millisecond || group > 3*time.Second {
		t.Errorf("the box has used %v", group)
	}
	if _, err := b.Wait(context.Background()); err != nil {
		t.Error(err)
	}
}

// BenchmarkRefusedCall tells what allowed and refused calls cost with a listener and without: nanoseconds, and the
// quotient of refused to allowed.
func BenchmarkRefusedCall(b *testing.B) {
	program := deniedProgram(b)
	for _, listener := range []bool{true, false} {
		b.Run(map[bool]string{true: "listener", false: "plain"}[listener], func(b *testing.B) {
			var allowed, refused float64
			for range b.N {
				r, w, err := os.Pipe()
				if err != nil {
					b.Fatal(err)
				}
				s, err := plainSpec(filepath.Join(openDir(b), "run"), []string{"/data/denied", "cost", "5000"})
				if err != nil {
					b.Fatal(err)
				}
				s.Binds = append(s.Binds, Bind{Source: filepath.Dir(program), Target: "/data", Exec: true})
				s.Stdout = w
				box, err := New(s)
				if err != nil {
					b.Fatal(err)
				}
				box.plain = !listener
				_, text := finish(b, box, r)
				r.Close()
				s.Stdin.Close()
				var x, y float64
				if _, err := fmt.Sscan(text, &x, &y); err != nil {
					b.Fatalf("%q: %v", text, err)
				}
				allowed, refused = allowed+x, refused+y
			}
			b.ReportMetric(allowed/float64(b.N), "allowed-ns")
			b.ReportMetric(refused/float64(b.N), "refused-ns")
			b.ReportMetric(refused/allowed, "ratio")
		})
	}
}
