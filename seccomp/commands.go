package seccomp

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// command is one line of a list in ioctls/, where the columns are described.
type command struct {
	what         string
	word         uint32
	since, until int // driver branches, both included; 0: no bound
	name, why    string
}

// commandTable is a list in ioctls/.
type commandTable struct {
	branches []int // driver branches the list was checked for, in ascending order; empty: the list is the same for all
	commands []command
}

// anySize leaves the bits of the size out of a command word (linux/ioctl.h: number, type, size, direction).
const anySize = ^uint32(0x3fff << 16)

// anySize: what is left out by name is left out in any size, but for bare numbers, which have none.
func (c command) anySize() bool { return c.what != "word" && c.word >= 1<<8 }

// parseCommands reads a list that is part of this program; a test reads every line of every one. It is read where a
// GPU is granted or a command must be named, and not before: each start of a box pays for what is done at program start.
func parseCommands(text string) (t commandTable) {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		switch {
		case len(f) == 0 || strings.HasPrefix(f[0], "#"):
		case f[0] == "branches":
			for _, b := range f[1:] {
				t.branches = append(t.branches, branchOf(b))
			}
		case len(f) >= 5:
			word, _ := strconv.ParseUint(f[1], 0, 32)
			t.commands = append(t.commands, command{what: f[0], word: uint32(word), since: branchOf(f[2]), until: branchOf(f[3]),
				name: f[4], why: strings.Join(f[5:], " ")})
		}
	}
	return t
}

// branchOf is the branch of a driver version, 580 of "580.95.05"; 0 when there is none.
func branchOf(version string) int {
	major, _, _ := strings.Cut(version, ".")
	n, _ := strconv.Atoi(major)
	return max(n, 0)
}

// list is what a driver of that version gets. Of a branch outside of those known, the nearest one's.
func (t commandTable) list(vendor, version string) (list Ioctls, note string) {
	branch := branchOf(version)
	list.Profile = vendor
	if len(t.branches) > 0 {
		known := t.known(branch)
		switch {
		case branch == 0:
			note = fmt.Sprintf("the driver's version %q is not understood: the ioctl commands of branch %d pass", version, known)
		case known > branch:
			note = fmt.Sprintf("driver branch %d is older than the lists of ioctl commands: those of %d pass", branch, known)
		case known < branch:
			note = fmt.Sprintf("driver branch %d has no list of ioctl commands: those of %d pass; what it needs beyond is refused", branch, known)
		}
		branch, list.Profile = known, fmt.Sprintf("%s-%d", vendor, known)
	}
	for _, c := range t.commands {
		if c.since > branch || c.until != 0 && c.until < branch {
			continue
		}
		switch c.what {
		case "word":
			list.Words = append(list.Words, c.word)
		case "any":
			list.Masked = append(list.Masked, IoctlWord{Mask: anySize, Value: c.word & anySize})
		}
	}
	return list.normal(), note
}

// known is the newest known branch that is not newer, or the oldest; the newest for 0.
func (t commandTable) known(branch int) int {
	known := t.branches[0]
	for _, b := range t.branches {
		if branch == 0 || b <= branch {
			known = b
		}
	}
	return known
}

// Command is a command of ioctl(2) that a vendor's driver has.
type Command struct {
	Vendor, Name string
	Word         uint32
	AnySize      bool   // bits 16 to 29 are not compared
	Since, Until int    // driver branches, both included; 0: no bound
	LeftOut      string // why it is not on the vendor's list; empty: it is
}

// Commands are the vendors' lists, with what is left out.
func Commands() (out []Command) {
	for _, l := range commandLists() {
		for _, c := range parseCommands(l.text).commands {
			out = append(out, Command{Vendor: l.vendor, Name: c.name, Word: c.word, AnySize: c.anySize(), Since: c.since, Until: c.until, LeftOut: c.why})
		}
	}
	return out
}

// Is reports whether it is the command of that word.
func (c Command) Is(word uint32) bool {
	if c.AnySize {
		return word&anySize == c.Word&anySize
	}
	return word == c.Word
}

// CommandName is what the drivers' headers call a command of ioctl(2), listed or left out; empty when no list has it. The
// vendors' drivers give some numbers different meanings: then all the names, joined by "|".
func CommandName(word uint32) string {
	var names []string
	for _, c := range Commands() {
		if c.Is(word) && !slices.Contains(names, c.Name) {
			names = append(names, c.Name)
		}
	}
	return strings.Join(names, "|")
}
