package proxy

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
)

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
