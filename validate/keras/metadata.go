package keras

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/loadlock/loadlock/validate"
)

// Fields of SavedMetadata and SavedObject (tf_keras/protobuf/saved_metadata.proto).
const (
	fieldNodes      = 1
	fieldNodeID     = 2
	fieldPath       = 3
	fieldIdentifier = 4
	fieldMetadata   = 5
	fieldVersion    = 6
)

// wire reads protocol buffers: tags, numbers and lengths, with their offsets.
type wire struct {
	p   *validate.Pass
	r   *bufio.Reader
	at  int64
	end int64
}

func newWire(p *validate.Pass, off, n int64) *wire {
	return &wire{p: p, r: bufio.NewReaderSize(p.Section(off, n), 4096), at: off, end: off + n}
}

// ReadByte implements io.ByteReader for binary.ReadUvarint.
func (w *wire) ReadByte() (byte, error) {
	c, err := w.r.ReadByte()
	if err == nil {
		w.at++
	}
	return c, err
}

func (w *wire) number() (uint64, error) {
	at := w.at
	n, err := binary.ReadUvarint(w)
	if err != nil {
		return 0, validate.Malformed(at, "a number that does not end")
	}
	return n, nil
}

// length reads the size of a field that must fit what encloses it.
func (w *wire) length() (int64, error) {
	at := w.at
	n, err := w.number()
	if err == nil && n > uint64(w.end-w.at) {
		err = validate.Malformed(at, "a field of %d bytes in %d", n, w.end-w.at)
	}
	return int64(n), err
}

func (w *wire) skip(n int64) error {
	k, err := io.CopyN(io.Discard, w.r, n)
	w.at += k
	if errors.Is(err, io.EOF) {
		return validate.Malformed(w.at, "a field that ends early")
	}
	return err
}

// metadata judges keras_metadata.pb: a list of nodes, each with JSON that describes one Keras object.
func metadata(p *validate.Pass) error {
	w := newWire(p, 0, p.Size)
	cleared := true
	for node := 0; w.at < w.end; node++ {
		at := w.at
		tag, err := w.number()
		if err != nil {
			return err
		}
		if tag != fieldNodes<<3|2 {
			return validate.Malformed(at, "field %d of type %d in SavedMetadata", tag>>3, tag&7)
		}
		n, err := w.length()
		if err != nil {
			return err
		}
		ok, err := savedObject(p, w.at, n, node)
		if err != nil {
			return err
		}
		cleared = cleared && ok
		if err := w.skip(n); err != nil {
			return err
		}
	}
	if cleared {
		p.Clear(0, p.Size, "SavedMetadata")
	}
	return nil
}

// savedObject reads one node.
func savedObject(p *validate.Pass, off, n int64, node int) (cleared bool, err error) {
	w := newWire(p, off, n)
	cleared = true
	for w.at < w.end {
		at := w.at
		tag, err := w.number()
		if err != nil {
			return false, err
		}
		if tag == fieldNodeID<<3 {
			if _, err := w.number(); err != nil {
				return false, err
			}
			continue
		}
		if field := tag >> 3; tag&7 != 2 || field < fieldPath || field > fieldVersion {
			return false, validate.Malformed(at, "field %d of type %d in SavedObject", field, tag&7)
		}
		size, err := w.length()
		if err != nil {
			return false, err
		}
		switch tag >> 3 {
		case fieldMetadata:
			nested, err := p.Descend(fmt.Sprintf("nodes/%d/metadata", node), p.Section(w.at, size), size)
			if err != nil {
				return false, err
			}
			cleared = cleared && nested.Cleared
		case fieldPath, fieldIdentifier, fieldVersion:
			if size > 64<<10 {
				return false, validate.Malformed(at, "field %d of %d bytes in SavedObject", tag>>3, size)
			}
		}
		if err := w.skip(size); err != nil {
			return false, err
		}
	}
	return cleared, nil
}
