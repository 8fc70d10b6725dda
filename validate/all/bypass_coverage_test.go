package all_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/all"
)

// advisories are those that the survey names.
const advisories = `
CVE-2019-6446 CVE-2022-25882 CVE-2024-21802 CVE-2024-21825 CVE-2024-21836 CVE-2024-23496 CVE-2024-23605 CVE-2024-27318 CVE-2024-27322 CVE-2024-34359
CVE-2025-10155 CVE-2025-10156 CVE-2025-10157 CVE-2025-12058 CVE-2025-1550 CVE-2025-1716 CVE-2025-1889 CVE-2025-1944 CVE-2025-1945 CVE-2025-23304
CVE-2025-32434 CVE-2025-49655 CVE-2025-51480 CVE-2025-53630 CVE-2025-54412 CVE-2025-54413 CVE-2025-54886 CVE-2025-8747 CVE-2025-9905 CVE-2025-9906
CVE-2026-1462 CVE-2026-1839 CVE-2026-24747 CVE-2026-27940 CVE-2026-33298 CVE-2026-34447 CVE-2026-4372 CVE-2026-5760 CVE-2026-7482
GHSA-955r-x9j8-7rhh GHSA-9gvj-pp9x-gcfr GHSA-fphw-536r-4p88 GHSA-g38g-8gr9-h9xp GHSA-r7v6-mfhq-g3m2 GHSA-vvpj-8cmc-gx39 GHSA-565g-hwwr-4pp3
GHSA-wfq2-52f7-7qvj GHSA-q5qq-mvfm-j35x GHSA-p523-jq9w-64x9 GHSA-5hvc-6wx8-mvv4 GHSA-h4rm-mm56-xf63 GHSA-mxhj-88fx-4pcv GHSA-5hwf-rc88-82xm
GHSA-5j3x-jp52-966f GHSA-cffv-grgg-g429 GHSA-6ggj-6f2q-f7mx`

var (
	advisoryID = regexp.MustCompile(`CVE-\d{4}-\d{4,}|GHSA(?:-[0-9a-z]{4}){3}`)
	vectorRule = regexp.MustCompile(`(?m)^rule: ([a-z]+/[a-z0-9-]+)|"(pysource/[a-z-]+)"`)
)

// vectors calls fn with the name and content of every test vector that lies in a file. The tests beside the vectors
// hold that each is found for the rules that it names.
func vectors(t *testing.T, fn func(name, content string)) {
	t.Helper()
	err := filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(name, "testdata/hostile") {
			return err
		}
		b, err := os.ReadFile(name)
		fn(name, string(b))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestEveryRowAndAdvisoryHasAVector(t *testing.T) {
	rows, have := map[int]bool{}, map[string]bool{}
	for _, x := range techniques() {
		rows[x.row] = true
		for _, id := range advisoryID.FindAllString(x.refs, -1) {
			have[id] = true
		}
	}
	for row := 1; row <= 72; row++ {
		if !rows[row] && row != 27 { // the survey has no row 27
			t.Errorf("row %d has no vector", row)
		}
	}
	vectors(t, func(name, content string) {
		head, _, _ := strings.Cut(content, "\n\n")
		for _, id := range advisoryID.FindAllString(name+head, -1) {
			have[id] = true
		}
	})
	for id, test := range map[string]string{"CVE-2025-9905": "TestKerasInHDF5IsRefused", "CVE-2026-34447": "TestExternalDataThatIsALinkIsNotAdmitted"} {
		have[id] = test != ""
	}
	for _, id := range strings.Fields(advisories) {
		if !have[id] {
			t.Errorf("%s has no vector", id)
		}
	}
}

// reachedByOtherWords are rules whose tests do not write the ID in quotes: the file below validate or an end-to-end
// script, and what it says.
var reachedByOtherWords = map[string][2]string{
	"hdf5/free-space":              {"all/bypass_rest_test.go", "TestOldSpaceInHDF5IsANote"},
	"validate/empty":               {"all/bypass_rest_test.go", "TestTheRulesAboutModelsAreReached"},
	"validate/shadows-module":      {"script/run-script-folder.txtar", "stderr 'validate/shadows-module "},
	"validate/remote-code-refused": {"all/bypass_rest_test.go", "TestTheRulesAboutModelsAreReached"},
	"validate/stopped":             {"all/bypass_rest_test.go", "TestTheRulesAboutModelsAreReached"},
}

func TestEveryRuleIsReached(t *testing.T) {
	reached := map[string]bool{}
	for _, x := range techniques() {
		reached[x.rule] = true
	}
	for _, x := range rest() {
		reached[x.rule] = true
	}
	vectors(t, func(_, content string) {
		for _, m := range vectorRule.FindAllStringSubmatch(content, -1) {
			reached[m[1]+m[2]] = true
		}
	})
	formatTests := sources(t)
	known := map[string]bool{}
	rules := slices.Clone(validate.CoreRules)
	for _, s := range all.Scanners() {
		rules = append(rules, s.Rules...)
	}
	for _, r := range rules {
		known[r.ID] = true
		words, listed := reachedByOtherWords[r.ID]
		switch quoted := strings.Contains(formatTests[""], `"`+r.ID+`"`); {
		case reached[r.ID] || quoted:
			if listed {
				t.Errorf("%s need not be listed", r.ID)
			}
		case !listed:
			t.Errorf("no test reaches %s", r.ID)
		case !strings.Contains(formatTests[words[0]], words[1]):
			t.Errorf("%s: %s does not say %s", r.ID, words[0], words[1])
		}
	}
	for id := range reachedByOtherWords {
		if !known[id] {
			t.Errorf("%s is no rule", id)
		}
	}
}

// sources are the test files below validate by name, and under "" all but those of these tables.
func sources(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	var whole strings.Builder
	err := filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		b, err := os.ReadFile(name)
		out[strings.TrimPrefix(filepath.ToSlash(name), "../")] = string(b)
		if !strings.Contains(name, "all/bypass_") {
			whole.Write(b)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	scripts, err := filepath.Glob("../../testdata/script/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range scripts {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		out["script/"+filepath.Base(name)] = string(b)
	}
	out[""] = whole.String()
	return out
}
