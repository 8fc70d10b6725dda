package runner

import (
	"os"
	"path/filepath"
	"strings"
)

// family is how one kind of interpreter reads its options.
type family struct {
	names     []string // file names, without a version
	stop      string   // letters after which there is no script
	value     string   // letters that take a value: the rest of the word, or the next word
	attached  string   // letters whose value is the rest of the word
	longStop  []string
	longValue []string
	plus      bool // options may begin with + too
}

// families come from each program's own usage text.
var families = []family{
	{names: []string{"python", "pypy", "ipython"}, stop: "cm", value: "WX", longValue: []string{"--check-hash-based-pycs"}},
	{names: []string{"sh", "bash", "dash", "ksh", "zsh"}, stop: "cs", value: "oO", longValue: []string{"--rcfile", "--init-file"}, plus: true},
	{names: []string{"node", "nodejs"}, stop: "ep", value: "rC", longStop: []string{"--eval", "--print"},
		longValue: []string{"--require", "--import", "--loader", "--experimental-loader", "--conditions", "--env-file"}},
	{names: []string{"perl"}, stop: "eE", value: "I", attached: "MmiFDxCdlV0"},
}

// familyOf is the family of a program by its file name; "python3.11" is "python".
func familyOf(program string) *family {
	name := strings.TrimRight(filepath.Base(program), "0123456789.")
	for i := range families {
		for _, n := range families[i].names {
			if name == n {
				return &families[i]
			}
		}
	}
	return nil
}

// script finds the position of the script among the words after the interpreter, or −1; module is what
// Python's -m names.
func (fam *family) script(words []string) (at int, module string) {
	for i := 0; i < len(words); i++ {
		w := words[i]
		switch {
		case w == "-":
			return -1, "" // standard input
		case w == "--":
			if i+1 < len(words) {
				return i + 1, ""
			}
			return -1, ""
		case strings.HasPrefix(w, "--"):
			if oneOf(w, fam.longStop) {
				return -1, ""
			}
			if oneOf(w, fam.longValue) {
				i++
			}
		case strings.HasPrefix(w, "-"), fam.plus && strings.HasPrefix(w, "+"):
			stop, next, rest := fam.cluster(w[1:])
			if stop == 'm' && rest == "" && i+1 < len(words) {
				rest = words[i+1]
			}
			if stop != 0 {
				return -1, rest
			}
			if next {
				i++
			}
		default:
			return i, ""
		}
	}
	return -1, ""
}

// cluster reads letters behind one dash: the letter that ends the options, if any, with the rest of the
// word; and whether the next word is a value.
func (fam *family) cluster(letters string) (stop byte, next bool, rest string) {
	for i := range len(letters) {
		c := letters[i]
		switch {
		case strings.IndexByte(fam.stop, c) >= 0:
			return c, false, letters[i+1:]
		case strings.IndexByte(fam.value, c) >= 0:
			return 0, i+1 == len(letters), ""
		case strings.IndexByte(fam.attached, c) >= 0:
			return 0, false, ""
		}
	}
	return 0, false, ""
}

func oneOf(s string, list []string) bool {
	for _, l := range list {
		if s == l {
			return true
		}
	}
	return false
}

// scripts binds the script that the program will run. A script named as the command counts; so does the
// first argument of an interpreter that is a file.
func (f *finder) scripts(l launch) {
	for i, s := range l.scripts {
		if i > 0 {
			f.reveal(s.found)
			f.bind(s.found.real, false, "interpreter that is a script")
			continue
		}
		f.found.Script = s.path
		f.scriptFile(s.path, s.found)
	}
	if len(l.scripts) > 0 {
		return
	}
	fam := familyOf(l.path)
	if fam == nil {
		fam = familyOf(l.found.real)
	}
	if fam == nil {
		return
	}
	at, module := fam.script(l.argv[1:])
	if top, _, _ := strings.Cut(module, "."); top != "" && at < 0 && fam == &families[0] {
		if f.isDir(f.absolute(top)) || f.isFile(f.absolute(top+".py")) {
			f.note("-m %s names a module of the working directory, which is not visible inside; --ro shows it", module)
		}
	}
	if at < 0 {
		return
	}
	path := f.absolute(l.argv[1+at])
	w, err := f.walk(path)
	if err != nil {
		return // the interpreter will say that it does not exist
	}
	info, err := os.Lstat(string(f.tree) + w.real)
	switch {
	case err != nil:
	case info.Mode().IsRegular():
		f.found.Script = f.sameName(path, w)
		f.scriptFile(path, w)
	case info.IsDir() && f.isFile(filepath.Join(w.real, "__main__.py")): // python FOLDER
		f.found.Script = f.sameName(path, w)
		f.reveal(w)
		f.scriptFolder(w.real, filepath.Join(w.real, "__main__.py"))
	}
}

// scriptFile binds a script with its folder; of a link, the link's folder and the real file's folder,
// where Python looks for the modules beside it.
func (f *finder) scriptFile(path string, w walked) {
	f.reveal(w)
	f.keep = append(f.keep, w.real)
	f.scriptFolder(filepath.Dir(w.real), w.real)
	if named, err := f.walk(filepath.Dir(path)); err == nil && !f.visible(named.real, false) && f.private(named.real) == "" {
		f.bindOwn(named.real, false, "folder of the link to the script")
	}
}

// scriptFolder binds a folder for the sake of one file in it, or the file alone where the folder holds
// more than the script's own things.
func (f *finder) scriptFolder(folder, file string) {
	if f.visible(file, false) {
		return
	}
	for _, kernel := range []string{"/proc", "/sys", "/dev"} {
		if within(folder, kernel) {
			f.note("the script %q is not visible inside, which has its own %s; copy it elsewhere", file, kernel)
			return
		}
	}
	if reason := f.private(folder); reason != "" {
		f.bind(file, false, "script")
		f.note("the script's folder %q is %s: only the script is visible, nothing beside it; --ro shows more", folder, reason)
		return
	}
	f.bindOwn(folder, false, "script folder")
}

// private says why a folder is not shown for the sake of one file in it; empty when it may be.
func (f *finder) private(folder string) string {
	if reason := f.broad(folder); reason != "" {
		return reason
	}
	for _, dir := range filepath.SplitList(f.env["PATH"]) {
		if w, err := f.walk(dir); filepath.IsAbs(dir) && err == nil && w.real == folder {
			return "a folder of programs"
		}
	}
	for _, part := range strings.Split(folder, "/") {
		if secretName(part) {
			return "inside " + part + ", where credentials are kept"
		}
	}
	if _, err := f.entries(folder); err != nil {
		return "not readable, so secrets in it could not be hidden"
	}
	return ""
}
