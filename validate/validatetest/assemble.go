package validatetest

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// How an instruction writes its operands.
const (
	argNone  = iota
	argLines // each operand is a line
	argInt   // one number in width bytes, little endian
	argText  // bytes with their length in width bytes in front
	argFloat // eight bytes, big endian
)

type instruction struct {
	op    byte
	arg   int
	width int // bytes of a number; lines of argLines
}

// instructions is the assembler's own table, apart from the scanner's, so that one can disprove the other.
var instructions = map[string]instruction{
	"MARK": {'(', argNone, 0}, "STOP": {'.', argNone, 0}, "POP": {'0', argNone, 0}, "POP_MARK": {'1', argNone, 0}, "DUP": {'2', argNone, 0},
	"FLOAT": {'F', argLines, 1}, "INT": {'I', argLines, 1}, "BININT": {'J', argInt, 4}, "BININT1": {'K', argInt, 1}, "LONG": {'L', argLines, 1},
	"BININT2": {'M', argInt, 2}, "NONE": {'N', argNone, 0}, "PERSID": {'P', argLines, 1}, "BINPERSID": {'Q', argNone, 0}, "REDUCE": {'R', argNone, 0},
	"STRING": {'S', argLines, 1}, "BINSTRING": {'T', argText, 4}, "SHORT_BINSTRING": {'U', argText, 1}, "UNICODE": {'V', argLines, 1},
	"BINUNICODE": {'X', argText, 4}, "APPEND": {'a', argNone, 0}, "BUILD": {'b', argNone, 0}, "GLOBAL": {'c', argLines, 2}, "DICT": {'d', argNone, 0},
	"EMPTY_DICT": {'}', argNone, 0}, "APPENDS": {'e', argNone, 0}, "GET": {'g', argLines, 1}, "BINGET": {'h', argInt, 1}, "INST": {'i', argLines, 2},
	"LONG_BINGET": {'j', argInt, 4}, "LIST": {'l', argNone, 0}, "EMPTY_LIST": {']', argNone, 0}, "OBJ": {'o', argNone, 0}, "PUT": {'p', argLines, 1},
	"BINPUT": {'q', argInt, 1}, "LONG_BINPUT": {'r', argInt, 4}, "SETITEM": {'s', argNone, 0}, "TUPLE": {'t', argNone, 0}, "EMPTY_TUPLE": {')', argNone, 0},
	"SETITEMS": {'u', argNone, 0}, "BINFLOAT": {'G', argFloat, 8}, "PROTO": {0x80, argInt, 1}, "NEWOBJ": {0x81, argNone, 0}, "EXT1": {0x82, argInt, 1},
	"EXT2": {0x83, argInt, 2}, "EXT4": {0x84, argInt, 4}, "TUPLE1": {0x85, argNone, 0}, "TUPLE2": {0x86, argNone, 0}, "TUPLE3": {0x87, argNone, 0},
	"NEWTRUE": {0x88, argNone, 0}, "NEWFALSE": {0x89, argNone, 0}, "LONG1": {0x8a, argText, 1}, "LONG4": {0x8b, argText, 4}, "BINBYTES": {'B', argText, 4},
	"SHORT_BINBYTES": {'C', argText, 1}, "SHORT_BINUNICODE": {0x8c, argText, 1}, "BINUNICODE8": {0x8d, argText, 8}, "BINBYTES8": {0x8e, argText, 8},
	"EMPTY_SET": {0x8f, argNone, 0}, "ADDITEMS": {0x90, argNone, 0}, "FROZENSET": {0x91, argNone, 0}, "NEWOBJ_EX": {0x92, argNone, 0},
	"STACK_GLOBAL": {0x93, argNone, 0}, "MEMOIZE": {0x94, argNone, 0}, "FRAME": {0x95, argInt, 8}, "BYTEARRAY8": {0x96, argText, 8},
	"NEXT_BUFFER": {0x97, argNone, 0}, "READONLY_BUFFER": {0x98, argNone, 0},
}

// Assemble turns pickle assembly into bytes. One instruction per line: the opcode's name of pickletools and its
// operands, bare words or Go string literals; lengths are computed. "HEX 80 04" and RAW "text" give bytes as
// they are, "REPEAT 3 POP" repeats an instruction, "#" begins a comment line.
func Assemble(text string) ([]byte, error) {
	var out []byte
	for i, line := range strings.Split(text, "\n") {
		words, err := split(line)
		if err == nil && len(words) > 0 {
			out, err = assemble(out, words)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d of the body: %w", i+1, err)
		}
	}
	return out, nil
}

// split cuts a line into words and quoted strings.
func split(line string) (words []string, err error) {
	for line = strings.TrimSpace(line); line != "" && line[0] != '#'; line = strings.TrimSpace(line) {
		if line[0] != '"' {
			word, rest, _ := strings.Cut(line, " ")
			words, line = append(words, word), rest
			continue
		}
		q, err := strconv.QuotedPrefix(line)
		if err != nil {
			return nil, fmt.Errorf("string: %w", err)
		}
		s, err := strconv.Unquote(q)
		if err != nil {
			return nil, fmt.Errorf("string: %w", err)
		}
		words, line = append(words, s), line[len(q):]
	}
	return words, nil
}

func assemble(out []byte, words []string) ([]byte, error) {
	args := words[1:]
	switch words[0] {
	case "HEX":
		b, err := hex.DecodeString(strings.Join(args, ""))
		return append(out, b...), err
	case "RAW":
		return append(out, strings.Join(args, "")...), nil
	case "REPEAT":
		if len(args) < 2 {
			return nil, fmt.Errorf("REPEAT takes a count and an instruction")
		}
		n, err := strconv.Atoi(args[0])
		for ; err == nil && n > 0; n-- {
			out, err = assemble(out, args[1:])
		}
		return out, err
	}
	in, ok := instructions[words[0]]
	if !ok {
		return nil, fmt.Errorf("unknown instruction %q", words[0])
	}
	out = append(out, in.op)
	if want := map[int]int{argNone: 0, argLines: in.width, argInt: 1, argText: 1, argFloat: 1}[in.arg]; len(args) != want {
		return nil, fmt.Errorf("%s takes %d operands", words[0], want)
	}
	switch in.arg {
	case argLines:
		for _, a := range args {
			out = append(append(out, a...), '\n')
		}
	case argInt:
		n, err := strconv.ParseInt(args[0], 0, 64)
		if err != nil {
			return nil, err
		}
		return appendInt(out, uint64(n), in.width), nil
	case argText:
		return append(appendInt(out, uint64(len(args[0])), in.width), args[0]...), nil
	case argFloat:
		f, err := strconv.ParseFloat(args[0], 64)
		return binary.BigEndian.AppendUint64(out, math.Float64bits(f)), err
	}
	return out, nil
}

func appendInt(out []byte, n uint64, width int) []byte {
	for range width {
		out = append(out, byte(n))
		n >>= 8
	}
	return out
}
