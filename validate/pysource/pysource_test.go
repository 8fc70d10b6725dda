package pysource

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

func scanAs(t testing.TB, name, content string) validate.Report {
	return validatetest.Kept(name, content, validate.ScanReader(t.Context(), []*validate.Scanner{Scanner()}, name, strings.NewReader(content), int64(len(content)), validatetest.Policy().Scan))
}

func has(rep validate.Report, rule string) bool {
	return slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Rule == rule })
}

func TestPythonIsMarkedAsCode(t *testing.T) {
	for name, tt := range map[string]struct{ name, content, detail string }{
		"a module":             {"modeling_x.py", "import torch\nclass X: pass\n", "2 lines"},
		"a last line":          {"modeling_x.py", "a\nb", "2 lines"},
		"nothing":              {"__init__.py", "", "0 lines"},
		"capital letters":      {"X.PY", "x\n", "1 lines"},
		"a stub":               {"x.pyi", "x\n", "1 lines"},
		"Cython":               {"x.pyx", "x\n", "1 lines"},
		"IPython":              {"x.ipy", "x\n", "1 lines"},
		"an interpreter line":  {"run", "#!/usr/bin/env python3\nx\n", "2 lines"},
		"a UTF-8 declaration":  {"x.py", "#!/usr/bin/python\n# -*- coding: utf-8 -*-\n", "2 lines"},
		"an ASCII declaration": {"x.py", "# vim: set fileencoding=US_ASCII :\n", "1 lines"},
		"a declaration later":  {"x.py", "a\nb\n# coding: utf-7\n", "3 lines"},
	} {
		t.Run(name, func(t *testing.T) {
			rep := scanAs(t, tt.name, tt.content)
			if !rep.Files[0].Code || !rep.Files[0].Cleared || len(rep.Findings) != 1 || !has(rep, "pysource/remote-code") || !strings.Contains(rep.Findings[0].Detail, tt.detail) {
				t.Error(validatetest.Show(rep))
			}
		})
	}
}

func TestSourceThatReadsDifferentlyIsFound(t *testing.T) {
	for name, content := range map[string]string{
		"UTF-7 on the first line":        "# coding: utf-7\n+AG8-\n",
		"UTF-7 on the second line":       "#!/usr/bin/python\n# -*- coding: utf_7 -*-\n",
		"UTF-7 behind a carriage return": "#\r# coding=utf-7\r",
		"raw_unicode_escape":             "# coding: raw_unicode_escape\n",
		"Latin-1":                        "# coding: latin-1\n",
		"behind a byte order mark":       "\ufeff# coding: utf-16\n",
		"words that are a declaration":   "# the encoding: see below\n",
		"a NUL":                          "a\x00b",
		"bytes that are not UTF-8":       "'\xe4'",
		"bytes far behind, not UTF-8":    strings.Repeat("# comment\n", 10_000) + "\xff",
	} {
		t.Run(name, func(t *testing.T) {
			rep := scanAs(t, "x.py", content)
			if !rep.Files[0].Code || !has(rep, "pysource/encoding") || !has(rep, "pysource/remote-code") {
				t.Error(validatetest.Show(rep))
			}
		})
	}
}

func TestPathFiles(t *testing.T) {
	long := strings.Repeat("some/folder\n", 20_000)
	for name, tt := range map[string]struct {
		content string
		hostile bool
	}{
		"an import":                    {"import os; os.system('x')\n", true},
		"an import behind a tab":       {"import\tos", true},
		"an import behind a mark":      {"\ufeffimport os", true},
		"an import behind a comment":   {"# comment\nimport os\n", true},
		"an import behind a return":    {"x\rimport os\n", true},
		"an import behind a form feed": {"x\fimport os\n", true},
		"an import behind a separator": {"x\u2028import os\n", true},
		"an import far behind":         {long + "import os\n", true},
		"an import across a chunk":     {strings.Repeat("x", textChunk-4) + "\nimport os\n", true},
		"folders only":                 {long, false},
		"an important folder":          {"important\n", false},
		"the word inside a line":       {"x import os\n", false},
		"the word behind a space":      {" import os\n", false},
		"nothing":                      {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			rep := scanAs(t, "x.pth", tt.content)
			if has(rep, "pysource/path-file") != tt.hostile || !rep.Files[0].Cleared {
				t.Error(validatetest.Show(rep))
			}
		})
	}
}

// textChunk is the size of validate's chunks.
const textChunk = 64 << 10

func TestCheckpointsCalledPthAreNotText(t *testing.T) {
	for _, head := range []string{"PK\x03\x04\x00", "\x80\x02}q\x00."} {
		if match(validate.Head{Name: "x.pth", Size: int64(len(head)), Start: []byte(head)}) {
			t.Errorf("%q is taken for a path file", head)
		}
	}
}

func FuzzPython(f *testing.F) {
	f.Add("x.py", "# coding: utf-7\n")
	f.Add("x.pth", "import os")
	f.Add("x.pth", "\xff")
	f.Add("requirements.txt", "torhc\n--index-url http://x\n-e .\n")
	f.Add("x.ipynb", `{"cells":[{"cell_type":"code","source":["!ls\\n","import os"]}],"nbformat":4}`)
	f.Add("x.py", "def f(a=1, *b, c, **d):\n  return f(a, *b, c=c)(d)\nf(f, c=f)\n")
	f.Add("x.py", "x = 'a' * 9\nfor y in x:\n  x += y % x\nx = [x for x in x]\ngetattr(x, '{0[x]}'.format(x))\n")
	f.Add("x.py", "import os\nmatch os:\n  case {'a': [x, *y], **z} | object(system=x):\n    x(y)[z]()\n")
	for _, pattern := range []string{"testdata/hostile/*.py", "testdata/benign/*.py"} {
		for _, name := range fixturesOf(pattern) {
			if b, err := os.ReadFile(name); err == nil {
				f.Add("x.py", string(b))
			}
		}
	}
	f.Fuzz(func(t *testing.T, name, content string) {
		rep := scanAs(t, name, content)
		if again := scanAs(t, name, content); !reflect.DeepEqual(rep.Findings, again.Findings) {
			t.Fatal("two scans differ")
		}
		for _, finding := range rep.Findings {
			if finding.Offset < 0 || finding.Offset > int64(len(content)) {
				t.Fatalf("place outside the file\n%s", validatetest.Show(rep))
			}
			if finding.Rule == "validate/unparsable" && strings.Contains(finding.Detail, "stopped") {
				t.Fatal(validatetest.Show(rep))
			}
		}
		if strings.HasSuffix(name, ".pth") && rep.Files[0].Cleared && len(rep.Files[0].Scanners) > 0 {
			for _, line := range strings.Split(content, "\n") {
				if strings.HasPrefix(line, "import ") && !has(rep, "pysource/path-file") {
					t.Fatalf("line %q is not found", line)
				}
			}
		}
	})
}

func fixturesOf(pattern string) []string {
	names, _ := filepath.Glob(pattern)
	return names
}

func BenchmarkPython(b *testing.B) {
	src, err := os.ReadFile("testdata/benign/modeling_tiny_llama.py")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		Analyse(src, "x.py", func(*validate.Rule, validate.Place, string) {})
	}
}
