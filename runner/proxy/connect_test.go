package proxy

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/policy"
)

func TestOneKindOfRequestIsUnderstood(t *testing.T) {
	for _, tt := range []struct {
		name, request string
		status        int // 0: accepted, -1: the connection ended
		want          string
	}{
		{"plain", "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n", 0, "a.example:443"},
		{"HTTP/1.0 without a field", "CONNECT a.example:8443 HTTP/1.0\r\n\r\n", 0, "a.example:8443"},
		{"upper case", "CONNECT A.ExAmPlE:443 HTTP/1.1\r\n\r\n", 0, "a.example:443"},
		{"an empty body", "CONNECT a.example:443 HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 0, "a.example:443"},
		{"another host in the fields, which nobody reads", "CONNECT a.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n", 0, "a.example:443"},
		{"credentials, which go nowhere", "CONNECT a.example:443 HTTP/1.1\r\nProxy-Authorization: Basic eA==\r\n\r\n", 0, "a.example:443"},

		{"an address", "CONNECT 93.184.216.34:443 HTTP/1.1\r\n\r\n", 403, "is an address"},
		{"a decimal address", "CONNECT 2130706433:443 HTTP/1.1\r\n\r\n", 403, "one label"},
		{"a hexadecimal address", "CONNECT 0x7f000001:443 HTTP/1.1\r\n\r\n", 403, "one label"},
		{"a dotted hexadecimal address", "CONNECT 0x7f.0.0.0x1:443 HTTP/1.1\r\n\r\n", 403, "is an address"},
		{"an octal address", "CONNECT 0177.0.0.01:443 HTTP/1.1\r\n\r\n", 403, "is an address"},
		{"a short address", "CONNECT 127.1:443 HTTP/1.1\r\n\r\n", 403, "is an address"},
		{"unspecified", "CONNECT 0.0.0.0:443 HTTP/1.1\r\n\r\n", 403, "is an address"},
		{"IPv6", "CONNECT [::1]:443 HTTP/1.1\r\n\r\n", 403, "not a host name"},
		{"mapped IPv6", "CONNECT [::ffff:127.0.0.1]:443 HTTP/1.1\r\n\r\n", 403, ""},
		{"IPv6 without brackets", "CONNECT ::1:443 HTTP/1.1\r\n\r\n", 403, ""},
		{"IPv6 with a zone", "CONNECT [fe80::1%25eth0]:443 HTTP/1.1\r\n\r\n", 403, ""},
		{"full-width digits", "CONNECT １２７.0.0.1:443 HTTP/1.1\r\n\r\n", 403, ""},
		{"a user", "CONNECT a.example@evil.example:443 HTTP/1.1\r\n\r\n", 403, "not a host name"},
		{"a user with a password", "CONNECT u:p@a.example:443 HTTP/1.1\r\n\r\n", 403, ""},
		{"a dot at the end", "CONNECT a.example.:443 HTTP/1.1\r\n\r\n", 403, "not a host name"},
		{"a path", "CONNECT a.example/:443 HTTP/1.1\r\n\r\n", 403, ""},
		{"a NUL", "CONNECT a.example\x00.evil.example:443 HTTP/1.1\r\n\r\n", 400, "control character"},
		{"a name that is too long", "CONNECT " + strings.Repeat("a.", 130) + "example:443 HTTP/1.1\r\n\r\n", 403, "longer"},
		{"no port", "CONNECT a.example HTTP/1.1\r\n\r\n", 400, "host:port"},
		{"port 0", "CONNECT a.example:0 HTTP/1.1\r\n\r\n", 400, "not a port"},
		{"a port with a sign", "CONNECT a.example:+443 HTTP/1.1\r\n\r\n", 400, "not a port"},
		{"a port with a zero", "CONNECT a.example:0443 HTTP/1.1\r\n\r\n", 400, "not a port"},
		{"a large port", "CONNECT a.example:65979 HTTP/1.1\r\n\r\n", 400, "not a port"},

		{"plain http", "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n", 403, "plain http is not relayed"},
		{"a request to the proxy itself", "GET / HTTP/1.1\r\n\r\n", 405, "only CONNECT"},
		{"a lower-case method", "connect a.example:443 HTTP/1.1\r\n\r\n", 405, "only CONNECT"},
		{"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "CONNECT host:port"},
		{"HTTP/0.9", "CONNECT a.example:443\r\n\r\n", 400, ""},
		{"two blanks", "CONNECT  a.example:443 HTTP/1.1\r\n\r\n", 400, ""},
		{"a tab", "CONNECT\ta.example:443 HTTP/1.1\r\n\r\n", 400, ""},
		{"TLS without CONNECT", "\x16\x03\x01\x00\x05hello\n", 400, ""},
		{"SOCKS", "\x05\x01\x00\n", 400, ""},
		{"bare line ends", "CONNECT a.example:443 HTTP/1.1\n\n", 400, "CR LF"},
		{"a bare CR", "CONNECT a.example:443 HTTP/1.1\r\nA: b\rc\r\n\r\n", 400, "control"},
		{"a line of continuation", "CONNECT a.example:443 HTTP/1.1\r\nA: b\r\n c\r\n\r\n", 400, "no name"},
		{"a blank before the colon", "CONNECT a.example:443 HTTP/1.1\r\nContent-Length : 5\r\n\r\n", 400, "no name"},
		{"a body", "CONNECT a.example:443 HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", 400, "body"},
		{"a body in chunks", "CONNECT a.example:443 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "body"},
		{"many fields", "CONNECT a.example:443 HTTP/1.1\r\n" + strings.Repeat("A: b\r\n", 100) + "\r\n", 431, "fields"},
		{"a field as long as the head", "CONNECT a.example:443 HTTP/1.1\r\nA: " + strings.Repeat("b", 9000) + "\r\n\r\n", 431, "longer"},
		{"long fields", "CONNECT a.example:443 HTTP/1.1\r\n" + strings.Repeat("A: "+strings.Repeat("b", 2000)+"\r\n", 5) + "\r\n", 431, "longer"},
		{"a line without an end", "CONNECT " + strings.Repeat("a", 9000), 431, "longer"},
		{"nothing", "", -1, "EOF"},
		{"half a request", "CONNECT a.example:443 HTTP/1.1\r\nHost", -1, "EOF"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := readConnect(bufio.NewReaderSize(strings.NewReader(tt.request), maxHead))
			var r *refusal
			switch {
			case tt.status == 0 && (err != nil || fmt.Sprintf("%s:%d", got.host, got.port) != tt.want):
				t.Errorf("got %+v, %v", got, err)
			case tt.status > 0 && (!errors.As(err, &r) || r.status != tt.status || !strings.Contains(r.why, tt.want)):
				t.Errorf("got %+v, %v; want %d %s", got, err, tt.status, tt.want)
			case tt.status < 0 && (err == nil || errors.As(err, &r) || !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF)):
				t.Errorf("got %+v, %v", got, err)
			}
			if got.host != printable(got.host) {
				t.Errorf("%q is not for a report", got.host)
			}
		})
	}
}

func FuzzReadConnect(f *testing.F) {
	f.Add("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n\x16\x03\x01")
	f.Add("GET http://a.example/ HTTP/1.1\r\n\r\n")
	f.Add("CONNECT [::1]:443 HTTP/1.0\r\nContent-Length: 1\r\n\r\nx")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := readConnect(bufio.NewReaderSize(strings.NewReader(s), maxHead))
		if got.host != printable(got.host) {
			t.Fatalf("%q is not for a report", got.host)
		}
		if err != nil {
			if err.Error() != printable(err.Error()) {
				t.Fatalf("%q is not for a report", err.Error())
			}
			return
		}
		if policy.CheckHostName(got.host) != "" || got.port == 0 {
			t.Fatalf("%+v is accepted", got)
		}
		head, _, ok := strings.Cut(s, "\r\n\r\n")
		if !ok || len(head) > maxHead || !strings.HasPrefix(s, "CONNECT ") || !strings.Contains(strings.ToLower(head), got.host+":"+fmt.Sprint(got.port)+" http/1.") {
			t.Fatalf("%q is %+v", s, got)
		}
	})
}
