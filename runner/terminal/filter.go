package terminal

import (
	"bytes"
	"unicode/utf8"
)

// Filter passes what a program may do to the user's terminal and drops the rest; tables.go says which is which. It is
// a streaming state machine over ECMA-48: what it passes does not depend on how the input is split. Text passes byte
// for byte, and a control sequence passes whole or not at all. The zero Filter is ready. Its memory is bounded.
type Filter struct {
	Dropped int64 // control characters and sequences that did not pass

	state state
	seq   []byte // the sequence begun, from its ESC
	char  []byte // the UTF-8 character begun
	left  modes
}

type state byte

const (
	text         state = iota
	escape             // ESC was seen
	intermediate       // ESC and a byte from 0x20 to 0x2f
	control            // CSI: ESC [
	command            // OSC: ESC ], which BEL ends too
	opaque             // DCS, SOS, PM, APC, and the title of screen(1): up to ST
	tooLong            // CSI beyond longest: up to its end
)

const (
	bel, cancel, substitute, esc, del = 0x07, 0x18, 0x1a, 0x1b, 0x7f

	longest = 128 // bytes of a control sequence; the longest SGR of a colour library has some forty
)

// Append filters src and appends what passes to dst.
func (f *Filter) Append(dst, src []byte) []byte {
	for len(src) > 0 {
		if f.state == text && len(f.char) == 0 {
			n := bytes.IndexFunc(src, notPlain)
			if n < 0 {
				n = len(src)
			}
			dst, src = append(dst, src[:n]...), src[n:]
			if len(src) == 0 {
				break
			}
		}
		dst, src = f.next(dst, src[0]), src[1:]
	}
	return dst
}

func notPlain(r rune) bool { return r < 0x20 || r > 0x7e }

// End passes what is left of a character that was never completed; a sequence without an end is dropped.
func (f *Filter) End(dst []byte) []byte {
	if f.state != text {
		f.drop()
	}
	for _, b := range f.char {
		dst = f.stray(dst, b)
	}
	f.char = f.char[:0]
	return dst
}

func (f *Filter) next(dst []byte, b byte) []byte {
	switch f.state {
	case text:
		return f.plain(dst, b)
	case command, opaque:
		f.inString(b)
		return dst
	}
	// Inside an escape sequence: a control character or a byte of text ends it, unfinished.
	switch {
	case b == esc:
		f.drop()
		f.begin()
		return dst
	case b < 0x20 || b >= del:
		f.drop()
		return f.plain(dst, b)
	}
	if f.state != tooLong {
		f.seq = append(f.seq, b)
	}
	switch f.state {
	case escape:
		return f.afterEscape(dst, b)
	case intermediate:
		if b >= 0x30 {
			return f.conclude(dst, f.escapePasses())
		}
	case control, tooLong:
		if b >= 0x40 {
			return f.conclude(dst, f.state == control && f.controlPasses())
		}
	}
	if len(f.seq) >= longest {
		f.state, f.seq = tooLong, f.seq[:0]
	}
	return dst
}

func (f *Filter) afterEscape(dst []byte, b byte) []byte {
	switch b {
	case '[':
		f.state = control
	case ']':
		f.state = command
	case 'P', 'X', '^', '_', 'k':
		f.state = opaque
	default:
		if b >= 0x30 {
			return f.conclude(dst, f.escapePasses())
		}
		f.state = intermediate
	}
	return dst
}

// inString swallows a string up to its end. An ESC that does not belong to ST begins another sequence.
func (f *Filter) inString(b byte) {
	switch {
	case b == esc:
		f.drop()
		f.begin() // ST is ESC \, which passes nothing by itself
	case b == cancel || b == substitute || b == bel && f.state == command:
		f.drop()
	}
}

func (f *Filter) begin() { f.state, f.seq = escape, append(f.seq[:0], esc) }

func (f *Filter) drop() {
	f.Dropped++
	f.state, f.seq = text, f.seq[:0]
}

// conclude passes a complete sequence, or drops it.
func (f *Filter) conclude(dst []byte, passes bool) []byte {
	switch {
	case passes:
		dst = append(dst, f.seq...)
	case string(f.seq) != "\x1b\\": // the end of a string that was dropped and counted
		f.Dropped++
	}
	f.state, f.seq = text, f.seq[:0]
	return dst
}

// plain takes one byte outside sequences: text, a control character, or part of a character.
func (f *Filter) plain(dst []byte, b byte) []byte {
	if len(f.char) == 0 {
		switch {
		case b == esc:
			f.begin()
			return dst
		case b < 0x20 || b == del:
			return f.controlCharacter(dst, b)
		case b < 0x80:
			return append(dst, b)
		}
	}
	f.char = append(f.char, b)
	if !utf8.FullRune(f.char) {
		return dst
	}
	r, n := utf8.DecodeRune(f.char)
	switch {
	case n == 1: // not UTF-8: the first byte stands alone, the others begin anew
		var rest [utf8.UTFMax]byte
		again := rest[:copy(rest[:], f.char[1:])]
		dst, f.char = f.stray(dst, f.char[0]), f.char[:0]
		for _, b := range again {
			dst = f.next(dst, b)
		}
		return dst
	case r < 0xa0: // C1, as xterm reads it from UTF-8
		f.Dropped++
	default:
		dst = append(dst, f.char...)
	}
	f.char = f.char[:0]
	return dst
}

// stray takes a byte that is no UTF-8. From 0xa0 it is a letter of an older encoding; below, an 8-bit control
// character (C1), also to a decoder that accepts characters which are longer than they need be.
func (f *Filter) stray(dst []byte, b byte) []byte {
	if b >= 0xa0 {
		return append(dst, b)
	}
	f.Dropped++
	return dst
}

func (f *Filter) controlCharacter(dst []byte, b byte) []byte {
	if b == del || refusedC0[b] != "" {
		f.Dropped++
		return dst
	}
	f.left.character(b)
	return append(dst, b)
}
