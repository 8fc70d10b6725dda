// Package prototest writes protocol buffers for tests, right and wrong ones. Only tests import it.
package prototest

import "encoding/binary"

// M is a message under construction. Each method appends one field and gives the longer message.
type M []byte

// Tag appends a field's number and wire type alone.
func (m M) Tag(number, wire int) M { return binary.AppendUvarint(m, uint64(number)<<3|uint64(wire)) }

// Int appends a varint.
func (m M) Int(number int, x int64) M { return binary.AppendUvarint(m.Tag(number, 0), uint64(x)) }

// Str appends text or bytes.
func (m M) Str(number int, s string) M {
	return append(binary.AppendUvarint(m.Tag(number, 2), uint64(len(s))), s...)
}

// Msg appends a submessage.
func (m M) Msg(number int, sub M) M { return m.Str(number, string(sub)) }

// Fixed32 appends four bytes.
func (m M) Fixed32(number int, x uint32) M {
	return binary.LittleEndian.AppendUint32(m.Tag(number, 5), x)
}

// Fixed64 appends eight bytes.
func (m M) Fixed64(number int, x uint64) M {
	return binary.LittleEndian.AppendUint64(m.Tag(number, 1), x)
}

// Packed appends numbers as one field.
func (m M) Packed(number int, xs ...int64) M {
	var b []byte
	for _, x := range xs {
		b = binary.AppendUvarint(b, uint64(x))
	}
	return m.Str(number, string(b))
}

// Raw appends bytes as they are.
func (m M) Raw(s string) M { return append(m, s...) }
