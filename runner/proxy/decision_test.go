package proxy

import (
	"fmt"
	"testing"
)

func TestAJournalIsBoundedAndCountsEveryConnection(t *testing.T) {
	var j Journal
	firsts := 0
	for i := range 10_000 {
		if j.Add(Decision{Host: fmt.Sprintf("h%d.example", i%3000), Verdict: Refused, Reason: "r"}) {
			firsts++
		}
		j.Add(Decision{Host: "good.example", Port: 443, Verdict: Allowed, Up: 2, Down: 3})
	}
	var refused, allowed, up int64
	for _, r := range j.Rows() {
		if r.Verdict == Refused {
			refused += r.Count
		} else {
			allowed, up = allowed+r.Count, up+r.Up
		}
	}
	if refused != 10_000 || allowed != 10_000 || up != 20_000 {
		t.Errorf("%d refused, %d allowed, %d bytes", refused, allowed, up)
	}
	if len(j.Rows()) > maxKeys+2 || firsts > maxKeys || firsts < 1000 {
		t.Errorf("%d rows, %d hosts told of", len(j.Rows()), firsts)
	}
}

func TestAnAllowedHostIsListedConnectionByConnection(t *testing.T) {
	var j Journal
	for range 3 {
		j.Add(Decision{Host: "good.example", Verdict: Allowed})
		j.Add(Decision{Host: "evil.example", Verdict: Refused})
	}
	if len(j.Rows()) != 4 || j.Rows()[1].Count != 3 {
		t.Errorf("%+v", j.Rows())
	}
}
