package proxy_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loadlock/loadlock/runner"
	"github.com/loadlock/loadlock/runner/proxy"
)

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
