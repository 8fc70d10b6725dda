// Package milblob judges the weights of a Core ML package, weights/weight.bin: a header, and blobs each with a
// description in front (github.com/apple/coremltools, mlmodel/src/MILBlob/Blob/StorageFormat.hpp).
//
// # Security
//
// The descriptions are followed from one to the next; blobs must lie one behind the other at multiples of 64, with
// zeros between, and fill the file. Weights are not read. Reserved fields are not judged: old writers left what was in
// memory there, at most 32 bytes for each blob.
package milblob

import (
	"encoding/binary"

	"github.com/loadlock/loadlock/validate"
)

var place = &validate.Rule{ID: "milblob/place", Title: "blob whose place or type cannot be", Severity: validate.Medium,
	Why: "A runtime that trusts the description reads behind the file, or two readers find different weights.", Fix: "convert the model again with coremltools",
	Hostile: "a blob of 2^63 bytes, or one that begins inside another", Benign: "blobs at multiples of 64, one behind the other",
	Refs: []string{"https://github.com/apple/coremltools"}}

// Scanner judges weights of Core ML packages.
func Scanner() *validate.Scanner {
	return &validate.Scanner{Name: "milblob", Doc: "weights of Core ML packages", Version: 1, Rules: []*validate.Rule{place}, Match: match, Scan: scan}
}

const (
	align    = 64
	version  = 2
	sentinel = 0xDEADBEEF
	maxType  = 64 // of blob data; the format counts them from 1
)

// match asks for the version in the header, and the mark of the first blob.
func match(h validate.Head) bool {
	return len(h.Start) >= 2*align && binary.LittleEndian.Uint32(h.Start[4:]) == version && binary.LittleEndian.Uint32(h.Start[align:]) == sentinel
}

func scan(p *validate.Pass) error {
	head, err := p.Bytes(0, 8)
	if err != nil {
		return err
	}
	count := int64(binary.LittleEndian.Uint32(head))
	at := int64(align)
	for range count {
		if err := p.Charge(validate.Entries, 0); err != nil {
			return err
		}
		b, err := p.Bytes(at, align)
		if err != nil {
			return err
		}
		mark, kind := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
		size, off := binary.LittleEndian.Uint64(b[8:]), binary.LittleEndian.Uint64(b[16:])
		start := at + align
		if mark != sentinel || off != uint64(start) || size > uint64(p.Size-start) || kind == 0 || kind > maxType {
			p.Report(place, at, "a blob of type %d with the mark %#x: %d bytes at %d", kind, mark, size, off)
			return nil
		}
		end := start + int64(size)
		if at, err = padding(p, end); err != nil {
			return err
		}
	}
	if at != p.Size {
		return validate.Malformed(at, "%d bytes behind the last of %d blobs", p.Size-at, count)
	}
	p.Clear(0, p.Size, "weights of a Core ML package")
	return nil
}

// padding gives the next multiple of 64, or the end of the file. What lies before it must be zero.
func padding(p *validate.Pass, end int64) (next int64, err error) {
	next = min(end+(align-end%align)%align, p.Size)
	b, err := p.Bytes(end, next-end)
	for i, c := range b {
		if c != 0 {
			return 0, validate.Malformed(end+int64(i), "bytes between two blobs")
		}
	}
	return next, err
}
