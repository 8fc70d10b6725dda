package validate

import (
	"fmt"
	"os"
)

// Keeping says what keeps the bytes of a file the same from the scan until the command has ended. Whoever pins a
// model for a run chooses it for each file; package runner says what each word is worth.
type Keeping string

// The ways, as reports name them. Identity alone lets a change through: it is noticed, not prevented, and a writer
// that mapped the file before the scan is not even noticed (mmap(2), MAP_SHARED: the times of a file change when a
// page is written for the first time, not when it is written again).
const (
	PrivateCopy Keeping = "private copy"          // a small file, copied when it was pinned
	FullCopy    Keeping = "copy"                  // a large file, copied on request
	Reflink     Keeping = "reflink"               // a copy that shares its blocks until somebody writes (FICLONE)
	Verity      Keeping = "fs-verity"             // the kernel never lets anybody write to the file, and checks what it reads
	ReadOnly    Keeping = "read-only file system" // a kind of file system that cannot be written to
	Lease       Keeping = "lease"                 // nobody has it open for writing, and who wants to waits for us (fcntl(2), F_SETLEASE)
	Identity    Keeping = "identity check"        // device, inode, size and times are compared before the start and at the end
)

// Unchangeable reports whether no byte can change while the file is kept this way.
func (k Keeping) Unchangeable() bool { return k != "" && k != Identity }

// Keep notes what holds a large file that stays where it is.
func (f *File) Keep(by Keeping) { f.Kept = by }

// Replace makes a private copy of a large file stand for it: the copy is what is scanned and mounted. The copy must
// have been made from Held, which is closed. It fails when the file was written to meanwhile.
func (f *File) Replace(copy string, by Keeping) error {
	info, err := f.held.Stat()
	if err != nil {
		return fmt.Errorf("%s: %w", Printable(f.Path), err)
	}
	if !f.Is(info) {
		return &ChangedError{Path: f.Path, What: "it was written to while it was copied"}
	}
	made, err := os.Stat(copy)
	if err != nil {
		return fmt.Errorf("%s: %w", Printable(f.Path), err)
	}
	if made.Size() != f.Size {
		return &ChangedError{Path: f.Path, What: "its size changed while it was copied"}
	}
	f.held.Close()
	f.held, f.copy, f.Kept = nil, copy, by
	return nil
}

// Large reports whether a file of a run has a mount of its own, instead of lying in the folder of private copies.
func (f *File) Large() bool { return f.held != nil || f.copy != "" && !f.Copied }
