package validate

import (
	"sync"
	"testing"
	"time"

	"github.com/loadlock/loadlock/policy"
)

// However many files are scanned at once, no more than one large file and a fixed sum of small ones are.
func TestWhatIsScannedAtOnceHasABoundOfItsOwn(t *testing.T) {
	for name, sizes := range map[string][]int64{
		"large":          {light + 1, 10 * light, 1 << 40, light + 1, light + 1},
		"small":          {light, light, light / 2, light / 2, light / 2, 0, 0, 1},
		"many and empty": make([]int64, 200),
		"mixed":          {light + 1, 5, light, light + 1, 100, light / 3, light / 3, light / 3, light / 3},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRun(t.Context(), nil, policy.ScanLimits{})
			var mu sync.Mutex
			var small, large int64
			change := func(size, by int64) {
				mu.Lock()
				defer mu.Unlock()
				if size > light {
					large += by
				} else {
					small += by * max(size, lightest)
				}
				if large > 1 || small > light {
					t.Errorf("%d large files and %d bytes of small ones at once", large, small)
				}
			}
			var wg sync.WaitGroup
			for _, size := range sizes {
				wg.Go(func() {
					f := &top{}
					r.room.enter(f, size)
					change(size, 1)
					time.Sleep(100 * time.Microsecond)
					change(size, -1)
					r.room.leave(f)
				})
			}
			wg.Wait()
			if r.room.used != 0 || !r.room.heavy.TryLock() {
				t.Errorf("%d bytes are left, or the lock is held", r.room.used)
			}
		})
	}
}
