package pysource

import (
	"strings"

	"github.com/loadlock/loadlock/validate/lazyre"
	"github.com/loadlock/loadlock/validate/pysource/syntax"
)

// fetch judges a function that gets what an address names. Loaders of pictures take addresses from whoever calls them,
// as they take names of files: that is a note, for the caller knows what he asks for, and nothing of the model or of the
// machine is in the request. An address that the code has, makes or takes from a configuration is the model's own, and
// so is any at import: data leaves with it, or more code comes in.
func (m *module) fetch(a *atom, e *entry, n syntax.Node, c *syntax.Call, g arguments, at place) {
	plain := !g.more && len(c.Args) <= 1 && at.scope != m.top && !m.atImport(n, at.scope)
	var url syntax.Expression
	if len(c.Args) == 1 {
		url = c.Args[0]
	}
	for _, k := range c.Keywords {
		switch k.Arg {
		case "url":
			url = k.Value
		case "stream", "timeout", "allow_redirects", "follow_redirects":
		case "headers":
			plain = plain && plainHeaders(g.named["headers"])
		default:
			plain = false
		}
	}
	if url == nil || !plain || !m.handed(url, at.scope, 4) || textIn(m.eval(url, at.scope, nil)) {
		m.tell(network, e, a, n, at)
		return
	}
	m.usedModules[strings.SplitN(e.name, ".", 2)[0]] = true
	m.say(used, "network_access", n, at, "%s of an address that the caller names", a.text)
}

// plainHeaders: texts as they are written, and no credential among them.
func plainHeaders(x value) bool {
	d, ok := x.constant()
	if !ok || d.kind != isDict {
		return false
	}
	for i, k := range d.keys {
		if v, ok := d.items[i].constant(); !ok || v.kind != isStr || v.built || k.kind != isStr || !strings.EqualFold(k.text, "User-Agent") && !strings.EqualFold(k.text, "Accept") {
			return false
		}
	}
	return true
}

// handed reports whether an expression is a parameter as it came, an element of one, or a member of one by its key.
func (m *module) handed(e syntax.Expression, s *scope, depth int) bool {
	if depth--; depth < 0 {
		return false
	}
	switch e := e.(type) {
	case *syntax.Subscript:
		return m.handed(e.Value, s, depth)
	case *syntax.Call: // x.get("url"), x.strip(), self.find(x)
		f, ok := e.Func.(*syntax.Attribute)
		if !ok || f.Attr == "join" || f.Attr == "format" || len(e.Keywords) > 0 {
			return false
		}
		if root, ok := f.Value.(*syntax.Name); !ok || root.Id != "self" {
			return (f.Attr == "get" || f.Attr == "strip") && len(e.Args) <= 1 && m.handed(f.Value, s, depth)
		}
		for _, x := range e.Args {
			if !m.handed(x, s, depth) {
				return false
			}
		}
		return len(e.Args) > 0
	case *syntax.Name:
		if strings.Contains(strings.ToLower(e.Id), "config") || e.Id == "self" || e.Id == "cls" || e.Id == "cfg" {
			return false
		}
		home := s.find(e.Id)
		if home == nil || home == m.top || home.class {
			return false
		}
		for _, b := range home.names[e.Id] {
			switch {
			case b.way == byParam && m.givenConfigured(b):
				return false
			case b.way == byParam, b.expr != nil && contains(b.expr, e):
			case (b.way == byElement || b.way == byValue) && b.expr != nil && m.handed(b.expr, b.scope, depth):
			default:
				return false
			}
		}
		return len(home.names[e.Id]) > 0
	}
	return false
}

// givenConfigured reports whether a call in this file gives a parameter what the configuration has.
func (m *module) givenConfigured(b binding) bool {
	for _, c := range b.fn.calls {
		for _, e := range c.call.Args {
			if configured(e) {
				return true
			}
		}
		for _, k := range c.call.Keywords {
			if k.Arg == b.path && configured(k.Value) {
				return true
			}
		}
	}
	return false
}

// contains reports whether e stands in an expression: image = Image.open(requests.get(image).raw).
func contains(outer syntax.Expression, e syntax.Node) bool {
	found := false
	syntax.Walk(outer, func(n syntax.Node) bool {
		found = found || n == e
		return !found
	})
	return found
}

// hub judges the functions that get a file of a repository of the hub, as from_pretrained does for any model. What a
// computed text names there may carry data in the name, and nobody asked for what is fetched at import.
func (m *module) hub(a *atom, e *entry, n syntax.Node, g arguments, at place) {
	plain := !g.more && !m.atImport(n, at.scope)
	check := func(x value) {
		for _, t := range x.atoms {
			plain = plain && t.kind != isComputed && !(t.textual() && t.built)
		}
	}
	for _, x := range g.pos {
		check(x)
	}
	for _, k := range sortedKeys(g.named) {
		check(g.named[k])
	}
	m.usedModules[strings.SplitN(e.name, ".", 2)[0]] = true
	m.say(pick(!plain, unsettled, used), e.capability, n, at, "%s: %s", a.text, e.reason)
}

// fetchers of weights check a digest or not; that the address is the model's own is what they are for.
var fetchers = words(`torch.hub.load_state_dict_from_url torch.utils.model_zoo.load_url`)

// openAddress is one that anybody on the way can answer, or that has no name.
var openAddress = lazyre.New(`^(http|ftp)://|^\w+://\d+\.\d+\.\d+\.\d+[:/]|^\w+://\[`)

// ownAddress judges an address that the code has and gives to a function.
func (m *module) ownAddress(a *atom, s string, n syntax.Node, at place) {
	e, _ := m.names.find(a.text)
	switch {
	case e == nil && strings.HasPrefix(a.text, "."):
		m.say(unsettled, "network_access", n, at, "the address %s is given to %s", quoted(s), clip(a.text, 80))
	case e == nil && !strings.Contains(a.text, "()"):
		m.say(network, "network_access", n, at, "the address %s is given to %s, which nobody vetted", quoted(s), clip(a.text, 80))
	case e == nil || e.capability != "network_access" || e.verdict < note:
		m.say(unsettled, "network_access", n, at, "the address %s is given to %s", quoted(s), clip(a.text, 80))
	default:
		bad := !fetchers[a.text] || openAddress.MatchString(s) || m.atImport(n, at.scope)
		m.say(pick(bad, network, unsettled), "network_access", n, at, "%s fetches %s", clip(a.text, 80), quoted(s))
	}
}
