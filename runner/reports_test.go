package runner

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/loadlock/loadlock/validate/validatetest"
	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

func TestSARIFIsValidAndComplete(t *testing.T) {
	rep := scanned(t, model(t, 2))
	var out, again bytes.Buffer
	if err := WriteSARIF(&out, rep, "v1"); err != nil {
		t.Fatal(err)
	}
	if err := WriteSARIF(&again, rep, "v1"); err != nil || !bytes.Equal(out.Bytes(), again.Bytes()) {
		t.Error("two documents differ")
	}
	doc, err := sarif.FromBytes(out.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(); err != nil { // against the schema of OASIS
		t.Error(err)
	}
	run := doc.Runs[0]
	if *run.Invocations[0].ExecutionSuccessful || len(run.Invocations[0].ToolExecutionNotifications) != 1 {
		t.Error("the model that is missing is not an error of the invocation")
	}
	found := false
	for _, r := range run.Results {
		if *r.RuleID != "pickle/global-denied" {
			continue
		}
		found = true
		loc := r.Locations[0].PhysicalLocation
		if *loc.ArtifactLocation.URI != "models/m/evil.pkl" || loc.Region.ByteOffset == 0 || r.Level != "error" || len(r.PartialFingerprints) != 1 {
			t.Errorf("%+v", r)
		}
		if rule := run.Tool.Driver.Rules[r.RuleIndex]; *rule.ID != "pickle/global-denied" || rule.Help.Markdown == nil {
			t.Errorf("rule %d is %v", r.RuleIndex, rule.ID)
		}
	}
	if !found {
		t.Error("no result about evil.pkl")
	}
}

func TestJUnitCounts(t *testing.T) {
	var out bytes.Buffer
	if err := WriteJUnit(&out, scanned(t, model(t, 2))); err != nil {
		t.Fatal(err)
	}
	var doc junitSuites
	if err := xml.Unmarshal(out.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Tests != 5 || doc.Failures != 1 || doc.Errors != 2 || len(doc.Suites) != 2 {
		t.Errorf("%d tests, %d failures, %d errors\n%s", doc.Tests, doc.Failures, doc.Errors, out.String())
	}
}

func TestTheBOMIsValidAndHasEveryDigest(t *testing.T) {
	snap := model(t, 2)
	var out bytes.Buffer
	if err := WriteBOM(&out, scanned(t, snap), "v1", time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(bytes.NewReader(out.Bytes()), cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatal(err)
	}
	m := (*bom.Components)[0]
	if m.Type != cdx.ComponentTypeMachineLearningModel || len(*m.Components) != len(snap.Files) {
		t.Fatalf("%s with %d files", m.Type, len(*m.Components))
	}
	for _, f := range *m.Components {
		if f.Hashes == nil || len((*f.Hashes)[0].Value) != 64 {
			t.Errorf("%s has no digest", f.Name)
		}
	}
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go").Output()
	validatetest.Need(t, "go", err)
	checkSchema(t, filepath.Join(strings.TrimSpace(string(dir)), "schema"), out.Bytes())
}

// checkSchema validates a BOM against the specification's schema, which the library has beside it.
func checkSchema(t *testing.T, dir string, doc []byte) {
	t.Helper()
	c := jsonschema.NewCompiler()
	for url, file := range map[string]string{
		"http://cyclonedx.org/schema/bom-1.6.schema.json": "bom-1.6.schema.json", "http://cyclonedx.org/schema/spdx.schema.json": "spdx.schema.json",
		"http://cyclonedx.org/schema/jsf-0.82.schema.json": "jsf-0.82.schemax.json"} {
		raw, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			if raw, err = os.ReadFile(filepath.Join(dir, strings.Replace(file, "schemax", "schema", 1))); err != nil {
				t.Fatal(err)
			}
		}
		parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err == nil {
			err = c.AddResource(url, parsed)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	schema, err := c.Compile("http://cyclonedx.org/schema/bom-1.6.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(parsed); err != nil {
		t.Error(err)
	}
}

func TestTheScanReportFitsItsSchema(t *testing.T) {
	c := jsonschema.NewCompiler()
	raw, err := json.Marshal(ScanSchema())
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err == nil {
		err = c.AddResource("scan.json", parsed)
	}
	if err != nil {
		t.Fatal(err)
	}
	doc, err := json.Marshal(scanned(t, model(t, 2)))
	if err != nil {
		t.Fatal(err)
	}
	if parsed, err = jsonschema.UnmarshalJSON(bytes.NewReader(doc)); err != nil {
		t.Fatal(err)
	}
	if err := c.MustCompile("scan.json").Validate(parsed); err != nil {
		t.Error(err)
	}
	var back ScanReport
	if err := json.Unmarshal(doc, &back); err != nil || !slices.ContainsFunc(back.Models, func(m Scanned) bool { return m.Error != nil }) {
		t.Errorf("a report does not read back: %v", err)
	}
}
