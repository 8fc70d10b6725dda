// Package pmml judges models in the Predictive Model Markup Language (https://dmg.org/pmml/v4-4-1/GeneralStructure.html).
//
// # Security
//
// The XML is read as package xmlwalk reads it. Every Apply must call a function that PMML or the document defines: an
// evaluator in Java takes other names for classes and loads them. Attributes that hold addresses and elements of other
// namespaces outside of tables and Extension elements are not cleared. Not judged: what the formulas compute.
package pmml

import (
	_ "embed"
	"slices"
	"strings"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/xmlwalk"
)

//go:embed functions.txt
var functionsText string

// Scanner judges PMML documents.
func Scanner() *validate.Scanner {
	known := map[string]bool{}
	for line := range strings.Lines(functionsText) {
		if line[0] != '#' {
			for _, name := range strings.Fields(line) {
				known[name] = true
			}
		}
	}
	return &validate.Scanner{
		Name: "pmml", Doc: "PMML documents", Version: 1, Rules: append(walking.All(), class, function, address, foreign, extension),
		Match: func(h validate.Head) bool {
			return validate.Ext(h.Name) == ".pmml" || h.Text() && strings.EqualFold(xmlwalk.Root(h.Start), "PMML")
		},
		Scan: func(p *validate.Pass) error {
			d := &document{p: p, known: known, defined: map[string]bool{}, called: map[string]validate.Place{}}
			return d.scan()
		},
	}
}

// document is what is remembered of one file.
type document struct {
	p       *validate.Pass
	known   map[string]bool
	defined map[string]bool
	called  map[string]validate.Place // functions that PMML does not define, where they are called first
	order   []string
	noted   bool
	strange bool
}

// maxFunctions bounds the functions that a document may define or call.
const maxFunctions = 10_000

func (d *document) scan() error {
	if err := xmlwalk.Walk(d.p, walking, xmlwalk.Visitor{Open: d.open}); err != nil {
		return err
	}
	for _, name := range d.order {
		switch {
		case d.defined[name]:
		case strings.ContainsAny(name, ".$/:\\"):
			d.p.ReportAt(class, d.called[name], "function %s", validate.Quote(name, 120))
		default:
			d.p.ReportAt(function, d.called[name], "function %s", validate.Quote(name, 120))
		}
	}
	return nil
}

// language is the beginning of the namespaces of all versions.
const language = "http://www.dmg.org/PMML-"

func (d *document) open(parents []string, e xmlwalk.Element) error {
	if len(parents) == 0 && e.Name != "PMML" {
		return validate.Malformed(e.Off, "the root is not PMML")
	}
	inside := slices.Contains(parents, "Extension") || slices.Contains(parents, "InlineTable")
	if e.Space != "" && !strings.HasPrefix(e.Space, language) && !inside && !d.strange {
		d.p.ReportAt(foreign, e.Place(), "element %s of %s", validate.Quote(e.Name, 40), validate.Quote(e.Space, 80))
		d.strange = true
	}
	for _, a := range e.Attrs {
		switch strings.ToLower(a.Name.Local) {
		case "href", "src", "url", "uri", "systemid":
			d.p.ReportAt(address, e.Place(), "attribute %s of %s: %s", a.Name.Local, validate.Quote(e.Name, 40), validate.Quote(a.Value, 120))
		}
	}
	switch e.Name {
	case "Extension":
		if !d.noted {
			d.p.ReportAt(extension, e.Place(), "an element Extension")
		}
		d.noted = true
	case "DefineFunction":
		if name, _ := e.Attr("name"); len(d.defined) < maxFunctions {
			d.defined[name] = true
		}
	case "Apply", "Aggregate":
		return d.call(e)
	}
	return nil
}

// aggregates are what Aggregate may do besides the functions.
var aggregates = []string{"count", "average", "multiset"}

func (d *document) call(e xmlwalk.Element) error {
	name, _ := e.Attr("function")
	if d.known[name] || e.Name == "Aggregate" && slices.Contains(aggregates, name) {
		return nil
	}
	if _, met := d.called[name]; !met {
		if len(d.order) >= maxFunctions {
			return validate.Malformed(e.Off, "more than %d functions", maxFunctions)
		}
		d.called[name], d.order = e.Place(), append(d.order, name)
	}
	return nil
}
