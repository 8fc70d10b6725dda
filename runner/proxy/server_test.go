package proxy

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/loadlock/loadlock/policy"
)

// names is what the resolver of the tests knows. The second answer about a name may differ.
var names = map[string][][]netip.Addr{
	"good.example":          {addrs("8.8.8.8")},
	"x.wild.example":        {addrs("2606:4700::1111")},
	"rebind.example":        {addrs("8.8.8.8"), addrs("127.0.0.1")},
	"private.example":       {addrs("10.0.0.1")},
	"local.example":         {addrs("127.0.0.1")},
	"metadata.example":      {addrs("169.254.169.254")},
	"mapped.example":        {addrs("::ffff:127.0.0.1")},
	"unspecified.example":   {addrs("0.0.0.0")},
	"cgnat.example":         {addrs("100.64.0.1")},
	"mixed.example":         {addrs("8.8.8.8", "192.168.0.1")},
	"own.example":           {addrs("9.9.9.9")},
	"fourth.example":        {addrs("8.8.8.1", "8.8.8.2", "8.8.8.3", "8.8.8.8")},
	"unreachable.example":   {addrs("8.8.8.1")},
	"without.example":       {nil},
	"sinkhole.example":      {addrs("fd00:ec2::254")},
	"translated.example":    {addrs("64:ff9b::a9fe:a9fe")},
	"mapped-public.example": {addrs("::ffff:8.8.8.8")},
}

func addrs(list ...string) (out []netip.Addr) {
	for _, s := range list {
		out = append(out, netip.MustParseAddr(s))
	}
	return out
}

// world is an outside in which public addresses lead to the loopback port of the same number.
type world struct {
	mu     sync.Mutex
	asked  map[string]int
	dialed []string
}

func (w *world) outside() Outside {
	return Outside{Own: addrs("9.9.9.9"), Lookup: w.lookup, Dial: w.dial}
}

func (w *world) lookup(_ context.Context, name string) ([]netip.Addr, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	answers, ok := names[name]
	if strings.HasSuffix(name, ".wild.example") {
		answers, ok = names["x.wild.example"], true
	}
	if !ok {
		return nil, fmt.Errorf("no such host")
	}
	if w.asked == nil {
		w.asked = map[string]int{}
	}
	n := w.asked[name]
	w.asked[name]++
	return slices.Clone(answers[min(n, len(answers)-1)]), nil
}

func (w *world) dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	w.mu.Lock()
	w.dialed = append(w.dialed, to.String())
	w.mu.Unlock()
	if a := to.Addr(); a != netip.MustParseAddr("8.8.8.8") && a != netip.MustParseAddr("2606:4700::1111") {
		return nil, fmt.Errorf("connection refused")
	}
	var d net.Dialer
	return d.DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", to.Port()))
}

// site is a TLS server that stands for the hosts of the tests.
type site struct {
	port  uint16
	roots *x509.CertPool
	ca    []byte // DER
	bytes atomic.Int64
	conns atomic.Int64
}

// newSite starts a TLS server. handle has each connection after its handshake.
func newSite(t testing.TB, handle func(*tls.Conn)) *site {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: slices.Collect(maps.Keys(names)),
		IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{roots: x509.NewCertPool(), ca: der}
	s.roots.AddCert(cert)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	s.port = uint16(l.Addr().(*net.TCPAddr).Port)
	config := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.conns.Add(1)
			go func() {
				defer c.Close()
				conn := tls.Server(&counted{c, &s.bytes}, config)
				if conn.Handshake() == nil {
					handle(conn)
				}
			}()
		}
	}()
	return s
}

type counted struct {
	net.Conn
	n *atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.n.Add(int64(n))
	return n, err
}

func (c *counted) CloseWrite() error { return c.Conn.(*net.TCPConn).CloseWrite() }

func echo(c *tls.Conn) { _, _ = io.Copy(c, c); _ = c.CloseWrite() }

// gate is a proxy under test.
type gate struct {
	t       testing.TB
	address string
	world   *world
	decided chan Decision
}

var roomy = policy.NetworkLimits{UploadMB: 64, DownloadMB: 64, Connections: 256, IdleSec: 30, ConnectionSec: 60}

func newGate(t testing.TB, limits policy.NetworkLimits, hosts ...string) *gate {
	t.Helper()
	g := &gate{t: t, world: &world{}, decided: make(chan Decision, 10_000)}
	var patterns []policy.HostPattern
	for _, h := range hosts {
		p, err := policy.ParseHost(h)
		if err != nil {
			t.Fatal(err)
		}
		patterns = append(patterns, p)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g.address = l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan bool)
	go func() {
		newServer(patterns, limits, g.world.outside(), func(d Decision) { g.decided <- d }).serve(ctx, l)
		close(done)
	}()
	t.Cleanup(func() {
		cancel()
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			t.Error("the proxy does not end")
		}
	})
	return g
}

func (g *gate) dial() *net.TCPConn {
	g.t.Helper()
	c, err := net.Dial("tcp", g.address)
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	return c.(*net.TCPConn)
}

// connect sends CONNECT and returns the status line.
func (g *gate) connect(to string, port uint16) (*net.TCPConn, string) {
	g.t.Helper()
	c := g.dial()
	fmt.Fprintf(c, "CONNECT %s:%d HTTP/1.1\r\nHost: %[1]s\r\n\r\n", to, port)
	return c, status(g.t, c)
}

// status reads a status line and, of a 200, the rest of the head.
func status(t testing.TB, c net.Conn) string {
	t.Helper()
	var line []byte
	for b := make([]byte, 1); !bytes.HasSuffix(line, []byte("\r\n\r\n")); {
		if _, err := c.Read(b); err != nil {
			break
		}
		line = append(line, b[0])
	}
	first, _, _ := strings.Cut(string(line), "\r\n")
	return strings.TrimPrefix(first, "HTTP/1.1 ")
}

func (g *gate) decision() Decision {
	g.t.Helper()
	select {
	case d := <-g.decided:
		return d
	case <-time.After(30 * time.Second):
		g.t.Fatal("no decision")
		return Decision{}
	}
}

// talk says hello over TLS and expects it back.
func talk(c net.Conn, s *site, name string, n int) error {
	t := tls.Client(c, &tls.Config{ServerName: name, RootCAs: s.roots})
	want := bytes.Repeat([]byte("x"), n)
	go func() {
		_, _ = t.Write(want) // the read says it
		_ = t.CloseWrite()
	}()
	got, err := io.ReadAll(t)
	if err == nil && !bytes.Equal(got, want) {
		err = fmt.Errorf("%d bytes came back of %d", len(got), n)
	}
	return err
}

func TestAPermittedHostIsReached(t *testing.T) {
	s := newSite(t, echo)
	g := newGate(t, roomy, fmt.Sprintf("good.example:%d", s.port), fmt.Sprintf("*.wild.example:%d", s.port), fmt.Sprintf("mapped-public.example:%d", s.port))
	for name, address := range map[string]string{"good.example": "8.8.8.8", "x.wild.example": "[2606:4700::1111]", "a.b.wild.example": "[2606:4700::1111]", "mapped-public.example": "8.8.8.8"} {
		c, line := g.connect(name, s.port)
		if line != "200 Connection established" {
			t.Fatalf("%s: %s", name, line)
		}
		if name != "a.b.wild.example" { // whose certificate is another matter
			if err := talk(c, s, name, 300_000); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		} else {
			c.Close()
			g.decision()
			continue
		}
		c.Close()
		if d := g.decision(); d.Verdict != Allowed || d.Host != name || d.Port != s.port || d.Address != fmt.Sprintf("%s:%d", address, s.port) || d.Up < 300_000 || d.Down < 300_000 || d.Took <= 0 || d.Reason != "" {
			t.Errorf("%+v", d)
		}
	}
}

func TestWhatIsNotPermittedIsRefusedBeforeAnythingIsAsked(t *testing.T) {
	s := newSite(t, echo)
	g := newGate(t, roomy, fmt.Sprintf("good.example:%d", s.port), fmt.Sprintf("*.wild.example:%d", s.port))
	for _, name := range []string{"evil.example", "wild.example", "x.good.example", "good.example.evil.example", "notgood.example", "8.8.8.8", "134744072", "0x8.8.8.8", "[::1]", "[::ffff:8.8.8.8]", "good.example@evil.example"} {
		c, line := g.connect(name, s.port)
		if !strings.HasPrefix(line, "403 loadlock: ") {
			t.Errorf("%s: %q", name, line)
		}
		c.Close()
		if d := g.decision(); d.Verdict != Refused || d.Reason == "" || d.Address != "" {
			t.Errorf("%s: %+v", name, d)
		}
	}
	if _, line := g.connect("good.example", s.port+1); !strings.HasPrefix(line, "403 ") {
		t.Errorf("another port: %q", line)
	}
	if len(g.world.asked) > 0 || len(g.world.dialed) > 0 || s.conns.Load() > 0 {
		t.Errorf("asked %v, dialled %v", g.world.asked, g.world.dialed)
	}
}

func TestAddressesAreCheckedAfterResolution(t *testing.T) {
	s := newSite(t, echo)
	for _, tt := range []struct{ name, want string }{
		{"private", "private"}, {"local", "loopback"}, {"metadata", "metadata"}, {"mapped", "loopback"}, {"unspecified", "unspecified"}, {"cgnat", "CGNAT"},
		{"mixed", "192.168.0.1, which is private"}, {"own", "this machine's"}, {"sinkhole", "not a public address"}, {"translated", "metadata"},
	} {
		g := newGate(t, roomy, fmt.Sprintf("%s.example:%d", tt.name, s.port))
		c, line := g.connect(tt.name+".example", s.port)
		c.Close()
		if d := g.decision(); !strings.HasPrefix(line, "403 ") || d.Verdict != Refused || !strings.Contains(d.Reason, tt.want) || d.Address == "" {
			t.Errorf("%s: %s, %+v", tt.name, line, d)
		}
		if len(g.world.dialed) > 0 {
			t.Errorf("%s: dialled %v", tt.name, g.world.dialed)
		}
	}
	if s.conns.Load() > 0 {
		t.Error("the canary was touched")
	}
}

// The resolver answers with a public address first and a private one later: the first is what is dialled, and the
// second answer belongs to a second connection, which is refused.
func TestANameThatChangesItsAddressGainsNothing(t *testing.T) {
	s := newSite(t, echo)
	g := newGate(t, roomy, fmt.Sprintf("rebind.example:%d", s.port))
	c, line := g.connect("rebind.example", s.port)
	if err := talk(c, s, "rebind.example", 10); err != nil || !strings.HasPrefix(line, "200") {
		t.Fatal(line, err)
	}
	if g.world.asked["rebind.example"] != 1 || fmt.Sprint(g.world.dialed) != fmt.Sprintf("[8.8.8.8:%d]", s.port) {
		t.Errorf("asked %v, dialled %v", g.world.asked, g.world.dialed)
	}
	if _, line := g.connect("rebind.example", s.port); !strings.HasPrefix(line, "403 ") {
		t.Errorf("the second time: %q", line)
	}
}

func TestAHostThatCannotBeReachedIsAFailure(t *testing.T) {
	s := newSite(t, echo)
	g := newGate(t, roomy, fmt.Sprintf("fourth.example:%d", s.port), fmt.Sprintf("unreachable.example:%d", s.port), fmt.Sprintf("without.example:%d", s.port), fmt.Sprintf("absent.example:%d", s.port))
	c, line := g.connect("fourth.example", s.port)
	if err := talk(c, s, "fourth.example", 10); err != nil {
		t.Errorf("the fourth address: %s, %v", line, err)
	}
	c.Close()
	g.decision()
	for _, name := range []string{"unreachable", "without", "absent"} {
		_, line := g.connect(name+".example", s.port)
		if d := g.decision(); !strings.HasPrefix(line, "502 loadlock: "+name+".example") || d.Verdict != Failed {
			t.Errorf("%s: %s %+v", name, line, d)
		}
	}
}

// Nothing is passed on before the ClientHello is the right one.
func TestNothingReachesAHostWithoutItsName(t *testing.T) {
	s := newSite(t, echo)
	for what, send := range map[string]func(*net.TCPConn){
		"another name": func(c *net.TCPConn) { _ = tls.Client(c, &tls.Config{ServerName: "evil.example"}).Handshake() },
		"no name":      func(c *net.TCPConn) { _ = tls.Client(c, &tls.Config{InsecureSkipVerify: true}).Handshake() },
		"plain HTTP":   func(c *net.TCPConn) { fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: good.example\r\n\r\n") },
		"a request before the hello": func(c *net.TCPConn) {
			c.Write(append([]byte("POST / HTTP/1.1\r\n\r\n"), helloOf(t, &tls.Config{ServerName: "good.example"})...))
		},
		"another CONNECT": func(c *net.TCPConn) { fmt.Fprintf(c, "CONNECT good.example:%d HTTP/1.1\r\n\r\n", s.port) },
		"a hello that ends early": func(c *net.TCPConn) {
			c.Write(helloOf(t, &tls.Config{ServerName: "good.example"})[:100])
			_ = c.CloseWrite()
		},
		"nothing": func(c *net.TCPConn) { _ = c.CloseWrite() },
	} {
		g := newGate(t, roomy, fmt.Sprintf("good.example:%d", s.port))
		c, line := g.connect("good.example", s.port)
		if !strings.HasPrefix(line, "200") {
			t.Fatal(line)
		}
		send(c)
		if rest, err := io.ReadAll(c); len(rest) > 0 {
			t.Errorf("%s: answered %q, %v", what, rest, err)
		}
		if d := g.decision(); d.Verdict != Refused || d.Up+d.Down > 0 || d.Address == "" {
			t.Errorf("%s: %+v", what, d)
		}
	}
	if n := s.bytes.Load(); n > 0 {
		t.Errorf("%d bytes reached the host", n)
	}
}

// Some clients send the hello without waiting for the answer to CONNECT.
func TestAHelloThatComesWithCONNECTIsPassedOnWhole(t *testing.T) {
	s := newSite(t, echo)
	g := newGate(t, roomy, fmt.Sprintf("good.example:%d", s.port))
	c := g.dial()
	early := &eager{TCPConn: c, head: fmt.Appendf(nil, "CONNECT good.example:%d HTTP/1.1\r\n\r\n", s.port), t: t}
	if err := talk(early, s, "good.example", 100_000); err != nil {
		t.Error(err)
	}
}

type eager struct {
	*net.TCPConn
	t        testing.TB
	head     []byte
	answered bool
}

func (e *eager) Write(p []byte) (int, error) {
	if e.head != nil {
		_, err := e.TCPConn.Write(append(e.head, p...))
		e.head = nil
		return len(p), err
	}
	return e.TCPConn.Write(p)
}

func (e *eager) Read(p []byte) (int, error) {
	if !e.answered {
		e.answered = true
		if line := status(e.t, e.TCPConn); !strings.HasPrefix(line, "200") {
			return 0, fmt.Errorf("%s", line)
		}
	}
	return e.TCPConn.Read(p)
}

func TestBytesAndTimeAreLimited(t *testing.T) {
	flood := newSite(t, func(c *tls.Conn) {
		for b := make([]byte, 64<<10); ; {
			if _, err := c.Write(b); err != nil {
				return
			}
		}
	})
	silent := newSite(t, func(c *tls.Conn) { _, _ = io.Copy(io.Discard, c) })
	limits := func(change func(*policy.NetworkLimits)) policy.NetworkLimits {
		l := roomy
		change(&l)
		return l
	}
	for _, tt := range []struct {
		name   string
		site   *site
		limits policy.NetworkLimits
		use    func(net.Conn, *tls.Conn)
		reason string
	}{
		{"download", flood, limits(func(l *policy.NetworkLimits) { l.DownloadMB = 1 }), func(_ net.Conn, c *tls.Conn) { _, _ = io.Copy(io.Discard, c) }, "download limit"},
		{"upload", silent, limits(func(l *policy.NetworkLimits) { l.UploadMB = 1 }), func(_ net.Conn, c *tls.Conn) { _, _ = io.Copy(c, zeros{}) }, "upload limit"},
		{"idle", silent, limits(func(l *policy.NetworkLimits) { l.IdleSec = 1 }), func(c net.Conn, _ *tls.Conn) { _, _ = io.Copy(io.Discard, c) }, "idle"},
		{"a client that does not read", flood, limits(func(l *policy.NetworkLimits) { l.IdleSec = 1 }), func(net.Conn, *tls.Conn) {}, "idle"},
		{"life", flood, limits(func(l *policy.NetworkLimits) { l.ConnectionSec, l.DownloadMB = 1, 1<<20 }), func(_ net.Conn, c *tls.Conn) { _, _ = io.Copy(io.Discard, c) }, "time limit of a connection"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := newGate(t, tt.limits, fmt.Sprintf("good.example:%d", tt.site.port))
			raw, _ := g.connect("good.example", tt.site.port)
			c := tls.Client(raw, &tls.Config{ServerName: "good.example", RootCAs: tt.site.roots})
			if err := c.Handshake(); err != nil {
				t.Fatal(err)
			}
			tt.use(raw, c)
			d := g.decision()
			if d.Verdict != Allowed || d.Reason != tt.reason || d.Up > 1<<20 || tt.name == "download" && d.Down > 1<<20 {
				t.Errorf("%+v", d)
			}
			if strings.HasSuffix(tt.reason, "load limit") { // of the run: no more connections
				if _, line := g.connect("good.example", tt.site.port); !strings.HasPrefix(line, "403 loadlock: "+tt.reason) {
					t.Errorf("afterwards: %q", line)
				}
			}
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// A direction that has ended does not end the other.
func TestAHalfClosedConnectionGoesOn(t *testing.T) {
	done := make(chan bool)
	s := newSite(t, func(c *tls.Conn) {
		_, _ = io.ReadAll(c) // until the client's end
		fmt.Fprint(c, strings.Repeat("answer", 1000))
		_ = c.CloseWrite()
		close(done)
	})
	g := newGate(t, roomy, fmt.Sprintf("good.example:%d", s.port))
	raw, _ := g.connect("good.example", s.port)
	c := tls.Client(raw, &tls.Config{ServerName: "good.example", RootCAs: s.roots})
	fmt.Fprint(c, "question")
	_ = c.CloseWrite()
	if err := raw.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(c); err != nil || len(got) != 6000 {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	<-done
}

func TestSlowAndIdleClientsDoNotStayForEver(t *testing.T) {
	if testing.Short() {
		t.Skip("takes as long as the time for a head")
	}
	t.Parallel()
	g := newGate(t, roomy, "good.example")
	began := time.Now()
	c := g.dial()
	go func() {
		for { // a byte now and then is no way to stay
			if _, err := c.Write([]byte("C")); err != nil {
				return
			}
			time.Sleep(200 * time.Millisecond)
		}
	}()
	if d := g.decision(); d.Verdict != Failed || time.Since(began) < headTime/2 {
		t.Errorf("%+v after %v", d, time.Since(began))
	}
}

func TestManyConnectionsAtTheSameTime(t *testing.T) {
	s := newSite(t, echo)
	limits := roomy
	limits.Connections = 32 // more wait
	g := newGate(t, limits, fmt.Sprintf("good.example:%d", s.port))
	var all sync.WaitGroup
	errs := make(chan error, 200)
	for range 200 {
		all.Go(func() {
			c, err := net.Dial("tcp", g.address)
			if err != nil {
				errs <- err
				return
			}
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(time.Minute))
			fmt.Fprintf(c, "CONNECT good.example:%d HTTP/1.1\r\n\r\n", s.port)
			if line := status(t, c); !strings.HasPrefix(line, "200") {
				errs <- fmt.Errorf("%q", line)
				return
			}
			errs <- talk(c, s, "good.example", 10_000)
		})
	}
	all.Wait()
	for range 200 {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
		if d := g.decision(); d.Verdict != Allowed {
			t.Fatalf("%+v", d)
		}
	}
}

func TestNamesBelowWildcardsAreCounted(t *testing.T) {
	s := newSite(t, echo)
	g := newGate(t, roomy, fmt.Sprintf("*.wild.example:%d", s.port))
	var line string
	for i := range maxNames + 1 {
		var c *net.TCPConn
		c, line = g.connect(fmt.Sprintf("n%d.wild.example", i), s.port)
		c.Close()
		if i < maxNames && !strings.HasPrefix(line, "200") {
			t.Fatalf("name %d: %q", i, line)
		}
	}
	if !strings.HasPrefix(line, "403 ") || len(g.world.asked) != maxNames {
		t.Errorf("%q after %d names", line, len(g.world.asked))
	}
	if _, line := g.connect("n1.wild.example", s.port); !strings.HasPrefix(line, "200") {
		t.Errorf("a name that was asked before: %q", line)
	}
}

func TestAnswersAreReadWholeByTheClient(t *testing.T) {
	g := newGate(t, roomy, "good.example")
	c := g.dial()
	fmt.Fprintf(c, "GET http://good.example/ HTTP/1.1\r\nHost: good.example\r\n\r\n%s", strings.Repeat("x", 20_000)) // left unread
	raw, err := io.ReadAll(bufio.NewReader(c))
	if err != nil || !bytes.Contains(raw, []byte("\r\nContent-Type: text/plain")) || !bytes.HasSuffix(raw, []byte("use https\n")) {
		t.Errorf("%v, %q", err, raw)
	}
}
