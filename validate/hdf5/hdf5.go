package hdf5

import (
	"bytes"
	"slices"

	"github.com/loadlock/loadlock/validate"
)

// Scanner judges HDF5 files.
func Scanner() *validate.Scanner {
	return &validate.Scanner{
		Name: "hdf5", Doc: "HDF5: every object, attribute and index; what opens other files; every byte", Version: 1,
		Rules: rules, Match: match, Scan: scan,
	}
}

const signature = "\x89HDF\r\n\x1a\n"

var extensions = []string{".h5", ".hdf5", ".hdf", ".he5"}

// match looks where the library looks: at 0, 512, 1024, 2048 and so on (specification II.A).
func match(h validate.Head) bool {
	return slices.Contains(extensions, validate.Ext(h.Name)) || bytes.HasPrefix(h.Start, []byte(signature)) || find(h, h.Size) >= 0
}

type readerAt interface {
	ReadAt(b []byte, off int64) (int, error)
}

// find is the place of the first signature, or -1.
func find(r readerAt, size int64) int64 {
	var b [len(signature)]byte
	for at := int64(0); at <= size-int64(len(b)); at = max(512, 2*at) {
		if n, _ := r.ReadAt(b[:], at); n == len(b) && string(b[:]) == signature {
			return at
		}
	}
	return -1
}

// file is one HDF5 file being read.
type file struct {
	p           *validate.Pass
	base        int64 // what addresses are relative to
	end         int64 // of the HDF5 file, absolute
	so, sl      int   // bytes of an address, of a length
	leafK       int64 // half the entries of a symbol table node
	groupK      int64 // half the children of a group's B-tree node
	chunkK      int64 // half the children of a chunk B-tree node
	space       space
	structures  map[int64]struct{} // addresses of structures that were read
	queue       []item             // object headers to visit
	collections map[int64]*collection
	kept        int    // objects in collections
	dirty       []span // values of variable length that were judged and not cleared
	spare       int64  // unused bytes that are not zero
	spareAt     int64
	filters     map[uint16]bool     // reported
	text, head  []byte              // buffers for unused space and for the beginnings of values
	judged      map[span]struct{}   // values of variable length that were judged
	types       map[int64]*datatype // committed datatypes
	attempts    int                 // collections in holes that were none
	visited     func(kind string, attributes []string)
}

// item is an object to visit.
type item struct {
	at   int64
	path string
}

func scan(p *validate.Pass) error { return scanWith(p, nil) }

// scanWith tells visited about every object when it is complete.
func scanWith(p *validate.Pass, visited func(kind string, attributes []string)) error {
	at := find(p, p.Size)
	if at < 0 {
		return validate.Malformed(0, "no HDF5 signature")
	}
	f := &file{p: p, structures: map[int64]struct{}{}, collections: map[int64]*collection{}, judged: map[span]struct{}{}, types: map[int64]*datatype{}, filters: map[uint16]bool{}, leafK: 4, groupK: 16, chunkK: 32, visited: visited}
	if err := f.userBlock(at); err != nil {
		return err
	}
	if err := f.superblock(at); err != nil {
		return err
	}
	for len(f.queue) > 0 {
		next := f.queue[len(f.queue)-1]
		f.queue = f.queue[:len(f.queue)-1]
		if err := f.object(next); err != nil {
			return err
		}
	}
	return f.account(at)
}

// userBlock judges what stands before the superblock.
func (f *file) userBlock(size int64) error {
	zero, err := f.zero(0, size)
	if err != nil {
		return err
	}
	if !zero {
		f.p.Report(userBlock, 0, "%d bytes before the superblock that are not zero", size)
		return nil
	}
	f.p.Clear(0, size, "empty user block")
	return nil
}

// visit queues an object unless it was seen. A link to an object is no claim on its bytes.
func (f *file) visit(addr int64, path string) error {
	if _, seen := f.structures[addr]; seen {
		return nil
	}
	if err := f.structure(addr); err != nil {
		return err
	}
	f.queue = append(f.queue, item{addr, path})
	return f.p.Charge(validate.Entries, 1)
}

// maxStructures bounds how many addresses are remembered.
const maxStructures = 250_000

// structure notes that the structure at an absolute address is being read; nothing is read twice.
func (f *file) structure(at int64) error {
	if _, seen := f.structures[at]; seen {
		return validate.Malformed(at, "a structure that is used twice")
	}
	if at < f.base || at >= f.end {
		return validate.Malformed(max(0, min(at, f.p.Size)), "an address outside the file")
	}
	if len(f.structures) >= maxStructures {
		return tooMany(at, "structures", maxStructures)
	}
	if f.space.full {
		return tooMany(at, "separate ranges of bytes", maxSpans)
	}
	f.structures[at] = struct{}{}
	return f.p.Charge(validate.Entries, 0)
}
