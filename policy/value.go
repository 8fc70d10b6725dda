package policy

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// value is the type of one key: how it is read, shown, described and compared. Everything that is done with
// keys goes through the table in keys.go and this interface, so that no place can forget one.
type value interface {
	// read stores a YAML value in p, or says what is wrong with it.
	read(at place, n *yaml.Node, p *Policy) error
	// get is the value as JSON and YAML print it; nil when the key says nothing in this policy.
	get(p *Policy) any
	// schema is the JSON Schema of the value.
	schema() map[string]any
	// tighten stores in p the tighter of asked and ceiling. It reads nothing from p.
	tighten(p, asked, ceiling *Policy)
	// weaker has one sentence for each way in which p permits more than base.
	weaker(key string, p, base *Policy) []string
}

// place is where a value stands.
type place struct {
	file string
	key  string
}

func (at place) fault(n *yaml.Node, hint, format string, args ...any) *Error {
	return &Error{File: at.file, Line: n.Line, Column: n.Column, Key: at.key, What: fmt.Sprintf(format, args...), Hint: hint}
}

// wrongType is the error about a value of another type.
func (at place) wrongType(n *yaml.Node, want, hint string) *Error {
	return at.fault(n, hint, "wants %s, not %s", want, describe(n))
}

func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.ShortTag() {
	case "!!null":
		return "nothing"
	case "!!bool":
		return "the truth value " + shown(n.Value)
	case "!!int", "!!float":
		return "the number " + shown(n.Value)
	case "!!timestamp":
		return "the date " + shown(n.Value)
	}
	return "the text " + strconv.Quote(shown(n.Value))
}

// boolean is a key that is true or false.
type boolean struct {
	at    func(*Policy) *bool
	tight bool   // the value that permits less
	weak  string // what it means that the value is not the tight one
}

func (v boolean) read(at place, n *yaml.Node, p *Policy) error {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!bool" {
		return at.wrongType(n, "true or false", "write true or false, without quotes")
	}
	*v.at(p) = strings.EqualFold(n.Value, "true")
	return nil
}

func (v boolean) get(p *Policy) any      { return *v.at(p) }
func (v boolean) schema() map[string]any { return map[string]any{"type": "boolean"} }

func (v boolean) tighten(p, asked, ceiling *Policy) {
	if *v.at(ceiling) == v.tight {
		*v.at(p) = v.tight
		return
	}
	*v.at(p) = *v.at(asked)
}

func (v boolean) weaker(key string, p, base *Policy) []string {
	if *v.at(p) == v.tight || *v.at(base) != v.tight {
		return nil
	}
	return []string{fmt.Sprintf("%s (%s: %t)", v.weak, key, *v.at(p))}
}

// integer is a key with a whole number; more permits more.
type integer struct {
	at       func(*Policy) *int64
	min, max int64
	open     bool // zero means that this key does not bound (only where other keys do)
}

func (v integer) read(at place, n *yaml.Node, p *Policy) error {
	x, err := readInt(at, n)
	if err != nil {
		return err
	}
	if err := v.check(x); err != "" {
		return at.fault(n, "", "%s", err)
	}
	*v.at(p) = x
	return nil
}

// check says what is wrong with a number, or "".
func (v integer) check(x int64) string {
	if x < v.min || x > v.max {
		return fmt.Sprintf("%d is outside %d to %d", x, v.min, v.max)
	}
	return ""
}

// readInt accepts plain decimal digits only: 010, 0x10, 1_000 and 1e3 mean different things to different
// versions of YAML.
func readInt(at place, n *yaml.Node) (int64, error) {
	s := n.Value
	digits := strings.TrimPrefix(s, "-")
	plain := digits != "" && strings.Trim(digits, "0123456789") == "" && (digits == "0" || digits[0] != '0')
	if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!str" || !plain {
		return 0, at.wrongType(n, "a whole number", "write plain decimal digits, without quotes, unit, underscore or fraction")
	}
	x, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, at.fault(n, "", "%s is too large a number", shown(s))
	}
	return x, nil
}

func (v integer) get(p *Policy) any { return *v.at(p) }

func (v integer) schema() map[string]any {
	return map[string]any{"type": "integer", "minimum": v.min, "maximum": v.max}
}

// rank orders the values of an open key: zero is the loosest.
func (v integer) rank(x int64) int64 {
	if v.open && x == 0 {
		return math.MaxInt64
	}
	return x
}

func (v integer) tighten(p, asked, ceiling *Policy) {
	*v.at(p) = *v.at(asked)
	if v.rank(*v.at(ceiling)) < v.rank(*v.at(asked)) {
		*v.at(p) = *v.at(ceiling)
	}
}

func (v integer) weaker(key string, p, base *Policy) []string {
	if v.rank(*v.at(p)) <= v.rank(*v.at(base)) {
		return nil
	}
	return []string{fmt.Sprintf("%s is %d, where safe has %d", key, *v.at(p), *v.at(base))}
}

// decimal is a key with a number that may have a fraction; more permits more.
type decimal struct {
	at       func(*Policy) *float64
	min, max float64
}

func (v decimal) read(at place, n *yaml.Node, p *Policy) error {
	tag := n.ShortTag()
	if n.Kind != yaml.ScalarNode || (tag != "!!int" && tag != "!!float") {
		return at.wrongType(n, "a number", "write decimal digits, for example 2 or 0.5")
	}
	x, err := strconv.ParseFloat(n.Value, 64)
	if err != nil || strings.Trim(n.Value, "-0123456789.") != "" { // no hexadecimal, no exponent, no .inf, no .nan
		return at.fault(n, "write decimal digits, for example 2 or 0.5", "%s is not a plain decimal number", shown(n.Value))
	}
	if err := v.check(x); err != "" {
		return at.fault(n, "", "%s", err)
	}
	*v.at(p) = x
	return nil
}

func (v decimal) check(x float64) string {
	if !(x >= v.min && x <= v.max) { // written so that NaN is refused
		return fmt.Sprintf("%v is outside %v to %v", x, v.min, v.max)
	}
	return ""
}

func (v decimal) get(p *Policy) any { return *v.at(p) }

func (v decimal) schema() map[string]any {
	return map[string]any{"type": "number", "minimum": v.min, "maximum": v.max}
}

func (v decimal) tighten(p, asked, ceiling *Policy) { *v.at(p) = min(*v.at(asked), *v.at(ceiling)) }

func (v decimal) weaker(key string, p, base *Policy) []string {
	if *v.at(p) <= *v.at(base) {
		return nil
	}
	return []string{fmt.Sprintf("%s is %v, where safe has %v", key, *v.at(p), *v.at(base))}
}

// text is a key with words for people; it permits nothing.
type text struct {
	at      func(*Policy) *string
	check   func(string) string
	pattern string
}

func (v text) read(at place, n *yaml.Node, p *Policy) error {
	s, err := readText(at, n)
	if err != nil {
		return err
	}
	if what := v.check(s); what != "" {
		return at.fault(n, "", "%s", what)
	}
	*v.at(p) = s
	return nil
}

func (v text) get(p *Policy) any { return *v.at(p) }

func (v text) schema() map[string]any {
	m := map[string]any{"type": "string", "maxLength": textMax}
	if v.pattern != "" {
		m["pattern"] = v.pattern
	}
	return m
}

func (v text) tighten(p, asked, _ *Policy)              { *v.at(p) = *v.at(asked) }
func (v text) weaker(string, *Policy, *Policy) []string { return nil }

// textMax bounds one text of a policy, in bytes.
const textMax = 1000

// readText joins lines by single spaces, so that a folded text is one line in a report.
func readText(at place, n *yaml.Node) (string, error) {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" {
		return "", at.wrongType(n, "text", "put it in quotes if it is meant as text")
	}
	s := strings.Join(strings.Fields(n.Value), " ")
	switch {
	case len(s) > textMax:
		return "", at.fault(n, "", "is longer than %d bytes", textMax)
	case !printable(s):
		return "", at.fault(n, "texts are printed in reports and terminals", "has a character that cannot be printed")
	}
	return s, nil
}
