package keras

import (
	"bytes"
	"errors"
	"io"
	"path"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/jsonwalk"
)

// Scanner judges Keras descriptions of networks.
func Scanner() *validate.Scanner {
	return &validate.Scanner{
		Name: "keras", Doc: "Keras JSON: every class and function that loading would make, in config.json, HDF5 attributes, keras_metadata.pb", Version: 1,
		Rules: rules, Match: match, Scan: scan,
	}
}

// match claims JSON with a class_name in it, wherever it stands, and SavedMetadata. The key may be written with escapes,
// so text that spells letters that way is claimed as well: no JSON writer does.
func match(h validate.Head) bool {
	if isMetadata(h.Name, h.Start) {
		return true
	}
	start := bytes.TrimLeft(bytes.TrimPrefix(h.Start, mark), " \t\r\n")
	if len(start) == 0 || start[0] != '{' && start[0] != '[' {
		return len(start) == 0 && h.Size > int64(len(h.Start)) && contains(h, h.Size)
	}
	return contains(h, h.Size)
}

// mark is the byte order mark of UTF-8, which json.loads accepts when it is given bytes, as Keras does.
var mark = []byte("\ufeff")

// spelled reports whether a piece has the key, plain or with letters written as escapes (\u0061 for a).
func spelled(b []byte) bool {
	if bytes.Contains(b, []byte(`"class_name"`)) {
		return true
	}
	for {
		_, after, found := bytes.Cut(b, []byte(`\u00`))
		if !found {
			return false
		}
		if b = after; len(b) >= 2 && (b[0] == '6' || b[0] == '7' && (b[1] <= '9' || b[1]|0x20 == 'a') || b[0] == '5' && b[1]|0x20 == 'f') {
			return true
		}
	}
}

// contains looks for the key in pieces of the file, with constant memory.
func contains(r io.ReaderAt, size int64) bool {
	const lap = 16
	buf := make([]byte, min(64<<10, size))
	for at := int64(0); at < size; {
		n, err := r.ReadAt(buf[:min(int64(len(buf)), size-at)], at)
		if spelled(buf[:n]) {
			return true
		}
		if err != nil && !errors.Is(err, io.EOF) || n < len(buf) || at+int64(n) >= size {
			return false
		}
		at += int64(n) - lap
	}
	return false
}

func scan(p *validate.Pass) error {
	var head [4096]byte
	n, err := p.ReadAt(head[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if isMetadata(p.Name, head[:n]) {
		return metadata(p)
	}
	if err := p.ReadText(func(int64, []byte) error { return nil }); err != nil {
		return err
	}
	classes, err := loadClasses()
	if err != nil {
		return err
	}
	j := &judge{p: p, classes: classes, told: map[string]bool{}}
	from := int64(len(head[:n]) - len(bytes.TrimPrefix(head[:n], mark)))
	err = jsonwalk.Walk(p, from, p.Size-from, jsonwalk.Visitor{Scalar: j.scalar, Open: j.open, Close: j.close, Repeated: j.repeated})
	if err != nil {
		return err
	}
	if j.failed != nil {
		return j.failed
	}
	p.Clear(0, p.Size, "Keras JSON")
	return nil
}

// isMetadata recognises keras_metadata.pb: by its name, or by the identifiers that every node carries.
func isMetadata(name string, start []byte) bool {
	return path.Base(name) == "keras_metadata.pb" || len(start) > 0 && start[0] == 0x0a && bytes.Contains(start, []byte("\x22")) && bytes.Contains(start, []byte("_tf_keras_"))
}
