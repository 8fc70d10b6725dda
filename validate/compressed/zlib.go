package compressed

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/loadlock/loadlock/validate"
)

// Bytes that tell zlib from what only looks like it.
const (
	zlibTrial  = 64 << 10 // how much is inflated to see
	zlibEnough = 64       // bytes in or out before an error, so that it is a broken stream and no accident
)

// matchZlib wants a header of RFC 1950 and an inflation that goes well. The two bytes alone are no sign: a safetensors
// header of 0x9c78 bytes begins with them (modelaudit issue 1854). A stream with a preset dictionary, which no
// loader of models has, is not told from other bytes.
func matchZlib(h validate.Head) bool {
	return plausibleZlib(h.Start) && inflates(io.NewSectionReader(h, 2, h.Size-2), h.Start[0] == 0x78)
}

func plausibleZlib(b []byte) bool {
	return len(b) > 2 && b[0]&0x0F == 8 && b[0]>>4 <= 7 && b[1]&0x20 == 0 && (int(b[0])<<8|int(b[1]))%31 == 0
}

// inflates says whether a deflate stream begins here. A header that libraries do not write by default has to inflate
// without an error.
func inflates(r io.Reader, usual bool) bool {
	n, err := io.CopyN(io.Discard, flate.NewReader(r), zlibTrial)
	var corrupt flate.CorruptInputError
	switch {
	case err == nil, errors.Is(err, io.EOF):
		return true
	case errors.As(err, &corrupt):
		return usual && (n >= zlibEnough || int64(corrupt) >= zlibEnough)
	}
	return usual // it goes well until the file ends
}

func openZlib(s *stream) (io.Reader, error) { return zlib.NewReader(s) }

// The files of joblib before 0.10: "ZF", the size in hexadecimal in 19 characters, a zlib stream
// (joblib/numpy_pickle_compat.py).
const (
	zfMagic = "ZF0x"
	zfHead  = 2 + 19
)

func matchZF(h validate.Head) bool {
	if len(h.Start) < zfHead+2 || string(h.Start[:4]) != zfMagic {
		return false
	}
	_, at, err := zfSize(h.Start)
	return err == nil && plausibleZlib(h.Start[at:])
}

// zfSize reads the head; the stream begins at the returned offset, after one more space in files of Python 3.
func zfSize(b []byte) (size, at int64, err error) {
	n, err := strconv.ParseUint(string(bytes.TrimRight(b[4:zfHead], " L")), 16, 62)
	at = zfHead
	if len(b) > zfHead && b[zfHead] == ' ' {
		at++
	}
	return int64(n), at, err
}

func openZF(s *stream) (io.Reader, error) {
	size, at, err := zfSize(s.peek(zfHead + 1))
	if err != nil {
		return nil, err
	}
	if err := s.full(make([]byte, at)); err != nil {
		return nil, err
	}
	r, err := zlib.NewReader(s)
	return &sized{r: r, want: size}, err
}

// sized holds a stream to the size that was announced.
type sized struct {
	r       io.Reader
	n, want int64
}

// Read implements io.Reader.
func (z *sized) Read(b []byte) (int, error) {
	n, err := z.r.Read(b)
	z.n += int64(n)
	if z.n > z.want || errors.Is(err, io.EOF) && z.n != z.want {
		return n, fmt.Errorf("%d bytes are announced, %d came out", z.want, z.n)
	}
	return n, err
}
