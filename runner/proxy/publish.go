package proxy

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/loadlock/loadlock/policy"
)

// publisher passes connections from a port of the host on to a server inside. They carry what the host's own clients
// send and get, so that the bytes of a run do not bound them.
type publisher struct {
	port   uint16 // inside
	dial   func(ctx context.Context, port uint16) (net.Conn, error)
	limits policy.NetworkLimits
	tell   func(Decision)
}

func (p *publisher) serve(ctx context.Context, l net.Listener) {
	acceptEach(ctx, l, make(chan struct{}, p.limits.Connections), func(c net.Conn) { p.handle(ctx, c, l.Addr().String()) })
}

func (p *publisher) handle(ctx context.Context, conn net.Conn, at string) {
	began := time.Now()
	d := Decision{Began: began.UnixNano(), Host: "inside", Port: p.port, Address: at, Verdict: Published}
	defer func() {
		d.Took = time.Since(began)
		p.tell(d)
	}()
	defer conn.Close()
	client, ok := conn.(stream)
	if !ok {
		return
	}
	inside, err := p.dial(ctx, p.port)
	if err != nil {
		d.Verdict, d.Reason = Failed, printable(fmt.Sprint(err))
		return
	}
	defer inside.Close()
	server, ok := inside.(stream)
	if !ok {
		return
	}
	defer context.AfterFunc(ctx, func() { client.Close(); server.Close() })()
	x := relay{idle: time.Duration(p.limits.IdleSec) * time.Second, life: time.Duration(p.limits.ConnectionSec) * time.Second, client: client, server: server}
	d.Reason = x.run(nil, client)
	d.Up, d.Down = x.down.Load(), x.up.Load() // up is out of the box, here as elsewhere
}
