package proxy

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// stream is what is relayed between: TCP connections, which can be closed in one direction.
type stream interface {
	net.Conn
	CloseWrite() error
}

// relay moves bytes between two streams until both directions have ended, or a limit is met.
type relay struct {
	idle time.Duration // both directions silent
	life time.Duration

	up, down         atomic.Int64  // bytes that were passed on
	upLeft, downLeft *atomic.Int64 // bytes that may still be passed on by the whole run; nil: any number
	last             atomic.Int64  // when a byte was moved, Unix nanoseconds
	once             sync.Once
	why              string // the limit that ended it, or ""
	client, server   stream
}

// run relays. first are bytes of the client that were read already; rest is where its further bytes are read.
func (r *relay) run(first []byte, rest io.Reader) (why string) {
	r.last.Store(time.Now().UnixNano())
	timer := time.AfterFunc(r.life, func() { r.end("time limit of a connection") })
	defer timer.Stop()
	var both sync.WaitGroup
	both.Go(func() {
		if len(first) > 0 && !r.pass(r.server, first, &r.up, r.upLeft, "upload limit") {
			return
		}
		r.copy(r.server, r.client, rest, &r.up, r.upLeft, "upload limit")
	})
	both.Go(func() { r.copy(r.client, r.server, r.server, &r.down, r.downLeft, "download limit") })
	both.Wait()
	r.end("")
	return r.why
}

// end closes both streams; the first reason counts.
func (r *relay) end(why string) {
	r.once.Do(func() {
		r.why = why
		r.client.Close()
		r.server.Close()
	})
}

// copy moves one direction. Its end is passed on, so that the other direction may go on.
func (r *relay) copy(to, conn stream, from io.Reader, n, left *atomic.Int64, limit string) {
	buf := make([]byte, 32<<10)
	for {
		_ = conn.SetReadDeadline(time.Now().Add(r.idle)) // of a closed connection: the read says it
		k, err := from.Read(buf)
		if k > 0 && !r.pass(to, buf[:k], n, left, limit) {
			return
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			_ = to.CloseWrite() // the peer may be gone
			return
		case errors.Is(err, os.ErrDeadlineExceeded):
			if time.Since(time.Unix(0, r.last.Load())) >= r.idle {
				r.end("idle")
				return
			}
		default:
			r.end("connection broken")
			return
		}
	}
}

func (r *relay) pass(to stream, b []byte, n, left *atomic.Int64, limit string) bool {
	if left != nil && left.Add(-int64(len(b))) < 0 {
		r.end(limit)
		return false
	}
	_ = to.SetWriteDeadline(time.Now().Add(r.idle)) // of a closed connection: the write says it
	k, err := to.Write(b)
	n.Add(int64(k))
	r.last.Store(time.Now().UnixNano())
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		r.end("idle")
	case err != nil:
		r.end("connection broken")
	}
	return err == nil
}
