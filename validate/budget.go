package validate

import (
	"errors"
	"fmt"
	"sync/atomic"
)

// Resource is something the whole scan of a model shares one bound of.
type Resource int

// What can be charged.
const (
	Entries   Resource = iota // archive members
	Expanded                  // bytes produced by decompression
	PickleOps                 // pickle opcodes
	resources
)

// ErrBudget is wrapped by every error about an exhausted bound. The verdict is then at best inconclusive.
var ErrBudget = errors.New("scan budget exhausted")

type budget struct {
	spent [resources]atomic.Int64
	max   [resources]int64
}

var resourceKeys = [resources]string{Entries: "max_entries", Expanded: "max_expanded_mb", PickleOps: "max_pickle_ops"}

// Charge spends n of a shared bound. It also ends a scan whose context is over, so that loops need no
// second check.
func (p *Pass) Charge(r Resource, n int64) error {
	if err := p.run.ctx.Err(); err != nil {
		return p.exhausted("max_scan_seconds", "the scan took longer than %d s", p.run.limits.MaxScanSeconds)
	}
	if n < 0 || p.run.budget.spent[r].Add(n) > p.run.budget.max[r] {
		return p.exhausted(resourceKeys[r], "more than %d", p.run.budget.max[r])
	}
	return nil
}

// One file of the model may expand to freeExpansion, to ratioMax times its size, or to a sixteenth of what all files
// together may, whichever is most. Honest files compress by a factor of ten; what is beyond is a bomb, which need not
// take all that the policy permits before it is known as one, or numbers that are nearly all the same.
const (
	freeExpansion = 1 << 30
	ratioMax      = 64
	shareOfOne    = 16
)

// expand charges bytes that a decompressor produced. Those that were produced before count a quarter in the bound of
// the one file: reading a member again is the scanner's need, not the file's size. Decompressors that are slow cost more.
func (p *Pass) expand(n, cost int64, again bool) error {
	if err := p.Charge(Expanded, n); err != nil || p.top == nil {
		return err
	}
	if again {
		n /= 4
	}
	p.top.expanded += n * cost
	if most := max(freeExpansion, p.run.budget.max[Expanded]/shareOfOne, ratioMax*cost*p.top.size); p.top.expanded > most {
		return p.exhausted(resourceKeys[Expanded], "more than %d bytes come out of one file of %d bytes; if it is yours, unpack it and scan what is in it", most/cost, p.top.size)
	}
	return nil
}

func (p *Pass) exhausted(key, format string, args ...any) error {
	err := fmt.Errorf("%w: scan.%s: %s", ErrBudget, key, fmt.Sprintf(format, args...))
	if p.failed == nil {
		p.failed = err
	}
	return err
}
