package encoded

import (
	"encoding/base64"
	"strings"
	"testing"
)

const call = "\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R."

func TestBytesInTextAreRecognised(t *testing.T) {
	for _, s := range []string{call, "cos\nsystem\n(S'id'\ntR.", "PK\x03\x04" + strings.Repeat("x", 30), "\x1f\x8b\x08" + strings.Repeat("x", 30), "\x7fELF" + strings.Repeat("\xff", 30), "\x78\x9c" + strings.Repeat("\xff", 30)} {
		std, url := base64.StdEncoding.EncodeToString([]byte(s)), base64.RawURLEncoding.EncodeToString([]byte(s))
		for _, text := range []string{std, url, std[:8] + "\n" + std[8:] + "\n", " " + std} {
			if b, large := Decode([]byte(text)); string(b) != s || large {
				t.Errorf("%q: %q %v", text, b, large)
			}
		}
	}
	if _, large := Decode([]byte(base64.StdEncoding.EncodeToString([]byte(call + strings.Repeat("x", 2*Max))))); !large {
		t.Error("a large one is not noticed")
	}
}

// What Python's b64decode gives for each.
func TestLooseIsWhatPythonDecodes(t *testing.T) {
	for text, want := range map[string]string{"aGVsbG8=": "hello", "aGVs!!bG8=": "hello", "aG\nVs bG8=": "hello", "aGVsbG8=aGVsbG8=": "hello", "aGVsbG8": "hello", "a=GVsbG8=": "hello", "": "", "====": "", "aGVsbA==": "hell", "aG=VsbG8=": "hello"} {
		if got := string(Loose([]byte(text))); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestOtherTextIsNot(t *testing.T) {
	for _, s := range []string{"", "gA==", "gASV", strings.Repeat("gASV ", 5) + "!", "hello world, this is a text", "iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB", "TVqQAAMAAAAEAAAA//8AALgAAAA", "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
		"d2hhdCBldmVyIGlzIGhlcmUgaXMgdGV4dA==", strings.Repeat("A", 64)} {
		if b, large := Decode([]byte(s)); b != nil || large {
			t.Errorf("%q: %q", s, b)
		}
	}
}
