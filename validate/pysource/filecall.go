package pysource

import (
	"strings"

	"github.com/loadlock/loadlock/validate/lazyre"
	"github.com/loadlock/loadlock/validate/pysource/syntax"
)

// pathArguments says which arguments of a function are names of files that it changes; the others are read.
var pathArguments = map[string][]int{"os.rename": {0, 1}, "os.renames": {0, 1}, "os.replace": {0, 1}, "shutil.copyfile": {1}, "shutil.copy": {1}, "shutil.copy2": {1}, "shutil.copytree": {1},
	"shutil.move": {0, 1}, "os.link": {1}, "os.symlink": {1}, "torch.save": {1}}

// fileCall judges a function that opens, makes or removes a file by the name it is given.
func (m *module) fileCall(a *atom, e *entry, n syntax.Node, c *syntax.Call, g arguments, at place) {
	writes := e.capability == "file_write"
	switch e.name {
	case "builtins.open", "io.open", "codecs.open", "gzip.open", "bz2.open", "lzma.open", "tokenize.open", "gzip.GzipFile", "bz2.BZ2File", "lzma.LZMAFile", "os.fdopen", "io.FileIO":
		writes = m.opensToWrite(g)
		if o, ok := g.named["opener"]; ok && len(o.atoms) > 0 {
			m.say(unsettled, "file_read", n, at, "open with an opener")
		}
	case "os.open":
		writes = len(g.pos) > 1 && !isReadOnly(g.pos[1])
	case "numpy.memmap", "torch.from_file", "torch.UntypedStorage.from_file", "torch.Storage.from_file":
		mode, ok := g.named["mode"]
		writes = ok && !modeIs(mode, "r", "c")
	}
	args := pathArguments[e.name]
	if args == nil {
		args = []int{0}
	}
	if !writes {
		m.reads(a, g.at(0, "file"), n, at)
		return
	}
	if args[0] == 1 && len(g.pos) > 1 && e.name != "torch.save" {
		m.outside(g.pos[0], n, at)
	}
	for _, i := range args {
		m.writes(a.text, g.at(i, "path"), n, at)
	}
}

func (m *module) opensToWrite(g arguments) bool {
	if !g.has(1, "mode") {
		return false
	}
	return !modeIs(g.at(1, "mode"), "r", "rb", "rt", "br", "tr", "rU", "U")
}

func modeIs(v value, modes ...string) bool {
	if len(v.atoms) == 0 {
		return true // a parameter: the caller's choice
	}
	for _, a := range v.atoms {
		found := false
		for _, mode := range modes {
			found = found || a.kind == isStr && a.text == mode
		}
		if !found {
			return false
		}
	}
	return true
}

func isReadOnly(v value) bool {
	a, ok := v.constant()
	return ok && (a.kind == isRef && a.text == "os.O_RDONLY" || a.kind == isInt && a.n == 0)
}

// outside judges a file that is copied into the model's reach.
func (m *module) outside(path value, n syntax.Node, at place) {
	for _, x := range path.atoms {
		if s, ok := pathText(only(x)); ok && (strings.HasPrefix(s, "/") || strings.HasPrefix(s, "~")) {
			m.say(fileRead, "file_read", n, at, "copies %s of the host", quoted(s))
		}
	}
}

// lists are functions that tell what files there are.
var lists = words(`os.walk os.listdir os.scandir os.fwalk glob.glob glob.iglob pathlib.Path().glob pathlib.Path().rglob pathlib.Path().iterdir`)

// homes are folders of users, and those that hold them.
var homes = lazyre.New(`^(/|~|(/home|/Users|/root|/mnt|/media)(/.*)?|/\*.*|~/?\*.*|~/(Desktop|Documents|Downloads|\.config)(/.*)?)$`)

// reads judges the file that is read.
func (m *module) reads(a *atom, path value, n syntax.Node, at place) {
	for _, x := range path.atoms {
		s, ok := pathText(only(x))
		if !ok {
			continue
		}
		switch {
		case lists[a.text] && homes.MatchString(s):
			m.say(fileRead, "file_read", n, at, "looks through %s", quoted(s))
		case strings.Contains(s, "://"):
			m.say(network, "network_access", n, at, "%s of the address %s", a.text, quoted(s))
		case strings.HasPrefix(s, installedFolder):
			m.say(used, "file_read", n, at, "reads a file of an installed library")
		case strings.HasPrefix(s, "/proc/cpuinfo"), strings.HasPrefix(s, "/proc/meminfo"), strings.HasPrefix(s, "/sys/devices"), strings.HasPrefix(s, "/etc/os-release"):
			m.say(used, "file_read", n, at, "reads %s", quoted(s))
		case strings.HasPrefix(s, "/proc"), strings.HasPrefix(s, "/dev/") && !strings.HasPrefix(s, "/dev/null"), strings.HasPrefix(s, "/etc"), strings.HasPrefix(s, "/var"), strings.HasPrefix(s, "/run"), strings.HasPrefix(s, "/sys"):
			m.say(fileRead, "file_read", n, at, "reads %s of the host", quoted(s))
		case strings.HasPrefix(s, "/"), strings.HasPrefix(s, "~"):
			m.say(unsettled, "file_read", n, at, "reads %s, outside the model", quoted(s))
		}
	}
	if hasComputed(path) {
		m.say(unsettled, "file_read", n, at, "%s of a file whose name is computed", a.text)
		return
	}
	m.say(used, "file_read", n, at, "reads a file")
}

// writes judges the file that is changed.
func (m *module) writes(what string, path value, n syntax.Node, at place) {
	known := false
	for _, x := range path.atoms {
		s, ok := pathText(only(x))
		if !ok {
			continue
		}
		known = true
		switch {
		case strings.HasPrefix(s, "/dev/null"), strings.HasPrefix(s, "?/") && !strings.Contains(s, "..") && !runnable(s):
		case strings.HasPrefix(s, "/tmp/") && !runnable(s):
			m.say(unsettled, "file_write", n, at, "%s: %s", what, quoted(s))
			return
		case strings.HasPrefix(s, "/"), strings.HasPrefix(s, "~"), strings.Contains(s, ".."):
			m.say(fileWrite, "file_write", n, at, "%s: %s, outside the model", what, quoted(s))
			return
		case runnable(s):
			m.say(fileWrite, "file_write", n, at, "%s: %s, which can be run", what, quoted(s))
			return
		}
	}
	if hasComputed(path) && !known {
		m.say(computedPath, "file_write", n, at, "%s of a file whose name is computed", what)
		return
	}
	m.say(used, "file_write", n, at, "%s: changes a file that the caller names", what)
}

// writerName are words for methods that write a file.
var writerName = lazyre.New(`^(write|save|to_|dump|export|extract|tofile|imwrite|imsave|store)|FileHandler$|Writer$|^basicConfig$`)

// writer judges the constant paths that are given to anything with a name of writing.
func (m *module) writer(n *syntax.Call, at place) {
	name := ""
	switch f := n.Func.(type) {
	case *syntax.Attribute:
		name = f.Attr
	case *syntax.Name:
		name = f.Id
	}
	if !writerName.MatchString(name) {
		return
	}
	check := func(e syntax.Expression) {
		for _, a := range m.eval(e, at.scope, nil).atoms {
			s, ok := pathText(only(a))
			if !ok || len(s) > 512 || strings.ContainsAny(s, " \n<>(){}") || strings.HasPrefix(s, "/dev/") || strings.HasPrefix(s, "/tmp/") && !runnable(s) {
				continue
			}
			if strings.HasPrefix(s, "/") || strings.HasPrefix(s, "~/") || strings.HasPrefix(s, "../") || runnable(s) && !strings.HasPrefix(s, "?") {
				m.say(fileWrite, "file_write", n, at, "%s: %s", name, quoted(s))
			}
		}
	}
	for _, e := range n.Args[:min(len(n.Args), 3)] {
		check(e)
	}
	for _, k := range n.Keywords {
		check(k.Value)
	}
}

// runnable reports whether a file of that name is run by something.
func runnable(s string) bool {
	for _, suffix := range []string{".py", ".pyc", ".pth", ".sh", ".so", ".dll", ".dylib", ".pyd", ".exe", ".bat", ".cmd", ".ps1", ".service", ".desktop", ".egg", ".whl", ".ipynb", ".bashrc", ".profile"} {
		if strings.HasSuffix(strings.ToLower(s), suffix) {
			return suffix != ".pth" || !strings.Contains(s, "?")
		}
	}
	return false
}

// pathMethods are methods of pathlib.Path that change files.
var pathMethods = words("write_text write_bytes unlink rmdir symlink_to hardlink_to link_to touch rename replace chmod lchmod mkdir")

// resultMember judges a method of what a library's function gave.
func (m *module) resultMember(a *atom, n syntax.Node, c *syntax.Call, at place) {
	base, method, ok := strings.Cut(a.text, "().")
	if !ok || c == nil {
		return
	}
	if base != "pathlib.Path" && base != "pathlib.PosixPath" {
		last := method[strings.LastIndexByte(method, '.')+1:]
		if capability := methodSinks[last]; capability != "" && (last != "eval" && last != "system" || last == "system" && m.givenText(c, at)) {
			m.say(pick(strictSinks[last] || last == "system", byCapability[capability], unsettled), capability, n, at, "%s", clip(a.text, 120))
		}
		return
	}
	path := unknown
	if f, ok := c.Func.(*syntax.Attribute); ok {
		path = m.eval(f.Value, at.scope, nil)
	}
	g := m.arguments(c, at.scope, nil)
	switch {
	case pathMethods[method]:
		m.writes("Path."+method, path, n, at)
	case method == "open":
		if g.has(0, "mode") && !modeIs(g.at(0, "mode"), "r", "rb", "rt") {
			m.writes("Path.open", path, n, at)
			return
		}
		m.reads(a, path, n, at)
	case method == "read_text", method == "read_bytes", method == "iterdir", method == "glob", method == "rglob":
		m.reads(a, path, n, at)
	}
}
