package pysource

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/pysource/syntax"
)

// reporter takes one finding.
type reporter func(r *validate.Rule, at validate.Place, detail string)

// judge walks over the module once more and states what each place refers to.
func (m *module) judge() {
	w := &walker{scopes: m.scopes, visit: m.judgeNode}
	for _, s := range m.tree.Body {
		w.node(s, place{m.top, m.tree, false})
	}
	m.judgeImports()
}

func (m *module) judgeNode(n syntax.Node, at place) {
	switch n := n.(type) {
	case *syntax.Import:
		for _, a := range n.Names {
			m.importModule(a.Name, n, at)
		}
	case *syntax.ImportFrom:
		m.importFrom(n, at)
	case *syntax.Name:
		if n.Ctx == syntax.Load {
			m.judgeName(n, at)
		} else if at.scope == m.top && (n.Id == "__path__" || n.Id == "__loader__" || n.Id == "__spec__" || n.Id == "__builtins__") {
			m.say(unsettled, "import_hooks", n, at, "sets %s of the module", n.Id)
		}
	case *syntax.Attribute:
		m.attributeName(n.Attr, n.Ctx, n, at)
		switch n.Ctx {
		case syntax.Load:
			m.judgeAttribute(n, at)
		default:
			m.changed(m.eval(n.Value, at.scope, nil), only(text(n.Attr)), m.assigned(n, at), n, at)
		}
	case *syntax.Subscript:
		m.judgeSubscript(n, at)
		m.judgeText(n, at)
	case *syntax.Call:
		m.judgeCall(n, at)
		m.judgeText(n, at)
	case *syntax.Constant:
		m.judgeConstant(n, at)
	case *syntax.BinOp:
		m.judgeText(n, at)
	case *syntax.JoinedStr:
		m.judgeText(n, at)
	case *syntax.Match:
		m.judgeMatch(n, at)
	case *syntax.FunctionDef:
		m.decorated(n.DecoratorList, at)
	case *syntax.AsyncFunctionDef:
		m.decorated(n.DecoratorList, at)
	case *syntax.ClassDef:
		m.decorated(n.DecoratorList, at)
	}
}

// say reports at a node.
func (m *module) say(r *validate.Rule, capability string, n syntax.Node, at place, format string, args ...any) {
	pos := n.Position()
	detail := fmt.Sprintf(format, args...)
	if when := m.when(at.scope); when != "" {
		detail += "; " + when
	}
	if capability == "-" {
		capability = ""
	}
	m.report(r, validate.Place{Offset: int64(pos.Off), Line: int(pos.Line), Evidence: m.line(pos), Capability: capability}, detail)
}

// when says at which moment the code of a scope runs.
func (m *module) when(s *scope) string {
	for at := s; at != nil; at = at.parent {
		if at.fn != nil {
			if at.fn.early {
				return "runs at import, through " + at.fn.name
			}
			return "in the body of " + at.fn.name
		}
	}
	return "runs at import"
}

// judgeName judges a name that stands for something the module did not define.
func (m *module) judgeName(n *syntax.Name, at place) {
	if called(n, at) || based(n, at) {
		return
	}
	home := at.scope.find(n.Id)
	for _, a := range m.eval(n, at.scope, nil).atoms {
		if a.kind != isRef || m.names.isModule(a.text) {
			continue
		}
		e, _ := m.names.find(a.text)
		if home == nil || strings.HasPrefix(a.text, "builtins.") || e != nil && e.verdict == byCall {
			m.refer(a, n, nil, at)
		}
	}
}

// called reports whether the parent calls n: then the call is judged.
func called(n syntax.Expression, at place) bool {
	c, ok := at.parent.(*syntax.Call)
	return ok && c.Func == n
}

// based reports whether the parent takes a member of n: then that is judged.
func based(n syntax.Expression, at place) bool {
	switch p := at.parent.(type) {
	case *syntax.Attribute:
		return true
	case *syntax.Subscript:
		return p.Value == n
	}
	return false
}

func (m *module) judgeAttribute(n *syntax.Attribute, at place) {
	if called(n, at) {
		return
	}
	if _, ok := at.parent.(*syntax.Attribute); ok {
		return
	}
	base := m.eval(n.Value, at.scope, nil)
	if !refers(base) {
		m.sinkName(n, nil, at)
		return
	}
	if sub, ok := at.parent.(*syntax.Subscript); ok && sub.Value == n {
		for _, a := range m.eval(n, at.scope, nil).atoms {
			if a.kind == isRef && (a.text == "os.environ" || a.text == "os.environb" || a.text == "sys.modules") {
				return
			}
		}
	}
	for _, a := range m.attribute(onlyRefs(base), n.Attr, n.Line).atoms {
		if a.kind == isRef && !m.names.isModule(a.text) {
			m.refer(a, n, nil, at)
		}
	}
}

func refers(x value) bool {
	for _, a := range x.atoms {
		if a.kind == isRef || a.kind == isNamespace {
			return true
		}
	}
	return false
}

func onlyRefs(x value) value {
	var out value
	for _, a := range x.atoms {
		if a.kind == isRef {
			out.atoms = append(out.atoms, a)
		}
	}
	return out
}

// judgeSubscript judges items of namespaces and of the environment.
func (m *module) judgeSubscript(n *syntax.Subscript, at place) {
	base := m.eval(n.Value, at.scope, nil)
	key := m.eval(n.Slice, at.scope, nil)
	for _, a := range base.atoms {
		switch {
		case a.kind == isRef && (a.text == "os.environ" || a.text == "os.environb"):
			m.environment(key, n.Ctx != syntax.Load, m.assigned(n, at), n, at)
		case a.kind == isRef && a.text == "sys.modules":
			m.loadedModules(n, key, at)
		case a.kind == isNamespace && n.Ctx != syntax.Load && a.text != "", a.kind == isRef && a.text == "builtins" && n.Ctx != syntax.Load:
			m.changed(only(ref(a.text, a.how)), key, unknown, n, at)
		case a.kind == isNamespace && a.text == "" && n.Ctx == syntax.Load:
			if !m.ownNames(key) && (called(n, at) || based(n, at)) {
				m.say(computedName, "introspection", n, at, "a name of this module, or of the built-in functions, by a computed key")
			}
		}
	}
	if n.Ctx != syntax.Load || called(n, at) || based(n, at) {
		return
	}
	for _, a := range m.item(onlyNamed(base), key, n.Line).atoms {
		if a.kind == isRef && !m.names.isModule(a.text) && a.text != "sys.modules.?" {
			m.refer(a, n, nil, at)
		}
	}
}

// ownNames: the key is one of several known names.
func (m *module) ownNames(key value) bool {
	return !key.open && len(key.atoms) > 0 && !hasComputed(key)
}

func onlyNamed(x value) value {
	var out value
	for _, a := range x.atoms {
		if a.kind == isRef || a.kind == isNamespace {
			out.atoms = append(out.atoms, a)
		}
	}
	return out
}

// loadedModules judges sys.modules[key].
func (m *module) loadedModules(n *syntax.Subscript, key value, at place) {
	s, known := key.str()
	name, isName := n.Slice.(*syntax.Name)
	own := isName && (name.Id == "__name__" || name.Id == "__package__")
	switch {
	case own && n.Ctx == syntax.Load:
		m.say(used, "import_hooks", n, at, "this module, by sys.modules")
	case n.Ctx != syntax.Load && own:
		m.say(unsettled, "import_hooks", n, at, "the module replaces itself in sys.modules")
	case n.Ctx != syntax.Load:
		m.say(machinery, "import_hooks", n, at, "puts another object in the place of module %q", s)
	case !known:
		m.say(computedImport, "import_hooks", n, at, "a loaded module by a computed name")
	default:
		m.importModule(s, n, at)
	}
}

// judgeCall judges what is called, what is passed, and what comes out.
func (m *module) judgeCall(n *syntax.Call, at place) {
	callee := m.eval(n.Func, at.scope, nil)
	known := false
	for _, a := range callee.atoms {
		switch a.kind {
		case isRef:
			known = true
			if a.text == "builtins.isinstance" || a.text == "builtins.issubclass" {
				m.exemptClasses(n)
			}
			m.refer(a, n, n, at)
		case isMethod:
			m.namespaceMethod(a, n, at)
		case isFunc, isPartial:
			known = true
		}
	}
	if f, ok := n.Func.(*syntax.Attribute); ok && !refers(m.eval(f.Value, at.scope, nil)) {
		m.sinkName(f, n, at)
	}
	m.keywords(n, at)
	m.writer(n, at)
	m.addresses(n, callee, at)
	if name, ok := n.Func.(*syntax.Name); ok && len(m.stars) > 0 && at.scope.find(name.Id) == nil && sinkWord(name.Id) {
		m.say(unsettled, "execution", n, at, "%s comes from a star import", name.Id)
	}
	m.passes(n, callee, known, at)
	m.throughPartial(n, callee, at)
	if !called(n, at) && !based(n, at) {
		seen := 0
		m.deep(m.eval(n, at.scope, nil), func(a *atom) {
			if seen++; seen <= 64 && !strings.HasSuffix(a.text, ")") && !m.names.isModule(a.text) {
				m.refer(a, n, nil, at)
			}
		})
	}
}

// throughPartial judges what a methodcaller or partial calls when it is called.
func (m *module) throughPartial(n *syntax.Call, callee value, at place) {
	for _, a := range callee.atoms {
		if a.kind != isPartial {
			continue
		}
		for _, r := range m.eval(n, at.scope, nil).atoms {
			if path, ok := strings.CutSuffix(r.text, "()"); ok && r.kind == isRef {
				m.refer(&atom{kind: isRef, text: path, how: r.how}, n, &syntax.Call{Pos: n.Pos, Func: n.Func}, at)
			}
		}
	}
}

// exemptClasses: asking for the class of an object takes nothing out of the class.
func (m *module) exemptClasses(n *syntax.Call) {
	if len(n.Args) != 2 {
		return
	}
	m.exempt[n.Args[1]] = true
	if t, ok := n.Args[1].(*syntax.Tuple); ok {
		for _, e := range t.Elts {
			m.exempt[e] = true
		}
	}
}

// deep calls f for the references in a value and in its elements, the first few hundred.
func (m *module) deep(x value, f func(*atom)) {
	left := 400
	var walk func(x value, depth int)
	walk = func(x value, depth int) {
		for _, a := range x.atoms {
			if left--; left < 0 {
				return
			}
			switch {
			case a.kind == isRef:
				f(a)
			case depth < 3 && (a.kind == isSeq || a.kind == isDict || a.kind == isPartial):
				for _, e := range a.items {
					if left < 0 {
						return
					}
					walk(e, depth+1)
				}
			}
		}
	}
	walk(x, 0)
}

// addresses looks for addresses of the network among the arguments of a library's function.
func (m *module) addresses(n *syntax.Call, callee value, at place) {
	for _, a := range callee.atoms {
		if a.kind != isRef || textReceiver.MatchString(a.text) {
			continue
		}
		check := func(e syntax.Expression) {
			if s, ok := m.eval(e, at.scope, nil).str(); ok && address.MatchString(s) {
				m.say(unsettled, "network_access", n, at, "the address %s is given to %s", quoted(s), clip(a.text, 80))
			}
		}
		for _, e := range n.Args {
			check(e)
		}
		for _, k := range n.Keywords {
			check(k.Value)
		}
		return
	}
}

var (
	address = regexp.MustCompile(`^(https?|ftps?|wss?|tcp|udp|s3|gs|hf|ssh|rtsp|rtmp)://[^\s]+$`)
	// functions that take an address as a text only
	textReceiver = regexp.MustCompile(`^(builtins|urllib\.parse|re|regex|logging|warnings|os\.path|json|typing|dataclasses|string|textwrap|collections|functools|html|enum)\.|^\.|logging|docstring|(^|\.)(warn|info|error|warning)$|_cfg$|Config$|Error$|Exception$`)
)

// passes looks for modules with dangerous members among the arguments.
func (m *module) passes(n *syntax.Call, callee value, known bool, at place) {
	for _, a := range callee.atoms {
		if a.kind == isFunc || a.kind == isPartial || a.kind == isRef && harmlessReceiver(a.text) {
			return
		}
	}
	check := func(e syntax.Expression) {
		m.deep(m.eval(e, at.scope, nil), func(a *atom) {
			if !m.names.isModule(a.text) {
				return
			}
			if e2, _ := m.names.find(a.text); e2 != nil && (e2.verdict == ask || e2.verdict == deny) && doors[strings.SplitN(a.text, ".", 2)[0]] {
				m.say(passedOn, e2.capability, e, at, "module %s is an argument (%s)", a.text, a.how.trail())
			}
		})
	}
	for _, e := range n.Args {
		check(e)
	}
	for _, k := range n.Keywords {
		check(k.Value)
	}
}

// harmlessReceiver: functions that are followed, or that take nothing out of a module.
func harmlessReceiver(path string) bool {
	switch path {
	case "builtins.getattr", "builtins.hasattr", "builtins.setattr", "builtins.vars", "builtins.dir", "builtins.isinstance", "builtins.print", "builtins.type", "builtins.id",
		"builtins.repr", "builtins.str", "builtins.callable", "builtins.delattr", "importlib.reload", "inspect.getmembers", "inspect.isfunction", "inspect.ismodule",
		"builtins.object.__getattribute__", "inspect.getattr_static", "builtins.map", "builtins.list", "builtins.tuple", "builtins.next", "builtins.iter", "functools.reduce":
		return true
	}
	return strings.HasPrefix(path, "operator.") || strings.HasPrefix(path, "functools.partial")
}

// decorated: a decorator is a call.
func (m *module) decorated(list []syntax.Expression, at place) {
	for _, d := range list {
		for _, a := range m.eval(d, at.scope, nil).atoms {
			if a.kind == isRef && !m.names.isModule(a.text) {
				if e, _ := m.names.find(a.text); e != nil && e.verdict == deny {
					m.refer(a, d, nil, at)
				}
			}
		}
	}
}

// judgeMatch: case C(attr=x) takes an attribute.
func (m *module) judgeMatch(n *syntax.Match, at place) {
	subject := m.eval(n.Subject, at.scope, nil)
	for _, c := range n.Cases {
		syntax.Walk(c.Pattern, func(p syntax.Node) bool {
			if mc, ok := p.(*syntax.MatchClass); ok {
				for i, attr := range mc.KwdAttrs {
					m.attributeName(attr, syntax.Load, mc.KwdPatterns[i], at)
					for _, a := range m.attribute(onlyRefs(subject), attr, mc.Line).atoms {
						if a.kind == isRef && !m.names.isModule(a.text) {
							m.refer(a, mc.KwdPatterns[i], nil, at)
						}
					}
				}
			}
			return true
		})
	}
}

// assigned is the value that the parent stores in a target.
func (m *module) assigned(n syntax.Node, at place) value {
	switch p := at.parent.(type) {
	case *syntax.Assign:
		return m.eval(p.Value, at.scope, nil)
	case *syntax.AnnAssign:
		if p.Value != nil {
			return m.eval(p.Value, at.scope, nil)
		}
	case *syntax.AugAssign:
		return m.eval(p.Value, at.scope, nil)
	}
	return unknown
}
