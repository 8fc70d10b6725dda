package zipfile

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/loadlock/loadlock/validate"
)

// checkNames judges the members' names, each alone and all together.
func (a *archive) checkNames() {
	seen := make(map[string]*entry, len(a.entries))
	for _, e := range a.entries {
		if what := escapes(e.name); what != "" {
			a.p.Report(slip, e.header, "%s: %s", quote(e.name), what)
		} else if what := nameProblem(e.name); what != "" {
			a.p.Report(badName, e.header, "%s: %s", quote(e.name), what)
		} else if e.flags&flagUTF8 == 0 && !isASCII(e.name) {
			a.p.Report(encoding, e.header, "%s", quote(e.name))
		}
		key := folded(e.name)
		if other, twice := seen[key]; twice {
			a.p.Report(duplicate, e.header, "%s and %s", quote(other.name), quote(e.name))
		}
		seen[key] = e
	}
}

// folded is what a name becomes on the file system that distinguishes least: case is folded, Unicode compatibility
// forms are one (HFS+ and APFS normalise, NTFS folds case), and Windows drops dots and spaces at the end of each
// component and what follows a colon (an alternate stream of the same file).
func folded(name string) string {
	name = strings.ReplaceAll(strings.TrimRight(name, "/"), `\`, "/")
	if !plain(name) {
		name = norm.NFKC.String(strings.ToLower(strings.ToUpper(norm.NFKC.String(name))))
		parts := strings.Split(name, "/")
		for i, part := range parts {
			part, _, _ = strings.Cut(part, ":")
			parts[i] = strings.TrimRight(part, " .")
		}
		name = strings.Join(parts, "/")
	}
	return name
}

// plain says that folding leaves a name as it is.
func plain(name string) bool {
	for i := range len(name) {
		c := name[i]
		dropped := (c == '.' || c == ' ') && (i+1 == len(name) || name[i+1] == '/')
		if c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' || c == ':' || dropped {
			return false
		}
	}
	return true
}

// escapes says why a name is one that only an attack has: it leaves the folder, or readers cut it at different places.
func escapes(name string) string {
	slashed := strings.ReplaceAll(name, `\`, "/")
	switch {
	case strings.HasPrefix(slashed, "/"):
		return "absolute"
	case len(name) > 1 && name[1] == ':' && unicode.IsLetter(rune(name[0])):
		return "drive letter"
	case strings.ContainsRune(name, 0):
		return "NUL, at which some readers stop"
	}
	for part := range strings.SplitSeq(slashed, "/") {
		if strings.TrimRight(part, " ") == ".." {
			return "component \"..\""
		}
	}
	if i := strings.IndexFunc(name, func(r rune) bool { return unicode.Is(unicode.Bidi_Control, r) }); i >= 0 {
		return "a control that reverses the direction of writing"
	}
	return ""
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}

func nameProblem(name string) string {
	switch {
	case name == "":
		return "empty"
	case !utf8.ValidString(name):
		return "not UTF-8"
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "characters that are not printable"
	case strings.Contains(name, `\`):
		return "backslash"
	}
	for part := range strings.SplitSeq(strings.TrimSuffix(name, "/"), "/") {
		if part == "." || part == "" {
			return "component " + quote(part)
		}
	}
	return ""
}

// quote shows a name of the model, shortened.
func quote(s string) string { return validate.Printable(s[:min(len(s), 200)]) }
