package compressed_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/all"
	"github.com/loadlock/loadlock/validate/validatetest"
)

// written runs a command in a folder that has the files "text" and "long" and returns what it leaves in "out".
func written(t *testing.T, line string) map[string][]byte {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("/bin/sh", "-ec", "mkdir out; echo a text > text; seq 1 60000 > long; ls -la / > rand; "+line)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	list, err := os.ReadDir(filepath.Join(dir, "out"))
	if err != nil || len(list) == 0 {
		t.Fatalf("no files: %v", err)
	}
	files := map[string][]byte{}
	for _, e := range list {
		if files[e.Name()], err = os.ReadFile(filepath.Join(dir, "out", e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func admitted(t *testing.T, files map[string][]byte) {
	t.Helper()
	for name, data := range files {
		rep, d := validatetest.Run(t, all.Scanners(), name, data)
		if d.Verdict != validate.Admit || !rep.Files[0].Cleared || rep.Files[0].Scanners[0] != "compressed" {
			t.Errorf("%s: verdict %s\n%s", name, d.Verdict, validatetest.Show(rep))
		}
		for _, n := range []int{len(data) - 1, len(data) / 2} {
			if _, d := validatetest.Run(t, all.Scanners(), name, data[:n]); d.Verdict == validate.Admit {
				t.Errorf("%s cut to %d of %d bytes is admitted", name, n, len(data))
			}
		}
	}
}

func TestFilesOfCommandLineToolsAreAdmitted(t *testing.T) {
	for tool, line := range map[string]string{
		"gzip":  "for f in text long rand; do gzip -k $f; gzip -1nc $f > out/$f.n; mv $f.gz out; done; cat text | gzip > out/pipe.gz; gzip -c text > out/two.gz; gzip -c long >> out/two.gz; gzip -c /dev/null > out/empty.gz",
		"bzip2": "for f in text long; do bzip2 -k $f; bzip2 -1c $f > out/$f.1.bz2; mv $f.bz2 out; done; cat out/text.bz2 out/long.bz2 > out/two.bz2; bzip2 -c /dev/null > out/empty.bz2",
		"xz": "for f in text long; do xz -k $f; mv $f.xz out; xz -9ec $f > out/$f.9.xz; xz -0 -C sha256 -c $f > out/$f.0.xz; xz -C none -c $f > out/$f.none.xz; xz --block-size=100000 -T2 -C crc32 -c $f > out/$f.blocks.xz; " +
			"xz --format=lzma -c $f > out/$f.lzma; xz --format=lzma -9c $f > out/$f.9; xz --format=lzma --lzma1=lc=1,lp=1,pb=1 -c $f > out/$f.odd.lzma; done; cat out/text.xz out/long.xz > out/two.xz",
		"zstd": "for f in text long; do zstd -q $f -o out/$f.zst; zstd -q -19 $f -o out/$f.19.zst; zstd -q --no-check -1 -c < $f > out/$f.pipe.zst; zstd -q --format=gzip $f -o out/$f.gz; done; cat out/text.zst out/long.zst > out/two.zst; zstd -qc < /dev/null > out/empty.zst",
		"lz4":  "for f in text long; do lz4 -q $f out/$f.lz4; lz4 -q -9 -BD $f out/$f.9.lz4; lz4 -q -B4 -BX --no-frame-crc --content-size $f out/$f.sums.lz4; cat $f | lz4 -q > out/$f.pipe; done; cat out/text.lz4 out/long.lz4 > out/two.lz4",
	} {
		t.Run(tool, func(t *testing.T) {
			_, err := exec.LookPath(tool)
			validatetest.Need(t, tool, err)
			admitted(t, written(t, line))
		})
	}
}

func TestFilesOfPythonAreAdmitted(t *testing.T) {
	for module, script := range map[string]string{
		"gzip": `
import bz2, gzip, lzma, zlib
b = b"".join(b"%d\n" % (i * i) for i in range(20000))
for i, text in enumerate([b, b"", b"short"]):
    for name, data in [("gz", gzip.compress(text)), ("bz2", bz2.compress(text)), ("xz", lzma.compress(text)), ("xz9", lzma.compress(text, preset=9)),
                       ("lzma", lzma.compress(text, format=lzma.FORMAT_ALONE)), ("zlib", zlib.compress(text)), ("zlib0", zlib.compress(text, 0)), ("zlib9", zlib.compress(text, 9)), ("zlib1", zlib.compress(text, 1))]:
        open("out/%d.%s" % (i, name), "wb").write(data)
with gzip.open("out/streamed.gz", "wt") as f: print("text", file=f)
`,
		"lz4.frame": `
import lz4.frame as l
b = b"".join(b"%d\n" % (i * i) for i in range(90000))
for i, kw in enumerate([{}, {"block_linked": False}, {"content_checksum": True, "block_checksum": True}, {"block_size": l.BLOCKSIZE_MAX4MB}, {"store_size": False, "compression_level": 9}]):
    open("out/%d.lz4" % i, "wb").write(l.compress(b, **kw))
`,
		"joblib": `
import joblib
value = {"a": list(range(5000)), "b": "text"}
for how in ["zlib", "gzip", "bz2", "lzma", "xz", "lz4"]:
    try: joblib.dump(value, "out/model." + how + ".pkl", compress=(how, 3))
    except (ValueError, ImportError): pass
`,
	} {
		t.Run(module, func(t *testing.T) {
			validatetest.Need(t, module, exec.Command("/usr/bin/python3", "-c", "import "+module).Run())
			admitted(t, written(t, "/usr/bin/python3 - <<'END'\n"+script+"\nEND"))
		})
	}
}
