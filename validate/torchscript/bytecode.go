package torchscript

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/loadlock/loadlock/validate"
)

// maxBytecode keeps the last byte of every length zero.
const maxBytecode = 15 << 20

// scanBytecode looks up every operator that the bytecode of the mobile interpreter names. torch's unpickler
// (torch/csrc/jit/serialization/unpickler.cpp) takes strings as they are, without escapes, and an operator's name is one
// string (torch/csrc/jit/mobile/import.cpp, parse_operators), so it stands in the bytes in full.
func scanBytecode(p *validate.Pass) error {
	if p.Size > maxBytecode {
		return fmt.Errorf("%w: bytecode of more than %d bytes", validate.ErrBudget, maxBytecode)
	}
	j, err := newJudge(p)
	if err != nil {
		return err
	}
	b, err := p.Bytes(0, p.Size)
	if err != nil {
		return err
	}
	for i := 0; ; i += 2 {
		n := bytes.Index(b[i:], []byte("::"))
		if n < 0 {
			break
		}
		i += n
		ns := wordBefore(b[:i])
		start := i - len(ns)
		at := validate.Place{Offset: int64(start)}
		if whole, ok := stringAt(b, start); ok && len(whole) >= len(ns)+2 {
			j.operator(at, ns, string(whole[len(ns)+2:]))
		} else if !j.seen[ns+"::"] {
			j.seen[ns+"::"] = true
			j.p.ReportAt(unresolved, at, "%s:: in the midst of something", validate.Quote(ns, 60))
		}
	}
	for i := 0; ; i++ {
		n := bytes.Index(b[i:], []byte("__torch__.torch.classes."))
		if n < 0 {
			break
		}
		i += n
		j.class(validate.Place{Offset: int64(i)}, dotted(b[i:]))
	}
	p.Report(prints, 0, "%d bytes of mobile bytecode", p.Size)
	p.Clear(0, p.Size, "mobile bytecode")
	return nil
}

const maxWord = 200

// wordBefore is the namespace that ends b. It does not run into the string's length, whose last byte is zero in a file
// of less than 16 MiB.
func wordBefore(b []byte) string {
	i := len(b)
	for i > 0 && len(b)-i < maxWord && (isLetter(b[i-1]) || isDigit(b[i-1])) {
		i--
	}
	return string(b[i:])
}

// stringAt is the operand of BINUNICODE, the opcode of all strings that torch writes, if it begins at start.
func stringAt(b []byte, start int) ([]byte, bool) {
	if start < 5 || b[start-5] != 'X' {
		return nil, false
	}
	n := int64(binary.LittleEndian.Uint32(b[start-4:]))
	if n > int64(len(b)-start) || n > maxWord {
		return nil, false
	}
	return b[start : start+int(n)], true
}

func dotted(b []byte) string {
	n := 0
	for n < len(b) && n < maxWord && (isLetter(b[n]) || isDigit(b[n]) || b[n] == '.') {
		n++
	}
	return string(b[:n])
}
