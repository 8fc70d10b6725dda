package validatetest

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/validate"
)

// Policy is a policy with generous bounds and no allowances.
func Policy() policy.Policy {
	return policy.Policy{Name: "test", Scan: policy.ScanLimits{
		MaxFileSizeMB: 1 << 12, MaxFiles: 10_000, MaxDepth: 8, MaxEntries: 10_000, MaxExpandedMB: 256,
		MaxPickleOps: 50_000_000, MaxScanSeconds: 60, MaxPrivateMB: 256, MaxHeaderSizeMB: 64,
	}}
}

// Run pins, scans and decides one file with the given content.
func Run(t testing.TB, scanners []*validate.Scanner, name string, data []byte) (validate.Report, validate.Decision) {
	t.Helper()
	return RunPolicy(t, Policy(), scanners, map[string][]byte{name: data})
}

// RunPolicy pins, scans and decides a folder of files under a policy.
func RunPolicy(t testing.TB, p policy.Policy, scanners []*validate.Scanner, files map[string][]byte) (validate.Report, validate.Decision) {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		target := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(target, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	snap, err := validate.Pin(context.Background(), dir, "", p.Scan)
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	rep, err := validate.Scan(context.Background(), scanners, snap, p.Scan)
	if err != nil {
		t.Fatal(err)
	}
	_, d := validate.Decide(p, snap, rep, time.Now())
	if len(files) == 1 {
		for name, data := range files {
			Kept(name, data, rep)
		}
	}
	return rep, d
}

// Need skips the test with the reason, unless the environment variable REQUIRE names what is missing.
func Need(t testing.TB, what string, missing error) {
	t.Helper()
	if missing == nil {
		return
	}
	if slices.Contains(strings.FieldsFunc(os.Getenv("REQUIRE"), func(r rune) bool { return r == ',' || r == ' ' }), what) {
		t.Fatalf("REQUIRE names %s: %v", what, missing)
	}
	t.Skipf("needs %s: %v", what, missing)
}
