// Package modelpath judges the paths by which one file of a model names another.
//
// # Security
//
// A loader joins such a path to the folder of the model and opens it. Allowed are plain names that lead downwards; what
// another system, another reader or a special case of a runtime reads as something else is not.
package modelpath

import "strings"

// maxPath is far above the names that models use.
const maxPath = 1024

// Outside says what keeps a path from being one of plain names that lead downwards. It is empty for such a path.
func Outside(name string) string {
	switch {
	case name == "":
		return "is empty"
	case len(name) > maxPath:
		return "is longer than a path"
	case name[0] == '/':
		return "is absolute"
	case strings.ContainsAny(name, `\:*?"<>|`):
		// a drive, a URL, a stream, another system's separator, or a mark that a runtime takes for a place in memory
		return "holds a character that leads elsewhere on some system"
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "holds a control character"
	case name[0] == '~' || name[0] == '$' || name[0] == '%':
		return "is expanded by some readers"
	}
	for part := range strings.SplitSeq(strings.TrimPrefix(name, "./"), "/") {
		if strings.Trim(part, ". ") == "" {
			return "has a part that is empty, leads upwards, or is left out by some systems"
		}
	}
	return ""
}
