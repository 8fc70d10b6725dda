package runner

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/loadlock/loadlock/isolate"
	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/runner/advise"
	"github.com/loadlock/loadlock/validate"
)

// Explain tells about a rule, a layer, a system call, a command of ioctl, an error of a GPU, a report file, or the last run.
func Explain(w io.Writer, what, stateDir string, style Style) error {
	if r, ok := rules()[what]; ok {
		explainRule(w, r, style)
		return nil
	}
	for _, l := range isolate.Layers() {
		if l.Name == what {
			explainLayer(w, l, style)
			return nil
		}
	}
	if e, ok := advise.FindGPUError(what); ok {
		explainGPUError(w, e, style)
		return nil
	}
	if explainCall(w, what, style) || explainCommand(w, what, style) {
		return nil
	}
	name := what
	if what == "last" {
		name = filepath.Join(stateDir, "last.json")
	}
	raw, err := os.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && what == "last":
		return &UsageError{What: "nothing was run yet", Hint: "loadlock run --model ./model -- python load_model.py"}
	case errors.Is(err, fs.ErrNotExist) && !looksLikePath(what):
		return &UsageError{What: what + " is no rule, layer, system call, error of a GPU or report", Hint: near(what)}
	case err != nil:
		return fmt.Errorf("report: %w", err)
	}
	var res Result
	if err := json.Unmarshal(raw, &res); err != nil {
		return fmt.Errorf("report %s: %w", name, err)
	}
	fmt.Fprintf(w, "run %s  %s  policy %s (%s)\ncommand %q\n", res.ID, res.Started.Format("2006-01-02 15:04:05"), res.Policy.Name, res.Policy.Digest, res.Command)
	Summary(w, res, style)
	Refused(w, res, style)
	return nil
}

// explainRule is the page of a rule.
func explainRule(w io.Writer, r *validate.Rule, style Style) {
	effect := map[validate.Severity]string{validate.Low: "a note; changes no verdict", validate.Medium: "the verdict is at best inconclusive", validate.High: "the model is refused"}[r.Severity]
	fmt.Fprintf(w, "%s  (%s: %s; %s)\n%s\n\nwhy:  %s\nfix:  %s\n", style.paint("1", r.ID), r.Severity, effect, r.Confidence, r.Title, r.Why, r.Fix)
	for _, example := range []struct{ word, text string }{{"hostile", r.Hostile}, {"benign", r.Benign}} {
		if example.text != "" {
			fmt.Fprintf(w, "\n%s, for example:\n    %s\n", example.word, strings.ReplaceAll(strings.TrimRight(example.text, "\n"), "\n", "\n    "))
		}
	}
	if len(r.Refs) > 0 {
		fmt.Fprintf(w, "\nsee:  %s\n", strings.Join(r.Refs, "\n      "))
	}
	fmt.Fprintf(w, "\nto accept it for one file, in a policy:\n    waivers:\n      - {rule: %s, sha256: …, reason: \"…\", expires: …}\n", r.ID)
}

// looksLikePath tells a report that is missing from the name of a rule that is misspelt: rules have one slash, too.
func looksLikePath(what string) bool {
	return strings.Contains(what, ".") || strings.HasPrefix(what, "/") || strings.Count(what, "/") > 1
}

// near says which names resemble one that does not exist: all rules of a format, rules that contain the word, or the
// rule or layer with the fewest other letters; failing that, the formats there are.
func near(word string) string {
	ids := ruleIDs()
	var found, formats []string
	for _, id := range ids {
		format, what, _ := strings.Cut(id, "/")
		if word != "" && (word == format || strings.Contains(what, word)) {
			found = append(found, id)
		}
		formats = append(formats, format)
	}
	if len(found) == 0 {
		_, what, _ := strings.Cut(word, "/")
		for _, l := range isolate.Layers() {
			ids = append(ids, l.Name)
		}
		for _, e := range advise.GPUErrors() {
			ids = append(ids, e.ID)
		}
		for _, id := range ids {
			if _, last, ok := strings.Cut(id, "/"); ok && last == what {
				found = append(found, id)
			}
		}
		if n := policy.Nearest(word, ids); n != "" && !slices.Contains(found, n) {
			found = append([]string{n}, found...)
		}
	}
	if len(found) > 0 {
		return "near: loadlock explain " + strings.Join(found, " | ")
	}
	return "loadlock explain FORMAT names the rules of a format: " + strings.Join(slices.Compact(formats), " ")
}

func ruleIDs() []string {
	var ids []string
	for id := range rules() {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
