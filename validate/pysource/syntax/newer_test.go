package syntax

import (
	_ "embed"
	"strings"
	"testing"
)

// newer holds constructs of Python 3.12 to 3.14: PEP 695, 696, 701, 750, 758 and 765.
//
//go:embed testdata/newer.txt
var newer string

func parse(t *testing.T, src string) *Module {
	t.Helper()
	m, err := Parse([]byte(src), Limits{})
	if err != nil {
		t.Fatalf("%q: %v", src, err)
	}
	checkTree(t, []byte(src), m)
	return m
}

func TestConstructsOfLaterVersions(t *testing.T) {
	for text := range strings.SplitSeq(newer, "---\n") {
		m := parse(t, text)
		if later := (cpython{minor: 11}).fromLater(m); later == strings.Contains(text, "finally: break") {
			t.Errorf("%q: %v", text, m.Facts.NewerThan)
		}
	}
}

func TestTreeOfTypeParameters(t *testing.T) {
	m := parse(t, "type X[T: int = str, *Ts = *a, **P = b] = c")
	a := m.Body[0].(*TypeAlias)
	v, s, q := a.TypeParams[0].(*TypeVar), a.TypeParams[1].(*TypeVarTuple), a.TypeParams[2].(*ParamSpec)
	if a.Name.Id != "X" || a.Name.Ctx != Store || a.Value.(*Name).Id != "c" {
		t.Error("alias", a)
	}
	if v.Name != "T" || v.Bound.(*Name).Id != "int" || v.DefaultValue.(*Name).Id != "str" {
		t.Error("T", v)
	}
	if s.Name != "Ts" || s.DefaultValue.(*Starred).Value.(*Name).Id != "a" || q.Name != "P" || q.DefaultValue.(*Name).Id != "b" {
		t.Error("Ts, P", s, q)
	}
}

func TestTreeOfNestedFStrings(t *testing.T) {
	m := parse(t, `x = f"a{b["c"]:{d!r}>{"e"}}f" "g"`)
	j := m.Body[0].(*Assign).Value.(*JoinedStr)
	if len(j.Values) != 3 || j.Values[0].(*Constant).Text != "a" || j.Values[2].(*Constant).Text != "fg" {
		t.Fatal("parts", j.Values)
	}
	v := j.Values[1].(*FormattedValue)
	if v.Value.(*Subscript).Slice.(*Constant).Text != "c" || v.Conversion != -1 {
		t.Error("field", v)
	}
	spec := v.FormatSpec.Values
	if len(spec) != 3 || spec[0].(*FormattedValue).Conversion != 'r' || spec[1].(*Constant).Text != ">" ||
		spec[2].(*FormattedValue).Value.(*Constant).Text != "e" {
		t.Error("specification", spec)
	}
}

func TestTreeOfTemplates(t *testing.T) {
	m := parse(t, `t"a{ b + 1 !s:{c}}" t"{d=}"`)
	v := m.Body[0].(*Expr).Value.(*TemplateStr).Values
	if len(v) != 4 {
		t.Fatal(v)
	}
	first, second := v[1].(*Interpolation), v[3].(*Interpolation)
	if first.Str != " b + 1" || first.Conversion != 's' || first.FormatSpec.Values[0].(*FormattedValue).Value.(*Name).Id != "c" {
		t.Error("first", first)
	}
	if v[2].(*Constant).Text != "d=" || second.Conversion != 'r' || second.Str != "d" {
		t.Error("second", second)
	}
}

// TestWithInParentheses: one tree since 3.9 where there was another; the fact says so.
func TestWithInParentheses(t *testing.T) {
	m := parse(t, "with (a, b): pass")
	if len(m.Body[0].(*With).Items) != 2 || m.Facts.NewerThan[0].Since != "3.9" {
		t.Error(m.Facts.NewerThan)
	}
}

func TestRefused(t *testing.T) {
	for _, src := range []string{
		"t'a' 'b'", "t'a' f'b'", "t'a' b'b'", "tb'a'", "ft'a'", "ub'a'", "t'{}'", "f'{a!}'", "f'{a!rr}'", "f'{a:{b:{c}'", "f'{'a'", "f'{a", "f'''{a:\n}'",
		"f'{lambda x:{y}}'", "f'{x:{y}{{z}}}'", "f'{x:{{y}}}'", "type X", "type X[] = a", "type X[T] : a", "type X.a = b", "def f[](): pass", "def f[T: *a](): pass", "class A[**P: int]: pass",
		"try: a\nexcept B, C as d: e", "try: a\nexcept*: b", "except", "def f[T]: pass", "x = 1\x00", "x = '\xff'", "x = \xed\xa0\x80", "\u200bx = 1", "x\u202e = 1",
		"x = €", "if x:\n a\n\\\n  b", "'\\N{" + strings.Repeat("A", 200) + "}", "# coding: utf-7\nx", "# coding: unicode_escape\nx", "# coding: rot13\nx",
		"#!/x\n# vim: set fileencoding=hz :\nx", "# coding: ascii\nx = 'é'", bom + "# coding: latin-1\nx", bom + "# coding: utf8\nx", "# coding: utf_16\nx",
	} {
		_, err := Parse([]byte(src), Limits{})
		if err == nil {
			t.Errorf("%q is read", src)
			continue
		}
		checkError(t, []byte(src), err)
	}
}
