package policy

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// listMax bounds the items of one list.
const listMax = 10_000

// readItems visits the items of a list; what names one item in messages.
func readItems(at place, n *yaml.Node, what string, item func(place, *yaml.Node) error) error {
	if n.Kind != yaml.SequenceNode {
		return at.wrongType(n, "a list of "+what, "write [a, b] or one item per line after a dash; [] is the empty list")
	}
	if len(n.Content) > listMax {
		return at.fault(n.Content[listMax], "", "has more than %d items", listMax)
	}
	for i, c := range n.Content {
		if err := item(place{at.file, fmt.Sprintf("%s[%d]", at.key, i)}, c); err != nil {
			return err
		}
	}
	return nil
}

// sense says what the items of a set do.
type sense int

const (
	permits     sense = iota // each item permits something
	forbids                  // each item forbids something
	restrictsTo              // only the items are permitted; an empty list is no restriction
)

// set is a key with a list whose order means nothing. It is kept sorted, so that equal policies have equal
// digests.
type set struct {
	at      func(*Policy) *[]string
	sense   sense
	what    string                   // "host names"
	check   func(string) string      // what is wrong with an item, or ""
	canon   func(string) string      // the one spelling of an item; nil: as it is
	covers  func(a, b string) bool   // a permits all that b permits; nil is equality
	pattern string                   // of an item, for the schema
	words   []string                 // the only items there are, if not nil
	weak    func(item string) string // what one item more than safe has means
}

func (v set) read(at place, n *yaml.Node, p *Policy) error {
	list := []string{}
	err := readItems(at, n, v.what, func(at place, n *yaml.Node) error {
		if v.words != nil {
			i, err := readWord(at, n, v.words)
			if err != nil {
				return err
			}
			return add(at, n, &list, v.words[i])
		}
		s, err := readText(at, n)
		if err != nil {
			return err
		}
		if what := v.check(s); what != "" {
			return at.fault(n, "", "%q %s", shown(s), what)
		}
		if v.canon != nil {
			s = v.canon(s)
		}
		return add(at, n, &list, s)
	})
	if err != nil {
		return err
	}
	*v.at(p) = list
	return nil
}

// add keeps the list sorted and refuses an item that is there already.
func add(at place, n *yaml.Node, list *[]string, s string) error {
	i, found := slices.BinarySearch(*list, s)
	if found {
		return at.fault(n, "remove one of the two", "%q is listed twice", shown(s))
	}
	*list = slices.Insert(*list, i, s)
	return nil
}

func (v set) get(p *Policy) any { return append([]string{}, *v.at(p)...) }

func (v set) schema() map[string]any {
	item := map[string]any{"type": "string"}
	if v.words != nil {
		item = map[string]any{"enum": v.words}
	} else if v.pattern != "" {
		item["pattern"] = v.pattern
	}
	return map[string]any{"type": "array", "items": item, "uniqueItems": true, "maxItems": listMax}
}

func (v set) covered(item string, by []string) bool {
	if v.covers == nil {
		return slices.Contains(by, item)
	}
	return slices.ContainsFunc(by, func(a string) bool { return v.covers(a, item) })
}

func (v set) tighten(p, asked, ceiling *Policy) {
	a, c := *v.at(asked), *v.at(ceiling)
	var out []string
	switch {
	case v.sense == forbids:
		out = slices.Concat(a, c)
	case v.sense == restrictsTo && len(c) == 0:
		out = slices.Clone(a)
	case v.sense == restrictsTo && len(a) == 0:
		out = slices.Clone(c)
	default: // what both permit: the narrower item of each pair
		for _, s := range a {
			if v.covered(s, c) {
				out = append(out, s)
			}
		}
		for _, s := range c {
			if v.covered(s, a) {
				out = append(out, s)
			}
		}
	}
	slices.Sort(out)
	*v.at(p) = slices.Compact(out)
}

func (v set) weaker(key string, p, base *Policy) (out []string) {
	mine, theirs := *v.at(p), *v.at(base)
	switch v.sense {
	case permits:
		for _, s := range mine {
			if !v.covered(s, theirs) {
				out = append(out, fmt.Sprintf("%s (%s)", v.weak(s), key))
			}
		}
	case forbids:
		for _, s := range theirs {
			if !slices.Contains(mine, s) {
				out = append(out, fmt.Sprintf("%s no longer has %s", key, s))
			}
		}
	case restrictsTo:
		if len(theirs) > 0 && (len(mine) == 0 || slices.ContainsFunc(mine, func(s string) bool { return !v.covered(s, theirs) })) {
			out = append(out, key+" permits more than safe does")
		}
	}
	return out
}

// checkDomain accepts host names as they are compared: lower-case ASCII labels.
func checkDomain(s string) string {
	switch {
	case strings.HasPrefix(s, "*."):
		return "has a wildcard; a domain already covers what is below it, so write " + s[2:]
	case strings.Contains(s, "/"):
		return "is an address; write the host name only"
	case s != strings.ToLower(s):
		return "has upper-case letters; write " + strings.ToLower(s)
	case len(s) > 253:
		return "is longer than a host name can be"
	}
	for label := range strings.SplitSeq(s, ".") {
		if len(label) == 0 || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return "is not a host name (international names in their xn-- form)"
		}
	}
	return ""
}

const domainPattern = `^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$`

// domainCovers compares on label boundaries: huggingface.co covers cdn.huggingface.co, not nothuggingface.co.
func domainCovers(a, b string) bool { return a == b || strings.HasSuffix(b, "."+a) }

// checkSource accepts a reference, or "org/*".
func checkSource(s string) string {
	stem := strings.TrimSuffix(s, "/*")
	if stem == "" || strings.ContainsFunc(stem, func(r rune) bool { return !sourceRune(r) }) {
		return "is neither a reference such as org/name nor org/*"
	}
	if slices.Contains(strings.Split(stem, "/"), "..") {
		return "has .. in it; write the reference it leads to"
	}
	return ""
}

func sourceRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._/@:+-", r)
}

const sourcePattern = `^[A-Za-z0-9._/@:+-]+(/\*)?$`

// sourceCovers: org/* covers everything directly below org, and itself.
func sourceCovers(a, b string) bool {
	if a == b {
		return true
	}
	org, ok := strings.CutSuffix(a, "*")
	rest, below := strings.CutPrefix(b, org)
	return ok && below && rest != "" && !strings.Contains(rest, "/")
}

// checkExtension accepts what validation compares with: the last extension, lower case, with its dot.
func checkExtension(s string) string {
	switch {
	case s != strings.ToLower(s):
		return "has upper-case letters; write " + strings.ToLower(s) + ", which matches both"
	case !strings.HasPrefix(s, "."):
		return "does not begin with a dot; write ." + strings.TrimLeft(s, "*.")
	case strings.Contains(s[1:], "."):
		return "has two dots; only the last extension counts"
	case s == "." || len(s) > 32 || strings.Trim(s[1:], "abcdefghijklmnopqrstuvwxyz0123456789_-+") != "":
		return "is not a file extension"
	}
	return ""
}

const extensionPattern = `^\.[a-z0-9_+-]{1,31}$`
