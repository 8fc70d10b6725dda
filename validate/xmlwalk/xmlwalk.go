// Package xmlwalk reads XML of hostile origin as a stream (https://www.w3.org/TR/xml/), with encoding/xml.
//
// # Security
//
// Nothing is resolved: there are no entities but the five that XML has, no external subsets, no inclusions. A DOCTYPE, an
// inclusion, a processing instruction and an attribute that occurs twice are findings, because other readers act on
// them. Depth, the number of attributes and the length of any one token are bounded; other encodings than UTF-8, and
// text outside the root, are errors.
package xmlwalk

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"

	"github.com/loadlock/loadlock/validate"
)

// Bounds of one document.
const (
	maxDepth      = 256
	maxAttributes = 256
	maxToken      = 1 << 20 // bytes of a tag, a comment, a text between two tags
)

// Element is a start tag.
type Element struct {
	Name  string // without its prefix
	Space string // the namespace, or the prefix if it is not declared
	Attrs []xml.Attr
	Off   int64
	Line  int
}

// Attr is the value of an attribute without a prefix, and whether there is one.
func (e Element) Attr(name string) (string, bool) {
	for _, a := range e.Attrs {
		if a.Name.Space == "" && a.Name.Local == name {
			return a.Value, true
		}
	}
	return "", false
}

// Place is where a finding about the element is.
func (e Element) Place() validate.Place { return validate.Place{Offset: e.Off, Line: e.Line} }

// Visitor is told what the walk meets. A nil function is not called.
type Visitor struct {
	Open  func(parents []string, e Element) error // parents begins with the root
	Close func(parents []string, name string) error
}

// Walk reads the whole file and clears it, unless it is not XML.
func Walk(p *validate.Pass, rules Rules, v Visitor) error {
	w := walker{p: p, rules: rules, visit: v}
	src := &tokenReader{r: bufio.NewReaderSize(p.Section(0, p.Size), 32<<10)}
	if b, err := src.r.Peek(3); err == nil && string(b) == "\xef\xbb\xbf" { // a mark of UTF-8
		src.skip(3)
		w.base = 3
	}
	w.dec = xml.NewDecoder(src)
	for {
		src.left = maxToken
		off := w.base + w.dec.InputOffset()
		line, _ := w.dec.InputPos()
		token, err := w.dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = w.token(token, off, line)
		} else if cause := p.Charge(validate.Entries, 0); cause != nil {
			return cause
		} else if !errors.Is(err, validate.ErrBudget) {
			err = validate.Malformed(min(off, p.Size), "line %d: %v", line, err)
		}
		if err != nil {
			return err
		}
	}
	if !w.rooted || len(w.stack) > 0 {
		return validate.Malformed(p.Size, "XML without a whole root element")
	}
	p.Clear(0, p.Size, "XML")
	return nil
}

type walker struct {
	p      *validate.Pass
	rules  Rules
	visit  Visitor
	dec    *xml.Decoder
	base   int64
	stack  []string
	rooted bool
}

func (w *walker) token(token xml.Token, off int64, line int) error {
	at := validate.Place{Offset: off, Line: line}
	switch t := token.(type) {
	case xml.StartElement:
		return w.open(t, at)
	case xml.EndElement:
		w.stack = w.stack[:len(w.stack)-1]
		if w.visit.Close != nil {
			return w.visit.Close(w.stack, t.Name.Local)
		}
	case xml.CharData:
		if len(w.stack) == 0 && len(bytes.TrimSpace(t)) > 0 {
			return validate.Malformed(off, "text outside the root element")
		}
	case xml.Directive:
		at.Evidence = validate.Quote([]byte(t), 80)
		w.p.ReportAt(w.rules.Doctype, at, "<!%s", validate.Quote([]byte(t), 80))
	case xml.ProcInst:
		if t.Target == "xml" && off == w.base {
			return nil
		}
		at.Evidence = validate.Quote(t.Target, 40)
		w.p.ReportAt(w.rules.Instruction, at, "instruction %s %s", validate.Quote(t.Target, 40), validate.Quote(t.Inst, 80))
	}
	return nil
}

// XInclude is the namespace of https://www.w3.org/TR/xinclude/.
const XInclude = "http://www.w3.org/2001/XInclude"

func (w *walker) open(t xml.StartElement, at validate.Place) error {
	switch {
	case len(w.stack) == 0 && w.rooted:
		return validate.Malformed(at.Offset, "a second root element")
	case len(w.stack) >= maxDepth:
		return validate.Malformed(at.Offset, "elements nested deeper than %d", maxDepth)
	case len(t.Attr) > maxAttributes:
		return validate.Malformed(at.Offset, "an element with more than %d attributes", maxAttributes)
	}
	w.rooted = true
	if t.Name.Space == XInclude || t.Name.Space == "xi" {
		w.p.ReportAt(w.rules.Include, at, "element %s", validate.Quote(t.Name.Local, 40))
	}
	for i, a := range t.Attr { // at most 256 of them
		if slices.ContainsFunc(t.Attr[:i], func(b xml.Attr) bool { return b.Name == a.Name }) {
			w.p.ReportAt(w.rules.Twice, at, "attribute %s of %s occurs again", validate.Quote(a.Name.Local, 40), validate.Quote(t.Name.Local, 40))
		}
	}
	if w.visit.Open != nil {
		if err := w.visit.Open(w.stack, Element{Name: t.Name.Local, Space: t.Name.Space, Attrs: t.Attr, Off: at.Offset, Line: at.Line}); err != nil {
			return err
		}
	}
	w.stack = append(w.stack, t.Name.Local)
	return nil
}

// tokenReader bounds what the decoder reads for one token, which it holds in memory.
type tokenReader struct {
	r    *bufio.Reader
	left int
}

var errToken = errors.New("a tag, comment or text longer than is read")

// ReadByte implements io.ByteReader, so that the decoder reads no further than its token.
func (t *tokenReader) ReadByte() (byte, error) {
	if t.left--; t.left < 0 {
		return 0, errToken
	}
	return t.r.ReadByte()
}

// Read implements io.Reader.
func (t *tokenReader) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	c, err := t.ReadByte()
	if err != nil {
		return 0, err
	}
	b[0] = c
	return 1, nil
}

func (t *tokenReader) skip(n int) {
	for range n {
		t.r.ReadByte() // peeked
	}
}

// AsItIs makes a decoder read any encoding as if it were UTF-8, to see the ASCII in it.
func AsItIs(_ string, r io.Reader) (io.Reader, error) { return r, nil }

// Root guesses the name of the root element from the beginning of a file; "" if it cannot be seen there.
func Root(start []byte) string {
	if bytes.IndexByte(start, '<') < 0 {
		return ""
	}
	dec := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(start, []byte("\xef\xbb\xbf"))))
	dec.Strict = false
	dec.CharsetReader = AsItIs
	for range 16 { // declaration, comments, spaces
		token, err := dec.RawToken()
		if err != nil {
			return ""
		}
		if e, ok := token.(xml.StartElement); ok {
			return e.Name.Local
		}
	}
	return ""
}
