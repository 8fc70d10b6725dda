package pickle

import (
	"fmt"

	"github.com/loadlock/loadlock/validate"
)

// events is who the machine tells what the stream does. Results stand for what the unpickler would get back.
type events interface {
	note(r *validate.Rule, off int64, format string, args ...any)
	imported(off int64, g *global)
	stored(off int64, v *value) // an imported name becomes part of data
	called(c *call) (*value, error)
	built(off int64, target, state *value)
	filled(off int64, op byte, target *value, items []*value)
	persistent(off int64, id *value) *value
	array(m *machine, off int64, wrapper, state *value) (*value, error) // raw numbers follow
}

// call is one call that the unpickler would make.
type call struct {
	op   byte
	off  int64
	fn   *value
	args []*value
	kw   *value // keyword arguments of NEWOBJ_EX
	cut  bool   // not all arguments are known
}

// machine runs one pickle from the position of its reader to STOP.
type machine struct {
	r     *reader
	ev    events
	lists func() *lists
	keep  int // items kept per container

	stack []*value
	marks []int
	memo  memo
	names map[nameKey]*global

	start    int64
	proto    int
	declared bool // PROTO was seen
	late     bool // an opcode above the declared protocol was reported
	frameEnd int64
	result   *value // set by STOP

	ops     int64
	maxOps  int64 // of a dry run; 0 means no bound of its own
	arrays  int64 // of joblib, between the opcodes
	inArray bool  // this stream is the content of such an array
	blind   bool  // the stream began somewhere before; what it left is unknown
	pending int64
	charge  func(n int64) error

	fresh, named int64
	epoch        uint32
}

// nameKey finds a name that was looked up before; below protocol 3 the same words mean another name.
type nameKey struct {
	name
	mapped bool
}

const chargeBatch = 4096

func newMachine(r *reader, ev events, charge func(int64) error) *machine {
	return &machine{r: r, ev: ev, lists: vetted, keep: keepItems, start: r.pos, names: map[nameKey]*global{}, charge: charge}
}

var (
	none  = &value{kind: kNone, off: -1}
	yes   = &value{kind: kBool, n: 1, off: -1}
	no    = &value{kind: kBool, off: -1}
	empty = &value{kind: kTuple, off: -1}
)

// run executes opcodes until STOP. A *broken error is where the unpickler raises; every other error ends the
// scan of the file.
func (m *machine) run() (err error) {
	defer func() {
		if e := m.charge(m.pending); err == nil {
			err = e
		}
	}()
	for m.result == nil {
		if m.pending++; m.pending == chargeBatch {
			m.pending = 0
			if err := m.charge(chargeBatch); err != nil {
				return err
			}
		}
		if m.maxOps > 0 && m.ops >= m.maxOps {
			return errEnough
		}
		if err := m.step(); err != nil {
			return err
		}
		m.ops++
	}
	if m.frameEnd > m.r.pos {
		m.ev.note(ruleDesync, m.r.pos, "STOP comes %d bytes before the end of the frame", m.frameEnd-m.r.pos)
	}
	return nil
}

func (m *machine) step() error {
	off := m.r.pos
	if off >= m.r.size {
		return &broken{off, "the file ends before STOP"}
	}
	b, err := m.r.take(1)
	if err != nil {
		return err
	}
	op := &opcodes[b[0]]
	if op.run == nil {
		return &broken{off, fmt.Sprintf("%#02x is not an opcode", b[0])}
	}
	if op.proto >= 2 && op.proto > m.proto && !m.late && b[0] != opPROTO {
		m.late = true
		m.ev.note(ruleProtocol, off, "%s belongs to protocol %d, the stream declares %d", op.name, op.proto, m.proto)
	}
	err = op.run(m, b[0], off)
	// also after an error: the unpickler that lost its place reads something else and may not raise
	if m.frameEnd > 0 && m.r.pos >= m.frameEnd {
		if m.r.pos > m.frameEnd && off < m.frameEnd {
			m.ev.note(ruleDesync, off, "the argument of %s crosses the end of the frame at %#x", op.name, m.frameEnd)
		}
		m.frameEnd = 0
	}
	return err
}

func (m *machine) excess(format string, args ...any) error {
	m.ev.note(ruleExcessive, m.r.pos, format, args...)
	return &broken{m.r.pos, "the stream asks for more than any model does"}
}

func opStop(m *machine, _ byte, off int64) error {
	v, err := m.pop(off)
	if err != nil {
		return err
	}
	m.result = v
	return nil
}

func opProto(m *machine, _ byte, off int64) error {
	b, err := m.r.take(1)
	if err != nil {
		return err
	}
	switch {
	case b[0] > 5:
		m.ev.note(ruleProtocol, off, "protocol %d does not exist", b[0])
		return &broken{off, fmt.Sprintf("unsupported protocol %d", b[0])}
	case m.declared:
		m.ev.note(ruleProtocol, off, "PROTO %d after PROTO %d", b[0], m.proto)
	case off != m.start:
		m.ev.note(ruleProtocol, off, "PROTO %d is not the first opcode", b[0])
	}
	m.proto, m.declared, m.late = int(b[0]), true, false
	return nil
}

// opFrame follows the C unpickler in demanding that the whole frame is there, and nothing else.
func opFrame(m *machine, _ byte, off int64) error {
	b, err := m.r.take(8)
	if err != nil {
		return err
	}
	n := uint64le(b)
	if n > uint64(m.r.size-m.r.pos) {
		m.ev.note(ruleFrame, off, "a frame of %d bytes, the file has %d left", n, m.r.size-m.r.pos)
		return &broken{off, "the file ends inside a frame"}
	}
	if m.frameEnd > off { // also when its own length crosses the end of the other
		m.ev.note(ruleDesync, off, "a frame opens inside another one")
	}
	m.frameEnd = m.r.pos + int64(n)
	return nil
}

func uint64le(b []byte) (n uint64) {
	for i := len(b) - 1; i >= 0; i-- {
		n = n<<8 | uint64(b[i])
	}
	return n
}
