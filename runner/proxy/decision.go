package proxy

import (
	"slices"
	"time"
)

// Decision is what became of one connection through the proxy, or, where Count is more than 1, of several alike.
type Decision struct {
	At      time.Duration `json:"at_ns"`             // since the command started
	Host    string        `json:"host"`              // the name that was asked for
	Port    uint16        `json:"port"`              // 0: none was understood
	Address string        `json:"address,omitempty"` // dialled
	Verdict Verdict       `json:"verdict"`
	Reason  string        `json:"reason,omitempty"` // why refused, why failed, or the limit that ended it
	Up      int64         `json:"up_bytes"`         // from the workload
	Down    int64         `json:"down_bytes"`
	Took    time.Duration `json:"took_ns"`
	Count   int64         `json:"count"`

	Began int64 `json:"began,omitempty"` // Unix nanoseconds, on the way to the supervisor only
}

// Verdict is a word for a decision.
type Verdict string

// The verdicts. A published connection goes the other way: from the host to a server inside.
const (
	Allowed   Verdict = "allowed"
	Refused   Verdict = "refused"
	Failed    Verdict = "failed" // permitted, and the host could not be reached
	Published Verdict = "published"
)

// Bounds of a journal. A connection more that is like none of the list's is counted in the row without a host.
const (
	maxRows = 1000 // connections one by one
	maxKeys = 2000 // rows altogether
)

// Journal is a bounded list of decisions. Every connection is counted in one of its rows.
type Journal struct {
	rows []Decision
	keys map[Decision]int // what rows have in common → index
}

// Add notes one decision and reports whether it is the first about this host and verdict.
func (j *Journal) Add(d Decision) (first bool) {
	if j.keys == nil {
		j.keys = map[Decision]int{}
	}
	d.Count = max(d.Count, 1)
	key := Decision{Host: d.Host, Port: d.Port, Address: d.Address, Verdict: d.Verdict, Reason: d.Reason}
	seen := slices.ContainsFunc(j.rows, func(r Decision) bool { return r.Host == d.Host && r.Verdict == d.Verdict })
	at, known := j.keys[key]
	oneByOne := (d.Verdict == Allowed) && len(j.rows) < maxRows
	switch {
	case oneByOne || !known && len(j.rows) < maxKeys:
		if !known {
			j.keys[key] = len(j.rows)
		}
		j.rows = append(j.rows, d)
		return !seen
	case !known: // more kinds than a report should hold: one row for each verdict
		d.Host, d.Port, d.Address, d.Reason = "", 0, "", "and others"
		key = Decision{Verdict: d.Verdict, Reason: d.Reason}
		if at, known = j.keys[key]; !known {
			j.keys[key] = len(j.rows)
			j.rows = append(j.rows, d)
			return false
		}
	}
	r := &j.rows[at]
	r.Up, r.Down, r.Took, r.Count = r.Up+d.Up, r.Down+d.Down, r.Took+d.Took, r.Count+d.Count
	return false
}

// Rows are the decisions, the earliest first.
func (j *Journal) Rows() []Decision { return j.rows }
