package validate

import "sync"

// Memory of files that are scanned at the same time.
//
// What a scanner remembers of a file grows with the file: a pickle of one-byte opcodes becomes a hundred bytes of values
// for each. So that the memory of a scan does not grow with the number of processors, a file above light, or one that
// turns out to need that much, is scanned while no other such file is; smaller files are scanned beside it as long as
// they are no more than light together.
const light = 128 << 10

// lightest is what the smallest file counts: windows and tables that every scan has.
const lightest = 4 << 10

// room is what the files of one scan share.
type room struct {
	heavy sync.Mutex // held by the one file that needs much memory

	mu    sync.Mutex
	freed sync.Cond
	used  int64 // by light files
}

// enter waits until there is room for a file.
func (r *room) enter(t *top, size int64) {
	if size > light {
		r.heavy.Lock()
		t.heavy = true
		return
	}
	t.light = max(size, lightest)
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.used+t.light > light && r.used > 0 {
		r.freed.Wait()
	}
	r.used += t.light
}

func (r *room) leave(t *top) {
	if t.heavy {
		r.heavy.Unlock()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.used -= t.light
	r.freed.Broadcast()
}

// heavy waits until no other file of the model holds much memory, and then holds the right to until its scan ends.
func (p *Pass) heavy(n int64) {
	if n > light && p.top != nil && !p.top.heavy {
		p.run.room.heavy.Lock()
		p.top.heavy = true
	}
}
