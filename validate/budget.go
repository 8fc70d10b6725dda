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

func (p *Pass) exhausted(key, format string, args ...any) error {
	err := fmt.Errorf("%w: scan.%s: %s", ErrBudget, key, fmt.Sprintf(format, args...))
	if p.failed == nil {
		p.failed = err
	}
	return err
}
