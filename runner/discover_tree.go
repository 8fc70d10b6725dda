package runner

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// tree is the host's file system; "" is the real one. A test puts a whole host below a folder. Links are
// resolved here and not by the kernel, because each link on the way must exist inside the box too, and so
// that absolute links of a fake host stay in it.
type tree string

// maxLinks is the kernel's limit for one path (include/linux/namei.h, MAXSYMLINKS).
const maxLinks = 40

var errLinks = errors.New("too many symbolic links")

// maxSmallFile bounds every file that discovery reads; each of them is a few lines in practice.
const maxSmallFile = 64 << 10

// walked is a path with everything the kernel passes on the way.
type walked struct {
	real  string
	links map[string]string // real folder + name of the link → its target as written
}

// walk resolves an absolute path like the kernel does: component by component, ".." after links.
func (t tree) walk(p string) (walked, error) {
	w := walked{real: "/", links: map[string]string{}}
	rest := strings.Split(p, "/")
	followed := 0
	for len(rest) > 0 {
		name := rest[0]
		rest = rest[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			w.real = filepath.Dir(w.real)
			continue
		}
		next := filepath.Join(w.real, name)
		info, err := os.Lstat(string(t) + next)
		if err != nil {
			return w, &fs.PathError{Op: "find", Path: p, Err: cause(err)}
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			w.real = next
			continue
		}
		if followed++; followed > maxLinks {
			return w, &fs.PathError{Op: "find", Path: p, Err: errLinks}
		}
		target, err := os.Readlink(string(t) + next)
		if err != nil {
			return w, &fs.PathError{Op: "read link", Path: next, Err: cause(err)}
		}
		w.links[next] = target
		if filepath.IsAbs(target) {
			w.real = "/"
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return w, nil
}

// cause drops the path of the tree from an error; the caller names the path inside it.
func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// stat is the file behind a path.
func (t tree) stat(p string) (fs.FileInfo, error) {
	w, err := t.walk(p)
	if err != nil {
		return nil, err
	}
	return os.Lstat(string(t) + w.real)
}

func (t tree) isDir(p string) bool {
	info, err := t.stat(p)
	return err == nil && info.IsDir()
}

func (t tree) isFile(p string) bool {
	info, err := t.stat(p)
	return err == nil && info.Mode().IsRegular()
}

// open opens a regular file. Anything else is refused before it is opened: opening a FIFO waits for ever.
func (t tree) open(p string) (*os.File, error) {
	w, err := t.walk(p)
	if err != nil {
		return nil, err
	}
	info, err := os.Lstat(string(t) + w.real)
	if err != nil {
		return nil, &fs.PathError{Op: "find", Path: p, Err: cause(err)}
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("file %q: not a regular file", p)
	}
	f, err := os.Open(string(t) + w.real)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: p, Err: cause(err)}
	}
	return f, nil
}

// head is the beginning of a file, at most n bytes.
func (t tree) head(p string, n int64) ([]byte, error) {
	f, err := t.open(p)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, n))
	if err != nil {
		return nil, fmt.Errorf("file %q: %w", p, cause(err))
	}
	return data, nil
}

// small is the whole of a file that is expected to be small.
func (t tree) small(p string) (string, error) {
	data, err := t.head(p, maxSmallFile+1)
	if err == nil && len(data) > maxSmallFile {
		err = fmt.Errorf("file %q: larger than %d bytes", p, maxSmallFile)
	}
	if err != nil {
		return "", err
	}
	return string(data), nil
}

// entries lists a folder in the order of names.
func (t tree) entries(p string) ([]fs.DirEntry, error) {
	w, err := t.walk(p)
	if err != nil {
		return nil, err
	}
	list, err := os.ReadDir(string(t) + w.real)
	if err != nil {
		return nil, &fs.PathError{Op: "list", Path: p, Err: cause(err)}
	}
	return list, nil
}
