package runner

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/validate"
)

// Baseline is a list of findings that were there when somebody looked, and are accepted: by rule and by the SHA-256
// of the whole file, so that a change of the file brings them back. It is a file for machines; a person writes
// waivers into a policy, with a reason and an expiry.
type Baseline struct {
	Version  int             `json:"version"` // 1
	Accepted []BaselineEntry `json:"accepted"`

	name string
}

// BaselineEntry accepts one rule in one file.
type BaselineEntry struct {
	Rule   string `json:"rule"`
	SHA256 string `json:"sha256"`
	File   string `json:"file"` // where it was seen; not compared
}

// ReadBaseline reads a baseline strictly.
func ReadBaseline(name string) (b Baseline, err error) {
	f, err := os.Open(name)
	if err != nil {
		return b, &UsageError{What: "baseline: " + err.Error(), Hint: "loadlock scan --write-baseline FILE makes one"}
	}
	defer f.Close()
	dec := json.NewDecoder(io.LimitReader(f, 64<<20))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&b); err != nil {
		return Baseline{}, &UsageError{What: fmt.Sprintf("baseline %s: %v", name, err), Hint: "loadlock scan --write-baseline FILE makes one"}
	}
	if b.Version != 1 {
		return Baseline{}, &UsageError{What: fmt.Sprintf("baseline %s: version %d is unknown", name, b.Version), Hint: "make it again with --write-baseline"}
	}
	known := rules()
	for _, e := range b.Accepted {
		if known[e.Rule] == nil || len(e.SHA256) != 64 || strings.Trim(e.SHA256, "0123456789abcdef") != "" {
			return Baseline{}, &UsageError{What: fmt.Sprintf("baseline %s: rule %q, digest %q", name, e.Rule, e.SHA256), Hint: "make it again with --write-baseline"}
		}
	}
	b.name = name
	return b, nil
}

// waivers adds the baseline to a policy's own.
func (b Baseline) waivers(own []policy.Waiver) []policy.Waiver {
	out := slices.Clone(own)
	for _, e := range b.Accepted {
		out = append(out, policy.Waiver{Rule: e.Rule, SHA256: e.SHA256, Reason: "baseline " + b.name})
	}
	return out
}

// NewBaseline accepts what a scan with FindingDigests found. It fails on findings that belong to no file that could be read.
func NewBaseline(rep ScanReport) (Baseline, error) {
	b := Baseline{Version: 1, Accepted: []BaselineEntry{}}
	var errs []error
	for _, m := range rep.Models {
		if m.Error != nil {
			errs = append(errs, fmt.Errorf("%s: %s", m.Path, m.Error.Message))
			continue
		}
		digests := map[string]string{}
		for _, f := range m.Files {
			digests[validate.Printable(f.Path)] = f.SHA256
		}
		for _, f := range m.Findings {
			if f.Severity == validate.Low || strings.HasPrefix(f.Waived, "waiver: ") && !strings.HasPrefix(f.Waived, "waiver: baseline ") {
				continue
			}
			e := BaselineEntry{Rule: f.Rule, SHA256: digests[topFile(f.File)], File: f.File}
			if e.SHA256 == "" {
				errs = append(errs, fmt.Errorf("%s: %s in %s has no digest to accept it by", m.Path, f.Rule, f.File))
				continue
			}
			if !slices.ContainsFunc(b.Accepted, func(o BaselineEntry) bool { return o.Rule == e.Rule && o.SHA256 == e.SHA256 }) {
				b.Accepted = append(b.Accepted, e)
			}
		}
	}
	return b, errors.Join(errs...)
}

// topFile is the file of the model that a finding is in.
func topFile(file string) string {
	top, _, _ := strings.Cut(file, "!")
	return top
}
