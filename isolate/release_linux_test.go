package isolate

import (
	"context"
	"errors"
	"testing"
)

func TestSeccompIsFullOnlyWhenTheKernelShowsOneMoreFilterThanPid1BeganWith(t *testing.T) {
	for _, tc := range []struct {
		what, mode, filters string
		outer               int
		want                Strength
	}{
		{"our filter", "2", "1", 0, Full},
		{"ours inside another sandbox's", "2", "3", 2, Full},
		{"a kernel that does not count", "2", "", -1, Full},
		{"no filter", "0", "0", 0, Off},
		{"strict mode", "1", "0", 0, Off},
		{"another sandbox's only", "2", "2", 2, Off},
		{"two of ours", "2", "2", 0, Off},
	} {
		v := View{outerFilters: tc.outer, status: map[string][]string{"Seccomp": {tc.mode}}}
		if tc.filters != "" {
			v.status["Seccomp_filters"] = []string{tc.filters}
		}
		if got, why := seccompLayer.Observe(v, Spec{}); got != tc.want || (why == "") != (got == Full) {
			t.Errorf("%s: %s (%s), want %s", tc.what, got, why, tc.want)
		}
	}
}

func TestWhatIsReportedWasSeenOnTheCommandsProcess(t *testing.T) {
	needBox(t)
	s, out := boxed(t, "while read -r line; do echo \"$line\"; done < /proc/$$/status")
	b, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := b.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, e := range b.Enforced {
		if late := e.Layer == seccompLayer.Name || e.Layer == landlockLayer.Name; late && e.Strength != Off {
			t.Errorf("%s is %s before any process of the command exists", e.Layer, e.Strength)
		}
	}
	if v, err := lookAt(b.first.dir()); err != nil || v.filters() > b.outer {
		t.Errorf("pid 1 has %d filters before the release, %d of them not ours (%v)", v.filters(), b.outer, err)
	}
	if err := b.Release(); err != nil {
		t.Fatal(err)
	}
	for _, e := range b.Enforced {
		if e.Strength != Full && e.Layer != cgroupLayer.Name {
			t.Errorf("%s is %s: %s", e.Layer, e.Strength, e.Why)
		}
	}
	if v, err := lookAt(b.first.dir()); err != nil || v.filters() != b.outer+1 {
		t.Errorf("pid 1 has %d filters, %d of them not ours (%v)", v.filters(), b.outer, err)
	}
	b.spec.Stdout.Close()
	raw := make([]byte, 4096)
	n, _ := out.Read(raw)
	if n == 0 {
		t.Error("the command cannot read its own status")
	}
	if _, err := b.Wait(context.Background()); err != nil {
		t.Error(err)
	}
}

// A child that says it is locked and is not, or another process in its place, does not become the command.
func TestACommandThatIsNotConfinedIsNotExecuted(t *testing.T) {
	needBox(t)
	for _, tc := range []struct {
		what  string
		spoil func(*Box)
		layer string
	}{
		{"no filter was sent", func(b *Box) { b.filters = compileFilters(nil, b.spec) }, "seccomp"},
		{"one filter more was there than is known", func(b *Box) { b.outer = 1 }, "seccomp"},
	} {
		t.Run(tc.what, func(t *testing.T) {
			s, out := boxed(t, "echo executed")
			b, err := New(s)
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			if err := b.Start(context.Background()); err != nil {
				t.Fatal(err)
			}
			tc.spoil(b)
			var layer *LayerError
			if err := b.Release(); !errors.As(err, &layer) || layer.Layer != tc.layer {
				t.Errorf("%v, want layer %s", err, tc.layer)
			}
			if err := b.Close(); err != nil {
				t.Error(err)
			}
			b.spec.Stdout.Close()
			raw := make([]byte, 16)
			if n, _ := out.Read(raw); n > 0 {
				t.Errorf("the command ran: %q", raw[:n])
			}
			wantNothingLeft(t, s)
		})
	}
}

// Pid 1 is one of the box's processes, and the command may signal it; what it does beyond its list ends it. Stopping it
// and continuing it, and every signal it handles, must not.
func TestPid1LivesOnUnderItsFilterWhateverSignalsCome(t *testing.T) {
	needBox(t)
	s, out := boxed(t, "i=1; while [ $i -lt 65 ]; do kill -$i 1 2>/dev/null; i=$((i+1)); done; sleep 0.1 & wait; (sleep 0.05 &); echo alive; exit 9")
	exit, text, _ := runBox(t, s, out)
	if text != "alive\n" || exit.Code != 9 || exit.Signal != 0 {
		t.Errorf("%q, %+v", text, exit)
	}
}
