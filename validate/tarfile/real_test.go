package tarfile_test

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

// written runs a command in a folder with a folder "d" of files and returns what it leaves in "out".
func written(t *testing.T, line string) map[string][]byte {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("/bin/sh", "-ec", "mkdir -p out d/sub d/"+strings.Repeat("long/", 30)+"; echo a text > d/a.txt; seq 1 3000 > d/sub/b.md; : > d/empty; echo x > d/ü; echo y > d/"+strings.Repeat("long/", 30)+"file.txt; "+line)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	found, err := filepath.Glob(filepath.Join(dir, "out", "*"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no files: %v", err)
	}
	files := map[string][]byte{}
	for _, name := range found {
		if files[filepath.Base(name)], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func TestArchivesOfToolsAreAdmitted(t *testing.T) {
	for tool, line := range map[string]string{
		"tar": "for f in gnu oldgnu pax ustar; do tar -cf out/$f.tar --format=$f d 2>/dev/null || true; tar -C d -cf out/$f.dot --format=$f .; done; tar -cf out/v7.tar --format=v7 d/a.txt d/sub; " +
			"tar -czf out/m.tgz d; tar -cJf out/m.tar.xz d; tar -cjf out/m.nemo d; tar -b 256 -cf out/blocks.tar d; touch -t 196901010000 d/a.txt; tar -cf out/before.tar d/a.txt",
		"python3": `/usr/bin/python3 - <<'END'
import io, tarfile
for name, format in [("ustar", tarfile.USTAR_FORMAT), ("gnu", tarfile.GNU_FORMAT), ("pax", tarfile.PAX_FORMAT)]:
    with tarfile.open("out/" + name, "w", format=format) as t:
        t.add("d")
        info = tarfile.TarInfo("x" * 90 + "/" + "y" * 90); info.size = 4; info.mtime = 1.5 if name == "pax" else 1
        t.addfile(info, io.BytesIO(b"text"))
with tarfile.open("out/model.nemo", "w:gz") as t: t.add("d", arcname="./")
with tarfile.open("out/stream.tar", "w|", fileobj=None if False else open("out/stream.tar", "wb")) as t: t.add("d/a.txt")
END`,
	} {
		t.Run(tool, func(t *testing.T) {
			_, err := exec.LookPath(tool)
			validatetest.Need(t, tool, err)
			for name, data := range written(t, line) {
				rep, d := validatetest.Run(t, all.Scanners(), name, data)
				if d.Verdict != validate.Admit || !rep.Files[0].Cleared {
					t.Errorf("%s: verdict %s\n%s", name, d.Verdict, validatetest.Show(rep))
				}
			}
		})
	}
}

// A NeMo archive: a configuration and a checkpoint.
func TestNeMoIsAdmittedAndItsPickleJudged(t *testing.T) {
	validatetest.Need(t, "torch", exec.Command("/usr/bin/python3", "-c", "import torch").Run())
	files := written(t, `/usr/bin/python3 - <<'END'
import torch, os
torch.save({"encoder.weight": torch.zeros(100)}, "model_weights.ckpt")
class Evil:
    def __reduce__(self): return os.system, ("true",)
open("model_config.yaml", "w").write("sample_rate: 16000\n")
os.system("tar -czf out/good.nemo model_config.yaml model_weights.ckpt; tar -cf out/plain.nemo ./model_config.yaml ./model_weights.ckpt")
torch.save({"encoder.weight": Evil()}, "model_weights.ckpt")
os.system("tar -czf out/bad.nemo model_config.yaml model_weights.ckpt")
END`)
	for name, data := range files {
		want := validate.Admit
		if name == "bad.nemo" {
			want = validate.Reject
		}
		if rep, d := validatetest.Run(t, all.Scanners(), name, data); d.Verdict != want {
			t.Errorf("%s: verdict %s\n%s", name, d.Verdict, validatetest.Show(rep))
		}
	}
}
