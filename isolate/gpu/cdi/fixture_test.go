package cdi

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/loadlock/loadlock/isolate/gpu"
	"github.com/loadlock/loadlock/isolate/gpu/gputest"
)

// load is Load of a host of gputest, whose nodes are taken for real where they are files.
func load(t testing.TB, root *gputest.Root, dirs ...string) Specs {
	t.Helper()
	specs, err := Load(root.Dir, dirs...)
	if err != nil {
		t.Fatal(err)
	}
	specs.look = pretend
	return specs
}

func pretend(root, name string) (gpu.Inode, error) {
	in, err := inode(root, name)
	if err != nil || in.CharDevice {
		return in, err
	}
	return gputest.Stat(filepath.Join(root, name))
}

// specTexts are the specs of vendors below testdata.
func specTexts(t testing.TB) (texts []string) {
	t.Helper()
	for _, name := range []string{"nvidia.yaml", "amd.json", "intel.yaml"} {
		texts = append(texts, readTestdata(t, name))
	}
	return texts
}

func readTestdata(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
