package runner

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/validate"
	"golang.org/x/sys/unix"
)

// target is where a file of a model is inside, and what it is called on the host.
func target(s *validate.Snapshot, f *validate.File) string {
	if s.Single {
		return s.Path
	}
	return filepath.Join(s.Path, filepath.FromSlash(f.Path))
}

// source is what is mounted there.
func source(s *validate.Snapshot, f *validate.File) string {
	if f.Copy() != "" {
		return f.Copy()
	}
	return target(s, f)
}

// sameInside is the last look before the command starts: under every name that the command will use lies what was
// scanned. Whatever was done to the names on the host while things were mounted, the mount shows one file, and this is
// the very one that is held, or a private copy; so swapping and swapping back leads nowhere.
func (r *run) sameInside(c clearance) error {
	root, err := unix.Open(r.box.Root(), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("root of the sandbox: %w", err)
	}
	defer unix.Close(root)
	for i, m := range c.models {
		if s := m.Snapshot(); !s.Single {
			if err := sameFile(root, s.Path, r.copies(i)); err != nil {
				return err
			}
		}
		for _, f := range m.Files() {
			at := target(m.Snapshot(), f)
			if f.Copy() != "" {
				if f.Large() || m.Snapshot().Single {
					err = sameFile(root, at, f.Copy())
				}
			} else {
				err = samePinned(root, at, f)
			}
			if err != nil {
				return err
			}
		}
	}
	if err := r.sameScript(root); err != nil {
		return err
	}
	return r.unbroken()
}

// inside is the file at a path of the box. Links are resolved in the box, as the command will: an absolute link
// followed through /proc/<pid>/root would lead to the host's file of that name (openat2(2), RESOLVE_IN_ROOT).
func inside(root int, path string) (fs.FileInfo, error) {
	f, err := openInside(root, path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Stat()
}

// openInside is the place of that file (O_PATH).
func openInside(root int, path string) (*os.File, error) {
	fd, err := unix.Openat2(root, path, &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS})
	if err != nil {
		return nil, &fs.PathError{Op: "open inside", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

func sameFile(root int, at, copy string) error {
	want, err := os.Stat(copy)
	if err != nil {
		return fmt.Errorf("private copy: %w", err)
	}
	if info, err := inside(root, at); err != nil || !os.SameFile(info, want) {
		return &validate.ChangedError{Path: at, What: "something else took its place before it was mounted"}
	}
	return nil
}

func samePinned(root int, at string, f *validate.File) error {
	if info, err := inside(root, at); err != nil || !f.Is(info) {
		return &validate.ChangedError{Path: f.Path, What: "another file took its place before it was mounted, or it was written to"}
	}
	return nil
}

// aWriterCame is told that somebody waits to write to a leased file.
func (r *run) aWriterCame(f *validate.File, end context.CancelFunc) {
	if r.policy.ModelFiles == policy.ModelFilesUnchangeable {
		r.notice(validate.Printable(f.Path) + " was opened for writing: the command is ended before a byte can change")
		r.ended = f
		end()
		return
	}
	r.notice("tainted: " + validate.Printable(f.Path) + " was opened for writing; what the command reads from now on need not be what was scanned")
}

// changedMeanwhile notes what changed under the command while it ran: what it read may then differ from what was
// scanned. It is an error when the command was ended for it.
func (r *run) changedMeanwhile(c clearance) error {
	taint := func(format string, args ...any) {
		r.res.Notes = append(r.res.Notes, "tainted: "+fmt.Sprintf(format, args...))
	}
	for _, files := range r.inUse(c) {
		for _, f := range files {
			if f.Held() == nil || f.Kept == validate.Lease && r.ended != nil {
				continue // a lease is kept until the end where the command is ended for it
			}
			switch info, err := f.Held().Stat(); {
			case err != nil || !f.Is(info):
				taint("%s was written to while the command ran", validate.Printable(f.Path))
			case r.opened[f]:
				taint("%s was opened for writing while the command ran", validate.Printable(f.Path))
			}
		}
	}
	for _, step := range r.steps {
		if !r.live(step.path) {
			continue
		}
		if now, err := os.Lstat(step.path); err != nil || !step.is(now) {
			taint("%s was replaced or changed while the command ran, and what the command opened below it need not be what was scanned", validate.Printable(step.path))
		}
	}
	if r.ended != nil {
		return &EndedError{Path: r.ended.Path}
	}
	return nil
}

// orChanged blames a model that changed for what it made fail: a file that was to be mounted is gone, say.
func (r *run) orChanged(ctx context.Context, err error) error {
	for _, s := range r.snaps {
		var changed *validate.ChangedError
		if errors.As(s.Verify(ctx), &changed) {
			return changed
		}
	}
	return err
}

// inUse are the files that the command was given, by model, and the script.
func (r *run) inUse(c clearance) (files [][]*validate.File) {
	for _, m := range c.models {
		files = append(files, m.Files())
	}
	if r.script != nil {
		files = append(files, r.script.Files)
	}
	return files
}

// EndedError says why a command was ended that had begun.
type EndedError struct{ Path string }

func (e *EndedError) Error() string {
	return "model file " + validate.Printable(e.Path) + ": somebody opened it for writing while the command ran; the command was ended before a byte could change (model_files: unchangeable)"
}

// step is one component of the path to a model.
type step struct {
	path string
	info fs.FileInfo // of itself, not of what a link leads to
	last bool        // the model itself
}

// is compares a link, and the model's own folder, by the change time too, which a rename sets, so that one that was
// swapped and swapped back is noticed. The times of the folders above say nothing: files come and go in them.
func (s step) is(now fs.FileInfo) bool {
	if s.info.Mode()&fs.ModeSymlink != 0 || s.last {
		return validate.SameState(s.info, now)
	}
	return os.SameFile(s.info, now)
}

// stepsTo are the components of a path, links as well as folders, but not the file at its end.
func stepsTo(path string, single bool) (steps []step, err error) {
	at := ""
	for part := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		at += "/" + part
		info, err := os.Lstat(at)
		if err != nil {
			return nil, &validate.PinError{Path: path, What: "cannot be opened", Err: err}
		}
		if single && at == path && info.Mode().IsRegular() {
			continue
		}
		steps = append(steps, step{at, info, at == path})
	}
	return steps, nil
}

// live reports whether a path of the host is visible inside as it is on the host at any moment: in a folder that is
// mounted whole, such as the script's. Elsewhere folders and links on the way to a model are the box's own.
func (r *run) live(path string) bool {
	for _, b := range r.spec.Binds {
		if !strings.HasPrefix(b.Why, "model") && path != b.Target && within(path, b.Target) {
			return true
		}
	}
	return false
}
