package proxy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/loadlock/loadlock/policy"
)

// Times for what is short by nature: the head of a request with its ClientHello, and finding and dialling the host.
const (
	headTime    = 10 * time.Second
	connectTime = 10 * time.Second
)

// maxNames bounds how many names below wildcards one run may have resolved: each name carries some bytes out to whoever
// serves the domain's names.
const maxNames = 256

// maxDialled bounds how many addresses of one name are tried.
const maxDialled = 4

// Outside is the way to the world.
type Outside struct {
	Lookup func(ctx context.Context, name string) ([]netip.Addr, error)
	Dial   func(ctx context.Context, to netip.AddrPort) (net.Conn, error)
	Own    []netip.Addr // this machine's addresses
}

// server relays connections from inside to the permitted hosts.
type server struct {
	hosts   []policy.HostPattern
	limits  policy.NetworkLimits
	outside Outside
	tell    func(Decision)

	up, down atomic.Int64 // bytes left for the run
	slots    chan struct{}

	mu    sync.Mutex
	names map[string]bool // below wildcards, that were resolved
}

func newServer(hosts []policy.HostPattern, limits policy.NetworkLimits, outside Outside, tell func(Decision)) *server {
	s := &server{hosts: hosts, limits: limits, outside: outside, tell: tell, slots: make(chan struct{}, limits.Connections), names: map[string]bool{}}
	s.up.Store(limits.UploadMB << 20)
	s.down.Store(limits.DownloadMB << 20)
	return s
}

// serve accepts connections until ctx or the listener ends, and returns when all of them have ended. Above the limit of
// connections it does not accept; they wait in the kernel.
func (s *server) serve(ctx context.Context, l net.Listener) {
	acceptEach(ctx, l, s.slots, func(c net.Conn) { s.handle(ctx, c) })
}

// acceptEach calls handle for every connection, as many at a time as there are slots.
func acceptEach(ctx context.Context, l net.Listener, slots chan struct{}, handle func(net.Conn)) {
	defer context.AfterFunc(ctx, func() { l.Close() })()
	var all sync.WaitGroup
	defer all.Wait()
	for {
		slots <- struct{}{}
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) || ctx.Err() != nil {
			return
		}
		if err != nil { // out of descriptors for a moment
			<-slots
			time.Sleep(10 * time.Millisecond)
			continue
		}
		all.Go(func() {
			defer func() { <-slots }()
			handle(c)
		})
	}
}

// handle is one connection of the workload, from CONNECT to its end.
func (s *server) handle(ctx context.Context, conn net.Conn) {
	client, ok := conn.(stream)
	if !ok {
		conn.Close()
		return
	}
	defer client.Close()
	defer context.AfterFunc(ctx, func() { client.Close() })()
	began := time.Now()
	d := Decision{Began: began.UnixNano()}
	defer func() {
		d.Took = time.Since(began)
		s.tell(d)
	}()
	_ = client.SetDeadline(began.Add(headTime)) // of a closed connection: reading says it
	r := bufio.NewReaderSize(client, maxHead)
	t, err := readConnect(r)
	d.Host, d.Port = t.host, t.port
	var upstream stream
	if err == nil {
		upstream, err = s.connect(ctx, t, &d)
	}
	if err != nil {
		d.Verdict, d.Reason = s.turnDown(client, err)
		return
	}
	defer upstream.Close()
	hello, err := s.accept(client, r, t.host)
	if err != nil { // TLS is expected now: there is nobody to read an answer
		d.Verdict, d.Reason = verdictOf(err)
		return
	}
	_ = client.SetDeadline(time.Time{}) // as above
	d.Verdict = Allowed
	x := relay{idle: time.Duration(s.limits.IdleSec) * time.Second, life: time.Duration(s.limits.ConnectionSec) * time.Second,
		client: client, server: upstream, upLeft: &s.up, downLeft: &s.down}
	d.Reason = x.run(hello, r)
	d.Up, d.Down = x.up.Load(), x.down.Load()
}

// accept says yes and reads what the client wants to begin with.
func (s *server) accept(client stream, r *bufio.Reader, name string) ([]byte, error) {
	_ = client.SetDeadline(time.Now().Add(headTime)) // as in handle
	if _, err := io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return nil, err
	}
	return readHello(r, name)
}

// turnDown answers with a status and a text, and waits a moment for the client to read them.
func (s *server) turnDown(client stream, err error) (Verdict, string) {
	verdict, why := verdictOf(err)
	status := 502
	var r *refusal
	if errors.As(err, &r) {
		status = r.status
	}
	text := "loadlock: " + why
	_ = client.SetDeadline(time.Now().Add(time.Second)) // the client may be gone, here and below
	fmt.Fprintf(client, "HTTP/1.1 %d %s\r\nContent-Type: text/plain; charset=us-ascii\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s\n", status, text, len(text)+1, text)
	// A reset would overtake the answer when bytes of the client are left unread.
	_ = client.CloseWrite()
	_, _ = io.CopyN(io.Discard, client, 64<<10)
	return verdict, why
}

func verdictOf(err error) (Verdict, string) {
	var r *refusal
	if errors.As(err, &r) && r.status != 502 {
		return Refused, r.why
	}
	return Failed, printable(err.Error())
}

// connect finds the address of a permitted host and dials it.
func (s *server) connect(ctx context.Context, t target, d *Decision) (stream, error) {
	if err := s.permits(t); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	list, err := s.outside.Lookup(ctx, t.host)
	if err != nil {
		return nil, refuse(502, "%s does not resolve: %v", t.host, err)
	}
	for i, a := range list {
		list[i] = a.Unmap()
		if what := unfit(a, s.outside.Own); what != "" {
			d.Address = a.String()
			return nil, refuse(403, "%s resolves to %s, which is %s", t.host, a, what)
		}
	}
	err = refuse(502, "%s has no address", t.host)
	for i, a := range list[:min(len(list), maxDialled)] {
		to := netip.AddrPortFrom(a, t.port)
		d.Address = to.String()
		share, stop := context.WithTimeout(ctx, connectTime/time.Duration(min(len(list), maxDialled)-i+1))
		conn, dialErr := s.outside.Dial(share, to)
		stop()
		if dialErr != nil {
			err = refuse(502, "%s cannot be reached: %v", t.host, dialErr)
			continue
		}
		if c, ok := conn.(stream); ok {
			return c, nil
		}
		conn.Close()
	}
	return nil, err
}

// permits matches the target against the hosts of the policy, and the run's limits.
func (s *server) permits(t target) error {
	exact := slices.ContainsFunc(s.hosts, func(h policy.HostPattern) bool { return !h.Below && h.Matches(t.host, t.port) })
	if !exact && !slices.ContainsFunc(s.hosts, func(h policy.HostPattern) bool { return h.Matches(t.host, t.port) }) {
		return refuse(403, "%s:%d is not in network_hosts", t.host, t.port)
	}
	switch {
	case s.up.Load() <= 0:
		return refuse(403, "upload limit of the run")
	case s.down.Load() <= 0:
		return refuse(403, "download limit of the run")
	case exact:
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.names[t.host] && len(s.names) >= maxNames {
		return refuse(403, "more than %d names below wildcards in one run", maxNames)
	}
	s.names[t.host] = true
	return nil
}
