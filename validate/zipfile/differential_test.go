package zipfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate/validatetest"
)

// The interpreter that has Debian's torch.
const systemPython = "/usr/bin/python3"

// readers prints what Python's zipfile and torch's reader see in each file of a folder: names and digests. Raw
// storages are left out, since their CRC is not checked by us and not by torch.
const readers = `
import hashlib, json, os, sys, zipfile
try:
    import torch
except ImportError:
    torch = None
def sha(b): return hashlib.sha256(b).hexdigest()
out = {}
for f in sorted(os.listdir(".")):
    see = {}
    try:
        z = zipfile.ZipFile(f)
        see["python"] = {n: sha(z.read(n)) for n in z.namelist() if "/data/" not in n}
        see["count"] = len(z.namelist())
    except Exception as e:
        see["pythonError"] = repr(e)
    if torch:
        try:
            r = torch._C.PyTorchFileReader(f)
            see["torch"] = {n: sha(r.get_record(n)) for n in r.get_all_records() if not n.startswith("data/")}
        except Exception as e:
            see["torchError"] = repr(e)[:200]
    out[f] = see
json.dump(out, sys.stdout)
`

type view struct {
	Python, Torch           map[string]string
	Count                   int
	PythonError, TorchError string
}

func otherReaders(t *testing.T, dir string) map[string]view {
	t.Helper()
	validatetest.Need(t, "torch", exec.Command(systemPython, "-c", "import torch").Run())
	cmd := exec.Command(systemPython, "-c", readers)
	cmd.Dir = dir
	cmd.Stderr = os.Stderr
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

// differ says how two readers see different members or bytes. A reader that refuses the archive sees nothing wrong.
func (v view) differ() string {
	if v.PythonError != "" || v.TorchError != "" {
		return ""
	}
	python := map[string]string{}
	for name, sum := range v.Python {
		_, rest, _ := strings.Cut(name, "/")
		if !strings.HasSuffix(name, "/") && rest != "" {
			python[rest] = sum
		}
	}
	if !reflect.DeepEqual(python, v.Torch) {
		return fmt.Sprintf("zipfile sees %v, torch %v", python, v.Torch)
	}
	return ""
}

// base is a checkpoint that torch's reader takes.
func base() spec {
	return spec{
		members: []member{
			{name: "m/data.pkl", data: "PKL 0=5 " + strings.Repeat("x", 30), descriptor: 16, extra: pad(9)},
			{name: "m/data/0", data: "\x00\x01\x02\x03\x04", descriptor: 16, extra: pad(40)},
			{name: "m/version", data: "3\n", descriptor: 16, extra: pad(1)},
			{name: "m/notes", data: strings.Repeat("notes ", 9), deflated: true},
			{name: "m/extra", data: "text", change: func(l, c *fields) { l.zip64, c.zip64 = true, true }},
		},
		end: func(e *trailer) { e.zip64 = true },
	}
}

// disagreements are archives on which zipfile and torch differ, made by hand from what random changes found.
func disagreements() map[string]spec {
	with := func(change func(*spec)) spec { s := base(); change(&s); return s }
	return map[string]spec{
		"a name that differs in the local header": with(func(s *spec) { s.members[3].change = func(l, _ *fields) { l.name = "m/nOtes" } }),
		"encrypted, says the directory":           with(func(s *spec) { s.members[4].change = func(_, c *fields) { c.flags = 1 } }),
		"encrypted, says the local header":        with(func(s *spec) { s.members[4].change = func(l, _ *fields) { l.flags = 1 } }),
		"patched":                                 with(func(s *spec) { s.members[4].change = func(l, c *fields) { l.flags, c.flags = 0x20, 0x20 } }),
		"a wrong CRC":                             with(func(s *spec) { s.members[4].change = func(l, c *fields) { l.crc, c.crc = 7, 7 } }),
		"a folder, by the attribute of DOS":       with(func(s *spec) { s.members[4].change = func(_, c *fields) { c.external = dosFolder } }),
		"a version from the future":               with(func(s *spec) { s.members[4].change = func(l, c *fields) { l.version, c.version = 99, 99 } }),
		"a second folder":                         with(func(s *spec) { s.members[4].name = "n/data.pkl" }),
		"the same name twice":                     with(func(s *spec) { s.members[4].name = "m/notes" }),
		"the same name in capitals":               with(func(s *spec) { s.members[4].name = "m/NOTES" }),
		"a NUL in a name":                         with(func(s *spec) { s.members[4].name = "m/notes2\x00.txt" }),
		"bytes in front, offsets shifted":         with(func(s *spec) { s.prefix, s.shifted = "junk", true }),
		"a locator that points elsewhere":         with(func(s *spec) { s.end = func(e *trailer) { e.zip64, e.locator = true, e.locator-3 } }),
		"a directory of one byte less":            with(func(s *spec) { s.end = func(e *trailer) { e.size-- } }),
		"fewer entries, says the end record":      with(func(s *spec) { s.end = func(e *trailer) { e.count, e.count64, e.zip64 = 2, 2, true } }),
		"stored, but deflate in the local header": with(func(s *spec) { s.members[4].change = func(l, _ *fields) { l.method = deflate } }),
	}
}

func TestArchivesOnWhichReadersDisagreeAreNotCleared(t *testing.T) {
	for name, s := range disagreements() {
		if rep := scanBytes(s.write(), limits()); clean(rep) {
			t.Errorf("%s: cleared", name)
		}
	}
}

// What we clear, Python's zipfile and torch's reader see in the same way, whatever was changed in the archive.
func TestReadersAgreeOnWhatIsCleared(t *testing.T) {
	const mutants = 3000
	rng := rand.New(rand.NewPCG(1, 2))
	dir := t.TempDir()
	cleared := map[string]bool{}
	write := func(name string, b []byte) {
		cleared[name] = clean(scanBytes(b, limits()))
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	good := base().write()
	write("base", good)
	if !cleared["base"] {
		t.Fatalf("the archive to change is not cleared\n%s", validatetest.Show(scanBytes(good, limits())))
	}
	for name, s := range disagreements() {
		write(name, s.write())
	}
	for i := range mutants {
		write(fmt.Sprintf("m%d", i), mutate(rng, good))
	}
	var admitted, differ int
	for name, v := range otherReaders(t, dir) {
		what := v.differ()
		if what != "" {
			differ++
		}
		if !cleared[name] {
			continue
		}
		admitted++
		switch {
		case what != "":
			t.Errorf("%s is cleared and %s", name, what)
		case v.PythonError != "" && !strings.Contains(v.PythonError, "/data/"):
			t.Errorf("%s is cleared and zipfile says %s", name, v.PythonError)
		case name == "base" && (v.TorchError != "" || v.Count != 5):
			t.Errorf("base: %+v", v)
		}
	}
	t.Logf("%d archives, %d cleared, readers differ on %d", len(cleared), admitted, differ)
}

// mutate changes some bytes of an archive, mostly in its headers, to values that mean something there.
func mutate(rng *rand.Rand, b []byte) []byte {
	b = bytes.Clone(b)
	for range 1 + rng.IntN(3) {
		at := rng.IntN(len(b))
		if i := bytes.Index(b[at:], []byte("PK")); i >= 0 && rng.IntN(2) == 0 {
			at = min(len(b)-1, at+i+4+rng.IntN(44))
		}
		switch rng.IntN(6) {
		case 0:
			b[at] ^= 1 << rng.IntN(8)
		case 1:
			b[at]++
		case 2:
			b[at] = 0
		case 3:
			b[at] = 0xFF
		case 4: // a piece twice
			n := min(1+rng.IntN(60), len(b)-at)
			b = append(b[:at+n:at+n], b[at:]...)
		case 5: // a piece less
			n := min(1+rng.IntN(4), len(b)-at)
			b = append(b[:at:at], b[at+n:]...)
		}
		if len(b) == 0 {
			return []byte("x")
		}
	}
	return b
}
