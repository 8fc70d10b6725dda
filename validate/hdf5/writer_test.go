package hdf5

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/pickle"
	"github.com/loadlock/loadlock/validate/text"
	"github.com/loadlock/loadlock/validate/validatetest"
)

// writer makes HDF5 files of the new kind (superblock 2, object headers 2), byte by byte.
type writer struct {
	b    []byte
	base int // user block
}

var le = binary.LittleEndian

func u16(n int) []byte { return le.AppendUint16(nil, uint16(n)) }
func u32(n int) []byte { return le.AppendUint32(nil, uint32(n)) }
func u64(n int) []byte { return le.AppendUint64(nil, uint64(n)) }

func cat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func summed(b []byte) []byte { return le.AppendUint32(b, lookup3(b)) }

func newWriter(userBlock int) *writer { return &writer{b: make([]byte, userBlock+48), base: userBlock} }

// put appends a structure and gives its address.
func (w *writer) put(b []byte) int {
	at := len(w.b) - w.base
	w.b = append(w.b, b...)
	return at
}

type msg struct {
	kind int
	body []byte
}

// object appends an object header.
func (w *writer) object(msgs ...msg) int {
	var body []byte
	for _, m := range msgs {
		body = append(body, cat([]byte{byte(m.kind)}, u16(len(m.body)), []byte{0}, m.body)...)
	}
	return w.put(summed(cat([]byte("OHDR\x02\x02"), u32(len(body)), body)))
}

// file writes the superblock and gives the file.
func (w *writer) file(root int) []byte {
	head := cat([]byte(signature), []byte{2, 8, 8, 0}, u64(w.base), u64(-1), u64(len(w.b)), u64(root))
	copy(w.b[w.base:], summed(head))
	return w.b
}

func link(name string, addr int) msg {
	return msg{kindLink, cat([]byte{1, 0, byte(len(name))}, []byte(name), u64(addr))}
}

// other is a link of another kind than hard.
func other(kind byte, name, value string) msg {
	return msg{kindLink, cat([]byte{1, 8, kind, byte(len(name))}, []byte(name), u16(len(value)), []byte(value))}
}

func fixedType(size int) []byte  { return cat([]byte{0x10, 0, 0, 0}, u32(size), u16(0), u16(8*size)) }
func stringType(size int) []byte { return cat([]byte{0x13, 0, 0, 0}, u32(size)) }
func opaqueType(size int) []byte { return cat([]byte{0x15, 0, 0, 0}, u32(size)) }

var vlenString = cat([]byte{0x19, 1, 0, 0}, u32(16), stringType(1))

func simple(dims ...int) []byte {
	b := []byte{2, byte(len(dims)), 0, 1}
	for _, d := range dims {
		b = append(b, u64(d)...)
	}
	return b
}

var scalar = []byte{2, 0, 0, 0}

func attr(name string, kind, space, value []byte) msg {
	return msg{kindAttribute, cat([]byte{3, 0}, u16(len(name)+1), u16(len(kind)), u16(len(space)), []byte{0}, []byte(name), []byte{0}, kind, space, value)}
}

func textAttr(name, value string) msg {
	return attr(name, stringType(len(value)), scalar, []byte(value))
}

func contiguous(addr, size int) msg {
	return msg{kindLayout, cat([]byte{3, storeContiguous}, u64(addr), u64(size))}
}

// dataset is the messages of a dataset of bytes.
func dataset(size int, layout ...msg) []msg {
	return append([]msg{{kindDataspace, simple(size)}, {kindDatatype, fixedType(1)}}, layout...)
}

// weights is a file with one dataset of n bytes.
func weights(n int) []byte {
	w := newWriter(0)
	d := w.object(dataset(n, contiguous(w.put(make([]byte, n)), n))...)
	return w.file(w.object(link("w", d)))
}

func scanners() []*validate.Scanner {
	return []*validate.Scanner{Scanner(), pickle.Scanner(), text.Scanner()}
}

func limits() policy.ScanLimits { return validatetest.Policy().Scan }

func scanBytes(b []byte, l policy.ScanLimits) validate.Report {
	return validate.ScanReader(context.Background(), scanners(), "m.h5", bytes.NewReader(b), int64(len(b)), l)
}

// clean says that a file is cleared without more than notes.
func clean(rep validate.Report) bool {
	return rep.Files[0].Cleared && !slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Severity > validate.Low })
}

func has(rep validate.Report, rule string) bool {
	return slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Rule == rule })
}

// want checks that a file is refused for a rule and nothing clears it.
func want(t *testing.T, b []byte, rule string) {
	t.Helper()
	if rep := scanBytes(b, limits()); !has(rep, rule) || clean(rep) {
		t.Errorf("want %s\n%s", rule, validatetest.Show(rep))
	}
}

// wantClean checks that a file is cleared.
func wantClean(t *testing.T, b []byte) {
	t.Helper()
	if rep := scanBytes(b, limits()); !clean(rep) {
		t.Errorf("want a cleared file\n%s", validatetest.Show(rep))
	}
}
