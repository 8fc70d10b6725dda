package modelpath

import (
	"strings"
	"testing"
)

func TestOnlyPlainNamesThatLeadDownwardsAreInside(t *testing.T) {
	for _, name := range []string{"a", "m.onnx_data", "weights/weight.bin", "./a", "a.b/..c", "é", "a b", "a~"} {
		if why := Outside(name); why != "" {
			t.Errorf("%q %s", name, why)
		}
	}
	for _, name := range []string{"", "/a", "..", "../a", "a/../b", "a//b", "a/", ".", "./", "a/.", `a\b`, "C:a", "file:a", "http://a", "*/_ORT_MEM_ADDR_/*",
		"a\x00", "a\n", "~/a", "$HOME/a", "%20", "... /a", "././a", strings.Repeat("a", maxPath+1)} {
		if Outside(name) == "" {
			t.Errorf("%q is taken for inside", name)
		}
	}
}
