package proxy_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/loadlock/loadlock/isolate"
	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/runner"
	"github.com/loadlock/loadlock/runner/proxy"
	"github.com/loadlock/loadlock/validate/validatetest"
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
