package validate

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// Expansion is what Expand learnt about a decompressed member.
type Expansion struct {
	Nested
	Size   int64  // bytes that came out
	CRC32  uint32 // IEEE, of those bytes
	Broken error  // what the decompressor said instead of ending; what came out before was judged all the same
}

// Expand judges what a decompressor gives as a file inside this one. open starts the decompression from its
// beginning; it is called again when a scanner reads backwards in a member that is too large to be held. Every byte
// that comes out is charged, each time. An error means that a budget is exhausted.
func (p *Pass) Expand(name string, open func() (io.Reader, error)) (Expansion, error) {
	return p.ExpandSlowly(1, name, open)
}

// Slow is what a byte out of bzip2, xz or LZMA costs, compared with one out of deflate.
const Slow = 4

// ExpandSlowly is Expand for a decompressor whose bytes cost as many times what those of deflate do.
func (p *Pass) ExpandSlowly(cost int64, name string, open func() (io.Reader, error)) (Expansion, error) {
	e, held, tail, err := p.measure(cost, open)
	if err != nil {
		p.judgeFront(name, held)
		return e, err
	}
	var data io.ReaderAt
	if held != nil {
		data = bytes.NewReader(held)
	} else {
		data = &rewinder{p: p, cost: cost, open: open, size: e.Size, tail: tail, slots: max(2, rewindBlocks>>min(p.Depth, 8))}
	}
	e.Nested, err = p.Descend(name, data, e.Size)
	if e.Broken != nil {
		e.Cleared = false
	}
	return e, err
}

// heldMax is the size up to which a decompressed member is held in memory. Members inside members are held at the
// same time, so each level holds half of what the level around it may.
const heldMax = 4 << 20

// tailHeld is what is kept of the end of a larger member: formats are recognised there, and it costs a whole
// decompression to come to it again.
const tailHeld = 128 << 10

// judgeFront looks for what is certainly hostile in the first bytes of a member that is a bomb: loaders read from the
// front, and have run a payload long before they come to the end.
func (p *Pass) judgeFront(name string, front []byte) {
	if p.run.ctx.Err() != nil || len(front) == 0 || p.Depth >= p.run.limits.MaxDepth {
		return
	}
	was := p.onlyHigh
	p.onlyHigh = true
	_, _ = p.Descend(name, bytes.NewReader(front), int64(len(front))) // what ended the scan is returned
	p.onlyHigh = was
}

// measure decompresses once. It returns the bytes if they are few, and their end if they are many; with an error some
// of their front.
func (p *Pass) measure(cost int64, open func() (io.Reader, error)) (e Expansion, held, tail []byte, err error) {
	src, err := open()
	if err != nil {
		e.Broken = err
		return e, []byte{}, nil, nil
	}
	most := int64(heldMax) >> min(p.Depth, 8)
	var front []byte
	sum := crc32.NewIEEE()
	buf := make([]byte, 32<<10)
	held = []byte{}
	for {
		n, err := src.Read(buf)
		if err := p.expand(int64(n), cost, false); err != nil {
			if held != nil {
				front = held
			}
			return e, front, nil, err
		}
		e.Size += int64(n)
		sum.Write(buf[:n])
		switch {
		case held == nil:
			tail = keepEnd(tail, buf[:n])
		case e.Size > most:
			tail = keepEnd(bytes.Clone(held[max(0, len(held)-tailHeld):]), buf[:n])
			front, held = bytes.Clone(held[:len(held)/4]), nil
		default:
			p.heavy(e.Size)
			held = append(held, buf[:n]...)
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				if cause := p.Charge(Expanded, 0); cause != nil {
					return e, front, nil, cause
				}
				e.Broken = err
			}
			e.CRC32 = sum.Sum32()
			return e, held, tail, nil
		}
	}
}

// keepEnd appends to what is kept of an end and forgets what is too far from it.
func keepEnd(tail, b []byte) []byte {
	tail = append(tail, b...)
	if len(tail) > 2*tailHeld {
		tail = append(tail[:0], tail[len(tail)-tailHeld:]...)
	}
	return tail
}

// rewinder reads at any place of a stream that can only be read forward, by starting again. It keeps the last blocks,
// so that a scanner that looks back a little does not pay for it.
type rewinder struct {
	p      *Pass
	cost   int64
	open   func() (io.Reader, error)
	size   int64
	tail   []byte // the last bytes
	slots  int    // of blocks, how many are used
	src    io.Reader
	at     int64 // of src, a multiple of rewindBlock or the end
	blocks [rewindBlocks]rewindEntry
	next   int
}

type rewindEntry struct {
	off int64
	b   []byte
}

const rewindBlock, rewindBlocks = 64 << 10, 16

// ReadAt implements io.ReaderAt.
func (w *rewinder) ReadAt(b []byte, off int64) (n int, err error) {
	for n < len(b) {
		if off >= w.size {
			return n, io.EOF
		}
		if from := w.size - int64(len(w.tail)); off >= from {
			k := copy(b[n:], w.tail[off-from:])
			n, off = n+k, off+int64(k)
			continue
		}
		block, err := w.block(off - off%rewindBlock)
		if err != nil {
			return n, err
		}
		k := copy(b[n:], block[off%rewindBlock:])
		n, off = n+k, off+int64(k)
	}
	return n, nil
}

func (w *rewinder) block(off int64) ([]byte, error) {
	for _, e := range w.blocks {
		if e.b != nil && e.off == off {
			return e.b, nil
		}
	}
	if w.src == nil || w.at > off {
		src, err := w.open()
		if err != nil {
			return nil, err
		}
		w.src, w.at = src, 0
	}
	for {
		e := &w.blocks[w.next]
		if e.b == nil {
			e.b = make([]byte, rewindBlock)
		}
		want := min(rewindBlock, w.size-w.at)
		e.off, e.b = w.at, e.b[:want]
		if _, err := io.ReadFull(w.src, e.b); err != nil {
			e.b = nil
			return nil, fmt.Errorf("the second decompression differs from the first: %w", err)
		}
		if err := w.p.expand(want, w.cost, true); err != nil {
			return nil, err
		}
		w.at += want
		if e.off == off {
			w.next = (w.next + 1) % w.slots
			return e.b, nil
		}
		// passed over: the slot is used again, so that looking back keeps what was really read
	}
}
