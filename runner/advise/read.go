package advise

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Sighting is one message that was recognised: what was wanted, and with which error it was refused.
type Sighting struct {
	Want  Want
	What  string // as the message wrote it; may be a relative path
	Errno string // ENOENT, EACCES, EROFS, EPERM, or empty
	Text  string // the error's own words
	By    string // "load.py line 3, through torch", when the message shows it

	Warning bool // the program warned of it and went on; of a GPU only
}

// maxWhat bounds a name that is taken from a message, in bytes; PATH_MAX is 4096.
const maxWhat = 512

// Read finds what the messages in the tail of a command's stderr say was wanted, the last one first: what a program
// says at its end is nearest to why it ended.
func Read(tail []byte) []Sighting {
	s := strings.ReplaceAll(string(tail), "\r\n", "\n")
	type match struct {
		row text
		re  *regexp.Regexp
		at  []int
	}
	var matches []match
	for _, t := range slices.Concat(texts, gpuTexts()) {
		re := regexp.MustCompile("(?m)" + t.pattern) // here and not in the table: a box that starts pays for every initialised variable
		for _, m := range re.FindAllStringSubmatchIndex(s, -1) {
			matches = append(matches, match{t, re, m})
		}
	}
	slices.SortStableFunc(matches, func(a, b match) int { return b.at[1] - a.at[1] })
	var found []Sighting
	for _, m := range matches[:min(len(matches), maxMatches)] {
		if g := (Sighting{Want: m.row.want, Errno: m.row.errno, Text: m.row.says}); g.fill(m.row, m.re, s, m.at) {
			found = append(found, g)
		}
	}
	return gpuReasons(distinct(found))
}

// maxMatches bounds the messages that are looked at closely, the last ones: hostile code can write any number.
const maxMatches = 64

// fill takes the groups of a match. It reports false for an errno that no layer of a sandbox causes, and for an error of
// a GPU about which nothing is known.
func (g *Sighting) fill(row text, re *regexp.Regexp, s string, m []int) bool {
	group := func(name string) (string, bool) {
		i := re.SubexpIndex(name)
		if i < 0 || m[2*i] < 0 {
			return "", false
		}
		return s[m[2*i]:m[2*i+1]], true
	}
	if why, ok := group("why"); ok {
		if g.Errno = errnos()[why]; g.Errno == "" {
			return false
		}
		g.Text = spelt()[g.Errno]
	}
	if g.Want == WantGPU {
		g.What, g.Warning = gpuEntry(row, group), warned(s[:m[0]])
		if g.What == "" {
			return false
		}
	}
	before := traceback(s[:m[0]])
	if what, ok := group("what"); ok && len(what) <= maxWhat {
		g.What = what
	} else if g.Want == WantHost {
		g.What = hostIn(before + s[m[0]:m[1]])
	} else if g.Want == WantSocket {
		g.What = serves(before + s[m[0]:m[1]] + ahead(s[m[1]:]))
	}
	g.By = by(before)
	return true
}

// distinct keeps the first of each thing wanted.
func distinct(list []Sighting) (out []Sighting) {
	for _, g := range list {
		if !slices.ContainsFunc(out, func(o Sighting) bool {
			return o.Want == g.Want && o.Warning == g.Warning && (o.What == g.What || g.What == "")
		}) {
			out = append(out, g)
		}
	}
	return out
}

// traceback is the end of text from the last Python traceback's or Node error's beginning.
func traceback(text string) string {
	const near, far = 4 << 10, 32 << 10
	text = text[max(0, len(text)-far):]
	if i := strings.LastIndex(text, "Traceback (most recent call last)"); i >= 0 {
		return text[i:]
	}
	return text[max(0, len(text)-near):]
}

func ahead(text string) string { return text[:min(len(text), 512)] }

// hostIn finds the host that a traceback names, or that its library is known to talk to.
func hostIn(trace string) string {
	for _, h := range hostOf {
		if strings.Contains(trace, h.frame) {
			return h.host
		}
	}
	for _, p := range []string{`https?://([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)`, `\(['"]([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)['"], ?\d+\)`} {
		if m := regexp.MustCompile(p).FindAllStringSubmatch(trace, -1); m != nil {
			return m[len(m)-1][1]
		}
	}
	return ""
}

// serves tells a socket that was to listen, by "listen" and the port when the text shows one; a socket for anything
// else is "".
func serves(trace string) string {
	if !slices.ContainsFunc(servers, func(s string) bool { return strings.Contains(trace, s) }) {
		return ""
	}
	for _, p := range []string{`\(?['"][\w.:]*['"], ?(\d{2,5})\)`, `port[:=] ?(\d{2,5})`, `EAFNOSUPPORT: [^\n]*:(\d{2,5})`} {
		if m := regexp.MustCompile(p).FindStringSubmatch(trace); m != nil {
			return "listen " + m[1]
		}
	}
	return "listen"
}

// by says which line of the user's own asked, and through which package.
func by(trace string) string {
	frames := regexp.MustCompile(`(?m)^ *File "([^"\n]+)", line (\d+)`).FindAllStringSubmatch(trace, -1)
	var own, through string
	for _, f := range frames {
		file := f[1]
		if i := strings.LastIndex(file, "-packages/"); i >= 0 {
			through, _, _ = strings.Cut(file[i+len("-packages/"):], "/")
			continue
		}
		if strings.HasPrefix(file, "<") || strings.HasSuffix(file, ".pyx") || strings.Contains(file, "/lib/python3") {
			continue
		}
		own, through = fmt.Sprintf("%s line %s", path.Base(file), f[2]), ""
	}
	switch {
	case own != "" && through != "":
		return own + ", through " + strings.TrimSuffix(through, ".py")
	case own != "":
		return own
	}
	return strings.TrimSuffix(through, ".py")
}
