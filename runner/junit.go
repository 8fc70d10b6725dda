package runner

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/loadlock/loadlock/validate"
)

// The JUnit XML that CI systems read: a suite per model, a case per file. A finding that rejects is a failure, one
// that keeps a file from being cleared an error.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class    string         `xml:"classname,attr"`
		Name     string         `xml:"name,attr"`
		Failures []junitProblem `xml:"failure,omitempty"`
		Errors   []junitProblem `xml:"error,omitempty"`
		Skipped  *junitProblem  `xml:"skipped,omitempty"`
		Out      string         `xml:"system-out,omitempty"`
	}
	junitProblem struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
)

// WriteJUnit writes the result of a scan as JUnit XML.
func WriteJUnit(w io.Writer, rep ScanReport) error {
	all := junitSuites{Name: "loadlock scan"}
	known := rules()
	for _, m := range rep.Models {
		s := junitModel(m, known)
		all.Tests, all.Failures, all.Errors = all.Tests+s.Tests, all.Failures+s.Failures, all.Errors+s.Errors
		all.Suites = append(all.Suites, s)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func junitModel(m Scanned, known map[string]*validate.Rule) junitSuite {
	s := junitSuite{Name: m.Path}
	at := map[string]int{}
	file := func(name string) *junitCase {
		i, ok := at[name]
		if !ok {
			i = len(s.Cases)
			at[name] = i
			s.Cases = append(s.Cases, junitCase{Class: m.Path, Name: name})
		}
		return &s.Cases[i]
	}
	for _, f := range m.Files {
		file(validate.Printable(f.Path))
	}
	for _, h := range m.Withheld {
		file(validate.Printable(h.Path)).Skipped = &junitProblem{Message: "withheld: " + h.Why}
		s.Skipped++
	}
	for _, f := range m.Findings {
		c := file(topFile(f.File))
		p := junitProblem{Message: f.Detail, Type: f.Rule, Text: fmt.Sprintf("%s @ %#x", f.File, f.Offset)}
		if r := known[f.Rule]; r != nil {
			p.Text += "\nwhy: " + r.Why + "\nfix: " + r.Fix
		}
		switch {
		case f.Waived != "" || f.Severity == validate.Low:
			c.Out += strings.TrimSpace(fmt.Sprintf("%s %s: %s %s", f.Severity, f.Rule, f.Detail, f.Waived)) + "\n"
		case f.Severity == validate.High:
			c.Failures = append(c.Failures, p)
			s.Failures++
		default:
			c.Errors = append(c.Errors, p)
			s.Errors++
		}
	}
	if m.Error != nil {
		c := file("(scan)")
		c.Errors = append(c.Errors, junitProblem{Message: m.Error.Message, Text: m.Error.Hint})
		s.Errors++
	}
	s.Tests = len(s.Cases)
	return s
}
