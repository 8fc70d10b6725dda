package numpy

import (
	"math/bits"
	"strconv"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/lazyre"
)

// maxElement bounds one element; numpy's own limit is a C int.
const maxElement = 1<<31 - 1

// element is what the reader needs to know of an element type.
type element struct {
	size   int64
	object bool // it holds references, somewhere
}

// plainType is a type string of the array interface, as dtype.str writes it.
var plainType = lazyre.New(`^([<>|=]?)([?bBiufcOSaUVmM])(\d{0,10})(\[[A-Za-z0-9/]{1,32}\])?$`)

// sizes are those that numpy knows per kind of number, on any machine.
var sizes = map[string][]int64{"b": {1}, "i": {1, 2, 4, 8}, "u": {1, 2, 4, 8}, "f": {2, 4, 8, 12, 16}, "c": {8, 16, 24, 32}, "m": {8}, "M": {8}, "O": {4, 8}}

// typeOf evaluates descr: a type string, a list of fields, or a type with a shape (numpy's descr_to_dtype).
func typeOf(n *node) (element, error) {
	switch {
	case n.kind == 's':
		return plain(n)
	case n.kind == '(' && len(n.items) == 2:
		return repeated(n.items[0], n.items[1])
	case n.kind == '[' && len(n.items) > 0:
		return fields(n)
	}
	return element{}, &wrong{at: n.at, what: "an element type that is neither text nor a list of fields"}
}

func plain(n *node) (element, error) {
	unknown := &wrong{at: n.at, what: "element type " + validate.Quote(n.text, 80)}
	m := plainType.FindStringSubmatch(n.text)
	if m == nil || m[4] != "" && m[2] != "m" && m[2] != "M" {
		return element{}, unknown
	}
	kind, e := m[2], element{}
	size, err := int64(1), error(nil)
	if m[3] != "" {
		if size, err = strconv.ParseInt(m[3], 10, 64); err != nil || size > maxElement/4 || m[3][0] == '0' && len(m[3]) > 1 {
			return e, unknown
		}
	}
	switch kind {
	case "?":
		return element{size: 1}, ifElse(m[3] == "" || m[3] == "1", nil, unknown)
	case "S", "a", "V":
		return element{size: size * int64(ifElse(m[3] == "", 0, 1))}, nil
	case "U":
		return element{size: 4 * size * int64(ifElse(m[3] == "", 0, 1))}, nil
	case "O": // its size is that of a pointer, which the file says nothing about
		e = element{size: 8, object: true}
	}
	if kind == "O" && m[3] == "" {
		return e, nil
	}
	for _, s := range sizes[kind] {
		if m[3] != "" && s == size {
			return element{size: s, object: e.object}, nil
		}
	}
	return element{}, unknown
}

func ifElse[T any](ok bool, a, b T) T {
	if ok {
		return a
	}
	return b
}

// fields sums the fields of a structure. Gaps are fields without a name.
func fields(list *node) (sum element, err error) {
	seen := map[string]bool{}
	for _, f := range list.items {
		if f.kind != '(' || len(f.items) < 2 || len(f.items) > 3 {
			return sum, &wrong{at: f.at, what: "a field that is not (name, type) or (name, type, shape)"}
		}
		if err := name(f.items[0], seen); err != nil {
			return sum, err
		}
		e, err := typeOf(f.items[1])
		if err == nil && len(f.items) == 3 {
			e, err = repeated(f.items[1], f.items[2])
		}
		if err != nil {
			return sum, err
		}
		if sum.size += e.size; sum.size > maxElement {
			return sum, &wrong{at: f.at, what: "an element larger than 2 GiB"}
		}
		sum.object = sum.object || e.object
	}
	return sum, nil
}

// name reads the name of a field, or (title, name). numpy refuses names that repeat; padding has none.
func name(n *node, seen map[string]bool) error {
	names := []*node{n}
	if n.kind == '(' && len(n.items) == 2 {
		names = n.items
	}
	for _, x := range names {
		if x.kind != 's' || seen[x.text] {
			return &wrong{at: x.at, what: "a field name that is repeated, or no text"}
		}
		seen[x.text] = x.text != ""
	}
	return nil
}

// repeated is a type with a shape.
func repeated(typ, shape *node) (element, error) {
	e, err := typeOf(typ)
	if err != nil {
		return e, err
	}
	dims := shape
	if shape.kind == 'i' {
		dims = &node{kind: '(', at: shape.at, items: []*node{shape}}
	}
	n, err := product(dims)
	if err != nil {
		return e, err
	}
	high, low := bits.Mul64(uint64(n), uint64(e.size))
	if high != 0 || low > maxElement {
		return e, &wrong{at: shape.at, what: "an element larger than 2 GiB"}
	}
	e.size = int64(low)
	return e, nil
}

// maxDims is the most dimensions that any numpy has (NPY_MAXDIMS).
const maxDims = 64

// product multiplies the numbers of a shape; () gives 1.
func product(shape *node) (int64, error) {
	if shape.kind != '(' || len(shape.items) > maxDims {
		return 0, &wrong{at: shape.at, what: "a shape that is not a tuple of at most 64 numbers"}
	}
	total, zero := uint64(1), false
	for _, d := range shape.items {
		if d.kind != 'i' || d.n < 0 {
			return 0, &wrong{at: d.at, what: "a dimension that is not a number of elements"}
		}
		if zero = zero || d.n == 0; d.n == 0 {
			continue // numpy multiplies what is left all the same, so the rest must fit too
		}
		high, low := bits.Mul64(total, uint64(d.n))
		if high != 0 || low > 1<<62 {
			return 0, &wrong{at: d.at, what: "a shape whose product overflows"}
		}
		total = low
	}
	if zero {
		return 0, nil
	}
	return int64(total), nil
}
