package runner

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// foreignShims are folders of launchers whose choice only their own program can make.
var foreignShims = []struct{ folder, manager string }{
	{"/.asdf/shims", "asdf"}, {"/mise/shims", "mise"}, {"/.rbenv/shims", "rbenv"}, {"/.nodenv/shims", "nodenv"},
}

// unshim replaces a pyenv shim by the program that pyenv would start. pyenv is shell code and nothing is
// executed to find out, so its rules are followed here (pyenv-which, pyenv-version-name,
// pyenv-version-file); its hooks are not.
func (f *finder) unshim(p program) (program, error) {
	root, ok := f.pyenvRoot(p)
	if !ok {
		for _, s := range foreignShims {
			if strings.HasSuffix(filepath.Dir(p.path), s.folder) {
				return program{}, &CommandError{Path: p.path, Code: codeNotExecutable, What: "a launcher of " + s.manager + ", not the program itself",
					Hint: fmt.Sprintf("name the program by the path that `%s which %s` prints", s.manager, filepath.Base(p.path))}
			}
		}
		return p, nil
	}
	name := filepath.Base(p.path)
	shims := filepath.Dir(p.found.real)
	names, origin := f.pyenvNames(root)
	for _, version := range names {
		if version == "system" {
			if found, err := f.locate(name, func(dir string) bool { return dir == shims }); err == nil {
				return shimmed(found), nil
			}
			continue
		}
		folder, ok := f.pyenvVersion(root, version)
		if !ok {
			return program{}, &CommandError{Path: p.path, Code: codeNotFound,
				What: fmt.Sprintf("pyenv version %q (from %s) is not installed", version, origin),
				Hint: "install it with pyenv, or name another with PYENV_VERSION"}
		}
		bin := filepath.Join(folder, "bin")
		if found, err := f.executable(filepath.Join(bin, name)); err == nil {
			f.first = bin // pyenv-exec puts it in front of PATH
			return shimmed(found), nil
		}
	}
	// pyenv-which tries the rest of PATH last.
	found, err := f.locate(name, func(dir string) bool { return dir == shims })
	if err != nil {
		return program{}, &CommandError{Path: p.path, Code: codeNotFound,
			What: fmt.Sprintf("no such program in pyenv version %s (from %s)", strings.Join(names, ", "), origin),
			Hint: "install it there, or name another version with PYENV_VERSION"}
	}
	return shimmed(found), nil
}

func shimmed(p program) program {
	p.shim = true
	return p
}

// pyenvRoot is the pyenv installation whose shim p is.
func (f *finder) pyenvRoot(p program) (string, bool) {
	roots := []string{f.env["PYENV_ROOT"]}
	if f.in.Home != "" {
		roots = append(roots, filepath.Join(f.in.Home, ".pyenv"))
	}
	for _, root := range roots {
		if !filepath.IsAbs(root) {
			continue
		}
		w, err := f.walk(root + "/shims")
		if err == nil && w.real == filepath.Dir(p.found.real) {
			return filepath.Clean(root), true
		}
	}
	return "", false
}

// pyenvNames are the versions that are chosen, in order, and what chose them.
func (f *finder) pyenvNames(root string) (names []string, origin string) {
	if v := f.env["PYENV_VERSION"]; v != "" {
		return strings.FieldsFunc(v, func(r rune) bool { return r == ':' }), "PYENV_VERSION"
	}
	file := filepath.Join(root, "version")
	starts := []string{f.env["PYENV_DIR"], f.in.Dir}
search:
	for _, start := range starts {
		if !filepath.IsAbs(start) {
			continue
		}
		for dir := filepath.Clean(start); ; dir = filepath.Dir(dir) {
			if local := filepath.Join(dir, ".python-version"); f.isFile(local) {
				file = local
				break search
			}
			if dir == "/" {
				break
			}
		}
	}
	text, err := f.small(file)
	if err != nil {
		return []string{"system"}, "default"
	}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) > 0 && !strings.HasPrefix(words[0], "#") && safeVersion(words[0]) {
			names = append(names, words[0])
		}
	}
	if len(names) == 0 {
		return []string{"system"}, file
	}
	return names, file
}

// safeVersion refuses what would leave the versions folder: the file may come from the working directory
// (CVE-2022-35861 was pyenv's own mistake here).
func safeVersion(v string) bool {
	return v != "" && v != "." && v != ".." && !strings.ContainsAny(v, "/\x00")
}

// pyenvVersion is the folder of a version that is installed: the name itself, without "python-", or the
// newest that the name is a prefix of.
func (f *finder) pyenvVersion(root, version string) (string, bool) {
	versions := filepath.Join(root, "versions")
	for _, name := range []string{version, strings.TrimPrefix(version, "python-")} {
		if !safeVersion(name) {
			return "", false
		}
		if folder := filepath.Join(versions, name); f.isDir(folder) {
			return folder, true
		}
	}
	list, err := f.entries(versions)
	if err != nil {
		return "", false
	}
	prefix, best := strings.TrimPrefix(version, "python-"), ""
	for _, e := range list {
		name := e.Name()
		if unstable.MatchString(name) || !strings.HasPrefix(name, prefix+".") && !strings.HasPrefix(name, prefix+"-") {
			continue
		}
		if folder := filepath.Join(versions, name); f.isDir(folder) && (best == "" || newer(name, best)) {
			best = name
		}
	}
	return filepath.Join(versions, best), best != ""
}

// unstable are names that a prefix never means (pyenv-latest); the t is CPython without its lock.
var unstable = regexp.MustCompile(`(-dev|-src|-latest|(a|b|rc)[0-9]+|[0-9]t)$`)

var digits = regexp.MustCompile(`[0-9]+`)

// newer compares versions number by number.
func newer(a, b string) bool {
	return slices.Compare(numbers(a), numbers(b)) > 0
}

func numbers(s string) []int {
	var out []int
	for _, d := range digits.FindAllString(s, -1) {
		n, err := strconv.Atoi(d)
		if err != nil {
			n = 0 // more digits than a version has
		}
		out = append(out, n)
	}
	return out
}
