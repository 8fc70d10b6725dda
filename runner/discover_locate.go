package runner

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// program is an executable file.
type program struct {
	path  string // absolute and clean, as the user or PATH names it: Python finds its venv by this name
	found walked // the real file and the links on the way
	shim  bool   // it stands for the shim that was named
}

// defaultSearch is where execvp looks without PATH (confstr(3), _CS_PATH).
const defaultSearch = "/bin:/usr/bin"

// locate finds the file that execvp would start. Folders of PATH for which skip is true are passed over.
func (f *finder) locate(name string, skip func(real string) bool) (program, error) {
	if strings.Contains(name, "/") {
		return f.executable(f.absolute(name))
	}
	search, ok := f.env["PATH"]
	if !ok {
		search = defaultSearch
	}
	var denied error
	for _, folder := range strings.Split(search, ":") {
		dir, err := f.walk(f.absolute(folder)) // an empty entry is the working directory
		if err != nil || skip != nil && skip(dir.real) {
			continue
		}
		file := f.absolute(folder) + "/" + name
		if f.isDir(file) {
			continue
		}
		p, err := f.executable(file)
		if err == nil {
			return p, nil
		}
		var ce *CommandError
		if denied == nil && errors.As(err, &ce) && ce.Code == codeNotExecutable {
			denied = err // execvp goes on, and reports this when nothing better comes
		}
	}
	if denied != nil {
		return program{}, denied
	}
	return program{}, &CommandError{Path: name, Code: codeNotFound, What: "not found in PATH", Hint: f.hintFor(name)}
}

// hintFor looks for what the user may have meant.
func (f *finder) hintFor(name string) string {
	if f.isFile(f.absolute(name)) {
		return fmt.Sprintf("a file of that name is in the working directory: ./%s", name)
	}
	if name == "python" {
		if _, err := f.locate("python3", nil); err == nil {
			return "python3 exists here"
		}
	}
	return "install it, or name it by its path"
}

// executable checks one candidate.
func (f *finder) executable(file string) (program, error) {
	w, err := f.walk(file)
	clean := filepath.Clean(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		hint := ""
		if len(w.links) > 0 {
			hint = "a link on the way points to nothing; a virtual environment whose Python was removed must be made again"
		}
		return program{}, &CommandError{Path: clean, Code: codeNotFound, What: "does not exist", Hint: hint}
	case err != nil:
		return program{}, &CommandError{Path: clean, Code: codeNotExecutable, What: cause(err).Error()}
	}
	info, err := os.Lstat(string(f.tree) + w.real)
	switch {
	case err != nil:
		return program{}, &CommandError{Path: clean, Code: codeNotExecutable, What: cause(err).Error()}
	case info.IsDir():
		return program{}, &CommandError{Path: clean, Code: codeNotExecutable, What: "is a folder"}
	case !info.Mode().IsRegular():
		return program{}, &CommandError{Path: clean, Code: codeNotExecutable, What: "is not a regular file"}
	case info.Mode()&0o111 == 0:
		return program{}, &CommandError{Path: clean, Code: codeNotExecutable, What: "is not executable",
			Hint: "name its interpreter (python FILE), or chmod +x it"}
	}
	return program{path: f.sameName(file, w), found: w}, nil
}

// sameName is the clean name of a file, when cleaning does not lead elsewhere (".." after a link does).
func (f *finder) sameName(file string, w walked) string {
	clean := filepath.Clean(file)
	if again, err := f.walk(clean); err == nil && again.real == w.real {
		return clean
	}
	return w.real
}
