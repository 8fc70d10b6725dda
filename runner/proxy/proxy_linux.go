package proxy

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/loadlock/loadlock/isolate"
	"github.com/loadlock/loadlock/policy"
	"golang.org/x/sys/unix"
)

// Options say what a proxy relays.
type Options struct {
	Hosts   []string // as in network_hosts; none: only published ports
	Limits  policy.NetworkLimits
	Publish []Port
	Notice  func(line string) // called for the first refusal of each host; may be nil
}

// Port is a port inside and the listener on the host that leads to it.
type Port struct {
	Inside   uint16
	Listener *net.TCPListener
}

// Proxy is the supervisor's side of a running proxy.
type Proxy struct {
	Portal      *os.File // for the box; closed by Close
	Confinement []string // of the process, as the kernel shows it

	cell   *isolate.Cell
	notice func(string)
	done   chan struct{} // no more answers

	mu      sync.Mutex
	journal Journal
	closing bool
	ended   error // why it ended before its time
}

// Start starts the process, and returns when the kernel shows that it is confined.
func Start(ctx context.Context, o Options) (*Proxy, error) {
	box, ours, err := isolate.NewPortal()
	if err != nil {
		return nil, err
	}
	defer ours.Close()
	p := &Proxy{Portal: box, notice: o.Notice, done: make(chan struct{})}
	c := config{Hosts: o.Hosts, Limits: o.Limits, Publish: []uint16{}}
	extra := []*os.File{ours}
	for _, port := range o.Publish {
		f, err := port.Listener.File()
		if err != nil {
			return nil, errors.Join(fmt.Errorf("published port: %w", err), box.Close())
		}
		defer f.Close()
		extra, c.Publish = append(extra, f), append(c.Publish, port.Inside)
	}
	if p.cell, err = isolate.StartNetCell(ctx, extra...); err != nil {
		return nil, errors.Join(err, box.Close())
	}
	lines := bufio.NewScanner(p.cell.Answers) // up to 64 KiB each: a compromised proxy cannot fill our memory
	if err := p.greet(lines, c); err != nil {
		p.cell.Kill()
		return nil, errors.Join(err, p.cell.Close(), box.Close())
	}
	p.Confinement = p.cell.Confinement
	go p.read(lines)
	return p, nil
}

func (p *Proxy) greet(lines *bufio.Scanner, c config) error {
	raw, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if err := sendAll(p.cell.Requests, raw); err != nil {
		return fmt.Errorf("proxy: %w", err)
	}
	if hello, err := next(lines); err != nil || !hello.Hello {
		return fmt.Errorf("the confined proxy did not start: %w", err)
	}
	return p.cell.Observe()
}

// sendAll sends raw in packets.
func sendAll(to *os.File, raw []byte) error {
	for len(raw) > 0 {
		n := min(len(raw), maxPacket)
		if err := unix.Sendmsg(int(to.Fd()), raw[:n], nil, nil, unix.MSG_NOSIGNAL); err != nil {
			if errors.Is(err, unix.EINTR) {
				continue
			}
			return err
		}
		raw = raw[n:]
	}
	return nil
}

// next reads an answer; io.EOF is the end of the process.
func next(lines *bufio.Scanner) (a answer, err error) {
	if !lines.Scan() {
		return a, cmp.Or(lines.Err(), io.EOF)
	}
	if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
		return a, err
	}
	if d := a.Decision; d != nil { // the process may be in other hands
		d.Host, d.Address, d.Reason = printable(d.Host), printable(d.Address), printable(d.Reason)
		if !slices.Contains([]Verdict{Allowed, Refused, Failed, Published}, d.Verdict) {
			return a, fmt.Errorf("a decision that is none: %q", printable(string(d.Verdict)))
		}
	}
	return a, nil
}

// maxTold bounds the refused hosts that are told of one by one; the report has more.
const maxTold = 20

// read notes decisions until the process ends.
func (p *Proxy) read(lines *bufio.Scanner) {
	defer close(p.done)
	told := 0
	for {
		a, err := next(lines)
		if err != nil {
			p.mu.Lock()
			if !p.closing {
				p.ended = err
			}
			p.mu.Unlock()
			p.cell.Kill() // it may be there, and talk nonsense
			return
		}
		if a.Decision == nil {
			continue
		}
		p.mu.Lock()
		first := p.journal.Add(*a.Decision)
		p.mu.Unlock()
		if d := a.Decision; first && d.Verdict == Refused && p.notice != nil {
			if told++; told < maxTold {
				p.notice(fmt.Sprintf("network: %s refused: %s", d.Host, d.Reason))
			} else if told == maxTold {
				p.notice("network: more hosts refused; the report has them")
			}
		}
	}
}

// Close ends the process and returns what it decided, with times since began. err says how it ended when that was
// before its time: what was not finished then failed for the workload.
func (p *Proxy) Close(began time.Time) (rows []Decision, err error) {
	p.mu.Lock()
	p.closing = true
	p.mu.Unlock()
	p.Portal.Close()
	p.cell.Requests.Close()
	select {
	case <-p.done:
	case <-time.After(3 * time.Second):
		p.cell.Kill()
		<-p.done
	}
	how := p.cell.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended != nil {
		err = fmt.Errorf("the proxy ended before the command, and nothing was reachable from then on: %w", cmp.Or(how, p.ended))
	}
	rows = p.journal.Rows()
	for i := range rows {
		rows[i].At, rows[i].Began = time.Duration(rows[i].Began-began.UnixNano()), 0
	}
	p.journal = Journal{}
	return rows, err
}
