package pysource

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
)

//go:embed modules.txt
var modulesText string

// verdict is what modules.txt says about a name.
type verdict uint8

const (
	unlisted verdict = iota
	allow
	note
	ask
	deny
	byCall
)

var verdictWords = map[string]verdict{"allow": allow, "note": note, "ask": ask, "deny": deny, "call": byCall}

// entry is one line of modules.txt.
type entry struct {
	name       string
	verdict    verdict
	capability string
	reason     string
}

// table is what is known about modules and their names.
type table struct {
	entries map[string]*entry
	parents map[string]bool // names that have listed members
}

// loadTable reads the embedded list once; a test holds that it has no error.
var loadTable = sync.OnceValues(func() (*table, error) { return readTable(modulesText) })

// capabilities are the words that the list and the rules use.
var capabilities = map[string]bool{"-": true, "execution": true, "subprocess": true, "network_access": true, "file_write": true, "file_read": true, "native_code": true,
	"deserialisation": true, "environment": true, "import_hooks": true, "persistence": true, "introspection": true, "obfuscation": true}

func readTable(s string) (*table, error) {
	t := &table{entries: map[string]*entry{}, parents: map[string]bool{}}
	for i, line := range strings.Split(s, "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.SplitN(line, " ", 4)
		if len(f) != 4 || strings.TrimSpace(f[3]) == "" {
			return nil, fmt.Errorf("modules.txt:%d: want name, verdict, capability, reason", i+1)
		}
		e := &entry{name: f[0], verdict: verdictWords[f[1]], capability: f[2], reason: f[3]}
		switch {
		case e.verdict == unlisted:
			return nil, fmt.Errorf("modules.txt:%d: verdict %q", i+1, f[1])
		case !capabilities[e.capability]:
			return nil, fmt.Errorf("modules.txt:%d: capability %q", i+1, f[2])
		case t.entries[e.name] != nil:
			return nil, fmt.Errorf("modules.txt:%d: %s is listed twice", i+1, e.name)
		}
		t.entries[e.name] = e
		for p := e.name; strings.Contains(p, "."); {
			p = p[:strings.LastIndexByte(p, '.')]
			t.parents[p] = true
		}
	}
	return t, nil
}

// find is the entry of the longest listed prefix of a path, and what of the path is behind it.
func (t *table) find(path string) (*entry, string) {
	rest := ""
	called := strings.LastIndex(path, "()") // what a call gives is not a member of the module
	for p := path; len(p) > called; {
		if e := t.entries[p]; e != nil {
			return e, rest
		}
		i := strings.LastIndexByte(p, '.')
		if i <= 0 {
			return nil, path
		}
		p, rest = p[:i], path[i+1:]
	}
	return nil, path
}

// isModule reports whether a path is a module rather than something in one.
func (t *table) isModule(path string) bool {
	if !strings.Contains(path, ".") {
		return t.entries[path] != nil || aliases[path] != ""
	}
	return t.parents[path] || moduleNames[path]
}

var moduleNames = words(`os.path importlib.util importlib.machinery importlib.abc importlib._bootstrap importlib._bootstrap_external urllib.request urllib.parse urllib.error
	http.client http.server xml.etree xml.sax unittest.mock multiprocessing.util torch.hub torch.serialization torch.utils torch.utils.cpp_extension torch.nn torch.nn.functional
	logging.config logging.handlers concurrent.futures distutils.core distutils.spawn transformers.dynamic_module_utils asyncio.subprocess`)

func words(s string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(s) {
		out[w] = true
	}
	return out
}

// aliases are other names of the same module: the C halves of the standard library, and older names.
var aliases = map[string]string{
	"posixpath": "os.path", "ntpath": "os.path", "genericpath": "os.path", "__builtin__": "builtins", "__builtins__": "builtins", "bltns": "builtins", "_io": "io", "_pyio": "io",
	"_operator": "operator", "_codecs": "codecs", "_functools": "functools", "_signal": "signal", "_tokenize": "tokenize", "_warnings": "warnings", "_collections": "collections",
	"_collections_abc": "collections.abc", "_datetime": "datetime", "_decimal": "decimal", "_pydecimal": "decimal", "_heapq": "heapq", "_bisect": "bisect", "_json": "json",
	"_random": "random", "_struct": "struct", "_string": "string", "_weakref": "weakref", "_weakrefset": "weakref", "_queue": "queue", "_statistics": "statistics", "_typing": "typing",
	"_zoneinfo": "zoneinfo", "_asyncio": "asyncio", "_contextvars": "contextvars", "_csv": "csv", "_hashlib": "hashlib", "_locale": "locale", "_lzma": "lzma", "_bz2": "bz2",
	"_stat": "stat", "_symtable": "symtable", "_tracemalloc": "tracemalloc", "_uuid": "uuid", "_opcode": "opcode", "_ast": "ast", "_abc": "abc", "_py_abc": "abc", "_sre": "re",
	"sre_compile": "re", "sre_parse": "re", "sre_constants": "re", "_strptime": "time", "_threading_local": "threading", "_compression": "io", "_elementtree": "xml.etree",
	"pyexpat": "xml", "_md5": "hashlib", "_sha1": "hashlib", "_sha2": "hashlib", "_sha256": "hashlib", "_sha512": "hashlib", "_sha3": "hashlib", "_blake2": "hashlib",
	"_tkinter": "tkinter", "_curses": "curses", "_curses_panel": "curses", "_dbm": "dbm", "_gdbm": "dbm", "_crypt": "crypt", "_scproxy": "urllib.request", "_osx_support": "distutils",
	"_aix_support": "distutils", "_msi": "msilib", "_overlapped": "_winapi", "_markupbase": "html", "_multibytecodec": "codecs", "pydoc_data": "pydoc", "nturl2path": "urllib.parse",
	"compression": "zlib", "numpy.core.numerictypes.builtins": "builtins", "numpy.ma.core.builtins": "builtins", "np": "numpy",
}

// doors are modules that give power wherever they are found: a path that leads through another module to a name of
// this list means that module (torch.serialization.os is os).
var doors = words(`os posix nt sys subprocess builtins importlib ctypes cffi socket ssl shutil pickle cPickle marshal urllib urllib2 urllib3 requests httpx aiohttp runpy codeop pty imp pkgutil
	ftplib smtplib telnetlib dill cloudpickle webbrowser pdb bdb pydoc shelve atexit zipimport socketserver asyncore multiprocessing tempfile copyreg py_compile compileall`)

// halfDoors have names that libraries use for other things; they count with one of these behind them.
var halfDoors = map[string]map[string]bool{
	"code":      words("InteractiveInterpreter InteractiveConsole interact compile_command codeop"),
	"signal":    words("signal sigaction alarm setitimer set_wakeup_fd"),
	"types":     words("FunctionType CodeType LambdaType ModuleType"),
	"io":        words("open FileIO open_code"),
	"gc":        words("get_objects get_referrers get_referents callbacks"),
	"inspect":   words("currentframe stack getmembers trace getouterframes getinnerframes"),
	"site":      words("addsitedir getsitepackages getusersitepackages main addpackage ENABLE_USER_SITE USER_SITE USER_BASE"),
	"http":      words("client server cookiejar"),
	"timeit":    words("timeit repeat Timer main"),
	"codecs":    words("open register builtins"),
	"pathlib":   words("Path os io"),
	"linecache": words("os sys tokenize"),
}

// canonical is the path under which a name is listed.
func (t *table) canonical(path string) string {
	for range 4 {
		next := t.redirected(path)
		if next == path {
			return path
		}
		path = next
	}
	return path
}

func (t *table) redirected(path string) string {
	first, rest, _ := strings.Cut(path, ".")
	if to := aliases[first]; to != "" && t.entries[first] == nil {
		return strings.TrimSuffix(to+"."+rest, ".")
	}
	parts := strings.Split(path, ".")
	for i := len(parts) - 1; i > 0; i-- {
		name := strings.TrimLeft(parts[i], "_")
		if parts[i] == "__builtins__" || parts[i] == "bltns" {
			name = "builtins"
		}
		if i == 1 && parts[0] == "" { // .os is a module of the model that has the name
			if doors[name] && parts[i] == name {
				return strings.Join(parts[i:], ".")
			}
		}
		if !doors[name] && !(i+1 < len(parts) && halfDoors[name][parts[i+1]]) || strings.HasPrefix(parts[i], "__") && name != "builtins" {
			continue
		}
		if t.explicit(parts[:i+1]) {
			continue
		}
		return strings.TrimSuffix(name+"."+strings.Join(parts[i+1:], "."), ".")
	}
	return path
}

// explicit reports whether the path is a listed name or above one: then it is not a way to another module.
func (t *table) explicit(parts []string) bool {
	p := strings.Join(parts, ".")
	return (t.entries[p] != nil || t.parents[p]) && p != "codecs.builtins"
}

// builtinNames are the names that Python has without an import.
var builtinNames = words(`ArithmeticError AssertionError AttributeError BaseException BaseExceptionGroup BlockingIOError BrokenPipeError BufferError BytesWarning ChildProcessError
	ConnectionAbortedError ConnectionError ConnectionRefusedError ConnectionResetError DeprecationWarning EOFError Ellipsis EncodingWarning EnvironmentError Exception ExceptionGroup False
	FileExistsError FileNotFoundError FloatingPointError FutureWarning GeneratorExit IOError ImportError ImportWarning IndentationError IndexError InterruptedError IsADirectoryError KeyError
	KeyboardInterrupt LookupError MemoryError ModuleNotFoundError NameError None NotADirectoryError NotImplemented NotImplementedError OSError OverflowError PendingDeprecationWarning
	PermissionError ProcessLookupError PythonFinalizationError RecursionError ReferenceError ResourceWarning RuntimeError RuntimeWarning StopAsyncIteration StopIteration SyntaxError SyntaxWarning
	SystemError SystemExit TabError TimeoutError True TypeError UnboundLocalError UnicodeDecodeError UnicodeEncodeError UnicodeError UnicodeTranslateError UnicodeWarning UserWarning ValueError
	Warning ZeroDivisionError __build_class__ __debug__ __import__ abs aiter all anext any ascii bin bool breakpoint bytearray bytes callable chr classmethod compile complex copyright credits
	delattr dict dir divmod enumerate eval exec exit filter float format frozenset getattr globals hasattr hash help hex id input int isinstance issubclass iter len license list locals map max
	memoryview min next object oct open ord pow print property quit range repr reversed round set setattr slice sorted staticmethod str sum super tuple type vars zip execfile reload`)

// sensitiveBuiltin reports whether hiding the name may be a trick.
func sensitiveBuiltin(name string) bool {
	switch name {
	case "eval", "exec", "compile", "open", "__import__", "getattr", "setattr", "globals", "vars", "locals", "breakpoint", "delattr", "execfile":
		return true
	}
	return false
}
