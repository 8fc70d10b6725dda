package proxy_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/loadlock/loadlock/runner/proxy"
	"golang.org/x/sys/unix"
)

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
