package policy

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Error says what is wrong with a policy, where, and in Hint what to do about it. Line and Column count from
// one; they are zero when the fault is not at a place in a file.
type Error struct {
	File   string // as the user wrote it, or "builtin:safe"; empty for a flag or a template name
	Line   int
	Column int
	Key    string // "scan.max_files"; empty when the fault is not about one key
	What   string
	Hint   string // not part of Error(); the command prints it on a line of its own
	Err    error
}

func (e *Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(shown(e.File))
		if e.Line > 0 {
			fmt.Fprintf(&b, ":%d", e.Line)
			if e.Column > 0 {
				fmt.Fprintf(&b, ":%d", e.Column)
			}
		}
		b.WriteString(": ")
	}
	if e.Key != "" {
		b.WriteString(shown(e.Key) + ": ")
	}
	b.WriteString(e.What)
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// shownMax bounds how much of a hostile string a message repeats.
const shownMax = 200

// shown makes text from a file harmless for a terminal.
func shown(s string) string {
	if len(s) > shownMax {
		cut := shownMax
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	if printable(s) {
		return s
	}
	return strconv.Quote(s)
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// Nearest returns the candidate with the smallest edit distance to word, or "" when none resembles it. A
// candidate is also near by its last part, so that "max_files" finds "scan.max_files".
func Nearest(word string, candidates []string) string {
	if len(word) > 64 { // bounds the work for a hostile key
		return ""
	}
	best, at := "", 1+max(2, len(word)/2)
	for _, c := range candidates {
		d := distance(word, c)
		if i := strings.LastIndexByte(c, '.'); i >= 0 {
			d = min(d, 1+distance(word, c[i+1:]))
		}
		if d < at {
			best, at = c, d
		}
	}
	return best
}

// distance is the Levenshtein distance in bytes: the fewest insertions, deletions and replacements.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

// suggestion is the clause that names the nearest candidate, or "".
func suggestion(word string, candidates []string) string {
	if n := Nearest(word, candidates); n != "" {
		return "; the nearest is " + n
	}
	return ""
}
