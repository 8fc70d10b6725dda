package isolate

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// skeleton makes the folders that Create needs, and in the box's root the links and files that were written for this run.
// The root is never left, whatever links lie in it.
func (b *Box) skeleton() error {
	dir := filepath.Join(b.spec.RunDir, "rootfs")
	for _, dir := range []string{dir, b.stateRoot()} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("run folder: %w", err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("run folder: %w", err)
	}
	defer root.Close()
	s := b.spec
	err = errors.Join(
		put(root, "/", s.Symlinks, func(at, target string) error {
			if err := root.Symlink(target, at); !errors.Is(err, fs.ErrExist) {
				return err
			}
			return nil
		}),
		put(root, "/", s.Etc, func(at, text string) error { return root.WriteFile(at, []byte(text), 0o644) }),
		put(root, "/", s.GPU.Files, func(at, text string) error { return root.WriteFile(at, []byte(text), 0o444) }),
		put(root, driverPath, s.GPU.Proc, func(at, text string) error { return root.WriteFile(at, []byte(text), 0o444) }),
		put(root, "/", s.GPU.Links, func(at, target string) error { return root.Symlink(target, at) }),
	)
	if err != nil {
		return fmt.Errorf("run folder: %w", err)
	}
	if !s.Host.Rootless { // mount points are made by the box's own id 0
		return filepath.WalkDir(dir, func(p string, _ os.DirEntry, err error) error {
			if err != nil {
				return err
			}
			return os.Lchown(p, int(s.Host.IDBase), int(s.Host.IDBase))
		})
	}
	return nil
}

// put makes what is named, below a folder of the root, with the folders it lies in.
func put(root *os.Root, below string, what map[string]string, make func(at, value string) error) error {
	for name, value := range what {
		at := strings.TrimPrefix(path.Join(below, name), "/")
		if err := root.MkdirAll(path.Dir(at), 0o755); err != nil {
			return err
		}
		if err := make(at, value); err != nil {
			return err
		}
	}
	return nil
}
