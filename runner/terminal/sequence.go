package terminal

import (
	"strconv"
	"strings"
)

// Bounds of parameters: a terminal takes no screen for wider than 16 bits, and some have hung or crashed on more.
const (
	mostParams = 32
	highest    = 65535
)

// escapePasses judges a complete escape sequence that is no CSI.
func (f *Filter) escapePasses() bool {
	name := string(f.seq[1:])
	_, ok := escapes[name]
	if ok {
		f.left.escape(name)
	}
	return ok
}

// controlPasses judges a complete control sequence: ESC [ marker parameters intermediates final.
func (f *Filter) controlPasses() bool {
	body := string(f.seq[2:])
	marker := body[:strings.IndexFunc(body, func(r rune) bool { return r < '<' || r > '?' })]
	body = body[len(marker):]
	params := body[:strings.IndexFunc(body, func(r rune) bool { return (r < '0' || r > '9') && r != ';' && r != ':' })]
	key := marker + body[len(params):]
	form, ok := controls[key]
	if !ok {
		return false
	}
	values, ok := parameters(params, key == "m")
	if !ok || form.most >= 0 && len(values) > form.most || form.passes != nil && !form.passes(values) {
		return false
	}
	f.left.control(key, params, values)
	return true
}

// parameters reads decimal numbers; a missing one is 0. Parts of one parameter, with colons, are for colours only.
func parameters(s string, parts bool) (values []int, ok bool) {
	if s == "" {
		return nil, true
	}
	if strings.Contains(s, ":") && !parts {
		return nil, false
	}
	for field := range strings.SplitSeq(strings.ReplaceAll(s, ":", ";"), ";") {
		n := 0
		if field != "" {
			var err error
			if n, err = strconv.Atoi(field); err != nil || n > highest {
				return nil, false
			}
		}
		if len(values) == mostParams {
			return nil, false
		}
		values = append(values, n)
	}
	return values, true
}
