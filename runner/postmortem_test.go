package runner

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/isolate"
	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/runner/advise"
)

// failed is a run that has ended badly, in a box that was planned as usual for a script in folder.
func failed(t *testing.T, folder, home string, env ...string) *run {
	t.Helper()
	p, _, err := policy.Load(policy.Sources{Explicit: "safe", Host: "/nonexistent", User: "/nonexistent"})
	if err != nil {
		t.Fatal(err)
	}
	return &run{policy: p, job: Job{Home: home, Dir: folder, Env: env}, res: &Result{Exit: &isolate.Exit{Code: 1}, Status: 1},
		spec: isolate.Spec{Dir: folder, Sandbox: p.Sandbox, Etc: etcFiles,
			Binds: []isolate.Bind{{Source: "/usr", Target: "/usr", Exec: true}, {Source: folder, Target: folder}},
			Masks: []string{filepath.Join(folder, ".env")}}}
}

func put(t *testing.T, path, text string, mode os.FileMode) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAMessageIsComparedWithHostAndPlan(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(root, "home")
	folder := filepath.Join(home, "proj")
	put(t, filepath.Join(folder, "load.py"), "", 0o644)
	put(t, filepath.Join(folder, "bin", "tool"), "", 0o755)
	put(t, filepath.Join(folder, ".env"), "TOKEN=1", 0o644)
	put(t, filepath.Join(root, "data", "a.bin"), "", 0o644)
	put(t, filepath.Join(root, "mixed", "a.bin"), "", 0o644)
	put(t, filepath.Join(root, "mixed", "server.key"), "", 0o600)
	put(t, filepath.Join(home, ".aws", "credentials"), "", 0o600)
	put(t, filepath.Join(home, ".bashrc"), "", 0o644)
	put(t, filepath.Join(home, ".cache", "huggingface", "hub", "config.json"), "", 0o644)
	put(t, filepath.Join(home, ".cache", "huggingface", "token"), "", 0o600)
	r := failed(t, folder, home, "DATA=/x", "API_KEY=v", "LD_PRELOAD=x")
	enoent := func(p string) string { return "FileNotFoundError: [Errno 2] No such file or directory: '" + p + "'" }
	erofs := func(p string) string { return "OSError: [Errno 30] Read-only file system: '" + p + "'" }
	eacces := func(p string) string { return "PermissionError: [Errno 13] Permission denied: '" + p + "'" }
	key := func(n string) string {
		return "Traceback (most recent call last):\n  File \"<frozen os>\", line 679, in __getitem__\nKeyError: '" + n + "'"
	}
	for _, tt := range []struct {
		tail string
		want advise.Obstacle
	}{
		{enoent(root + "/data/a.bin"), advise.Obstacle{Kind: advise.PathOutside, What: root + "/data/a.bin", Show: root + "/data"}},
		{enoent(root + "/data"), advise.Obstacle{Kind: advise.PathOutside, What: root + "/data", Show: root + "/data"}},
		{enoent(root + "/mixed/a.bin"), advise.Obstacle{Kind: advise.PathOutside, What: root + "/mixed/a.bin", Show: root + "/mixed/a.bin"}},
		{enoent(home + "/.aws/credentials"), advise.Obstacle{Kind: advise.PathSecret, What: home + "/.aws/credentials"}},
		{enoent(home + "/.bashrc"), advise.Obstacle{Kind: advise.PathSecret, What: home + "/.bashrc"}},
		{enoent(home), advise.Obstacle{Kind: advise.PathSecret, What: home}},
		{enoent(folder + "/.env"), advise.Obstacle{Kind: advise.PathSecret, What: folder + "/.env"}},
		{enoent("/etc/shadow"), advise.Obstacle{Kind: advise.PathSecret, What: "/etc/shadow"}},
		{enoent(home + "/.cache/huggingface/token"), advise.Obstacle{Kind: advise.PathSecret, What: home + "/.cache/huggingface/token"}},
		{enoent(home + "/.cache/huggingface/hub/config.json"), advise.Obstacle{Kind: advise.PathOutside, What: home + "/.cache/huggingface/hub/config.json", Show: home + "/.cache/huggingface/hub"}},
		{enoent(root + "/typo/x"), advise.Obstacle{Kind: advise.PathNowhere, What: root + "/typo/x"}},
		{erofs(folder + "/out.txt"), advise.Obstacle{Kind: advise.PathReadOnly, What: folder + "/out.txt", Show: folder}},
		{erofs("out.txt"), advise.Obstacle{Kind: advise.PathReadOnly, What: folder + "/out.txt", Show: folder}},
		{erofs(folder + "/new/out.txt"), advise.Obstacle{Kind: advise.PathReadOnly, What: folder + "/new/out.txt", Show: folder, Output: folder + "/new"}},
		{erofs("/usr/lib/x"), advise.Obstacle{Kind: advise.PathSystem, What: "/usr/lib/x"}},
		{enoent(root + "/data/new.txt"), advise.Obstacle{Kind: advise.PathReadOnly, What: root + "/data/new.txt", Show: root + "/data"}},
		{"/usr/bin/sh: 1: " + folder + "/bin/tool: Permission denied", advise.Obstacle{Kind: advise.PathInert, What: folder + "/bin/tool"}},
		{eacces("/tmp/x/prog"), advise.Obstacle{}},
		{"OSError: /tmp/k.so: failed to map segment from shared object", advise.Obstacle{Kind: advise.PathNoExec, What: "/tmp/k.so"}},
		{"OSError: " + folder + "/ext.so: failed to map segment from shared object", advise.Obstacle{Kind: advise.PathInert, What: folder + "/ext.so"}},
		{key("DATA"), advise.Obstacle{Kind: advise.EnvNotPassed, What: "DATA"}},
		{key("API_KEY"), advise.Obstacle{Kind: advise.EnvSecret, What: "API_KEY"}},
		{key("LD_PRELOAD"), advise.Obstacle{Kind: advise.EnvRefused, What: "LD_PRELOAD"}},
		{key("NOBODY"), advise.Obstacle{Kind: advise.EnvNowhere, What: "NOBODY"}},
		{"OSError: [Errno 28] No space left on device: '/tmp/x'", advise.Obstacle{Kind: advise.Tmp, What: "1024 MiB"}},
		{"OSError: [Errno 28] No space left on device: '/dev/shm/x'", advise.Obstacle{Kind: advise.Shm, What: "1024 MiB"}},
		{"nothing to see", advise.Obstacle{}},
	} {
		var got advise.Obstacle
		if list := r.postmortem([]byte(tt.tail)); len(list) > 0 {
			got = list[0]
		}
		if got.Kind != tt.want.Kind || got.What != tt.want.What || got.Show != tt.want.Show || got.Output != tt.want.Output {
			t.Errorf("%s\n  got  %+v\n  want %+v", tt.tail, got, tt.want)
		}
	}
}

func TestLimitsThatTheKernelNamesComeFirst(t *testing.T) {
	r := failed(t, t.TempDir(), "/home/nobody")
	pids := int64(7)
	r.policy.Sandbox.Pids, r.job.Flags.Pids = pids, &pids
	r.res.Exit.Usage.PidsDenied = 3
	list := r.postmortem([]byte("RuntimeError: can't start new thread\n"))
	if len(list) != 1 || list[0].Kind != advise.Pids || list[0].What != "7" || list[0].Flag != "--pids" {
		t.Errorf("%+v", list)
	}
	r.res.Exit = &isolate.Exit{OOM: true, Signal: 9}
	if list = r.postmortem(nil); len(list) != 1 || list[0].Kind != advise.Memory {
		t.Errorf("%+v", list)
	}
	r.res.Exit = &isolate.Exit{TimedOut: true}
	if list = r.postmortem(nil); len(list) != 1 || list[0].Kind != advise.Timeout {
		t.Errorf("%+v", list)
	}
}

// Hostile code writes what it likes: the report stays small, and nothing but names gets into it.
func TestMessagesOfHostileCodeStaySmall(t *testing.T) {
	r := failed(t, t.TempDir(), "/home/nobody")
	var b strings.Builder
	for i := range 5000 {
		b.WriteString("FileNotFoundError: [Errno 2] No such file or directory: '/usr/" + strings.Repeat("x", i%700) + "/" + strings.Repeat("y", i%9) + "'\n")
	}
	list := r.postmortem([]byte(b.String()))
	if len(list) > maxObstacles {
		t.Errorf("%d obstacles", len(list))
	}
	if slices.ContainsFunc(list, func(o advise.Obstacle) bool { return len(o.What) > 1024 || len(o.Text) > 100 }) {
		t.Error("a message's own text is in the report")
	}
}

func TestAWidenedPolicyIsOneLineAKey(t *testing.T) {
	p, _, err := policy.Load(policy.Sources{Explicit: "strict", Host: "/nonexistent", User: "/nonexistent"})
	if err != nil {
		t.Fatal(err)
	}
	res := Result{Exit: &isolate.Exit{Code: 1}, Status: 1, Policy: PolicyResult{Name: "strict", Effective: p}, Obstacles: []advise.Obstacle{
		{Kind: advise.Process}, {Kind: advise.PathNoExec, What: "/tmp/k.so"}, {Kind: advise.PathOutside, What: "/data/x", Show: "/data"},
		{Kind: advise.Host, What: "huggingface.co"}, {Kind: advise.Host, What: "cdn-lfs.huggingface.co"}, {Kind: advise.Listen}}}
	l := &learning{hidden: []hiddenPath{{"/home/u/.ssh/id_rsa", "keys"}}}
	got := l.proposal(res)
	file := filepath.Join(t.TempDir(), "learned.yaml")
	if err := os.WriteFile(file, []byte(got.YAML()), 0o600); err != nil {
		t.Fatal(err)
	}
	q, _, err := policy.Load(policy.Sources{Explicit: file, Host: "/nonexistent", User: "/nonexistent"})
	if err != nil {
		t.Fatalf("%v\n%s", err, got.YAML())
	}
	want := policy.Operations{Subprocess: true, NativeCode: true, NetworkAccess: true}
	if q.Sandbox.Allow != want || !q.Sandbox.ExtraRead || q.Sandbox.Network != policy.NetworkAllow || len(q.Sandbox.NetworkHosts) != 2 || q.Sandbox.Output || !q.RequireModel {
		t.Errorf("%+v\n%s", q.Sandbox, got.YAML())
	}
	for _, c := range got.Lines {
		if c.Cost == "" || c.Why == "" {
			t.Errorf("a wider line without its cost: %+v", c)
		}
	}
	if len(got.Flags) != 2 || got.Flags[1].New != "--net allow:cdn-lfs.huggingface.co,huggingface.co" || len(got.Never) != 1 {
		t.Errorf("%+v\n%+v", got.Flags, got.Never)
	}
	if !slices.ContainsFunc(got.Notes, func(n string) bool { return strings.Contains(n, "serve on port") }) {
		t.Errorf("a port that nothing named: %q", got.Notes)
	}
}

// A proposal that is made under a file of one's own, or under a ceiling, gives nothing back of what that took away.
func TestAProposalKeepsWhatThePolicyTookAway(t *testing.T) {
	dir := t.TempDir()
	own := put(t, filepath.Join(dir, "own.yaml"), "extends: safe\nname: own\nmemory_limit_mb: 512\nrestricted_operations: [network_access, subprocess, file_write, gpu]\nscan: {max_files: 7}\noutput: false\n", 0o600)
	p, _, err := policy.Load(policy.Sources{Explicit: own, Host: "/nonexistent", User: "/nonexistent"})
	if err != nil {
		t.Fatal(err)
	}
	for _, obstacles := range [][]advise.Obstacle{nil, {{Kind: advise.Process}}} {
		res := Result{Exit: &isolate.Exit{Code: 1}, Status: 1, Policy: PolicyResult{Name: "own", Effective: p}, Obstacles: obstacles}
		text := (&learning{}).proposal(res).YAML()
		q, _, err := policy.Load(policy.Sources{Explicit: put(t, filepath.Join(dir, "learned.yaml"), text, 0o600), Host: "/nonexistent", User: "/nonexistent"})
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		want := p
		want.Name, want.Description = q.Name, q.Description
		want.Sandbox.Allow.Subprocess = len(obstacles) > 0
		if q.Digest() != want.Digest() {
			t.Errorf("another policy than the one that held and the proposed line:\n%s", text)
		}
	}
}
