package pysource

import (
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"compress/zlib"
	"encoding/ascii85"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"io"
	"strconv"
	"strings"
)

// decoders are the functions that turn one text into another, by their path.
var decoders = map[string]string{
	"base64.b64decode": "base64", "base64.standard_b64decode": "base64", "base64.urlsafe_b64decode": "base64", "base64.decodebytes": "base64",
	"base64.decodestring": "base64", "binascii.a2b_base64": "base64", "base64.b32decode": "base32", "base64.b32hexdecode": "base32hex",
	"base64.b16decode": "hex", "binascii.unhexlify": "hex", "binascii.a2b_hex": "hex", "builtins.bytes.fromhex": "hex", "builtins.bytearray.fromhex": "hex",
	"base64.b85decode": "base85", "base64.a85decode": "ascii85", "base64.z85decode": "other", "zlib.decompress": "zlib", "gzip.decompress": "gzip",
	"bz2.decompress": "bz2", "lzma.decompress": "other", "urllib.parse.unquote": "url", "urllib.parse.unquote_plus": "url", "urllib.parse.unquote_to_bytes": "url",
	"html.unescape": "other", "binascii.a2b_uu": "other", "binascii.a2b_qp": "other", "quopri.decodestring": "other",
	"base64.b64encode": "to base64", "binascii.hexlify": "to hex", "base64.b16encode": "to hex",
}

// decoded undoes an encoding. What it cannot follow is computed text.
func (m *module) decoded(how string, a *atom) *atom {
	b, err := []byte(nil), error(nil)
	src := []byte(a.text)
	out := isBytes
	switch how {
	case "base64":
		b, err = base64.RawStdEncoding.DecodeString(plainAlphabet(a.text))
	case "base32":
		b, err = base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(strings.TrimRight(a.text, "=")))
	case "base32hex":
		b, err = base32.HexEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(strings.TrimRight(a.text, "=")))
	case "hex":
		b, err = hex.DecodeString(strings.Join(strings.Fields(a.text), ""))
	case "ascii85":
		b = make([]byte, 4*len(src)+8)
		var n int
		s := bytes.TrimSuffix(bytes.TrimPrefix(src, []byte("<~")), []byte("~>"))
		n, _, err = ascii85.Decode(b, s, true)
		b = b[:n]
	case "base85":
		b, err = base85(a.text)
	case "zlib":
		b, err = inflated(zlib.NewReader(bytes.NewReader(src)))
	case "gzip":
		b, err = inflated(gzip.NewReader(bytes.NewReader(src)))
	case "bz2":
		b, err = inflated(bzip2.NewReader(bytes.NewReader(src)), nil)
	case "url":
		b, out = percentDecoded(a.text), isStr
	case "to base64":
		b = []byte(base64.StdEncoding.EncodeToString(src))
	case "to hex":
		b = []byte(hex.EncodeToString(src))
	default:
		return &atom{kind: isComputed}
	}
	if err != nil {
		return &atom{kind: isComputed}
	}
	return m.made(out, string(b))
}

// plainAlphabet drops what Python's base64 ignores, and maps the alphabet of addresses.
func plainAlphabet(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == '-':
			return '+'
		case c == '_':
			return '/'
		case c == '+' || c == '/' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z':
			return c
		}
		return -1
	}, s)
}

func inflated[R io.Reader](r R, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(r, maxText))
	return b, err
}

const alphabet85 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"

// base85 is base64.b85decode: RFC 1924's alphabet in groups of five.
func base85(s string) ([]byte, error) {
	var out []byte
	pad := (5 - len(s)%5) % 5
	s += strings.Repeat("~", pad)
	for i := 0; i < len(s); i += 5 {
		var n uint64
		for _, c := range []byte(s[i : i+5]) {
			k := strings.IndexByte(alphabet85, c)
			if k < 0 {
				return nil, io.ErrUnexpectedEOF
			}
			n = n*85 + uint64(k)
		}
		out = append(out, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	return out[:max(0, len(out)-pad)], nil
}

// percentDecoded undoes the escapes of addresses.
func percentDecoded(s string) []byte {
	var out []byte
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				out = append(out, byte(n))
				i += 2
				continue
			}
		}
		out = append(out, s[i])
	}
	return out
}
