package validate_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/all"
)

func TestEveryRuleIsDocumented(t *testing.T) {
	id := regexp.MustCompile(`^[a-z][a-z0-9]*/[a-z0-9]+(-[a-z0-9]+)*$`)
	seen := map[string]*validate.Rule{}
	check := func(owner string, list []*validate.Rule) {
		if len(list) == 0 {
			t.Errorf("%s has no rules", owner)
		}
		for _, r := range list {
			switch {
			case !id.MatchString(r.ID):
				t.Errorf("%s: ID %q is not format/what", owner, r.ID)
			case seen[r.ID] != nil:
				t.Errorf("%s: rule %s exists twice", owner, r.ID)
			case r.Title == "" || strings.HasSuffix(r.Title, "."):
				t.Errorf("%s: title %q", r.ID, r.Title)
			case !strings.HasSuffix(r.Why, "."):
				t.Errorf("%s: why is no sentence: %q", r.ID, r.Why)
			case r.Fix == "":
				t.Errorf("%s: no fix", r.ID)
			case r.Severity < validate.Low || r.Severity > validate.High:
				t.Errorf("%s: no severity", r.ID)
			case r.Hostile == "" || r.Benign == "" || r.Hostile == r.Benign:
				t.Errorf("%s: the examples are %q and %q", r.ID, r.Hostile, r.Benign)
			}
			seen[r.ID] = r
		}
	}
	check("validate", validate.CoreRules)
	names := map[string]bool{}
	for _, s := range all.Scanners() {
		if s.Name == "" || s.Doc == "" || s.Version < 1 || s.Match == nil || s.Scan == nil || names[s.Name] {
			t.Errorf("scanner %q is incomplete or exists twice", s.Name)
		}
		names[s.Name] = true
		check(s.Name, s.Rules)
	}
	if len(seen) < 40 || seen[validate.UnknownGlobalID] == nil {
		t.Errorf("%d rules, and %s is %v", len(seen), validate.UnknownGlobalID, seen[validate.UnknownGlobalID])
	}
}
