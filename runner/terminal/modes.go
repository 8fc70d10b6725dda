package terminal

import (
	"fmt"
	"slices"
	"strings"
)

// modes is what a program switched and has not switched back, in the order in which it did. A mode is in it once, so
// that there are at most as many as the tables have.
type modes []mode

type mode struct{ name, undo string }

func (m *modes) set(on bool, name, undo string) {
	*m = slices.DeleteFunc(*m, func(x mode) bool { return x.name == name })
	if on {
		*m = append(*m, mode{name, undo})
	}
}

func (m *modes) character(b byte) {
	if b == 0x0e || b == 0x0f { // SO, SI
		m.set(b == 0x0e, "G1", "\x0f")
	}
}

func (m *modes) escape(name string) {
	switch name[0] {
	case '=', '>':
		m.set(name == "=", "keypad", "\x1b>")
	case '(', ')':
		m.set(name[1:] != "B", "set "+name[:1], "\x1b"+name[:1]+"B")
	}
}

func (m *modes) control(key, params string, values []int) {
	switch key {
	case "m":
		m.set(len(values) > 0 && values[len(values)-1] != 0, "style", "\x1b[m")
	case "r":
		m.set(params != "", "region", "\x1b7\x1b[r\x1b8") // setting a region moves the cursor
	case " q":
		m.set(first(values) != 0, "cursor", "\x1b[0 q")
	case "h", "l":
		m.set(key == "h", "insert", "\x1b[4l")
	case "?h", "?l":
		for _, n := range values {
			usual := privateModes[modeIndex(n)].on
			m.set((key == "?h") != usual, fmt.Sprint("?", n), fmt.Sprintf("\x1b[?%d%s", n, map[bool]string{true: "h", false: "l"}[usual]))
		}
	}
}

// Undo is what switches the terminal back to where the program found it, the last switch first; empty for a program
// that cleaned up.
func (f *Filter) Undo() string {
	var b strings.Builder
	for _, m := range slices.Backward(f.left) {
		b.WriteString(m.undo)
	}
	return b.String()
}

// Forget takes the terminal for untouched, after Undo was written to it.
func (f *Filter) Forget() { f.left = nil }
