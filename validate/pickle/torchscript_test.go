package pickle

import (
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate/validatetest"
)

func TestTorchScriptClassesAreTheArchivesBusiness(t *testing.T) {
	const begin = "PROTO 2\nGLOBAL __torch__.Net Net\n"
	tests := map[string]struct {
		body string
		want bool
		rule string
	}{
		"an object with its attributes": {begin + "EMPTY_TUPLE\nNEWOBJ\nEMPTY_DICT\nMARK\nBINUNICODE training\nNEWFALSE\nBINUNICODE sizes\nGLOBAL torch.jit._pickle build_intlist\n" +
			"EMPTY_LIST\nBININT1 1\nAPPEND\nTUPLE1\nREDUCE\nSETITEMS\nBUILD\nSTOP", true, ruleScript.ID},
		"a state that is no dictionary": {begin + "EMPTY_TUPLE\nNEWOBJ\nBININT1 3\nNEWTRUE\nTUPLE2\nBUILD\nSTOP", true, ruleScript.ID},
		"a call with arguments":         {begin + "BINUNICODE x\nTUPLE1\nREDUCE\nSTOP", false, ruleShape.ID},
		"a special attribute":           {begin + "EMPTY_TUPLE\nNEWOBJ\nEMPTY_DICT\nBINUNICODE __class__\nNONE\nSETITEM\nBUILD\nSTOP", false, ruleDunder.ID},
		"the result called":             {begin + "EMPTY_TUPLE\nNEWOBJ\nEMPTY_TUPLE\nREDUCE\nSTOP", false, ruleComputedCall.ID},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			rep, ok := inArchive(t, "archive/data.pkl", asm(t, tt.body))
			found := false
			for _, f := range rep.Findings {
				found = found || f.Rule == tt.rule
			}
			if ok != tt.want || !found {
				t.Errorf("admitted %v\n%s", ok, validatetest.Show(rep))
			}
		})
	}
}

func TestWhatTorchScriptWritesIsCleared(t *testing.T) {
	files := python(t, "torch", systemPython, "real_torchscript.py")
	if len(files) < 10 {
		t.Fatalf("only %d files were written", len(files))
	}
	for name, data := range files {
		t.Run(name, func(t *testing.T) {
			if rep, ok := inArchive(t, strings.ReplaceAll(name, "!", "/"), data); !ok {
				t.Errorf("not admitted\n%s", validatetest.Show(rep))
			}
		})
	}
}
