package proxy_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/loadlock/loadlock/runner/proxy"
	"github.com/loadlock/loadlock/validate/validatetest"
)

// prelude: get fetches over the proxy variables, to connects directly.
const prelude = `
import errno, os, socket, ssl, sys, time, urllib.request
here = os.path.dirname(os.path.abspath(__file__))
def get(url):
    try:
        context = ssl.create_default_context(cafile=os.path.join(here, "ca.crt"))
        return urllib.request.urlopen(url, timeout=20, context=context).read().decode()
    except Exception as e:
        return repr(e)
def to(host, port, family=socket.AF_INET):
    try:
        s = socket.socket(family); s.settimeout(5); s.connect((host, port))
        return "through"
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e))
`

func page(c *tls.Conn) {
	r := bufio.NewReader(c)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		if line == "\r\n" {
			break
		}
	}
	fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
	_ = c.CloseWrite()
}

// canary listens on the host's loopback and counts who comes.
func canary(t *testing.T) (port int, touched *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	touched = new(atomic.Int64)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			touched.Add(1)
			c.Close()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port, touched
}

// direct tries the ways past the proxy.
func direct(port int, hosts []string) string {
	return fmt.Sprintf(`
print("direct:", to("127.0.0.1", %[1]d), to("::1", %[1]d, socket.AF_INET6), to("0.0.0.0", %[1]d), *[to(h, %[1]d) for h in %[2]q.split()])
`, port, strings.Join(hosts, " "))
}

// ownAddresses are the IPv4 addresses of this machine beside loopback.
func ownAddresses() (out []string) {
	list, _ := net.InterfaceAddrs()
	for _, a := range list {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.To4() != nil && !ip.IP.IsLoopback() {
			out = append(out, ip.IP.String())
		}
	}
	return out
}

const allowed = "restricted_operations: [file_write, gpu]\nnetwork: allow\nnetwork_hosts: ['good.example:%d', 'private.example:%d']\n"

func TestACommandReachesExactlyThePermittedHosts(t *testing.T) {
	s := proxy.NewSite(t, page)
	port, touched := canary(t)
	x := newTrial(t, fmt.Sprintf(allowed, s.Port(), port), fmt.Sprintf(`
print(get("https://good.example:%[1]d/"))
print(get("https://evil.example:%[1]d/"))
print(get("https://8.8.8.8:%[1]d/"))
print(get("https://127.0.0.1:%[1]d/"))
print(get("https://localhost:%[2]d/"))
print(get("https://private.example:%[2]d/"))
print(get("http://good.example:%[1]d/"))
print(sorted((k, v) for k, v in os.environ.items() if "proxy" in k.lower() or "OFFLINE" in k))
t = time.time()
try: socket.getaddrinfo("good.example", 443)
except OSError as e: print("resolver:", "fast" if time.time() - t < 3 else "slow")
`, s.Port(), port)+direct(port, ownAddresses()))
	x.put("ca.crt", s.PEM())
	res, text := x.run()
	lines := strings.Split(text, "\n")
	for _, want := range []string{"hello", "evil.example:" + fmt.Sprint(s.Port()) + " is not in network_hosts", "addresses are never permitted", "private.example resolves to 10.0.0.1, which is private",
		"plain http is not relayed", "('HTTPS_PROXY', 'http://127.0.0.1:3128')", "('https_proxy', 'http://127.0.0.1:3128')", "('no_proxy', 'localhost,127.0.0.1')", "resolver: fast", "direct: EACCES EACCES EACCES"} {
		if !strings.Contains(text, want) {
			t.Errorf("not seen: %s", want)
		}
	}
	if lines[0] != "hello" || strings.Contains(text, "through") || strings.Contains(text, "OFFLINE") || strings.Contains(text, "callers.proxy") || touched.Load() > 0 || s.Conns() != 1 {
		t.Errorf("reached more than it may (canary %d, host %d)", touched.Load(), s.Conns())
	}
	verdicts := map[proxy.Verdict]int{}
	for _, d := range res.Network {
		verdicts[d.Verdict]++
		if d.Verdict == proxy.Allowed && (d.Host != "good.example" || d.Up == 0 || d.Down == 0 || d.At < 0 || d.Took <= 0 || d.Address == "") || d.Began != 0 {
			t.Errorf("%+v", d)
		}
	}
	if verdicts[proxy.Allowed] != 1 || verdicts[proxy.Refused] != 4 {
		t.Errorf("the report has %+v", res.Network)
	}
	if !x.told("evil.example refused") || x.told("good.example refused: good.example") || len(res.Proxy) < 3 {
		t.Errorf("told %q; the proxy is %q", x.notices, res.Proxy)
	}
	if !slices.ContainsFunc(res.Notes, func(n string) bool { return strings.Contains(n, "is set and not used") }) {
		t.Errorf("no note about the caller's proxy: %q", res.Notes)
	}
	if !slices.ContainsFunc(res.Weakened, func(n string) bool { return strings.Contains(n, "good.example") }) {
		t.Errorf("no weakening names the host: %q", res.Weakened)
	}
	if t.Failed() {
		t.Log(text)
	}
}

// The same ways past the proxy, without the layers that stop them: with the host's network they get through.
func TestWithTheHostsNetworkTheSameGetsThrough(t *testing.T) {
	port, touched := canary(t)
	x := newTrial(t, "restricted_operations: [file_write, gpu]\nnetwork: host\n", direct(port, nil))
	_, text := x.run()
	if !strings.Contains(text, "direct: through") || touched.Load() == 0 {
		t.Errorf("the attack is fake: %s", text)
	}
}

func TestProgramsUseTheVariables(t *testing.T) {
	s := proxy.NewSite(t, page)
	url := fmt.Sprintf("https://good.example:%d/", s.Port())
	for name, script := range map[string]string{
		"curl": `import subprocess; print(subprocess.run(["curl", "-sS", "--cacert", os.path.join(here, "ca.crt"), "` + url + `"], capture_output=True, text=True))`,
		"wget": `import subprocess; print(subprocess.run(["wget", "-qO-", "--ca-certificate=" + os.path.join(here, "ca.crt"), "` + url + `"], capture_output=True, text=True))`,
		"requests": `
import requests
print(requests.get("` + url + `", verify=os.path.join(here, "ca.crt"), timeout=20).text)
try: requests.get("https://evil.example/", timeout=20)
except Exception as e: print(e)`,
	} {
		t.Run(name, func(t *testing.T) {
			if name == "requests" {
				validatetest.Need(t, name, exec.Command("/usr/bin/python3", "-I", "-c", "import requests").Run())
			} else if _, err := exec.LookPath(name); err != nil {
				validatetest.Need(t, name, err)
			}
			x := newTrial(t, fmt.Sprintf(allowed, s.Port(), s.Port()), script)
			x.put("ca.crt", s.PEM())
			res, text := x.run()
			if !strings.Contains(text, "hello") || res.Network[0].Verdict != proxy.Allowed {
				t.Errorf("%s\n%+v", text, res.Network)
			}
			if name == "requests" && !strings.Contains(text, "403 loadlock: evil.example:443 is not in network_hosts") {
				t.Errorf("the refusal is not told: %s", text)
			}
		})
	}
}
