package runner

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"path"
	"path/filepath"
	"strings"

	"github.com/loadlock/loadlock/validate"
)

// The part of SARIF 2.1.0 (OASIS, sarif-schema-2.1.0) that findings need. Binary files have no lines: their regions
// are byte offsets, and the member of a container is a logical location.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool         `json:"tool"`
		Invocations []sarifInvocation `json:"invocations"`
		Artifacts   []sarifArtifact   `json:"artifacts"`
		Results     []sarifResult     `json:"results"`
		Language    string            `json:"language"`
		Newlines    []string          `json:"newlineSequences"`
		Properties  map[string]string `json:"properties"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name     string      `json:"name"`
		Version  string      `json:"version"`
		URI      string      `json:"informationUri"`
		Language string      `json:"language"`
		Rules    []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID      string          `json:"id"`
		Short   sarifText       `json:"shortDescription"`
		Full    sarifText       `json:"fullDescription"`
		Help    sarifMultiText  `json:"help"`
		Default sarifLevel      `json:"defaultConfiguration"`
		Props   sarifProperties `json:"properties"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifMultiText struct {
		Text     string `json:"text"`
		Markdown string `json:"markdown"`
	}
	sarifLevel struct {
		Level string `json:"level"`
	}
	sarifProperties struct {
		Severity  string   `json:"security-severity"`
		Precision string   `json:"precision"`
		Tags      []string `json:"tags"`
	}
	sarifInvocation struct {
		Successful    bool                `json:"executionSuccessful"`
		Notifications []sarifNotification `json:"toolExecutionNotifications,omitempty"`
	}
	sarifNotification struct {
		Level   string    `json:"level"`
		Message sarifText `json:"message"`
	}
	sarifArtifact struct {
		Location sarifURI          `json:"location"`
		Length   int64             `json:"length"`
		Hashes   map[string]string `json:"hashes,omitempty"`
	}
	sarifURI struct {
		URI   string `json:"uri"`
		Index *int   `json:"index,omitempty"`
	}
	sarifResult struct {
		RuleID       string             `json:"ruleId"`
		RuleIndex    int                `json:"ruleIndex"`
		Level        string             `json:"level"`
		Message      sarifText          `json:"message"`
		Locations    []sarifLocation    `json:"locations"`
		Fingerprints map[string]string  `json:"partialFingerprints"`
		Suppressions []sarifSuppression `json:"suppressions,omitempty"`
	}
	sarifSuppression struct {
		Kind string `json:"kind"`
		Why  string `json:"justification"`
	}
	sarifLocation struct {
		Physical sarifPhysical  `json:"physicalLocation"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifURI     `json:"artifactLocation"`
		Region   *sarifRegion `json:"region,omitempty"`
	}
	sarifRegion struct {
		StartLine  int    `json:"startLine,omitempty"`
		ByteOffset *int64 `json:"byteOffset,omitempty"`
	}
	sarifLogical struct {
		Name string `json:"fullyQualifiedName"`
		Kind string `json:"kind"`
	}
)

var sarifLevels = map[validate.Severity]string{validate.Low: "note", validate.Medium: "warning", validate.High: "error"}

// WriteSARIF writes the findings of a scan. A scan with an error says so in the invocation: consumers must not take
// its results for all there is.
func WriteSARIF(w io.Writer, rep ScanReport, version string) error {
	run := sarifRun{Invocations: []sarifInvocation{{Successful: true}}, Artifacts: []sarifArtifact{}, Results: []sarifResult{}, Language: "en-US", Newlines: []string{"\r\n", "\n"},
		Properties: map[string]string{"policy": rep.Policy.Name, "policyDigest": rep.Policy.Digest}}
	index := run.rules(rep, version)
	for _, m := range rep.Models {
		if m.Error != nil {
			run.Invocations[0].Successful = false
			run.Invocations[0].Notifications = append(run.Invocations[0].Notifications, sarifNotification{"error", sarifText{m.Path + ": " + m.Error.Message}})
		}
		run.model(m, index)
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(sarifLog{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run}})
}

// rules lists the rules that the findings need, and where each is in the list.
func (run *sarifRun) rules(rep ScanReport, version string) map[string]int {
	used := map[string]int{}
	for _, m := range rep.Models {
		for _, f := range m.Findings {
			used[f.Rule] = 0
		}
	}
	run.Tool.Driver = sarifDriver{Name: "loadlock", Version: version, URI: "https://github.com/loadlock/loadlock", Language: "en-US", Rules: []sarifRule{}}
	all := rules()
	for _, id := range ruleIDs() {
		if _, ok := used[id]; !ok {
			continue
		}
		r := all[id]
		used[id] = len(run.Tool.Driver.Rules)
		format, _, _ := strings.Cut(id, "/")
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{ID: id, Short: sarifText{r.Title}, Full: sarifText{r.Why},
			Help: sarifMultiText{Text: r.Why + "\n\nWhat to do: " + r.Fix, Markdown: helpMarkdown(r)}, Default: sarifLevel{sarifLevels[r.Severity]},
			Props: sarifProperties{Severity: map[validate.Severity]string{validate.Low: "1.0", validate.Medium: "5.0", validate.High: "9.0"}[r.Severity],
				Precision: map[validate.Confidence]string{validate.Certain: "very-high", validate.Likely: "high", validate.Possible: "medium"}[r.Confidence],
				Tags:      []string{"security", "machine-learning", format}}})
	}
	return used
}

func helpMarkdown(r *validate.Rule) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n**What to do:** %s\n", r.Why, r.Fix)
	if r.Hostile != "" {
		fmt.Fprintf(&b, "\nHostile:\n\n```\n%s\n```\n\nHarmless:\n\n```\n%s\n```\n", r.Hostile, r.Benign)
	}
	for _, ref := range r.Refs {
		fmt.Fprintf(&b, "\n- %s", ref)
	}
	return b.String()
}

// model adds the files and findings of one model.
func (run *sarifRun) model(m Scanned, index map[string]int) {
	single := len(m.Files) == 1 && m.Files[0].Path == path.Base(filepath.ToSlash(m.Path))
	at := map[string]int{}
	digests := map[string]string{}
	uri := func(file string) string {
		whole := filepath.ToSlash(m.Path)
		if !single {
			whole = path.Join(whole, file)
		}
		return (&url.URL{Path: strings.TrimPrefix(whole, "./")}).EscapedPath()
	}
	for _, f := range m.Files {
		a := sarifArtifact{Location: sarifURI{URI: uri(f.Path)}, Length: f.Size}
		if f.SHA256 != "" {
			a.Hashes = map[string]string{"sha-256": f.SHA256}
		}
		at[validate.Printable(f.Path)], digests[validate.Printable(f.Path)] = len(run.Artifacts), f.SHA256
		run.Artifacts = append(run.Artifacts, a)
	}
	for _, f := range m.Findings {
		top, member, nested := strings.Cut(f.File, "!")
		loc := sarifLocation{Physical: sarifPhysical{Artifact: sarifURI{URI: uri(top)}}}
		if i, ok := at[top]; ok {
			loc.Physical.Artifact.Index = &i
		}
		if nested {
			loc.Logical = []sarifLogical{{Name: f.File, Kind: "member"}}
		}
		switch {
		case f.Line > 0 && !nested:
			loc.Physical.Region = &sarifRegion{StartLine: f.Line}
		case !nested:
			loc.Physical.Region = &sarifRegion{ByteOffset: &f.Offset}
		}
		res := sarifResult{RuleID: f.Rule, RuleIndex: index[f.Rule], Level: sarifLevels[f.Severity], Locations: []sarifLocation{loc},
			Message:      sarifText{findingText(f, member)},
			Fingerprints: map[string]string{"loadlock/v1": fingerprint(f, digests[top])}}
		if f.Waived != "" {
			res.Suppressions = []sarifSuppression{{"external", f.Waived}}
		}
		run.Results = append(run.Results, res)
	}
}

func findingText(f validate.Finding, member string) string {
	text := f.Detail
	if member != "" {
		text += fmt.Sprintf(" (in %s at offset %#x)", member, f.Offset)
	}
	if f.Evidence != "" {
		text += ": " + f.Evidence
	}
	return cmp.Or(text, f.Rule)
}

// fingerprint is stable while the file is the same: rule, content and place.
func fingerprint(f validate.Finding, digest string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n%d\n", f.Rule, digest, f.File, f.Offset))
	return hex.EncodeToString(sum[:16])
}
