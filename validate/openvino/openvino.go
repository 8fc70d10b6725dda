// Package openvino judges the intermediate representation of OpenVINO: model.xml, and model.bin beside it
// (https://docs.openvino.ai, "OpenVINO IR format").
//
// # Security
//
// The XML is read as package xmlwalk reads it. Every layer, in the graph and in the bodies of If, Loop and
// TensorIterator, must be an operator of a published set (ops.txt); a layer of another version or name needs a native
// library. The places of constants are held against their shapes and told to the core, which clears the .bin file when
// they cover it. Of any other file with the extension .xml only the text is judged, and what readers put into it on their own: entities and
// inclusions from elsewhere.
//
// Not judged: edges between layers, attributes of layers, runtime hints (rt_info).
package openvino

import (
	_ "embed"
	"math"
	"math/bits"
	"path"
	"strconv"
	"strings"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/xmlwalk"
)

//go:embed ops.txt
var opsText string

//go:embed tokenizers.txt
var tokenizersText string

// Scanner judges OpenVINO models.
func Scanner() *validate.Scanner {
	ops, tokens := names(opsText), names(tokenizersText)
	return &validate.Scanner{
		Name: "openvino", Doc: "OpenVINO models, and other XML", Version: 1, Rules: rules(), Match: match,
		Scan: func(p *validate.Pass) error {
			m := &model{p: p, ops: ops, tokens: tokens, bin: strings.TrimSuffix(p.Name, path.Ext(p.Name)) + ".bin"}
			return m.scan()
		},
	}
}

func match(h validate.Head) bool {
	return validate.Ext(h.Name) == ".xml" || h.Text() && xmlwalk.Root(h.Start) == "net"
}

// names reads a list of names.
func names(text string) map[string]bool {
	out := map[string]bool{}
	for line := range strings.Lines(text) {
		if line[0] == '#' {
			continue
		}
		for _, name := range strings.Fields(line) {
			if out[name] {
				panic("openvino: " + name + " twice")
			}
			out[name] = true
		}
	}
	return out
}

// model is what is remembered of one file.
type model struct {
	p           *validate.Pass
	ops, tokens map[string]bool
	bin         string
	net         bool
	noted       bool
	layer       string // type of the last layer that was opened
	last        validate.Fact
	facts       int
}

// maxFacts bounds what the core remembers of one model.
const maxFacts = 50_000

func (m *model) scan() error {
	start := m.start()
	if root := xmlwalk.Root(start); root != "" && root != "net" && !strings.EqualFold(root, "PMML") {
		switch is, err := m.isModel(); {
		case err != nil:
			return err
		case !is:
			return m.other(start)
		}
	}
	err := xmlwalk.Walk(m.p, walking, xmlwalk.Visitor{Open: func(parents []string, e xmlwalk.Element) error {
		switch {
		case len(parents) == 0:
			m.root(e)
		case e.Name == "net":
			m.net = true
		case !m.net:
		case e.Name == "layer":
			m.judgeLayer(e)
		case e.Name == "data" && parents[len(parents)-1] == "layer" && m.layer == "Const":
			return m.judgeConstant(e)
		case e.Name == "weights" || e.Name == "biases" || e.Name == "custom":
			m.p.ReportAt(unread, e.Place(), "element %s, which current versions do not write", e.Name)
		}
		return nil
	}})
	if err == nil && m.last.Size > 0 {
		m.p.Fact(m.last)
	}
	return err
}

// root tells a model from other XML.
func (m *model) root(e xmlwalk.Element) {
	m.net = e.Name == "net"
	switch version, _ := e.Attr("version"); {
	case m.net && version != "10" && version != "11":
		m.p.ReportAt(unread, e.Place(), "version %s", validate.Quote(version, 20))
	case strings.EqualFold(e.Name, "PMML"):
		if ext := validate.Ext(m.p.Name); ext == ".xml" && xmlwalk.Root(m.start()) != e.Name {
			m.p.ReportAt(unread, e.Place(), "a PMML document behind a long beginning")
		}
	}
}

// start is what a scanner's Match could see.
func (m *model) start() []byte {
	b, err := m.p.Bytes(0, min(m.p.Size, 4096))
	if err != nil {
		return nil
	}
	return b
}

func (m *model) judgeLayer(e xmlwalk.Element) {
	kind, _ := e.Attr("type")
	version, _ := e.Attr("version")
	m.layer = kind
	number, isSet := strings.CutPrefix(version, "opset")
	n, err := strconv.Atoi(number)
	switch {
	case isSet && err == nil && n >= 1 && n <= 32 && m.ops[kind] || version == "type_relaxed_opset" && m.ops[kind]:
	case version == "extension" && m.tokens[kind]:
		if !m.noted {
			m.p.ReportAt(tokenizers, e.Place(), "layer %s", kind)
		}
		m.noted = true
	default:
		m.p.ReportAt(extension, e.Place(), "layer %s of %s", validate.Quote(kind, 60), validate.Quote(version, 40))
	}
}

// elementBits is the width of an element; 0: none fixed, or packed in groups.
var elementBits = map[string]uint64{"f64": 64, "i64": 64, "u64": 64, "f32": 32, "i32": 32, "u32": 32, "f16": 16, "bf16": 16, "i16": 16, "u16": 16,
	"i8": 8, "u8": 8, "boolean": 8, "f8e4m3": 8, "f8e5m2": 8, "f8e8m0": 8, "i4": 4, "u4": 4, "nf4": 4, "f4e2m1": 4, "u1": 1, "u2": 2, "string": 0, "u3": 0, "u6": 0}

func (m *model) judgeConstant(e xmlwalk.Element) error {
	kind, _ := e.Attr("element_type")
	text, _ := e.Attr("shape")
	offText, _ := e.Attr("offset")
	sizeText, _ := e.Attr("size")
	off, err1 := strconv.ParseUint(offText, 10, 62)
	size, err2 := strconv.ParseUint(sizeText, 10, 62)
	if err1 != nil || err2 != nil {
		m.p.ReportAt(constant, e.Place(), "offset %s and size %s", validate.Quote(offText, 40), validate.Quote(sizeText, 40))
		return nil
	}
	width, known := elementBits[kind]
	count, ok := elements(text)
	if !known || !ok || width > 0 && size != (count*width+7)/8 {
		m.p.ReportAt(constant, e.Place(), "%d bytes for elements %s in the shape %s", size, validate.Quote(kind, 20), validate.Quote(text, 60))
	}
	return m.remember(int64(off), int64(size))
}

// elements is the product of a shape; an empty one is a scalar.
func elements(shape string) (n uint64, ok bool) {
	n = 1
	if strings.TrimSpace(shape) == "" {
		return n, true
	}
	for part := range strings.SplitSeq(shape, ",") {
		d, err := strconv.ParseUint(strings.TrimSpace(part), 10, 63)
		hi, lo := bits.Mul64(n, d)
		if err != nil || hi != 0 || lo > math.MaxInt64/64 {
			return 0, false
		}
		n = lo
	}
	return n, true
}

// remember tells the core a range of the .bin file, neighbours as one.
func (m *model) remember(off, size int64) error {
	if m.last.Size > 0 && m.last.Offset+m.last.Size == off && m.last.Size <= math.MaxInt64/2 {
		m.last.Size += size
		return nil
	}
	if m.last.Size > 0 {
		m.p.Fact(m.last)
	}
	if m.facts++; m.facts > maxFacts {
		return validate.Malformed(0, "more than %d ranges of weights", maxFacts)
	}
	m.last = validate.Fact{Kind: validate.FactRaw, Key: m.bin, Offset: off, Size: size}
	return nil
}
