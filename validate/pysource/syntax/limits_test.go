package syntax

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestHostileShapes: sources made to exhaust the reader end by a limit, soon, and within the memory that the limit says.
func TestHostileShapes(t *testing.T) {
	r := strings.Repeat
	for name, c := range map[string]struct {
		src   string
		limit string // a part of the error; "" if it may end either way
	}{
		"NestedParentheses":      {r("(", 100_000), "nested brackets"},
		"NestedBrackets":         {r("[", 100_000) + r("]", 100_000), "nested brackets"},
		"NestedDicts":            {r("{1:", 100_000), "nested brackets"},
		"MixedNesting":           {r("([{", 60) + r("}])", 60), ""},
		"UnaryOperators":         {r("-", 1_000_000) + "x", "nested more than"},
		"NotNotNot":              {r("not ", 300_000) + "x", "nested more than"},
		"Lambdas":                {r("lambda:", 100_000) + "0", "nested more than"},
		"Conditionals":           {r("a if b else ", 100_000) + "c", "nested more than"},
		"Powers":                 {r("x**", 100_000) + "x", "nested more than"},
		"Awaits":                 {r("await ", 100_000) + "x", "invalid syntax"},
		"Yields":                 {"x = " + r("(yield ", 100_000), "nested brackets"},
		"AttributeChain":         {"a" + r(".b", 100_000), "tree more than"},
		"CallChain":              {"a" + r("()", 100_000), "tree more than"},
		"SubscriptChain":         {"a" + r("[0]", 100_000), "tree more than"},
		"SumChain":               {"x" + r("+x", 100_000), "tree more than"},
		"ShortSumChain":          {"x" + r("+x", 2000), "none"},
		"LongComparison":         {"x" + r("<x", 100_000), "none"},
		"LongDisjunction":        {"x" + r(" or x", 100_000), "none"},
		"ElifChain":              {"if a: b\n" + r("elif a: b\n", 30_000), "tree more than"},
		"AssignmentChain":        {r("a=", 100_000) + "b", "none"},
		"Strings":                {"x = " + r("'a' ", 200_000), "none"},
		"FStrings":               {"x = " + r("f'{a}' ", 50_000), "none"},
		"NestedFStrings":         {r(`f"{`, 100_000), "nested"},
		"NestedFormatSpecs":      {`f"` + r("{a:", 100_000), "nested"},
		"FStringFields":          {`f"` + r("{a}", 1_000_000) + `"`, "than"},
		"DeepIndentation":        {indented(3000), "indentation levels"},
		"WideIndentation":        {"if x:\n" + r(" ", 4_000_000) + "y\n", "none"},
		"IndentedBlankLines":     {r(r(" ", 100)+"\n", 40_000), "none"},
		"Decorators":             {r("@a\n", 100_000) + "def f(): pass", "none"},
		"NestedCases":            {"match x:\n case " + r("[", 100_000), "nested brackets"},
		"OrPatterns":             {"match x:\n case " + r("1|", 100_000) + "1: pass", "none"},
		"NestedTuplesAsTargets":  {r("(", 190) + "a" + r(",)", 190) + " = b", "none"},
		"StatementsOfTwoBytes":   {r("a\n", 2<<20), "than"},
		"SemicolonsOfTwoBytes":   {r("a;", 2<<20), "than"},
		"Numbers":                {"[" + r("1,", 2<<20-8) + "]", "than"},
		"Comments":               {r("#\n", 2<<20-8), "than"},
		"ManyWithAttempts":       {r("with (a,b,c:=d): e\n", 40_000), "than"},
		"ManyMatchAttempts":      {r("match (a,b,c)\n", 40_000), "than"},
		"LongIdentifier":         {r("a", 4_000_000), "none"},
		"ManyIdentifiers":        {r("ab ", 1_300_000), "end of the statement"},
		"RespelledIdentifiers":   {r("ﬁ=", 800_000) + "0", "than"},
		"RespellingsOfManyKinds": {respellings(200_000), "than"},
		"LongNumber":             {r("9", 4_000_000), "none"},
		"Underscores":            {"1" + r("_1", 2_000_000-1), "none"},
		"EscapesOfTwoBytes":      {"'" + r(`\0`, 2_000_000) + "'", "none"},
		"NamedEscapes":           {"'" + r(`\N{BULLET}`, 400_000) + "'", "none"},
		"UnknownNames":           {"'" + r(`\N{zzz}`, 500_000) + "'", "none"},
		"OpenNamedEscapes":       {"f'" + r(`\N{`, 1_000_000), "malformed"},
		"OpenNamedEscapesOfText": {"'" + r(`\N{`, 1_000_000) + "'", "malformed"},
		"BackslashLines":         {r("\\\n", 2_000_000) + "x", "none"},
		"Keywords":               {"f(" + r("a=b,", 1_000_000) + ")", "than"},
		"Parameters":             {"def f(" + r("a,", 2_000_000) + "): pass", "than"},
		"Lists":                  {"[" + r("[],", 1_300_000) + "]", "than"},
		"Compares":               {"[" + r("a<b,", 1_000_000) + "]", "than"},
		"Defs":                   {r("def f():0\n", 400_000), "than"},
		"Lambda0":                {"[" + r("lambda:0,", 400_000) + "]", "than"},
		"GlobalNames":            {"global " + r("a,", 2_000_000) + "a", "than"},
		"Imports":                {"import " + r("a,", 2_000_000) + "a", "than"},
		"DottedImport":           {"import " + r("a.", 2_000_000) + "a", "tokens"},
		"Excepts":                {"try: a\n" + r("except: a\n", 400_000), "than"},
		"Withs":                  {"with " + r("a,", 2_000_000) + "a: b", "than"},
		"Cases":                  {"match a:\n" + r(" case a: b\n", 350_000), "than"},
		"CookieSearch":           {"#" + r("coding", 600_000), "none"},
		"Braces":                 {"f'" + r("{{", 2_000_000) + "'", "none"},
	} {
		t.Run(name, func(t *testing.T) {
			src := []byte(c.src)
			if len(src) > defaultBytes {
				src = src[:defaultBytes]
			}
			runtime.GC()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			begin := time.Now()
			m, err := Parse(src, Limits{})
			took := time.Since(begin)
			runtime.ReadMemStats(&after)
			runtime.GC()
			var live runtime.MemStats
			runtime.ReadMemStats(&live)
			runtime.KeepAlive(m)
			allocated := float64(after.TotalAlloc-before.TotalAlloc) / (1 << 20)
			t.Logf("%d bytes, %v, %.1f MiB allocated, %.1f MiB kept: %v", len(src), took, allocated, float64(int64(live.HeapAlloc)-int64(before.HeapAlloc))/(1<<20), err)
			if took > 5*time.Second || allocated > 200 {
				t.Errorf("took %v and %.1f MiB", took, allocated)
			}
			switch {
			case c.limit == "none":
				if err != nil {
					t.Error(err)
				}
			case c.limit != "" && (err == nil || !strings.Contains(err.Error(), c.limit)):
				t.Errorf("%v; want %q", err, c.limit)
			}
			if err != nil {
				checkError(t, src, err)
			} else {
				checkTree(t, src, m)
			}
		})
	}
}

func respellings(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "ﬁ%d=", i)
	}
	return b.String() + "0"
}

func indented(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "if x:\n")
	}
	return b.String()
}

// checkError requires an error with a place inside the source.
func checkError(t *testing.T, src []byte, err error) {
	t.Helper()
	var e *SyntaxError
	if !errors.As(err, &e) {
		t.Fatalf("an error of another type: %v", err)
	}
	if e.Offset < 0 || e.Offset > int64(len(src)) || e.Line < 1 || e.Col < 0 || e.What == "" {
		t.Errorf("an error outside of %d bytes: %+v", len(src), e)
	}
}

// checkTree requires every node to lie inside its source, and inside the statement it belongs to.
func checkTree(t *testing.T, src []byte, m *Module) {
	t.Helper()
	Inspect(m, func(n Node, parents []Node) bool {
		p := n.Position()
		if p.Off > p.End || int(p.End) > len(src) || p.Line < 1 || int(p.Line) > m.Facts.Lines+1 {
			t.Errorf("%T at %+v, outside of %d bytes and %d lines", n, p, len(src), m.Facts.Lines)
			return false
		}
		if len(parents) > 1 {
			if _, decorated := parents[len(parents)-1].(Statement); !decorated {
				above := parents[len(parents)-1].Position()
				if p.Off < above.Off || p.End > above.End {
					t.Errorf("%T at %+v, outside of %T at %+v", n, p, parents[len(parents)-1], above)
					return false
				}
			}
		}
		return true
	})
}
