package zipfile

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

func seeds() [][]byte {
	return [][]byte{
		{}, []byte(localSig), []byte(endSig), spec{}.write(), checkpoint(nil),
		spec{members: []member{{name: "a", data: "text"}, {name: "b", data: strings.Repeat("b", 99), deflated: true, descriptor: 24}}}.write(),
		spec{prefix: "x", shifted: true, members: []member{{name: "a", data: "text"}}, end: func(e *trailer) { e.zip64, e.comment = true, "c" }}.write(),
		spec{members: []member{{name: "in", data: string(spec{members: []member{{name: "x", data: "y"}}}.write())}}}.write(),
		spec{members: []member{{name: "a", data: "x", change: func(l, c *fields) { l.zip64, c.zip64 = true, true }}}}.write(),
	}
}

// FuzzZip checks what must hold for any bytes: no panic, the same report twice, places inside the file, and
// that an archive which is cleared reads the same through another reader and is no longer cleared when cut.
func FuzzZip(f *testing.F) {
	for _, s := range seeds() {
		f.Add(s, uint16(len(s)/2))
	}
	l := limits()
	l.MaxExpandedMB, l.MaxHeaderSizeMB, l.MaxEntries = 4, 1, 1000
	f.Fuzz(func(t *testing.T, b []byte, cut uint16) {
		rep := scanBytes(b, l)
		again := scanBytes(b, l)
		if !reflect.DeepEqual(rep.Findings, again.Findings) || !reflect.DeepEqual(rep.Files, again.Files) {
			t.Fatalf("two scans differ\n%s%s", validatetest.Show(rep), validatetest.Show(again))
		}
		for _, finding := range rep.Findings {
			if finding.Offset < 0 || finding.File == "model.bin" && finding.Offset > int64(len(b)) {
				t.Fatalf("place outside the file\n%s", validatetest.Show(rep))
			}
		}
		if len(rep.Files[0].Scanners) != 1 || rep.Files[0].Scanners[0] != "zip" || !clean(rep) {
			return
		}
		if n := int(cut); n < len(b) {
			if r := scanBytes(b[:n], l); clean(r) && r.Files[0].Scanners[0] == "zip" {
				t.Fatalf("cut to %d of %d bytes it is still cleared", n, len(b))
			}
		}
		otherReader(t, b, rep)
	})
}

// otherReader reads a cleared archive with the standard library, which goes by the directory alone.
func otherReader(t *testing.T, b []byte, rep validate.Report) {
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatalf("cleared, and archive/zip says %v\n%s", err, validatetest.Show(rep))
	}
	for _, m := range z.File {
		r, err := m.Open()
		if err == nil {
			_, err = io.Copy(io.Discard, r)
		}
		// The CRC of raw storages is not checked here.
		if err != nil && !strings.Contains(m.Name, "/data/") {
			t.Fatalf("cleared, and archive/zip says of %q: %v", m.Name, err)
		}
	}
}

func BenchmarkCheckpoint(b *testing.B) {
	s := spec{end: func(e *trailer) { e.zip64 = true }, members: []member{{name: "m/data.pkl", descriptor: 16}}}
	var refs strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&refs, " %d=1024", i)
		s.members = append(s.members, member{name: fmt.Sprintf("m/data/%d", i), data: strings.Repeat("\x00", 1024), descriptor: 16, extra: pad(40)})
	}
	s.members[0].data = "PKL" + refs.String()
	data := s.write()
	if rep := scanBytes(data, limits()); !clean(rep) {
		b.Fatal(validatetest.Show(rep))
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		scanBytes(data, limits())
	}
}

// The cost must not grow with the bytes of the tensors.
func BenchmarkGigabyteStorage(b *testing.B) {
	const size = 1 << 30
	data := &hole{size: size}
	data.build()
	b.ReportAllocs()
	for b.Loop() {
		if rep := validate.ScanReader(b.Context(), fakes(), "model.bin", data, data.total, limits()); !clean(rep) {
			b.Fatal(validatetest.Show(rep))
		}
	}
}

// hole is a checkpoint with one storage of zeros that is not in memory.
type hole struct {
	size, total int64
	head, tail  []byte
}

const holeMark = "\x00HOLE\x00"

func (h *hole) build() {
	s := spec{members: []member{
		{name: "m/data.pkl", data: "PKL 0=1073741824"},
		{name: "m/data/0", data: holeMark, change: func(l, c *fields) { l.csize, l.usize, c.csize, c.usize = h.size, h.size, h.size, h.size }},
	}}
	grown := h.size - int64(len(holeMark))
	s.end = func(e *trailer) { e.offset += grown }
	b := s.write()
	head, tail, _ := bytes.Cut(b, []byte(holeMark))
	h.head, h.tail, h.total = head, tail, int64(len(b))+grown
}

func (h *hole) ReadAt(b []byte, off int64) (int, error) {
	for i := range b {
		at := off + int64(i)
		switch back := at - (int64(len(h.head)) + h.size); {
		case at >= h.total:
			return i, io.EOF
		case at < int64(len(h.head)):
			b[i] = h.head[at]
		case back >= 0:
			b[i] = h.tail[back]
		default:
			b[i] = 0
		}
	}
	return len(b), nil
}
