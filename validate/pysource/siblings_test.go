package pysource

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

// accused scans a folder and gives the rules above a note, by file.
func accused(t *testing.T, files map[string]string) map[string][]string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		at := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	snap, err := validate.Pin(t.Context(), dir, "", validatetest.Policy().Scan)
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	rep, err := validate.Scan(t.Context(), []*validate.Scanner{Scanner()}, snap, validatetest.Policy().Scan)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for _, f := range rep.Findings {
		if f.Severity > validate.Low {
			out[f.File] = append(out[f.File], f.Rule)
		}
	}
	return out
}

// An absolute import of a file of the model is one of code that is judged as well.
func TestAbsoluteImportsOfTheModelsOwnFiles(t *testing.T) {
	files := map[string]string{
		"hubconf.py":          "from model import Net\nimport layers.attention as attention\nfrom blocks import *\nimport absent_zz\nNet(attention)\n",
		"model.py":            "import torch\nclass Net(torch.nn.Module): pass\n",
		"layers/attention.py": "from common import x\nfrom model import Net\n",
		"layers/common.py":    "x = 1\n",
		"blocks.py":           "y = 2\n",
		"far.py":              "import common\n",
		"evil.py":             "import helper\nhelper.os.system('x')\nfrom helper import subprocess\nsubprocess.run('x')\n",
		"helper.py":           "import os, subprocess\n",
	}
	got := accused(t, files)
	if !slices.Equal(got["hubconf.py"], []string{"pysource/unknown-module"}) {
		t.Errorf("hubconf.py: %v, want the one module that is not here", got["hubconf.py"])
	}
	if len(got["layers/attention.py"]) > 0 {
		t.Errorf("layers/attention.py: %v", got["layers/attention.py"])
	}
	if !slices.Contains(got["far.py"], "pysource/unknown-module") {
		t.Errorf("far.py: %v; a file of another folder is not what the import means", got["far.py"])
	}
	n := 0
	for _, rule := range got["evil.py"] {
		if rule == "pysource/process" {
			n++
		}
	}
	if n < 2 {
		t.Errorf("evil.py: %v; what a file of the model hands on is what it is", got["evil.py"])
	}
}
