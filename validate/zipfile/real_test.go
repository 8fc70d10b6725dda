package zipfile_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/all"
	"github.com/loadlock/loadlock/validate/validatetest"
)

// written runs a command line in a folder with a few files and returns the archives it leaves there.
func written(t *testing.T, need, line string) map[string][]byte {
	t.Helper()
	_, err := exec.LookPath(need)
	if strings.HasPrefix(line, "/usr/bin/python3") && err == nil {
		_, module, _ := strings.Cut(line, "# needs ")
		module, _, _ = strings.Cut(module, "\n")
		err = exec.Command("/usr/bin/python3", "-c", "import "+module).Run()
		need = module
	}
	validatetest.Need(t, filepath.Base(need), err)
	dir := t.TempDir()
	for name, text := range map[string]string{"d/a.txt": "a text\n", "d/sub/b.md": strings.Repeat("more text\n", 5000), "d/empty": "", "d/ü.txt": "x"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("/bin/sh", "-c", line)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	found, err := filepath.Glob(filepath.Join(dir, "*.zip"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	files := map[string][]byte{}
	for _, name := range found {
		if files[filepath.Base(name)], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func TestArchivesThatToolsWriteAreAdmitted(t *testing.T) {
	python := func(module, script string) string {
		return "/usr/bin/python3 - <<'END' # needs " + module + "\n" + script + "\nEND"
	}
	for name, line := range map[string][2]string{
		"zip":                {"zip", "zip -r plain.zip d && zip -0 -r stored.zip d && zip -9 -r -D best.zip d && zip -r -X -fz zip64.zip d && echo hi | zip -r -z comment.zip d && zip -r - d > pipe.zip"},
		"zip, twice":         {"zip", "zip -r twice.zip d/sub && zip -r twice.zip d"},
		"7z":                 {"7z", "7z a -tzip plain.zip d >/dev/null && 7z a -tzip -mx0 stored.zip d >/dev/null && 7z a -tzip -mcu=on utf8.zip d >/dev/null && 7z a -tzip -mm=lzma lzma.zip d/a.txt >/dev/null"},
		"jar":                {"jar", "mkdir e && cp d/a.txt e && jar cf classes.zip e && jar c0fM bare.zip e"},
		"Python":             {"/usr/bin/python3", python("zipfile", pythonArchives)},
		"shutil":             {"/usr/bin/python3", python("shutil", "import shutil\nshutil.make_archive('made', 'zip', 'd')")},
		"numpy":              {"/usr/bin/python3", python("numpy", "import numpy as np\nnp.savez('a.npz', x=np.arange(9), y=np.zeros((3, 4)))\nnp.savez_compressed('b.npz', x=np.arange(999), y=np.zeros((300, 4), 'f2'))\nimport os\nos.rename('a.npz', 'a.zip'); os.rename('b.npz', 'b.zip')")},
		"torch":              {"/usr/bin/python3", python("torch", "import torch\ntorch.save({'a': torch.zeros(100), 'b': [torch.ones(3, dtype=torch.int8)]}, 'c.zip')\nf = open('d.zip', 'wb')\ntorch.save(torch.nn.Linear(3, 4).state_dict(), f)")},
		"torch, packed anew": {"/usr/bin/python3", python("torch", repacked)},
	} {
		t.Run(name, func(t *testing.T) {
			for file, data := range written(t, line[0], line[1]) {
				rep, d := validatetest.Run(t, all.Scanners(), file, data)
				if d.Verdict != validate.Admit || !rep.Files[0].Cleared {
					t.Errorf("%s: verdict %s\n%s", file, d.Verdict, validatetest.Show(rep))
				}
			}
		})
	}
}

// All the ways in which Python's zipfile writes.
const pythonArchives = `
import io, zipfile
for how in ["STORED", "DEFLATED", "LZMA"]:
    z = zipfile.ZipFile(how + ".zip", "w", getattr(zipfile, "ZIP_" + how))
    z.write("d/a.txt"); z.write("d"); z.writestr("x/", ""); z.writestr("b", b"text" * 999); z.writestr("e", "")
    with z.open("big", "w", force_zip64=True) as f: f.write(b"line\n")
    with z.open("ü", "w") as f: f.write(b"line\n" * 99)
    if hasattr(z, "mkdir"): z.mkdir("made")
    z.close()
    z = zipfile.ZipFile(how + ".zip", "a", getattr(zipfile, "ZIP_" + how))
    z.writestr("later", "more"); z.close()
class Pipe(io.RawIOBase):
    def __init__(self): self.b = b""
    def writable(self): return True
    def write(self, b): self.b += bytes(b); return len(b)
for how in [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]:
    p = Pipe()
    z = zipfile.ZipFile(p, "w", how)
    z.writestr("a", "text"); z.writestr("b", b"line\n" * 999)
    with z.open("c", "w", force_zip64=True) as f: f.write(b"line\n")
    z.close()
    open("pipe%d.zip" % how, "wb").write(p.b)
z = zipfile.ZipFile("comment.zip", "w"); z.comment = b"made by hand"; z.writestr("a", "x"); z.close()
`

// A checkpoint whose members were packed again by zipfile, with the small files of newer torch.
const repacked = `
import torch, zipfile
torch.save({"a": torch.zeros(100)}, "old")
old = zipfile.ZipFile("old")
for how in [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]:
    new = zipfile.ZipFile("new%d.zip" % how, "w", how)
    for n in old.namelist(): new.writestr(n, old.read(n))
    for n, text in [(".format_version", "1"), (".storage_alignment", "64"), ("byteorder", "little"), (".data/serialization_id", "0123456789" * 4)]:
        if "old/" + n not in old.namelist(): new.writestr("old/" + n, text)
    new.close()
`
