package validate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/loadlock/loadlock/policy"
)

// privateMax is the size up to which a file is copied when it is pinned. Larger files are held open and
// mounted by inode.
const privateMax = 1 << 20

// Snapshot is the pinned, read-only view of a model on a local disk: what it names is what is scanned and
// what is mounted. Small files are private copies (when a folder for them is given), large ones are held open.
type Snapshot struct {
	Path   string // absolute path of the folder or file, as the workload will see it
	Single bool   // Path is a file
	Files  []*File

	root     *os.Root
	prefix   string // of Path inside root; "." or a path
	copies   string // folder of the private copies, or empty
	findings []Finding
	limits   policy.ScanLimits
	private  int64 // bytes of the private copies

	mu      sync.Mutex
	current *os.Root // the folder that was used last, so that its files cost one look-up each
	at      string
	listing *os.File // the same folder, once a file of it was read whole
}

// openFile opens a file below the root. Opening the files of a folder one after the other costs one look-up each.
func (s *Snapshot) openFile(rel string) (*os.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	dir, base := path.Split(rel)
	if within, err := s.folder(path.Clean(dir)); err == nil {
		if h, err := openRegular(within, base); err == nil {
			return h, nil
		}
	}
	return openRegular(s.root, rel) // a link to another folder of the root, or the error as it is
}

// folder opens a folder below the root, following links inside it. The result is valid until the next call.
func (s *Snapshot) folder(rel string) (*os.Root, error) {
	if s.current != nil && s.at == rel {
		return s.current, nil
	}
	next, err := s.root.OpenRoot(rel)
	if err != nil {
		return nil, err
	}
	s.leave()
	s.current, s.at = next, rel
	return next, nil
}

// leave closes the folder that was used last.
func (s *Snapshot) leave() {
	if s.listing != nil {
		s.listing.Close()
		s.listing = nil
	}
	if s.current != nil {
		s.current.Close()
		s.current = nil
	}
}

// readFile is the quick way to read a small file whole; false says that the general one is needed.
func (s *Snapshot) readFile(rel string, want identity, b []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	dir, base := path.Split(rel)
	within, err := s.folder(path.Clean(dir))
	if err != nil {
		return false
	}
	if s.listing == nil {
		if s.listing, err = within.Open("."); err != nil {
			s.listing = nil
			return false
		}
	}
	return readHere(s.listing, base, want, b)
}

// File is one regular file of a snapshot.
type File struct {
	Path   string // slash-separated, relative to Snapshot.Path; the base name of a single file
	Size   int64  // bytes
	SHA256 string // lower-case hex; empty for a large file that nobody needed the digest of

	Copied bool    // the bytes are in the folder of private copies, under Path
	Kept   Keeping // what keeps the bytes from changing; empty when nothing was pinned for a run

	snap *Snapshot
	id   identity
	held *os.File
	copy string // path of the private copy that stands for the file, or empty
}

// PinError says why a model could not be pinned at all: a missing or unsuitable path, or no room for copies.
type PinError struct {
	Path, What, Hint string
	Err              error
}

func (e *PinError) Error() string {
	s := "model " + Printable(e.Path) + ": " + e.What
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *PinError) Unwrap() error { return e.Err }

// Pin opens a model folder or file once and fixes what it consists of. copies is an existing, private folder
// for copies of the small files, or empty to hold none. Close releases the descriptors.
//
// Only regular files are part of a model. Links are followed inside the folder (inside the repository for a
// snapshot in the Hugging Face cache); everything else is a finding.
func Pin(ctx context.Context, name, copies string, limits policy.ScanLimits) (*Snapshot, error) {
	if name == "" {
		return nil, &PinError{Path: name, What: "an empty name", Hint: "name a folder with model files, or one model file"}
	}
	abs, err := filepath.Abs(name)
	if err != nil {
		return nil, &PinError{Path: name, What: "no absolute path", Err: err}
	}
	info, err := os.Stat(abs)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &PinError{Path: name, What: "no such file or folder", Hint: "check the path given to --model", Err: nil}
	case err != nil:
		return nil, &PinError{Path: name, What: "cannot be opened", Hint: "check the permissions of the file and of the folders above it", Err: err}
	case !info.IsDir() && !info.Mode().IsRegular():
		return nil, &PinError{Path: name, What: "is a " + kind(info.Mode()) + ", not a file or folder", Hint: "name a folder with model files, or one model file"}
	}
	s := &Snapshot{Path: abs, Single: info.Mode().IsRegular(), prefix: ".", copies: copies, limits: limits}
	rootPath := abs
	if s.Single {
		rootPath, s.prefix = filepath.Dir(abs), filepath.Base(abs)
	}
	if repo, below, ok := hubRepository(rootPath); ok {
		rootPath, s.prefix = repo, path.Join(filepath.ToSlash(below), s.prefix)
	}
	if s.root, err = os.OpenRoot(rootPath); err != nil {
		return nil, &PinError{Path: name, What: "cannot be opened", Err: err}
	}
	if err := s.walk(ctx); err != nil {
		s.Close()
		return nil, err
	}
	s.settle()
	for _, f := range s.Files {
		if err := f.pin(); err != nil {
			s.Close()
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			s.Close()
			return nil, fmt.Errorf("interrupted: %w", err)
		}
	}
	return s, nil
}

// clockTick is longer than the kernel's coarse clock, which stamps changes (10 ms at CONFIG_HZ=100).
const clockTick = 20 * time.Millisecond

// settle waits until a write to a file that changed a moment ago would get another time stamp than the one
// that was listed. Without it, a write in the same tick is a change that Verify cannot see.
func (s *Snapshot) settle() {
	now := time.Now()
	for _, f := range s.Files {
		if age := now.Sub(f.id.changed()); age < clockTick {
			time.Sleep(clockTick)
			return
		}
	}
}

// Close releases what the snapshot holds. The folder of copies belongs to the caller.
func (s *Snapshot) Close() {
	for _, f := range s.Files {
		if f.held != nil {
			f.held.Close()
		}
	}
	s.leave()
	if s.root != nil {
		s.root.Close()
	}
}

// hubRepository recognises a path inside …/models--org--name/snapshots/<commit> of a Hugging Face cache, whose
// files are links into the repository's own blobs.
func hubRepository(dir string) (repo, below string, ok bool) {
	parts := strings.Split(dir, string(filepath.Separator))
	for i := 0; i+2 < len(parts); i++ {
		if strings.HasPrefix(parts[i], "models--") && parts[i+1] == "snapshots" {
			return strings.Join(parts[:i+1], string(filepath.Separator)), filepath.Join(parts[i+1:]...), true
		}
	}
	return "", "", false
}

// walk lists the regular files below the prefix, in lexical order, following links inside the root only.
func (s *Snapshot) walk(ctx context.Context) error {
	if s.Single {
		info, err := s.root.Stat(s.prefix)
		if err != nil {
			return &PinError{Path: s.Path, What: "is a link that leaves its folder, or cannot be read", Hint: "name the file the link points to", Err: err}
		}
		base := filepath.Base(s.Path)
		if !printable(base) {
			s.note(BadName, base, "name %s", Printable(base))
		}
		s.Files = []*File{{Path: base, Size: info.Size(), snap: s, id: identify(info)}}
		return nil
	}
	var entries int64
	var visit func(rel string, depth int64, above []fs.FileInfo) error
	visit = func(rel string, depth int64, above []fs.FileInfo) error {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("interrupted: %w", err)
		}
		if depth > s.limits.MaxDepth {
			s.note(TooLarge, rel, "folders nested deeper than scan.max_depth (%d)", s.limits.MaxDepth)
			return nil
		}
		within, err := s.folder(path.Join(s.prefix, rel))
		var dir *os.File
		if err == nil {
			dir, err = openRegular(within, ".")
		}
		if err != nil {
			if rel == "." {
				return &PinError{Path: s.Path, What: "cannot be read", Hint: "check the permissions of the folder", Err: err}
			}
			s.note(Unreadable, rel, "%v", err)
			return nil
		}
		list, err := dir.Readdir(int(max(0, s.limits.MaxFiles-entries)) + 1) // one fstatat for each, in the folder that is open
		dir.Close()
		if err != nil && !errors.Is(err, io.EOF) {
			s.note(Unreadable, rel, "%v", err)
		}
		slices.SortFunc(list, func(a, b fs.FileInfo) int { return strings.Compare(a.Name(), b.Name()) })
		for _, info := range list {
			child := info.Name()
			if rel != "." {
				child = rel + "/" + child
			}
			if entries++; entries > s.limits.MaxFiles {
				s.note(TooLarge, rel, "more than scan.max_files (%d) entries", s.limits.MaxFiles)
				return errTooMany
			}
			if !printable(info.Name()) {
				s.note(BadName, child, "name %s", Printable(info.Name()))
				continue
			}
			var err error
			if info.Mode()&fs.ModeSymlink != 0 {
				info, err = s.root.Stat(path.Join(s.prefix, child)) // follows links as far as the root allows
			}
			switch {
			case err != nil:
				s.note(LinkOut, child, "%v", err)
			case info.IsDir() && slices.ContainsFunc(above, func(up fs.FileInfo) bool { return os.SameFile(up, info) }):
				s.note(LinkOut, child, "link to a folder above it")
			case info.IsDir():
				if err := visit(child, depth+1, append(above, info)); err != nil {
					return err
				}
			case !info.Mode().IsRegular():
				s.note(BadKind, child, "%s", kind(info.Mode()))
			default:
				s.Files = append(s.Files, &File{Path: child, Size: info.Size(), snap: s, id: identify(info)})
			}
		}
		return nil
	}
	top, err := s.root.Stat(s.prefix)
	if err != nil {
		return &PinError{Path: s.Path, What: "cannot be read", Err: err}
	}
	if err := visit(".", 0, []fs.FileInfo{top}); err != nil && !errors.Is(err, errTooMany) {
		return err
	}
	return nil
}

var errTooMany = errors.New("too many files")

func (s *Snapshot) note(r *Rule, rel, format string, args ...any) {
	s.findings = append(s.findings, Finding{Rule: r.ID, Severity: r.Severity, File: Printable(rel), Detail: fmt.Sprintf(format, args...)})
}

func kind(m fs.FileMode) string {
	switch {
	case m&fs.ModeNamedPipe != 0:
		return "FIFO"
	case m&fs.ModeSocket != 0:
		return "socket"
	case m&fs.ModeDevice != 0:
		return "device"
	case m.IsDir():
		return "folder"
	}
	return "special file"
}

func printable(name string) bool {
	return utf8.ValidString(name) && !strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) })
}
