package pickle

import (
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

func TestHostileVectorsAreRefused(t *testing.T) {
	for _, v := range validatetest.ReadDir(t, "testdata/hostile/*.txt") {
		t.Run(v.Name, func(t *testing.T) {
			if v.Expect == validate.Admit || len(v.Rules) == 0 {
				t.Fatal("a hostile vector must name its rule and not expect admit")
			}
			v.Check(t, []*validate.Scanner{Scanner()})
		})
	}
}

func TestBenignVectorsAreCleared(t *testing.T) {
	for _, v := range validatetest.ReadDir(t, "testdata/benign/*.txt") {
		t.Run(v.Name, func(t *testing.T) {
			if v.Expect != validate.Admit {
				t.Fatal("a benign vector must expect admit")
			}
			v.Check(t, []*validate.Scanner{Scanner()})
		})
	}
}

func TestEveryRuleHasAHostileVector(t *testing.T) {
	seen := map[string]bool{}
	for _, v := range append(validatetest.ReadDir(t, "testdata/hostile/*.txt"), validatetest.ReadDir(t, "testdata/benign/*.txt")...) {
		for _, e := range v.Rules {
			seen[e.Rule] = true
		}
	}
	seen[ruleScript.ID] = true // only inside an archive; see torchscript_test.go
	for _, r := range rules() {
		if !seen[r.ID] {
			t.Errorf("no vector for %s", r.ID)
		}
		if r.Title == "" || r.Why == "" || r.Fix == "" || r.Severity == 0 || r.Hostile == "" || r.Benign == "" {
			t.Errorf("%s is not documented", r.ID)
		}
		delete(seen, r.ID)
	}
	for id := range seen {
		t.Errorf("vectors name %s, which is no rule", id)
	}
}
