package pysource

import (
	"strings"

	"github.com/loadlock/loadlock/validate/lazyre"
	"github.com/loadlock/loadlock/validate/pysource/syntax"
)

// conversion is a place in a text for % or for str.format that takes a value.
var conversion = lazyre.New(`%[-+ #0-9.]*[a-zA-Z]|\{[^{}]*\}`)

// skeleton is a text with a question mark for each part that is not known: f"/proc/{pid}/environ" is "/proc/?/environ".
func (m *module) skeleton(e syntax.Expression, s *scope, depth int) string {
	if depth--; depth < 0 {
		return "?"
	}
	switch e := e.(type) {
	case *syntax.BinOp:
		if e.Op == syntax.Add {
			return clip(m.skeleton(e.Left, s, depth)+m.skeleton(e.Right, s, depth), 512)
		}
		if e.Op == syntax.Mod {
			return unfilled(m.skeleton(e.Left, s, depth))
		}
	case *syntax.JoinedStr:
		out := ""
		for _, v := range e.Values {
			out += m.skeleton(v, s, depth)
		}
		return clip(out, 512)
	case *syntax.FormattedValue:
		return m.skeleton(e.Value, s, depth)
	case *syntax.Call:
		if f, ok := e.Func.(*syntax.Attribute); ok && f.Attr == "format" {
			if c, ok := f.Value.(*syntax.Constant); ok && c.Kind == syntax.Str {
				return unfilled(c.Text)
			}
		}
	}
	if text, ok := m.eval(e, s, nil).str(); ok {
		return text
	}
	return "?"
}

// unfilled is a format with question marks for what it takes.
func unfilled(format string) string {
	format = clip(format, 512)
	for _, place := range conversion.FindAllString(format, -1) {
		format = strings.Replace(format, place, "?", 1)
	}
	return format
}

// partlyKnown judges a text of which a part is not known as the name of a file.
func (m *module) partlyKnown(n syntax.Expression, at place) {
	if s := m.skeleton(n, at.scope, 16); strings.Contains(s, "?") && len(s) > 4 {
		m.pathsIn(s, n, at)
	}
}
