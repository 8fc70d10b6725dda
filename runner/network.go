package runner

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/loadlock/loadlock/isolate"
	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/runner/proxy"
	"golang.org/x/sys/unix"
)

// NetworkDecision is what became of a connection through the proxy or to a published port.
type NetworkDecision = proxy.Decision

// Publish is a port of the host that leads to a port inside.
type Publish struct {
	At     netip.AddrPort // on the host; port 0: any free one
	Inside uint16
}

// ParsePublish reads "[IP:]HOSTPORT:PORT", as docker's -p. Without an address it is 127.0.0.1.
func ParsePublish(s string) (p Publish, err error) {
	bad := func(what, hint string) (Publish, error) {
		return Publish{}, &UsageError{What: fmt.Sprintf("--publish %s: %s", s, what), Hint: hint}
	}
	const form = "write --publish 8000:8000 or --publish 127.0.0.1:8000:8000"
	host, inside, ok := cutLast(strings.TrimSuffix(s, "/tcp"))
	if !ok {
		return bad("wants a port of the host and a port inside", form)
	}
	address := "127.0.0.1"
	if a, port, ok := cutLast(host); ok {
		address, host = strings.TrimSuffix(strings.TrimPrefix(a, "["), "]"), port
	}
	ip, err := netip.ParseAddr(address)
	if err != nil || ip.Zone() != "" {
		return bad(fmt.Sprintf("%q is not an IP address of the host", address), form)
	}
	at, err := strconv.ParseUint(host, 10, 16)
	in, err2 := strconv.ParseUint(inside, 10, 16)
	switch {
	case err != nil || err2 != nil:
		return bad("a port is a number from 1 to 65535", form)
	case in < 1024:
		return bad("the port inside is below 1024, which only root may bind", "let the server listen on a port from 1024 on, for example 8000")
	case in == isolate.ProxyPort:
		return bad(fmt.Sprintf("the port %d inside is the proxy's", isolate.ProxyPort), "let the server listen on another port")
	}
	return Publish{At: netip.AddrPortFrom(ip.Unmap(), uint16(at)), Inside: uint16(in)}, nil
}

func cutLast(s string) (before, after string, ok bool) {
	at := strings.LastIndexByte(s, ':')
	if at < 0 {
		return "", s, false
	}
	return s[:at], s[at+1:], true
}

// wanted is the widest permission that publishing needs.
func wanted(ports []Publish) policy.Publish {
	want := policy.PublishNone
	for _, p := range ports {
		if want = max(want, policy.PublishLoopback); !p.At.Addr().IsLoopback() {
			return policy.PublishAny
		}
	}
	return want
}

// openPorts listens on the host before anything else is done, so that a port that is taken is told at once.
func (r *run) openPorts() error {
	if r.policy.Sandbox.Network == policy.NetworkHost && len(r.job.Publish) > 0 {
		return &UsageError{What: "--publish: with the host's network there is nothing to publish", Hint: "leave --publish out: a server inside binds the host's port itself; or use --net none"}
	}
	for _, p := range r.job.Publish {
		l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(p.At))
		if err != nil {
			hint := "use another port of the host, for example --publish " + netip.AddrPortFrom(p.At.Addr(), 0).String() + ":" + fmt.Sprint(p.Inside) + " for any free one"
			switch {
			case errors.Is(err, unix.EADDRINUSE):
				hint = "end what uses it (ss -ltnp shows it), or " + hint
			case errors.Is(err, unix.EADDRNOTAVAIL):
				hint = "use an address of this machine (ip address shows them)"
			case errors.Is(err, unix.EACCES):
				hint = "use a port of the host from 1024 on"
			}
			return &UsageError{What: fmt.Sprintf("--publish %s:%d: %s", p.At, p.Inside, reason(err)), Hint: hint}
		}
		r.ports = append(r.ports, proxy.Port{Inside: p.Inside, Listener: l})
		r.res.Published = append(r.res.Published, fmt.Sprintf("%s to %d", l.Addr(), p.Inside))
		if !p.At.Addr().IsLoopback() {
			r.res.Weakened = append(r.res.Weakened, fmt.Sprintf("port %d inside is reachable from other machines at %s (--publish)", p.Inside, l.Addr()))
		}
	}
	return nil
}

func (r *run) closePorts() {
	for _, p := range r.ports {
		p.Listener.Close()
	}
}

// portsInside are the published ports that a server inside may bind.
func (r *run) portsInside() (ports []uint16) {
	for _, p := range r.job.Publish {
		ports = append(ports, p.Inside)
	}
	slices.Sort(ports)
	return slices.Compact(ports)
}

// startProxy starts the process between the box and the network, where there is anything to pass on.
func (r *run) startProxy(ctx context.Context) (err error) {
	s := r.policy.Sandbox
	if s.Network != policy.NetworkAllow && len(r.ports) == 0 {
		return nil
	}
	// When the run is given up, the command has some time to end in, and the proxy ends after it.
	r.proxy, err = proxy.Start(context.WithoutCancel(ctx), proxy.Options{Hosts: s.NetworkHosts, Limits: s.NetLimits, Publish: r.ports, Notice: r.job.Notice})
	if err != nil {
		return fmt.Errorf("network: %w", err)
	}
	r.box.Portal = r.proxy.Portal
	r.res.Proxy = r.proxy.Confinement
	return nil
}

// stopProxy ends that process and takes over what it decided. It may be called when there is none.
func (r *run) stopProxy(began time.Time) {
	if r.proxy == nil {
		return
	}
	rows, err := r.proxy.Close(began)
	r.proxy = nil
	r.res.Network = append(r.res.Network, rows...)
	if err != nil {
		r.res.Notes = append(r.res.Notes, "network: "+err.Error())
	}
}

// oneAtATime keeps apart what different parts of a run have to say.
func oneAtATime(notice func(string)) func(string) {
	if notice == nil {
		return nil
	}
	var mu sync.Mutex
	return func(line string) {
		mu.Lock()
		defer mu.Unlock()
		notice(line)
	}
}

// tellPorts says where published ports are.
func (r *run) tellPorts() {
	for _, p := range r.ports {
		if r.job.Notice != nil {
			r.job.Notice(fmt.Sprintf("published: %s leads to port %d inside", p.Listener.Addr(), p.Inside))
		}
	}
}

// proxyVariables are what programs look for. curl reads the lower-case names (and http_proxy in no other, because of
// CGI), Go and others the upper-case ones; both cases are read by Python.
func proxyVariables(n policy.Network) (vars []string) {
	if n != policy.NetworkAllow {
		return nil
	}
	for _, name := range []string{"http_proxy", "https_proxy"} {
		value := fmt.Sprintf("=http://127.0.0.1:%d", isolate.ProxyPort)
		vars = append(vars, name+value, strings.ToUpper(name)+value)
	}
	const local = "=localhost,127.0.0.1"
	return append(vars, "no_proxy"+local, "NO_PROXY"+local)
}

// networkUse sums up the connections for a person.
func networkUse(rows []NetworkDecision) (parts []string) {
	total := map[proxy.Verdict]NetworkDecision{}
	for _, d := range rows {
		t := total[d.Verdict]
		t.Count, t.Up, t.Down = t.Count+d.Count, t.Up+d.Up, t.Down+d.Down
		total[d.Verdict] = t
	}
	for _, v := range []proxy.Verdict{proxy.Allowed, proxy.Published, proxy.Failed, proxy.Refused} {
		t := total[v]
		if t.Count == 0 {
			continue
		}
		part := fmt.Sprintf("%d connections %s", t.Count, v)
		if t.Count == 1 {
			part = fmt.Sprintf("1 connection %s", v)
		}
		if t.Up+t.Down > 0 {
			part += fmt.Sprintf(" (%s out, %s in)", size(t.Up), size(t.Down))
		}
		parts = append(parts, part)
	}
	return parts
}

// upstream notes that the caller's machine reaches the network through a proxy of its own, which ours does not use.
func (r *run) upstream() {
	if r.policy.Sandbox.Network != policy.NetworkAllow {
		return
	}
	env := getenv(r.job.Env)
	for _, name := range []string{"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"} {
		if env(name) != "" {
			r.res.Notes = append(r.res.Notes, name+" is set and not used: loadlock connects to the hosts of network_hosts directly, and has no way through another proxy")
			return
		}
	}
}
