package proxy

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"time"
)

// maxHello bounds what is read to find the name: a ClientHello with post-quantum keys has less than 2 KiB.
const maxHello = 32 << 10

// extECH is encrypted_client_hello (RFC 9849): with it the name in the clear is not the name that counts.
const extECH = 0xfe0d

// readHello reads a ClientHello and returns all bytes that were read, when it asks for name. crypto/tls does the
// parsing: it refuses a malformed or fragmented-beyond-measure hello, a second name, a name that is an address, and
// tells us the rest before it answers. Nothing is written to the client.
func readHello(r io.Reader, name string) ([]byte, error) {
	rec := &recorder{from: io.LimitReader(r, maxHello)}
	var hello *tls.ClientHelloInfo
	err := tls.Server(rec, &tls.Config{MinVersion: tls.VersionTLS12, GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		hello = h
		return nil, errSeen
	}}).Handshake()
	switch {
	case hello == nil && rec.err != nil && !errors.Is(rec.err, io.EOF):
		return nil, rec.err
	case hello == nil:
		return nil, refuse(403, "what follows CONNECT is not TLS: %v", err)
	case slices.Contains(hello.Extensions, extECH):
		return nil, refuse(403, "the TLS server name is encrypted (ECH)")
	case hello.ServerName == "":
		return nil, refuse(403, "TLS without a server name")
	case !sameName(hello.ServerName, name):
		return nil, refuse(403, "the TLS server name is %q", hello.ServerName)
	}
	return rec.seen.Bytes(), nil
}

var errSeen = errors.New("seen")

// sameName compares without regard to the case of ASCII letters. name is lower-case ASCII.
func sameName(sni, name string) bool {
	if len(sni) != len(name) {
		return false
	}
	for i := range len(sni) {
		c := sni[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != name[i] {
			return false
		}
	}
	return true
}

// recorder is a connection that keeps what is read and drops what is written.
type recorder struct {
	from io.Reader
	seen bytes.Buffer
	err  error
}

func (r *recorder) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	r.seen.Write(p[:n])
	if err != nil {
		r.err = err
	}
	return n, err
}

func (r *recorder) Write(p []byte) (int, error)      { return len(p), nil }
func (r *recorder) Close() error                     { return nil }
func (r *recorder) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (r *recorder) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (r *recorder) SetDeadline(time.Time) error      { return nil }
func (r *recorder) SetReadDeadline(time.Time) error  { return nil }
func (r *recorder) SetWriteDeadline(time.Time) error { return nil }
