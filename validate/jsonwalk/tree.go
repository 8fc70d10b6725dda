package jsonwalk

import (
	"fmt"

	"github.com/loadlock/loadlock/validate"
)

// Node is one JSON value of a tree.
type Node struct {
	Kind    Kind   // of a scalar; 0 for a container
	Object  bool   // a container with keys
	Off     int64  // in the file
	Text    string // of a scalar, unescaped
	Keys    []string
	Items   []*Node // values, in the order of the file
	Repeats bool    // an object in which a key stands twice
}

// Get is the value of a key, or nil. Of a repeated key it is the last, as in Python.
func (n *Node) Get(key string) *Node {
	if n == nil || !n.Object {
		return nil
	}
	for i := len(n.Keys) - 1; i >= 0; i-- {
		if n.Keys[i] == key {
			return n.Items[i]
		}
	}
	return nil
}

// Str is the text of a string, or "".
func (n *Node) Str() string {
	if n == nil || n.Kind != Text {
		return ""
	}
	return n.Text
}

// maxTree bounds what a tree may cost, in nodes plus bytes of text divided by 16.
const maxTree = 200_000

// Tree reads the n bytes at off as one JSON value and keeps it. It is for documents that are judged as a whole and
// small by nature, such as the description of a network; an error wraps validate.ErrBudget when one is too large.
func Tree(p *validate.Pass, off, n int64) (*Node, error) {
	var root *Node
	var open []*Node
	cost := 0
	add := func(stack []Frame, depth int, v *Node) {
		cost += 1 + len(v.Text)/16
		if cost > maxTree {
			return
		}
		if depth == 0 {
			root = v
			return
		}
		top := open[depth-1]
		if stack[depth-1].Object {
			top.Keys = append(top.Keys, string(stack[depth-1].Key))
			cost += len(stack[depth-1].Key) / 16
		}
		top.Items = append(top.Items, v)
	}
	err := Walk(p, off, n, Visitor{
		Open: func(stack []Frame, off int64) {
			v := &Node{Object: stack[len(stack)-1].Object, Off: off}
			add(stack, len(stack)-1, v)
			open = append(open[:len(stack)-1], v)
		},
		Scalar: func(stack []Frame, k Kind, value []byte, off int64) {
			add(stack, len(stack), &Node{Kind: k, Off: off, Text: string(value)})
		},
		Repeated: func(stack []Frame, _ int64) { open[len(stack)-1].Repeats = true },
	})
	if err == nil && cost > maxTree {
		return nil, fmt.Errorf("%w: a JSON document of more than %d values to be judged as a whole", validate.ErrBudget, maxTree)
	}
	return root, err
}
