package isolate

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loadlock/loadlock/policy"
)

// portalBox runs a Python program in a box with network: allow and a published port, with other layers off in turn.
func portalBox(t *testing.T, program string, off ...string) (p *Portal, observed func() string) {
	t.Helper()
	need(t, "root", "userns", "cgroup", "seccomp", "landlock", "landlock-net", "python")
	s, out := boxed(t, py(program))
	s.Sandbox.Network, s.Sandbox.NetworkHosts, s.Sandbox.Allow.NetworkAccess = policy.NetworkAllow, []string{"example.org"}, true
	s.Ports = []uint16{8000}
	s.Etc = map[string]string{"/etc/hosts": "127.0.0.1 localhost\n", "/etc/nsswitch.conf": "hosts: files\n", "/etc/resolv.conf": ""} // as package runner has them
	b := weakened(t, s, off, nil)
	theirs, ours, err := NewPortal()
	if err != nil {
		t.Fatal(err)
	}
	b.Portal = theirs
	t.Cleanup(func() { theirs.Close(); ours.Close() })
	text := make(chan string, 1)
	go func() {
		_, got := finish(t, b, out)
		text <- got
	}()
	return OpenPortal(ours), func() string {
		select {
		case got := <-text:
			return got
		case <-time.After(time.Minute):
			t.Fatal("the box does not end")
			return ""
		}
	}
}

// tryPorts says for TCP to each address whether it got through.
const tryPorts = `
import socket
def to(host, port, family=socket.AF_INET):
    try:
        s = socket.socket(family); s.settimeout(3); s.connect((host, port))
        return "through"
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e))
`

func TestInsideOnlyTheProxyIsReached(t *testing.T) {
	canary, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer canary.Close()
	touched := make(chan bool, 10)
	go func() {
		for {
			c, err := canary.Accept()
			if err != nil {
				return
			}
			touched <- true
			c.Close()
		}
	}()
	p, observed := portalBox(t, tryPorts+fmt.Sprintf(`
print("descriptors", sorted(int(fd) for fd in os.listdir("/proc/self/fd"))[:3], len(os.listdir("/proc/self/fd")))
print("proxy", to("127.0.0.1", 3128))
print("host", to("127.0.0.1", %[1]d))
print("elsewhere", to("127.0.0.1", 9))
print("v6", to("::1", %[1]d, socket.AF_INET6))
print("v6 proxy", to("::1", 3128, socket.AF_INET6))
print("world", to("192.0.2.1", 3128))
for what, args in {"udp": (2, 2, 0), "raw": (2, 3, 1), "mptcp": (2, 1, 262), "netlink": (16, 3, 0), "vsock": (40, 1, 0), "packet": (17, 3, 0)}.items():
    try: socket.socket(*args); print(what, "through")
    except OSError as e: print(what, errno.errorcode[e.errno])
for port in (8000, 8001, 0):
    try: s = socket.socket(); s.bind(("127.0.0.1", port)); s.listen(); print("bind", port, "through")
    except OSError as e: print("bind", port, errno.errorcode[e.errno])
try: os.listdir("/proc/1/fd"); print("pid 1 through")
except OSError as e: print("pid 1", errno.errorcode[e.errno])
t = time.time()
try: socket.getaddrinfo("example.org", 443); print("resolved")
except OSError as e: print("resolve", "fast" if time.time() - t < 3 else "slow")
print(socket.getaddrinfo("localhost", 80, type=socket.SOCK_STREAM)[0][4][0])
`, canary.Addr().(*net.TCPAddr).Port))
	l, err := p.Listener()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	got := observed()
	for _, want := range []string{"proxy through", "host EACCES", "elsewhere EACCES", "v6 EACCES", "v6 proxy ECONNREFUSED", "udp EPROTONOSUPPORT", "raw EPROTONOSUPPORT", "mptcp EPROTONOSUPPORT",
		"netlink EAFNOSUPPORT", "vsock EAFNOSUPPORT", "packet EAFNOSUPPORT", "bind 8000 through", "bind 8001 EACCES", "bind 0 EACCES", "descriptors [0, 1, 2] 4", "pid 1 EACCES", "resolve fast", "127.0.0.1"} {
		if !slices.Contains(strings.Split(got, "\n"), want) {
			t.Errorf("not seen: %s", want)
		}
	}
	if strings.Contains(got, "world through") || len(touched) > 0 {
		t.Error("the outside was reached")
	}
	if t.Failed() {
		t.Log(got)
	}
}

// Without Landlock the namespace alone leads nowhere else; without the namespace there is no box at all.
func TestTheNamespaceAloneLeadsNowhere(t *testing.T) {
	canary, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer canary.Close()
	program := tryPorts + fmt.Sprintf(`print("host", to("127.0.0.1", %d)); print("world", to("192.0.2.1", 443)); print("v6", to("::1", %[1]d, socket.AF_INET6))`, canary.Addr().(*net.TCPAddr).Port)
	_, observed := portalBox(t, program, "landlock", "seccomp")
	if got := observed(); got != "host ECONNREFUSED\nworld ENETUNREACH\nv6 ECONNREFUSED\n" {
		t.Errorf("observed %q", got)
	}
	s, _ := boxed(t, "true")
	b := weakened(t, s, []string{"net"}, nil)
	defer b.Close()
	theirs, ours, err := NewPortal()
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	defer ours.Close()
	b.Portal = theirs
	if err := b.Start(context.Background()); err == nil || !strings.Contains(err.Error(), "network namespace") {
		t.Errorf("a portal to the host's own network: %v", err)
	}
}

func TestAServerInsideIsReachedThroughThePortal(t *testing.T) {
	p, observed := portalBox(t, `
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("0.0.0.0", 8000)); s.listen()
for _ in range(20):
    c, _ = s.accept(); c.sendall(b"hello " + c.recv(100)); c.close()`)
	if _, err := p.Listener(); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		var c net.Conn
		var err error
		for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			if c, err = p.Dial(t.Context(), 8000); err == nil {
				break
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "%d", i)
		raw, _ := io.ReadAll(c)
		c.Close()
		if string(raw) != fmt.Sprintf("hello %d", i) {
			t.Fatalf("got %q", raw)
		}
	}
	if got := observed(); got != "" {
		t.Error(got)
	}
}

func TestPid1OutlivesTheProxy(t *testing.T) {
	p, observed := portalBox(t, tryPorts+`
sys.stdin
time.sleep(1)
print("proxy", to("127.0.0.1", 3128)); print("done")`)
	l, err := p.Listener()
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	p.file.Close()
	if got := observed(); got != "proxy ECONNREFUSED\ndone\n" {
		t.Errorf("observed %q", got)
	}
}

func TestProcessesInsideTalkTCPOnlyWhereThePolicyPermitsIt(t *testing.T) {
	need(t, "root", "userns", "cgroup", "seccomp", "landlock", "python")
	canary, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer canary.Close()
	program := tryPorts + fmt.Sprintf(`
try:
    s = socket.create_server(("127.0.0.1", 0)); c = socket.create_connection(s.getsockname()); print("inside through")
except OSError as e: print("inside", errno.errorcode[e.errno])
print("host", to("127.0.0.1", %d))
print("v6", to("::1", 1, socket.AF_INET6))`, canary.Addr().(*net.TCPAddr).Port)
	for permitted, want := range map[bool]string{false: "inside EAFNOSUPPORT\nhost EAFNOSUPPORT\nv6 EAFNOSUPPORT\n", true: "inside through\nhost ECONNREFUSED\nv6 ECONNREFUSED\n"} {
		s, out := boxed(t, py(program))
		s.Sandbox.LoopbackTCP = permitted
		b, err := New(s)
		if err != nil {
			t.Fatal(err)
		}
		if _, got := finish(t, b, out); got != want {
			t.Errorf("permitted %t: %q", permitted, got)
		}
	}
	s, _ := boxed(t, "true")
	s.Sandbox.LoopbackTCP = true
	b := weakened(t, s, []string{"net"}, nil)
	defer b.Close()
	if err := b.Start(context.Background()); err == nil || !strings.Contains(err.Error(), "network namespace") {
		t.Errorf("loopback_tcp in the host's own network: %v", err)
	}
}

func attackFromNetCell() {
	requests, answers := NetCellFiles()
	given := NetCellGiven(1)
	fail := func(err error) { fmt.Fprintln(answers, err); os.Exit(1) }
	port, err := bufio.NewReader(given[0]).ReadString('\n')
	if err != nil {
		fail(err)
	}
	var open, closed uint16
	fmt.Sscan(port, &open, &closed)
	try := func(stage string) {
		for _, a := range append(slices.Clone(cellAttacks), netCellAttacks(open, closed)...) {
			if a.name == "trace its parent" && stage == "open" {
				continue // it would stop the test
			}
			if err := a.try(); err == nil {
				fmt.Fprintf(answers, "%s through: %s\n", stage, a.name)
			}
		}
	}
	try("open")
	if err := NetCellInit([]uint16{open}); err != nil {
		fail(err)
	}
	try("confined")
	fmt.Fprintln(answers, "hello")
	_, _ = io.Copy(io.Discard, requests)
	os.Exit(0)
}

func netCellAttacks(open, closed uint16) []cellAttack {
	dial := func(network string, port uint16) func() error {
		return func() error {
			c, err := net.Dial(network, fmt.Sprintf("127.0.0.1:%d", port))
			if err == nil {
				c.Close()
			}
			return err
		}
	}
	return []cellAttack{
		{"connect to its port", dial("tcp", open)},
		{"connect to another port", dial("tcp", closed)},
		{"listen", func() error {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err == nil {
				l.Close()
			}
			return err
		}},
		{"read the resolver's settings", func() error { _, err := os.ReadFile("/etc/hosts"); return err }},
		{"read the list of users", func() error { _, err := os.ReadFile("/etc/passwd"); return err }},
		{"a unix socket", func() error { _, err := net.Dial("unix", "/dev/log-absent"); return socketError(err) }},
	}
}

// socketError is nil when it was the address that failed, and the socket could be made.
func socketError(err error) error {
	if err != nil && strings.Contains(err.Error(), "socket:") {
		return err
	}
	return nil
}

func TestANetCellHasTheNetworkAndNothingElse(t *testing.T) {
	need(t, "root", "landlock", "landlock-net", "seccomp")
	var ports [2]int
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(w, ports[0], ports[1])
	w.Close()
	c, err := StartNetCell(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r.Close()
	var lines []string
	for s := bufio.NewScanner(c.Answers); s.Scan() && s.Text() != "hello"; {
		lines = append(lines, s.Text())
	}
	if err := c.Observe(); err != nil {
		t.Fatal(err, lines)
	}
	if !slices.Contains(c.Confinement, "uid 65534") {
		t.Errorf("the cell of root is %v", c.Confinement)
	}
	may := []string{"connect to its port", "read the resolver's settings", "open a socket"}
	for _, a := range append(slices.Clone(cellAttacks), netCellAttacks(0, 0)...) {
		open, confined := slices.Contains(lines, "open through: "+a.name), slices.Contains(lines, "confined through: "+a.name)
		if confined != slices.Contains(may, a.name) {
			t.Errorf("%s: through %t", a.name, confined)
		}
		if !open && a.name != "trace its parent" && a.name != "make a namespace" {
			t.Errorf("%s does not get through without confinement, so it proves nothing", a.name)
		}
	}
}
