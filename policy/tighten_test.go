package policy

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// anyPolicy draws a policy as Load could make it.
func anyPolicy() *rapid.Generator[Policy] {
	some := func(t *rapid.T, label string, from ...string) []string {
		out := []string{}
		for _, s := range from {
			if rapid.Bool().Draw(t, label+" "+s) {
				out = append(out, s)
			}
		}
		slices.Sort(out)
		return out
	}
	return rapid.Custom(func(t *rapid.T) Policy {
		p := Policy{Name: "drawn"}
		for _, k := range keys {
			switch v := k.value.(type) {
			case boolean:
				*v.at(&p) = rapid.Bool().Draw(t, k.name)
			case integer:
				*v.at(&p) = rapid.Int64Range(v.min, v.max).Draw(t, k.name)
			case decimal:
				*v.at(&p) = rapid.Float64Range(v.min, v.max).Draw(t, k.name)
			case word[Unclaimed]:
				*v.at(&p) = Unclaimed(rapid.IntRange(0, 2).Draw(t, k.name))
			case gpuMode:
				*v.at(&p) = GPUMode(rapid.IntRange(0, 2).Draw(t, k.name))
			case word[GPUMemory]:
				*v.at(&p) = GPUMemory(rapid.IntRange(0, 1).Draw(t, k.name))
			case word[GPUIoctls]:
				*v.at(&p) = GPUIoctls(rapid.IntRange(0, 2).Draw(t, k.name))
			case word[GPUSysfs]:
				*v.at(&p) = GPUSysfs(rapid.IntRange(0, 1).Draw(t, k.name))
			case oldest:
				*v.at(&p) = rapid.SampledFrom([]string{"", "535.9", "535.104", "535.104.05", "580.10"}).Draw(t, k.name)
			case word[ModelFiles]:
				*v.at(&p) = ModelFiles(rapid.IntRange(0, 2).Draw(t, k.name))
			case restricted:
				for _, o := range operations {
					*o.at(&p.Sandbox.Allow) = rapid.Bool().Draw(t, o.name)
				}
			}
		}
		if p.Sandbox.Allow.NetworkAccess {
			p.Sandbox.Network = Network(rapid.IntRange(0, 2).Draw(t, "network"))
		}
		if p.Sandbox.Network == NetworkAllow {
			p.Sandbox.NetworkHosts = append(some(t, "host", "*.a.org", "*.b.a.org", "c.b.a.org", "x.org:8443"), "d.org")
			slices.Sort(p.Sandbox.NetworkHosts)
		}
		p.Sandbox.Publish = Publish(rapid.IntRange(0, 2).Draw(t, "publish"))
		p.Sandbox.GPU.Devices = some(t, "device", "0", "1", "GPU-0a", "all", "nvidia.com/gpu=0")
		p.Sandbox.GPU.ExtraNodes = some(t, "node", extraNodes...)
		p.RemoteCode = RemoteCode(rapid.IntRange(0, 2).Draw(t, "remote_code"))
		p.TrustedSources = some(t, "source", "org/*", "org/a", "other/b")
		p.TrustedDomains = some(t, "trusted", "example.com", "a.example.com", "b.a.example.com", "other.org")
		p.BlockedDomains = some(t, "blocked", "x.example", "y.example")
		p.AllowedExtensions = some(t, "extension", ".bin", ".json")
		p.Sandbox.UnsafeOptional = some(t, "optional", layerNames...)
		for _, name := range some(t, "global", "A", "B") {
			p.AllowedGlobals = append(p.AllowedGlobals, Global{"m", name, rapid.Bool().Draw(t, "import"), true, rapid.Bool().Draw(t, "build"), "r"})
		}
		for _, rule := range some(t, "waiver", "a/b", "c/d") {
			p.Waivers = append(p.Waivers, Waiver{rule, someDigest, "r", rapid.SampledFrom([]string{"", "2027-01-31", "2026-12-01"}).Draw(t, "expires")})
		}
		return p
	})
}

// loosened says in which way p permits something that limit does not. It is written without the table, so that
// a mistake there does not hide itself.
func loosened(p, limit Policy) (how []string) {
	check := func(bad bool, what string) {
		if bad {
			how = append(how, what)
		}
	}
	within := func(a, b []string) bool {
		return !slices.ContainsFunc(a, func(s string) bool { return !slices.Contains(b, s) })
	}
	covered := func(a, b []string) bool {
		for _, s := range a {
			if !slices.ContainsFunc(b, func(c string) bool {
				return s == c || strings.HasSuffix(s, "."+c) || strings.HasSuffix(c, "/*") && strings.HasPrefix(s, strings.TrimSuffix(c, "*"))
			}) {
				return false
			}
		}
		return true
	}
	check(!covered(p.TrustedSources, limit.TrustedSources), "trusted sources")
	check(!covered(p.TrustedDomains, limit.TrustedDomains), "trusted domains")
	check(!within(limit.BlockedDomains, p.BlockedDomains), "blocked domains")
	check(len(limit.AllowedExtensions) > 0 && (len(p.AllowedExtensions) == 0 || !within(p.AllowedExtensions, limit.AllowedExtensions)), "extensions")
	check(p.RemoteCode > limit.RemoteCode, "remote code")
	check(p.Unclaimed > limit.Unclaimed, "unclaimed")
	check(p.UnsafeUnknownGlobals && !limit.UnsafeUnknownGlobals, "unknown globals")
	check(p.UnsafeAdmitRejected && !limit.UnsafeAdmitRejected, "admit rejected")
	check(!p.RequireModel && limit.RequireModel, "require model")
	check(!p.ScanScript && limit.ScanScript, "scan script")
	check(p.ModelFiles > limit.ModelFiles, "model files")
	for _, g := range p.AllowedGlobals {
		check(!limit.UnsafeUnknownGlobals && !slices.ContainsFunc(limit.AllowedGlobals, func(l Global) bool {
			return l.Module == g.Module && l.Name == g.Name && (l.Import || !g.Import) && (l.Call || !g.Call) && (l.Build || !g.Build)
		}), "global "+g.Name)
	}
	for _, w := range p.Waivers {
		check(!slices.ContainsFunc(limit.Waivers, func(l Waiver) bool {
			return l.Rule == w.Rule && l.SHA256 == w.SHA256 && (l.Expires == "" || w.Expires != "" && w.Expires <= l.Expires)
		}), "waiver "+w.Rule)
	}
	a, b := p.Sandbox, limit.Sandbox
	check(a.Allow.NetworkAccess && !b.Allow.NetworkAccess || a.Allow.Subprocess && !b.Allow.Subprocess || a.Allow.FileWrite && !b.Allow.FileWrite ||
		a.Allow.NativeCode && !b.Allow.NativeCode || a.Allow.GPU && !b.Allow.GPU, "operations")
	check(a.Network > b.Network, "network")
	check(a.Publish > b.Publish || a.LoopbackTCP && !b.LoopbackTCP, "publish or loopback")
	for _, h := range a.NetworkHosts {
		check(b.Network == NetworkAllow && !slices.ContainsFunc(b.NetworkHosts, func(l string) bool { return hostCovers(l, h) }), "host "+h)
	}
	m, n := a.NetLimits, b.NetLimits
	check(m.UploadMB > n.UploadMB || m.DownloadMB > n.DownloadMB || m.Connections > n.Connections || m.IdleSec > n.IdleSec || m.ConnectionSec > n.ConnectionSec, "limits of the network")
	check(a.MemoryMB > b.MemoryMB || a.Pids > b.Pids || a.CPUs > b.CPUs || a.TimeoutSec > b.TimeoutSec || a.TmpMB > b.TmpMB || a.ShmMB > b.ShmMB, "limits")
	check(b.CPUTimeSec > 0 && (a.CPUTimeSec == 0 || a.CPUTimeSec > b.CPUTimeSec), "CPU time")
	check(a.Output && !b.Output || a.ExtraRead && !b.ExtraRead, "output or extra read")
	check(!within(a.UnsafeOptional, b.UnsafeOptional), "optional layers")
	g, h := a.GPU, b.GPU // the mode permits nothing
	check(!slices.Contains(h.Devices, "all") && !within(g.Devices, h.Devices) || !within(g.ExtraNodes, h.ExtraNodes), "devices")
	check(h.MemoryMB > 0 && (g.MemoryMB == 0 || g.MemoryMB > h.MemoryMB) || g.Enforce > h.Enforce, "GPU memory")
	check(g.Ioctls > h.Ioctls || g.Sysfs > h.Sysfs, "ioctl commands or /sys")
	drivers := []string{"", "535.9", "535.104", "535.104.05", "580.10"} // from old to new
	check(slices.Index(drivers, g.MinDriver) < slices.Index(drivers, h.MinDriver), "driver")
	x, y := p.Scan, limit.Scan
	check(x.MaxFileSizeMB > y.MaxFileSizeMB || x.MaxFiles > y.MaxFiles || x.MaxDepth > y.MaxDepth || x.MaxEntries > y.MaxEntries || x.MaxExpandedMB > y.MaxExpandedMB ||
		x.MaxPickleOps > y.MaxPickleOps || x.MaxScanSeconds > y.MaxScanSeconds || x.MaxPrivateMB > y.MaxPrivateMB || x.MaxHeaderSizeMB > y.MaxHeaderSizeMB || x.MaxCopiedMB > y.MaxCopiedMB, "scan limits")
	return how
}

func TestLayeringNeverLoosens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		asked, ceiling := anyPolicy().Draw(t, "asked"), anyPolicy().Draw(t, "ceiling")
		p, err := tighten(asked, ceiling)
		if err != nil {
			if len(asked.AllowedExtensions) == 0 || len(ceiling.AllowedExtensions) == 0 {
				t.Fatal(err)
			}
			return
		}
		if how := loosened(p, ceiling); how != nil {
			t.Fatalf("looser than the ceiling: %v", how)
		}
		// A name that asked permits through UnsafeUnknownGlobals may come from the ceiling's list.
		if how := loosened(p, asked); how != nil {
			t.Fatalf("looser than asked: %v", how)
		}
		again, err := tighten(p, ceiling)
		if err != nil || again.Digest() != p.Digest() {
			t.Fatalf("applying the ceiling twice changes something (%v)", err)
		}
		if p.Sandbox.Network != NetworkNone && !p.Sandbox.Allow.NetworkAccess || (p.Sandbox.Network == NetworkAllow) != (len(p.Sandbox.NetworkHosts) > 0) {
			t.Fatal("layering made a contradiction")
		}
	})
}

func TestATighterPolicyHasNoNewWeakening(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, err := tighten(anyPolicy().Draw(t, "policy"), mustTemplate(t, "safe"))
		if err != nil {
			return
		}
		if w := p.Weakenings(); len(w) > 0 {
			t.Fatalf("under the ceiling safe, and yet weaker: %v", w)
		}
	})
}

func mustTemplate(t interface{ Fatal(...any) }, name string) Policy {
	w, err := template(name)
	if err != nil {
		t.Fatal(err)
	}
	return w.policy
}

func TestTheZeroPolicyPermitsNothing(t *testing.T) {
	var zero Policy
	if w := zero.Weakenings(); len(w) > 0 {
		t.Errorf("the zero value is weaker than safe: %v", w)
	}
	if how := loosened(zero, mustTemplate(t, "strict")); !slices.Equal(how, []string{"require model"}) {
		t.Errorf("the zero value permits what strict does not: %v", how) // no name: no model is admitted at all
	}
	p, err := tighten(mustTemplate(t, "trust"), zero)
	if err != nil {
		t.Fatal(err)
	}
	if p.Sandbox.MemoryMB != 0 || p.Sandbox.Pids != 0 || p.Scan != (ScanLimits{}) || p.UnsafeUnknownGlobals || p.Sandbox.Allow != (Operations{}) {
		t.Errorf("something passed the ceiling zero: %s", encode(p.tree()))
	}
	one := int64(1)
	for name, f := range map[string]Flags{"memory": {MemoryMB: &one}, "pids": {Pids: &one}, "time": {TimeoutSec: &one}, "output": {Output: true}, "ro": {ExtraRead: true}, "rw": {ExtraWrite: true}, "gpu": {GPU: true}} {
		if _, err := zero.WithFlags(f); err == nil {
			t.Errorf("the zero policy permits --%s", name)
		}
	}
}

func TestEveryWeakeningIsASentence(t *testing.T) {
	w, err := read(`extends: trust
network: host
restricted_operations: []
optional_layers: [seccomp]
unsafe_admit_rejected: true
trusted_domains: [example.com]
memory_limit_mb: 9000
gpu: {mode: optional, devices: [all], enforce: best-effort, min_driver: "535.104", ioctl_filter: log, sysfs: full, extra_nodes: [nvidia-uvm-tools]}
waivers: [{rule: pickle/global-unknown, sha256: ` + someDigest + `, reason: reviewed, expires: 2027-01-31}]
allowed_globals: [{name: mypkg.Net, may: [import, call], reason: ours}]
`)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"models from the host example.com count as trusted (trusted_domains)",
		"Python that comes with the model may run inside, once scanned and cleared (allow_remote_code: true)",
		"files that no scanner understands are visible inside (unclaimed: unsafe_admit)",
		"pickles may use the unvetted name mypkg.Net (import, call), reason: ours (allowed_globals)",
		"rule pickle/global-unknown is waived for the file with SHA-256 " + someDigest + " until 2027-01-31, reason: reviewed (waivers)",
		"pickles may use names that nobody vetted (unsafe_unknown_globals: true)",
		"the command runs although validation refused the model (unsafe_admit_rejected: true)",
		"the workload may have a network (restricted_operations without network_access)",
		"files of the host may be written with --rw (restricted_operations without file_write)",
		"the layer seccomp may be missing (optional_layers)",
		"the workload shares the host's network: it reaches every service that this machine reaches (network: host)",
		"a limit of GPU memory may be kept by a watcher only, which acts after it was passed (gpu.enforce: best-effort)",
		"every ioctl command of a GPU's driver is carried out, those that are not listed are named in the report (gpu.ioctl_filter: log)",
		"all of the host's /sys is visible beside a GPU (gpu.sysfs: full)",
		"/dev/nvidia-uvm-tools exists beside a GPU (gpu.extra_nodes)",
		"memory_limit_mb is 9000, where safe has 8192",
	}
	if got := w.policy.Weakenings(); !slices.Equal(got, want) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
	w, err = read("sandbox_required: false\n")
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(w.policy.Weakenings()); got != "[no layer of the sandbox has to be in force: what runs may not be contained at all (sandbox_required: false)]" {
		t.Errorf("without a sandbox: %s", got)
	}
	for _, tight := range []string{"safe", "strict", "ci"} {
		if got := mustTemplate(t, tight).Weakenings(); got != nil {
			t.Errorf("%s is weaker than safe: %v", tight, got)
		}
	}
}
