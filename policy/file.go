package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// maxFileBytes bounds a policy file. The templates are below 8 KiB; a list of a thousand waivers with reasons
// is about 200 KiB.
const maxFileBytes = 1 << 20

// document is a policy text and where it came from.
type document struct {
	layer  string // "builtin:safe", "host", "user", "file"
	file   string // path, or the layer's name for a template
	digest string // of the bytes that were read
	data   []byte
}

// readFile opens a policy file once and reads what that descriptor is. forbidden are permission bits that the
// file must not have: who may write the file decides what may run.
func readFile(layer, name string, forbidden fs.FileMode) (document, error) {
	doc := document{layer: layer, file: name}
	info, err := os.Stat(name) // before opening: opening a device may already have an effect
	if err != nil {
		return doc, unreadable(name, err)
	}
	if err := suitable(name, info, forbidden); err != nil {
		return doc, err
	}
	f, err := openRegular(name)
	if err != nil {
		return doc, unreadable(name, err)
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return doc, unreadable(name, err)
	}
	if err := suitable(name, info, forbidden); err != nil { // what was opened, not what was there before
		return doc, err
	}
	doc.data, err = io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return doc, unreadable(name, err)
	}
	if len(doc.data) > maxFileBytes {
		return doc, tooLarge(name)
	}
	sum := sha256.Sum256(doc.data)
	doc.digest = "sha256:" + hex.EncodeToString(sum[:])
	return doc, nil
}

func suitable(name string, info fs.FileInfo, forbidden fs.FileMode) error {
	switch {
	case info.IsDir():
		return &Error{File: name, What: "is a folder, not a policy file", Hint: "name the YAML file itself"}
	case !info.Mode().IsRegular():
		return &Error{File: name, What: "is not a regular file (" + kindOf(info.Mode()) + ")",
			Hint: "a policy is read from a regular file only, so that its digest means something; save it to one"}
	case info.Size() > maxFileBytes:
		return tooLarge(name)
	case info.Mode().Perm()&forbidden != 0:
		return &Error{File: name, What: fmt.Sprintf("may be written by others (mode %04o)", info.Mode().Perm()),
			Hint: "who can write this file decides what may run; take the permission away: chmod go-w " + shown(name)}
	}
	return nil
}

func tooLarge(name string) error {
	return &Error{File: name, What: fmt.Sprintf("is larger than %d bytes", maxFileBytes), Hint: "this is not a policy file; check the path"}
}

func unreadable(name string, err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err // the path is already in the message
	}
	e := &Error{File: name, What: "cannot be read", Err: err, Hint: "check the permissions of the file and of the folders above it"}
	if errors.Is(err, fs.ErrNotExist) {
		e.Hint = "check the path; a template is named without a slash and without .yaml"
	}
	return e
}

func kindOf(m fs.FileMode) string {
	switch {
	case m&fs.ModeNamedPipe != 0:
		return "FIFO"
	case m&fs.ModeSocket != 0:
		return "socket"
	case m&fs.ModeDevice != 0:
		return "device"
	}
	return "special file"
}
