package protowalk

import (
	"github.com/loadlock/loadlock/validate"
)

// maxDepth is where the protobuf libraries stop by default (CodedInputStream, recursion limit 100).
const maxDepth = 100

// Value is one occurrence of a field.
type Value struct {
	Field *Field
	At    int64  // of its tag
	Off   int64  // of its payload
	N     int64  // bytes of the payload
	Num   uint64 // of a single number
	Count int64  // numbers in it; 1 unless packed
}

// Int is the single number with its sign.
func (v Value) Int() int64 { return int64(v.Num) }

// Visit looks at one field of a message. It reports whether it entered a submessage itself.
type Visit func(Value) (entered bool, err error)

// Walker goes through one file.
type Walker struct {
	p     *validate.Pass
	rules Rules
	on    map[*Message]func(Value) error
	src   reader
	depth int
}

// New makes a walker over the file of the pass.
func New(p *validate.Pass, rules Rules) *Walker {
	return &Walker{p: p, rules: rules, on: map[*Message]func(Value) error{}, src: reader{src: p, size: p.Size}}
}

// On calls f for every message of that kind, wherever it occurs. f goes through it with Each.
func (w *Walker) On(m *Message, f func(Value) error) { w.on[m] = f }

// Walk goes through the bytes [off, off+n) as one message of kind m.
func (w *Walker) Walk(m *Message, off, n int64) error {
	return w.Enter(Value{Field: &Field{Name: m.Name, Kind: Sub, Message: m}, At: off, Off: off, N: n})
}

// Enter judges a submessage: by the function set with On, or by the table alone.
func (w *Walker) Enter(v Value) error {
	if f := w.on[v.Field.Message]; f != nil {
		return f(v)
	}
	return w.Each(v, nil)
}

// Each goes through the fields of a submessage in their order. Submessages that visit did not enter are entered.
func (w *Walker) Each(v Value, visit Visit) error {
	if w.depth++; w.depth > maxDepth {
		return validate.Malformed(v.At, "messages nested deeper than %d", maxDepth)
	}
	defer func() { w.depth-- }()
	var seen [maxFields / 64]uint64
	var members [maxOneofs]int32
	end := v.Off + v.N
	for at := v.Off; at < end; {
		f, next, err := w.field(v.Field.Message, at, end)
		if err != nil {
			return err
		}
		at = next
		if f.Field == nil {
			continue // unknown, reported
		}
		w.once(f, &seen, &members)
		entered := false
		if visit != nil {
			if entered, err = visit(f); err != nil {
				return err
			}
		}
		if f.Field.Kind == Sub && !entered {
			if err := w.Enter(f); err != nil {
				return err
			}
		}
	}
	return nil
}

// once reports a singular field that occurs again, and a second member of a oneof.
func (w *Walker) once(v Value, seen *[maxFields / 64]uint64, members *[maxOneofs]int32) {
	f := v.Field
	if !f.Repeated {
		word, bit := f.index/64, uint64(1)<<(f.index%64)
		if seen[word]&bit != 0 {
			w.p.Report(w.rules.Repeated, v.At, "field %s (%d) occurs again", f.Name, f.Number)
		}
		seen[word] |= bit
	}
	if f.oneof > 0 {
		if other := members[f.oneof]; other != 0 && other != f.Number {
			w.p.Report(w.rules.Repeated, v.At, "field %s (%d) beside field %d; only one of them can be meant", f.Name, f.Number, other)
		}
		members[f.oneof] = f.Number
	}
}

// The wire types.
const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireFixed32 = 5
)

// field reads one field of m at at, which lies before end. The Field of the value is nil if m has none such.
func (w *Walker) field(m *Message, at, end int64) (v Value, next int64, err error) {
	tag, pos, err := w.src.varint(at, end)
	if err != nil {
		return v, 0, err
	}
	number, wire := tag>>3, int(tag&7)
	if number == 0 || number >= 1<<29 {
		return v, 0, validate.Malformed(at, "field number %d in %s", number, m.Name)
	}
	v = Value{At: at, Off: pos, Count: 1}
	switch wire {
	case wireVarint:
		v.Num, next, err = w.src.varint(pos, end)
		v.N = next - pos
	case wireFixed64:
		v.Num, next, err = w.src.fixed(pos, end, 8)
		v.N = 8
	case wireFixed32:
		v.Num, next, err = w.src.fixed(pos, end, 4)
		v.N = 4
	case wireBytes:
		var n uint64
		if n, v.Off, err = w.src.varint(pos, end); err == nil {
			if n > uint64(end-v.Off) {
				return v, 0, validate.Malformed(pos, "a field of %d bytes in %s, which has %d left", n, m.Name, end-v.Off)
			}
			v.N, next = int64(n), v.Off+int64(n)
		}
	default:
		return v, 0, validate.Malformed(at, "wire type %d of field %d in %s", wire, number, m.Name)
	}
	if err != nil {
		return v, 0, err
	}
	f := m.fields[int32(number)]
	if f == nil {
		w.p.Report(w.rules.Unknown, at, "field %d of %s, %d bytes", number, m.Name, next-at)
		return v, next, nil
	}
	v.Field = f
	return v, next, w.check(&v, wire, m)
}

// check holds the bytes of a known field against its type, and counts packed numbers.
func (w *Walker) check(v *Value, wire int, m *Message) error {
	f := v.Field
	want := wireOf(f.Kind)
	switch {
	case wire == want && wire == wireBytes:
		if f.Kind == String {
			return w.src.utf8(v.Off, v.N, m.Name+"."+f.Name)
		}
		return nil
	case wire == want:
		return inRange(f, v.Num, v.At)
	case wire == wireBytes && f.Repeated && want != wireBytes:
		return w.packed(v, want)
	}
	return validate.Malformed(v.At, "wire type %d for field %s of %s", wire, f.Name, m.Name)
}

// packed counts the numbers of a packed field; fixed ones unread.
func (w *Walker) packed(v *Value, want int) error {
	if want != wireVarint {
		width := int64(4)
		if want == wireFixed64 {
			width = 8
		}
		if v.N%width != 0 {
			return validate.Malformed(v.Off, "%d bytes of numbers of %d bytes in field %s", v.N, width, v.Field.Name)
		}
		v.Count = v.N / width
		return nil
	}
	v.Count = 0
	return w.numbers(*v, func(x uint64, at int64) error {
		v.Count++
		return inRange(v.Field, x, at)
	})
}

func wireOf(k Kind) int {
	switch k {
	case Fixed32:
		return wireFixed32
	case Fixed64:
		return wireFixed64
	case String, Bytes, Sub:
		return wireBytes
	}
	return wireVarint
}

// inRange refuses numbers that readers would cut to the width of their type.
func inRange(f *Field, x uint64, at int64) error {
	ok := true
	switch f.Kind {
	case Int32:
		ok = int64(x) == int64(int32(x)) || x>>32 == 0 // a negative enum is ten bytes, by some writers five
	case Uint32:
		ok = x>>32 == 0
	case Bool:
		ok = x <= 1
	}
	if !ok {
		return validate.Malformed(at, "%d is wider than the type of field %s", x, f.Name)
	}
	return nil
}
