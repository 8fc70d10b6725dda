package syntax

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/runenames"

	"github.com/loadlock/loadlock/validate/validatetest"
)

func TestEveryNameIsFound(t *testing.T) {
	names := &charNames{}
	n := 0
	for r := rune(0); r <= unicode.MaxRune; r++ {
		name := runenames.Name(r)
		if name == "" || name[0] == '<' {
			continue
		}
		if got, ok := names.lookup(strings.ToLower(name)); !ok || got != r {
			t.Errorf("%q: %U, %v; want %U", name, got, ok, r)
		}
		n++
	}
	if n < 30_000 {
		t.Errorf("%d names", n)
	}
	for _, name := range []string{"", "<control>", "HANGUL SYLLABLE ", "HANGUL SYLLABLE GAX", "CJK UNIFIED IDEOGRAPH-0041", "CJK UNIFIED IDEOGRAPH-+4E00", strings.Repeat("A", 101)} {
		if r, ok := names.lookup(name); ok {
			t.Errorf("%q: %U", name, r)
		}
	}
}

// TestNamesAndIdentifiersAsCPython asks CPython for every character: its name, and whether it may begin or continue
// an identifier. Characters of later versions of Unicode than CPython's are left out.
func TestNamesAndIdentifiersAsCPython(t *testing.T) {
	python, err := exec.LookPath("/usr/bin/python3")
	validatetest.Need(t, "python3", err)
	out, err := exec.Command(python, "-c", `
import unicodedata
for c in map(chr, range(0x110000)):
    if unicodedata.category(c) not in ("Cn", "Cs"):
        print(ord(c), c.isidentifier(), ("a" + c).isidentifier(), unicodedata.name(c, ""), sep="\t")`).Output()
	if err != nil {
		t.Fatal(err)
	}
	names := &charNames{}
	n := 0
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		c, _ := strconv.Atoi(f[0])
		r := rune(c)
		if got := strconv.FormatBool(xidStart(r)); !strings.EqualFold(got, f[1]) {
			t.Errorf("%U begins an identifier: %s; CPython: %s", r, got, f[1])
		}
		if got := strconv.FormatBool(xidContinue(r)); !strings.EqualFold(got, f[2]) {
			t.Errorf("%U continues an identifier: %s; CPython: %s", r, got, f[2])
		}
		if got, ok := names.lookup(f[3]); f[3] != "" && (!ok || got != r) {
			t.Errorf("%q: %U, %v", f[3], got, ok)
		}
		n++
	}
	if n < 100_000 {
		t.Errorf("%d characters", n)
	}
}
