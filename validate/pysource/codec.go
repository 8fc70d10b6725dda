package pysource

import (
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf16"
)

// recode is text.encode(codec) and bytes.decode(codec).
func (m *module) recode(r *atom, name string, g arguments) *atom {
	codec := "utf-8"
	if g.has(0, "encoding") {
		a, ok := g.textArg(0, "encoding")
		if !ok {
			return nil
		}
		codec = a.text
	}
	return m.codec(r, codec, name == "decode")
}

// codec is what a codec of Python makes of a text; nil when it is not followed.
func (m *module) codec(r *atom, name string, decode bool) *atom {
	to := isBytes
	if decode {
		to = isStr
	}
	switch strings.ReplaceAll(strings.ToLower(name), "_", "-") {
	case "utf-8", "utf8", "ascii", "us-ascii", "u8", "utf", "utf-8-sig":
		return m.made(to, r.text)
	case "latin-1", "latin1", "iso-8859-1", "l1", "8859":
		if decode {
			x := make([]rune, len(r.text))
			for i := range len(r.text) {
				x[i] = rune(r.text[i])
			}
			return m.made(isStr, string(x))
		}
		b := []byte{}
		for _, c := range r.text {
			b = append(b, byte(c))
		}
		return m.made(isBytes, string(b))
	case "rot13", "rot-13":
		return m.made(isStr, strings.Map(rot13, r.text))
	case "hex", "hex-codec":
		if !decode {
			return m.made(isBytes, hex.EncodeToString([]byte(r.text)))
		}
		b, err := hex.DecodeString(strings.Join(strings.Fields(r.text), ""))
		if err != nil {
			return nil
		}
		return m.made(isBytes, string(b))
	case "base64", "base64-codec":
		if decode {
			return m.decoded("base64", r)
		}
	case "zlib", "zlib-codec", "zip":
		if decode {
			return m.decoded("zlib", r)
		}
	case "bz2", "bz2-codec":
		if decode {
			return m.decoded("bz2", r)
		}
	case "uu", "uu-codec", "quopri", "quopri-codec", "quoted-printable":
		return &atom{kind: isComputed}
	case "utf-16", "utf-16-le", "utf-16le", "u16":
		if decode && len(r.text)%2 == 0 {
			u := make([]uint16, len(r.text)/2)
			for i := range u {
				u[i] = uint16(r.text[2*i]) | uint16(r.text[2*i+1])<<8
			}
			return m.made(isStr, strings.TrimPrefix(string(utf16.Decode(u)), "\ufeff"))
		}
	case "unicode-escape", "raw-unicode-escape", "string-escape":
		if decode {
			if s, ok := unescape(r.text); ok {
				return m.made(isStr, s)
			}
		}
	}
	return &atom{kind: isComputed}
}

func rot13(c rune) rune {
	switch {
	case 'a' <= c && c <= 'z':
		return 'a' + (c-'a'+13)%26
	case 'A' <= c && c <= 'Z':
		return 'A' + (c-'A'+13)%26
	}
	return c
}

// unescape reads the escapes of a string literal, as the codec unicode_escape does.
func unescape(s string) (string, bool) {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			out.WriteByte(s[i])
			continue
		}
		i++
		width := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[i]]
		switch {
		case width > 0 && i+width < len(s):
			n, err := strconv.ParseUint(s[i+1:i+1+width], 16, 32)
			if err != nil {
				return "", false
			}
			out.WriteRune(rune(n))
			i += width
		case '0' <= s[i] && s[i] <= '7':
			j := i
			for j < len(s) && j < i+3 && '0' <= s[j] && s[j] <= '7' {
				j++
			}
			n, _ := strconv.ParseUint(s[i:j], 8, 16)
			out.WriteRune(rune(n))
			i = j - 1
		case strings.IndexByte("ntrabfv", s[i]) >= 0:
			out.WriteByte("\n\t\r\a\b\f\v"[strings.IndexByte("ntrabfv", s[i])])
		default:
			out.WriteByte(s[i])
		}
	}
	return out.String(), true
}
