package all_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/all"
	"github.com/loadlock/loadlock/validate/validatetest"
)

// technique is one way past a scanner that somebody published or could think of, and the harmless file that resembles
// it most. The rows are those of a survey of what other scanners miss.
type technique struct {
	row  int
	refs string // advisories
	how  string
	file string // the name it is scanned under

	bytes []byte
	want  validate.Verdict
	rule  string
	at    string // what stands where the finding points, which is a "^" inside of it or its beginning; "": it says nothing, "^": the beginning
	inner []byte // the file that the offset counts in, when it is not the outermost
	line  int

	allowed bool // the policy allows code, and does not just keep the file out of the sandbox

	near     []byte
	nearFile string   // when it is another name
	beside   []string // names and contents of other files of both models
}

const reject, unsure = validate.Reject, validate.Inconclusive

// techniques is the table.
func techniques() []technique {
	return slices.Concat(pickleCalls(), nameCalls(), pickleNames(), pickleStructure(), containers(), formats(), graphs(), kerasDocuments(), code())
}

// folder is a model: the file and what lies beside it.
func (x technique) folder(name string, content []byte) map[string][]byte {
	files := map[string][]byte{name: content}
	for i := 0; i+1 < len(x.beside); i += 2 {
		files[x.beside[i]] = []byte(x.beside[i+1])
	}
	return files
}

// points says where the finding must be.
func (x technique) points(t *testing.T) int64 {
	if x.at == "" {
		return -1
	}
	b := x.bytes
	if x.inner != nil {
		b = x.inner
	}
	if x.at == "^" {
		return 0
	}
	before, behind, _ := strings.Cut(x.at, "^")
	if n := bytes.Count(b, []byte(before+behind)); n != 1 {
		t.Fatalf("%q stands %d times in the file", x.at, n)
	}
	at := int64(bytes.Index(b, []byte(before+behind)))
	if strings.Contains(x.at, "^") {
		at += int64(len(before))
	}
	return at
}

func TestEveryTechniqueIsRefusedAndItsNearMissIsNot(t *testing.T) {
	for _, x := range techniques() {
		t.Run(fmt.Sprintf("%d %s %s", x.row, x.refs, x.how), func(t *testing.T) {
			t.Parallel() // most of the time goes into the folders
			p := safe()
			p.Scan.MaxExpandedMB = 16
			if x.allowed {
				p.RemoteCode = policy.RemoteCodeAllow
			}
			rep, d := validatetest.RunPolicy(t, p, all.Scanners(), x.folder(x.file, x.bytes))
			at := x.points(t)
			if d.Verdict != x.want || !slices.ContainsFunc(d.Findings, func(f validate.Finding) bool {
				return f.Rule == x.rule && (at < 0 || f.Offset == at) && (x.line == 0 || f.Line == x.line)
			}) {
				t.Errorf("verdict %s, want %s for %s at %d, line %d\n%s", d.Verdict, x.want, x.rule, at, x.line, validatetest.Show(rep))
			}
			name := x.file
			if x.nearFile != "" {
				name = x.nearFile
			}
			rep, d = validatetest.RunPolicy(t, safe(), all.Scanners(), x.folder(name, x.near))
			if d.Verdict != validate.Admit {
				t.Errorf("the near-miss: verdict %s\n%s", d.Verdict, validatetest.Show(rep))
			}
			for _, f := range d.Findings {
				if f.Rule == x.rule && f.Severity > validate.Low && f.Waived == "" {
					t.Errorf("the near-miss: %s: %s", f.Rule, f.Detail)
				}
			}
		})
	}
}

// What is refused is refused inside an archive as well.
func TestAnArchiveAroundATechniqueHidesNothing(t *testing.T) {
	p := safe()
	p.Scan.MaxExpandedMB = 16
	for i, x := range slices.Concat(pickleCalls(), pickleNames(), pickleStructure(), containers(), formats(), graphs(), kerasDocuments(), code()) {
		if x.allowed || len(x.beside) > 0 || len(x.bytes) > 1<<18 {
			continue
		}
		around, name := holding("d/"+x.file, string(x.bytes)), "model.zip"
		if i%2 == 1 {
			around, name = gzipped(string(taped("d/"+x.file, string(x.bytes)))), "model.tgz"
		}
		rep, d := validatetest.RunPolicy(t, p, all.Scanners(), map[string][]byte{name: around})
		if d.Verdict == validate.Admit || d.Verdict != x.want && x.want == reject {
			t.Errorf("%d %s in %s: verdict %s, want %s\n%s", x.row, x.how, name, d.Verdict, x.want, validatetest.Show(rep))
		}
	}
}

// A file beside the model that is a link must not pass for one of its own (CVE-2026-34447), unless it is: in the cache of
// a hub, every file is a link to one that has its digest as a name.
func TestExternalDataThatIsALinkIsNotAdmitted(t *testing.T) {
	model := onnxModel("", "Relu", outside("location", "w.bin", "offset", "0", "length", "16"))
	for target, want := range map[string]validate.Verdict{"/etc/hostname": validate.Inconclusive, "blobs/0123abcd": validate.Admit} {
		dir := t.TempDir()
		for name, content := range map[string][]byte{"model.onnx": model, "blobs/0123abcd": make([]byte, 16)} {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Symlink(target, filepath.Join(dir, "w.bin")); err != nil {
			t.Fatal(err)
		}
		p := safe()
		snap, err := validate.Pin(context.Background(), dir, "", p.Scan)
		if err != nil {
			t.Fatal(err)
		}
		rep, err := validate.Scan(context.Background(), all.Scanners(), snap, p.Scan)
		if err != nil {
			t.Fatal(err)
		}
		if _, d := validate.Decide(p, snap, rep, time.Now()); d.Verdict != want {
			t.Errorf("a link to %s: verdict %s, want %s\n%s", target, d.Verdict, want, validatetest.Show(rep))
		}
		snap.Close()
	}
}

// Code of a model that was refused as such is refused under a policy that allows code, too.
func TestCodeIsRefusedWhereItIsAllowed(t *testing.T) {
	p := safe()
	p.RemoteCode = policy.RemoteCodeAllow
	for _, x := range code() {
		if _, d := validatetest.RunPolicy(t, p, all.Scanners(), x.folder(x.file, x.bytes)); d.Verdict == validate.Admit {
			t.Errorf("row %d, %s: admitted", x.row, x.how)
		}
	}
}

// assembled is a pickle from instructions that are separated by semicolons.
func assembled(text string) []byte {
	b, err := validatetest.Assemble(strings.ReplaceAll(text, "; ", "\n"))
	if err != nil {
		panic(fmt.Sprintf("%s: %v", text, err)) // the tables are constants
	}
	return b
}
