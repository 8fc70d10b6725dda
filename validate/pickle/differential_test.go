package pickle

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
)

// lookups records names before they are mapped, and whether the stream was refused because no reader can know
// what it runs.
type lookups struct {
	dry
	names   []string
	refused bool
}

func (l *lookups) imported(_ int64, g *global) { l.names = append(l.names, g.module+"\x00"+g.name) }

func (l *lookups) note(r *validate.Rule, _ int64, _ string, _ ...any) {
	l.refused = l.refused || r == ruleComputedName || r == ruleDesync
}

// The property that matters: whatever the C unpickler looks up before it ends or raises, the machine has seen,
// in the same order; and what the C unpickler reads to its end, the machine reads to the same end.
func TestMachineSeesAllThatTheCUnpicklerDoes(t *testing.T) {
	raw := python(t, "python", "python3", "mutated_pickles.py")["cases"]
	identity := &lists{}
	accepted, refused, cleared, cases := 0, 0, 0, 0
	sc := bufio.NewScanner(bytes.NewReader(raw))
	for sc.Buffer(nil, 1<<20); sc.Scan(); cases++ {
		var c struct {
			Data, Why string
			OK        bool
			End       int64
			Names     [][2]string
			Ops       []int64
		}
		if err := json.Unmarshal(sc.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		data, err := hex.DecodeString(c.Data)
		if err != nil {
			t.Fatal(err)
		}
		free := func(int64) error { return nil }
		r := newReader(bytes.NewReader(data), int64(len(data)), free)
		l := &lookups{}
		m := newMachine(r, l, free)
		m.lists = func() *lists { return identity }
		err = m.run()
		if l.refused {
			refused++
			continue
		}
		if c.OK {
			accepted++
			if err != nil || r.pos != c.End {
				t.Errorf("%q: CPython reads %d bytes, we %d: %v", data, c.End, r.pos, err)
			}
		}
		if _, ok := judged(data); ok {
			cleared++
			// the encoding of long text is not looked at: the unpickler stops there, we read on
			if at := positions(t, data); !strings.Contains(c.Why, "UnicodeDecodeError") && (!c.OK || !slices.Equal(at, c.Ops)) {
				t.Errorf("%q is cleared; CPython: %s; opcodes at %v, pickletools sees them at %v", data, c.Why, at, c.Ops)
			}
		}
		if why := missing(c.Names, l); why != "" {
			t.Errorf("%q (CPython: %s; we: %v): %s", data, c.Why, err, why)
		}
	}
	if cases < 5000 || accepted < 500 || cleared < 300 || refused > cases/2 {
		t.Errorf("%d cases, %d accepted, %d refused, %d cleared", cases, accepted, refused, cleared)
	}
	t.Logf("%d cases, %d accepted, %d refused, %d cleared", cases, accepted, refused, cleared)
}

// positions are the offsets of the opcodes that the machine executes.
func positions(t *testing.T, data []byte) (out []int64) {
	free := func(int64) error { return nil }
	m := newMachine(newReader(bytes.NewReader(data), int64(len(data)), free), &dry{}, free)
	for m.result == nil {
		out = append(out, m.r.pos)
		if err := m.step(); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func missing(names [][2]string, l *lookups) string {
	for i, n := range names {
		m, _ := hex.DecodeString(n[0])
		nm, _ := hex.DecodeString(n[1])
		if i >= len(l.names) || l.names[i] != string(m)+"\x00"+string(nm) {
			return fmt.Sprintf("CPython looks up %s.%s as number %d, we saw %q", m, nm, i, l.names)
		}
	}
	return ""
}
