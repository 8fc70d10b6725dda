// Package drain gets the last bytes out of a decompressor whose stream breaks.
//
// The LZMA decoder fills its dictionary before it hands anything on; when the stream breaks it reports the error first,
// and gives what lies in the dictionary when it is asked again. Readers that go byte by byte (Python's lzma) have passed
// those bytes on by then, so a scan has to see them. The Zstandard decoder does the same with a block whose checksum is wrong.
//
// # Security
//
// A decoder that was asked again may go on with nonsense. What it gives is bounded by the dictionary that it had; it is
// judged, and the error follows it, so that nothing of it is ever cleared.
package drain

import (
	"errors"
	"io"
)

// Reader reads r. After an error it gives at most max further bytes before it returns the error.
func Reader(r io.Reader, max int64) io.Reader { return &drained{r: r, left: max} }

type drained struct {
	r      io.Reader
	left   int64
	broken error
}

// Read implements io.Reader.
func (d *drained) Read(b []byte) (int, error) {
	if d.broken == nil {
		n, err := d.r.Read(b)
		if err == nil || errors.Is(err, io.EOF) {
			return n, err
		}
		if d.broken = err; n > 0 {
			return n, nil
		}
	}
	if d.left <= 0 || len(b) == 0 {
		return 0, d.broken
	}
	n, _ := d.r.Read(b[:min(int64(len(b)), d.left)])
	if d.left -= int64(n); n == 0 {
		d.left = 0
		return 0, d.broken
	}
	return n, nil
}
