package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/loadlock/loadlock/validate"
	"golang.org/x/sys/unix"
)

// storeDir is where copies of large files live while they are in use: on a disk, unlike the run folder, and for an
// ordinary user on the file system of the usual caches, where a reflink of a downloaded model is possible.
func storeDir(env func(string) string, home string) string {
	switch cache := env("XDG_CACHE_HOME"); {
	case filepath.IsAbs(cache):
		return filepath.Join(cache, "loadlock", "copies")
	case os.Geteuid() == 0:
		return "/var/cache/loadlock/copies"
	case filepath.IsAbs(home):
		return filepath.Join(home, ".cache", "loadlock", "copies")
	}
	return ""
}

// sweepCopies removes the copies of runs that were killed.
func sweepCopies(store string) {
	if ours(store) != nil {
		return // there are none, or not ours
	}
	turn, err := lockFolder(store)
	if err != nil {
		return
	}
	defer turn.Close()
	sweep(store)
}

// newCopy makes an empty file in the store of this run, which is made when it is first needed.
func (r *run) newCopy() (*os.File, error) {
	if r.store == nil {
		at := storeDir(getenv(r.job.Env), r.job.Home)
		if at == "" {
			return nil, errors.New("no folder for copies: neither XDG_CACHE_HOME nor a home folder")
		}
		store, err := newRunDir(at)
		if err != nil {
			return nil, err
		}
		r.store = store
	}
	name := filepath.Join(r.store.private(), strconv.Itoa(r.copied))
	r.copied++
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o444)
}

// reflink clones the blocks of the file (ioctl_ficlonerange(2)): btrfs, XFS and others, within one file system.
func reflink(_ context.Context, r *run, f *validate.File) error {
	dst, err := r.newCopy()
	if err != nil {
		return fmt.Errorf("%w: %w", err, errNotThisWay)
	}
	if err := unix.IoctlFileClone(int(dst.Fd()), int(f.Held().Fd())); err != nil {
		return errors.Join(fmt.Errorf("into %s: %w: %w", filepath.Dir(r.store.path), err, errNotThisWay), dst.Close(), os.Remove(dst.Name()))
	}
	return errors.Join(dst.Close(), f.Replace(dst.Name(), validate.Reflink))
}

// copyChunk is how much is copied between two looks at the context.
const copyChunk = 64 << 20

// fullCopy copies the file; the kernel does it where it can (copy_file_range(2)).
func fullCopy(ctx context.Context, r *run, f *validate.File) error {
	max := r.policy.Scan.MaxCopiedMB << 20
	if max == 0 {
		return fmt.Errorf("scan.max_copied_mb is 0: %w", errNotThisWay)
	}
	if f.Size > max-r.copiedBytes {
		return &validate.PinError{Path: f.Path, What: fmt.Sprintf("%d bytes more to copy than scan.max_copied_mb (%d) allows", f.Size-(max-r.copiedBytes), r.policy.Scan.MaxCopiedMB),
			Hint: "raise scan.max_copied_mb; or model_files: held, without --copy-model"}
	}
	r.copiedBytes += f.Size
	dst, err := r.newCopy()
	if err != nil {
		return noCopy(f, err)
	}
	defer dst.Close()
	if err := room(dst, f.Size); err != nil {
		return noCopy(f, err)
	}
	src := f.Held()
	if _, err := src.Seek(0, io.SeekStart); err != nil {
		return noCopy(f, err)
	}
	for left := f.Size; left > 0; left -= copyChunk {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("interrupted: %w", err)
		}
		n, err := io.CopyN(dst, src, min(left, copyChunk))
		if errors.Is(err, io.EOF) || err == nil && n < min(left, copyChunk) {
			return &validate.ChangedError{Path: f.Path, What: "its size changed while it was copied"}
		}
		if err != nil {
			return noCopy(f, err)
		}
	}
	return f.Replace(dst.Name(), validate.FullCopy)
}

// room refuses a copy that cannot fit before gigabytes of it are written.
func room(dst *os.File, size int64) error {
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(dst.Fd()), &st); err != nil {
		return fmt.Errorf("statfs: %w", err)
	}
	if free := int64(st.Bavail) * st.Bsize; free < size {
		return fmt.Errorf("%d bytes are free in %s, %d are needed: %w", free, filepath.Dir(dst.Name()), size, unix.ENOSPC)
	}
	return nil
}

func noCopy(f *validate.File, err error) error {
	return &validate.PinError{Path: f.Path, What: "no copy could be made of it", Err: err,
		Hint: "free space there, point XDG_CACHE_HOME to a folder with room, or model_files: held, without --copy-model"}
}
