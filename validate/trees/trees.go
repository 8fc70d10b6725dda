// Package trees judges models of decision trees in formats of their own: XGBoost's universal binary JSON; the older
// binary format of XGBoost and CatBoost's are recognised.
//
// References: ubjson.org, XGBoost "Introduction to Model IO" and src/common/json.cc (UBJReader); catboost
// libs/model/model.cpp. XGBoost's JSON and LightGBM's text are judged as JSON and as text.
//
// # Security
//
// The formats carry numbers and names and no code. Of UBJSON every value is walked, so that nothing else can stand
// between them; numbers in typed arrays are not read. Whether the indices of a tree's nodes lie inside the tree is
// for the library to check.
package trees

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"unicode/utf8"

	"github.com/loadlock/loadlock/validate"
)

var (
	repeatedKey = &validate.Rule{ID: "trees/repeated-key", Title: "object with a repeated key", Severity: validate.Medium,
		Why:     "Readers take the first or the last of two equal keys, so one model is judged and another is used.",
		Fix:     "save the model again with XGBoost",
		Hostile: `{"learner": …, "learner": …}`, Benign: `{"learner": …, "version": …}`}
	unread = &validate.Rule{ID: "trees/unread", Title: "binary format of trees that this version does not read", Severity: validate.Medium,
		Why:     "The bytes were not looked at; they hold structures that a native library reads.",
		Fix:     "save the model as JSON or UBJSON (XGBoost), or as JSON (CatBoost)",
		Hostile: "model.cbm with another file behind it", Benign: "model.json"}
)

// Scanner judges models of trees.
func Scanner() *validate.Scanner {
	return &validate.Scanner{
		Name: "trees", Doc: "XGBoost UBJSON value by value; CatBoost and old XGBoost are recognised", Version: 1,
		Rules: []*validate.Rule{repeatedKey, unread}, Match: match, Scan: scan,
	}
}

// match leaves texts alone that begin with the same letters.
func match(h validate.Head) bool {
	return isUBJ(h) || isBinary(h.Start) && (!h.Text() || h.Start[3] == '4')
}

// isUBJ asks for an object whose first key has a short length of eight bytes, as XGBoost writes it, or for the name. The
// length of a safetensors header can look like the first two bytes.
func isUBJ(h validate.Head) bool {
	b := h.Start
	return len(b) > 10 && b[0] == '{' && b[1] == 'L' && binary.BigEndian.Uint64(b[2:]) < 64 || validate.Ext(h.Name) == ".ubj"
}

// isBinary knows CatBoost's magic, and the two of XGBoost's older format.
func isBinary(b []byte) bool {
	return bytes.HasPrefix(b, []byte("CBM1")) || bytes.HasPrefix(b, []byte("binf")) && len(b) > 8 || bytes.HasPrefix(b, []byte("bs64\t"))
}

func scan(p *validate.Pass) error {
	head := make([]byte, min(64, p.Size))
	if _, err := p.ReadAt(head, 0); err != nil {
		return err
	}
	if isBinary(head) {
		p.Report(unread, 0, "begins with %s", validate.Quote(head[:4], 4))
		p.Clear(0, p.Size, "binary model of trees") // what is not read in it has been said
		return nil
	}
	u := newReader(p)
	if err := u.walk(); err != nil {
		return err
	}
	p.Clear(0, u.off, "UBJSON")
	return nil
}

const (
	maxNesting = 256
	maxText    = 8 << 20
	maxKeys    = 12 << 20 // bytes that the keys of open objects may need
	keyCost    = 64
)

// frame is an open array or object.
type frame struct {
	object bool
	typ    byte  // of every value, or 0
	left   int64 // values that remain, or -1 until a closing sign
	keys   map[string]bool
	cost   int // bytes of memory that the keys need
}

func (u *reader) walk() error {
	typ, err := u.byte()
	if err != nil {
		return err
	}
	if err := u.value(typ); err != nil {
		return err
	}
	for n := 0; len(u.open) > 0; n++ {
		if n%1024 == 0 {
			if err := u.p.Charge(validate.Entries, 0); err != nil {
				return err
			}
		}
		if err := u.member(); err != nil {
			return err
		}
	}
	return nil
}

// member reads the next value of the innermost container, or its end.
func (u *reader) member() error {
	f := &u.open[len(u.open)-1]
	if f.left == 0 {
		u.close()
		return nil
	}
	if f.left > 0 {
		f.left--
	}
	typ := f.typ
	if f.object || typ == 0 {
		c, err := u.byte()
		if err != nil {
			return err
		}
		if f.left < 0 && (f.object && c == '}' || !f.object && c == ']') {
			u.close()
			return nil
		}
		if f.object {
			if err := u.key(f, c); err != nil {
				return err
			}
			if typ == 0 {
				if c, err = u.byte(); err != nil {
					return err
				}
			}
		}
		if typ == 0 {
			typ = c
		}
	}
	return u.value(typ)
}

func (u *reader) close() {
	u.keys -= u.open[len(u.open)-1].cost
	u.open = u.open[:len(u.open)-1]
}

func (u *reader) key(f *frame, typ byte) error {
	at := u.off
	s, err := u.str(typ)
	if err != nil {
		return err
	}
	if f.keys == nil {
		f.keys = map[string]bool{}
	}
	f.cost += keyCost + len(s)
	if u.keys += keyCost + len(s); u.keys > maxKeys {
		return fmt.Errorf("%w: the keys of open objects need more than %d bytes", validate.ErrBudget, maxKeys)
	}
	if f.keys[string(s)] {
		u.p.Report(repeatedKey, at, "key %s", validate.Quote(s, 60))
	}
	f.keys[string(s)] = true
	return nil
}

// widths of the numbers by their type.
var widths = map[byte]int64{'i': 1, 'U': 1, 'I': 2, 'l': 4, 'L': 8, 'd': 4, 'D': 8, 'C': 1, 'Z': 0, 'N': 0, 'T': 0, 'F': 0}

func (u *reader) value(typ byte) error {
	at := u.off
	if w, ok := widths[typ]; ok {
		return u.skip(w)
	}
	switch typ {
	case 'S', 'H':
		c, err := u.byte()
		if err != nil {
			return err
		}
		s, err := u.str(c)
		if err == nil && !utf8.Valid(s) {
			err = validate.Malformed(at, "text that is not UTF-8")
		}
		return err
	case '[', '{':
		return u.container(typ == '{')
	}
	return validate.Malformed(at-1, "type %#02x", typ)
}

// container reads what stands behind an opening sign: a type, a count, or nothing.
func (u *reader) container(object bool) error {
	if len(u.open) >= maxNesting {
		return validate.Malformed(u.off, "nested deeper than %d", maxNesting)
	}
	f := frame{object: object, left: -1}
	c, err := u.peek()
	if err == nil && c == '$' {
		if _, err = u.byte(); err == nil {
			f.typ, err = u.byte()
		}
		if err == nil {
			if c, err = u.peek(); err == nil && c != '#' {
				err = validate.Malformed(u.off, "a type without a count")
			}
		}
	}
	if err == nil && c == '#' {
		if _, err = u.byte(); err == nil {
			if c, err = u.byte(); err == nil {
				f.left, err = u.length(c)
			}
		}
	}
	if err != nil {
		return err
	}
	if w, ok := widths[f.typ]; ok && f.typ != 0 && !object {
		if w == 0 && f.left > u.p.Size || w > 0 && f.left > u.p.Size/w {
			return validate.Malformed(u.off, "%d elements in a file of %d bytes", f.left, u.p.Size)
		}
		return u.skip(f.left * w)
	}
	u.open = append(u.open, f)
	return nil
}
