package pickle

import (
	"bytes"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
)

// The length in front of a safetensors header can be any letter, and its weights have no line feed when they are zeros.
func TestALongLineIsAPickleOnlyWhereItCanBeOne(t *testing.T) {
	long := strings.Repeat("0", 2<<20)
	for content, want := range map[string]bool{
		"P\x00\x00\x00\x00\x00\x00\x00{" + long: false,
		"I\x00\x00\x00\x00\x00\x00\x00{" + long: false,
		"S\x00\x00\x00\x00\x00\x00\x00{" + long: false,
		"I" + long + "\n0cposix\nsystem\n":      true,
		"S'" + long + "'\n0cposix\nsystem\n":    true,
		"V" + long + "\n0cposix\nsystem\n":      true,
	} {
		b := []byte(content)
		h := validate.Head{Name: "model.safetensors", Size: int64(len(b)), Start: b[:4096], ReaderAt: bytes.NewReader(b)}
		if got := match(h); got != want {
			t.Errorf("%q…: %v", content[:12], got)
		}
	}
}
