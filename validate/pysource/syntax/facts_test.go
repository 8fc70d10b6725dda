package syntax

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestFactsOfTheText(t *testing.T) {
	m := parse(t, bom+"#!/usr/bin/python\r\n# -*- coding: UTF-8 -*-\r\nx = 1 \\\r\n\f + 2  # sum\r\n")
	f := m.Facts
	if !f.BOM || f.Cookie != "UTF-8" || f.CookieAt.Line != 2 || f.CarriageNLs != 4 || f.Lines != 5 || len(f.LoneCRs) != 0 {
		t.Errorf("%+v", f)
	}
	if len(f.FormFeeds) != 1 || len(f.Joined) != 1 || len(f.Comments) != 3 {
		t.Errorf("%+v", f)
	}
	if c := f.Comments[2]; c.Line != 4 || c.Col != 7 || c.End-c.Off != 5 {
		t.Errorf("comment at %+v", c)
	}
	if n := m.Body[0].Position(); n.Line != 3 || n.Col != 0 || n.Off != 47 {
		t.Errorf("statement at %+v", n)
	}
}

// TestCarriageReturnEndsAComment: an editor may show one line where CPython reads two.
func TestCarriageReturnEndsAComment(t *testing.T) {
	m := parse(t, "x = 1  # harmless\rimport os\n")
	if len(m.Body) != 2 || m.Body[1].(*Import).Names[0].Name != "os" || m.Body[1].Position().Line != 2 {
		t.Errorf("%v", m.Body)
	}
	if !slices.Equal(m.Facts.LoneCRs, []uint32{17}) {
		t.Errorf("%v", m.Facts.LoneCRs)
	}
}

// TestTrojanSource: CVE-2021-42574, bidirectional controls in comments and strings.
func TestTrojanSource(t *testing.T) {
	m := parse(t, "a = 'x\u202e\u2066' # \u2069\u200b\n")
	var runes []rune
	for _, s := range m.Facts.Suspicious {
		if s.Line != 1 {
			t.Errorf("%+v", s)
		}
		runes = append(runes, s.Rune)
	}
	if !slices.Equal(runes, []rune{0x202e, 0x2066, 0x2069, 0x200b}) {
		t.Errorf("%U", runes)
	}
}

// TestIdentifiersInNFKC: CPython reads ℯval as eval, and 𝐢𝐦𝐩𝐨𝐫𝐭 as a name, not as a keyword.
func TestIdentifiersInNFKC(t *testing.T) {
	m := parse(t, "ℯval(ａ.ｂ)\n𝐢𝐦𝐩𝐨𝐫𝐭 = 1\nℯval\n")
	call := m.Body[0].(*Expr).Value.(*Call)
	if n := call.Func.(*Name); n.Id != "eval" || !n.Respelled {
		t.Errorf("%+v", n)
	}
	if a := call.Args[0].(*Attribute); a.Attr != "b" || a.Value.(*Name).Id != "a" {
		t.Errorf("%+v", a)
	}
	if n := m.Body[1].(*Assign).Targets[0].(*Name); n.Id != "import" {
		t.Errorf("%+v", n)
	}
	if n := m.Body[2].(*Expr).Value.(*Name); n.Id != "eval" || !n.Respelled {
		t.Errorf("%+v", n)
	}
	var raw []string
	for _, r := range m.Facts.Respelled {
		raw = append(raw, r.Raw+">"+r.Id)
	}
	if got := strings.Join(raw, " "); got != "ℯval>eval ａ>a ｂ>b 𝐢𝐦𝐩𝐨𝐫𝐭>import" {
		t.Error(got)
	}
	if m := parse(t, "é = 1"); len(m.Facts.Respelled) != 0 || m.Body[0].(*Assign).Targets[0].(*Name).Respelled {
		t.Error("é is respelled")
	}
}

func TestLatin1(t *testing.T) {
	m := parse(t, "# vim: set fileencoding=iso_8859_1 :\n\xe9 = '\xe9\\\n\xff'\n")
	a := m.Body[0].(*Assign)
	if a.Targets[0].(*Name).Id != "é" || a.Value.(*Constant).Text != "éÿ" || a.End != 47 {
		t.Errorf("%+v", a)
	}
}

// TestCookieThatIsNone: what only looks like a PEP 263 comment, or stands too late, has no effect.
func TestCookieThatIsNone(t *testing.T) {
	for _, src := range []string{"x = 1 # coding: utf-7\n", "\n\n# coding: utf-7\n", "x = 1\n# coding: utf-7\n", "'''\n# coding: utf-7\n'''", "# encoding utf-7", "# coding : utf-7"} {
		if m := parse(t, src); m.Facts.Cookie != "" {
			t.Errorf("%q: %q", src, m.Facts.Cookie)
		}
	}
	for _, src := range []string{"\t\f# coding=utf-7", "\n#coding:utf-7", "#\r# coding: utf-7", "# codingcoding: = coding= \t utf-7 x"} {
		_, err := Parse([]byte(src), Limits{})
		if e, ok := err.(*SyntaxError); !ok || !e.Limit || !strings.Contains(e.What, "utf-7") {
			t.Errorf("%q: %v", src, err)
		}
	}
}

func TestLiterals(t *testing.T) {
	for src, want := range map[string]Constant{
		`'\x41\u00e9\U0001F600\101\777\0'`: {Kind: Str, Text: "Aé😀Aǿ\x00"},
		`'\ud83d\ude00'`:                   {Kind: Str, Text: "\xed\xa0\xbd\xed\xb8\x80"},
		`'\q\ \8'`:                         {Kind: Str, Text: `\q\ \8`},
		"'''a\r\nb\rc\\\r\nd'''":           {Kind: Str, Text: "a\nb\ncd"},
		"r'''a\r\n\\x'''":                  {Kind: Str, Text: "a\n\\x"},
		`'\N{line feed}\N{HANGUL SYLLABLE GAG}\N{CJK UNIFIED IDEOGRAPH-4E00}\N{Latin Small Letter E}'`: {Kind: Str, Text: "\n각一e"},
		`'a\N{NO SUCH CHARACTER}'`:     {Kind: Str, Text: "a\uFFFD", Unknown: true},
		`b'\x41\101\777\u0041\N{a}\q'`: {Kind: Bytes, Text: "AA\xff\\u0041\\N{a}\\q"},
		`b'' b'a' rb'\n'`:              {Kind: Bytes, Text: `a\n`},
		`u'a' 'b'`:                     {Kind: Str, Text: "ab", U: true},
		`U'a'`:                         {Kind: Str, Text: "a"},
		`0XFF_ff`:                      {Kind: Int, Text: "0xffff"},
		`00_0`:                         {Kind: Int, Text: "000"},
		`1_0E5`:                        {Kind: Float, Text: "10e5"},
		`0_7.5J`:                       {Kind: Complex, Text: "07.5"},
		`...`:                          {Kind: Ellipsis},
	} {
		got := *parse(t, src).Body[0].(*Expr).Value.(*Constant)
		got.Pos = Pos{}
		if got != want {
			t.Errorf("%s: %+v; want %+v", src, got, want)
		}
	}
}

func TestNumbers(t *testing.T) {
	for src, want := range map[string]int64{"0": 0, "00": 0, "0o17": 15, "0b101": 5, "0xF_f": 255, "9223372036854775807": 1<<63 - 1} {
		if n, ok := parse(t, src).Body[0].(*Expr).Value.(*Constant).Int64(); !ok || n != want {
			t.Errorf("%s: %d, %v", src, n, ok)
		}
	}
	c := parse(t, "9223372036854775808").Body[0].(*Expr).Value.(*Constant)
	if _, ok := c.Int64(); ok {
		t.Error("2**63 fits")
	}
	if _, ok := c.Float64(); ok {
		t.Error("an int has a float")
	}
	for src, want := range map[string]float64{"1e400": inf, "1.5": 1.5, "2.5e1j": 25, "1e-400": 0} {
		if f, ok := parse(t, src).Body[0].(*Expr).Value.(*Constant).Float64(); !ok || f != want {
			t.Errorf("%s: %v, %v", src, f, ok)
		}
	}
}

// TestInspect: ancestors, order, and that false leaves out what is below.
func TestInspect(t *testing.T) {
	m := parse(t, "def f(a, *, b=c): return d\n")
	var got []string
	Inspect(m, func(n Node, parents []Node) bool {
		if x, ok := n.(*Name); ok {
			_, function := parents[1].(*FunctionDef)
			got = append(got, x.Id)
			if !function || parents[0] != Node(m) {
				t.Errorf("%s below %v", x.Id, parents)
			}
		}
		return true
	})
	if !slices.Equal(got, []string{"c", "d"}) {
		t.Error(got)
	}
	n := 0
	Walk(m, func(x Node) bool { n++; _, f := x.(*FunctionDef); return !f })
	if n != 2 {
		t.Errorf("%d nodes", n)
	}
}

func TestLimits(t *testing.T) {
	for _, l := range []Limits{{Bytes: 10}, {Tokens: 5}, {Nodes: 4}, {Memory: 400}, {Depth: 3}, {Height: 3}} {
		_, err := Parse([]byte("x = f(a.b, (((c))))\n"), l)
		if e, ok := err.(*SyntaxError); !ok || !e.Limit {
			t.Errorf("%+v: %v", l, err)
		}
	}
}

var inf = math.Inf(1)
