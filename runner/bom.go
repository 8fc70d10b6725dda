package runner

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/loadlock/loadlock/validate"
)

// The part of CycloneDX 1.6 (cyclonedx.org, bom-1.6.schema) that says what a model consists of: an ML-BOM. The
// library of the project drags encoding/gob into the start of every sandbox, so the tests have it and this has not.
type (
	bom struct {
		Schema     string         `json:"$schema"`
		Format     string         `json:"bomFormat"`
		Spec       string         `json:"specVersion"`
		Serial     string         `json:"serialNumber"`
		Version    int            `json:"version"`
		Metadata   bomMetadata    `json:"metadata"`
		Components []bomComponent `json:"components"`
	}
	bomMetadata struct {
		Timestamp  string        `json:"timestamp"`
		Tools      bomTools      `json:"tools"`
		Properties []bomProperty `json:"properties"`
	}
	bomTools struct {
		Components []bomComponent `json:"components"`
	}
	bomComponent struct {
		Type       string         `json:"type"`
		Ref        string         `json:"bom-ref,omitempty"`
		Name       string         `json:"name"`
		Version    string         `json:"version,omitempty"`
		Hashes     []bomHash      `json:"hashes,omitempty"`
		Properties []bomProperty  `json:"properties,omitempty"`
		Components []bomComponent `json:"components,omitempty"`
		ModelCard  *bomModelCard  `json:"modelCard,omitempty"`
	}
	bomModelCard struct {
		Ref string `json:"bom-ref"`
	}
	bomHash     struct{ Alg, Content string }
	bomProperty struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
)

// MarshalJSON writes the names of the specification.
func (h bomHash) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"alg": h.Alg, "content": h.Content})
}

// WriteBOM writes what a scan with AllDigests saw: each model as a component, its files below it, with digests, kinds
// and verdict.
func WriteBOM(w io.Writer, rep ScanReport, version string, now time.Time) error {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails (crypto/rand)
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	doc := bom{Schema: "http://cyclonedx.org/schema/bom-1.6.schema.json", Format: "CycloneDX", Spec: "1.6", Version: 1, Components: []bomComponent{},
		Serial: fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:]),
		Metadata: bomMetadata{Timestamp: now.UTC().Format(time.RFC3339), Tools: bomTools{[]bomComponent{{Type: "application", Name: "loadlock", Version: version}}},
			Properties: []bomProperty{{"loadlock:policy", rep.Policy.Name}, {"loadlock:policyDigest", rep.Policy.Digest}}}}
	for i, m := range rep.Models {
		doc.Components = append(doc.Components, bomModel(m, "model-"+strconv.Itoa(i+1)))
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(doc)
}

func bomModel(m Scanned, ref string) bomComponent {
	c := bomComponent{Type: "machine-learning-model", Ref: ref, Name: path.Base(filepath.ToSlash(m.Path)), ModelCard: &bomModelCard{ref + "-card"},
		Properties: []bomProperty{{"loadlock:path", m.Path}, {"loadlock:verdict", m.Verdict.String()}}}
	if m.Digest != "" && m.DigestFull {
		c.Properties = append(c.Properties, bomProperty{"loadlock:manifestDigest", m.Digest})
	}
	if m.Error != nil {
		c.Properties = append(c.Properties, bomProperty{"loadlock:error", m.Error.Message})
	}
	withheld := map[string]string{}
	for _, h := range m.Withheld {
		withheld[h.Path] = h.Why
	}
	rules := map[string][]string{}
	for _, f := range m.Findings {
		if f.Severity > validate.Low {
			rules[topFile(f.File)] = append(rules[topFile(f.File)], f.Rule)
		}
	}
	for i, f := range m.Files {
		file := bomComponent{Type: "file", Ref: fmt.Sprintf("%s-file-%d", ref, i+1), Name: f.Path,
			Properties: []bomProperty{{"loadlock:size", strconv.FormatInt(f.Size, 10)}, {"loadlock:scanners", strings.Join(f.Scanners, " ")}, {"loadlock:cleared", strconv.FormatBool(f.Cleared)}}}
		if f.SHA256 != "" {
			file.Hashes = []bomHash{{"SHA-256", f.SHA256}}
		}
		if why := withheld[f.Path]; why != "" {
			file.Properties = append(file.Properties, bomProperty{"loadlock:withheld", why})
		}
		for _, id := range rules[validate.Printable(f.Path)] {
			file.Properties = append(file.Properties, bomProperty{"loadlock:finding", id})
		}
		c.Components = append(c.Components, file)
	}
	return c
}
