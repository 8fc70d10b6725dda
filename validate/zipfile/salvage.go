package zipfile

import (
	"io"

	"github.com/loadlock/loadlock/validate"
)

// salvage judges the members whose local headers stand between from and to though no directory lists them. Readers
// that walk a file from its start find them (bsdtar, Java's ZipInputStream). Nothing of it is cleared; what counts
// is whether one of them is hostile.
func (a *archive) salvage(from, to int64) error {
	for from < to {
		b, err := a.p.Bytes(from, min(localSize, to-from))
		if err != nil {
			return err
		}
		if len(b) < localSize || string(b[:4]) != localSig {
			return nil
		}
		nameLen, extraLen := int64(le.Uint16(b[26:])), int64(le.Uint16(b[28:]))
		data := from + localSize + nameLen + extraLen
		if data > to {
			return nil
		}
		name, err := a.p.Bytes(from+localSize, min(nameLen, nameMax))
		if err != nil {
			return err
		}
		e := &entry{
			name: string(name), flags: le.Uint16(b[6:]), method: le.Uint16(b[8:]), crc: le.Uint32(b[14:]),
			csize: int64(le.Uint32(b[18:])), usize: int64(le.Uint32(b[22:])), header: from, data: data,
		}
		from, err = a.salvaged(e, to)
		if err != nil {
			return err
		}
	}
	return nil
}

// salvaged judges one such member and returns where the next may begin. A size that is not in the header makes the
// content reach to where its decompressor stops.
func (a *archive) salvaged(e *entry, to int64) (next int64, err error) {
	open := e.csize == 0 || e.csize == 0xFFFFFFFF || e.csize > to-e.data
	if open {
		e.csize = to - e.data
	}
	if decoderOf(e.method) == nil {
		_, err := a.p.Descend(e.name, a.p.Section(e.data, e.csize), e.csize)
		return e.data + e.csize, err
	}
	var first *counter
	_, err = a.p.ExpandSlowly(cost(e.method), e.name, func() (io.Reader, error) {
		in := newCounter(a.p.Section(e.data, e.csize))
		if first == nil {
			first = in
		}
		return decoderOf(e.method)(a, e, in)
	})
	if err != nil || !open || first == nil {
		return e.data + e.csize, err
	}
	return a.afterDescriptor(e.data+first.n, to)
}

// afterDescriptor steps over a data descriptor with a signature, if there is one.
func (a *archive) afterDescriptor(at, to int64) (int64, error) {
	for _, n := range []int64{16, 24} {
		if to-at < n+4 {
			break
		}
		b, err := a.p.Bytes(at, n+4)
		if err != nil {
			return 0, err
		}
		if string(b[:4]) == descSig && string(b[n:]) == localSig {
			return at + n, nil
		}
	}
	return at, a.p.Charge(validate.Entries, 0)
}
