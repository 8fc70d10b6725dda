package pickle

import (
	"fmt"
	"math/bits"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/lazyre"
)

// joblib writes arrays beside the pickle: where an array would be, it pickles a NumpyArrayWrapper, and right behind
// the BUILD that fills the wrapper it writes the raw numbers, or for arrays of objects a pickle of their own. Its
// unpickler reads them there and puts the array in the wrapper's place (joblib/numpy_pickle.py).

// alignment is the boundary on which joblib 1.2 and later begin the numbers; a byte in front of them counts the
// padding, which is never empty.
const alignment = 16

// wrapperModules are where the class lives: joblib, and the copy that old scikit-learn carried.
var wrapperModules = []string{"joblib.numpy_pickle", "sklearn.externals.joblib.numpy_pickle"}

func isWrapper(v *value, class string) bool {
	g := v.class()
	return g != nil && g.name == class && (g.module == wrapperModules[0] || g.module == wrapperModules[1])
}

// wrapped is what a wrapper says about its array.
type wrapped struct {
	subclass *value
	count    int64
	size     int64 // of one element
	object   bool
	padded   bool
}

// array continues behind a wrapper: it judges what the loader reads there and returns the array.
func (j *judge) array(m *machine, off int64, wrapper, state *value) (*value, error) {
	if isWrapper(wrapper, "NDArrayWrapper") {
		return wrapper, j.arrayFile(off, state)
	}
	if m.inArray {
		return nil, &broken{off, "an array of joblib inside a pickle that joblib does not read"}
	}
	w, why := readWrapper(state)
	if why != "" {
		j.note(ruleShape, off, "state %s for %s: %s", render(state), render(wrapper.fn), why)
		return nil, &broken{off, "nobody knows where the array ends"}
	}
	if m.frameEnd > m.r.pos {
		j.note(ruleDesync, off, "an array begins %d bytes before the end of the frame", m.frameEnd-m.r.pos)
	}
	m.frameEnd, m.arrays = 0, m.arrays+1
	v := &value{kind: kInstance, off: off, fn: w.subclass, n: w.count, weight: 1}
	if w.object {
		return v, m.nestedStream()
	}
	return v, j.numbers(m, off, w)
}

// nestedStream runs the pickle of an array of objects from where the reader is.
func (m *machine) nestedStream() error {
	sub := newMachine(m.r, m.ev, m.charge)
	sub.lists = m.lists
	sub.inArray, sub.maxOps, sub.named = true, m.maxOps, m.count()
	return sub.run()
}

// numbers passes over the raw data of an array.
func (j *judge) numbers(m *machine, off int64, w wrapped) error {
	if w.padded {
		b, err := m.r.take(1)
		if err != nil {
			return err
		}
		n := int64(b[0])
		if b, err = m.r.take(n); err != nil {
			return err
		}
		for _, c := range b {
			if c != 0xff || n > alignment {
				j.note(ruleDivergence, off, "%d bytes of padding that joblib does not write", n)
				break
			}
		}
	}
	high, size := bits.Mul64(uint64(w.count), uint64(w.size))
	if !w.padded && size > 0 {
		if err := j.secondReading(m, size); err != nil {
			return err
		}
	}
	if high != 0 || size > uint64(m.r.size-m.r.pos) {
		return &broken{m.r.pos, fmt.Sprintf("an array of %d elements of %d bytes, the file has %d bytes left", w.count, w.size, m.r.size-m.r.pos)}
	}
	m.r.pos += int64(size)
	return nil
}

// readWrapper reads the state of a wrapper, or says why it cannot be relied on.
func readWrapper(state *value) (w wrapped, why string) {
	if state.kind != kDict || state.cut() {
		return w, "not a dictionary of its attributes"
	}
	at := map[string]*value{}
	for i := 0; i+1 < len(state.items); i += 2 {
		key, ok := state.items[i].str()
		if !ok || at[key] != nil {
			return w, "an attribute is repeated, or no text"
		}
		if !wrapperKeys[key] {
			return w, "attribute " + quote(key)
		}
		at[key] = state.items[i+1]
	}
	if w.subclass = at["subclass"]; !isArrayClass(w.subclass) {
		return w, "an array class nobody vetted"
	}
	if at["shape"] == nil || at["dtype"] == nil || at["order"] == nil || !isText(at["order"], "C") && !isText(at["order"], "F") {
		return w, "no shape, element type or order"
	}
	if !settle(at["dtype"]) {
		return w, "the element type was refused"
	}
	w.size, w.object = at["dtype"].n, at["dtype"].flags&fObject != 0
	if n := at["numpy_array_alignment_bytes"]; n != nil && n.kind != kNone {
		if w.padded = true; n.kind != kInt || n.n != alignment {
			return w, "an alignment that joblib does not use"
		}
	}
	var ok bool
	w.count, ok = elements(at["shape"])
	return w, want(ok, "a shape without a size")
}

var wrapperKeys = map[string]bool{"subclass": true, "shape": true, "order": true, "dtype": true, "allow_mmap": true, "numpy_array_alignment_bytes": true}

// elements multiplies a shape.
func elements(shape *value) (int64, bool) {
	d := dims(shape)
	if d == nil || len(d) > 64 {
		return 0, false
	}
	total, zero := uint64(1), false
	for _, n := range d {
		if zero = zero || n == 0; n == 0 {
			continue
		}
		high, low := bits.Mul64(total, uint64(n))
		if n < 0 || high != 0 || low > maxElements {
			return 0, false
		}
		total = low
	}
	if zero {
		total = 0
	}
	return int64(total), true
}

// arrayFile: before 0.10 joblib kept each array in a file beside the pickle, which is judged as what it is.
func (j *judge) arrayFile(off int64, state *value) error {
	for i := 0; state.kind == kDict && i+1 < len(state.items); i += 2 {
		if !isText(state.items[i], "filename") {
			continue
		}
		if name, ok := state.items[i+1].str(); ok && fileName.MatchString(name) && !state.cut() {
			j.note(ruleArrayFile, off, "numpy.load would read %s", quote(name))
			return nil
		}
		j.note(ruleShape, off, "an array in the file %s", render(state.items[i+1]))
		return nil
	}
	j.note(ruleShape, off, "an array in a file without a name: %s", render(state))
	return nil
}

// fileName is a name of a file in the folder of the pickle.
var fileName = lazyre.New(`^[A-Za-z0-9_][A-Za-z0-9_.\-]{0,200}\.npy$`)

// Unpicklers other than joblib's do not know that numbers follow: they run them. Numbers of joblib 1.2 and later begin
// with a byte that is no opcode; older ones are looked at with the eyes of such an unpickler.

// glimpse watches what running numbers would do.
type glimpse struct {
	dry
	bad  string
	sure bool // also when the next byte is no opcode
	off  int64
}

func (g *glimpse) note(r *validate.Rule, off int64, _ string, _ ...any) {
	if r == ruleComputedName && g.bad == "" {
		g.bad, g.off = "a name taken from the values before it", off
	}
}

var moduleName = lazyre.New(`^[A-Za-z_][\w.]*$`)

func (g *glimpse) imported(off int64, what *global) {
	if what.entry == nil && g.bad == "" && moduleName.MatchString(what.module) && moduleName.MatchString(what.name) {
		g.bad, g.sure, g.off = showName(what), true, off
	}
}

const glimpseOps = 2048

// secondReading runs n bytes of numbers at the position of the reader, or as many as there are.
func (j *judge) secondReading(m *machine, n uint64) error {
	left := m.r.size - m.r.pos
	if left == 0 {
		return nil
	}
	if j.eye == nil {
		j.eye = newReader(m.r.src, m.r.size, m.charge)
		j.eye.buf = make([]byte, 4096)
	}
	j.eye.pos = m.r.pos
	b, err := j.eye.take(1)
	if err != nil {
		return err
	}
	if opcodes[b[0]].run == nil {
		return nil
	}
	j.eye.pos = m.r.pos
	end := m.r.pos + int64(min(n, uint64(left)))
	g := &glimpse{}
	eye := newMachine(j.eye, g, m.charge)
	eye.lists = m.lists
	eye.blind, eye.proto = true, m.proto
	for range 8 { // what came before has left something
		eye.stack = append(eye.stack, &value{kind: kUnknown, off: m.r.pos, weight: 1})
	}
	for range glimpseOps {
		if err := m.charge(1); err != nil {
			return err
		}
		if eye.step() != nil { // most numbers end here at once
			if !g.sure {
				return nil
			}
			break
		}
		if eye.result != nil || g.bad != "" || j.eye.pos >= end {
			break
		}
	}
	switch {
	case g.bad != "":
		j.note(ruleNumbersRun, g.off, "a plain unpickler finds %s in the numbers of an array", g.bad)
	case j.eye.pos >= end || eye.result != nil:
		j.note(ruleDivergence, m.r.pos, "a plain unpickler reads the numbers of an array as instructions")
	}
	return nil
}
