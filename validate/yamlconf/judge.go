package yamlconf

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/pyname"
)

// judge looks at the nodes of one file.
type judge struct {
	p     *validate.Pass
	base  string
	lines []int64
	sizes map[*yaml.Node]int64 // what a node expands to
	flow  bool                 // an expansion was reported: aliases are not followed
	said  map[place]bool

	layers  bool  // the document describes objects of Keras
	decoded int   // texts that hold bytes
	failed  error // of judging those
}

// place of a finding. A value that several aliases lead to is judged by the keys of each and reported once.
type place struct {
	rule, what   string
	line, column int
}

func newJudge(p *validate.Pass, text []byte) *judge {
	base := path.Base(p.Name)
	for _, n := range names {
		if strings.EqualFold(n, base) {
			base = n
		}
	}
	return &judge{p: p, base: base, lines: lines(text), said: map[place]bool{}}
}

func (j *judge) report(r *validate.Rule, n *yaml.Node, format string, args ...any) {
	at := place{r.ID, fmt.Sprintf(format, args...), n.Line, n.Column}
	if !j.said[at] {
		j.said[at] = true
		j.p.ReportAt(r, validate.Place{Offset: j.offset(n.Line, n.Column), Line: max(1, n.Line)}, "%s", at.what)
	}
}

const (
	maxDepth    = 1000
	maxExpanded = 300_000 // nodes
)

func (j *judge) document(doc *yaml.Node) error {
	j.layers = false
	j.sizes = map[*yaml.Node]int64{}
	j.flow = false
	if j.expanded(doc, 0) > maxExpanded && !j.flow {
		j.flow = true
		j.report(bomb, doc, "more than %d values when aliases are expanded", maxExpanded)
	}
	j.node(doc, nil, 0)
	if j.failed != nil {
		return j.failed
	}
	return j.network(doc)
}

// expanded counts the nodes that a reader which expands aliases builds. A node that is being counted is part of itself.
func (j *judge) expanded(n *yaml.Node, depth int) int64 {
	if size, known := j.sizes[n]; known {
		if size < 0 && !j.flow {
			j.flow = true
			j.report(bomb, n, "a value that is part of itself")
		}
		return max(size, 0)
	}
	if depth > maxDepth {
		return 1 // the walk reports it
	}
	j.sizes[n] = -1
	size := int64(1)
	if n.Alias != nil {
		size += j.expanded(n.Alias, depth+1)
	}
	for _, k := range n.Content {
		size = min(size+j.expanded(k, depth+1), 1<<40)
	}
	j.sizes[n] = size
	return size
}

// node judges a node by its tag and by the keys above it.
func (j *judge) node(n *yaml.Node, keys []string, depth int) {
	if depth > maxDepth {
		j.report(bomb, n, "nested deeper than %d", maxDepth)
		return
	}
	if n.Style&yaml.TaggedStyle != 0 || n.Tag != "" && !coreTags[n.Tag] {
		j.tag(n)
	}
	switch n.Kind {
	case yaml.MappingNode:
		j.mapping(n, keys, depth)
	case yaml.ScalarNode:
		j.scalar(n, keys)
	case yaml.AliasNode: // judged where it is defined, and by the keys above this place
		if n.Alias != nil && !j.flow {
			j.node(n.Alias, keys, depth+1)
		}
	default:
		for _, k := range n.Content {
			j.node(k, keys, depth+1)
		}
	}
}

func (j *judge) mapping(n *yaml.Node, keys []string, depth int) {
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		name := k
		if k.Kind == yaml.AliasNode && k.Alias != nil {
			name = k.Alias
		}
		if name.Kind != yaml.ScalarNode {
			j.node(k, keys, depth+1)
			j.node(v, keys, depth+1)
			continue
		}
		if k.Style&yaml.TaggedStyle != 0 {
			j.tag(k)
		}
		if pyname.Expression(name.Value) { // operators are named by keys
			j.report(expression, k, "key %s", quote(name.Value))
		}
		if id := name.Tag + " " + name.Value; seen[id] && name.Value != "<<" {
			j.report(duplicate, k, "key %s", quote(name.Value))
		} else {
			seen[id] = true
		}
		j.node(v, append(keys, name.Value), depth+1)
	}
	j.siblings(n)
	j.layers = j.layers || isLayer(n)
}

// siblings judges keys that mean something only beside another: target with params, as in latent diffusion.
func (j *judge) siblings(n *yaml.Node) {
	var target *yaml.Node
	var words []*yaml.Node
	params := strings.HasPrefix(j.base, "model_config.")
	for i := 0; i+1 < len(n.Content); i += 2 {
		if v := n.Content[i+1]; v.Kind == yaml.ScalarNode && len(v.Value) <= 40 && len(words) < 8 {
			words = append(words, v)
		}
		switch n.Content[i].Value {
		case "target":
			target = n.Content[i+1]
		case "params", "init_args", "kwargs":
			params = true
		}
	}
	j.pairs(words)
	if target != nil && target.Kind == yaml.AliasNode {
		target = target.Alias
	}
	if target != nil && params && target.Kind == yaml.ScalarNode && strings.Contains(target.Value, ".") {
		j.target("target", target.Value, j.offset(target.Line, target.Column))
	}
}

// pairs looks for a module and its harmful function among the texts of one mapping.
func (j *judge) pairs(words []*yaml.Node) {
	for _, module := range words {
		for _, member := range words {
			if pyname.Pair(module.Value, member.Value) {
				j.report(object, module, "a mapping with the words of %s", quote(module.Value+"."+member.Value))
			}
		}
	}
}

// quote shows a string of the model, shortened.
func quote(s string) string { return strconv.QuoteToASCII(s[:min(len(s), 120)]) }
