package validatetest

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
)

// keepMax leaves out what would only be slow to copy.
const keepMax = 1 << 20

// Keep writes the bytes of a vector below the folder that the environment variable LOADLOCK_VECTORS names, if it names
// one: into benign/ when nothing but notes was found, else into hostile/. The test itself holds that this is what was
// expected of them. So other scanners can be run on the same files; nothing hostile is ever committed as a file.
func Keep(t testing.TB, name string, data []byte, rep validate.Report) {
	dir := os.Getenv("LOADLOCK_VECTORS")
	if _, isTest := t.(*testing.T); dir == "" || !isTest || len(data) == 0 || len(data) > keepMax {
		return
	}
	kind := "benign"
	for _, f := range rep.Findings {
		if f.Severity > validate.Low {
			kind = "hostile"
		}
	}
	sum := sha256.Sum256(append([]byte(path.Ext(name)), data...))
	test := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, t.Name())
	to := filepath.Join(dir, kind, test[:min(len(test), 80)]+"-"+hex.EncodeToString(sum[:4]), path.Base(name))
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o644); err != nil {
		t.Fatal(err)
	}
}
