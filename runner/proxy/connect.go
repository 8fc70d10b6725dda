package proxy

import (
	"bufio"
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/loadlock/loadlock/policy"
)

// Bounds of a request's head: the longest name has 253 bytes, and clients send a handful of fields.
const (
	maxHead   = 8 << 10
	maxFields = 64
)

// refusal is an answer other than 200 and the reason for it. The reason is printable ASCII without line ends.
type refusal struct {
	status int
	why    string
}

func (r *refusal) Error() string { return r.why }

func refuse(status int, format string, args ...any) *refusal {
	return &refusal{status, printable(fmt.Sprintf(format, args...))}
}

// printable makes text from inside safe for a terminal, a report and a status line, and short.
func printable(s string) string {
	if len(s) > 300 {
		s = s[:300] + "..."
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}

// target is what a request asks for.
type target struct {
	host string // lower case; what was written, made printable, when it is no host
	port uint16
}

// readConnect reads the head of a request and accepts one kind: CONNECT host:port HTTP/1.x (RFC 9110, 9.3.6). It is
// strict where parsers differ: line ends are CR LF, blanks are single, a field has no line of continuation, a request
// with a body is refused. Fields are looked at for nothing else: none is passed on. r must hold maxHead bytes.
func readConnect(r *bufio.Reader) (t target, err error) {
	left := maxHead
	line, err := readLine(r, &left)
	if err != nil {
		return t, err
	}
	method, rest, _ := strings.Cut(line, " ")
	to, version, ok := strings.Cut(rest, " ")
	if !ok || version != "HTTP/1.1" && version != "HTTP/1.0" {
		return t, refuse(400, "this is a proxy for CONNECT host:port HTTP/1.1")
	}
	t.host = printable(to)
	if err := readFields(r, &left); err != nil {
		return t, err
	}
	if method != "CONNECT" {
		if after, plain := strings.CutPrefix(to, "http://"); plain {
			host, _, _ := strings.Cut(after, "/")
			t.host = printable(host)
			return t, refuse(403, "plain http is not relayed, since nothing tells which host answers; use https")
		}
		return t, refuse(405, "only CONNECT is relayed")
	}
	return parseTarget(to)
}

// readLine returns a line without its CR LF.
func readLine(r *bufio.Reader, left *int) (string, error) {
	raw, err := r.ReadSlice('\n')
	if *left -= len(raw); *left < 0 || err == bufio.ErrBufferFull {
		return "", refuse(431, "the head of the request is longer than %d bytes", maxHead)
	}
	if err != nil {
		return "", fmt.Errorf("request: %w", err)
	}
	line, ok := bytes.CutSuffix(raw, []byte("\r\n"))
	if !ok || bytes.ContainsFunc(line, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
		return "", refuse(400, "a line of the request has a control character, or does not end with CR LF")
	}
	return string(line), nil
}

func readFields(r *bufio.Reader, left *int) error {
	for n := 0; ; n++ {
		line, err := readLine(r, left)
		if err != nil {
			return err
		}
		if line == "" {
			return nil
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || !token(name) {
			return refuse(400, "a field of the request has no name")
		}
		if n >= maxFields {
			return refuse(431, "the request has more than %d fields", maxFields)
		}
		length := strings.EqualFold(name, "Content-Length")
		if length && strings.TrimSpace(value) != "0" || strings.EqualFold(name, "Transfer-Encoding") {
			return refuse(400, "a request with a body is not relayed")
		}
	}
}

// token is a field's name: RFC 9110, 5.6.2.
func token(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		return !letter && (c > '~' || !strings.ContainsRune("!#$%&'*+-.^_`|~", c))
	})
}

// parseTarget reads host:port. Addresses in every spelling, users and unusual names are refused by the shape of a host
// name alone; nothing is resolved or corrected.
func parseTarget(s string) (target, error) {
	t := target{host: printable(s)}
	at := strings.LastIndexByte(s, ':')
	if at < 0 {
		return t, refuse(400, "CONNECT wants host:port")
	}
	name, digits := strings.ToLower(s[:at]), s[at+1:]
	port, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || port == 0 || digits != strconv.FormatUint(port, 10) {
		return t, refuse(400, "%q is not a port", digits)
	}
	t.host, t.port = printable(name), uint16(port)
	if what := policy.CheckHostName(name); what != "" {
		return t, refuse(403, "%q %s", name, what)
	}
	return t, nil
}
