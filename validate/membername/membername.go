// Package membername judges the names of members of archives, each alone and compared with others.
//
// # Security
//
// A name is where an archive is unpacked to and what a reader looks for, and readers and file systems do not agree on
// which names are the same. Two names are taken for one here when any of the usual systems takes them for one.
package membername

import (
	"path"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Folded is what a name becomes on the file system that distinguishes least: case is folded, Unicode compatibility
// forms are one (HFS+ and APFS normalise, NTFS folds case), and Windows drops dots and spaces at the end of each
// component and what follows a colon (an alternate stream of the same file).
func Folded(name string) string {
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

// Escapes says why a name is one that only an attack has: it leaves the folder, or readers cut it at different places.
func Escapes(name string) string {
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

// IsASCII says whether a name has no other characters.
func IsASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}

// Problem says why readers may take a name for another, or "".
func Problem(name string) string {
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
			return "component " + strconv.Quote(part)
		}
	}
	return ""
}

// LeadsOutside says whether a link in the member name, to target, points outside the folder that the archive is
// unpacked to, or may on some system.
func LeadsOutside(name, target string) bool {
	target = strings.ReplaceAll(target, `\`, "/")
	if target == "" || strings.HasPrefix(target, "/") || strings.ContainsRune(target, 0) || len(target) > 1 && target[1] == ':' {
		return true
	}
	depth := 0 // path.Join would hide a way that leaves and comes back
	for part := range strings.SplitSeq(path.Dir(strings.TrimSuffix(name, "/"))+"/"+target, "/") {
		switch part {
		case "", ".":
		case "..":
			if depth--; depth < 0 {
				return true
			}
		default:
			depth++
		}
	}
	return false
}
