package terminal

import "sync"

// Tail keeps the end of what is written to it. A nil Tail keeps nothing.
type Tail struct {
	mu   sync.Mutex
	ring []byte
	at   int
	full bool
	all  int64
}

// NewTail keeps the last n bytes.
func NewTail(n int) *Tail { return &Tail{ring: make([]byte, n)} }

// Write never fails.
func (t *Tail) Write(p []byte) (int, error) {
	if t == nil {
		return len(p), nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(p)
	t.all += int64(n)
	if len(p) >= len(t.ring) {
		t.at, t.full = 0, true
		copy(t.ring, p[len(p)-len(t.ring):])
		return n, nil
	}
	for len(p) > 0 {
		k := copy(t.ring[t.at:], p)
		if t.at += k; t.at == len(t.ring) {
			t.at, t.full = 0, true
		}
		p = p[k:]
	}
	return n, nil
}

// Total is how many bytes were written in all.
func (t *Tail) Total() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.all
}

// Bytes returns a copy of what is kept, oldest first.
func (t *Tail) Bytes() []byte {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []byte
	if t.full {
		out = append(out, t.ring[t.at:]...)
	}
	return append(out, t.ring[:t.at]...)
}
