package proxy

import (
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
