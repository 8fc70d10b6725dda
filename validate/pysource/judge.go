package pysource

import (
	"fmt"
	"strings"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/lazyre"
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
		if name, ok := m.eval(n.Slice, at.scope, nil).str(); ok && n.Ctx == syntax.Store {
			m.switched(name, m.assigned(n, at), n, at)
		}
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
	if when := m.when(n, at.scope); when != "" {
		detail += "; " + when
	}
	if capability == "-" {
		capability = ""
	}
	m.report(r, validate.Place{Offset: int64(pos.Off), Line: int(pos.Line), Evidence: m.line(pos), Capability: capability}, detail)
}

// when says at which moment the code of a scope runs.
func (m *module) when(n syntax.Node, s *scope) string {
	for at := s; at != nil; at = at.parent {
		if at.fn != nil {
			if at.fn.early {
				return "runs at import, through " + at.fn.name
			}
			return "in the body of " + at.fn.name
		}
	}
	if !m.atImport(n, s) {
		return "runs when the file is the program"
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
	if n.Attr == "__dict__" {
		m.allNames(m.eval(n, at.scope, nil), n, at)
	}
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
	m.allNames(m.eval(n, at.scope, nil), n, at)
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

var (
	address = lazyre.New(`^(https?|ftps?|wss?|tcp|udp|s3|gs|hf|ssh|rtsp|rtmp)://[^\s]+$`)
	// functions that take an address as a text only
	textReceiver = lazyre.New(`^(builtins|setuptools|huggingface_hub\.PyTorchModelHubMixin|urllib\.parse|re|regex|logging|warnings|os\.path|json|typing|dataclasses|string|textwrap|collections|functools|html|enum)\.|logging|docstring|(^|\.)(warn|info|error|warning)$|_cfg$|Config$|Error$|Exception$`)
)

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
