package policy

import (
	"errors"
	"math"
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
		{"an output folder", builtin, Flags{Output: true}, "output: --output is not permitted: the policy says output: false", ""},
		{"files of the host", builtin, Flags{ExtraRead: true}, "extra_read: --ro is not permitted", ""},
		{"writing to the host", builtin, Flags{ExtraWrite: true}, "restricted_operations: --rw is not permitted: the policy says restricted_operations: [network_access, subprocess, file_write, native_code, gpu]", "that can shorten restricted_operations"},
		{"a GPU", builtin, Flags{GPU: true}, "restricted_operations: --gpu is not permitted", ""},
		{"no memory", builtin, Flags{MemoryMB: ptr(int64(0))}, "--memory: 0 is outside 1 to 16777216", ""},
		{"negative time", builtin, Flags{TimeoutSec: ptr(int64(-1))}, "--timeout: -1 is outside", ""},
		{"processors that are not a number", builtin, Flags{CPUs: ptr(math.NaN())}, "--cpus: NaN is outside", ""},
		{"CPU time zero, which would lift the bound", builtin, Flags{CPUTimeSec: ptr(int64(0))}, "--cpu-time: 0 would mean no limit", ""},
		{"a network that does not exist", builtin, Flags{Network: ptr(Network(7))}, "network: --net host is not permitted", ""},
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
