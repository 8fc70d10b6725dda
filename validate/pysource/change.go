package pysource

import (
	"strings"

	"github.com/loadlock/loadlock/validate/pysource/syntax"
)

// changed judges a store into an attribute of something: of a library, it changes the library for everyone.
func (m *module) changed(base, name, v value, n syntax.Node, at place) {
	known := allText(name)
	for _, a := range base.atoms {
		if a.kind != isRef || strings.HasPrefix(a.text, ".") || strings.Contains(a.text, ")") {
			continue
		}
		if !known {
			if m.names.isModule(a.text) {
				m.say(softPatch, "import_hooks", n, at, "sets a member of %s by a computed name", a.text)
			}
			continue
		}
		for _, s := range name.atoms {
			m.changedTo(a, s.text, v, n, at)
		}
	}
}

// changedTo judges a store into one attribute.
func (m *module) changedTo(a *atom, name string, v value, n syntax.Node, at place) {
	path := m.names.canonical(a.text + "." + name)
	e, _ := m.names.find(path)
	if e == nil && !m.names.isModule(a.text) {
		return
	}
	for _, x := range v.atoms {
		if x.kind == isStr && address.MatchString(x.text) && e != nil && e.verdict != note {
			m.say(patch, "network_access", n, at, "sets %s to the address %s", path, quoted(x.text))
			return
		}
	}
	if plainValue(v) && !vital(path) {
		if e != nil && e.verdict >= ask && e.verdict != byCall {
			m.say(unsettled, e.capability, n, at, "sets %s", path)
		}
		return
	}
	if e != nil {
		m.usedModules[strings.SplitN(e.name, ".", 2)[0]] = true
	}
	m.say(pick(vital(path), patch, softPatch), "import_hooks", n, at, "puts another object in the place of %s", clip(path, 120))
}

// plainValue: a number, text or None, as options are.
func plainValue(v value) bool {
	if v.open || len(v.atoms) == 0 {
		return false
	}
	for _, a := range v.atoms {
		if a.kind != isInt && a.kind != isStr && a.kind != isNone {
			return false
		}
	}
	return true
}

var vitalModules = words(`builtins sys os posix importlib pickle cPickle _pickle subprocess socket ssl json safetensors io zipfile marshal copyreg inspect types ctypes shutil logging hashlib hmac
	pkgutil runpy threading signal atexit codecs warnings traceback linecache tokenize abc functools gc site zipimport urllib http requests huggingface_hub yaml joblib`)

var vitalMembers = words(`load loads save dump dumps load_file save_file load_state_dict state_dict from_pretrained save_pretrained __init__ __call__ __getattr__ __getattribute__ __setattr__ __new__
	_call_impl _load_from_state_dict load_model torch_load __setstate__ __reduce__ __reduce_ex__ __import__ find_class load_checkpoint get_class_from_dynamic_module resolve_trust_remote_code
	safe_open cached_file hf_hub_download snapshot_download load_from_hub _load _legacy_load __del__ __torch_function__ __torch_dispatch__`)

// vital reports whether replacing the name lets the model act in the place of a loader or of the interpreter.
func vital(path string) bool {
	root, _, _ := strings.Cut(path, ".")
	last := path[strings.LastIndexByte(path, '.')+1:]
	if path == "sys.argv" || path == "sys.stdout" || path == "sys.stderr" || path == "logging.raiseExceptions" || path == "sys.dont_write_bytecode" || strings.HasPrefix(path, "warnings.filters") {
		return false
	}
	if strings.HasPrefix(last, "Auto") && root == "transformers" || strings.HasPrefix(last, "__") && strings.HasSuffix(last, "__") && last != "__doc__" && last != "__all__" && last != "__version__" {
		return true
	}
	if root == "torch" && (last == "forward" || strings.HasPrefix(path, "torch.Tensor.") || strings.HasPrefix(path, "torch.nn.functional.")) {
		return true // every model computes with it
	}
	return vitalModules[root] || vitalMembers[last]
}

// namespaceMethod judges methods that change the dictionary of a module.
func (m *module) namespaceMethod(a *atom, n *syntax.Call, at place) {
	if a.recv == nil || a.recv.kind != isNamespace {
		return
	}
	if a.recv.text == "" {
		if a.recv.n == 1 && (a.text == "values" || a.text == "items") {
			m.say(computedName, "introspection", n, at, "all names of this module, and with them the built-in functions")
		}
		return
	}
	switch a.text {
	case "update", "setdefault", "pop", "clear", "__setitem__", "popitem", "__delitem__", "__ior__":
		m.say(pick(vital(a.recv.text+"."), patch, softPatch), "import_hooks", n, at, "changes the names of %s", a.recv.text)
	case "values", "items", "keys":
		if e, _ := m.names.find(a.recv.text); e != nil && e.verdict >= ask {
			m.say(pick(powerful[a.recv.text], obfuscate, computedName), e.capability, n, at, "all members of %s", a.recv.text)
		}
	}
}
