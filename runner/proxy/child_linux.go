package proxy

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/loadlock/loadlock/isolate"
	"github.com/loadlock/loadlock/policy"
)

// config is the one request that the supervisor sends, before the child confines itself.
type config struct {
	Hosts   []string             `json:"hosts"` // empty: no proxy, published ports only
	Limits  policy.NetworkLimits `json:"limits"`
	Publish []uint16             `json:"publish"` // ports inside, in the order of the listeners
}

// answer is what the child says, one JSON value each: hello, then decisions.
type answer struct {
	Hello    bool      `json:"hello,omitempty"`
	Decision *Decision `json:"d,omitempty"`
}

// The child's descriptors after those of every cell.
const (
	portalFile = iota
	firstListener
)

// maxConfig bounds the request, which has up to ten thousand hosts; it comes in packets, which the kernel's default
// send buffer of 208 KiB takes.
const maxConfig, maxPacket = 4 << 20, 64 << 10

// maxProcessors is how many processors relaying may keep busy.
const maxProcessors = 2

// Serve is the main of the proxy's own process (isolate.IsNetCell). It ends when the supervisor does. outside is nil but
// in tests, which have no Internet.
func Serve(outside *Outside) error {
	// This process is not in the box's cgroup; what the workload can make it spend is bounded here: processors, and memory
	// by the number of connections.
	runtime.GOMAXPROCS(maxProcessors)
	requests, answers := isolate.NetCellFiles()
	var c config
	// The socket keeps packets apart and drops what a short read leaves of one; bufio reads as much as one packet has.
	if err := json.NewDecoder(io.LimitReader(bufio.NewReaderSize(requests, maxPacket), maxConfig)).Decode(&c); err != nil {
		return fmt.Errorf("proxy: %w", err)
	}
	given := isolate.NetCellGiven(firstListener + len(c.Publish))
	hosts, ports, err := c.read()
	if err != nil {
		return fmt.Errorf("proxy: %w", err)
	}
	listeners := make([]net.Listener, 0, len(c.Publish))
	for _, f := range given[firstListener:] {
		l, err := net.FileListener(f)
		if err != nil {
			return fmt.Errorf("proxy: %w", err)
		}
		f.Close()
		listeners = append(listeners, l)
	}
	if outside == nil {
		if outside, err = internet(); err != nil {
			return fmt.Errorf("proxy: %w", err)
		}
	}
	if err := isolate.NetCellInit(ports); err != nil {
		return err
	}
	out := &teller{enc: json.NewEncoder(answers)}
	out.send(answer{Hello: true})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, requests) // until the supervisor closes it, or is gone
		cancel()
		time.AfterFunc(2*time.Second, func() { os.Exit(1) })
	}()
	var all sync.WaitGroup
	portal := isolate.OpenPortal(given[portalFile])
	for i, l := range listeners {
		p := &publisher{port: c.Publish[i], dial: portal.Dial, limits: c.Limits, tell: out.decision}
		all.Go(func() { p.serve(ctx, l) })
	}
	all.Go(func() {
		l, err := portal.Listener()
		if err != nil {
			return // the box came to nothing
		}
		if len(hosts) == 0 {
			l.Close()
			return
		}
		newServer(hosts, c.Limits, *outside, out.decision).serve(ctx, l)
	})
	<-ctx.Done()
	all.Wait()
	return nil
}

// read returns the hosts and the ports that the child may connect to.
func (c config) read() (hosts []policy.HostPattern, ports []uint16, err error) {
	for _, s := range c.Hosts {
		h, err := policy.ParseHost(s)
		if err != nil {
			return nil, nil, err
		}
		hosts, ports = append(hosts, h), append(ports, h.Port)
	}
	if c.Limits.Connections < 1 {
		return nil, nil, errors.New("no connections permitted")
	}
	ports = append(ports, c.Publish...)
	slices.Sort(ports)
	return hosts, slices.Compact(ports), nil
}

// internet is the real outside, with this machine's addresses as they are now.
func internet() (*Outside, error) {
	resolver := net.Resolver{PreferGo: true}
	var dialer net.Dialer
	list, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("own addresses: %w", err)
	}
	o := &Outside{
		// The dot at the end: no search list of the host's makes another name of it.
		Lookup: func(ctx context.Context, name string) ([]netip.Addr, error) {
			return resolver.LookupNetIP(ctx, "ip", name+".")
		},
		Dial: func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
			return dialer.DialContext(ctx, "tcp", to.String())
		},
	}
	for _, a := range list {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			o.Own = append(o.Own, p.Addr().Unmap())
		}
	}
	return o, nil
}

// teller sends answers. One that cannot be sent has nobody to read it.
type teller struct {
	mu  sync.Mutex
	enc *json.Encoder
}

func (t *teller) send(a answer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_ = t.enc.Encode(a) // as said above
}

func (t *teller) decision(d Decision) { t.send(answer{Decision: &d}) }
