package pysource

import (
	"strings"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/pysource/syntax"
)

// refer judges one reference to something of a library; c is the call if it is called.
func (m *module) refer(a *atom, n syntax.Node, c *syntax.Call, at place) {
	path := a.text
	if m.exempt[n] || c == nil && strings.HasSuffix(path, ")") {
		return
	}
	if _, ok := at.parent.(*syntax.Compare); ok && c == nil {
		return // a comparison takes nothing out of it
	}
	if strings.Contains(path, "?") {
		m.computed(a, n, c, at)
		return
	}
	e, rest := m.names.find(path)
	if e != nil && e.name == "builtins" && builtinNames[strings.SplitN(rest, ".", 2)[0]] {
		return // the dangerous ones are listed by name
	}
	if e == nil || e.verdict == allow {
		m.member(a, e, rest, n, c, at)
		return
	}
	if strings.HasPrefix(rest, "__") && strings.HasSuffix(rest, "__") && e.verdict != deny && e.verdict != byCall {
		return // documentation, names and the like; the dangerous ones have a rule of their own
	}
	switch e.verdict {
	case byCall:
		m.byArguments(a, e, rest, n, c, at)
	default:
		m.state(e, a, n, at)
	}
}

// state reports what modules.txt says about a name.
func (m *module) state(e *entry, a *atom, n syntax.Node, at place) {
	rule := map[verdict]*validate.Rule{note: used, ask: unsettled}[e.verdict]
	if last := a.text[strings.LastIndexByte(a.text, '.')+1:]; e.verdict == ask && e.name != a.text && strictSinks[last] {
		rule = byCapability[methodSinks[last]]
	}
	if _, called := n.(*syntax.Call); called && e.verdict == ask && e.capability == "network_access" && !fetchers[a.text] && !strings.HasPrefix(a.text, "nltk.") && m.atImport(n, at.scope) {
		rule = network // nobody asked for it
	}
	if e.verdict == deny {
		rule = byCapability[e.capability]
		m.usedModules[strings.SplitN(e.name, ".", 2)[0]] = true
	}
	m.tell(rule, e, a, n, at)
}

// tell reports a name with the way on which it was reached.
func (m *module) tell(rule *validate.Rule, e *entry, a *atom, n syntax.Node, at place) {
	how := ""
	if t := a.how.trail(); t != "" {
		how = " (" + t + ")"
	}
	m.say(rule, e.capability, n, at, "%s: %s%s", clip(a.text, 120), e.reason, how)
}

// computed judges a member by a computed name.
func (m *module) computed(a *atom, n syntax.Node, c *syntax.Call, at place) {
	base, rest, _ := strings.Cut(a.text, ".?")
	e, _ := m.names.find(base)
	last := rest[strings.LastIndexByte(rest, '.')+1:]
	switch {
	case strings.HasPrefix(base, "."), e == nil:
		if rest != "" && methodSinks[last] != "" {
			m.say(byCapability[methodSinks[last]], methodSinks[last], n, at, "%s of what has a computed name (%s)", last, a.how.trail())
		}
		return
	case rest != "" && strictSinks[last]:
		m.say(byCapability[methodSinks[last]], methodSinks[last], n, at, "%s of what %s gives for a computed name (%s)", last, base, a.how.trail())
	case e.verdict >= ask && powerful[base]:
		m.say(obfuscate, e.capability, n, at, "a member of %s by a computed name: nobody who has nothing to hide takes one (%s)", base, a.how.trail())
	case base == "sys.modules" && methodSinks[last] != "":
		m.say(byCapability[methodSinks[last]], methodSinks[last], n, at, "%s of a loaded module by a computed name (%s)", last, a.how.trail())
	case base == "sys.modules":
		m.say(computedImport, "import_hooks", n, at, "a loaded module by a computed name (%s)", a.how.trail())
	case rest != "" && methodSinks[last] != "" && last != "eval":
		m.say(byCapability[methodSinks[last]], methodSinks[last], n, at, "%s of a member of %s by a computed name (%s)", last, base, a.how.trail())
	case strings.Contains(rest, "?"):
		m.say(pick(m.spells() != "", obfuscate, computedName), e.capability, n, at, "a walk from %s along computed names (%s)", base, a.how.trail())
	case e.verdict == allow && (rest == "" && (c == nil || base != "torch") || rest != "" && !sinkWord(rest[strings.LastIndexByte(rest, '.')+1:])):
		return
	case e.verdict == note:
		return
	default:
		m.say(computedName, e.capability, n, at, "a member of %s by a computed name (%s)", base, a.how.trail())
	}
}

// member judges a name that the list does not settle: a private name of the standard library, or one whose word
// says what it does.
func (m *module) member(a *atom, e *entry, rest string, n syntax.Node, c *syntax.Call, at place) {
	path := a.text
	last := path[strings.LastIndexByte(path, '.')+1:]
	switch {
	case e == nil && strings.HasPrefix(path, "."):
		if sinkWord(last) || strictSinks[last] {
			m.say(pick(strictSinks[last], execution, unsettled), "execution", n, at, "%s of another file of the model", clip(path, 120))
		}
	case strings.HasSuffix(path, "()"), e == nil && !strings.Contains(path, "()"):
	case e == nil:
		m.resultMember(a, n, c, at)
	case rest != "" && strictSinks[last]:
		m.say(byCapability[methodSinks[last]], methodSinks[last], n, at, "%s (%s)", clip(path, 120), a.how.trail())
	case rest != "" && methodSinks[last] != "" && m.givenText(c, at):
		m.say(byCapability[methodSinks[last]], methodSinks[last], n, at, "%s, given a text (%s)", clip(path, 120), a.how.trail())
	case rest != "" && sinkWord(last):
		m.say(unsettled, "execution", n, at, "%s: a name that nobody vetted, whose word is one of execution, processes or network (%s)", clip(path, 120), a.how.trail())
	case rest != "" && strings.HasPrefix(rest, "_") && !strings.HasPrefix(rest, "__") && standard(e.name) && !privateStandard[e.name+"."+rest]:
		m.say(unsettled, "introspection", n, at, "%s: a private name of the standard library (%s)", clip(path, 120), a.how.trail())
	}
}

var privateStandard = words("collections._OrderedDictKeysView typing._GenericAlias typing._SpecialForm types._GeneratorWrapper contextlib._GeneratorContextManager enum._decompose logging._levelToName logging._nameToLevel logging._checkLevel dataclasses._MISSING_TYPE dataclasses._FIELDS functools._lru_cache_wrapper")

// standard reports whether a listed name is one of the standard library's ordinary modules.
func standard(name string) bool {
	root, _, _ := strings.Cut(name, ".")
	return ordinary[root]
}

var ordinary = words(`abc argparse array ast asyncio base64 binascii bisect bz2 calendar cmath codecs collections concurrent configparser contextlib contextvars copy csv dataclasses datetime
	decimal difflib email encodings enum errno fnmatch fractions functools gettext glob gzip hashlib heapq hmac html io itertools json keyword locale logging lzma math numbers operator
	pprint queue random re reprlib sched secrets shlex stat statistics string struct textwrap threading time token tokenize traceback types typing unicodedata uuid warnings weakref zlib`)

// sinkWords are words that say what a function does, in the names of libraries.
var sinkWords = words(`exec execute_command system popen subprocess shell unpickle unpickler pickle_load urlopen urlretrieve import_module load_module exec_module load_library load_op_library
	run_command check_call check_output getoutput getstatusoutput spawn spawnv spawnl execv execve execl execvp startfile fork_exec CDLL cdll PyDLL LoadLibrary dlopen cpp_extension load_inline
	exec_command run_subprocess runstring rundocs run_code run_path run_module eval_expr parse_and_eval read_pickle load_pickle unsafe_load import_string locate resolve_name
	create_subprocess_shell create_subprocess_exec InteractiveInterpreter InteractiveConsole runsource runcode Popen FunctionType CodeType create_connection create_server
	download_url_to_file load_state_dict_from_url download_url http_get get_class_from_dynamic_module get_class_in_module cached_download builtins subprocess_mod __import__ get_file
	collect_env execfile run_cell system_raw getoutput_raw`)

// strictSinks are the methods of methodSinks that no class of a modelling library has.
var strictSinks = words(`popen Popen check_output check_call getoutput getoutputs getstatusoutput execve execvp execl execlp spawnl spawnv posix_spawn fork_exec _spawnvef _execvpe startfile urlopen
	urlretrieve LoadLibrary CDLL dlopen load_op_library exec_module load_module find_and_load run_line_magic create_subprocess_shell create_subprocess_exec subprocess_exec subprocess_shell
	unsafe_load get_objects get_referrers gethostbyname connect_ex execfile runsource runcode load_inline __import__ setprofile _getframe addaudithook CodeType FunctionType exec_command from_address in_dll create_connection sock_connect create_server`)

// powerful are the modules of which no modelling code needs a member that it cannot name, nor all names, nor hands them on.
var powerful = words(`os posix nt sys builtins subprocess importlib ctypes socket shutil runpy pty multiprocessing _posixsubprocess code codeop pkgutil marshal pickle`)

func sinkWord(name string) bool { return sinkWords[strings.TrimLeft(name, "_")] || sinkWords[name] }

// methodSinks are methods whose name alone, on an object that is not known, is rare and telling.
var methodSinks = map[string]string{"load_module": "import_hooks", "exec_module": "import_hooks", "find_and_load": "import_hooks", "popen": "subprocess", "Popen": "subprocess",
	"check_output": "subprocess", "check_call": "subprocess", "getoutput": "subprocess", "getstatusoutput": "subprocess", "execve": "subprocess", "execvp": "subprocess", "execl": "subprocess",
	"execlp": "subprocess", "spawnl": "subprocess", "spawnv": "subprocess", "posix_spawn": "subprocess", "fork_exec": "subprocess", "urlopen": "network_access", "urlretrieve": "network_access",
	"LoadLibrary": "native_code", "load_library": "native_code", "load_op_library": "native_code", "CDLL": "native_code", "import_module": "import_hooks", "__import__": "import_hooks",
	"runsource": "execution", "runcode": "execution", "run_cell": "execution", "run_line_magic": "execution", "getoutputs": "subprocess", "execfile": "execution", "load_inline": "native_code",
	"_spawnvef": "subprocess", "_execvpe": "subprocess", "system": "subprocess", "exec": "execution", "dlopen": "native_code", "eval": "execution", "exec_command": "subprocess", "extractall": "file_write", "subprocess_exec": "subprocess", "subprocess_shell": "subprocess",
	"create_subprocess_shell": "subprocess", "create_subprocess_exec": "subprocess", "unsafe_load": "deserialisation", "find_module": "import_hooks", "addaudithook": "introspection",
	"settrace": "introspection", "setprofile": "introspection", "_getframe": "introspection", "get_objects": "introspection", "get_referrers": "introspection", "gethostbyname": "network_access",
	"create_connection": "network_access", "sendto": "network_access", "connect_ex": "network_access", "spawn": "subprocess", "startfile": "subprocess", "CodeType": "execution",
	"FunctionType": "execution", "from_address": "native_code", "in_dll": "native_code", "sock_connect": "network_access", "create_server": "network_access"}

// sinkName judges an attribute of something unknown by its name; c is the call if it is called.
func (m *module) sinkName(f *syntax.Attribute, c *syntax.Call, at place) {
	if f.Attr == "push_to_hub" && c != nil && len(c.Args) > 0 {
		if repo, ok := m.eval(c.Args[0], at.scope, nil).str(); ok {
			m.say(network, "network_access", f, at, "sends to the repository %s", quoted(repo))
		}
	}
	capability := methodSinks[f.Attr]
	if capability == "" {
		return
	}
	if root, ok := f.Value.(*syntax.Name); ok && (root.Id == "self" || root.Id == "cls") && m.fields[f.Attr] != nil {
		return // a method or attribute of a class of this file
	}
	switch f.Attr {
	case "system", "exec", "spawn", "eval", "find_module":
		if c == nil || len(c.Args) == 0 {
			return // model.eval(), conversation.system
		}
		if f.Attr == "eval" {
			if _, ok := m.eval(c.Args[0], at.scope, nil).str(); !ok {
				return
			}
		}
		if len(m.fields[f.Attr]) > 0 {
			return
		}
	}
	m.say(pick(strictSinks[f.Attr] || m.commands(f, c, at), byCapability[capability], unsettled), capability, f, at, "method %s of an object that is not known", f.Attr)
}

// commands: system and exec of something unknown are given a text that is written here.
func (m *module) commands(f *syntax.Attribute, c *syntax.Call, at place) bool {
	return (f.Attr == "system" || f.Attr == "exec") && m.givenText(c, at)
}

// givenText reports whether a call has one argument, a text that is written or made here.
func (m *module) givenText(c *syntax.Call, at place) bool {
	return c != nil && len(c.Args) == 1 && textIn(m.eval(c.Args[0], at.scope, nil))
}
