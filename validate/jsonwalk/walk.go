package jsonwalk

import (
	"bufio"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"strconv"

	"github.com/loadlock/loadlock/validate"
)

const (
	maxNesting = 128  // published configurations stay below ten
	maxNumber  = 4096 // characters; CPython refuses integers above 4300 digits
	keyCost    = 32   // bytes of memory for one remembered key, generously

	maxString = 8 << 20  // bytes of one string; a picture in a notebook has one or two million
	maxKey    = 64 << 10 // bytes of one key, which is kept while its value is read
	maxKeys   = 640_000  // keys of all open objects; the largest vocabularies have less than half of that
)

// Frame is an open array or object.
type Frame struct {
	Object bool
	Key    []byte // of the current value, in an object
	Index  int    // of the current value, in an array
	seen   map[uint64]struct{}
}

// Kind of a scalar.
type Kind byte

// The kinds.
const (
	Text    Kind = 's'
	Number  Kind = 'n'
	Literal Kind = 'l' // true, false, null
)

// Visitor is told what the walk meets. A nil function is not called. Nothing it gets may be kept: keys and
// values are overwritten. Offsets are those of the file.
type Visitor struct {
	Key      func(stack []Frame, off int64)                       // an object key, before its value
	Scalar   func(stack []Frame, k Kind, value []byte, off int64) // a string (unescaped), number or literal
	Open     func(stack []Frame, off int64)                       // a container was opened; it is the last frame
	Close    func(stack []Frame, off int64)                       // the last frame is about to be closed
	Repeated func(stack []Frame, off int64)                       // the last frame has its Key for the second time
	Stop     func() error                                         // asked before each value; an error ends the walk with it
}

// walker reads one JSON value as a stream of keys and scalars, with bounded memory. Its grammar is RFC 8259
// plus NaN, Infinity and -Infinity.
type walker struct {
	p     *validate.Pass
	r     *bufio.Reader
	off   int64 // of the next byte
	stack []Frame
	buf   []byte // the current string, unescaped
	keys  int64  // remembered in all open objects
	seed  maphash.Seed
	stop  int64 // where the value must have ended
	visit Visitor
}

// Walk reads the n bytes at off as one JSON value with white space around it. The bytes must be UTF-8, which the
// caller checks (Pass.ReadText); a *validate.FormatError says where they are not JSON.
func Walk(p *validate.Pass, off, n int64, visit Visitor) error {
	w := &walker{p: p, r: bufio.NewReaderSize(p.Section(off, n), int(min(64<<10, max(n, 16)))), off: off, stop: off + n, seed: maphash.MakeSeed(), visit: visit}
	if err := w.document(); err != nil {
		if errors.Is(err, io.EOF) {
			return validate.Malformed(w.off, "JSON ends early")
		}
		return err
	}
	return nil
}

// document is a loop, not a recursion: the depth of the input never becomes depth of our stack.
func (w *walker) document() error {
	expectValue := true
	for {
		if expectValue {
			if w.visit.Stop != nil {
				if err := w.visit.Stop(); err != nil {
					return err
				}
			}
			opened, err := w.value()
			if err != nil {
				return err
			}
			expectValue = false
			if opened {
				if expectValue, err = w.first(); err != nil {
					return err
				}
			}
			continue
		}
		if len(w.stack) == 0 {
			return w.end()
		}
		more, err := w.next()
		if err != nil {
			return err
		}
		expectValue = more
	}
}

// end accepts white space up to the end of the file.
func (w *walker) end() error {
	c, err := w.token()
	if errors.Is(err, io.EOF) && w.off == w.stop {
		return nil
	}
	if err != nil {
		return err
	}
	return validate.Malformed(w.off-1, "%q after the JSON value", c)
}

// first reads what follows an opening bracket: the key of the first member, or the closing bracket.
func (w *walker) first() (value bool, err error) {
	top := &w.stack[len(w.stack)-1]
	c, err := w.token()
	switch {
	case err != nil:
		return false, err
	case top.Object && c == '}', !top.Object && c == ']':
		w.pop()
		return false, nil
	case top.Object:
		return true, w.readKey(c)
	}
	w.unread()
	return true, nil
}

// next reads what follows a value inside a container.
func (w *walker) next() (value bool, err error) {
	top := &w.stack[len(w.stack)-1]
	c, err := w.token()
	switch {
	case err != nil:
		return false, err
	case top.Object && c == '}', !top.Object && c == ']':
		w.pop()
		return false, nil
	case c != ',':
		return false, validate.Malformed(w.off-1, "%q where a comma belongs", c)
	}
	top.Index++
	if !top.Object {
		return true, nil
	}
	if c, err = w.token(); err != nil {
		return false, err
	}
	return true, w.readKey(c)
}

func (w *walker) readKey(c byte) error {
	off := w.off - 1
	if c != '"' {
		return validate.Malformed(off, "%q where a key belongs", c)
	}
	if err := w.str(); err != nil {
		return err
	}
	if len(w.buf) > maxKey {
		return w.tooMuch("a key of %d bytes", len(w.buf))
	}
	top := &w.stack[len(w.stack)-1]
	top.Key = append(top.Key[:0], w.buf...)
	sum := maphash.Bytes(w.seed, w.buf)
	if _, twice := top.seen[sum]; twice {
		if w.visit.Repeated != nil {
			w.visit.Repeated(w.stack, off)
		}
	} else {
		if w.keys++; w.keys > min(w.p.Limits().MaxHeaderSizeMB<<20/keyCost, maxKeys) {
			return w.tooMuch("%d keys must be remembered at once", w.keys)
		}
		if top.seen == nil {
			top.seen = map[uint64]struct{}{}
		}
		top.seen[sum] = struct{}{}
	}
	if w.visit.Key != nil {
		w.visit.Key(w.stack, off)
	}
	if c, err := w.token(); err != nil {
		return err
	} else if c != ':' {
		return validate.Malformed(w.off-1, "%q where a colon belongs", c)
	}
	return nil
}

// value reads a scalar, or the opening bracket of a container.
func (w *walker) value() (opened bool, err error) {
	c, err := w.token()
	if err != nil {
		return false, err
	}
	off := w.off - 1
	switch {
	case c == '{' || c == '[':
		if len(w.stack) >= maxNesting {
			return false, validate.Malformed(off, "JSON nested deeper than %d", maxNesting)
		}
		w.stack = append(w.stack, Frame{Object: c == '{'})
		if w.visit.Open != nil {
			w.visit.Open(w.stack, off)
		}
		return true, nil
	case c == '"':
		if err := w.str(); err != nil {
			return false, err
		}
		w.scalar(Text, off)
		return false, nil
	}
	if err := w.word(c); err != nil {
		return false, err
	}
	switch s := string(w.buf); {
	case s == "true" || s == "false" || s == "null":
		w.scalar(Literal, off)
	case s == "NaN" || s == "Infinity" || s == "-Infinity" || isNumber(w.buf):
		w.scalar(Number, off)
	default:
		return false, validate.Malformed(off, "%s is no JSON value", strconv.QuoteToASCII(string(w.buf[:min(len(w.buf), 120)])))
	}
	return false, nil
}

// word collects the characters of a number or literal into buf.
func (w *walker) word(c byte) error {
	w.buf = append(w.buf[:0], c)
	for {
		c, err := w.r.ReadByte()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if !('0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '+' || c == '-' || c == '.') {
			return w.r.UnreadByte()
		}
		w.off++
		if w.buf = append(w.buf, c); len(w.buf) > maxNumber {
			return validate.Malformed(w.off, "number or literal longer than %d characters", maxNumber)
		}
	}
}

// isNumber follows the grammar of RFC 8259 section 6.
func isNumber(b []byte) bool {
	digits := func() bool {
		n := 0
		for n < len(b) && '0' <= b[n] && b[n] <= '9' {
			n++
		}
		b = b[n:]
		return n > 0
	}
	if len(b) > 0 && b[0] == '-' {
		b = b[1:]
	}
	if len(b) > 1 && b[0] == '0' && '0' <= b[1] && b[1] <= '9' || !digits() {
		return false
	}
	if len(b) > 0 && b[0] == '.' {
		if b = b[1:]; !digits() {
			return false
		}
	}
	if len(b) > 0 && (b[0] == 'e' || b[0] == 'E') {
		if b = b[1:]; len(b) > 0 && (b[0] == '+' || b[0] == '-') {
			b = b[1:]
		}
		if !digits() {
			return false
		}
	}
	return len(b) == 0
}

func (w *walker) byte() (byte, error) {
	c, err := w.r.ReadByte()
	if err == nil {
		w.off++
	}
	return c, err
}

// token is the next byte that is not white space.
func (w *walker) token() (byte, error) {
	for {
		c, err := w.byte()
		if err != nil || c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return c, err
		}
	}
}

func (w *walker) unread() {
	if w.r.UnreadByte() == nil {
		w.off--
	}
}

func (w *walker) scalar(k Kind, off int64) {
	if w.visit.Scalar != nil {
		w.visit.Scalar(w.stack, k, w.buf, off)
	}
}

func (w *walker) pop() {
	if w.visit.Close != nil {
		w.visit.Close(w.stack, w.off-1)
	}
	w.keys -= int64(len(w.stack[len(w.stack)-1].seen))
	w.stack = w.stack[:len(w.stack)-1]
}

func (w *walker) tooMuch(format string, args ...any) error {
	return fmt.Errorf("%w: scan.max_header_size_mb: %s", validate.ErrBudget, fmt.Sprintf(format, args...))
}
