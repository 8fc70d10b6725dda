package proxy_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/loadlock/loadlock/isolate"
	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/runner"
	"github.com/loadlock/loadlock/runner/proxy"
	"github.com/loadlock/loadlock/validate/validatetest"
	"golang.org/x/sys/unix"
)

func init() { isolate.Init() } // this test binary is also the program that libcontainer re-executes

const superviseStage = "LOADLOCK_TEST_SUPERVISE"

// TestMain makes this test binary what it is started as.
func TestMain(m *testing.M) {
	switch {
	case isolate.IsCell():
		if err := runner.ServeCell(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	case isolate.IsNetCell():
		if err := proxy.Serve(proxy.OutsideOfTests()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	case os.Getenv(superviseStage) != "":
		dir := os.Getenv(superviseStage)
		job := runner.Job{Command: []string{"/usr/bin/python3", "-I", filepath.Join(dir, "script.py")}, Dir: dir, Policy: sources(dir),
			Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
		res, err := runner.Run(context.Background(), job)
		fmt.Fprintln(os.Stderr, err)
		os.Exit(res.Status)
	}
	os.Exit(m.Run())
}

func sources(dir string) policy.Sources {
	return policy.Sources{Host: filepath.Join(dir, "absent"), User: filepath.Join(dir, "absent"), Explicit: filepath.Join(dir, "policy.yaml")}
}

// trial is a run of a Python script in a box.
type trial struct {
	t       *testing.T
	dir     string
	job     runner.Job
	out     *os.File
	mu      sync.Mutex
	notices []string
}

func newTrial(t *testing.T, policyText, script string) *trial {
	t.Helper()
	for _, c := range isolate.Doctor() {
		if c.Status == isolate.Missing && slices.Contains([]string{"user", "mount", "pid", "net", "seccomp", "landlock"}, c.Name) {
			validatetest.Need(t, c.Name, errors.New(c.Detail))
		}
	}
	if _, err := os.Stat("/usr/bin/python3"); err != nil {
		validatetest.Need(t, "python", err)
	}
	dir, err := os.MkdirTemp("/var/tmp", "loadlock-net")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	x := &trial{t: t, dir: dir}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	x.put("script.py", []byte(prelude+script))
	x.put("policy.yaml", []byte("extends: safe\noptional_layers: [cgroup]\n"+policyText))
	if x.out, err = os.Create(filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.out.Close() })
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { null.Close() })
	x.job = runner.Job{Command: []string{"/usr/bin/python3", "-I", filepath.Join(dir, "script.py")}, Dir: dir, Policy: sources(dir), Env: []string{"PATH=/usr/bin:/bin", "HTTPS_PROXY=http://callers.proxy:1", "https_proxy=http://callers.proxy:1"},
		Stdin: null, Stdout: x.out, Stderr: x.out, Notice: func(s string) {
			x.mu.Lock()
			defer x.mu.Unlock()
			x.notices = append(x.notices, s)
		}}
	return x
}

func (x *trial) put(name string, content []byte) {
	x.t.Helper()
	if err := os.WriteFile(filepath.Join(x.dir, name), content, 0o644); err != nil {
		x.t.Fatal(err)
	}
}

func (x *trial) run() (runner.Result, string) {
	x.t.Helper()
	res, err := runner.Run(x.t.Context(), x.job)
	text, _ := os.ReadFile(x.out.Name())
	if err != nil {
		x.t.Fatalf("%v\n%s", err, text)
	}
	return res, string(text)
}

func (x *trial) told(part string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.ContainsFunc(x.notices, func(s string) bool { return strings.Contains(s, part) })
}

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

const serverScript = `
import http.server
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = (self.path + " " + " ".join(ways())).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def log_message(self, *a): pass
def ways():
    return [to("127.0.0.1", %[1]d), to("192.0.2.1", 443), get("https://good.example:443/")[:40]]
for port in (8000, 8001):
    try: s = http.server.ThreadingHTTPServer(("%[2]s", port), H)
    except OSError as e: print("bind", port, errno.errorcode[e.errno], flush=True)
    else: server = s
server.serve_forever()
`

func TestAPublishedServerIsReachedAndReachesNobody(t *testing.T) {
	for _, bind := range []string{"127.0.0.1", "0.0.0.0"} {
		port, touched := canary(t)
		x := newTrial(t, "", fmt.Sprintf(serverScript, port, bind))
		p, err := runner.ParsePublish("0:8000")
		if err != nil {
			t.Fatal(err)
		}
		x.job.Publish = []runner.Publish{p}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ended := make(chan runner.Result)
		go func() {
			res, err := runner.Run(ctx, x.job)
			if err != nil && ctx.Err() == nil {
				t.Error(err)
			}
			ended <- res
		}()
		at := x.published()
		body := fetch(t, "http://"+at+"/first")
		if body != "/first EACCES ENETUNREACH "+"URLError(gaierror(-2, 'Name or service " && !strings.HasPrefix(body, "/first EACCES EACCES ") {
			t.Errorf("%s: got %q", bind, body)
		}
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() {
				if got := fetch(t, fmt.Sprintf("http://%s/%d", at, i)); !strings.HasPrefix(got, fmt.Sprintf("/%d EACCES", i)) {
					t.Errorf("%d: %q", i, got)
				}
			})
		}
		all.Wait()
		cancel()
		res := <-ended
		text, _ := os.ReadFile(x.out.Name())
		if !strings.Contains(string(text), "bind 8001 EACCES") || touched.Load() > 0 {
			t.Errorf("another port was bound, or the canary touched (%d): %s", touched.Load(), text)
		}
		var count int64
		for _, d := range res.Network {
			if d.Verdict == proxy.Published {
				count += d.Count
			}
		}
		if count != 51 {
			t.Errorf("%d published connections in the report: %+v", count, res.Network)
		}
		if c, err := net.Dial("tcp", at); err == nil {
			c.Close()
			t.Error("the port is open after the end")
		}
	}
}

// published waits until the run says where its port is.
func (x *trial) published() string {
	x.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		x.mu.Lock()
		for _, n := range x.notices {
			if rest, ok := strings.CutPrefix(n, "published: "); ok {
				x.mu.Unlock()
				at, _, _ := strings.Cut(rest, " ")
				return at
			}
		}
		x.mu.Unlock()
	}
	x.t.Fatal("nothing is published")
	return ""
}

// fetch gets a page of a server that may still be starting.
func fetch(t *testing.T, url string) string {
	var last error
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		r, err := (&http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}).Get(url)
		if last = err; err == nil {
			defer r.Body.Close()
			raw, err := io.ReadAll(r.Body)
			if err == nil {
				return string(raw)
			}
		}
	}
	t.Error(last)
	return ""
}

func TestAPortThatIsTakenIsToldBeforeAnythingRuns(t *testing.T) {
	port, _ := canary(t)
	x := newTrial(t, "", "print('ran')")
	p, err := runner.ParsePublish(fmt.Sprintf("%d:8000", port))
	if err != nil {
		t.Fatal(err)
	}
	x.job.Publish = []runner.Publish{p}
	res, err := runner.Run(t.Context(), x.job)
	if err == nil || res.Status != 125 || !strings.Contains(res.Error.Message, "address already in use") || !strings.Contains(res.Error.Hint, "ss -ltnp") {
		t.Errorf("%v: %+v", err, res.Error)
	}
	if raw, _ := os.ReadFile(x.out.Name()); len(raw) > 0 {
		t.Errorf("it ran: %s", raw)
	}
}

func TestPublishingToOtherMachinesNeedsThePolicyAndIsSaid(t *testing.T) {
	p, err := runner.ParsePublish("0.0.0.0:0:8000")
	if err != nil {
		t.Fatal(err)
	}
	x := newTrial(t, "", "print('ran')")
	x.job.Publish = []runner.Publish{p}
	if res, err := runner.Run(t.Context(), x.job); err == nil || res.Status != 125 || !strings.Contains(err.Error(), "the policy says publish: loopback") {
		t.Errorf("%v", err)
	}
	x = newTrial(t, "publish: any\n", "print('ran')")
	x.job.Publish = []runner.Publish{p}
	res, _ := x.run()
	if !slices.ContainsFunc(res.Weakened, func(s string) bool { return strings.Contains(s, "port 8000 inside is reachable from other machines") }) {
		t.Errorf("%q", res.Weakened)
	}
}

// netCells are the proxies of a supervisor.
func netCells(t *testing.T, parent int) (pids []int) {
	t.Helper()
	names, _ := filepath.Glob("/proc/[0-9]*/status")
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil || !bytes.Contains(raw, fmt.Appendf(nil, "\nPPid:\t%d\n", parent)) {
			continue
		}
		if line, _ := os.ReadFile(filepath.Join(filepath.Dir(name), "cmdline")); bytes.HasSuffix(line, []byte("\x00netcell\x00")) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
			pids = append(pids, pid)
		}
	}
	return pids
}

func TestWhenTheProxyDiesNothingIsReachedAndTheReportSaysSo(t *testing.T) {
	s := proxy.NewSite(t, page)
	x := newTrial(t, fmt.Sprintf(allowed, s.Port(), s.Port()), fmt.Sprintf(`
url = "https://good.example:%d/"
print(get(url), flush=True)
open(os.path.join(here, "out")).read()
for _ in range(300):
    time.sleep(0.1)
    if get(url) != "hello": break
print(get(url)); print("done")
`, s.Port()))
	x.put("ca.crt", s.PEM())
	go func() {
		for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			if raw, _ := os.ReadFile(x.out.Name()); strings.HasPrefix(string(raw), "hello") {
				for _, pid := range netCells(t, os.Getpid()) {
					_ = unix.Kill(pid, unix.SIGKILL)
				}
				return
			}
		}
	}()
	res, text := x.run()
	if !strings.Contains(text, "hello\n") || !strings.Contains(text, "done") || strings.Count(text, "hello") != 1 {
		t.Errorf("observed %q", text)
	}
	if !slices.ContainsFunc(res.Notes, func(n string) bool {
		return strings.Contains(n, "the proxy ended before the command") && strings.Contains(n, "killed")
	}) {
		t.Errorf("the report does not say it: %q", res.Notes)
	}
}

// A killed supervisor takes the proxy along, even one that was stopped and cannot see the end of its socket.
func TestTheProxyDiesWithItsSupervisor(t *testing.T) {
	for _, stopped := range []bool{false, true} {
		s := proxy.NewSite(t, page)
		x := newTrial(t, fmt.Sprintf(allowed, s.Port(), s.Port()), "print('up', flush=True); time.sleep(600)")
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = []string{superviseStage + "=" + x.dir}
		cmd.Stdout, cmd.Stderr = x.out, x.out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
			raw, _ := os.ReadFile(x.out.Name())
			if strings.Contains(string(raw), "up") {
				break
			}
			if time.Now().After(end) {
				_ = cmd.Process.Kill()
				t.Fatalf("it does not start: %s", raw)
			}
		}
		cells := netCells(t, cmd.Process.Pid)
		if len(cells) != 1 {
			t.Fatalf("%d proxies", len(cells))
		}
		if stopped {
			if err := unix.Kill(cells[0], unix.SIGSTOP); err != nil {
				t.Fatal(err)
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", cells[0]))
			if err != nil || bytes.Contains(state, []byte(") Z ")) {
				break
			}
			if time.Now().After(end) {
				_ = unix.Kill(cells[0], unix.SIGKILL)
				t.Fatalf("the proxy lives on (stopped: %t)", stopped)
			}
		}
	}
}
