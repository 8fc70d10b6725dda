package pysource

import (
	"strings"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/pysource/syntax"
)

// byArguments judges a name whose harm depends on what it is given.
func (m *module) byArguments(a *atom, e *entry, rest string, n syntax.Node, c *syntax.Call, at place) {
	if e.name == "os.environ" || e.name == "os.environb" {
		m.environ(a, rest, n, c, at)
		return
	}
	if rest != "" && e.name != "tensorflow.io.gfile" {
		return
	}
	if c == nil {
		if p, ok := at.parent.(*syntax.Call); ok && m.isPartialOf(p, n, at) {
			c = &syntax.Call{Pos: p.Pos, Func: p.Args[0], Args: p.Args[1:], Keywords: p.Keywords}
		} else {
			m.uncalled(a, e, n, at)
			return
		}
	}
	g := m.arguments(c, at.scope, nil)
	switch e.name {
	case "builtins.__import__", "importlib.import_module", "importlib.__import__":
		m.importCall(a, e, c, g, at)
	case "requests.get", "httpx.get", "urllib.request.urlopen":
		m.fetch(a, e, n, c, g, at)
	case "inspect.getmembers", "inspect.getmembers_static":
		m.members(a, e, g, n, at)
	case "datasets.load_dataset", "transformers.utils.hub.get_checkpoint_shard_files", "huggingface_hub.hf_hub_download", "huggingface_hub.snapshot_download", "transformers.utils.cached_file", "transformers.utils.hub.cached_file":
		m.hub(a, e, n, g, at)
	case "torch.serialization.add_safe_globals", "torch.serialization.safe_globals":
		m.safeGlobals(a, e, g, n, at)
	case "fileinput.input", "fileinput.FileInput":
		_, inplace := g.named["inplace"]
		m.say(pick(inplace, fileWrite, unsettled), "file_write", n, at, "%s: %s", a.text, e.reason)
	case "torch.load", "torch.serialization.load":
		m.flag(a, e, n, at, g, "weights_only", 3, 1, false)
	case "numpy.load", "numpy.lib.npyio.load", "jax.numpy.load":
		m.flag(a, e, n, at, g, "allow_pickle", 2, 0, true)
	case "yaml.load", "yaml.load_all":
		m.yamlLoad(a, e, n, at, g)
	case "os.getenv", "os.getenvb":
		m.environment(g.at(0, "key"), false, unknown, n, at)
	case "os.putenv":
		m.environment(g.at(0, "key"), true, g.at(1, "value"), n, at)
	case "types.FunctionType", "types.CodeType", "types.LambdaType":
		m.tell(execution, e, a, n, at)
	case "os.unsetenv":
		m.environment(g.at(0, "key"), true, unknown, n, at)
	case "tensorflow.keras.models.load_model", "keras.models.load_model", "keras.saving.load_model":
		m.say(unsettled, e.capability, n, at, "%s: %s", a.text, e.reason)
	case "transformers.pipeline", "transformers.pipelines.pipeline":
		m.say(used, e.capability, n, at, "%s: %s", a.text, e.reason)
	default:
		m.fileCall(a, e, n, c, g, at)
	}
}

// uncalled: the function itself is handed on, so that its arguments are not seen here.
func (m *module) uncalled(a *atom, e *entry, n syntax.Node, at place) {
	switch p := at.parent.(type) {
	case *syntax.Compare, *syntax.Expr, *syntax.Arg:
		return
	case *syntax.Assign, *syntax.AnnAssign, *syntax.NamedExpr:
		return // an alias; its calls are followed
	case *syntax.Call:
		if len(p.Args) == 2 || len(p.Args) == 3 {
			if f := m.eval(p.Func, at.scope, nil); len(f.atoms) == 1 && f.atoms[0].kind == isRef && (f.atoms[0].text == "builtins.hasattr" || f.atoms[0].text == "builtins.isinstance") {
				return
			}
		}
	}
	rule := unsettled
	if e.capability == "deserialisation" || e.capability == "import_hooks" || e.capability == "network_access" && !strings.HasPrefix(e.reason, "fetches from the hub") {
		rule = byCapability[e.capability]
	}
	m.tell(rule, e, a, n, at)
}

func (m *module) isPartialOf(p *syntax.Call, n syntax.Node, at place) bool {
	if len(p.Args) == 0 || p.Args[0] != n {
		return false
	}
	f, ok := m.eval(p.Func, at.scope, nil).constant()
	return ok && f.kind == isRef && strings.HasPrefix(f.text, "functools.partial")
}

// flag judges a function by one switch: it is safe when the argument is known to be safe.
func (m *module) flag(a *atom, e *entry, n syntax.Node, at place, g arguments, name string, index int, safe int64, safeWithout bool) {
	v, given := g.named[name]
	if !given && index < len(g.pos) && name == "allow_pickle" {
		v, given = g.pos[index], true
	}
	switch x, known := v.constant(); {
	case !given && safeWithout && !g.more:
	case given && !known && name == "weights_only" && hasUnsafe(v):
		m.tell(byCapability[e.capability], e, a, n, at)
	case !given && !g.more && name == "weights_only" && !m.atImport(n, at.scope) && !textIn(g.at(0, "f")):
		m.say(unsettled, e.capability, n, at, "%s of a file that the caller names: whether objects that can run code are loaded depends on the version of the library", a.text)
	case !given && !g.more, given && known && (x.kind == isInt && (x.n != 0) != (safe != 0) || x.kind == isNone && !safeWithout):
		m.tell(byCapability[e.capability], e, a, n, at)
		m.usedModules[strings.SplitN(e.name, ".", 2)[0]] = true
	case given && known && (x.kind == isInt || x.kind == isNone):
	default:
		m.say(unsettled, e.capability, n, at, "%s: %s depends on a value that is not known here", a.text, name)
	}
}

// members judges a list of all members: of a module that gives power it hides which one is wanted.
func (m *module) members(a *atom, e *entry, g arguments, n syntax.Node, at place) {
	bad := false
	for _, x := range g.pos {
		m.deep(x, func(r *atom) { bad = bad || powerful[r.text] || strings.Contains(r.text, "sys.modules") })
	}
	m.say(pick(bad, obfuscate, used), e.capability, n, at, "%s: %s", a.text, e.reason)
}

// safeGlobals judges what weights_only is told to let through: classes of the model are ordinary, functions that give power
// undo it.
func (m *module) safeGlobals(a *atom, e *entry, g arguments, n syntax.Node, at place) {
	bad := len(g.pos) == 0
	for _, x := range g.pos {
		m.deep(x, func(r *atom) {
			entry, _ := m.names.find(r.text)
			bad = bad || strings.HasPrefix(r.text, "builtins.") || entry != nil && entry.verdict >= ask
		})
	}
	m.say(pick(bad, byCapability[e.capability], unsettled), e.capability, n, at, "%s: %s", a.text, e.reason)
}

// hasUnsafe: one of the values that are known is False.
func hasUnsafe(v value) bool {
	for _, a := range v.atoms {
		if a.kind == isInt && a.n == 0 {
			return true
		}
	}
	return false
}

func (m *module) yamlLoad(a *atom, e *entry, n syntax.Node, at place, g arguments) {
	loader := g.at(1, "Loader")
	for _, x := range loader.atoms {
		if x.kind == isRef && (strings.HasSuffix(x.text, "SafeLoader") || strings.HasSuffix(x.text, "BaseLoader")) {
			return
		}
	}
	m.tell(deserial, e, a, n, at)
}

// importCall judges import_module and __import__.
func (m *module) importCall(a *atom, e *entry, c *syntax.Call, g arguments, at place) {
	name := g.at(0, "name")
	if s, ok := name.str(); ok {
		m.importModule(s, c, at)
		return
	}
	for _, x := range name.atoms {
		if x.kind == isStr {
			m.importModule(x.text, c, at)
		}
	}
	if len(c.Args) > 0 && relativePrefix(c.Args[0]) {
		m.say(used, "import_hooks", c, at, "imports a file of the model by a computed name")
		return
	}
	switch spelled := ""; {
	case allText(name):
	case len(c.Args) > 0 && configured(c.Args[0]):
		m.say(execution, "import_hooks", c, at, "%s of a module that a configuration names", a.text)
	case len(c.Args) > 0 && (hiddenName(c.Args[0], name) || m.decodedName(c.Args[0], at.scope, 4)):
		m.say(obfuscate, "import_hooks", c, at, "%s of a name that is computed so that nobody can read it", a.text)
	default:
		if spelled = m.spells(); spelled != "" {
			m.say(obfuscate, "import_hooks", c, at, "%s of a computed name, and the file has %q as a text", a.text, spelled)
			return
		}
		m.say(computedImport, "import_hooks", c, at, "%s of a computed name", a.text)
	}
}

// relativePrefix: the text begins with a dot, so the module is one of the model's.
func relativePrefix(e syntax.Expression) bool {
	switch e := e.(type) {
	case *syntax.JoinedStr:
		if len(e.Values) > 0 {
			return relativePrefix(e.Values[0])
		}
	case *syntax.BinOp:
		return e.Op == syntax.Add && relativePrefix(e.Left)
	case *syntax.Constant:
		return e.Kind == syntax.Str && strings.HasPrefix(e.Text, ".")
	}
	return false
}

// switched judges one switch: a keyword of a call, or what becomes one in a dictionary.
func (m *module) switched(name string, v value, n syntax.Node, at place) {
	a, known := v.constant()
	on := known && a.kind == isInt && a.n != 0
	off := known && a.kind == isInt && a.n == 0
	switch {
	case name == "trust_remote_code" && on:
		m.say(execution, "execution", n, at, "trust_remote_code=True: a library runs code of another repository")
	case name == "trust_remote_code" && !off && !(known && a.kind == isNone):
		m.say(used, "execution", n, at, "trust_remote_code is passed on")
	case name == "allow_pickle" && on:
		m.say(deserial, "deserialisation", n, at, "allow_pickle=True: objects that can run code")
	case name == "weights_only" && off:
		m.say(deserial, "deserialisation", n, at, "weights_only=False: objects that can run code")
	case name == "shell" && on:
		m.say(process, "subprocess", n, at, "shell=True: a command for a shell")
	case name == "safe_mode" && off:
		m.say(deserial, "deserialisation", n, at, "safe_mode=False: layers that can run code")
	case name == "pickle_module" && known && a.kind != isNone:
		m.say(deserial, "deserialisation", n, at, "pickle_module: another unpickler")
	case name == "share" && on:
		m.say(network, "network_access", n, at, "share=True: a tunnel from the network to this machine")
	case name == "typ" && known && a.kind == isStr && a.text == "unsafe":
		m.say(deserial, "deserialisation", n, at, "typ=\"unsafe\": YAML that calls functions")
	case strings.HasPrefix(name, "co_"):
		m.say(introspect, "execution", n, at, "%s=: makes code out of another function's", name)
	case name == "object_hook" || name == "object_pairs_hook":
	case name == "custom_pipeline":
		m.say(execution, "execution", n, at, "custom_pipeline: a library runs code of another repository")
	}
}

// keywords judges switches that mean the same wherever they are given.
func (m *module) keywords(n *syntax.Call, at place) {
	set := func(name string, v value) { m.switched(name, v, n, at) }
	if f, ok := n.Func.(*syntax.Attribute); ok && len(n.Args) == 2 && (f.Attr == "setdefault" || f.Attr == "__setitem__") {
		if name, ok := m.eval(n.Args[0], at.scope, nil).str(); ok {
			set(name, m.eval(n.Args[1], at.scope, nil))
		}
	}
	for _, k := range n.Keywords {
		v := m.eval(k.Value, at.scope, nil)
		if k.Arg != "" {
			set(k.Arg, v)
			continue
		}
		for _, a := range v.atoms {
			if a.kind == isDict {
				for i, key := range a.keys {
					set(key.text, a.items[i])
				}
			}
		}
	}
	m.textArguments(n, at)
	m.setattr(n, at)
}

// textArguments judges expressions that tables evaluate.
func (m *module) textArguments(n *syntax.Call, at place) {
	f, ok := n.Func.(*syntax.Attribute)
	if !ok || f.Attr != "query" && f.Attr != "eval" || len(n.Args) == 0 {
		return
	}
	for _, a := range m.eval(n.Args[0], at.scope, nil).atoms {
		if a.kind == isStr && (strings.Contains(a.text, "__") || strings.Contains(a.text, "import") || strings.Contains(a.text, "@") && strings.Contains(a.text, "(")) {
			m.say(execution, "execution", n, at, "%s of %s", f.Attr, quoted(a.text))
		}
	}
}

// setattr judges setattr, delattr and getattr with their names.
func (m *module) setattr(n *syntax.Call, at place) {
	for _, a := range m.eval(n.Func, at.scope, nil).atoms {
		if a.kind != isRef || len(n.Args) < 2 {
			continue
		}
		switch a.text {
		case "builtins.setattr", "builtins.delattr", "builtins.object.__setattr__", "builtins.type.__setattr__":
			v := unknown
			if len(n.Args) > 2 {
				v = m.eval(n.Args[2], at.scope, nil)
			}
			m.changed(m.eval(n.Args[0], at.scope, nil), m.eval(n.Args[1], at.scope, nil), v, n, at)
		case "builtins.getattr":
			m.loopedWalk(n, at)
			if s, ok := m.eval(n.Args[1], at.scope, nil).str(); ok {
				m.attributeName(s, syntax.Load, n, at)
				if methodSinks[s] != "" && !refers(m.eval(n.Args[0], at.scope, nil)) && s != "eval" && s != "system" {
					m.say(pick(strictSinks[s], byCapability[methodSinks[s]], unsettled), methodSinks[s], n, at, "getattr of %q on an object that is not known", s)
				}
			}
		}
	}
}

// loopedWalk: x = getattr(x, name) walks on with each turn, from a module to anywhere.
func (m *module) loopedWalk(n *syntax.Call, at place) {
	p, ok := at.parent.(*syntax.Assign)
	base, isName := n.Args[0].(*syntax.Name)
	if !ok || !isName || len(p.Targets) != 1 || allText(m.eval(n.Args[1], at.scope, nil)) {
		return
	}
	if t, ok := p.Targets[0].(*syntax.Name); !ok || t.Id != base.Id {
		return
	}
	for _, a := range m.eval(base, at.scope, nil).atoms {
		if a.kind == isRef && m.names.isModule(a.text) {
			m.say(pick(m.spells() != "", obfuscate, computedName), "introspection", n, at, "a walk from %s along computed names", a.text)
		}
	}
}

// pick is the rule that depends on how bad it is.
func pick(bad bool, high, medium *validate.Rule) *validate.Rule {
	if bad {
		return high
	}
	return medium
}
