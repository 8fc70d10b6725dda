package runner

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/loadlock/loadlock/isolate"
	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/all"
	"github.com/loadlock/loadlock/validate/validatetest"
)

// TestMain makes this test binary a cell when it is started as one.
func TestMain(m *testing.M) {
	if isolate.IsCell() {
		if err := ServeCell(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const hostilePickle = "cposix\nsystem\n(S'id'\ntR."

// model is a folder of n harmless pickles and one that is not, one that only root may read, and Python files of those
// names.
func model(t *testing.T, n int, python ...string) *validate.Snapshot {
	t.Helper()
	dir := t.TempDir()
	put := func(name, content string, mode os.FileMode) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), mode); err != nil {
			t.Fatal(err)
		}
	}
	for i := range n {
		put(fmt.Sprintf("%04d.pkl", i), fmt.Sprintf("\x80\x02}X\x01\x00\x00\x00%cK\x01s.", 'a'+i%26), 0o644)
	}
	put("evil.pkl", hostilePickle, 0o600)
	put("weights.bin", "\x00\x01garbage", 0o600)
	for _, name := range python {
		put(name, "from net import X\nfrom absent import Y\n", 0o600)
	}
	snap, err := validate.Pin(t.Context(), dir, "", validatetest.Policy().Scan)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(snap.Close)
	return snap
}

func start(t *testing.T) *Scanners {
	t.Helper()
	s, err := StartScanners(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestACellFindsWhatAScanInThisProcessFinds(t *testing.T) {
	s := start(t)
	limits := validatetest.Policy().Scan
	for range 2 { // one cell judges several models
		snap := model(t, 300, "hubconf.py", "net.py") // the cell knows the names of the files that imports may mean
		want, err := validate.Scan(t.Context(), all.Scanners(), snap, limits)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Scan(t.Context(), snap, limits)
		if err != nil || s.Dead() {
			t.Fatal(err, s.Dead())
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(validate.Report{}, "Took"), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("-here +cell\n%s", diff)
		}
	}
}

func TestFilesOfACellThatEndedAreNotCleared(t *testing.T) {
	s := start(t)
	snap := model(t, 5)
	s.cell.Kill()
	rep, err := s.Scan(t.Context(), snap, validatetest.Policy().Scan)
	if err != nil || !s.Dead() {
		t.Fatal(err, s.Dead())
	}
	stopped := 0
	for _, f := range rep.Findings {
		if f.Rule == validate.Stopped.ID && f.Severity == validate.Medium {
			stopped++
		}
	}
	if stopped != len(snap.Files) {
		t.Errorf("%d of %d files are accused\n%s", stopped, len(snap.Files), validatetest.Show(rep))
	}
	if _, d := validate.Decide(validatetest.Policy(), snap, rep, time.Now()); d.Verdict != validate.Inconclusive {
		t.Errorf("verdict %s", d.Verdict)
	}
}

// What a cell that was taken over could answer to clear a file it was not asked about, or one twice.
func TestAnswersAreBoundToTheQuestions(t *testing.T) {
	snap := model(t, 1)
	file := func(i int, path string) answer {
		return answer{Files: []answerFile{{Index: i, Report: validate.FileReport{Path: path, Cleared: true}}}}
	}
	for name, answers := range map[string][]answer{
		"an index outside": {file(99, "0000.pkl")},
		"a negative index": {file(-1, "0000.pkl")},
		"another file":     {file(0, "other.pkl")},
		"a file twice":     {file(0, "0000.pkl"), file(0, "0000.pkl")},
		"no end":           {file(0, "0000.pkl")},
		"nothing":          {},
	} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			for _, a := range answers {
				if err := json.NewEncoder(&b).Encode(a); err != nil {
					t.Fatal(err)
				}
			}
			s := Scanners{dec: json.NewDecoder(strings.NewReader(b.String()))}
			if _, _, err := s.collect(snap); err == nil {
				t.Error("accepted")
			}
		})
	}
}

func TestAnInterruptedScanIsNoReport(t *testing.T) {
	s := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Scan(ctx, model(t, 50), validatetest.Policy().Scan); err == nil {
		t.Error("no error")
	}
}

// scanned is the report of a scan of the model's folder, as reports are made from it.
func scanned(t *testing.T, snap *validate.Snapshot) ScanReport {
	t.Helper()
	p := validatetest.Policy()
	rep, err := Scan(t.Context(), ScanJob{Refs: []ScanRef{{snap.Path, "models/m"}, {snap.Path + "/missing", "missing"}}, Policy: p, AllDigests: true})
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

func TestABaselineAcceptsWhatWasFoundUntilTheFileChanges(t *testing.T) {
	snap := model(t, 2)
	rep := scanned(t, snap)
	rep.Models = rep.Models[:1]
	if rep.Status() != ScanReject {
		t.Fatalf("status %d", rep.Status())
	}
	b, err := NewBaseline(rep)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "baseline.json")
	raw, _ := json.Marshal(b)
	if err := os.WriteFile(name, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	if b, err = ReadBaseline(name); err != nil {
		t.Fatal(err)
	}
	job := ScanJob{Refs: []ScanRef{{snap.Path, "m"}}, Policy: validatetest.Policy(), Baseline: b}
	if rep, err = Scan(t.Context(), job); err != nil || rep.Status() != ScanAdmit {
		t.Fatalf("status %d with its baseline, %v", rep.Status(), err)
	}
	if err := os.WriteFile(filepath.Join(snap.Path, "evil.pkl"), []byte(hostilePickle+"."), 0o644); err != nil {
		t.Fatal(err)
	}
	if rep, err = Scan(t.Context(), job); err != nil || rep.Status() != ScanReject {
		t.Errorf("status %d after a change, %v", rep.Status(), err)
	}
	for _, bad := range []string{"", "{}", `{"version":2,"accepted":[]}`, `{"version":1,"accepted":[{"rule":"no/such","sha256":"` + strings.Repeat("a", 64) + `","file":"x"}]}`,
		`{"version":1,"accepted":[{"rule":"pickle/global-denied","sha256":"*","file":"x"}]}`, `{"version":1,"accept":[]}`} {
		if err := os.WriteFile(name, []byte(bad), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadBaseline(name); err == nil {
			t.Errorf("%q is a baseline", bad)
		}
	}
}

func TestFailOn(t *testing.T) {
	note, medium, high := validate.Finding{Severity: validate.Low}, validate.Finding{Severity: validate.Medium}, validate.Finding{Severity: validate.High}
	waived := validate.Finding{Severity: validate.High, Waived: "w"}
	for _, tt := range []struct {
		level string
		f     validate.Finding
		want  ScanStatus
	}{
		{"low", note, ScanReject}, {"medium", note, ScanAdmit}, {"high", note, ScanAdmit},
		{"low", medium, ScanReject}, {"medium", medium, ScanReject}, {"high", medium, ScanAdmit},
		{"low", high, ScanReject}, {"high", high, ScanReject}, {"low", waived, ScanAdmit},
	} {
		rep := ScanReport{Models: []Scanned{{ModelResult: ModelResult{Decision: validate.Decision{Findings: []validate.Finding{tt.f}}}, Status: ScanInconclusive}}}
		if err := rep.FailOn(tt.level); err != nil || rep.Status() != tt.want {
			t.Errorf("%s with %s: %d, want %d (%v)", tt.level, tt.f.Severity, rep.Status(), tt.want, err)
		}
	}
	failed := ScanReport{Models: []Scanned{{Status: ScanInconclusive, Error: &ErrorResult{}}}}
	if err := failed.FailOn("high"); err != nil || failed.Status() != ScanInconclusive {
		t.Error("an error is forgotten")
	}
	if (&ScanReport{}).FailOn("x") == nil {
		t.Error("an unknown level is accepted")
	}
}
