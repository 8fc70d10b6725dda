package jitsource

import (
	"bytes"
	"testing"

	"github.com/loadlock/loadlock/validate"
)

func TestIs(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       bool
	}{
		{"m/code/__torch__.py", "class M(Module):\n", true},
		{"code/__torch__.py", "def f(x: Tensor) -> Tensor:\n", true},
		{"m/code/__torch__/torch/nn/modules/conv.py", "op_version_set = 1\n", true},
		{"m/code/__torch__/empty.py", "", true},
		{"m/code/__torch__.py", "import os\n", false},
		{"m/code/__torch__.py", "class M:\x00", false},
		{"m/code/other.py", "class M(Module):\n", false},
		{"__torch__.py", "class M(Module):\n", false},
		{"a/b/code/__torch__.py", "class M(Module):\n", false},
		{"m/code/__torch__.pyc", "class M(Module):\n", false},
	} {
		h := validate.Head{Name: tt.name, Size: int64(len(tt.text)), Start: []byte(tt.text), ReaderAt: bytes.NewReader([]byte(tt.text))}
		if got := Is(h); got != tt.want {
			t.Errorf("%s %q: %v", tt.name, tt.text, got)
		}
	}
}
