package policy

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// files writes the layers that have a text and returns where they are.
func files(t testing.TB, host, user, explicit string) Sources {
	t.Helper()
	dir := t.TempDir()
	s := Sources{Host: filepath.Join(dir, "host.yaml"), User: filepath.Join(dir, "user.yaml")}
	write := func(name, text string) {
		if text == "" {
			return
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(s.Host, host)
	write(s.User, user)
	if strings.Contains(explicit, "\n") {
		s.Explicit = filepath.Join(dir, "explicit.yaml")
		write(s.Explicit, explicit)
	} else {
		s.Explicit = explicit
	}
	return s
}

// wide is a host policy that leaves most things to the user.
const wide = `name: wide
extends: trust
trusted_domains: [example.com]
restricted_operations: []
network: host
sandbox_required: false
memory_limit_mb: 65536
timeout_seconds: 86400
`

func TestLayers(t *testing.T) {
	const twoWaivers = "waivers:\n  - {rule: a/b, sha256: " + someDigest + ", reason: host, expires: 2027-01-31}\n"
	for _, tt := range []struct {
		name, host, user, explicit string
		holds                      func(p Policy) bool
	}{
		{"nothing: safe", "", "", "", func(p Policy) bool { return p.Name == "safe" && p.Sandbox.MemoryMB == 8192 }},
		{"a template alone is what holds", "", "", "trust", func(p Policy) bool { return p.Name == "trust" && p.UnsafeUnknownGlobals }},
		{"a host file alone is what holds, also where it loosens", "memory_limit_mb: 65536\n", "", "", func(p Policy) bool { return p.Name == "host" && p.Sandbox.MemoryMB == 65536 }},
		{"a user file alone is what holds, also where it loosens", "", "memory_limit_mb: 65536\n", "", func(p Policy) bool { return p.Name == "user" && p.Sandbox.MemoryMB == 65536 }},
		{"the host is a ceiling for the user", "memory_limit_mb: 1000\n", "memory_limit_mb: 2000\ntimeout_seconds: 5\n", "", func(p Policy) bool {
			return p.Sandbox.MemoryMB == 1000 && p.Sandbox.TimeoutSec == 5 && p.Name == "user+host"
		}},
		{"the user is a ceiling for the command line", "", "memory_limit_mb: 1000\n", "memory_limit_mb: 2000\n\n", func(p Policy) bool { return p.Sandbox.MemoryMB == 1000 }},
		{"three layers: the tightest of each", "cpus: 1\n", "pids_limit: 9\n", "memory_limit_mb: 70\n\n", func(p Policy) bool {
			return p.Sandbox.CPUs == 1 && p.Sandbox.Pids == 9 && p.Sandbox.MemoryMB == 70
		}},
		{"what a ceiling inherits is part of it", "cpus: 1\n", "", "trust", func(p Policy) bool {
			return !p.UnsafeUnknownGlobals && p.RemoteCode == RemoteCodeWithhold && p.Unclaimed == UnclaimedWithhold
		}},
		{"a wide host leaves the user's policy alone", wide, "name: mine\ncpus: 3\n", "", func(p Policy) bool {
			return p.Sandbox.CPUs == 3 && p.Sandbox.MemoryMB == 8192 && !p.UnsafeUnknownGlobals
		}},
		{"a tighter template under a looser host stays tight", wide, "", "strict", func(p Policy) bool {
			return p.RequireModel && p.RemoteCode == RemoteCodeRefuse && p.Sandbox.Allow == Operations{} && p.Sandbox.Network == NetworkNone
		}},
		{"a ceiling that requires a model requires it", "require_model: true\n", "", "safe", func(p Policy) bool { return p.RequireModel }},
		{"a narrower domain survives a wider ceiling", wide, "trusted_domains: [models.example.com, notexample.com]\n", "", func(p Policy) bool {
			return len(p.TrustedDomains) == 1 && p.TrustedDomains[0] == "models.example.com"
		}},
		{"a wider domain shrinks to the ceiling", "trusted_domains: [models.example.com]\n", "trusted_domains: [example.com]\n", "", func(p Policy) bool {
			return len(p.TrustedDomains) == 1 && p.TrustedDomains[0] == "models.example.com"
		}},
		{"blocked domains add up", "blocked_domains: [a.example]\n", "blocked_domains: [b.example]\n", "", func(p Policy) bool { return len(p.BlockedDomains) == 2 }},
		{"sources are matched with their organisation", "trusted_sources: ['org/*']\n", "trusted_sources: [org/a, other/b]\n", "", func(p Policy) bool {
			return len(p.TrustedSources) == 1 && p.TrustedSources[0] == "org/a"
		}},
		{"extensions: a ceiling with a list limits any", "allowed_file_extensions: [.json]\n", "", "safe", func(p Policy) bool { return len(p.AllowedExtensions) == 1 }},
		{"extensions: a ceiling without a list leaves the list", "cpus: 1\n", "allowed_file_extensions: [.json]\n", "", func(p Policy) bool { return len(p.AllowedExtensions) == 1 }},
		{"a waiver that the ceiling lacks does not count", "cpus: 1\n", twoWaivers, "", func(p Policy) bool { return len(p.Waivers) == 0 }},
		{"a waiver that both have ends with the earlier date", twoWaivers, "waivers:\n  - {rule: a/b, sha256: " + someDigest + ", reason: user}\n", "", func(p Policy) bool {
			return len(p.Waivers) == 1 && p.Waivers[0].Expires == "2027-01-31" && p.Waivers[0].Reason == "user"
		}},
		{"a global may what both let it", "allowed_globals: [{name: a.B, may: [import, call], reason: h}]\n", "allowed_globals: [{name: a.B, may: [call, build], reason: u}, {name: a.C, may: [call], reason: u}]\n", "", func(p Policy) bool {
			return len(p.AllowedGlobals) == 1 && p.AllowedGlobals[0] == Global{"a", "B", false, true, false, "u"}
		}},
		{"a ceiling that permits unknown globals permits listed ones", wide, "allowed_globals: [{name: a.B, may: [call], reason: u}]\n", "", func(p Policy) bool { return len(p.AllowedGlobals) == 1 }},
		{"unknown globals shrink to the ceiling's list", "allowed_globals: [{name: a.B, may: [call], reason: h}]\n", "", "trust", func(p Policy) bool {
			return !p.UnsafeUnknownGlobals && len(p.AllowedGlobals) == 1
		}},
		{"optional layers: only those of both", wide, "optional_layers: [cgroup]\n", "", func(p Policy) bool { return len(p.Sandbox.UnsafeOptional) == 1 }},
		{"CPU time without a bound of its own takes the ceiling's", "cpu_time_seconds: 60\n", "", "safe", func(p Policy) bool { return p.Sandbox.CPUTimeSec == 60 }},
		{"CPU time under a ceiling without one stays", "cpus: 1\n", "cpu_time_seconds: 60\n", "", func(p Policy) bool { return p.Sandbox.CPUTimeSec == 60 }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, _ := load(t, files(t, tt.host, tt.user, tt.explicit))
			if !tt.holds(p) {
				t.Errorf("got %s", encode(p.tree()))
			}
		})
	}
}

func TestLayersWithoutACommonExtensionAreRefused(t *testing.T) {
	p, _, err := Load(files(t, "allowed_file_extensions: [.json]\n", "allowed_file_extensions: [.bin]\n", ""))
	if err == nil || !strings.Contains(err.Error(), "allowed_file_extensions: policies user and host have no extension in common") {
		t.Errorf("got %v with extensions %v; an empty list would permit every extension", err, p.AllowedExtensions)
	}
}

func TestProvenanceNamesLayersAndClips(t *testing.T) {
	s := files(t, "name: corp\ntimeout_seconds: 60\n", "memory_limit_mb: 600\n", "development")
	p, prov := load(t, s)
	if p.Name != "development+user+corp" {
		t.Errorf("name %s", p.Name)
	}
	var layers []string
	for _, l := range prov.Layers {
		layers = append(layers, l.Name)
		if !strings.HasPrefix(l.Digest, "sha256:") || len(l.Digest) != 71 {
			t.Errorf("layer %s has the digest %q", l.Name, l.Digest)
		}
	}
	if got := strings.Join(layers, " "); got != "host user builtin:development" {
		t.Errorf("layers %s", got)
	}
	if o := prov.Origin("timeout_seconds"); o.Layer != "host" || o.File != s.Host || o.Line != 2 || len(o.Clips) != 1 || o.Clips[0].By != "host" || o.Clips[0].Asked != int64(3600) {
		t.Errorf("timeout_seconds: %+v", o)
	}
	if o := prov.Origin("optional_layers"); o.Layer != "builtin:safe" || len(o.Clips) != 1 || o.Clips[0].By != "user" {
		t.Errorf("optional_layers: %+v", o)
	}
	if o := prov.Origin("network"); o.Layer != "builtin:safe" || len(o.Clips) != 0 {
		t.Errorf("network: %+v", o)
	}
	if n := len(prov.Clipped()); n != 6 { // allow_remote_code, remote_code, restricted_operations, optional_layers, timeout, memory
		t.Errorf("%d clipped keys: %+v", n, prov.Clipped())
	}
	got := effective(t, p, prov)
	for _, want := range []string{
		"# host " + s.Host + ":2; host tightened it from 3600\n",
		"# builtin:safe; user tightened it from [cgroup, landlock]\n",
		"# layer host: " + s.Host + ", sha256:",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestFilesThatAreNoPolicyAreRefused(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := syscall.Mkfifo(at("fifo.yaml"), 0o644); err != nil {
		t.Fatal(err)
	}
	huge, err := os.Create(at("huge.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(huge.Truncate(1<<30), huge.Close()); err != nil { // sparse
		t.Fatal(err)
	}
	write := func(name, text string, mode fs.FileMode) {
		if err := errors.Join(os.WriteFile(at(name), []byte(text), 0o600), os.Chmod(at(name), mode)); err != nil {
			t.Fatal(err)
		}
	}
	write("group.yaml", "cpus: 1\n", 0o664)
	write("world.yaml", "cpus: 1\n", 0o646)
	write("secret.yaml", "cpus: 1\n", 0o000)
	write("bad.yaml", "cpsu: 1\n", 0o644)
	absent := at("absent.yaml")
	for _, tt := range []struct {
		name string
		s    Sources
		want string
		root bool // root reads everything
	}{
		{"a folder", Sources{Explicit: dir}, dir + ": is a folder", false},
		{"a FIFO does not block", Sources{Explicit: at("fifo.yaml")}, at("fifo.yaml") + ": is not a regular file (FIFO)", false},
		{"a device", Sources{Explicit: "/dev/zero"}, "/dev/zero: is not a regular file (device)", false},
		{"a gigabyte", Sources{Explicit: at("huge.yaml")}, at("huge.yaml") + ": is larger than 1048576 bytes", false},
		{"an absent file that was named", Sources{Explicit: absent}, absent + ": cannot be read: no such file or directory", false},
		{"an unreadable file", Sources{Explicit: at("secret.yaml")}, at("secret.yaml") + ": cannot be read: permission denied", true},
		{"a host file that its group may write", Sources{Host: at("group.yaml")}, at("group.yaml") + ": may be written by others (mode 0664)", false},
		{"a host file that others may write", Sources{Host: at("world.yaml")}, at("world.yaml") + ": may be written by others (mode 0646)", false},
		{"a user file that others may write", Sources{User: at("world.yaml")}, at("world.yaml") + ": may be written by others", false},
		{"a host file that is a folder", Sources{Host: dir}, dir + ": is a folder", false},
		{"a host file that cannot be read is not an absent one", Sources{Host: at("secret.yaml")}, at("secret.yaml") + ": cannot be read", true},
		{"a host file below a file is not an absent one", Sources{Host: at("bad.yaml/policy.yaml")}, at("bad.yaml/policy.yaml") + ": cannot be read: not a directory", false},
		{"a fault in the host file stops every run", Sources{Host: at("bad.yaml"), Explicit: "safe"}, at("bad.yaml") + ":1:1: cpsu: unknown key; the nearest is cpus", false},
		{"an unknown template names the nearest", Sources{Explicit: "infrence"}, `no template is named "infrence"; the nearest is inference`, false},
		{"a file in the working directory is not looked up by its bare name", Sources{Explicit: "policy.go"}, `no template is named "policy.go"`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.root && os.Geteuid() == 0 {
				t.Skip("root reads every file")
			}
			if tt.s.Host == "" {
				tt.s.Host = absent
			}
			if tt.s.User == "" {
				tt.s.User = absent
			}
			done := make(chan struct{})
			go func() {
				defer close(done)
				p, prov, err := Load(tt.s)
				var e *Error
				if !errors.As(err, &e) || !strings.HasPrefix(e.Error(), tt.want) || e.Hint == "" {
					t.Errorf("got  %v\nwant %s, with a hint", err, tt.want)
				}
				if p.Name != "" || prov.Layers != nil {
					t.Error("a policy came with the error")
				}
			}()
			select {
			case <-done:
			case <-time.After(time.Minute):
				t.Fatal("still reading")
			}
		})
	}
}

func TestAUserFileOfOnesOwnGroupIsAccepted(t *testing.T) {
	s := files(t, "", "cpus: 3\n", "")
	if err := os.Chmod(s.User, 0o664); err != nil {
		t.Fatal(err)
	}
	if p, _ := load(t, s); p.Sandbox.CPUs != 3 {
		t.Errorf("cpus %v", p.Sandbox.CPUs)
	}
}

func TestTheUserFileIsNeverInTheWorkingDirectory(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("paths are written the Unix way")
	}
	for _, tt := range []struct{ name, xdg, home, want string }{
		{"the XDG folder", "/x", "/h", "/x/loadlock/policy.yaml"},
		{"the home folder without XDG", "", "/h", "/h/.config/loadlock/policy.yaml"},
		{"a relative XDG folder is ignored", "x", "/h", "/h/.config/loadlock/policy.yaml"},
		{"a dot as XDG folder is ignored", ".", "/h", "/h/.config/loadlock/policy.yaml"},
		{"a relative home is ignored", "", "h", ""},
		{"nothing known: no file", "", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env := map[string]string{"XDG_CONFIG_HOME": tt.xdg, "HOME": tt.home}
			if got := userFile(func(k string) string { return env[k] }); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestAPolicyInTheWorkingDirectoryIsNotRead(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, name := range []string{"policy.yaml", "safe", "safe.yaml", ".loadlock.yaml"} {
		if err := os.WriteFile(name, []byte("name: evil\nextends: trust\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, explicit := range []string{"", "safe"} {
		if p, _ := load(t, nowhere(t, explicit)); p.Name != "safe" {
			t.Errorf("--policy %q read %s", explicit, p.Name)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	for _, bb := range []struct{ name, host, user, explicit string }{
		{"safe", "", "", ""},
		{"ci", "", "", "ci"},
		{"three layers", wide, "memory_limit_mb: 600\n", "name: x\ncpus: 1\n"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			s := files(b, bb.host, bb.user, bb.explicit)
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := Load(s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
