package runner

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// StateDir is where the audit log and the last report live: /var/lib/loadlock as root, the user's state folder
// otherwise (XDG base directory specification).
func StateDir(env func(string) string, home string) string {
	if d := env("XDG_STATE_HOME"); filepath.IsAbs(d) {
		return filepath.Join(d, "loadlock")
	}
	if os.Geteuid() == 0 {
		return "/var/lib/loadlock"
	}
	return filepath.Join(home, ".local", "state", "loadlock")
}

// auditLine is one record of the audit log. Prev is the SHA-256 of the previous line's bytes without its
// newline, so that a removed or altered line breaks the chain.
type auditLine struct {
	Version int       `json:"v"`
	Seq     int64     `json:"seq"`
	Time    time.Time `json:"ts"`
	Run     string    `json:"run_id"`
	Type    string    `json:"type"`
	Command []string  `json:"command"`
	Policy  string    `json:"policy"`
	Models  []string  `json:"models"` // path and manifest digest
	Verdict string    `json:"verdict"`
	Outcome Outcome   `json:"outcome"`
	Status  int       `json:"status"`
	GPU     *auditGPU `json:"gpu,omitempty"`
	Prev    string    `json:"prev"`
}

// Record appends one line about a run to the audit log and keeps the report for `explain last`.
func Record(dir string, res Result) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("audit log: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "audit.jsonl"), os.O_CREATE|os.O_RDWR|os.O_APPEND|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return fmt.Errorf("audit log: %w", err)
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		return fmt.Errorf("audit log: %w", err)
	}
	last, err := lastLine(f)
	if err != nil {
		return fmt.Errorf("audit log: %w", err)
	}
	line := auditLine{Version: 1, Time: res.Started.UTC(), Run: res.ID, Type: "run", Command: res.Command,
		Policy: res.Policy.Name + " " + res.Policy.Digest, Verdict: res.Verdict.String(), Outcome: res.Outcome, Status: res.Status, GPU: res.GPU.audit()}
	for _, m := range res.Models {
		line.Models = append(line.Models, m.Path+" "+m.Digest)
	}
	if len(last) > 0 {
		var prev auditLine
		if err := json.Unmarshal(last, &prev); err != nil {
			return fmt.Errorf("audit log %s: its last line is damaged; move the file away and run again: %w", f.Name(), err)
		}
		sum := sha256.Sum256(last)
		line.Seq, line.Prev = prev.Seq+1, hex.EncodeToString(sum[:])
	}
	raw, err := json.Marshal(line)
	if err != nil {
		return fmt.Errorf("audit log: %w", err)
	}
	if _, err := f.Write(append(raw, '\n')); err != nil {
		return fmt.Errorf("audit log: %w", err)
	}
	return writeWhole(filepath.Join(dir, "last.json"), res)
}

// maxLine bounds how far back the last line is looked for; a line holds a command and a few digests.
const maxLine = 1 << 20

func lastLine(f *os.File) ([]byte, error) {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil || size == 0 {
		return nil, err
	}
	from := max(0, size-maxLine)
	buf := make([]byte, size-from)
	if _, err := f.ReadAt(buf, from); err != nil {
		return nil, err
	}
	buf = bytes.TrimSuffix(buf, []byte("\n"))
	return buf[bytes.LastIndexByte(buf, '\n')+1:], nil
}

// writeWhole writes JSON so that a reader sees the old or the new file, never a part.
func writeWhole(name string, v any) error {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	tmp := fmt.Sprintf("%s.%d", name, os.Getpid())
	if err := os.WriteFile(tmp, append(raw, '\n'), 0o600); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return os.Rename(tmp, name)
}

// WriteReport writes the JSON report to a file.
func WriteReport(name string, res Result) error { return writeWhole(name, res) }
