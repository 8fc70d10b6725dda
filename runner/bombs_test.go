package runner

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

// bombs are files that are made to exhaust who reads them: each is a few MiB at most, and none may be admitted.
func bombs(t *testing.T) map[string][]byte {
	le := binary.LittleEndian
	nested := []byte("hello")
	for range 40 {
		nested = packed(t, nested)
	}
	var many bytes.Buffer
	z := zip.NewWriter(&many)
	for i := range 20_000 {
		if _, err := z.CreateHeader(&zip.FileHeader{Name: fmt.Sprintf("%d.bin", i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	sparse := []byte("\x80\x02N")
	for i := range 200_000 {
		sparse = append(le.AppendUint32(append(sparse, 'r'), uint32(i*497)), 'N', '0')
	}
	alias := "a0: &a0 [x, x]\n"
	for i := range 40 {
		alias += fmt.Sprintf("a%d: &a%d [*a%d, *a%d, *a%d]\n", i+1, i+1, i, i, i)
	}
	keys := []byte(`{"model": {`)
	for i := range 1_200_000 {
		keys = append(append(append(keys, `"k`...), strconv.Itoa(i)...), `": 1, `...)
	}
	gguf := append(le.AppendUint64(le.AppendUint64(le.AppendUint32([]byte("GGUF"), 3), 1<<40), 1<<40), make([]byte, 1<<20)...)
	imports := []byte("\x80\x02")
	for i := range 200_000 {
		imports = append(imports, fmt.Sprintf("cm%d\nn%d\n0", i, i)...)
	}
	return map[string][]byte{
		"zeros.gz":              packed(t, make([]byte, 300<<20)),
		"nested.gz":             nested,
		"members.zip":           many.Bytes()[:many.Len()-1],
		"stack.pkl":             []byte("\x80\x04" + strings.Repeat("K\x01", 2_000_000) + "."),
		"marks.pkl":             []byte("\x80\x04" + strings.Repeat("(", 4_000_000) + "."),
		"memo.pkl":              append(sparse, "N."...),
		"imports.pkl":           append(imports, "N."...),
		"aliases.yaml":          []byte(alias),
		"config.json":           append(keys, `"k": 1}}`...),
		"deep/config.json":      []byte(strings.Repeat("[", 2_000_000)),
		"model.gguf":            gguf,
		"header.safetensors":    append(le.AppendUint64(nil, 1<<60), "{}"...),
		"model.msgpack":         []byte("\xdf\xff\xff\xff\xff" + strings.Repeat("\xa8aaaaaaaa\x01", 200_000)),
		"model.onnx":            append([]byte("\x08\x08\x3a\xff\xff\xff\xff\x07"), make([]byte, 1<<20)...),
		"array.npy":             append([]byte("\x93NUMPY\x02\x00\xff\xff\xff\x7f{"), make([]byte, 1<<20)...),
		"modeling.py":           []byte("s = 'a'\n" + strings.Repeat("s = s + s\n", 300) + "eval(s)\n"),
		"brackets.py":           []byte("x = " + strings.Repeat("(", 300_000)),
		"tokenizer_config.json": []byte(`{"chat_template": "` + strings.Repeat("{% if a %}", 50_000) + `"}`),
	}
}

func packed(t *testing.T, b []byte) []byte {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// peak is the most that a cell had resident so far, in bytes.
func peak(t *testing.T, s *Scanners) int64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cell.PID()))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(raw), "VmHWM:")
	n, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n << 10
}

// maxResident is what a scan may take here, with this test's own code in it. The aim is 64 MiB, and what is measured on
// a quiet machine is below; on a loaded one the collector comes a little later.
const maxResident = 80 << 20

func TestNoBombIsAdmittedOrTakesMuchMemory(t *testing.T) {
	dir := t.TempDir()
	all := bombs(t)
	for name, b := range all {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	limits := validatetest.Policy().Scan
	for name := range all {
		t.Run(name, func(t *testing.T) {
			snap, err := validate.Pin(t.Context(), filepath.Join(dir, name), "", limits)
			if err != nil {
				t.Fatal(err)
			}
			defer snap.Close()
			s := start(t)
			rep, err := s.Scan(t.Context(), snap, limits)
			if err != nil {
				t.Fatal(err)
			}
			if s.Dead() {
				t.Fatalf("the cell ended\n%s", validatetest.Show(rep))
			}
			n := peak(t, s)
			t.Logf("%d MiB resident", n>>20)
			if n > maxResident && !racing {
				t.Errorf("%d MiB resident", n>>20)
			}
			if _, d := validate.Decide(validatetest.Policy(), snap, rep, time.Now()); d.Verdict == validate.Admit {
				t.Errorf("admitted\n%s", validatetest.Show(rep))
			}
		})
	}
}
