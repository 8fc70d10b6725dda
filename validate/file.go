package validate

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// pin copies a small file, or opens a large one and keeps it.
func (f *File) pin() error {
	s := f.snap
	if max := s.limits.MaxFileSizeMB << 20; f.Size > max {
		s.note(TooLarge, f.Path, "%d bytes, max_file_size_mb allows %d", f.Size, s.limits.MaxFileSizeMB)
	}
	if s.copies == "" {
		return nil
	}
	src, err := f.reopen()
	if err != nil {
		s.note(Unreadable, f.Path, "%v", err)
		return nil
	}
	if f.Size > privateMax || f.Size > s.limits.MaxPrivateMB<<20-s.private {
		f.held, f.Kept = src, Identity
		return s.place(f, nil) // an empty file for the mount to cover
	}
	defer src.Close()
	s.private += f.Size
	return s.place(f, src)
}

// place creates the file below the folder of copies; with a source it copies the bytes and their digest.
func (s *Snapshot) place(f *File, src io.Reader) error {
	target := filepath.Join(s.copies, filepath.FromSlash(f.Path))
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return s.noRoom(err)
	}
	dst, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o444)
	if err != nil {
		return s.noRoom(err)
	}
	defer dst.Close()
	if src == nil {
		return nil
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(dst, sum), io.LimitReader(src, f.Size+1))
	if err != nil {
		return s.noRoom(err)
	}
	if n != f.Size {
		return &ChangedError{Path: f.Path, What: "its size changed while it was copied"}
	}
	f.SHA256, f.Copied, f.Kept, f.copy = hex.EncodeToString(sum.Sum(nil)), true, PrivateCopy, target
	return dst.Close()
}

func (s *Snapshot) noRoom(err error) error {
	return &PinError{Path: s.Path, What: "no private copy could be made in " + s.copies, Err: err,
		Hint: "free space there, or point XDG_RUNTIME_DIR to a folder with room"}
}

// reopen opens the file through the root and checks that it is still the file that was listed.
func (f *File) reopen() (*os.File, error) {
	h, err := f.snap.openFile(f.inRoot())
	if err != nil {
		return nil, err
	}
	info, err := h.Stat()
	if err == nil && identify(info) != f.id {
		err = &ChangedError{Path: f.Path, What: "it was replaced or written to"}
	}
	if err != nil {
		h.Close()
		return nil, err
	}
	return h, nil
}

// inRoot is the file's path below the root.
func (f *File) inRoot() string {
	if f.snap.Single {
		return f.snap.prefix
	}
	return path.Join(f.snap.prefix, f.Path)
}

// open gives the bytes that the workload will see.
func (f *File) open() (io.ReaderAt, func(), error) {
	if f.held != nil {
		return f.held, func() {}, nil
	}
	h, err := f.Reopen()
	if err != nil {
		return nil, nil, err
	}
	return h, func() { h.Close() }, nil
}

// Reopen gives a descriptor of its own of the bytes that the workload will see. The caller closes it.
func (f *File) Reopen() (*os.File, error) {
	if f.copy != "" {
		return os.Open(f.copy)
	}
	return f.reopen()
}

// ReadAll fills b, which has the size of the file, with the bytes that the workload will see.
func (f *File) ReadAll(b []byte) error {
	if f.copy == "" && f.held == nil && f.snap.readFile(f.inRoot(), f.id, b) {
		return nil
	}
	h, err := f.Reopen()
	if err != nil {
		return err
	}
	defer h.Close()
	_, err = io.ReadFull(io.NewSectionReader(h, 0, f.Size), b)
	return err
}

// Held is the open descriptor of a large file that stays where it is, or nil.
func (f *File) Held() *os.File { return f.held }

// Copy is the path of the private copy that stands for the file, or empty.
func (f *File) Copy() string { return f.copy }

// Digest computes the SHA-256 of the file if it is not known yet. It reads the whole file.
func (f *File) Digest() (string, error) {
	if f.SHA256 != "" {
		return f.SHA256, nil
	}
	data, done, err := f.open()
	if err != nil {
		return "", err
	}
	defer done()
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(data, 0, f.Size)); err != nil {
		return "", err
	}
	f.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return f.SHA256, nil
}

// SameState reports whether two looks at a file, a folder or a link saw the same one, unchanged in between.
func SameState(a, b fs.FileInfo) bool { return identify(a) == identify(b) }

// Is reports whether a file is, unchanged, the one that was pinned.
func (f *File) Is(info fs.FileInfo) bool { return identify(info) == f.id }
