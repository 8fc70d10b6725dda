package hdf5

import (
	"bytes"

	"github.com/loadlock/loadlock/validate"
)

// peekSize is how much of a value is looked at to see whether it is a file.
const peekSize = 16 << 10

// peek descends into a value that begins like a file: a pickle, an archive, and with text a JSON object. Everything else
// in a value is data.
func (f *file) peek(member string, at, n int64, text bool) error {
	if n == 0 {
		return nil
	}
	if f.head == nil {
		f.head = make([]byte, peekSize)
	}
	b := f.head[:min(n, peekSize)]
	if at < f.base || at > f.end || n > f.end-at {
		return validate.Malformed(max(0, min(at, f.p.Size)), "a value outside the file")
	}
	if err := f.p.Charge(validate.Expanded, int64(len(b))); err != nil {
		return err
	}
	if _, err := f.p.ReadAt(b, at); err != nil {
		return err
	}
	if begins(b) || text && isObject(b) {
		return f.descend(member, at, n)
	}
	return nil
}

// begins reports whether bytes begin like a file that a loader of models would open.
func begins(b []byte) bool {
	for _, sig := range signatures[:13] {
		if bytes.HasPrefix(b, sig) {
			return true
		}
	}
	return bytes.HasPrefix(b, []byte(signature)) || importsByName(b)
}

// isObject reports whether bytes begin like a JSON object.
func isObject(b []byte) bool {
	b = bytes.TrimLeft(b, " \t\r\n")
	if len(b) == 0 || b[0] != '{' {
		return false
	}
	b = bytes.TrimLeft(b[1:], " \t\r\n")
	return len(b) > 0 && (b[0] == '"' || b[0] == '}')
}

// descend judges a value as a file of its own. Fixed-length text is padded with NULs, which are no part of it.
func (f *file) descend(member string, at, n int64) error {
	size, err := f.trimmed(at, n)
	if err != nil || size == 0 {
		return err
	}
	nested, err := f.p.Descend(member, f.p.Section(at, size), size)
	if err != nil {
		return err
	}
	const max = 64
	if !nested.Cleared && len(f.dirty) < max {
		f.dirty = append(f.dirty, span{at, at + n})
	}
	return nil
}

// trimmed is the size without trailing NULs, as numpy and h5py give it to programs.
func (f *file) trimmed(at, n int64) (int64, error) {
	for n > 0 {
		k := min(n, 4096)
		b, err := f.buffer(at+n-k, k)
		if err != nil {
			return 0, err
		}
		b = bytes.TrimRight(b, "\x00")
		if n -= k - int64(len(b)); len(b) > 0 {
			return n, nil
		}
	}
	return 0, nil
}

// importsByName walks bytes as pickle opcodes and reports whether an import is reached before the first error or the
// end of the pickle. It only decides whether the pickle scanner should look; a value without an import builds plain
// data. Lengths follow CPython's Lib/pickletools.py.
func importsByName(b []byte) bool {
	texts := 0
	for i, ops := 0, 0; i < len(b) && ops < 20_000; ops++ {
		op := b[i]
		i++
		rest := b[i:]
		n := 0 // bytes of the argument
		switch op {
		case 'c', 'i':
			return names(rest)
		case 0x93:
			return texts >= 2
		case '.':
			return false
		case 'I', 'L', 'F', 'g', 'p', 'S', 'V', 'P':
			if n = bytes.IndexByte(rest, '\n') + 1; n == 0 {
				return false
			}
			if op == 'S' || op == 'V' {
				texts++
			}
		case 'K', 'h', 'q', 0x80:
			n = 1
		case 'M':
			n = 2
		case 'J', 'j', 'r':
			n = 4
		case 'G', 0x95:
			n = 8
		case 0x82, 0x83, 0x84: // EXT1, EXT2, EXT4
			n = 1 << (op - 0x82)
		case 'U', 'C', 0x8c, 0x8a: // a length of one byte
			n, texts = counted(rest, 1), texts+1
		case 'T', 'X', 'B', 0x8b:
			n, texts = counted(rest, 4), texts+1
		case 0x8d, 0x8e, 0x96:
			n, texts = counted(rest, 8), texts+1
		case '(', '0', '1', '2', 'N', 'R', 'Q', 'a', 'b', 'd', 'e', 'l', 'o', 's', 't', 'u', ')', ']', '}',
			0x81, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8f, 0x90, 0x91, 0x92, 0x94, 0x97, 0x98:
		default:
			return false
		}
		if n < 0 || n > len(rest) {
			// A long argument goes on behind what is looked at: what comes after it is not known.
			return n > 0 && len(b) == peekSize
		}
		i += n
	}
	return false
}

// counted is the size of an argument with a length of w bytes in front, or -1.
func counted(b []byte, w int) int {
	if len(b) < w {
		return -1
	}
	n := 0
	for i, c := range b[:w] {
		if i > 3 && c != 0 || i == 3 && c > 0x7f {
			return -1
		}
		n |= int(c) << (8 * i)
	}
	return w + n
}

// names reports whether two lines follow that name a module and something in it.
func names(b []byte) bool {
	for range 2 {
		line, rest, found := bytes.Cut(b, []byte("\n"))
		if !found || len(line) == 0 || len(line) > 1024 || bytes.ContainsFunc(line, func(r rune) bool { return r <= ' ' && r != '\t' || r == 0x7f }) {
			return false
		}
		b = rest
	}
	return true
}
