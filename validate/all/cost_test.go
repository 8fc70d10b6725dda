package all_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/all"
	"github.com/loadlock/loadlock/validate/validatetest"
)

// sparse is a file of zeros with pieces in it. It counts what is read.
type sparse struct {
	size   int64
	pieces map[int64][]byte
	read   atomic.Int64
}

func (s *sparse) ReadAt(b []byte, off int64) (int, error) {
	n := int(min(int64(len(b)), s.size-off))
	clear(b[:n])
	for at, piece := range s.pieces {
		from, to := max(off, at), min(off+int64(n), at+int64(len(piece)))
		if from < to {
			copy(b[from-off:to-off], piece[from-at:])
		}
	}
	s.read.Add(int64(n))
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

const giant = 10 << 30

// giants are weights of ten gigabytes in formats whose weights are not read.
func giants(t *testing.T) map[string]*sparse {
	le := binary.LittleEndian
	text := func(s string) []byte { return append(le.AppendUint64(nil, uint64(len(s))), s...) }
	header := fmt.Sprintf(`{"w":{"dtype":"U8","shape":[%d],"data_offsets":[0,%d]}}`, int64(giant), int64(giant))
	tensors := append(le.AppendUint64(nil, uint64(len(header))), header...)

	gguf := le.AppendUint64(le.AppendUint64(le.AppendUint32([]byte("GGUF"), 3), 1), 1)
	gguf = append(append(gguf, text("general.architecture")...), 8, 0, 0, 0)
	gguf = append(append(gguf, text("llama")...), text("w")...)
	gguf = le.AppendUint64(le.AppendUint32(le.AppendUint64(le.AppendUint32(gguf, 1), giant/4), 0), 0)
	gguf = append(gguf, make([]byte, (32-len(gguf)%32)%32)...)

	array := fmt.Sprintf("{'descr': '|u1', 'fortran_order': False, 'shape': (%d,), }", int64(giant))
	array += fmt.Sprintf("%*s\n", 118-1-len(array), "")
	npy := append([]byte("\x93NUMPY\x01\x00v\x00"), array...)

	return map[string]*sparse{
		"model.safetensors": {size: int64(len(tensors)) + giant, pieces: map[int64][]byte{0: tensors}},
		"model.gguf":        {size: int64(len(gguf)) + giant, pieces: map[int64][]byte{0: gguf}},
		"array.npy":         {size: int64(len(npy)) + giant, pieces: map[int64][]byte{0: npy}},
		"model.pt":          torchArchive(t),
	}
}

// torchArchive is what torch.save writes for a large tensor: stored members, the large one in zip64.
func torchArchive(t *testing.T) *sparse {
	n := int64(giant)
	pickle := "\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nByteStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu" +
		"\x8a\x05" + string(binary.LittleEndian.AppendUint64(nil, uint64(n))[:5]) + "tQK\x00\x8a\x05" + string(binary.LittleEndian.AppendUint64(nil, uint64(n))[:5]) +
		"\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtR."
	s := &sparse{pieces: map[int64][]byte{}}
	w := zip.NewWriter(s.writer())
	add := func(name, content string) {
		f, err := w.CreateHeader(&zip.FileHeader{Name: name})
		if err == nil {
			_, err = io.WriteString(f, content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	add("archive/data.pkl", pickle)
	f, err := w.CreateRaw(&zip.FileHeader{Name: "archive/data/0", CompressedSize64: uint64(n), UncompressedSize64: uint64(n)})
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 16<<20)
	for left := n; left > 0; left -= int64(len(zeros)) {
		if _, err := f.Write(zeros[:min(left, int64(len(zeros)))]); err != nil {
			t.Fatal(err)
		}
	}
	add("archive/version", "3\n")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return s
}

// writer appends; large writes are zeros, and only pass.
func (s *sparse) writer() io.Writer { return sparseWriter{s} }

type sparseWriter struct{ *sparse }

func (s sparseWriter) Write(b []byte) (int, error) {
	if len(b) < 1<<20 {
		s.pieces[s.size] = bytes.Clone(b)
	}
	s.size += int64(len(b))
	return len(b), nil
}

func TestWeightsOfTenGigabytesAreNotRead(t *testing.T) {
	for name, data := range giants(t) {
		t.Run(name, func(t *testing.T) {
			rep := validate.ScanReader(t.Context(), all.Scanners(), name, data, data.size, validatetest.Policy().Scan)
			if n := data.read.Load(); n > 2<<20 {
				t.Errorf("%d bytes of %d were read", n, data.size)
			}
			if !rep.Files[0].Cleared {
				t.Errorf("not cleared\n%s", validatetest.Show(rep))
			}
		})
	}
}

// BenchmarkFolder is what a folder of ten thousand small pickles costs without the processes: listing, judging,
// deciding, and looking again whether anything changed.
func BenchmarkFolder(b *testing.B) {
	const files = 10_000
	dir := b.TempDir()
	for i := range files {
		content := fmt.Sprintf("\x80\x02}X\x01\x00\x00\x00%c]G?\xe0\x00\x00\x00\x00\x00\x00aK\x01as.", 'a'+i%26)
		if i%2 == 0 {
			content = fmt.Sprintf("(dp0\nVk%d\np1\nI%d\ns.", i, i)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%05d.pkl", i)), []byte(content), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	p, scanners := validatetest.Policy(), all.Scanners()
	for b.Loop() {
		snap, err := validate.Pin(b.Context(), dir, "", p.Scan)
		if err != nil {
			b.Fatal(err)
		}
		rep, err := validate.Scan(b.Context(), scanners, snap, p.Scan)
		if err != nil {
			b.Fatal(err)
		}
		if _, d := validate.Decide(p, snap, rep, time.Now()); len(d.Findings) > 0 {
			b.Fatal(validatetest.Show(rep))
		}
		if err := snap.Verify(b.Context()); err != nil {
			b.Fatal(err)
		}
		snap.Close()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/files, "µs/file")
}
