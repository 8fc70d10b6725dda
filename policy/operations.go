package policy

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// operation is one of the seed's restricted operations.
type operation struct {
	name string
	at   func(*Operations) *bool
	weak string
}

// operations are the words of restricted_operations. A policy file lists what is restricted; a Policy holds
// what is not, so that its zero value restricts everything.
var operations = []operation{
	{"network_access", func(o *Operations) *bool { return &o.NetworkAccess }, "the workload may have a network"},
	{"subprocess", func(o *Operations) *bool { return &o.Subprocess }, "other programs may be started"},
	{"file_write", func(o *Operations) *bool { return &o.FileWrite }, "files of the host may be written with --rw"},
	{"native_code", func(o *Operations) *bool { return &o.NativeCode }, "native code from outside the interpreter and the system may be loaded"},
	{"gpu", func(o *Operations) *bool { return &o.GPU }, "GPU devices may be used"},
}

// restricted is the value of restricted_operations.
type restricted struct{}

func operationNames() []string {
	names := make([]string, len(operations))
	for i, o := range operations {
		names[i] = o.name
	}
	return names
}

func (restricted) read(at place, n *yaml.Node, p *Policy) error {
	names := operationNames()
	listed := []string{}
	allow := Operations{}
	for _, o := range operations {
		*o.at(&allow) = true
	}
	err := readItems(at, n, "operations", func(at place, n *yaml.Node) error {
		i, err := readWord(at, n, names)
		if err != nil {
			return err
		}
		*operations[i].at(&allow) = false
		return add(at, n, &listed, names[i])
	})
	if err != nil {
		return err
	}
	p.Sandbox.Allow = allow
	return nil
}

func (restricted) get(p *Policy) any {
	out := []string{}
	for _, o := range operations {
		if !*o.at(&p.Sandbox.Allow) {
			out = append(out, o.name)
		}
	}
	return out
}

func (restricted) schema() map[string]any {
	return map[string]any{"type": "array", "items": map[string]any{"enum": operationNames()}, "uniqueItems": true}
}

func (restricted) tighten(p, asked, ceiling *Policy) {
	for _, o := range operations {
		*o.at(&p.Sandbox.Allow) = *o.at(&asked.Sandbox.Allow) && *o.at(&ceiling.Sandbox.Allow)
	}
}

func (restricted) weaker(key string, p, base *Policy) (out []string) {
	for _, o := range operations {
		if *o.at(&p.Sandbox.Allow) && !*o.at(&base.Sandbox.Allow) {
			out = append(out, fmt.Sprintf("%s (%s without %s)", o.weak, key, o.name))
		}
	}
	return out
}

// Permits reports whether the operation with that name is not restricted. A word that is none is not permitted.
func (o Operations) Permits(name string) bool {
	for _, op := range operations {
		if op.name == name {
			return *op.at(&o)
		}
	}
	return false
}
