package tflite

import (
	"encoding/binary"
	"slices"
)

// tab is a table to be written: its fields by slot.
type tab map[int]any

// The kinds of field that a tab may hold besides tab, []tab, string, []byte.
type (
	u8  uint8
	u32 uint32
	u64 uint64
)

// flat writes FlatBuffers front to back: each object behind those that refer to it.
type flat struct{ b []byte }

func (f *flat) align(n int) {
	for len(f.b)%n != 0 {
		f.b = append(f.b, 0)
	}
}

func (f *flat) put32(at int, x uint32) { binary.LittleEndian.PutUint32(f.b[at:], x) }

// file writes a whole model.
func file(root tab) []byte {
	f := &flat{b: append([]byte{0, 0, 0, 0}, mark...)}
	f.put32(0, uint32(f.table(root)))
	f.align(16)
	return f.b
}

// table writes vtable, table and children, and gives the place of the table.
func (f *flat) table(t tab) int {
	slots := make([]int, 0, len(t))
	for s := range t {
		slots = append(slots, s)
	}
	slices.Sort(slots)
	last := -1
	if len(slots) > 0 {
		last = slots[len(slots)-1]
	}
	f.align(8)
	vtable := len(f.b)
	size := 4 + 2*(last+1)
	f.b = append(f.b, make([]byte, size)...)
	f.align(8)
	f.b = append(f.b, 0, 0, 0, 0) // so that the fields begin at a multiple of eight
	at := len(f.b)
	f.b = append(f.b, 0, 0, 0, 0)
	f.put32(at, uint32(at-vtable))
	places := map[int]int{}
	for _, s := range slots {
		f.align(8)
		places[s] = len(f.b)
		binary.LittleEndian.PutUint16(f.b[vtable+4+2*s:], uint16(len(f.b)-at))
		switch v := t[s].(type) {
		case u8:
			f.b = append(f.b, byte(v))
		case u64:
			f.b = binary.LittleEndian.AppendUint64(f.b, uint64(v))
		case u32:
			f.b = binary.LittleEndian.AppendUint32(f.b, uint32(v))
		default:
			f.b = append(f.b, 0, 0, 0, 0)
		}
	}
	binary.LittleEndian.PutUint16(f.b[vtable:], uint16(size))
	binary.LittleEndian.PutUint16(f.b[vtable+2:], uint16(len(f.b)-at))
	for _, s := range slots {
		if child := f.child(t[s]); child > 0 {
			f.put32(places[s], uint32(child-places[s]))
		}
	}
	return at
}

// child writes what a field refers to; 0: nothing.
func (f *flat) child(v any) int {
	switch v := v.(type) {
	case tab:
		return f.table(v)
	case string:
		f.align(4)
		at := len(f.b)
		f.b = append(binary.LittleEndian.AppendUint32(f.b, uint32(len(v))), v+"\x00"...)
		return at
	case []byte:
		f.align(4)
		at := len(f.b)
		f.b = append(binary.LittleEndian.AppendUint32(f.b, uint32(len(v))), v...)
		return at
	case []tab:
		f.align(4)
		at := len(f.b)
		f.b = append(binary.LittleEndian.AppendUint32(f.b, uint32(len(v))), make([]byte, 4*len(v))...)
		for i, t := range v {
			place := at + 4 + 4*i
			f.put32(place, uint32(f.table(t)-place))
		}
		return at
	}
	return 0
}

// flexOptions is the FlexBuffer of a Flex operator: a vector of a name and a NodeDef.
func flexOptions(name string, node []byte) []byte {
	var b []byte
	var places []int
	for _, s := range []string{name, string(node)} {
		b = append(b, byte(len(s)))
		places = append(places, len(b))
		b = append(b, s+"\x00"...)
	}
	b = append(b, 2)
	vector := len(b)
	for _, p := range places {
		b = append(b, byte(len(b)-p))
	}
	b = append(b, 5<<2, 5<<2)
	return append(b, byte(len(b)-vector), 10<<2, 1)
}
