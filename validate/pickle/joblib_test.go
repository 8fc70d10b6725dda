package pickle

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate/validatetest"
)

// What joblib's own unpickler does with its files, and with damaged ones: what we clear it reads to the same end, and
// what it looks up in a file that we do not clear is in our report when nobody vetted it.
func TestArraysAreFoundWhereJoblibFindsThem(t *testing.T) {
	raw := python(t, "joblib", systemPython, "joblib_cases.py")["cases"]
	sc := bufio.NewScanner(bytes.NewReader(raw))
	clean, admitted, cases := 0, 0, 0
	for sc.Buffer(nil, 1<<20); sc.Scan(); cases++ {
		var c struct {
			Data, Why string
			Clean, OK bool
			End       int64
			Names     [][2]string
		}
		if err := json.Unmarshal(sc.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		data, err := hex.DecodeString(c.Data)
		if err != nil {
			t.Fatal(err)
		}
		rep, ok := judged(data)
		if c.Clean {
			clean++
			if !ok || !c.OK || c.End != int64(len(data)) {
				t.Errorf("%q: joblib %v to %d, we %v\n%s", data, c.OK, c.End, ok, validatetest.Show(rep))
			}
		}
		if ok {
			admitted++
			if c.OK && c.End != int64(len(data)) || !c.OK && !strings.Contains(c.Why, "UnicodeDecodeError") {
				t.Errorf("%q is cleared; joblib reads to %d and says %s", data, c.End, c.Why)
			}
			continue
		}
		for _, n := range c.Names {
			m, _ := hex.DecodeString(n[0])
			nm, _ := hex.DecodeString(n[1])
			if string(m) == "os" && !strings.Contains(validatetest.Show(rep), "os."+string(nm)) {
				t.Errorf("%q: joblib looks up os.%s\n%s", data, nm, validatetest.Show(rep))
			}
		}
	}
	if clean < 80 || admitted < clean+20 || cases < 1000 {
		t.Errorf("%d cases, %d clean, %d admitted", cases, clean, admitted)
	}
	t.Logf("%d cases, %d clean, %d admitted", cases, clean, admitted)
}
