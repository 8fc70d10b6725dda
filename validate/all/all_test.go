package all_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/all"
	"github.com/loadlock/loadlock/validate/validatetest"
)

// The interpreter that has Debian's torch.
const systemPython = "/usr/bin/python3"

// write runs a Python script that has torch, and reads the files it leaves in the folder.
func write(t *testing.T, script string) map[string][]byte {
	t.Helper()
	validatetest.Need(t, "torch", exec.Command(systemPython, "-c", "import torch").Run())
	return generate(t, "import os, torch, numpy\nfrom torch import nn\n"+script)
}

// generate runs a Python script in an empty folder, and reads the files it leaves there. The script is a file of its own,
// because torch.jit reads the source of what it compiles.
func generate(t *testing.T, script string) map[string][]byte {
	t.Helper()
	dir, source := t.TempDir(), filepath.Join(t.TempDir(), "script.py")
	if err := os.WriteFile(source, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(systemPython, "-W", "ignore", source)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	files := map[string][]byte{}
	err := filepath.WalkDir(dir, func(name string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err == nil {
			files[filepath.ToSlash(rel)], err = os.ReadFile(name)
		}
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	return files
}

// safe is what the default policy says about models.
func safe() policy.Policy {
	p := validatetest.Policy()
	p.RemoteCode, p.Unclaimed = policy.RemoteCodeWithhold, policy.UnclaimedWithhold
	return p
}

func safetensors(header string, data []byte) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), data...)
}

func TestAModelFolderIsAdmittedAndItsCodeWithheld(t *testing.T) {
	files := write(t, `
net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
torch.save(net.state_dict(), "pytorch_model.bin")
torch.save({"model": net.state_dict(), "epoch": 3}, "legacy.pt", _use_new_zipfile_serialization=False)
`)
	for name, content := range map[string]string{
		"config.json":                  `{"auto_map":{"AutoModel":"modeling_x.XModel"},"hidden_size":2}`,
		"tokenizer_config.json":        `{"chat_template":"{% for m in messages %}{{ m['content'] }}{% endfor %}"}`,
		"model.safetensors.index.json": `{"weight_map":{"a":"model.safetensors"}}`,
		"modeling_x.py":                "import torch\n", "README.md": "# A model\n", "LICENSE": "MIT\n", "merges.txt": "#version: 0.2\nĠ t\n",
		".gitattributes": "*.bin filter=lfs\n", "vocab.txt": "[PAD]\n!\n.\n0\n(\n", "logo.png": "\x89PNG\r\n\x1a\n\x00",
	} {
		files[name] = []byte(content)
	}
	files["model.safetensors"] = safetensors(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}`, []byte{1, 2})
	rep, d := validatetest.RunPolicy(t, safe(), all.Scanners(), files)
	if d.Verdict != validate.Admit {
		t.Fatalf("verdict %s\n%s", d.Verdict, validatetest.Show(rep))
	}
	var withheld []string
	for _, w := range d.Withheld {
		withheld = append(withheld, w.Path)
	}
	if !slices.Equal(withheld, []string{"logo.png", "modeling_x.py"}) || len(d.Admitted) != len(files)-2 {
		t.Errorf("withheld %q, admitted %q", withheld, d.Admitted)
	}
}

func TestWhatTorchSavesIsAdmitted(t *testing.T) {
	files := write(t, `
big = torch.zeros(1 << 20)
torch.save(nn.Sequential(nn.Linear(2, 3), nn.ReLU()).state_dict(), "state_dict.bin")
torch.save({"a": big, "b": big[10:], "c": torch.empty(0), "d": torch.ones(3, dtype=torch.float16)}, "views.pt")
torch.save([torch.ones(2)] * 3, "archive.pth")
torch.save({str(i): torch.full((i,), 1.0) for i in range(200)}, "many.ckpt")
`)
	for name, data := range files {
		rep, d := validatetest.RunPolicy(t, safe(), all.Scanners(), map[string][]byte{name: data})
		if d.Verdict != validate.Admit || !rep.Files[0].Cleared || !slices.Equal(rep.Files[0].Scanners, []string{"zip"}) {
			t.Errorf("%s: verdict %s\n%s", name, d.Verdict, validatetest.Show(rep))
		}
		for _, n := range []int{1, 22, len(data) / 2, len(data) - 30} { // cut, it must not stay admitted
			if _, d := validatetest.RunPolicy(t, safe(), all.Scanners(), map[string][]byte{name: data[:len(data)-n]}); d.Verdict == validate.Admit {
				t.Errorf("%s without its last %d bytes is admitted", name, n)
			}
		}
	}
}

func TestTorchScriptAndNumpyArchives(t *testing.T) {
	files := write(t, `
class Cell(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(2, 2), nn.LSTM(2, 2)])
    def forward(self, x, n: int = 2):
        out = []
        for i in range(n):
            x = self.layers[0](x)
            if x.sum() > 0: out.append(x)
        return torch.stack(out) if len(out) > 0 else x
    @torch.jit.export
    def half(self, x): return x * 0.5
class Writes(nn.Module):
    def forward(self, x):
        torch.save(x, "/tmp/written")
        return x
torch.jit.script(Cell()).save("script.pt")
torch.jit.trace(nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU()).eval(), torch.zeros(1, 1, 8, 8)).save("trace.pt")
torch.jit.script(Writes()).save("writes.pt")
numpy.savez("objects.npz", a=numpy.array([{}, "x", (1, 2.5), None], dtype=object), b=numpy.zeros(3))
numpy.savez_compressed("arrays.npz", a=numpy.arange(4), b=numpy.array(["x", "yy"]), c=numpy.zeros(2, dtype=[("x", "f4"), ("y", "i2", (2,))]))
`)
	for name, rule := range map[string]string{"script.pt": "", "trace.pt": "", "objects.npz": "", "arrays.npz": "", "writes.pt": "torchscript/outside-operator"} {
		rep, d := validatetest.RunPolicy(t, safe(), all.Scanners(), map[string][]byte{name: files[name]})
		found := slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Rule == rule })
		if admitted := d.Verdict == validate.Admit; admitted != (rule == "") || !admitted && !found {
			t.Errorf("%s: verdict %s, want %s\n%s", name, d.Verdict, rule, validatetest.Show(rep))
		}
	}
}

// Pickles that run a command when they are loaded.
var hostilePickles = map[string]string{
	"protocol 0": "cposix\nsystem\n(S'true'\ntR.",
	"protocol 2": "\x80\x02cposix\nsystem\nX\x04\x00\x00\x00true\x85R.",
	"protocol 4": "\x80\x04\x95\x19\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R.",
}

func TestTheNameDoesNotDecide(t *testing.T) {
	for kind, pickle := range hostilePickles {
		for _, name := range []string{"m.safetensors", "m.gguf", "m.onnx", "m.h5", "m.json", "README.md", "m.model", "m.npy", "m.PKL", "m", "m.txt", "m.py", "m.pth", "m.png", "m.jinja", ".gitattributes"} {
			for how, content := range map[string][]byte{
				"alone": []byte(pickle), "in a zip, stored": zipped(t, zip.Store, name, pickle), "in a zip, deflated": zipped(t, zip.Deflate, name, pickle),
				"in a zip in a zip": zipped(t, zip.Deflate, name, string(zipped(t, zip.Store, "x/"+name, pickle))),
			} {
				rep, d := validatetest.RunPolicy(t, safe(), all.Scanners(), map[string][]byte{name: content})
				if d.Verdict != validate.Reject {
					t.Errorf("%s as %s, %s: verdict %s\n%s", kind, name, how, d.Verdict, validatetest.Show(rep))
				}
			}
		}
	}
}

func zipped(t *testing.T, method uint16, name, content string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: method})
	if err == nil {
		_, err = f.Write([]byte(content))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Two bytes of a length are no magic number (modelaudit issue 1854).
func TestSafetensorsWhoseLengthLooksLikeAnotherFormat(t *testing.T) {
	for _, length := range []int{0x0178, 0x9c78, 0xda78, 0x2078, 0x8b1f, 0x0280, 0x0380, 0x0480, 0x0580, 0x4b50, 0x5a42, 0x457f, 0x5d, 0x28, 0x7d, 0x2e, 0x63} {
		for _, width := range []int{0, 1, 8} { // a byte more of length changes what follows the first bytes
			n := length + width<<16
			header, data := `{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, []byte{0}
			if n < len(header) {
				header, data = "{}", nil
			}
			b := safetensors(header+strings.Repeat(" ", n-len(header)), data)
			for _, name := range []string{"model.safetensors", "model.bin", "model"} {
				rep, d := validatetest.RunPolicy(t, safe(), all.Scanners(), map[string][]byte{name: b})
				if d.Verdict != validate.Admit {
					t.Errorf("length %#x as %s: verdict %s\n%s", n, name, d.Verdict, validatetest.Show(rep))
				}
			}
		}
	}
}

func TestWhatIsTwoFormatsIsNotAdmitted(t *testing.T) {
	archive := string(zipped(t, zip.Store, "a.txt", "text"))
	header := fmt.Sprintf(`{"a":{"dtype":"U8","shape":[%d],"data_offsets":[0,%d]}}`, len(archive), len(archive))
	for name, b := range map[string][]byte{
		"safetensors whose tensor is an archive": safetensors(header, []byte(archive)),
		"safetensors with an archive behind it":  append(safetensors("{}", nil), archive...),
		"a pickle with an archive behind it":     []byte("\x80\x02N." + archive),
		"JSON with an archive behind it":         []byte("{\"a\":1}" + archive),
		"text with an archive behind it":         []byte("text\n" + archive),
		"an archive with a pickle behind it":     []byte(archive + hostilePickles["protocol 2"]),
		"a picture with an archive behind it":    []byte("\x89PNG\r\n\x1a\n" + archive),
	} {
		t.Run(name, func(t *testing.T) {
			for _, as := range []string{"model.safetensors", "model.bin", "config.json", "logo.png"} {
				rep, d := validatetest.RunPolicy(t, safe(), all.Scanners(), map[string][]byte{"ok.txt": []byte("ok"), as: b})
				if d.Verdict == validate.Admit {
					t.Errorf("admitted as %s\n%s", as, validatetest.Show(rep))
				}
			}
		})
	}
}
