package runner

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

func TestAuditLinesChainEvenWhenRunsEndTogether(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := Record(dir, Result{Started: time.Now(), Command: []string{"a\nb"}, Outcome: Exited}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	raw, err := os.ReadFile(filepath.Join(dir, "audit.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSuffix(raw, []byte("\n")), []byte("\n"))
	if len(lines) != 8 {
		t.Fatalf("%d lines", len(lines))
	}
	prev := ""
	for i, l := range lines {
		var a auditLine
		if err := json.Unmarshal(l, &a); err != nil {
			t.Fatal(err)
		}
		if a.Prev != prev || a.Seq != int64(i) {
			t.Errorf("line %d: seq %d prev %s, want %s", i, a.Seq, a.Prev, prev)
		}
		sum := sha256.Sum256(l)
		prev = hex.EncodeToString(sum[:])
	}
	var res Result
	last, err := os.ReadFile(filepath.Join(dir, "last.json"))
	if err != nil || json.Unmarshal(last, &res) != nil || res.Outcome != Exited {
		t.Errorf("last report: %v %+v", err, res)
	}
}

func TestADamagedAuditLogIsNotContinued(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "audit.jsonl")
	if err := os.WriteFile(log, []byte("{\"v\":1}\nhalf a li"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Record(dir, Result{}); err == nil {
		t.Fatal("a record was appended to a damaged log")
	}
	if raw, _ := os.ReadFile(log); !bytes.HasSuffix(raw, []byte("half a li")) {
		t.Error("the log was changed")
	}
}

func TestAnAuditLogThatIsALinkIsNotFollowed(t *testing.T) {
	dir, victim := t.TempDir(), filepath.Join(t.TempDir(), "victim")
	if err := os.WriteFile(victim, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, filepath.Join(dir, "audit.jsonl")); err != nil {
		t.Fatal(err)
	}
	if err := Record(dir, Result{}); err == nil {
		t.Error("the link was followed")
	}
	if raw, _ := os.ReadFile(victim); len(raw) != 0 {
		t.Error("the victim was written to")
	}
}
