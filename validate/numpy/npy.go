package numpy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/loadlock/loadlock/validate"
)

const magic = "\x93NUMPY"

// maxHeader is far above what numpy itself reads without being told to (10,000 characters).
const maxHeader = 1 << 20

// Scanner reads headers and accounts for the numbers.
func Scanner() *validate.Scanner {
	return &validate.Scanner{
		Name:    "npy",
		Doc:     "numpy arrays (.npy, and the members of .npz)",
		Version: 1,
		Rules:   rules(),
		Match: func(h validate.Head) bool {
			return bytes.HasPrefix(h.Start, []byte(magic)) || validate.Ext(h.Name) == ".npy"
		},
		Scan: scan,
	}
}

// scan judges one array.
func scan(p *validate.Pass) error {
	text, base, start, err := header(p)
	if err != nil || text == "" {
		return err
	}
	a, err := array(p, text, base)
	var w *wrong
	if errors.As(err, &w) {
		rule := ruleHeader
		switch {
		case w.expression:
			rule = ruleExpression
		case a.part != nil:
			rule = a.part
		}
		p.ReportAt(rule, validate.Place{Offset: min(base+int64(w.at), start), Evidence: validate.Quote(text[min(w.at, len(text)):], 60)}, "%s", w.what)
		headerOnly(p, start)
		return nil
	}
	if err != nil {
		return err
	}
	if a.element.object {
		return objects(p, start)
	}
	size := p.Size - start
	high, want := bits.Mul64(uint64(a.count), uint64(a.element.size))
	if high != 0 || want != uint64(size) {
		p.Report(ruleSize, start, "%d elements of %d bytes, the data has %d bytes", a.count, a.element.size, size)
		if headerOnly(p, start); high == 0 && want < uint64(size) {
			p.Clear(start, int64(want), "array data")
		}
		return nil
	}
	p.Clear(0, start, "header")
	p.Clear(start, size, "array data")
	return nil
}

// headerOnly explains the header of a file whose data is not what the header says. The data stays unexplained, so that
// the core looks into it: numpy takes spellings of object types that it does not write, and unpickles what follows.
func headerOnly(p *validate.Pass, start int64) {
	if start < p.Size {
		p.Clear(0, start, "header")
	}
}

// header reads magic, version and length. It returns the text with its padding, its offset and that of the data.
func header(p *validate.Pass) (text string, base, start int64, err error) {
	head, err := p.Bytes(0, min(p.Size, 12))
	if err != nil {
		return "", 0, 0, err
	}
	if len(head) < 10 || string(head[:6]) != magic {
		return "", 0, 0, validate.Malformed(0, "no numpy magic")
	}
	major, minor := head[6], head[7]
	n, base := int64(binary.LittleEndian.Uint16(head[8:])), int64(10)
	if major < 1 || major > 3 || minor != 0 {
		p.Report(ruleVersion, 6, "version %d.%d", major, minor)
		return "", 0, 0, nil
	}
	if major > 1 {
		if len(head) < 12 {
			return "", 0, 0, validate.Malformed(8, "the file ends inside the header")
		}
		n, base = int64(binary.LittleEndian.Uint32(head[8:])), 12
	}
	if n > p.Size-base {
		return "", 0, 0, validate.Malformed(8, "a header of %d bytes, the file has %d left", n, p.Size-base)
	}
	if n == 0 || n > maxHeader {
		p.Report(ruleHeader, 8, "a header of %d bytes", n)
		return "", 0, 0, nil
	}
	b, err := p.Bytes(base, n)
	if err != nil {
		return "", 0, 0, err
	}
	if text = string(b); major < 3 {
		text = latin1(b)
	}
	if !utf8.ValidString(text) {
		p.Report(ruleHeader, base, "text that is not UTF-8")
		return "", 0, 0, nil
	}
	return text, base, base + n, nil
}

// latin1 decodes as versions before 3.0 do. Places in a header that is not ASCII are then a little off.
func latin1(b []byte) string {
	r := make([]rune, len(b))
	for i, c := range b {
		r[i] = rune(c)
	}
	return string(r)
}

// description is the evaluated header.
type description struct {
	element element
	count   int64
	part    *validate.Rule // what an error is about, apart from the header as a whole
}

// array evaluates the header.
func array(p *validate.Pass, text string, base int64) (d description, err error) {
	root, l, err := parse(text)
	if err != nil {
		return d, err
	}
	if l.suffix >= 0 {
		p.Report(ruleSuffix, base+int64(l.suffix), "the header has numbers with the suffix L")
	}
	if root.kind != '{' {
		return d, &wrong{at: root.at, what: "the header is not a dictionary"}
	}
	keys := map[string]*node{}
	for i := 0; i < len(root.items); i += 2 {
		k := root.items[i]
		if k.kind != 's' || keys[k.text] != nil || !slices.Contains([]string{"descr", "fortran_order", "shape"}, k.text) {
			return d, &wrong{at: k.at, what: "key " + validate.Quote(k.text, 40) + " is unknown or repeated"}
		}
		keys[k.text] = root.items[i+1]
	}
	if len(keys) != 3 || keys["fortran_order"].kind != 'b' {
		return d, &wrong{at: root.at, what: "not the keys descr, fortran_order and shape with values of their types"}
	}
	if at := badPadding(text); at >= 0 {
		return d, &wrong{at: at, what: "the padding is not spaces and one line feed"}
	}
	d.part = ruleType
	if d.element, err = typeOf(keys["descr"]); err != nil {
		return d, err
	}
	d.part = ruleSize
	d.count, err = product(keys["shape"])
	return d, err
}

// badPadding finds the first byte that numpy would not write outside the literal, or -1.
func badPadding(text string) int {
	if !strings.HasSuffix(text, "\n") {
		return len(text)
	}
	if i := strings.IndexByte(text, '\n'); i < len(text)-1 {
		return i
	}
	if text[0] != '{' {
		return 0
	}
	return -1
}

// objects judges the data section as what it is, a pickle.
func objects(p *validate.Pass, start int64) error {
	size := p.Size - start
	got, err := p.Descend("pickled objects", p.Section(start, size), size)
	if err != nil {
		return err
	}
	if !got.Cleared || !slices.Contains(got.Scanners, "pickle") {
		p.Report(ruleNested, start, "%d bytes of pickled objects", size)
		return nil
	}
	p.Report(ruleObjects, start, "%d bytes of pickled objects, read as a pickle", size)
	p.Clear(0, start, "header")
	p.Clear(start, size, "pickled objects")
	return nil
}
