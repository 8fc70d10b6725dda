package pysource

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

// CORPUS names folders of Python files, separated by colons; the test prints how many files have a finding of each
// rule, and each finding when CORPUS_SHOW is a part of its rule or file.
func TestCorpus(t *testing.T) {
	roots, show := os.Getenv("CORPUS"), os.Getenv("CORPUS_SHOW")
	if roots == "" {
		validatetest.Need(t, "corpus", fmt.Errorf("CORPUS names no folder"))
	}
	files, bytes, high, medium := 0, 0, 0, 0
	rules := map[string]int{}
	var worst time.Duration
	start := time.Now()
	for _, root := range filepath.SplitList(roots) {
		_ = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(name) != ".py" {
				return nil
			}
			b, err := os.ReadFile(name)
			if err != nil {
				return nil
			}
			files++
			bytes += len(b)
			seen := map[string]bool{}
			begin := time.Now()
			all := analysed(string(b), name)
			if took := time.Since(begin); took > worst {
				worst = took
				t.Logf("%v %s %d", took, name, len(b))
			}
			worstSeverity := validate.Low
			for _, f := range all {
				worstSeverity = max(worstSeverity, f.rule.Severity)
				key := f.rule.Severity.String() + " " + f.rule.ID
				if !seen[key] {
					rules[key]++
				}
				seen[key] = true
				if show != "" && strings.Contains(f.rule.Severity.String()+" "+f.rule.ID+" "+name, show) {
					t.Logf("%s: %v | %s", name, f, f.at.Evidence)
				}
			}
			if worstSeverity == validate.High {
				high++
			} else if worstSeverity == validate.Medium {
				medium++
			}
			return nil
		})
	}
	var keys []string
	for k := range rules {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool { return rules[keys[i]] > rules[keys[j]] })
	for _, k := range keys {
		t.Logf("%6d %s", rules[k], k)
	}
	t.Logf("%d files, %d with HIGH, %d more with MEDIUM; %.1f MB/s", files, high, medium, float64(bytes)/1e6/time.Since(start).Seconds())
}

// explained are the files of torch's modelling packages that do what the rule says.
var explained = map[string]string{
	"nn/utils/parametrize.py": "asks copyreg which slots a class has",
}

// The modelling packages of Debian's torch, as if they came with a model: no HIGH finding that is not explained, and
// almost no MEDIUM one.
func TestModellingLibrariesAreQuiet(t *testing.T) {
	const root = "/usr/lib/python3/dist-packages/torch"
	_, err := os.Stat(root)
	validatetest.Need(t, "torch", err)
	files, medium := 0, 0
	for _, part := range []string{"nn", "optim", "distributions"} {
		err := filepath.WalkDir(filepath.Join(root, part), func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(name) != ".py" {
				return err
			}
			b, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			files++
			unclear := false
			for _, f := range analysed(string(b), name) {
				unclear = unclear || f.rule.Severity == validate.Medium
				if rel, _ := filepath.Rel(root, name); f.rule.Severity == validate.High && explained[rel] == "" {
					t.Errorf("%s: %v", rel, f)
				}
			}
			if unclear {
				medium++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 100 || medium > files/50 {
		t.Errorf("%d of %d files have a MEDIUM finding", medium, files)
	}
}
