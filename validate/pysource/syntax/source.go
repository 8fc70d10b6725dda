package syntax

import (
	"strings"
	"unicode/utf8"
)

const bom = "\xEF\xBB\xBF"

// examine finds the encoding of the source (PEP 263) and checks every byte of it before the first token is read.
func (p *parser) examine() {
	if strings.HasPrefix(p.src, bom) {
		p.facts.BOM = true
		p.pos, p.lineStart = len(bom), len(bom)
	}
	p.cookie()
	ascii := p.encoding()
	p.facts.Lines = 1
	for i := p.pos; i < len(p.src); {
		i += p.examineChar(i, ascii)
	}
	p.line, p.lineStart = 1, p.pos
}

// examineChar checks the character at i and returns its length; it counts lines.
func (p *parser) examineChar(i int, ascii bool) int {
	c := p.src[i]
	switch {
	case c >= 0x20 && c < 0x7F || c == '\t' || c == '\f':
		return 1
	case c == '\r':
		if i+1 < len(p.src) && p.src[i+1] == '\n' {
			p.facts.CarriageNLs++
			return 1
		}
		if len(p.facts.LoneCRs) < maxMarks {
			p.facts.LoneCRs = append(p.facts.LoneCRs, uint32(i))
		}
		fallthrough
	case c == '\n':
		p.facts.Lines++
		p.line, p.lineStart = p.line+1, i+1
		return 1
	case c == 0:
		p.fail(i, "source code cannot contain null bytes")
	case c < utf8.RuneSelf:
		p.suspect(i, rune(c))
		return 1
	case p.latin1:
		p.suspect(i, rune(c))
		return 1
	case ascii:
		p.exceed(i, "a byte that is not ASCII, in a file whose encoding is %q", p.facts.Cookie)
	}
	r, n := utf8.DecodeRuneInString(p.src[i:])
	if r == utf8.RuneError && n == 1 {
		p.fail(i, "a byte that is not UTF-8")
	}
	p.suspect(i, r)
	return n
}

// suspect notes control characters and characters without width.
func (p *parser) suspect(i int, r rune) {
	switch {
	case r < 0x20, 0x7F <= r && r < 0xA0, r == 0xAD, r == 0x61C, r == 0x115F, r == 0x1160, r == 0x180E, 0x200B <= r && r <= 0x200F, 0x2028 <= r && r <= 0x202E,
		0x2060 <= r && r <= 0x206F, r == 0x3164, r == 0xFEFF, r == 0xFFA0, 0xFFF9 <= r && r <= 0xFFFB, 0xE0000 <= r && r < 0xE0100:
	default:
		return
	}
	if f := p.facts; len(f.Suspicious) < maxMarks {
		f.Suspicious = append(f.Suspicious, Suspicious{Off: uint32(i), Line: p.line, Rune: r})
	}
}

// cookie looks for an encoding in the comment of the first line, or of the second when the first is blank or only a
// comment, as CPython's get_coding_spec.
func (p *parser) cookie() {
	off := p.pos
	for n := range 2 {
		line := p.src[off:]
		if end := strings.IndexAny(line, "\r\n"); end >= 0 {
			line = line[:end]
		}
		hash := strings.IndexByte(line, '#')
		if hash < 0 {
			hash = len(line)
		}
		if strings.Trim(line[:hash], " \t\f") != "" {
			return
		}
		if name := cookieName(line[hash:]); name != "" {
			p.facts.Cookie = name
			p.facts.CookieAt = Pos{uint32(off + hash), uint32(off + len(line)), uint32(n + 1), uint32(hash)}
			return
		}
		off += len(line)
		if strings.HasPrefix(p.src[off:], "\r\n") {
			off++
		}
		off = min(off+1, len(p.src))
	}
}

func cookieName(comment string) string {
	for {
		_, rest, found := strings.Cut(comment, "coding")
		if !found {
			return ""
		}
		comment = rest
		if rest == "" || rest[0] != ':' && rest[0] != '=' {
			continue
		}
		rest = strings.TrimLeft(rest[1:], " \t")
		n := 0
		for n < len(rest) && (identifierByte(rest[n]) && rest[n] < 0x80 || rest[n] == '-' || rest[n] == '.') {
			n++
		}
		if n > 0 {
			return rest[:n]
		}
	}
}

// encoding decides how the bytes are read. Only UTF-8 and Latin-1 are; text that is ASCII reads the same in the
// other encodings that extend ASCII. Encodings that do not, such as utf-7 or unicode_escape, can make code of what
// looks like a comment.
func (p *parser) encoding() (ascii bool) {
	name := strings.ToLower(strings.ReplaceAll(p.facts.Cookie, "_", "-"))
	switch {
	case name == "" || name == "utf-8" || strings.HasPrefix(name, "utf-8-"):
		return false
	case p.facts.BOM: // CPython refuses even utf8
		p.fail(p.pos, "encoding %q in a file that begins with the mark of UTF-8", p.facts.Cookie)
	case name == "utf8" || name == "u8" || name == "utf":
		return false
	case name == "latin-1" || name == "iso-8859-1" || name == "iso-latin-1" || name == "latin1" || name == "iso8859-1" || name == "l1",
		strings.HasPrefix(name, "latin-1-"), strings.HasPrefix(name, "iso-8859-1-"), strings.HasPrefix(name, "iso-latin-1-"):
		p.latin1 = true
		return false
	}
	for _, prefix := range []string{"ascii", "us-ascii", "cp125", "windows-125", "iso-8859-", "iso8859-", "latin", "koi8-", "euc-", "gb2312", "gbk", "gb18030", "big5", "mac-roman"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	p.exceed(int(p.facts.CookieAt.Off), "source encoding %q", p.facts.Cookie)
	return true
}
