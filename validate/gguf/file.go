package gguf

import (
	"encoding/binary"
	"hash/maphash"

	"github.com/loadlock/loadlock/validate"
)

// file is one GGUF file while it is read.
type file struct {
	p       *validate.Pass
	order   binary.ByteOrder
	version uint32
	in      *input
	align   int64
	aligned bool // general.alignment has been read
	tensors []tensor
	seed    maphash.Seed
	bad     bool
}

// Bounds of what is remembered. The largest published models have some thousand tensors and some dozen keys.
const (
	maxTensors = 200_000
	maxKeys    = 100_000
)

const defaultAlignment = 32

// scan reads the parts in their order and clears the file when all of them add up.
func (f *file) scan() error {
	f.in, f.align, f.seed = newInput(f.p, f.order), defaultAlignment, maphash.MakeSeed()
	f.in.seek(8)
	tensors, keys, err := f.counts()
	if err != nil || f.bad {
		return err
	}
	if err := f.metadata(keys); err != nil || f.bad {
		return err
	}
	if err := f.infos(tensors); err != nil || f.bad {
		return err
	}
	return f.account()
}

// report states a finding that keeps the file from being cleared.
func (f *file) report(r *validate.Rule, off int64, format string, args ...any) {
	f.bad = true
	f.p.Report(r, off, format, args...)
}

// count reads a number that version 1 stores in four bytes and later versions in eight.
func (f *file) count() (uint64, error) {
	if f.version == 1 {
		v, err := f.in.u32()
		return uint64(v), err
	}
	return f.in.u64()
}

// counts reads how many tensors and keys there are. Each needs some bytes, so a count that the file cannot hold is
// told before anything is read.
func (f *file) counts() (tensors, keys uint64, err error) {
	at := f.in.off
	if tensors, err = f.count(); err != nil {
		return 0, 0, err
	}
	if most := uint64(f.p.Size / 17); tensors > most || tensors > maxTensors {
		f.report(header, at, "%d tensors; the file has room for %d, and %d are judged", tensors, most, maxTensors)
	}
	at = f.in.off
	if keys, err = f.count(); err != nil {
		return 0, 0, err
	}
	if most := uint64(f.p.Size / 9); keys > most || keys > maxKeys {
		f.report(header, at, "%d keys; the file has room for %d, and %d are judged", keys, most, maxKeys)
	}
	return tensors, keys, nil
}

// set remembers names by their hash, so that a long name costs no more than a short one.
type set map[uint64]struct{}

// add reports whether the name is new.
func (f *file) add(s set, name []byte) bool {
	sum := maphash.Bytes(f.seed, name)
	if _, had := s[sum]; had {
		return false
	}
	s[sum] = struct{}{}
	return true
}
