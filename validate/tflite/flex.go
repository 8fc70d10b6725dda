package tflite

import (
	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/protowalk"
	"github.com/loadlock/loadlock/validate/tfops"
)

const flexPrefix = "Flex"

// judgeFlex judges an operator of TensorFlow.
func (m *model) judgeFlex(at int64, op string) {
	switch m.ops[op] {
	case tfops.Pure, tfops.Checkpoint, tfops.Text:
		if !m.noted {
			m.p.Report(flexNote, at, "operator Flex%s", validate.Quote(op, 80))
		}
		m.noted = true
	case tfops.Python, tfops.File, tfops.Network, tfops.Database, tfops.Process:
		m.p.Report(fileOp, at, "operator Flex%s", validate.Quote(op, 80))
	default:
		m.p.Report(flex, at, "operator Flex%s", validate.Quote(op, 80))
	}
}

// maxNode is above the node of any operator; constants are tensors of the model.
const maxNode = 1 << 20

// flexNode finds the operator of the node that the Flex delegate runs: a FlexBuffer with a vector of two strings, the
// name and a serialized NodeDef (delegates/flex/kernel.cc, InitializeNodeDef; https://flatbuffers.dev/internals/).
func (m *model) flexNode(off, n int64) (op string, ok bool) {
	if n < 3 || n > maxNode {
		return "", false
	}
	b, err := m.p.Bytes(off, n)
	if err != nil {
		return "", false
	}
	width, kind := int(b[n-1]), b[n-2]
	const vectorType, stringType = 10, 5
	if kind>>2 != vectorType || width < 1 || width > 4 || int(n) < 2+width {
		return "", false
	}
	root := int(n) - 2 - width
	at := root - number(b, root, width)
	w := 1 << (kind & 3)
	if number(b, at-w, w) != 2 || at < w || at+2*w+2 > len(b) {
		return "", false
	}
	var texts [2]string
	for i := range texts {
		kind := b[at+2*w+i]
		sw := 1 << (kind & 3)
		start := at + i*w - number(b, at+i*w, w)
		length := number(b, start-sw, sw)
		if kind>>2 != stringType || start < sw || length < 0 || start > len(b) || length > len(b)-start {
			return "", false
		}
		texts[i] = string(b[start : start+length])
	}
	return nodeOp(texts[1])
}

// number reads a little-endian number of a FlexBuffer, -1 if it lies outside or is too large.
func number(b []byte, at, width int) int {
	if at < 0 || width > 8 || at > len(b)-width {
		return -1
	}
	x := 0
	for i := width - 1; i >= 0; i-- {
		if x > maxNode {
			return -1
		}
		x = x<<8 | int(b[at+i])
	}
	return x
}

// nodeOp is field 2 of a NodeDef, which must be there once.
func nodeOp(node string) (op string, ok bool) {
	b := []byte(node)
	for len(b) > 0 {
		tag, n := protowalk.Uvarint(b)
		b = b[n:]
		size, m := protowalk.Uvarint(b)
		if n == 0 || m == 0 || tag&7 != 2 || size > uint64(len(b)-m) {
			return "", false // a NodeDef has nothing but texts and messages
		}
		if tag>>3 == 2 {
			if ok {
				return "", false
			}
			op, ok = string(b[m:m+int(size)]), true
		}
		b = b[m+int(size):]
	}
	return op, ok
}
