package policy

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// word is a key that is one of a few words, ordered from tight to loose; the position is the value.
type word[T ~int] struct {
	at    func(*Policy) *T
	words []string
	weak  []string // what each word means when it is looser than safe
}

func (v word[T]) read(at place, n *yaml.Node, p *Policy) error {
	i, err := readWord(at, n, v.words)
	if err != nil {
		return err
	}
	*v.at(p) = T(i)
	return nil
}

// readWord returns the position of a word in a list.
func readWord(at place, n *yaml.Node, words []string) (int, error) {
	want := "one of " + strings.Join(words, ", ")
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" {
		return 0, at.wrongType(n, want, "")
	}
	for i, w := range words {
		if n.Value == w {
			return i, nil
		}
	}
	return 0, at.fault(n, want, "%q is none of %s%s", shown(n.Value), strings.Join(words, ", "), suggestion(n.Value, words))
}

func (v word[T]) get(p *Policy) any      { return v.words[*v.at(p)] }
func (v word[T]) schema() map[string]any { return map[string]any{"enum": v.words} }

func (v word[T]) tighten(p, asked, ceiling *Policy) { *v.at(p) = min(*v.at(asked), *v.at(ceiling)) }

func (v word[T]) weaker(key string, p, base *Policy) []string {
	x := *v.at(p)
	if x <= *v.at(base) {
		return nil
	}
	return []string{fmt.Sprintf("%s (%s: %s)", v.weak[x], key, v.words[x])}
}
