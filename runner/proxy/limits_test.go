package proxy

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loadlock/loadlock/policy"
)

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
