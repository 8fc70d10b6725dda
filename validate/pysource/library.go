package pysource

import (
	"maps"
	"slices"
	"strings"
)

func sortedKeys(m map[string]value) []string { return slices.Sorted(maps.Keys(m)) }

func sortedWords(m map[string]bool) []string { return slices.Sorted(maps.Keys(m)) }

// operatorCall is a function of the module operator.
func (m *module) operatorCall(name string, g arguments, line uint32, v *env) (value, bool) {
	name = strings.Trim(name, "_")
	if op, ok := operatorNames[name]; ok {
		return m.binary(op, g.at(0, ""), g.at(1, "")), true
	}
	switch name {
	case "getitem":
		return m.item(g.at(0, ""), g.at(1, ""), line), true
	case "attrgetter", "itemgetter", "methodcaller":
		if len(g.pos) > 0 {
			return only(&atom{kind: isPartial, text: "operator." + name, items: g.pos}), true
		}
	case "call":
		if len(g.pos) > 0 {
			return m.apply(g.pos[0], arguments{pos: g.pos[1:], named: g.named, more: g.more}, line, v), true
		}
	}
	return value{}, false
}

// library is a call of a function of the standard library that selects, assembles or applies.
func (m *module) library(f *atom, g arguments, line uint32, v *env) (value, bool) {
	x := g.at(0, "")
	switch f.text {
	case "functools.partial", "functools.partialmethod":
		if len(g.pos) > 0 {
			p := &atom{kind: isPartial, text: f.text, items: g.pos, recv: &atom{}}
			for _, k := range sortedKeys(g.named) {
				p.keys, p.recv.items = append(p.keys, text(k)), append(p.recv.items, g.named[k])
			}
			return only(p), true
		}
	case "functools.reduce":
		return m.reduce(g, line, v), true
	case "itertools.chain", "itertools.chain.from_iterable":
		return m.chained(f.text, g), true
	case "importlib.import_module", "importlib.__import__":
		return m.imported(g.at(0, "name"), line), true
	case "sys.modules.get", "sys.modules.__getitem__", "sys.modules.pop", "sys.modules.setdefault":
		return m.refItem(ref("sys.modules", f.how), x, line), true
	case "codecs.decode", "codecs.encode":
		return m.mapAtoms(x, func(a *atom) *atom {
			name, ok := g.at(1, "encoding").str()
			if !a.textual() || !ok {
				return nil
			}
			return m.codec(a, name, f.text == "codecs.decode")
		}), true
	case "os.path.join", "os.path.expanduser", "os.path.abspath", "os.path.realpath", "os.path.normpath", "os.fspath", "pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath", "os.path.expandvars":
		return m.pathCall(f, g, line), true
	case "pathlib.Path.home":
		return only(&atom{kind: isRef, text: "pathlib.Path()", recv: text("~"), how: f.how}), true
	case "pathlib.Path().joinpath", "pathlib.Path().with_name", "pathlib.Path().expanduser", "pathlib.Path().resolve", "pathlib.Path().absolute", "pathlib.Path().with_suffix":
		return m.pathMethod(f, g), true
	case "copy.copy", "copy.deepcopy", "importlib.reload", "contextlib.nullcontext", "types.MappingProxyType", "io.BytesIO", "io.StringIO", "functools.lru_cache", "functools.cache":
		if len(x.atoms) > 0 {
			return x, true
		}
	case "ast.literal_eval":
		return m.evaluated(x), true
	case "os.path.dirname":
		return m.mapAtoms(x, func(a *atom) *atom {
			if i := strings.LastIndexByte(a.text, '/'); a.kind == isStr && i > 0 {
				return text(a.text[:i])
			}
			return nil
		}), true
	case "inspect.getfile", "inspect.getsourcefile":
		for _, a := range x.atoms {
			if a.kind == isRef {
				return value{open: true, atoms: []*atom{installed(a.text)}}, true
			}
		}
	case "dataclasses.field":
		return union(m.apply(g.named["default_factory"], arguments{named: map[string]value{}}, line, v), g.named["default"], unknown), true
	case "sysconfig.get_paths":
		return value{open: true, atoms: []*atom{{kind: isDict, keys: []*atom{{kind: isComputed}}, items: []value{only(installed("site"))}}}}, true
	case "sysconfig.get_path":
		return only(installed("site")), true
	case "inspect.getmodule":
		return unknown, true
	}
	return value{}, false
}

func (m *module) reduce(g arguments, line uint32, v *env) value {
	if len(g.pos) < 2 {
		return unknown
	}
	a, ok := g.pos[1].constant()
	if !ok || a.kind == isComputed {
		if len(g.pos) > 2 { // a walk of any length
			return m.named(m.named(g.pos[2], unknown, line), unknown, line)
		}
		return unknown
	}
	var acc *value
	if len(g.pos) > 2 {
		acc = &g.pos[2]
	}
	n := 0
	if !a.each(func(e value) {
		if n++; n > 4096 {
			return
		}
		if acc == nil {
			acc = &e
			return
		}
		next := m.apply(g.pos[0], arguments{pos: []value{*acc, e}, named: map[string]value{}}, line, v)
		acc = &next
	}) || acc == nil {
		return unknown
	}
	return *acc
}

func (m *module) chained(path string, g arguments) value {
	lists := g.pos
	if path == "itertools.chain.from_iterable" {
		a, ok := g.at(0, "").constant()
		if !ok || a.kind != isSeq {
			return unknown
		}
		lists = a.items
	}
	items := []value{}
	for _, l := range lists {
		a, ok := l.constant()
		if !ok || !a.each(func(e value) { items = append(items, e) }) || len(items) > maxItems {
			return unknown
		}
	}
	return only(seq(items))
}

// pathCall follows path names as far as they are spelled out. A Path keeps its text in recv.
func (m *module) pathCall(f *atom, g arguments, line uint32) value {
	parts := []string{}
	open := g.more || len(g.pos) == 0
	for _, x := range g.pos {
		s, ok := pathText(x)
		if !ok {
			open = true
			s = "?"
		}
		if strings.HasPrefix(s, "/") || strings.HasPrefix(s, "~") {
			parts = parts[:0]
		}
		if s != "" {
			parts = append(parts, strings.TrimSuffix(s, "/"))
		}
	}
	joined := strings.Join(parts, "/")
	if joined == "" && !open && len(g.pos) == 1 {
		joined = "/"
	}
	if strings.HasPrefix(f.text, "pathlib") {
		r := ref("pathlib.Path()", &step{line: line, what: "Path", prev: f.how})
		r.recv = text(clip(joined, 4096))
		if joined == "" {
			r.recv = text("?")
		}
		return value{atoms: []*atom{r}}
	}
	if open {
		if len(g.pos) > 1 && joined != "?" { // the known end of a path tells enough
			return value{open: true, atoms: []*atom{text(clip(joined, 4096))}}
		}
		return value{open: true}
	}
	return only(m.made(isStr, joined))
}

// pathText is the text of a path name, as str or Path.
func pathText(x value) (string, bool) {
	for _, a := range x.atoms {
		if a.kind == isStr {
			return a.text, len(x.atoms) == 1
		}
		if a.kind == isRef && a.text == "pathlib.Path()" && a.recv != nil {
			return a.recv.text, len(x.atoms) == 1
		}
	}
	return "", false
}

// joinedPath is Path / name.
func (m *module) joinedPath(a, b *atom) *atom {
	if a.text != "pathlib.Path()" {
		return nil
	}
	dir := "?"
	if a.recv != nil {
		dir = a.recv.text
	}
	s := dir + "/" + b.text
	if strings.HasPrefix(b.text, "/") {
		s = b.text
	}
	return &atom{kind: isRef, text: a.text, recv: text(clip(s, 4096)), how: a.how}
}

// installed is the file of a library, wherever it is on this machine.
func installed(module string) *atom {
	return text(installedFolder + strings.ReplaceAll(module, ".", "/") + ".py")
}

const installedFolder = "/installed/"

// ofPath is an attribute of a Path whose text is known.
func (m *module) ofPath(a, r *atom, name string) *atom {
	switch name {
	case "parent":
		if i := strings.LastIndexByte(a.recv.text, '/'); i > 0 {
			return &atom{kind: isRef, text: "pathlib.Path()", recv: text(a.recv.text[:i]), how: r.how}
		}
		return &atom{kind: isRef, text: "pathlib.Path()", recv: text("?"), how: r.how}
	}
	return &atom{kind: isRef, text: r.text, recv: a.recv, how: r.how}
}

// pathMethod is a method of a Path that gives another one.
func (m *module) pathMethod(f *atom, g arguments) value {
	out := &atom{kind: isRef, text: "pathlib.Path()", recv: f.recv, how: f.how}
	_, name, _ := strings.Cut(f.text, "().")
	if name != "joinpath" && name != "with_name" {
		return only(out)
	}
	for _, x := range g.pos {
		s, ok := pathText(x)
		if !ok {
			s = "?"
		}
		out = m.joinedPath(out, text(s))
	}
	return only(out)
}
