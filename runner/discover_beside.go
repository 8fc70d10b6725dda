package runner

import (
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

// Shadow is a file or folder that Python imports instead of the installed module of the same name, because it lies
// in the folder that Python looks into first.
type Shadow struct {
	Path      string `json:"path"`
	Installed string `json:"installed"`
}

// beside looks at what Python would import from the folder that it puts first in sys.path: the script's own, or the
// working directory for -c, -m and standard input. That folder is the user's, but others may have put files there: it
// was cloned, or a model was unpacked in it.
func (f *finder) beside(l launch) {
	fam := familyOf(l.path)
	if fam == nil {
		fam = familyOf(l.found.real)
	}
	if fam != &families[0] {
		return
	}
	at, _ := fam.script(l.argv[1:])
	words := l.argv[1:]
	folder, script := f.in.Dir, ""
	if at >= 0 {
		words, script = words[:at], f.absolute(l.argv[1+at])
		folder = script
	}
	w, err := f.walk(folder)
	if err != nil || pathIsSafe(words) {
		return
	}
	first := w.real
	if script != "" && !f.isDir(first) {
		script, first = first, filepath.Dir(first)
	}
	if !f.exists(first) {
		return
	}
	if !f.inModel(first) { // of a model, only what is admitted exists inside
		f.bytecode(first)
	}
	f.writable(first)
	f.found.Shadows = f.shadows(first, script, f.installed(l))
}

// pathIsSafe reports whether the options keep the script's folder out of sys.path (-I and -P, python(1)).
func pathIsSafe(words []string) bool {
	fam := &families[0]
	for _, w := range words {
		letters, ok := strings.CutPrefix(w, "-")
		if end := strings.IndexAny(letters, fam.stop+fam.value); end >= 0 {
			letters = letters[:end]
		}
		if ok && !strings.HasPrefix(letters, "-") && strings.ContainsAny(letters, "IP") {
			return true
		}
	}
	return false
}

// exists reports whether a folder is visible inside, through whatever shows it.
func (f *finder) exists(real string) bool {
	return f.visible(real, false) || f.inModel(real) || f.inside(f.in.Shown, real)
}

func (f *finder) inModel(real string) bool { return f.inside(f.in.Models, real) }

func (f *finder) inside(names []string, real string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		w, err := f.walk(name)
		return err == nil && within(real, w.real)
	})
}

// bytecodeFolders bounds the search for bytecode.
const bytecodeFolders = 2000

// bytecode hides the folders in which Python keeps compiled code. It takes such a file for the module when size and
// time of the source are noted in it, or without looking at all (PEP 552, unchecked hashes): whoever may write there
// decides what runs, whatever the source says. Python compiles the source instead, as it does the first time.
func (f *finder) bytecode(folder string) {
	left := bytecodeFolders
	seen := map[string]bool{}
	var search func(dir string)
	search = func(dir string) {
		if left--; left < 0 {
			return
		}
		list, err := f.entries(dir)
		if err != nil || slices.ContainsFunc(list, func(e fs.DirEntry) bool { return e.Name() == "pyvenv.cfg" }) {
			return // an environment is an installation
		}
		for _, e := range list {
			at := filepath.Join(dir, e.Name())
			switch {
			case e.Name() == "__pycache__":
				f.hide(at, seen)
			case e.IsDir() && identifier(e.Name()):
				search(at)
			}
		}
	}
	search(folder)
	if left < 0 {
		f.note("%q has more than %d folders: compiled Python in some of them may be used instead of the source beside it", folder, bytecodeFolders)
	}
}

// hide is mask, for folders that the user showed as well.
func (f *finder) hide(p string, seen map[string]bool) {
	w, err := f.walk(p)
	if err != nil || seen[w.real] {
		return
	}
	if f.inside(f.in.Shown, w.real) {
		seen[w.real] = true
		f.found.Masks = append(f.found.Masks, w.real)
		return
	}
	f.mask(p, seen)
}

// identifier reports whether a folder can be part of a module's name.
func identifier(name string) bool {
	return validName(name) || name != "" && !strings.ContainsAny(name, ".- ") && name[0] >= 0x80
}

// neverShadowed are names that no file beside a script stands in for: Python has them before it looks there, or
// distributions leave them behind and nobody imports them from there.
var neverShadowed = []string{"__main__", "__init__", "abc", "codecs", "genericpath", "importlib", "io", "ntpath", "os", "posixpath", "runpy", "site", "stat",
	"zipimport", "conftest", "docs", "examples", "scripts", "setup", "test", "tests"}

// shadows compares the modules of a folder with the installed ones.
func (f *finder) shadows(folder, script string, installed map[string]string) (out []Shadow) {
	list, err := f.entries(folder)
	if err != nil {
		return nil
	}
	for _, e := range list {
		at := filepath.Join(folder, e.Name())
		name := f.module(at, e)
		there, ok := installed[name]
		if name == "" || !ok || at == script || slices.Contains(neverShadowed, name) {
			continue
		}
		if a, err := f.walk(at); err == nil {
			if b, err := f.walk(there); err == nil && a.real == b.real {
				continue // installed as a link to this very folder
			}
		}
		out = append(out, Shadow{at, there})
	}
	return out
}

// module is the name of the module that a file or folder is, or empty: a source, bytecode or extension file, or a
// folder with one of them as __init__ (a folder without is searched after everything else).
func (f *finder) module(at string, e fs.DirEntry) string {
	name, rest, ok := strings.Cut(e.Name(), ".")
	switch {
	case !identifier(name):
		return ""
	case !ok:
		list, err := f.entries(at)
		if err != nil || !slices.ContainsFunc(list, func(e fs.DirEntry) bool {
			stem, rest, _ := strings.Cut(e.Name(), ".")
			return stem == "__init__" && moduleSuffix(rest)
		}) {
			return ""
		}
		return name
	case moduleSuffix(rest):
		return name
	}
	return ""
}

// moduleSuffix: "py", "pyc", "so", "abi3.so", "cpython-311-x86_64-linux-gnu.so".
func moduleSuffix(rest string) bool {
	return rest == "py" || rest == "pyc" || rest == "so" || strings.HasSuffix(rest, ".so")
}

// installed are the modules that this Python has, by name: the standard library and what is installed beside it.
func (f *finder) installed(l launch) map[string]string {
	prefix := filepath.Dir(filepath.Dir(l.found.real))
	version := filepath.Base(l.found.real)
	var folders []string
	for _, lib := range f.pythonLibraries(prefix) {
		if v := filepath.Base(lib); !strings.HasPrefix(v, "python") && !strings.HasPrefix(v, "pypy") || v != version && f.isDir(filepath.Join(prefix, filepath.Dir(lib), version)) {
			continue // another version than the one that runs
		}
		std := filepath.Join(prefix, lib)
		folders = append(folders, std, filepath.Join(std, "lib-dynload"))
		if f.venv != "" {
			folders = append(folders, filepath.Join(f.venv, lib, "site-packages"))
			continue
		}
		folders = append(folders, filepath.Join(std, "site-packages"), filepath.Join(std, "dist-packages"),
			filepath.Join("/usr/local", lib, "dist-packages"))
	}
	if f.venv == "" && prefix == "/usr" {
		folders = append(folders, "/usr/lib/python3/dist-packages") // Debian's
	}
	out := map[string]string{}
	for _, dir := range folders {
		list, err := f.entries(dir)
		if err != nil {
			continue
		}
		for _, e := range list {
			name, rest, file := strings.Cut(e.Name(), ".")
			if _, have := out[name]; !have && identifier(name) && (!file || moduleSuffix(rest)) && name != "__pycache__" {
				out[name] = filepath.Join(dir, e.Name())
			}
		}
		f.writable(dir)
	}
	return out
}

// writable notes a folder that Python imports from and that every user of the machine may write to.
func (f *finder) writable(dir string) {
	if info, err := f.stat(dir); err == nil && info.Mode().Perm()&0o002 != 0 {
		f.note("every user of this machine may write to %q, from which Python imports: chmod o-w", dir)
	}
}
