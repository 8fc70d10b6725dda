package seccomp

import (
	"fmt"
	"math"
	"slices"

	"golang.org/x/net/bpf"
)

// choice is what numbers that equal value under mask are answered.
type choice struct{ mask, value, answer uint32 }

func (c choice) matches(n uint32) bool { return n&c.mask == c.value }

// span is the first and the last number that matches, when all between them do.
func (c choice) span() (from, to uint32, ok bool) {
	free := ^c.mask
	return c.value, c.value | free, free&(free+1) == 0 && c.value&free == 0
}

// choose are instructions that load the word at off and answer by it; of two choices that match, the first counts, so that
// "these, and all others otherwise" can be said, for which libseccomp's rules have no order. It is a search in a sorted
// list: seven comparisons or so among a hundred commands. Measured (BenchmarkIoctl), an allowed command costs as much as
// under libseccomp's list of comparisons, which the kernel's compiler makes cheap.
func choose(off uint32, choices []choice, otherwise uint32) ([]bpf.Instruction, error) {
	load := bpf.LoadAbsolute{Off: off, Size: 4}
	out := []bpf.Instruction{load}
	var ranges []choice
	for i, c := range choices {
		if _, _, ok := c.span(); ok {
			ranges = append(ranges, c)
			continue
		}
		// Bits in the middle are left out (commands of any size): these are compared first, one by one.
		for _, earlier := range choices[:i] {
			if earlier.answer != c.answer && (earlier.value^c.value)&earlier.mask&c.mask == 0 {
				return nil, fmt.Errorf("%#x under %#x comes after a rule that covers part of it", c.value, c.mask)
			}
		}
		out = append(out,
			bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: c.mask},
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: c.value, SkipFalse: 1},
			bpf.RetConstant{Val: c.answer},
			load)
	}
	return append(out, search(steps(ranges, otherwise))...), nil
}

// step says what numbers are answered from here to the next step.
type step struct{ from, answer uint32 }

// steps cuts the numbers where the answer changes.
func steps(ranges []choice, otherwise uint32) []step {
	cuts := []uint32{0}
	for _, c := range ranges {
		from, to, _ := c.span()
		cuts = append(cuts, from)
		if to != math.MaxUint32 {
			cuts = append(cuts, to+1)
		}
	}
	slices.Sort(cuts)
	var out []step
	for _, from := range slices.Compact(cuts) {
		answer := otherwise
		if i := slices.IndexFunc(ranges, func(c choice) bool { return c.matches(from) }); i >= 0 {
			answer = ranges[i].answer
		}
		if len(out) == 0 || out[len(out)-1].answer != answer {
			out = append(out, step{from, answer})
		}
	}
	return out
}

// search finds the step of the number in the accumulator, and answers.
func search(s []step) []bpf.Instruction {
	if len(s) == 1 {
		return []bpf.Instruction{bpf.RetConstant{Val: s[0].answer}}
	}
	middle := len(s) / 2
	low, high := search(s[:middle]), search(s[middle:])
	return slices.Concat(jumpUnless(bpf.JumpLessThan, s[middle].from, low), low, high)
}

// jumpUnless jumps over instructions unless the comparison holds. A conditional jump reaches 255 instructions.
func jumpUnless(holds bpf.JumpTest, value uint32, over []bpf.Instruction) []bpf.Instruction {
	if n := len(over); n > math.MaxUint8 {
		return []bpf.Instruction{bpf.JumpIf{Cond: holds, Val: value, SkipTrue: 1}, bpf.Jump{Skip: uint32(n)}}
	}
	return []bpf.Instruction{bpf.JumpIf{Cond: holds, Val: value, SkipFalse: uint8(len(over))}}
}
