package proxy

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"testing"
)

// Each benchmark runs over loopback directly and through the proxy; the ratio is what the proxy costs.
func both(b *testing.B, handle func(*tls.Conn), run func(b *testing.B, dial func() net.Conn, s *site)) {
	s := newSite(b, handle)
	b.Run("direct", func(b *testing.B) {
		run(b, func() net.Conn {
			c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.port))
			if err != nil {
				b.Fatal(err)
			}
			return c
		}, s)
	})
	b.Run("proxy", func(b *testing.B) {
		limits := roomy
		limits.UploadMB, limits.DownloadMB = 1<<30, 1<<30
		g := newGate(b, limits, fmt.Sprintf("good.example:%d", s.port))
		go func() {
			for range g.decided {
			}
		}()
		run(b, func() net.Conn {
			c, err := net.Dial("tcp", g.address)
			if err != nil {
				b.Fatal(err)
			}
			fmt.Fprintf(c, "CONNECT good.example:%d HTTP/1.1\r\n\r\n", s.port)
			status(b, c)
			return c
		}, s)
	})
}

// BenchmarkConnect is a new TLS connection with one byte there and back.
func BenchmarkConnect(b *testing.B) {
	both(b, echo, func(b *testing.B, dial func() net.Conn, s *site) {
		for b.Loop() {
			c := dial()
			t := tls.Client(c, &tls.Config{ServerName: "good.example", RootCAs: s.roots})
			exchange(b, t, make([]byte, 1))
			c.Close()
		}
	})
}

// BenchmarkRoundTrip is one byte there and back on an open connection.
func BenchmarkRoundTrip(b *testing.B) {
	both(b, echo, func(b *testing.B, dial func() net.Conn, s *site) {
		c := dial()
		defer c.Close()
		t := tls.Client(c, &tls.Config{ServerName: "good.example", RootCAs: s.roots})
		one := make([]byte, 1)
		exchange(b, t, one)
		for b.Loop() {
			exchange(b, t, one)
		}
	})
}

// BenchmarkDownload is a download of 16 MiB.
func BenchmarkDownload(b *testing.B) {
	const n = 16 << 20
	data := make([]byte, n)
	both(b, func(c *tls.Conn) {
		for one := make([]byte, 1); ; {
			if _, err := c.Read(one); err != nil {
				return
			}
			if _, err := c.Write(data); err != nil {
				return
			}
		}
	}, func(b *testing.B, dial func() net.Conn, s *site) {
		b.SetBytes(n)
		c := dial()
		defer c.Close()
		t := tls.Client(c, &tls.Config{ServerName: "good.example", RootCAs: s.roots})
		for b.Loop() {
			if _, err := t.Write(make([]byte, 1)); err != nil {
				b.Fatal(err)
			}
			if _, err := io.CopyN(io.Discard, t, n); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func exchange(b *testing.B, t *tls.Conn, one []byte) {
	if _, err := t.Write(one); err != nil {
		b.Fatal(err)
	}
	if _, err := io.ReadFull(t, one); err != nil {
		b.Fatal(err)
	}
}
