package validatetest

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/loadlock/loadlock/validate"
)

// keepMax leaves out what would only be slow to copy, keepMin the words of tests about the core.
const keepMin, keepMax = 10, 1 << 20

// Kept returns the report of a scan of these bytes, and writes the bytes below the folder that the environment variable
// LOADLOCK_VECTORS names, if it names one: into hostile/ when the report refuses them, into benign/ when nothing but
// notes was found, into unclear/ otherwise. The test that asks holds that this is what was expected of them. So other
// scanners can be run on the same files; nothing hostile is ever committed as a file. It panics when it cannot write.
func Kept[T []byte | string](name string, data T, rep validate.Report) validate.Report {
	dir := os.Getenv("LOADLOCK_VECTORS")
	if dir == "" || len(data) < keepMin || len(data) > keepMax || strings.Contains(name, "/") { // a path means something only in its archive
		return rep
	}
	kind := "benign"
	for _, f := range rep.Findings {
		switch {
		case f.Severity == validate.High:
			kind = "hostile"
		case f.Severity == validate.Medium && kind == "benign":
			kind = "unclear"
		}
	}
	sum := sha256.Sum256(append([]byte(path.Base(name)), data...))
	to := filepath.Join(dir, kind, hex.EncodeToString(sum[:8]), path.Base(name))
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		panic(err)
	}
	if err := os.WriteFile(to, []byte(data), 0o644); err != nil {
		panic(err)
	}
	return rep
}
