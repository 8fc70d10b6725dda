package validatetest

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/loadlock/loadlock/validate"
)

func TestAssembleWritesOpcodesAndLengths(t *testing.T) {
	got, err := Assemble("# comment\nPROTO 4\nGLOBAL posix system\nSHORT_BINUNICODE \"a\\nb\"\nBININT -2\nBINFLOAT 1\nHEX 00 ff\nREPEAT 2 POP\nINT \"0 1\"")
	if err != nil {
		t.Fatal(err)
	}
	want := []byte("\x80\x04cposix\nsystem\n\x8c\x03a\nbJ\xfe\xff\xff\xffG\x3f\xf0\x00\x00\x00\x00\x00\x00\x00\xff00I0 1\n")
	if !bytes.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	for _, bad := range []string{"NOPE", "GLOBAL posix", "PROTO", "BININT x", `RAW "x`, "REPEAT 2", "HEX zz"} {
		if _, err := Assemble(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func TestVectorHeaderIsStrict(t *testing.T) {
	tests := map[string]struct {
		text string
		ok   bool
	}{
		"a whole header":      {"expect: reject\nrule: a/b at 0x2\nwhy: w\nref: r\n\nSTOP\n", true},
		"an unknown key":      {"expect: reject\nwhy: w\nnope: x\n\nSTOP\n", false},
		"an unknown verdict":  {"expect: maybe\nwhy: w\n\nSTOP\n", false},
		"no verdict":          {"why: w\n\nSTOP\n", false},
		"no reason":           {"expect: admit\n\nSTOP\n", false},
		"a reason twice":      {"expect: admit\nwhy: a\nwhy: b\n\nSTOP\n", false},
		"no body":             {"expect: admit\nwhy: a", false},
		"an offset that is x": {"expect: admit\nwhy: a\nrule: a/b at x\n\nSTOP\n", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "v.txt")
			if err := os.WriteFile(file, []byte(tt.text), 0o644); err != nil {
				t.Fatal(err)
			}
			v, err := Read(file)
			if (err == nil) != tt.ok {
				t.Fatalf("error %v, want ok %v", err, tt.ok)
			}
			if tt.ok && (v.Expect != validate.Reject || v.Rules[0] != Expected{"a/b", 2} || string(v.Body) != ".") {
				t.Errorf("got %+v", v)
			}
		})
	}
}
