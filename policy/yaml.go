package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// The YAML that a policy may use: one document of mappings, lists and scalars. Anchors, aliases, merge keys and
// tags are refused, because with them the text that a reviewer reads is not what is loaded.

// depthMax is far above what a policy needs (list → item → list).
const depthMax = 16

// parse returns the top mapping of the only document in data.
func parse(file string, data []byte) (*yaml.Node, error) {
	if !utf8.Valid(data) {
		return nil, notText(file, data)
	}
	if err := noDirectives(file, data); err != nil {
		return nil, err
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, &Error{File: file, Line: 1, Column: 1, What: "is empty", Hint: "a policy that changes nothing says `extends: safe`"}
	case err != nil:
		return nil, syntax(file, err)
	}
	var second yaml.Node
	switch err := dec.Decode(&second); {
	case errors.Is(err, io.EOF):
	case err != nil:
		return nil, syntax(file, err)
	default:
		return nil, place{file: file}.fault(&second, "keep one document per file", "a second document begins here")
	}
	if len(doc.Content) != 1 {
		return nil, &Error{File: file, Line: 1, Column: 1, What: "is empty"}
	}
	root := doc.Content[0]
	if err := plainOnly(file, root, 0); err != nil {
		return nil, err
	}
	if root.Kind != yaml.MappingNode {
		return nil, place{file: file}.fault(root, "a policy consists of lines such as `timeout_seconds: 600`", "wants a mapping, not %s", describe(root))
	}
	return root, nil
}

// noDirectives refuses lines that begin with %. A policy needs none, and the parser takes time quadratic in their
// number: a megabyte of %TAG lines costs it 20 s. It looks for them where the parser does, after each of the line
// breaks of YAML 1.1.
func noDirectives(file string, data []byte) error {
	line, start := 1, true
	for i, r := range string(data) {
		switch {
		case r == '%' && start:
			return &Error{File: file, Line: line, Column: 1, What: "a policy may not use directives (lines that begin with %)", Hint: "remove the line"}
		case r == '\r' && i+1 < len(data) && data[i+1] == '\n': // counted with the \n
		case r == '\n' || r == '\r' || r == '\u0085' || r == '\u2028' || r == '\u2029':
			line, start = line+1, true
		case r != '\ufeff':
			start = false
		}
	}
	return nil
}

// notText points at the first byte that is not UTF-8.
func notText(file string, data []byte) error {
	line, column := 1, 1
	for len(data) > 0 {
		r, n := utf8.DecodeRune(data)
		if r == utf8.RuneError && n == 1 {
			break
		}
		if column++; r == '\n' {
			line, column = line+1, 1
		}
		data = data[n:]
	}
	return &Error{File: file, Line: line, Column: column, What: "is not UTF-8 text", Hint: "save the file as UTF-8"}
}

// syntax turns a parser's error into ours. The parser gives the line inside its message and no column; where it
// gives no line, the fault is on the first one.
func syntax(file string, err error) error {
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	e := &Error{File: file, Line: 1, Column: 1, Hint: "check indentation, colons, quotes and brackets there and on the line above"}
	if rest, ok := strings.CutPrefix(msg, "line "); ok {
		if number, after, ok := strings.Cut(rest, ": "); ok {
			if n, err := strconv.Atoi(number); err == nil {
				e.Line, msg = n, after
			}
		}
	}
	e.What = "is not YAML: " + shown(msg)
	return e
}

func plainOnly(file string, n *yaml.Node, depth int) error {
	at := place{file: file}
	switch {
	case depth > depthMax:
		return at.fault(n, "", "is nested deeper than %d", depthMax)
	case n.Kind == yaml.AliasNode:
		return at.fault(n, "write the value itself", "alias *%s: a policy may not use aliases", shown(n.Value))
	case n.Anchor != "":
		return at.fault(n, "write the value where it is needed", "anchor &%s: a policy may not use anchors", shown(n.Anchor))
	case n.Style&yaml.TaggedStyle != 0:
		return at.fault(n, "remove the tag", "tag %s: a policy may not use tags", shown(n.Tag))
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!merge":
		return at.fault(n, "use `extends` with the name of a template", "a policy may not use merge keys")
	}
	for _, c := range n.Content {
		if err := plainOnly(file, c, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// pair is a key of a mapping and its value.
type pair struct {
	name       string
	key, value *yaml.Node
}

// readPairs returns the pairs of a mapping in the order of the text, each key known and there once. similar are
// the names among which the nearest to an unknown key is looked for.
func readPairs(file, prefix string, n *yaml.Node, known, similar []string) ([]pair, error) {
	var pairs []pair
	lines := make(map[string]int, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if k.Kind != yaml.ScalarNode {
			return nil, place{file: file}.fault(k, "", "wants the name of a key, not %s", describe(k))
		}
		at := place{file, prefix + k.Value}
		if line, again := lines[k.Value]; again {
			return nil, at.fault(k, "remove one of the two", "is repeated; it was set on line %d", line)
		}
		lines[k.Value] = k.Line
		if !slices.Contains(known, k.Value) {
			return nil, at.fault(k, "`loadlock policy schema` lists every key", "unknown key%s", suggestion(k.Value, similar))
		}
		pairs = append(pairs, pair{k.Value, k, v})
	}
	return pairs, nil
}

// empty is the error about a key without a value: `name:` at the end of a line.
func empty(at place, n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		return at.fault(n, fmt.Sprintf("give %s a value, or remove the line to inherit it; an empty list is []", shown(at.key)), "has no value")
	}
	return nil
}
