package terminal

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

func filtered(src string, cut int) (string, *Filter) {
	f := &Filter{}
	var dst []byte
	for len(src) > 0 {
		n := min(cut, len(src))
		dst = f.Append(dst, []byte(src[:n]))
		src = src[n:]
	}
	return string(f.End(dst)), f
}

// Every well-known form that the documentation says is refused is, however it is split, and what is beside it stays.
func TestWhatTheTableRefusesDoesNotPass(t *testing.T) {
	for _, r := range refused {
		for cut := 1; cut <= len(r.example)+4; cut++ {
			got, f := filtered("ab"+r.example+"yz", cut)
			want := "abyz"
			if strings.Contains(r.example, "]8;;file") {
				want = "abtextyz"
			}
			if r.example == "\u009b6n" || r.example == "\x9b6n" {
				want = "ab6nyz"
			}
			if got != want || f.Dropped == 0 {
				t.Errorf("%q in pieces of %d: %q (%s)", r.example, cut, got, r.why)
			}
		}
	}
}

// The forms that pass, with and without parameters, and near misses of each that must not.
func TestWhatTheTablesNamePasses(t *testing.T) {
	var all []string
	for key, form := range controls {
		marker, rest := "", key
		if key[0] == '?' {
			marker, rest = "?", key[1:]
		}
		switch {
		case key == "?h" || key == "?l":
			for _, m := range privateModes {
				all = append(all, "\x1b[?"+itoa(m.number)+rest)
			}
			all = append(all, "\x1b[?12;25"+rest)
			continue
		case key == "h" || key == "l":
			all = append(all, "\x1b[4"+rest)
			continue
		}
		all = append(all, "\x1b["+marker+rest)
		if form.most != 0 {
			all = append(all, "\x1b["+marker+"2"+rest)
		}
		if form.most > 1 || form.most < 0 {
			all = append(all, "\x1b["+marker+"2;10"+rest, "\x1b["+marker+";10"+rest)
		}
		if got, _ := filtered("\x1b["+marker+"99999"+rest, 1); got != "" {
			t.Errorf("%q with a number that no screen has passes", key)
		}
		if form.most >= 0 {
			if got, _ := filtered("\x1b["+marker+strings.Repeat("1;", form.most)+"1"+rest, 1); got != "" {
				t.Errorf("%q with %d parameters passes", key, form.most+1)
			}
		}
		if got, _ := filtered("\x1b[>"+rest, 1); got != "" {
			t.Errorf("%q with another marker passes", key)
		}
	}
	for name := range escapes {
		all = append(all, "\x1b"+name)
	}
	all = append(all, "\x1b[38;2;10;20;30m", "\x1b[38:5:1m", "\x1b[4:3m", "\x1b[0;1;4;31;42m", "\a\b\t\n\v\f\r\x0e\x0f\x00")
	for _, s := range all {
		for cut := 1; cut <= len(s); cut++ {
			if got, f := filtered("ab"+s+"yz", cut); got != "ab"+s+"yz" || f.Dropped != 0 {
				t.Errorf("%q in pieces of %d became %q", s, cut, got)
			}
		}
	}
	for c := range byte(0x20) {
		got, _ := filtered(string(rune(c)), 1)
		if passes := got != ""; passes == (refusedC0[c] != "") {
			t.Errorf("control character %#x: passes is %v, the table says %q", c, passes, refusedC0[c])
		}
	}
}

func itoa(n int) string {
	var b []byte
	for ; n > 0; n /= 10 {
		b = append([]byte{byte('0' + n%10)}, b...)
	}
	return string(b)
}

func TestTextPassesByteForByte(t *testing.T) {
	for _, s := range []string{
		"", "plain\n", "100%|██████████| 10/10 [00:01<00:00]\r", "Grüße 你好 🙂\t\u2028\u00a0", "caf\xe9 in Latin-1 \xa4\xff\n",
		"half a character at the end \xe4", "\x1b[31mred\x1b[0m and \x1b[1mbold\x1b[m\n",
	} {
		for cut := 1; cut <= 8; cut++ {
			if got, f := filtered(s, cut); got != s || f.Dropped != 0 {
				t.Errorf("%q in pieces of %d became %q", s, cut, got)
			}
		}
	}
}

func TestWhatIsLeftSwitchedIsUndone(t *testing.T) {
	for _, tt := range []struct{ output, undo string }{
		{"text", ""},
		{"\x1b[31mred\x1b[0m", ""},
		{"\x1b[31mred", "\x1b[m"},
		{"\x1b[?1049h\x1b[?25l\x1b[?1000;1006h", "\x1b[?1006l\x1b[?1000l\x1b[?25h\x1b[?1049l"},
		{"\x1b[?1049h\x1b[?25l\x1b[?1000h\x1b[?1000l\x1b[?25h\x1b[?1049l", ""},
		{"\x1b[2;5r", "\x1b7\x1b[r\x1b8"},
		{"\x1b[2;5r\x1b[r", ""},
		{"\x1b(0lq\x0e", "\x0f\x1b(B"},
		{"\x1b(0lq\x1b(B\x0e\x0f", ""},
		{"\x1b=\x1b[4h\x1b[3 q", "\x1b[0 q\x1b[4l\x1b>"},
		{"\x1b[?7l", "\x1b[?7h"},
	} {
		_, f := filtered(tt.output, 1)
		if got := f.Undo(); got != tt.undo {
			t.Errorf("after %q: %q, want %q", tt.output, got, tt.undo)
		}
		if f.Forget(); f.Undo() != "" {
			t.Error("not forgotten")
		}
	}
}

func TestMemoryOfTheFilterIsBounded(t *testing.T) {
	for _, s := range []string{"\x1b]52;", "\x1bP", "\x1b[1;", "\x1b(", "\x1b["} {
		f := &Filter{}
		f.Append(nil, []byte(s))
		for range 100 {
			f.Append(nil, bytes.Repeat([]byte(" 1;"), 10000))
		}
		if cap(f.seq) > 4*longest || cap(f.char) > 16 {
			t.Errorf("after %q: %d and %d bytes", s, cap(f.seq), cap(f.char))
		}
	}
	// A string without end swallows what follows up to the next ESC, as a terminal does.
	if got, _ := filtered("\x1b]0;never ended\x1b[1mtext", 3); got != "\x1b[1mtext" {
		t.Errorf("%q", got)
	}
}

// dangerous finds what must never reach a terminal with a reader of its own, which knows nothing of the filter's states:
// it looks at every ESC of the finished output.
func dangerous(out []byte) string {
	for i := 0; i < len(out); i++ {
		b := out[i]
		switch {
		case b == esc:
			if n := permitted(out[i:]); n > 0 {
				i += n - 1
				continue
			}
			return "a sequence that the tables do not name"
		case b < 0x20 && refusedC0[b] != "" || b == del:
			return "a control character"
		case b >= 0x80 && b < 0xa0 && !insideCharacter(out, i):
			return "an 8-bit control character"
		}
		if r, n := utf8.DecodeRune(out[i:]); n > 1 {
			if r < 0xa0 {
				return "C1 in UTF-8"
			}
			i += n - 1
		}
	}
	return ""
}

func insideCharacter(out []byte, at int) bool {
	for back := 1; back <= 3 && back <= at; back++ {
		if _, n := utf8.DecodeRune(out[at-back:]); n > back {
			return true
		}
	}
	return false
}

// permitted is the length of the permitted sequence at the beginning of s, or 0.
func permitted(s []byte) int {
	for name := range escapes {
		if bytes.HasPrefix(s[1:], []byte(name)) {
			return 1 + len(name)
		}
	}
	if len(s) < 3 || s[1] != '[' {
		return 0
	}
	for n := 2; n < len(s); n++ {
		if s[n] < 0x20 || s[n] > 0x7e {
			return 0
		}
		if s[n] < 0x40 {
			continue
		}
		var key, numbers string
		for _, c := range s[2 : n+1] {
			if c >= '0' && c <= ';' {
				numbers += string(rune(c))
			} else {
				key += string(rune(c))
			}
		}
		form, ok := controls[key]
		if !ok {
			return 0
		}
		if key == "?h" || key == "?l" {
			for num := range strings.SplitSeq(numbers, ";") {
				known := false
				for _, m := range privateModes {
					known = known || itoa(m.number) == strings.TrimLeft(num, "0")
				}
				if !known {
					return 0
				}
			}
		}
		if form.most >= 0 && strings.Count(numbers, ";") > form.most {
			return 0
		}
		return n + 1
	}
	return 0
}

func FuzzNothingDangerousPasses(f *testing.F) {
	for _, r := range refused {
		f.Add([]byte("a"+r.example+"z"), uint8(3))
	}
	for key := range controls {
		f.Add([]byte("\x1b["+key+"\x1b[1;2"+key+"\x1b\x1b[?1049"+key), uint8(1))
	}
	f.Add([]byte("\xc2\x1b]0;\a\x9b6n\xe0\x82\x9b\xc0\x9b\xf0\x80\x80\x9b\xe2\x9b\x1b[c\xe2"), uint8(2))
	f.Add([]byte("Grüße 你好 🙂\n"), uint8(1))
	f.Fuzz(func(t *testing.T, src []byte, cut uint8) {
		whole := &Filter{}
		out := whole.End(whole.Append(nil, src))
		if what := dangerous(out); what != "" {
			t.Fatalf("%s in %q, from %q", what, out, src)
		}
		if pieces, split := filtered(string(src), int(cut)+1); pieces != string(out) || split.Undo() != whole.Undo() {
			t.Fatalf("%q whole, %q in pieces of %d", out, pieces, int(cut)+1)
		}
		if what := dangerous([]byte(whole.Undo())); what != "" {
			t.Fatalf("%s in what undoes %q", what, src)
		}
		again := &Filter{}
		if twice := again.End(again.Append(nil, out)); !bytes.Equal(twice, out) {
			t.Fatalf("%q filtered again is %q", out, twice)
		}
		plain := bytes.Map(func(r rune) rune {
			if r < 0x20 && r != '\n' && r != '\t' && r != '\r' || r >= 0x7f && r < 0xa0 || r == utf8.RuneError {
				return '.'
			}
			return r
		}, src)
		text := &Filter{}
		if got := text.End(text.Append(nil, plain)); !bytes.Equal(got, plain) {
			t.Fatalf("text %q became %q", plain, got)
		}
	})
}

func TestReasonsAreGiven(t *testing.T) {
	for key, form := range controls {
		if form.why == "" {
			t.Errorf("%q: no reason", key)
		}
	}
}

func BenchmarkFilter(b *testing.B) {
	src := bytes.Repeat([]byte("some text, \x1b[31mred\x1b[0m, and more of it\n"), 1000)
	b.SetBytes(int64(len(src)))
	dst := make([]byte, 0, len(src))
	for b.Loop() {
		f := Filter{}
		dst = f.Append(dst[:0], src)
	}
}
