package validatetest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
)

// Vector is one test file: what is expected of which bytes, and why.
type Vector struct {
	Name   string
	Expect validate.Verdict
	Rules  []Expected // each must be found
	Detail []string   // each must be part of the detail of some finding
	Why    string
	Ref    string
	File   string // the name the bytes are scanned under; "model.pkl" unless given
	Body   []byte
}

// Expected is a rule that must be found, at an offset unless it is negative.
type Expected struct {
	Rule string
	At   int64
}

// Read reads a vector: header lines "key: value", an empty line, a body in pickle assembly (see Assemble).
// Keys are expect, rule ("ID" or "ID at N"), detail, why, ref and file; rule and detail may be repeated.
func Read(name string) (*Vector, error) {
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	head, body, ok := strings.Cut(string(raw), "\n\n")
	if !ok {
		return nil, fmt.Errorf("%s: no empty line between header and body", name)
	}
	v := &Vector{Name: strings.TrimSuffix(filepath.Base(name), ".txt"), File: "model.pkl"}
	for i, line := range strings.Split(head, "\n") {
		key, val, ok := strings.Cut(line, ":")
		if val = strings.TrimSpace(val); !ok || val == "" {
			return nil, fmt.Errorf("%s:%d: want key: value", name, i+1)
		}
		if err := v.set(key, val); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, i+1, err)
		}
	}
	if v.Expect == validate.Undecided || v.Why == "" {
		return nil, fmt.Errorf("%s: expect and why are required", name)
	}
	if v.Body, err = Assemble(body); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return v, nil
}

func (v *Vector) set(key, val string) error {
	once := map[string]*string{"why": &v.Why, "ref": &v.Ref}
	switch key {
	case "expect":
		for _, verdict := range []validate.Verdict{validate.Admit, validate.Reject, validate.Inconclusive} {
			if val == verdict.String() && v.Expect == validate.Undecided {
				v.Expect = verdict
				return nil
			}
		}
		return fmt.Errorf("expect %q is unknown or repeated", val)
	case "rule":
		e := Expected{Rule: val, At: -1}
		if id, at, ok := strings.Cut(val, " at "); ok {
			n, err := strconv.ParseInt(at, 0, 64)
			if err != nil {
				return fmt.Errorf("offset: %w", err)
			}
			e = Expected{id, n}
		}
		v.Rules = append(v.Rules, e)
	case "detail":
		v.Detail = append(v.Detail, val)
	case "file":
		v.File = val
	case "why", "ref":
		if *once[key] != "" {
			return fmt.Errorf("%s is given twice", key)
		}
		*once[key] = val
	default:
		return fmt.Errorf("unknown key %q", key)
	}
	return nil
}

// ReadDir reads every vector that matches the pattern and fails the test when there is none.
func ReadDir(t testing.TB, pattern string) []*Vector {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("no vectors match %s (%v)", pattern, err)
	}
	var out []*Vector
	for _, name := range names {
		v, err := Read(name)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	return out
}

// Check scans the vector's bytes and compares verdict, rules and details.
func (v *Vector) Check(t *testing.T, scanners []*validate.Scanner) {
	t.Helper()
	rep, d := Run(t, scanners, v.File, v.Body)
	if d.Verdict != v.Expect {
		t.Errorf("verdict %s, want %s\n%s", d.Verdict, v.Expect, Show(rep))
	}
	for _, want := range v.Rules {
		if !found(rep, func(f validate.Finding) bool { return f.Rule == want.Rule && (want.At < 0 || f.Offset == want.At) }) {
			t.Errorf("no finding %s at %d\n%s", want.Rule, want.At, Show(rep))
		}
	}
	for _, want := range v.Detail {
		if !found(rep, func(f validate.Finding) bool { return strings.Contains(f.Detail, want) }) {
			t.Errorf("no finding says %q\n%s", want, Show(rep))
		}
	}
}

func found(rep validate.Report, ok func(validate.Finding) bool) bool {
	for _, f := range rep.Findings {
		if ok(f) {
			return true
		}
	}
	return false
}

// Show prints the findings of a report, one per line.
func Show(rep validate.Report) string {
	var b strings.Builder
	for _, f := range rep.Findings {
		fmt.Fprintf(&b, "  %-6s %s %s @ %#x %s\n", f.Severity, f.Rule, f.File, f.Offset, f.Detail)
	}
	for _, f := range rep.Files {
		fmt.Fprintf(&b, "  file %s scanners %v cleared %v\n", f.Path, f.Scanners, f.Cleared)
	}
	return b.String()
}
