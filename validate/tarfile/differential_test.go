package tarfile

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

const systemPython = "/usr/bin/python3"

// pythonReader prints the members that tarfile sees in each file of a folder: name, type, size.
const pythonReader = `
import json, os, sys, tarfile
out = {}
for f in sorted(os.listdir(".")):
    try:
        with tarfile.open(f, "r:") as t:
            out[f] = {"members": [[m.name, m.type.decode("latin1"), str(m.size)] for m in t]}
    except Exception as e:
        out[f] = {"error": repr(e)}
json.dump(out, sys.stdout)
`

type view struct {
	Members [][3]string
	Error   string
}

func pythonViews(t *testing.T, dir string) map[string]view {
	t.Helper()
	validatetest.Need(t, "python", exec.Command(systemPython, "-c", "import tarfile").Run())
	cmd := exec.Command(systemPython, "-c", pythonReader)
	cmd.Dir = dir
	raw, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	views := map[string]view{}
	if err := json.Unmarshal(raw, &views); err != nil {
		t.Fatal(err)
	}
	return views
}

// ours are the members that this package sees, as Python would write them.
func ours(b []byte) (out [][3]string) {
	s := Scanner()
	s.Scan = func(p *validate.Pass) error {
		return walk(p, func(h *header) {
			kind := string(rune(h.kind))
			name := h.name
			if h.kind == kindFolder || h.kind == kindOldFile && strings.HasSuffix(name, "/") {
				kind, name = "5", strings.TrimRight(name, "/")
			}
			out = append(out, [3]string{name, kind, fmt.Sprint(h.size)})
		})
	}
	scanners := []*validate.Scanner{s, fakes()[1]}
	validate.ScanReader(context.Background(), scanners, "x", bytes.NewReader(b), int64(len(b)), limits())
	return out
}

func TestPythonSeesWhatIsCleared(t *testing.T) {
	const mutants = 3000
	rng := rand.New(rand.NewPCG(5, 6))
	dir := t.TempDir()
	good := archived(entry{name: "d/", kind: '5'}, file("d/a", "text"), pax('x', "path=d/bb", "mtime=1.5", "size=5"), file("d/b", "texts"),
		entry{name: "L", kind: 'L', data: "d/long\x00"}, file("d/lo", strings.Repeat("text\n", 99)), entry{name: "old", data: "x", change: set(257, strings.Repeat("\x00", 8))})
	cleared := map[string][]byte{}
	write := func(name string, b []byte) {
		if clean(scanBytes(b)) {
			cleared[name] = b
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("base", good)
	for i := range mutants {
		write(fmt.Sprintf("m%d", i), mutate(rng, good))
	}
	if cleared["base"] == nil {
		t.Fatalf("the archive to change is not cleared\n%s", validatetest.Show(scanBytes(good)))
	}
	views := pythonViews(t, dir)
	for name, b := range cleared {
		v := views[name]
		if v.Error != "" || !reflect.DeepEqual(v.Members, ours(b)) {
			t.Errorf("%s is cleared: Python sees %v %s\nwe see %v", name, v.Members, v.Error, ours(b))
		}
	}
	t.Logf("%d archives, %d cleared", mutants+1, len(cleared))
}

// mutate changes an archive, mostly in its headers, and repairs the checksum of the header it changed.
func mutate(rng *rand.Rand, b []byte) []byte {
	b = bytes.Clone(b)
	for range 1 + rng.IntN(2) {
		block := rng.IntN(len(b)/blockSize) * blockSize
		header := isHeader(b[block:])
		at := block + rng.IntN(blockSize)
		fields := []int{0, 100, 124, 135, 156, 157, 257, 263, 265, 345, 500}
		if rng.IntN(2) == 0 {
			at = block + fields[rng.IntN(len(fields))] + rng.IntN(3)
		}
		b[at] = []byte{0, ' ', '0', '1', '5', '7', 'x', 'L', '/', '.', 0x80, 0xFF, b[at] ^ 1, b[at] + 1}[rng.IntN(14)]
		if header && rng.IntN(8) > 0 {
			copy(b[block+148:], "        ")
			sum := 0
			for _, c := range b[block : block+blockSize] {
				sum += int(c)
			}
			copy(b[block+148:], fmt.Sprintf("%06o\x00 ", sum))
		}
		if rng.IntN(20) == 0 { // a block more or less
			if b = append(b[:block:block], b[block+blockSize:]...); rng.IntN(2) == 0 {
				b = append(b[:block:block], append(make([]byte, 2*blockSize), b[block:]...)...)
			}
		}
		if len(b) < blockSize {
			return make([]byte, 1)
		}
	}
	return b
}
