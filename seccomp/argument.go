package seccomp

import (
	"math"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// Errno values; the same on amd64 and arm64.
const (
	eperm           = 1
	enosys          = 38
	eprotonosupport = 93
	eopnotsupp      = 95
	eafnosupport    = 97
)

const low32 = math.MaxUint32

// A condition on one argument, counted from 0.
func cond(index uint, op specs.LinuxSeccompOperator, value, two uint64) specs.LinuxSeccompArg {
	return specs.LinuxSeccompArg{Index: index, Value: value, ValueTwo: two, Op: op}
}

// is compares all 64 bits.
func is(index uint, value uint64) specs.LinuxSeccompArg {
	return cond(index, specs.OpEqualTo, value, 0)
}

// isNot compares all 64 bits.
func isNot(index uint, value uint64) specs.LinuxSeccompArg {
	return cond(index, specs.OpNotEqual, value, 0)
}

// above compares all 64 bits, unsigned.
func above(index uint, value uint64) specs.LinuxSeccompArg {
	return cond(index, specs.OpGreaterThan, value, 0)
}

// masked holds when the argument and mask is value.
func masked(index uint, mask, value uint64) specs.LinuxSeccompArg {
	return cond(index, specs.OpMaskedEqual, mask, value)
}

// int32Is compares what the kernel looks at when the argument is a C int.
func int32Is(index uint, value uint64) specs.LinuxSeccompArg {
	return masked(index, low32, value)
}

// without holds when none of the bits is set.
func without(index uint, bits uint64) specs.LinuxSeccompArg {
	return masked(index, bits, 0)
}

func allow(args ...specs.LinuxSeccompArg) rule { return rule{args: args} }

func refuse(errno uint, args ...specs.LinuxSeccompArg) rule { return rule{errno: errno, args: args} }

// anyOf allows a C int argument to have one of the values.
func anyOf(index uint, values ...uint64) []rule {
	var rules []rule
	for _, v := range values {
		rules = append(rules, allow(int32Is(index, v)))
	}
	return rules
}

// pattern matches the numbers that equal value under mask.
type pattern struct{ mask, value uint64 }

// exactly are the patterns of single numbers of width bits.
func exactly(width uint, values ...uint64) []pattern {
	var ps []pattern
	for _, v := range values {
		ps = append(ps, pattern{mask: 1<<width - 1, value: v})
	}
	return ps
}

// except returns disjoint patterns that together match every number of width bits that no hole matches.
// It walks the binary tree of numbers from the highest bit: a subtree without holes is one pattern.
// Precondition: the mask of a hole is a run of ones starting at the highest of the width bits.
func except(width uint, holes []pattern) []pattern {
	all := uint64(1)<<width - 1
	var walk func(p pattern) []pattern
	walk = func(p pattern) []pattern {
		touched := false
		for _, h := range holes {
			if p.mask&h.mask == h.mask && p.value&h.mask == h.value {
				return nil // p lies inside the hole
			}
			touched = touched || p.value == h.value&p.mask
		}
		if !touched {
			return []pattern{p}
		}
		next := (all &^ p.mask) - (all&^p.mask)>>1 // the highest bit not yet decided
		mask := p.mask | next
		return append(walk(pattern{mask, p.value}), walk(pattern{mask, p.value | next})...)
	}
	return walk(pattern{})
}
