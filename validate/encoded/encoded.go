// Package encoded recognises bytes that stand in text: pickles, archives and programs in base64, as stable-baselines3
// (":serialized:" in its JSON) and others write and load them.
//
// # Security
//
// A text counts when all of it is base64, of either alphabet and with white space, and what comes out begins as one of
// the formats that run or hold code. Whoever finds one descends into the bytes, so that every scanner judges them as a
// file. Other encodings, and base64 inside of other text, are not looked for.
package encoded

import (
	"bytes"
	"encoding/base64"
	"strings"
)

// Max bounds what is decoded.
const Max = 1 << 20

// least is the shortest text that can hold a call in a pickle.
const least = 16

// heads are how formats that matter begin.
var heads = []string{"PK\x03\x04", "\x1f\x8b\x08", "\x7fELF", "BZh", "\xfd7zXZ\x00", "\x93NUMPY", "7z\xbc\xaf\x27\x1c", "\x28\xb5\x2f\xfd", "MZ"}

// Decode gives the bytes that a text holds. large says that it holds some, and more than Max.
func Decode(text []byte) (b []byte, large bool) {
	if len(text) < least || !begins(text) {
		return nil, false
	}
	if len(text) > Max/3*4 {
		return nil, true
	}
	raw, err := base64.RawStdEncoding.DecodeString(plain(text))
	if err != nil {
		return nil, false
	}
	return raw, false
}

// Loose gives the bytes that Python's base64.b64decode gives: it leaves out what is not in the alphabet, and ends where
// padding is complete. It is for texts that a library is known to decode.
func Loose(text []byte) []byte {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	kept := make([]byte, 0, min(len(text), Max/3*4))
	pads := 0
	for _, c := range text {
		quad := len(kept) % 4
		switch {
		case c == '=':
			if pads++; quad >= 2 && quad+pads >= 4 {
				return unpadded(kept)
			}
			if quad < 2 {
				pads = 0
			}
		case strings.IndexByte(alphabet, c) >= 0 && len(kept) < cap(kept):
			kept, pads = append(kept, c), 0
		}
	}
	return unpadded(kept)
}

// unpadded decodes what is whole.
func unpadded(b []byte) []byte {
	if len(b)%4 == 1 {
		b = b[:len(b)-1]
	}
	out := make([]byte, base64.RawStdEncoding.DecodedLen(len(b)))
	n, _ := base64.RawStdEncoding.Decode(out, b)
	return out[:n]
}

// begins looks at the first characters, which is all that most texts cost.
func begins(text []byte) bool {
	first := plain(text[:min(len(text), 64)])
	if len(first) < 12 {
		return false
	}
	b, err := base64.RawStdEncoding.DecodeString(first[:len(first)/4*4])
	if err != nil {
		return false
	}
	if isPickle(b) {
		return true
	}
	for _, h := range heads {
		if bytes.HasPrefix(b, []byte(h)) && (h != "MZ" || len(text) > 512) {
			return true
		}
	}
	return b[0] == 0x78 && (b[1] == 0x01 || b[1] == 0x9c || b[1] == 0xda) && len(text) >= 32
}

// isPickle recognises a pickle by its protocol, or by a first import in protocol 0.
func isPickle(b []byte) bool {
	if b[0] == 0x80 {
		return b[1] >= 2 && b[1] <= 5
	}
	if b[0] != 'c' && b[0] != '(' {
		return false
	}
	line, _, found := bytes.Cut(b[1:], []byte("\n"))
	return found && len(line) > 0 && bytes.IndexFunc(line, func(r rune) bool {
		return !('a' <= r|0x20 && r|0x20 <= 'z' || '0' <= r && r <= '9' || r == '_' || r == '.')
	}) < 0
}

// plain gives the characters of one alphabet, without padding and white space. What is not base64 stays, and fails.
func plain(text []byte) string {
	s := strings.Map(func(r rune) rune {
		switch r {
		case '-':
			return '+'
		case '_':
			return '/'
		case ' ', '\n', '\r', '\t':
			return -1
		}
		return r
	}, string(text))
	return strings.TrimRight(s, "=")
}
