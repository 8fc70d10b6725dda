package proxy

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// helloOf is the ClientHello that Go's own client sends.
func helloOf(t testing.TB, config *tls.Config) []byte {
	t.Helper()
	client, server := net.Pipe()
	defer client.Close()
	defer server.Close()
	go func() { _ = tls.Client(client, config).Handshake() }() // never answered
	head := make([]byte, 5)
	if _, err := io.ReadFull(server, head); err != nil {
		t.Fatal(err)
	}
	body := make([]byte, binary.BigEndian.Uint16(head[3:]))
	if _, err := io.ReadFull(server, body); err != nil {
		t.Fatal(err)
	}
	return append(head, body...)
}

// inRecords cuts the message of one TLS record into records of n bytes.
func inRecords(hello []byte, n int) (out []byte) {
	for body := hello[5:]; len(body) > 0; {
		k := min(n, len(body))
		out = append(out, hello[0], hello[1], hello[2], byte(k>>8), byte(k))
		out, body = append(out, body[:k]...), body[k:]
	}
	return out
}

// echConfigs is a list with one configuration for the public name (RFC 9849, 4).
func echConfigs(t testing.TB, public string) []byte {
	t.Helper()
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var c []byte
	c = append(c, 7, 0, 0x20, 0, 32)                    // id, X25519
	c = append(c, key.PublicKey().Bytes()...)           //
	c = append(c, 0, 4, 0, 1, 0, 1, 64)                 // HKDF-SHA256, AES-128-GCM, padding
	c = append(append(c, byte(len(public))), public...) //
	c = append(c, 0, 0)                                 // no extensions
	c = append([]byte{0xfe, 0x0d, byte(len(c) >> 8), byte(len(c))}, c...)
	return append([]byte{byte(len(c) >> 8), byte(len(c))}, c...)
}

func TestTheServerNameMustBeTheNameOfCONNECT(t *testing.T) {
	good := helloOf(t, &tls.Config{ServerName: "a.example"})
	for _, tt := range []struct {
		name  string
		hello []byte
		want  string // of the refusal; empty: accepted
	}{
		{"the name", good, ""},
		{"TLS 1.2", helloOf(t, &tls.Config{ServerName: "a.example", MaxVersion: tls.VersionTLS12}), ""},
		{"in upper case", helloOf(t, &tls.Config{ServerName: "A.EXAMPLE"}), ""},
		{"in many records", inRecords(good, 7), ""},
		{"in records of one byte", inRecords(good, 1), ""},
		{"with data that follows", append(bytes.Clone(good), 1, 2, 3), ""},
		{"another name", helloOf(t, &tls.Config{ServerName: "b.example"}), `server name is "b.example"`},
		{"a name below", helloOf(t, &tls.Config{ServerName: "x.a.example"}), "server name is"},
		{"a prefix", helloOf(t, &tls.Config{ServerName: "a.exampl"}), "server name is"},
		{"no name", helloOf(t, &tls.Config{InsecureSkipVerify: true}), "without a server name"},
		{"an address as name", helloOf(t, &tls.Config{ServerName: "127.0.0.1"}), "without a server name"},
		{"an encrypted name under the right one", helloOf(t, &tls.Config{ServerName: "evil.example", EncryptedClientHelloConfigList: echConfigs(t, "a.example"), MinVersion: tls.VersionTLS13}), "ECH"},
		{"a request before it", append([]byte("GET / HTTP/1.1\r\n\r\n"), good...), "not TLS"},
		{"ssh", []byte("SSH-2.0-x\r\n"), "not TLS"},
		{"SSLv2", []byte{0x80, 0x2e, 1, 3, 1, 0, 0, 0, 0, 0, 0}, "not TLS"},
		{"an alert before it", append([]byte{21, 3, 1, 0, 2, 1, 0}, good...), "not TLS"},
		{"another message", []byte{22, 3, 1, 0, 4, 2, 0, 0, 0}, "not TLS"},
		{"cut off", good[:len(good)-1], "not TLS"},
		{"nothing", nil, "not TLS"},
		{"a name twice", twice(good), "not TLS"},
		{"an endless hello", endless(), "not TLS"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			seen, err := readHello(bytes.NewReader(tt.hello), "a.example")
			var r *refusal
			if tt.want == "" {
				if err != nil || !bytes.HasPrefix(tt.hello, seen) || len(seen) < len(tt.hello)-3 {
					t.Errorf("%v; %d of %d bytes are passed on", err, len(seen), len(tt.hello))
				}
			} else if !errors.As(err, &r) || !strings.Contains(r.why, tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

// twice has two names in the server_name extension.
func twice(hello []byte) []byte {
	entry := append([]byte{0, 0, 9}, "a.example"...)
	at := bytes.Index(hello, entry)
	out := bytes.Clone(hello[:at])
	out = append(append(out, entry...), hello[at:]...)
	grow := func(i, size int) { // a length of size bytes
		v := 0
		for _, b := range out[i : i+size] {
			v = v<<8 | int(b)
		}
		v += len(entry)
		for k := i + size - 1; k >= i; k-- {
			out[k], v = byte(v), v>>8
		}
	}
	grow(3, 2)    // record
	grow(6, 3)    // message
	grow(at-4, 2) // extension
	grow(at-2, 2) // list
	session := int(out[43])
	suites := 44 + session
	compression := suites + 2 + int(binary.BigEndian.Uint16(out[suites:]))
	grow(compression+1+int(out[compression]), 2) // extensions
	return out
}

// endless says that it has 64 KiB, in full records.
func endless() []byte {
	out := append([]byte{22, 3, 1, 0x40, 0, 1, 0, 0xff, 0xf0}, make([]byte, 0x4000-4)...)
	for range 8 {
		out = append(append(out, 22, 3, 1, 0x40, 0), make([]byte, 0x4000)...)
	}
	return out
}

func TestReadingAHelloEndsWithTheTimeOfItsConnection(t *testing.T) {
	client, server := net.Pipe()
	defer client.Close()
	go func() { _, _ = client.Write([]byte{22, 3, 1}) }()
	_ = server.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	var r *refusal
	if _, err := readHello(server, "a.example"); err == nil || errors.As(err, &r) {
		t.Errorf("got %v", err)
	}
}

func FuzzReadHello(f *testing.F) {
	good := helloOf(f, &tls.Config{ServerName: "a.example"})
	f.Add(good)
	f.Add(inRecords(good, 100))
	f.Add(helloOf(f, &tls.Config{ServerName: "b.example"}))
	f.Fuzz(func(t *testing.T, data []byte) {
		seen, err := readHello(bytes.NewReader(data), "a.example")
		if err == nil && (!bytes.HasPrefix(data, seen) || !bytes.Contains(bytes.ToLower(seen), []byte("a.example")) && len(inRecords(seen, 1)) == 0) {
			t.Fatalf("passes on %q of %q", seen, data)
		}
	})
}
