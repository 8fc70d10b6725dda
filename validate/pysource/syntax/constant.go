package syntax

import (
	"strconv"
)

// ConstantKind is the type of a literal.
type ConstantKind uint8

// The kinds of a Constant.
const (
	None ConstantKind = iota
	True
	False
	Ellipsis
	Int     // Text is the literal
	Float   // Text is the literal
	Complex // an imaginary number; Text is the literal without its j
	Str     // Text is the value in UTF-8; a lone surrogate is its three bytes, which utf8.ValidString refuses
	Bytes   // Text is the value
)

var kinds = [...]string{"None", "True", "False", "Ellipsis", "int", "float", "complex", "str", "bytes"}

func (k ConstantKind) String() string { return kinds[k] }

// Int64 is the value of an Int that fits.
func (c *Constant) Int64() (int64, bool) {
	if c.Kind != Int {
		return 0, false
	}
	text := c.Text
	if len(text) > 1 && text[0] == '0' && '0' <= text[1] && text[1] <= '9' {
		text = "0" // 00 is zero; Go would read octal
	}
	n, err := strconv.ParseInt(text, 0, 64)
	return n, err == nil
}

// Float64 is the value of a Float, or the imaginary part of a Complex. Too large is infinity, as in Python.
func (c *Constant) Float64() (float64, bool) {
	if c.Kind != Float && c.Kind != Complex {
		return 0, false
	}
	f, err := strconv.ParseFloat(c.Text, 64)
	if e, ok := err.(*strconv.NumError); ok && e.Err == strconv.ErrRange {
		err = nil
	}
	return f, err == nil
}
