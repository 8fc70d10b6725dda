package policy

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"
)

func ptr[T any](v T) *T { return &v }

func TestFlagsLowerLimits(t *testing.T) {
	p, prov := load(t, nowhere(t, "safe"))
	low, lowProv, err := prov.WithFlags(p, Flags{MemoryMB: ptr(int64(100)), Pids: ptr(int64(7)), TimeoutSec: ptr(int64(5)), CPUTimeSec: ptr(int64(3)), TmpMB: ptr(int64(2)), ShmMB: ptr(int64(1)),
		CPUs: ptr(0.5), Network: ptr(NetworkNone), Output: true, ExtraRead: true})
	if err != nil {
		t.Fatal(err)
	}
	want := p.Sandbox
	want.MemoryMB, want.Pids, want.TimeoutSec, want.CPUTimeSec, want.TmpMB, want.ShmMB, want.CPUs = 100, 7, 5, 3, 2, 1, 0.5
	q := p
	q.Sandbox = want
	if low.Digest() != q.Digest() {
		t.Errorf("got %s", encode(low.tree()))
	}
	if o := lowProv.Origin("memory_limit_mb"); o.Layer != "flag" || o.String() != "flag --memory" || o.Clips[0].Asked != int64(8192) {
		t.Errorf("origin of memory_limit_mb: %+v", o)
	}
	if o := lowProv.Origin("network"); o.Layer != "builtin:safe" {
		t.Errorf("--net none changes nothing, and yet: %+v", o)
	}
	if o := prov.Origin("memory_limit_mb"); o.Layer != "builtin:safe" || len(o.Clips) > 0 {
		t.Errorf("the provenance that was given changed: %+v", o)
	}
	if plain, err := p.WithFlags(Flags{MemoryMB: ptr(int64(100))}); err != nil || plain.Sandbox.MemoryMB != 100 {
		t.Errorf("without provenance: %v, %d MiB", err, plain.Sandbox.MemoryMB)
	}
}

func TestFlagsAtThePolicysOwnValueAreAccepted(t *testing.T) {
	p, _ := load(t, files(t, "", wide, ""))
	if _, err := p.WithFlags(Flags{MemoryMB: ptr(int64(65536)), CPUs: ptr(64.0), Network: ptr(NetworkHost), ExtraWrite: true, GPU: true}); err != nil {
		t.Error(err)
	}
	if low, err := p.WithFlags(Flags{Network: ptr(NetworkNone)}); err != nil || low.Sandbox.Network != NetworkNone {
		t.Errorf("--net none under network: host: %v, %v", err, low.Sandbox.Network)
	}
}

func TestFlagsThatAskForMoreAreRefused(t *testing.T) {
	builtin := nowhere(t, "strict")
	file := files(t, "", "", "name: x\nextends: strict\nmemory_limit_mb: 600\n")
	clipped := files(t, "memory_limit_mb: 600\n", "", "safe")
	for _, tt := range []struct {
		name       string
		s          Sources
		f          Flags
		want, hint string
	}{
		{"memory above a template", builtin, Flags{MemoryMB: ptr(int64(4097))}, "memory_limit_mb: --memory 4097 is not permitted: the policy says memory_limit_mb: 4096 (policy strict, from builtin:strict)",
			"write a policy file with `extends: strict` that can raise memory_limit_mb, and give it with --policy ./FILE.yaml"},
		{"memory above a file", file, Flags{MemoryMB: ptr(int64(700))}, "memory_limit_mb: --memory 700 is not permitted: the policy says memory_limit_mb: 600 (policy x, from file " + file.Explicit + ":3)",
			"raise memory_limit_mb in " + file.Explicit},
		{"memory above a ceiling", clipped, Flags{MemoryMB: ptr(int64(700))}, "memory_limit_mb: --memory 700 is not permitted: the policy says memory_limit_mb: 600 (policy safe+host, from host " + clipped.Host + ":1)",
			"the host policy " + clipped.Host + " is a ceiling"},
		{"processes", builtin, Flags{Pids: ptr(int64(513))}, "pids_limit: --pids 513 is not permitted", ""},
		{"time", builtin, Flags{TimeoutSec: ptr(int64(901))}, "timeout_seconds: --timeout 901 is not permitted", ""},
		{"processors", builtin, Flags{CPUs: ptr(65.0)}, "cpus: --cpus 65 is not permitted: the policy says cpus: 64", ""},
		{"the host's network", builtin, Flags{Network: ptr(NetworkHost)}, "network: --net host is not permitted: the policy says network: none", "that can change network"},
		{"hosts under a template", builtin, Flags{Network: ptr(NetworkAllow), NetworkHosts: []string{"huggingface.co", "*.example.org:443"}},
			"network: --net allow:*.example.org,huggingface.co is not permitted: the policy says network: none",
			"extends: strict / network: allow / network_hosts: [\"*.example.org\", huggingface.co] / restricted_operations: [subprocess, file_write, native_code, gpu], and give it"},
		{"hosts under a ceiling", files(t, "name: x\nnetwork: none\n", "", hostsFile), Flags{Network: ptr(NetworkAllow), NetworkHosts: []string{"a.org"}}, "network: --net allow:a.org is not permitted: the policy says network: none (policy", "is a ceiling"},
		{"a host that is not listed", files(t, "", "", hostsFile), Flags{Network: ptr(NetworkAllow), NetworkHosts: []string{"a.org", "c.org"}}, "network_hosts: --net allow:c.org is not permitted: the policy says network_hosts: [", "add the host to network_hosts in"},
		{"a domain wider than the listed one", files(t, "", "", hostsFile), Flags{Network: ptr(NetworkAllow), NetworkHosts: []string{"*.b.org"}}, "network_hosts: --net allow:*.b.org is not permitted", ""},
		{"another port", files(t, "", "", hostsFile), Flags{Network: ptr(NetworkAllow), NetworkHosts: []string{"a.org:444"}}, "network_hosts: --net allow:a.org:444 is not permitted", ""},
		{"no host", builtin, Flags{Network: ptr(NetworkAllow)}, "--net allow: names no host", ""},
		{"an address", builtin, Flags{Network: ptr(NetworkAllow), NetworkHosts: []string{"127.0.0.1"}}, `--net allow: "127.0.0.1" is an address, not a name`, ""},
		{"publishing under strict", builtin, Flags{Publish: PublishLoopback}, "publish: --publish is not permitted: the policy says publish: none", "that can change publish"},
		{"publishing to other machines", nowhere(t, "safe"), Flags{Publish: PublishAny}, "publish: --publish at an address that other machines reach is not permitted: the policy says publish: loopback", ""},
		{"an output folder", builtin, Flags{Output: true}, "output: --output is not permitted: the policy says output: false", ""},
		{"files of the host", builtin, Flags{ExtraRead: true}, "extra_read: --ro is not permitted", ""},
		{"writing to the host", builtin, Flags{ExtraWrite: true}, "restricted_operations: --rw is not permitted: the policy says restricted_operations: [network_access, subprocess, file_write, native_code, gpu]", "that can shorten restricted_operations"},
		{"a GPU", builtin, Flags{GPU: true}, "restricted_operations: --gpu is not permitted", ""},
		{"no memory", builtin, Flags{MemoryMB: ptr(int64(0))}, "--memory: 0 is outside 1 to 16777216", ""},
		{"negative time", builtin, Flags{TimeoutSec: ptr(int64(-1))}, "--timeout: -1 is outside", ""},
		{"processors that are not a number", builtin, Flags{CPUs: ptr(math.NaN())}, "--cpus: NaN is outside", ""},
		{"CPU time zero, which would lift the bound", builtin, Flags{CPUTimeSec: ptr(int64(0))}, "--cpu-time: 0 would mean no limit", ""},
		{"a network that does not exist", builtin, Flags{Network: ptr(Network(7))}, "network: --net is not permitted", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, prov := load(t, tt.s)
			low, _, err := prov.WithFlags(p, tt.f)
			var e *Error
			if !errors.As(err, &e) || !strings.HasPrefix(e.Error(), tt.want) || !strings.Contains(e.Hint, tt.hint) {
				t.Fatalf("got  %v (hint %q)\nwant %s (hint %q)", err, e.Hint, tt.want, tt.hint)
			}
			if low.Name != "" {
				t.Error("a policy came with the error")
			}
			if _, err := p.WithFlags(tt.f); err == nil {
				t.Error("without provenance it is permitted")
			}
		})
	}
}

// hostsFile is a policy that permits some hosts.
const hostsFile = "name: x\nnetwork: allow\nnetwork_hosts: [a.org, \"*.a.b.org\", d.org:8443]\nrestricted_operations: [gpu]\n"

func TestNetChoosesAmongTheHostsOfThePolicy(t *testing.T) {
	for _, tt := range []struct {
		name, policy string
		flags        Flags
		want         string
	}{
		{"as the policy says", hostsFile, Flags{}, `[*.a.b.org a.org d.org:8443]`},
		{"fewer", hostsFile, Flags{Network: ptr(NetworkAllow), NetworkHosts: []string{"a.org:443"}}, `[a.org]`},
		{"one below a wildcard", hostsFile, Flags{Network: ptr(NetworkAllow), NetworkHosts: []string{"x.a.b.org", "d.org:8443"}}, `[d.org:8443 x.a.b.org]`},
		{"none", hostsFile, Flags{Network: ptr(NetworkNone)}, `[]`},
		{"any host where the policy gives the host's network", "name: y\nnetwork: host\nrestricted_operations: []\n", Flags{Network: ptr(NetworkAllow), NetworkHosts: []string{"q.org"}}, `[q.org]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, prov := load(t, files(t, "", "", tt.policy))
			low, lowProv, err := prov.WithFlags(p, tt.flags)
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(low.Sandbox.NetworkHosts); got != tt.want || (low.Sandbox.Network == NetworkAllow) != (tt.want != "[]") {
				t.Errorf("got %s (network %d), want %s", got, low.Sandbox.Network, tt.want)
			}
			effective(t, low, lowProv)
		})
	}
}

func TestAHostIsMatchedExactly(t *testing.T) {
	for _, tt := range []struct {
		pattern, name string
		port          uint16
		want          bool
	}{
		{"huggingface.co", "huggingface.co", 443, true},
		{"huggingface.co", "huggingface.co", 80, false},
		{"huggingface.co:80", "huggingface.co", 80, true},
		{"huggingface.co", "cdn.huggingface.co", 443, false},
		{"huggingface.co", "nothuggingface.co", 443, false},
		{"huggingface.co", "huggingface.co.evil.org", 443, false},
		{"*.hf.co", "cdn.hf.co", 443, true},
		{"*.hf.co", "a.b.hf.co", 443, true},
		{"*.hf.co", "hf.co", 443, false},
		{"*.hf.co", ".hf.co", 443, false},
		{"*.hf.co", "xhf.co", 443, false},
		{"*.hf.co:8443", "x.hf.co", 8443, true},
	} {
		h, err := ParseHost(tt.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if h.Matches(tt.name, tt.port) != tt.want {
			t.Errorf("%s matches %s:%d: %t", tt.pattern, tt.name, tt.port, !tt.want)
		}
	}
}

func TestThereIsOneSpellingOfAHost(t *testing.T) {
	for _, s := range []string{"", "localhost", "a", "*.com", "*", "*.*.com", "a.*.com", "A.com", "a.com.", ".a.com", "a..com", "https://a.com", "a.com/x", "u@a.com", "u:p@a.com",
		"1.2.3.4", "0x7f.1", "127.1", "2130706433", "017700000001", "a.1", "a.0x1", "[::1]", "::1", "[::1]:443", "[::ffff:1.2.3.4]:443", "a.com:", "a.com:0", "a.com:0443", "a.com:+443", "a.com:65536", "a.com:443:1", "a.com:443 ",
		"bücher.de", "a_b.com", "-a.com", "a-.com", "a.com\x00", "a.com\r\nX: y", "*a.com", strings.Repeat("a", 64) + ".com", strings.Repeat("a.", 127) + "com"} {
		if h, err := ParseHost(s); err == nil {
			t.Errorf("%q is taken for %v", s, h)
		}
	}
	for s, want := range map[string]string{"huggingface.co": "huggingface.co", "huggingface.co:443": "huggingface.co", "*.example.org:8443": "*.example.org:8443", "xn--bcher-kva.de": "xn--bcher-kva.de", "a.b-c.d2": "a.b-c.d2"} {
		if h, err := ParseHost(s); err != nil || h.String() != want {
			t.Errorf("%q: %v, %v", s, h, err)
		}
	}
}

func FuzzParseHost(f *testing.F) {
	for _, s := range []string{"huggingface.co", "*.example.org:443", "1.2.3.4", "[::1]:443", "a.com:0443", "xn--a.b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h, err := ParseHost(s)
		if err != nil {
			return
		}
		again, err := ParseHost(h.String())
		if err != nil || again != h {
			t.Fatalf("%q is %v, written %q, read again %v (%v)", s, h, h.String(), again, err)
		}
		if !regexp.MustCompile(hostPattern).MatchString(s) {
			t.Fatalf("%q is read and the schema refuses it", s)
		}
		if h.Below && (h.Matches(h.Name, h.Port) || !h.Matches("x."+h.Name, h.Port)) || !h.Below && !h.Matches(h.Name, h.Port) {
			t.Fatalf("%q matches the wrong names", s)
		}
	})
}
