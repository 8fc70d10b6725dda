package pysource

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/pysource/syntax"
)

// MaxSource is the size up to which a source file is analysed.
const MaxSource = 1 << 20

// bounds keep the tree and what is remembered of it small: the largest file of torch's own tests has 875 kB.
var bounds = syntax.Limits{Nodes: 150_000, Memory: 12 << 20}

// Analyse states what Python source does, as far as reading tells. It reports each finding once; the places are
// those of src. What cannot be parsed or is too large is a finding.
func Analyse(src []byte, name string, report func(r *validate.Rule, at validate.Place, detail string)) {
	analyse(src, name, func(string) bool { return false }, report)
}

// analyse is Analyse of a file among others; sibling says whether there is a Python file or folder at a path.
func analyse(src []byte, name string, sibling func(string) bool, report reporter) {
	if len(src) > MaxSource {
		report(tooLarge, validate.Place{}, fmt.Sprintf("%d bytes; at most %d are analysed", len(src), MaxSource))
		return
	}
	tree, err := syntax.Parse(src, bounds)
	if err != nil {
		parseError(err, report)
		return
	}
	names, err := loadTable()
	if err != nil {
		report(unparsed, validate.Place{}, err.Error())
		return
	}
	m := newModule(name, src, tree, names)
	m.report, m.sibling = m.once(report), sibling
	m.facts()
	m.collect()
	m.link()
	m.judge()
}

func newModule(name string, src []byte, tree *syntax.Module, names *table) *module {
	return &module{name: name, src: src, sibling: func(string) bool { return false }, tree: tree, names: names, scopes: map[syntax.Node]*scope{}, funcs: map[syntax.Node]*function{}, fields: map[string][]binding{}, items: map[string][]binding{},
		memo: map[syntax.Node]value{}, docs: map[syntax.Node]bool{}, dels: map[string]bool{}, usedModules: map[string]bool{}, exempt: map[syntax.Node]bool{}, mutated: map[string]bool{}, inner: map[string][]binding{}}
}

func parseError(err error, report reporter) {
	var e *syntax.SyntaxError
	if !errors.As(err, &e) {
		report(unparsed, validate.Place{}, err.Error())
		return
	}
	rule := unparsed
	if e.Limit {
		rule = tooLarge
	}
	report(rule, validate.Place{Offset: e.Offset, Line: e.Line}, e.What)
}

// Bounds of a report about one file: the same thing in one line is said once, and each rule speaks so often.
const maxPerRule, maxNotes = 100, 24

func (m *module) once(report reporter) reporter {
	seen := map[string]bool{}
	count := map[*validate.Rule]int{}
	return func(r *validate.Rule, at validate.Place, detail string) {
		key := fmt.Sprint(r.ID, at.Line, detail)
		limit := maxPerRule
		if r.Severity == validate.Low {
			limit = maxNotes
		}
		if seen[key] || count[r] >= limit {
			return
		}
		seen[key] = true
		count[r]++
		report(r, at, detail)
	}
}

// line is the text of the line where a node begins, as evidence.
func (m *module) line(p syntax.Pos) string {
	from := strings.LastIndexAny(string(m.src[max(0, int(p.Off)-200):p.Off]), "\r\n") + max(0, int(p.Off)-200) + 1
	to := int(p.Off)
	for to < len(m.src) && to < from+160 && m.src[to] != '\n' && m.src[to] != '\r' {
		to++
	}
	return quote(strings.TrimSpace(string(m.src[min(from, to):to])))
}

func quote(s string) string { return validate.Quote(s, 160) }

// facts reports what the text itself says.
func (m *module) facts() {
	for _, r := range m.tree.Facts.Respelled {
		m.report(spelling, validate.Place{Offset: int64(r.Off), Line: int(r.Line), Evidence: quote(r.Raw)}, fmt.Sprintf("%s is read as %q", quote(r.Raw), r.Id))
	}
	for _, s := range m.tree.Facts.Suspicious {
		m.report(hidden, validate.Place{Offset: int64(s.Off), Line: int(s.Line)}, fmt.Sprintf("character U+%04X", s.Rune))
	}
	m.lookalikes()
}

// lookalikes finds identifiers that mix ASCII letters with letters of another script that look like them.
func (m *module) lookalikes() {
	syntax.Walk(m.tree, func(n syntax.Node) bool {
		name := ""
		switch n := n.(type) {
		case *syntax.Name:
			name = n.Id
		case *syntax.Attribute:
			name = n.Attr
		case *syntax.FunctionDef:
			name = n.Name
		case *syntax.Arg:
			name = n.Arg
		case *syntax.Keyword:
			name = n.Arg
		}
		if confusable(name) {
			p := n.Position()
			m.report(hidden, validate.Place{Offset: int64(p.Off), Line: int(p.Line), Evidence: m.line(p)}, fmt.Sprintf("identifier %+q has letters that look like others", name))
		}
		return true
	})
}

// confusable: Cyrillic, Armenian or Greek letters next to ASCII ones that they are taken for. Greek letters that are
// names of quantities (α, β, Δx) are ordinary.
func confusable(name string) bool {
	ascii, other := false, false
	for _, c := range name {
		switch {
		case c < 0x80 && unicode.IsLetter(c):
			ascii = true
		case unicode.Is(unicode.Cyrillic, c), unicode.Is(unicode.Armenian, c), strings.ContainsRune("οϲϳΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", c):
			other = true
		}
	}
	return ascii && other
}
