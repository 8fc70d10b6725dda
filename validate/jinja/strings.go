package jinja

import (
	"slices"
	"strings"
)

// format judges str.format, whose fields walk attributes: '{0.a[b]}'.
func (j *judge) format(pos int, base value, args []value) value {
	for _, s := range base.strs {
		switch {
		case walks(s) && internalPath(s):
			j.say(Escape, pos, "format string %s", quote(s))
		case walks(s):
			j.say(Unlisted, pos, "format string %s walks attributes", quote(s))
		}
	}
	if base.nature&^(number|holder) != 0 {
		j.say(Unlisted, pos, "format is called on a string that is not known")
	}
	if base.exact() && len(base.strs) == 1 {
		return known(base.strs[0]).fold(func(s string) (string, bool) { return braces(s, args) })
	}
	return of(built)
}

// walks reports whether a format string has a field with a dot or a bracket, or a field in a field.
func walks(s string) bool {
	open := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '{' && i+1 < len(s) && s[i+1] == '{' && open == 0:
			i++
		case c == '{':
			if open++; open > 1 {
				return true
			}
		case c == '}':
			open = max(0, open-1)
		case open > 0 && (c == '.' || c == '['):
			if colon := strings.LastIndexByte(s[:i], ':'); colon > strings.LastIndexByte(s[:i], '{') {
				continue // the precision of a number
			}
			return true
		}
	}
	return false
}

// braces is str.format with fields that have no name.
func braces(s string, args []value) (string, bool) {
	pieces := strings.Split(s, "{}")
	if strings.ContainsAny(strings.Join(pieces, ""), "{}") || len(pieces) != len(args)+1 {
		return "", false
	}
	out := pieces[0]
	for i, v := range args {
		if !v.exact() || len(v.strs) != 1 {
			return "", false
		}
		if out += v.strs[0] + pieces[i+1]; len(out) > maxFolded {
			return "", false
		}
	}
	return out, true
}

func joined(list []string, by string) (string, bool) {
	n := 0
	for _, s := range list {
		n += len(s) + len(by)
	}
	if n > maxFolded+len(by) {
		return "", false
	}
	return strings.Join(list, by), true
}

// textFolds are the operations of strings that are followed, as methods and as filters.
var textFolds = map[string]func(s string, args []value) (string, bool){
	"lower": func(s string, _ []value) (string, bool) { return strings.ToLower(s), true },
	"upper": func(s string, _ []value) (string, bool) { return strings.ToUpper(s), true },
	"strip": trim(strings.TrimSpace, strings.Trim), "trim": trim(strings.TrimSpace, strings.Trim),
	"lstrip":       trim(func(s string) string { return strings.TrimLeft(s, spaces) }, strings.TrimLeft),
	"rstrip":       trim(func(s string) string { return strings.TrimRight(s, spaces) }, strings.TrimRight),
	"removeprefix": trim(nil, strings.TrimPrefix), "removesuffix": trim(nil, strings.TrimSuffix),
	"replace":  replace,
	"casefold": func(s string, _ []value) (string, bool) { return strings.ToLower(s), true },
	"swapcase": func(s string, _ []value) (string, bool) {
		return strings.Map(func(r rune) rune {
			if l := []rune(strings.ToLower(string(r)))[0]; l != r {
				return l
			}
			return []rune(strings.ToUpper(string(r)))[0]
		}, s), true
	},
	"string": same, "safe": same, "escape": same, "e": same, "forceescape": same,
}

func same(s string, _ []value) (string, bool) { return s, true }

func trim(plain func(string) string, with func(string, string) string) func(string, []value) (string, bool) {
	return func(s string, args []value) (string, bool) {
		switch {
		case len(args) == 0 && plain != nil:
			return plain(s), true
		case len(args) == 1 && args[0].exact() && len(args[0].strs) == 1:
			return with(s, args[0].strs[0]), true
		}
		return "", false
	}
}

func replace(s string, args []value) (string, bool) {
	if len(args) != 2 || slices.ContainsFunc(args, func(v value) bool { return !v.exact() || len(v.strs) != 1 }) {
		return "", false
	}
	from, to := args[0].strs[0], args[1].strs[0]
	if len(s)+(strings.Count(s, from))*len(to) > maxFolded {
		return "", false
	}
	return strings.ReplaceAll(s, from, to), true
}
