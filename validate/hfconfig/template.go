package hfconfig

import (
	"bytes"
	"regexp"
)

// Ways from a template to Python's internals, as published for loaders that render chat templates without a
// sandbox. attr is the filter that takes attribute names as strings; cycler, joiner, lipsum and self are
// objects of Jinja whose attributes reach its module globals.
var (
	attrFilter = regexp.MustCompile(`\|\s*attr\b`)
	wayOut     = regexp.MustCompile(`\b(?:cycler|joiner|lipsum)\b|(?:^|[^.\w])self\s*[.\[]`)
	// Escapes of an underscore inside a string literal.
	hidden = regexp.MustCompile(`\\x5[fF]|\\u005[fF]|\\U0000005[fF]|\\137|\\N\{(?i:low line)\}`)
)

// templateDanger names what makes a template suspicious, or "". Only code is looked at: text between the
// expressions, which ChatML and Llama templates put around messages, is output.
func templateDanger(b []byte) string {
	for len(b) > 0 {
		i := bytes.IndexByte(b, '{')
		if i < 0 || i+1 >= len(b) {
			return ""
		}
		var end string
		switch b[i+1] {
		case '{':
			end = "}}"
		case '%':
			end = "%}"
		case '#':
			b = after(b[i+2:], "#}")
			continue
		default:
			b = b[i+1:]
			continue
		}
		code, names, rest := expression(b[i+2:], end)
		if what := codeDanger(code, names); what != "" {
			return what
		}
		b = rest
	}
	return ""
}

func after(b []byte, mark string) []byte {
	_, rest, _ := bytes.Cut(b, []byte(mark))
	return rest
}

// expression cuts a template at the end of the code that it begins with. As in Jinja's lexer, neither a string
// literal nor an open bracket lets the code end. names is the code with the contents of its literals left out.
func expression(b []byte, end string) (code, names, rest []byte) {
	var quoted byte
	open := 0
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case quoted != 0 && c == '\\':
			i++
			continue
		case quoted != 0:
			if c == quoted {
				quoted = 0
				names = append(names, c)
			}
			continue
		case c == '"' || c == '\'':
			quoted = c
		case open == 0 && c == end[0] && i+1 < len(b) && b[i+1] == end[1]:
			return b[:i], names, b[i+2:]
		case c == '(' || c == '[' || c == '{':
			open++
		case open > 0 && (c == ')' || c == ']' || c == '}'):
			open--
		}
		names = append(names, c)
	}
	return b, names, nil
}

func codeDanger(code, names []byte) string {
	if bytes.Contains(code, []byte("__")) {
		return "a name with two underscores"
	}
	if hidden.Match(code) {
		return "an escaped underscore"
	}
	if attrFilter.Match(names) {
		return "the attr filter"
	}
	if m := wayOut.Find(names); m != nil {
		return "the name " + quote(bytes.TrimSpace(m))
	}
	return ""
}
