package validate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// ChangedError says that a model is no longer what was scanned.
type ChangedError struct{ Path, What string }

func (e *ChangedError) Error() string {
	return "model changed while it was being validated: " + Printable(e.Path) + ": " + e.What
}

// Verify walks the model again and compares it with what was pinned: no file added, removed, replaced or
// written to. It compares device, inode, size, modification and status-change time.
func (s *Snapshot) Verify(ctx context.Context) error {
	now := &Snapshot{Path: s.Path, Single: s.Single, root: s.root, prefix: s.prefix, limits: s.limits}
	err := now.walk(ctx)
	now.leave()
	if err != nil {
		return err
	}
	before := make(map[string]*File, len(s.Files))
	for _, f := range s.Files {
		before[f.Path] = f
	}
	for _, f := range now.Files {
		old, ok := before[f.Path]
		switch {
		case !ok:
			return &ChangedError{Path: f.Path, What: "it was added"}
		case old.id != f.id:
			return &ChangedError{Path: f.Path, What: "it was replaced or written to"}
		}
		delete(before, f.Path)
	}
	for name := range before {
		return &ChangedError{Path: name, What: "it was removed"}
	}
	for _, f := range s.Files {
		if f.held == nil {
			continue
		}
		if info, err := f.held.Stat(); err != nil || identify(info) != f.id {
			return &ChangedError{Path: f.Path, What: "it was written to"}
		}
	}
	return nil
}

// ManifestDigest identifies the model: SHA-256 over the sorted lines "sha256-or-dash size path\n". Files whose
// content digest was not needed contribute "-"; full reports whether there were none.
func (s *Snapshot) ManifestDigest() (digest string, full bool) {
	sum := sha256.New()
	full = true
	for _, f := range s.Files {
		d := f.SHA256
		if d == "" {
			d, full = "-", false
		}
		fmt.Fprintf(sum, "%s %d %s\n", d, f.Size, f.Path)
	}
	return "sha256:" + hex.EncodeToString(sum.Sum(nil)), full
}
