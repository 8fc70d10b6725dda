package text

import (
	"reflect"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

func scanString(t testing.TB, content string) validate.Report {
	return scanNamed(t, "vocab.txt", content)
}

func scanNamed(t testing.TB, name, content string) validate.Report {
	return validate.ScanReader(t.Context(), []*validate.Scanner{Scanner()}, name, strings.NewReader(content), int64(len(content)), validatetest.Policy().Scan)
}

func TestTextIsCleared(t *testing.T) {
	for name, content := range map[string]string{
		"nothing": "", "a vocabulary": "[PAD]\n##é\n東\n\u0085\n\u200b\n", "merges": "#version: 0.2\nĠ t\n", "a readme": "---\nlicense: mit\n---\n# Model\r\n\tcode\f",
		"attributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n", "a byte order mark": "\ufeffhello",
		"characters on every boundary": strings.Repeat("a€😀é", 50_000), "a replacement character": "\ufffd",
	} {
		t.Run(name, func(t *testing.T) {
			if rep := scanString(t, content); !rep.Files[0].Cleared || len(rep.Findings) != 0 {
				t.Error(validatetest.Show(rep))
			}
		})
	}
}

func TestAScriptIsANote(t *testing.T) {
	rep := scanString(t, "#!/bin/sh\nrm -rf x\n")
	if !rep.Files[0].Cleared || len(rep.Findings) != 1 || rep.Findings[0].Rule != "text/script" || rep.Findings[0].Severity != validate.Low {
		t.Error(validatetest.Show(rep))
	}
}

func TestBytesThatAreNotTextAreNotCleared(t *testing.T) {
	long := strings.Repeat("long text ", 10_000)
	for name, content := range map[string]string{
		"a NUL": "a\x00", "an escape": "\x1b[2J", "a bell": "a\x07", "a backspace": "a\bb", "a delete": "a\x7f", "invalid UTF-8": "a\xff", "a surrogate": "\xed\xa0\x80",
		"half a character": "a\xe2\x82", "an overlong form": "\xc0\xaf", "a NUL far behind": long + "\x00", "invalid UTF-8 far behind": long + "\xff" + long,
		"an archive behind": long + "PK\x03\x04\x14\x00", "half a character far behind": long + "\xf0\x9f",
	} {
		t.Run(name, func(t *testing.T) {
			rep := scanNamed(t, "tokens.list", content)
			if rep.Files[0].Cleared || len(rep.Findings) == 0 || rep.Findings[0].Severity != validate.Medium {
				t.Error(validatetest.Show(rep))
			}
		})
	}
}

func TestTextInOtherEncodings(t *testing.T) {
	long := strings.Repeat("text ", 30_000)
	wide := func(s string) string { // UTF-16, little endian, with its mark
		b := []byte("\xff\xfe")
		for _, u := range utf16.Encode([]rune(s)) {
			b = append(b, byte(u), byte(u>>8))
		}
		return string(b)
	}
	for _, tt := range []struct {
		name, content string
		cleared       bool
	}{
		{"README.md", "mod\xe8le", true}, {"LICENSE", long + "\xa9 2020", true}, {"vocab.txt", "\xc4\xe3\xba\xc3\n", true}, {"notes.txt", wide("hello 🙂\r\n"), true},
		{"big.txt", wide(strings.Repeat("🙂", 50_000)), true}, {"big.txt", wide("x" + strings.Repeat("🙂", 50_000)), true}, {"be.txt", "\xfe\xff\x00a\x00\n", true},
		{"x.json", "{\"a\": \"\xe8\"}", false}, {"x.py", "# \xe8", false}, {"requirements.txt", wide("torch"), false}, {"x.yaml", "a: \xe8", false}, {"x.bin", "\xe8", false},
		{"README.md", "mod\xe8le\x00", false}, {"README.md", long + "\xe8\x01", false}, {"README.md", "\x80\x04\x95", false}, {"a.txt", wide("a\x01"), false}, {"a.txt", wide("a") + "b", false},
		{"a.txt", "\xff\xfe\x00\xd8a\x00", false}, {"a.txt", "\xff\xfe\x00\xdc", false}, {"a.txt", wide(long) + "\x00\x00", false},
	} {
		rep := scanNamed(t, tt.name, tt.content)
		if rep.Files[0].Cleared != tt.cleared || tt.cleared && (len(rep.Findings) != 1 || rep.Findings[0].Rule != "text/encoding") {
			t.Errorf("%s %.30q: want cleared %v\n%s", tt.name, tt.content, tt.cleared, validatetest.Show(rep))
		}
	}
}

func TestALogHasColours(t *testing.T) {
	for content, cleared := range map[string]bool{"epoch 1\r\x1b[32mok\x1b[0m\b\b\a\n": true, strings.Repeat("step\n", 9999) + "\x1b[K": true, "a\x01": false, "a\x00": false} {
		rep := scanNamed(t, "logs/output.log", content)
		if rep.Files[0].Cleared != cleared {
			t.Errorf("%.20q: want cleared %v\n%s", content, cleared, validatetest.Show(rep))
		}
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"", "text\n", "é€😀", "\xff", "a\x00b", "#!/bin/sh", strings.Repeat("é", 300)} {
		f.Add(s, uint16(0))
		f.Add(s, uint16(5000))
	}
	f.Fuzz(func(t *testing.T, s string, repeat uint16) {
		if n := len(s) * int(repeat); n > 0 && n < 1<<18 {
			s = strings.Repeat(s, int(repeat))
		}
		rep := scanString(t, s)
		if again := scanString(t, s); !reflect.DeepEqual(rep.Findings, again.Findings) {
			t.Fatal("two scans differ")
		}
		want := control("vocab.txt", []byte(s)) < 0
		if !utf8.ValidString(s) || strings.Contains(s, "\x00") {
			want = strange("vocab.txt", []byte(s), order([]byte(s))) < 0
		}
		if rep.Files[0].Cleared != want {
			t.Fatalf("want cleared %v\n%s", want, validatetest.Show(rep))
		}
	})
}
