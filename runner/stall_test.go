package runner

import (
	"testing"
	"time"
)

// Each case is a command's life in steps of half a second: b busy, i idle, o idle but writing, d idle with a denial,
// D busy with a denial.
func TestAStallIsToldOnceAndOnlyAfterADenial(t *testing.T) {
	repeat := func(s string, n int) (out string) {
		for range n {
			out += s
		}
		return out
	}
	for _, tc := range []struct {
		what, life string
		told       []int // steps
	}{
		{"a denial, then nothing", "bbd" + repeat("i", 30), []int{12}},
		{"a denial while busy, then nothing", "bbDb" + repeat("i", 30), []int{13}},
		{"a denial that is asked again and again", "bb" + repeat("d", 30), []int{13}},
		{"a denial, a traceback of a second, then nothing", "bbDbb" + repeat("i", 30), []int{14}},
		{"a sleep without a denial", "bb" + repeat("i", 60), nil},
		{"a denial followed by progress", "bbD" + repeat("b", 60), nil},
		{"a denial, progress for long, then a sleep", "bbD" + repeat("b", 10) + repeat("i", 60), nil},
		{"a denial, then output now and then", "bbd" + repeat("iiio", 30), nil},
		{"a denial after a long sleep, then progress", "b" + repeat("i", 60) + "d" + repeat("i", 3) + repeat("b", 9), nil},
		{"a denial after a long sleep, then nothing", "b" + repeat("i", 20) + "d" + repeat("i", 20), []int{31}},
		{"two stalls", "bd" + repeat("i", 20) + "bd" + repeat("i", 20), []int{11, 33}},
	} {
		s := stall{after: 5 * time.Second}
		var cpu, last time.Duration
		var output int64
		var told []int
		for i, c := range tc.life {
			now := time.Duration(i+1) * 500 * time.Millisecond
			switch c {
			case 'b', 'D':
				cpu += 300 * time.Millisecond
			case 'o':
				output++
			}
			cpu += time.Millisecond // an event loop wakes up
			if c == 'd' || c == 'D' {
				last = now - 100*time.Millisecond
			}
			if last == 0 {
				continue // the watch begins with the first denial
			}
			if s.tick(now, cpu, output, last) {
				told = append(told, i)
			}
		}
		if len(told) != len(tc.told) {
			t.Errorf("%s: told at %v, want %v", tc.what, told, tc.told)
			continue
		}
		for i := range told {
			if told[i] != tc.told[i] {
				t.Errorf("%s: told at %v, want %v", tc.what, told, tc.told)
			}
		}
	}
}
