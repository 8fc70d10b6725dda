package jinja

import "strings"

// numeral measures an integer or a float as integer_re and float_re of the lexer do.
func numeral(s string) (int, kind) {
	if len(s) > 2 && s[0] == '0' && strings.IndexByte("bBoOxX", s[1]) >= 0 {
		if n := digits(s[2:], s[1]|0x20 == 'x'); n > 0 {
			return 2 + n, integer
		}
	}
	n, k := digits(s, false), integer
	if n+1 < len(s) && s[n] == '.' {
		if d := digits(s[n+1:], false); d > 0 {
			n, k = n+1+d, float
		}
	}
	if n < len(s) && s[n]|0x20 == 'e' {
		e := n + 1
		if e < len(s) && (s[e] == '+' || s[e] == '-') {
			e++
		}
		if d := digits(s[min(e, len(s)):], false); d > 0 {
			n, k = e+d, float
		}
	}
	return n, k
}

// digits counts the characters of a run of digits, which single underscores may separate.
func digits(s string, hex bool) int {
	n := 0
	for n < len(s) {
		c := s[n]
		switch {
		case '0' <= c && c <= '9', hex && 'a' <= c|0x20 && c|0x20 <= 'f':
			n++
		case c == '_' && n > 0 && n+1 < len(s) && s[n-1] != '_' && s[n+1] != '_' && digits(s[n+1:n+2], hex) > 0:
			n++
		default:
			return n
		}
	}
	return n
}
