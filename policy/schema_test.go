package policy

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
)

func compiled(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("policy.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("policy.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// instance is a text as an editor's schema checker sees it: dates are strings in YAML 1.2.
func instance(t testing.TB, text string) any {
	t.Helper()
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(text), &n); err != nil {
		t.Fatal(err)
	}
	return fromNode(t, n.Content[0])
}

func fromNode(t testing.TB, n *yaml.Node) any {
	t.Helper()
	switch {
	case n.Kind == yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			m[n.Content[i].Value] = fromNode(t, n.Content[i+1])
		}
		return m
	case n.Kind == yaml.SequenceNode:
		list := []any{}
		for _, c := range n.Content {
			list = append(list, fromNode(t, c))
		}
		return list
	case n.ShortTag() == "!!timestamp":
		return n.Value
	}
	var v any
	if err := n.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestTheSchemaAcceptsEveryTemplate(t *testing.T) {
	s := compiled(t)
	list, err := Templates()
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range list {
		if err := s.Validate(instance(t, info.YAML)); err != nil {
			t.Errorf("template %s: %v", info.Name, err)
		}
		p, prov := load(t, nowhere(t, info.Name))
		if err := s.Validate(instance(t, effective(t, p, prov))); err != nil {
			t.Errorf("effective policy %s: %v", info.Name, err)
		}
	}
}

// beyond are refusals that a schema has no words for.
var beyond = []string{
	"a repeated key", "a key that is a list", "a quoted number", "an octal number", "a hexadecimal number", "number with underscores", "exponent",
	"the name of a template", "terminal escapes", "a wildcard domain that", "a source that climbs", "with an inherited", "network_access restricted", "hosts without a network", "a network of hosts without hosts", "in two spellings",
	"the same waiver twice", "the same global twice", "a global without a module", "a global with a pattern", "an empty module",
	"a second document", "an anchor", "an alias", "merge key", "a tag", "a private tag", "deep nesting", "broken YAML", "directive", "UTF-", "NUL", "a file of comments", "an empty file",
	"a key without end", "a private tag", "a tab as indentation", "an unusual",
}

func TestTheSchemaRefusesWhatLoadRefuses(t *testing.T) {
	s := compiled(t)
	n := 0
	for _, tt := range refusals {
		skip := false
		for _, b := range beyond {
			skip = skip || strings.Contains(tt.name, b)
		}
		if skip {
			continue
		}
		n++
		if err := s.Validate(instance(t, tt.text)); err == nil {
			t.Errorf("the schema accepts %s:\n%s", tt.name, tt.text)
		}
	}
	if n < 50 {
		t.Errorf("only %d refusals were compared", n)
	}
}

func TestPatternsAndChecksAgree(t *testing.T) {
	for _, tt := range []struct {
		name, pattern string
		ok            func(string) bool
	}{
		{"name", namePattern, func(s string) bool { return checkName(s) == "" }},
		{"domain", domainPattern, func(s string) bool { return checkDomain(s) == "" }},
		{"source", sourcePattern, func(s string) bool { return checkSource(s) == "" }},
		{"extension", extensionPattern, func(s string) bool { return checkExtension(s) == "" }},
		{"rule", rulePattern, ruleID},
	} {
		t.Run(tt.name, func(t *testing.T) {
			re := regexp.MustCompile(tt.pattern)
			alphabet := rapid.StringOfN(rapid.SampledFrom([]rune("aAzZ09.-_+/*@: é")), 0, 12, -1)
			rapid.Check(t, func(t *rapid.T) {
				s := alphabet.Draw(t, "s")
				if tt.name == "source" && strings.Contains(s, "..") {
					return // a segment .. is refused by the check only
				}
				if re.MatchString(s) != tt.ok(s) {
					t.Fatalf("%q: pattern %t, check %t", s, re.MatchString(s), tt.ok(s))
				}
			})
		})
	}
}

func TestEveryKeyIsDocumented(t *testing.T) {
	for _, k := range keys {
		if !strings.HasSuffix(k.doc, ".") || len(k.doc) < 20 {
			t.Errorf("%s: %q is not a sentence", k.name, k.doc)
		}
		if !bytes.Contains(Schema(), []byte(k.doc)) && !strings.ContainsAny(k.doc, `"\`) {
			t.Errorf("%s is not in the schema", k.name)
		}
	}
}
