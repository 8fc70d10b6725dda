package runner

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/loadlock/loadlock/validate"
	"golang.org/x/sys/unix"
)

// What is copied out is bounded, because who left it is hostile: a path is resolved again for every file, so that deep
// folders cost the square of their depth, and every name that is skipped goes into the report.
const (
	outputDepth   = 100     // folders inside each other
	outputEntries = 100_000 // files and folders
	outputSkipped = 1000    // names of what was skipped
)

// openOutput holds the folder that --output names inside. It lies in the box's own mount namespace, which ends with the
// command; what is in it lasts as long as somebody holds it. Without --output it is nil.
func (r *run) openOutput() (*os.Root, error) {
	if r.job.Output == "" {
		return nil, nil
	}
	at, err := filepath.Abs(r.job.Output)
	if err != nil {
		return nil, fmt.Errorf("output: %w", err)
	}
	root, err := os.Open(r.box.Root())
	if err != nil {
		return nil, fmt.Errorf("output: %w", err)
	}
	defer root.Close()
	folder, err := openInside(int(root.Fd()), at)
	if err != nil {
		return nil, fmt.Errorf("output: %w", err)
	}
	defer folder.Close()
	return os.OpenRoot(fmt.Sprintf("/proc/self/fd/%d", folder.Fd()))
}

// copyOut copies what the command left in its output folder to where the user wants it: regular files and
// folders only, never through a link on either side, at most max bytes. What it skips it names.
func copyOut(from *os.Root, dest string, max int64) (skipped []string, err error) {
	if err := os.MkdirAll(dest, 0o755); err != nil {
		return nil, fmt.Errorf("output: %w", err)
	}
	to, err := os.OpenRoot(dest)
	if err != nil {
		return nil, fmt.Errorf("output: %w", err)
	}
	defer to.Close()
	left := max
	entries, more := 0, 0
	skip := func(name, why string) {
		if len(skipped) == outputSkipped {
			more++
			return
		}
		skipped = append(skipped, validate.Printable(name)+": "+why)
	}
	err = fs.WalkDir(from.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		entries++
		switch {
		case entries > outputEntries:
			skip(name, fmt.Sprintf("and everything after it: more than %d files", outputEntries))
			return fs.SkipAll
		case err != nil:
			skip(name, "cannot be read")
			return nil
		case name == ".":
			return nil
		case strings.Count(name, "/") >= outputDepth:
			skip(name, fmt.Sprintf("and everything in it: deeper than %d folders", outputDepth))
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		case e.IsDir():
			if err := to.Mkdir(name, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
				skip(name, reason(err))
				return fs.SkipDir
			}
			return nil
		case !e.Type().IsRegular():
			skip(name, "not a regular file")
			return nil
		}
		n, err := copyFile(from, to, name, left)
		if left -= n; err != nil {
			skip(name, reason(err))
		}
		return nil
	})
	if more > 0 {
		skipped = append(skipped, fmt.Sprintf("and %d more", more))
	}
	return skipped, err
}

func copyFile(from, to *os.Root, name string, left int64) (int64, error) {
	src, err := from.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
	if err != nil {
		return 0, err
	}
	defer src.Close()
	info, err := src.Stat()
	switch {
	case err != nil:
		return 0, err
	case !info.Mode().IsRegular():
		return 0, errors.New("not a regular file")
	case info.Size() > left:
		return 0, errors.New("over the limit of bytes that are copied out (tmp_size_mb)")
	}
	tmp := path.Join(path.Dir(name), "."+filepath.Base(name)+".loadlock")
	dst, err := to.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(dst, io.LimitReader(src, left))
	if err = errors.Join(err, dst.Close()); err == nil {
		err = to.Rename(tmp, name)
	}
	if err != nil {
		_ = to.Remove(tmp)
	}
	return n, err
}
