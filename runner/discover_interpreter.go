package runner

import (
	"debug/elf"
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// interpreter binds the program and what it cannot start without: the virtual environment it is called
// through, the installation behind it, and its loader.
func (f *finder) interpreter(p program) error {
	f.reveal(p.found)
	if err := f.virtualenv(p); err != nil {
		return err
	}
	f.installation(p.found.real)
	f.loader(p.found.real)
	return nil
}

// virtualenv binds the environment that has pyvenv.cfg beside the bin folder through which Python is
// called (the site module's documentation), and the Python that it was made from.
func (f *finder) virtualenv(p program) error {
	bin := filepath.Dir(p.path)
	config := filepath.Join(filepath.Dir(bin), "pyvenv.cfg")
	if filepath.Base(bin) != "bin" || !f.isFile(config) {
		return nil
	}
	text, err := f.small(config)
	if err != nil {
		return fmt.Errorf("virtual environment: %w", err)
	}
	w, err := f.walk(filepath.Dir(bin))
	if err != nil {
		return fmt.Errorf("virtual environment: %w", err)
	}
	f.reveal(w)
	f.venv = w.real
	f.environment(w.real, "virtual environment", "pyvenv.cfg", "lib", "lib64")
	home := configValue(text, "home")
	if !filepath.IsAbs(home) {
		f.note("the virtual environment %q does not say where its Python is", w.real)
		return nil
	}
	base, err := f.walk(home)
	if err != nil {
		return &CommandError{Path: p.path, Code: codeNotExecutable, What: fmt.Sprintf("its virtual environment was made from a Python in %q, which is gone", home),
			Hint: "make the virtual environment again"}
	}
	f.reveal(base) // sys.base_prefix is computed from this name
	if prefix := filepath.Dir(base.real); filepath.Base(base.real) == "bin" && f.pythonLibraries(prefix) != nil {
		f.prefix(prefix)
	}
	return nil
}

// configValue reads one key of pyvenv.cfg ("key = value", keys without regard to case).
func configValue(text, key string) string {
	for line := range strings.Lines(text) {
		k, v, ok := strings.Cut(line, "=")
		if ok && strings.EqualFold(strings.TrimSpace(k), key) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// installation binds the prefix of a Python outside /usr (pyenv, conda, uv, /opt), the store of a
// program from one, and of anything else the file alone.
func (f *finder) installation(real string) {
	if f.inStore(real) || f.visible(real, true) {
		return
	}
	bin := filepath.Dir(real)
	prefix := filepath.Dir(bin)
	if filepath.Base(bin) == "bin" && (f.isDir(filepath.Join(prefix, "conda-meta")) || f.pythonLibraries(prefix) != nil) {
		f.prefix(prefix)
		f.bind(real, true, "program")
		return
	}
	f.bind(real, true, "program")
	f.note("of %q only the program itself is visible; --ro shows the folders it needs", real)
}

// prefix binds one interpreter's installation.
func (f *finder) prefix(prefix string) {
	if f.inStore(prefix) || f.visible(prefix, true) {
		return
	}
	if f.isDir(filepath.Join(prefix, "conda-meta")) {
		f.conda = prefix
		f.environment(prefix, "conda environment", f.pythonLibraries(prefix)...)
		return
	}
	f.environment(prefix, "Python installation", f.pythonLibraries(prefix)...)
}

// environment binds a folder that an interpreter lives in. Where that is the home folder or the like,
// only the named parts of it are bound.
func (f *finder) environment(folder, why string, parts ...string) {
	reason := f.broad(folder)
	if reason == "" {
		f.bindOwn(folder, true, why)
		return
	}
	for _, part := range parts {
		if w, err := f.walk(filepath.Join(folder, part)); err == nil {
			f.reveal(w)
			f.bind(w.real, true, why)
		}
	}
	f.note("%q is %s: of the %s in it only the libraries are visible; --ro shows more", folder, reason, why)
}

// pythonLibraries are the parts of a prefix that make it a Python installation: the folder with os.py,
// which Python itself looks for (Modules/getpath.py, STDLIB_LANDMARKS), and the shared interpreter.
// Nil when it is none.
func (f *finder) pythonLibraries(prefix string) []string {
	var parts, shared []string
	for _, lib := range []string{"lib", "lib64"} {
		list, err := f.entries(filepath.Join(prefix, lib))
		if err != nil {
			continue
		}
		for _, e := range list {
			part := filepath.Join(lib, e.Name())
			switch {
			case strings.HasPrefix(e.Name(), "libpython"), strings.HasPrefix(e.Name(), "libpypy"):
				shared = append(shared, part)
			case !strings.HasPrefix(e.Name(), "python") && !strings.HasPrefix(e.Name(), "pypy"):
			case f.isFile(filepath.Join(prefix, part, "os.py")):
				parts = append(parts, part)
			}
		}
	}
	if f.isFile(filepath.Join(prefix, "lib-python/3/os.py")) { // PyPy before 3.8
		parts = append(parts, "lib-python", "lib_pypy")
	}
	if parts == nil {
		return nil
	}
	return append(parts, shared...)
}

// inStore binds the whole store when real lies in one.
func (f *finder) inStore(real string) bool {
	for _, store := range stores {
		if within(real, store) && real != store {
			f.bind(store, true, "package store")
			return true
		}
	}
	return false
}

// loader binds the store of a program that lies elsewhere but was linked against one, and says so when
// the loader is not visible at all: the kernel's own message for that is "no such file".
func (f *finder) loader(real string) {
	file, err := f.open(real)
	if err != nil {
		return // its first bytes were readable a moment ago; starting it will say why
	}
	defer file.Close()
	program, err := elf.NewFile(file)
	if err != nil {
		f.note("the header of %q is damaged", real)
		return
	}
	for _, segment := range program.Progs {
		if segment.Type != elf.PT_INTERP {
			continue
		}
		data, err := io.ReadAll(io.LimitReader(segment.Open(), 4096)) // PATH_MAX
		path := strings.TrimRight(string(data), "\x00")
		if err != nil || !filepath.IsAbs(path) {
			continue
		}
		w, err := f.walk(path)
		if err != nil {
			f.note("the loader %q of %q does not exist", path, real)
			continue
		}
		f.reveal(w)
		if !f.inStore(w.real) && !f.visible(w.real, true) {
			f.bind(w.real, true, "loader")
		}
	}
}
