package terminal

// What passes, and what it is for; what is named nowhere is dropped. The forms are those of ECMA-48 and of xterm's
// "Control Sequences" (ctlseqs); the second list says why well-known ones are not in the first. A terminal that types
// back is the danger: what it types is read by the shell after us as if the user had typed it (CVE-2003-0063 and its
// many descendants).

// refusedC0 are control characters that do not pass, with the reason. BEL, BS, HT, LF, VT, FF, CR, SO, SI and NUL do.
var refusedC0 = [0x20]string{
	0x01: silent, 0x02: silent, 0x03: silent, 0x04: silent,
	0x05: "ENQ: the terminal types its answerback",
	0x06: silent, 0x10: silent,
	0x11: "XON: flow control of a serial line", 0x12: silent, 0x13: "XOFF: stops a serial line", 0x14: silent,
	0x15: silent, 0x16: silent, 0x17: silent, 0x18: "CAN: ends a sequence", 0x19: silent, 0x1a: "SUB: ends a sequence",
	0x1b: "ESC: begins a sequence", 0x1c: silent, 0x1d: silent, 0x1e: silent, 0x1f: silent,
}

const silent = "has no meaning on a screen"

// A form of control sequence. Its key is the private marker, the intermediates and the final byte.
type form struct {
	why    string
	most   int              // parameters; -1: as many as a sequence can hold
	passes func([]int) bool // nil: whatever the parameters
}

// controls are the control sequences (CSI) that pass.
var controls = map[string]form{
	"@": {"insert characters", 1, nil},
	"A": {"cursor up", 1, nil}, "B": {"cursor down", 1, nil}, "C": {"cursor right", 1, nil}, "D": {"cursor left", 1, nil},
	"E": {"next line", 1, nil}, "F": {"previous line", 1, nil}, "G": {"column", 1, nil}, "H": {"cursor position", 2, nil},
	"I": {"tabs", 1, nil}, "Z": {"tabs back", 1, nil}, "`": {"column", 1, nil}, "a": {"column, relative", 1, nil},
	"d": {"line", 1, nil}, "e": {"line, relative", 1, nil}, "f": {"cursor position", 2, nil},
	"J":  {"erase the screen; not 3, which erases what was there before the run", 1, func(p []int) bool { return first(p) <= 2 }},
	"?J": {"erase unprotected", 1, func(p []int) bool { return first(p) <= 2 }},
	"K":  {"erase the line", 1, nil}, "?K": {"erase unprotected", 1, nil},
	"L": {"insert lines", 1, nil}, "M": {"delete lines", 1, nil}, "P": {"delete characters", 1, nil}, "X": {"erase characters", 1, nil},
	"S": {"scroll up", 1, nil}, "T": {"scroll down; with more parameters it tracks the mouse", 1, nil},
	"b":  {"repeat the last character", 1, nil},
	"m":  {"colours and styles (SGR)", -1, nil},
	"r":  {"scroll region", 2, nil},
	"s":  {"save the cursor; with parameters it sets margins", 0, nil},
	"u":  {"restore the cursor", 0, nil},
	"h":  {"insert mode (4)", 1, func(p []int) bool { return first(p) == 4 }},
	"l":  {"replace mode (4)", 1, func(p []int) bool { return first(p) == 4 }},
	"?h": {"switch a mode on, see privateModes", -1, allModes},
	"?l": {"switch a mode off, see privateModes", -1, allModes},
	" q": {"shape of the cursor", 1, nil},
	"!p": {"soft reset", 0, nil},
}

// escapes are the escape sequences that pass, without their ESC.
var escapes = map[string]string{
	"7": "save the cursor", "8": "restore the cursor",
	"D": "line down", "E": "next line", "M": "line up, scrolling",
	"=": "application keypad", ">": "normal keypad",
	"(B": "ASCII", "(0": "line drawing", "(A": "British", ")B": "ASCII in G1", ")0": "line drawing in G1", ")A": "British in G1",
}

// privateModes pass, with the state in which a terminal has them when nobody touched them.
var privateModes = []struct {
	number int
	on     bool
	what   string
}{
	{1, false, "application cursor keys"},
	{5, false, "reverse screen"},
	{6, false, "cursor relative to the scroll region"},
	{7, true, "wrap at the margin"},
	{12, false, "blinking cursor"},
	{25, true, "cursor shown"},
	{1000, false, "mouse buttons"}, {1002, false, "mouse drags"}, {1003, false, "mouse motion"},
	{1004, false, "focus"}, {1005, false, "mouse, in UTF-8"}, {1006, false, "mouse, in decimal"}, {1015, false, "mouse, older"},
	{2004, false, "bracketed paste"},
	{2026, false, "synchronised update"},
	{47, false, "alternate screen"}, {1047, false, "alternate screen"}, {1048, false, "saved cursor"}, {1049, false, "alternate screen and saved cursor"},
}

// refused are well-known forms that do not pass. It is documentation that a test holds to be true.
var refused = []struct{ example, why string }{
	{"\x1b]0;title\a", "OSC 0, 1, 2: the title; some terminals type it back (CVE-2003-0063)"},
	{"\x1b]52;c;YQ==\a", "OSC 52: writes, and reads, the user's clipboard"},
	{"\x1b]8;;file:///\x1b\\text\x1b]8;;\x1b\\", "OSC 8: a link whose text says something else"},
	{"\x1b]4;1;?\a", "OSC 4, 10 to 19: changes colours for good, and types them back (CVE-2022-45063)"},
	{"\x1b]7;file://h/\a", "OSC 7, 133, 633, 1337: tells the terminal and its shell integration what is not so (CVE-2022-46387)"},
	{"\x1b]9;note\a", "OSC 9, 99, 777: desktop notifications in the user's name"},
	{"\x1bP$qm\x1b\\", "DCS: DECRQSS types back (CVE-2008-2383), XTGETTCAP, sixel, user-defined keys"},
	{"\x1b_Gi=1;AA\x1b\\", "APC: graphics that read files of the host (kitty), and answers"},
	{"\x1b^text\x1b\\", "PM"},
	{"\x1bXtext\x1b\\", "SOS"},
	{"\x1bktitle\x1b\\", "the title of screen(1) and tmux(1)"},
	{"\x1b[6n", "DSR: types back the position of the cursor"},
	{"\x1b[?6n", "DECXCPR: types back"},
	{"\x1b[c", "DA: types back what terminal it is"},
	{"\x1b[>c", "DA2: types back"},
	{"\x1b[>q", "XTVERSION: types back"},
	{"\x1bZ", "DECID: types back"},
	{"\x1b[x", "DECREQTPARM: types back"},
	{"\x1b[?25$p", "DECRQM: types back"},
	{"\x1b[1;1;1;1;1;1*y", "DECRQCRA: types back a checksum of the screen"},
	{"\x1b[21t", "XTWINOPS: types back the title; moves, resizes and hides the window"},
	{"\x1b[5i", "MC: prints, on terminals that have a printer or run a program for it"},
	{"\x1b[>4;2m", "XTMODKEYS: changes what keys send"},
	{"\x1b[>1u", "kitty's keyboard protocol: changes what keys send"},
	{"\x1b[2h", "KAM: locks the keyboard"},
	{"\x1b[12l", "SRM: the terminal echoes what is typed, passwords too"},
	{"\x1b[20h", "LNM: changes what the return key sends"},
	{"\x1b[?3h", "DECCOLM: resizes the window"},
	{"\x1b[3J", "erases what was on the screen before the run"},
	{"\x1bc", "RIS: erases everything and forgets the user's settings"},
	{"\x1b[62\"p", "DECSCL: changes how everything after it is read"},
	{"\x1b G", "S8C1T: answers with 8-bit control characters"},
	{"\x1b%@", "changes the encoding under our feet"},
	{"\x1bN", "SS2, SS3: other character sets"},
	{"\x1b[3g", "TBC, HTS: tab stops outlive the run"},
	{"\x1bH", "HTS: as above"},
	{"\x1b[1q", "DECLL: lamps of the keyboard"},
	{"\x1b#8", "fills the screen, double height: nobody needs it"},
	{"\u009b6n", "C1 in UTF-8, which xterm reads like ESC and a letter"},
	{"\x9b6n", "C1 as a byte"},
	{"\x05", refusedC0[0x05]},
}

func first(p []int) int {
	if len(p) == 0 {
		return 0
	}
	return p[0]
}

func modeIndex(number int) int {
	for i, m := range privateModes {
		if m.number == number {
			return i
		}
	}
	return -1
}

func allModes(p []int) bool {
	for _, n := range p {
		if modeIndex(n) < 0 {
			return false
		}
	}
	return len(p) > 0
}
