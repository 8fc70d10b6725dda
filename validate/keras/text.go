package keras

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/jsonwalk"
	"github.com/loadlock/loadlock/validate/lazyre"
)

// codeHead is the base64 of a marshalled code object: TYPE_CODE with or without the reference bit, then the number of
// arguments, below sixteen, in four bytes, and the beginning of the next number (CPython, Python/marshal.c).
var codeHead = lazyre.New(`^(4w|Yw)[AEIMQUYcgkosw048]AAAA`)

// isCode recognises marshalled code. Decoders of base64 skip what is not in its alphabet, so this does too.
func isCode(value []byte) bool {
	if len(value) < 40 {
		return false
	}
	return codeHead.MatchString(alphabet(value[:min(len(value), 256)]))
}

func alphabet(b []byte) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '+' || r == '/' {
			return r
		}
		return -1
	}, string(b))
}

var word = lazyre.New(`[A-Za-z_][A-Za-z0-9_./ -]{3,40}`)

// words shows the first readable words of marshalled code, as evidence. Nothing is unmarshalled.
func words(value []byte) string {
	text := alphabet(value[:min(len(value), keptText)])
	raw, err := base64.RawStdEncoding.DecodeString(text[:len(text)/4*4])
	if err != nil {
		return ""
	}
	found := word.FindAllString(string(raw), 8)
	return validate.Quote(strings.Join(found, ", "), 160)
}

// files are members whose text a layer opens as a file.
var files = []string{"vocabulary", "vocab", "idf_weights", "filepath", "file_path", "vocabulary_file", "vocab_file", "tokenizer_file", "checkpoint", "checkpoint_path",
	"saved_model_path", "handle", "url", "origin", "cache_dir", "model_path", "spm_path"}

// opened are those of them that layers of Keras itself open, also when they are relative.
var opened = []string{"vocabulary", "vocabulary_file", "filepath"}

// path judges a text member that is, or looks like, the name of a file.
func (j *judge) path(stack []jsonwalk.Frame, key string, value []byte, off int64) {
	if len(value) == 0 || len(value) > 4096 {
		return
	}
	out := leaves(string(value))
	switch {
	case out && slices.Contains(files, key):
		j.report(outside, stack, off, validate.Quote(value, 160), "%s is %s", key, validate.Quote(value, 120))
	case slices.Contains(opened, key):
		j.report(filePath, stack, off, validate.Quote(value, 160), "%s is the file %s", key, validate.Quote(value, 120))
	case out && key != "name" && key != "description" && key != "class_name":
		j.report(filePath, stack, off, validate.Quote(value, 160), "%s looks like a path out of the model: %s", validate.Quote(key, 40), validate.Quote(value, 120))
	}
}

// outward matches an absolute path, a drive, a home folder or a URL.
var outward = lazyre.New(`^(/[\w.-]+(/|$)|~[\w-]*/|[A-Za-z]:[\\/]|\\\\[\w.-]+|/dev/|[A-Za-z][A-Za-z0-9+.-]{1,15}://|file:)`)

// leaves reports whether a text leads out of the folder of the model when it is opened as a file.
func leaves(s string) bool {
	if !strings.ContainsAny(s, `/\:`) || strings.ContainsAny(s, "\n\r") {
		return false
	}
	if outward.MatchString(s) {
		return true
	}
	parts := strings.FieldsFunc(s, func(r rune) bool { return r == '/' || r == '\\' })
	return len(parts) > 1 && slices.Contains(parts, "..")
}
