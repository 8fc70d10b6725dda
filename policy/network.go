package policy

import (
	"fmt"
	"strconv"
	"strings"
)

// HostPattern is one item of network_hosts: a host and a port, or everything below a domain.
type HostPattern struct {
	Name  string // "huggingface.co": lower-case ASCII labels, at least two
	Below bool   // written "*.": one label or more below Name, and not Name itself
	Port  uint16
}

// DefaultPort is the port of a pattern that names none: https.
const DefaultPort = 443

// ParseHost reads "huggingface.co", "*.example.org" or "example.org:8443". There is one spelling of a host: no
// address, no user, no upper case, no dot at the end, international names in their xn-- form (RFC 5890).
func ParseHost(s string) (HostPattern, error) {
	h := HostPattern{Port: DefaultPort}
	if what := h.parse(s); what != "" {
		return HostPattern{}, fmt.Errorf("%q %s", shown(s), what)
	}
	return h, nil
}

// parse says what is wrong with s, or "".
func (h *HostPattern) parse(s string) string {
	name, port, hasPort := strings.Cut(s, ":")
	if strings.Contains(s, "://") {
		return "is an address; write the host only"
	}
	name, h.Below = strings.CutPrefix(name, "*.")
	if what := checkHost(name); what != "" {
		return what
	}
	h.Name = name
	if !hasPort {
		return ""
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || port != strconv.FormatUint(n, 10) {
		return "has no port between 1 and 65535 after the colon"
	}
	h.Port = uint16(n)
	return ""
}

// checkHost says why a name cannot be a public host's, or "".
func checkHost(name string) string {
	if strings.ContainsAny(name, "*") {
		return `has a * that is not a "*." at the beginning`
	}
	if what := checkDomain(name); what != "" {
		return what
	}
	labels := strings.Split(name, ".")
	if len(labels) < 2 {
		return "has one label only; no public host has"
	}
	// A name whose last label is a number is an IPv4 address to some parser: 1.2.3.4, 1.0x7f (WHATWG URL, "ends in a number").
	// No top-level domain begins with a digit.
	if last := labels[len(labels)-1]; last[0] >= '0' && last[0] <= '9' {
		return "is an address, not a name; addresses are never permitted"
	}
	return ""
}

// CheckHostName says why a name that was asked for cannot be a host's, or "". It must be in lower case.
func CheckHostName(name string) string { return checkHost(name) }

// Matches reports whether the pattern is about this host and port. The name must be in lower case.
func (h HostPattern) Matches(name string, port uint16) bool {
	if port != h.Port {
		return false
	}
	if h.Below {
		return len(name) > len(h.Name)+1 && strings.HasSuffix(name, "."+h.Name)
	}
	return name == h.Name
}

// String is the one spelling of the pattern.
func (h HostPattern) String() string {
	s := h.Name
	if h.Below {
		s = "*." + s
	}
	if h.Port != DefaultPort {
		s += ":" + strconv.Itoa(int(h.Port))
	}
	return s
}

func checkHostPattern(s string) string { return new(HostPattern).parse(s) }

func canonicalHost(s string) string {
	h, err := ParseHost(s)
	if err != nil {
		return s
	}
	return h.String()
}

// hostCovers: *.example.org covers what is below example.org on the same port, *.a.example.org too.
func hostCovers(a, b string) bool {
	x, errX := ParseHost(a)
	y, errY := ParseHost(b)
	if errX != nil || errY != nil {
		return false
	}
	if x == y {
		return true
	}
	return x.Below && x.Matches(y.Name, y.Port)
}

const hostPattern = `^(\*\.)?[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\.[a-z]([a-z0-9-]{0,61}[a-z0-9])?(:[1-9][0-9]{0,4})?$`

// networkKind is the value of network. With network: allow it and network_hosts are one value in two keys.
type networkKind struct{ word[Network] }

func (v networkKind) tighten(p, asked, ceiling *Policy) {
	v.word.tighten(p, asked, ceiling)
	if p.Sandbox.Network == NetworkAllow && len(commonHosts(asked, ceiling)) == 0 {
		p.Sandbox.Network = NetworkNone
	}
}

// networkHosts is the value of network_hosts.
type networkHosts struct{ set }

func (networkHosts) tighten(p, asked, ceiling *Policy) {
	p.Sandbox.NetworkHosts = commonHosts(asked, ceiling)
}

// commonHosts is what the workload may reach under both policies when neither says none.
func commonHosts(asked, ceiling *Policy) []string {
	a, c := asked.Sandbox.Network, ceiling.Sandbox.Network
	switch {
	case min(a, c) != NetworkAllow:
		return nil
	case a == NetworkHost:
		return append([]string{}, ceiling.Sandbox.NetworkHosts...)
	case c == NetworkHost:
		return append([]string{}, asked.Sandbox.NetworkHosts...)
	}
	var both Policy
	hostSet.tighten(&both, asked, ceiling)
	return both.Sandbox.NetworkHosts
}

var hostSet = set{at: func(p *Policy) *[]string { return &p.Sandbox.NetworkHosts }, sense: permits, what: "hosts", check: checkHostPattern, canon: canonicalHost,
	covers: hostCovers, pattern: hostPattern,
	weak: func(s string) string {
		return "the workload reaches " + s + ", and may send it what it has"
	}}
