package pickle

import (
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

// inArchive scans data as a member of an archive.
func inArchive(t *testing.T, member string, data []byte) (validate.Report, bool) {
	t.Helper()
	outer := &validate.Scanner{Name: "tar", Match: func(h validate.Head) bool { return h.Name == "m.tar" }, Scan: func(p *validate.Pass) error {
		got, err := p.Descend(member, p.Section(0, p.Size), p.Size)
		if got.Cleared {
			p.Clear(0, p.Size, "member")
		}
		return err
	}}
	inner := Scanner()
	whole := inner.Match
	inner.Match = func(h validate.Head) bool { return h.Name != "m.tar" && whole(h) }
	rep, d := validatetest.Run(t, []*validate.Scanner{outer, inner}, "m.tar", data)
	return rep, d.Verdict == validate.Admit
}

func TestMembersOfTheTarFormatAreJudged(t *testing.T) {
	storages := "PROTO 2\nBININT1 1\nSTOP\nPROTO 2\nBININT 70000\nBINUNICODE cpu\nGLOBAL torch FloatStorage\nTUPLE3\nSTOP\nHEX 02 00 00 00 00 00 00 00\nRAW 12345678\nPROTO 2\nEMPTY_LIST\nSTOP"
	tensors := "PROTO 2\nBININT1 1\nSTOP\nPROTO 2\nBININT 71000\nBININT 70000\nGLOBAL torch FloatTensor\nTUPLE3\nSTOP\nHEX 01 00 00 00 00 00 00 00 02 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
	tests := map[string]struct {
		member, body string
		want         bool
		rule         string
	}{
		"storages":                     {"storages", storages, true, ""},
		"tensors":                      {"tensors", tensors, true, ""},
		"the object":                   {"pickle", "PROTO 2\nEMPTY_DICT\nBINUNICODE w\nBININT 71000\nBINPERSID\nSETITEM\nSTOP", true, ""},
		"the object, in text":          {"pickle", "PROTO 2\nBINUNICODE 71000\nBINPERSID\nSTOP", true, ""},
		"another id":                   {"pickle", "PROTO 2\nBINUNICODE ../x\nBINPERSID\nSTOP", false, "pickle/persistent-id"},
		"the id elsewhere":             {"other", "PROTO 2\nBININT 71000\nBINPERSID\nSTOP", false, "pickle/persistent-id"},
		"a tail":                       {"storages", storages + "\nRAW x", false, "pickle/trailing-bytes"},
		"a storage that is too long":   {"storages", "PROTO 2\nBININT1 1\nSTOP\nPROTO 2\nBININT1 7\nBINUNICODE cpu\nGLOBAL torch FloatStorage\nTUPLE3\nSTOP\nHEX ff ff ff ff ff ff ff 7f\nRAW 12345678", false, "pickle/tensor-outside-storage"},
		"a storage of an unknown type": {"storages", "PROTO 2\nBININT1 1\nSTOP\nPROTO 2\nBININT1 7\nBINUNICODE cpu\nGLOBAL posix system\nTUPLE3\nSTOP\nHEX 00 00 00 00 00 00 00 00", false, "pickle/global-denied"},
		"an item that is no tuple":     {"tensors", "PROTO 2\nBININT1 1\nSTOP\nPROTO 2\nNONE\nSTOP", false, "pickle/broken"},
		"many dimensions":              {"tensors", "PROTO 2\nBININT1 1\nSTOP\nPROTO 2\nBININT1 1\nBININT1 1\nGLOBAL torch FloatTensor\nTUPLE3\nSTOP\nHEX ff ff ff 7f 00 00 00 00", false, "pickle/tensor-outside-storage"},
		"fewer items than counted":     {"tensors", "PROTO 2\nBININT 1000000\nSTOP", false, "pickle/broken"},
		"no count behind an item":      {"storages", "PROTO 2\nBININT1 1\nSTOP\nPROTO 2\nBININT1 7\nBINUNICODE cpu\nGLOBAL torch FloatStorage\nTUPLE3\nSTOP", false, "pickle/broken"},
		"a payload behind a storage":   {"storages", storages[:len(storages)-len("EMPTY_LIST\nSTOP")] + "GLOBAL posix system\nBINUNICODE id\nTUPLE1\nREDUCE\nSTOP", false, "pickle/global-denied"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			rep, ok := inArchive(t, tt.member, asm(t, tt.body))
			found := tt.rule == ""
			for _, f := range rep.Findings {
				found = found || f.Rule == tt.rule
			}
			if ok != tt.want || !found {
				t.Errorf("admitted %v\n%s", ok, validatetest.Show(rep))
			}
		})
	}
}
