package seccomp

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/loadlock/loadlock/policy"
	"github.com/opencontainers/runtime-spec/specs-go"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s differs (-golden +now); if that is meant: go test -update\n%s", path, diff)
	}
}

// optionSets are the profiles worth reading.
var optionSets = map[string]Options{
	"restricted": {},
	"subprocess": {Ops: policy.Operations{Subprocess: true}},
	"net":        {Ops: policy.Operations{NetworkAccess: true}, Network: policy.NetworkHost},
	"tcp":        {Ops: policy.Operations{NetworkAccess: true}, Network: policy.NetworkAllow, Listen: true},
	"everything": {
		Ops:     policy.Operations{NetworkAccess: true, Subprocess: true, FileWrite: true, NativeCode: true, GPU: true},
		Network: policy.NetworkHost, GPU: true, Ioctls: Ioctls{Mode: IoctlOff},
	},
	"gpu": {GPU: true, Ioctls: commandsOf("nvidia", "580.95.05")},
}

// commandsOf is a vendor's list.
func commandsOf(vendor, version string) Ioctls {
	list, _ := IoctlsFor(vendor, version)
	return list
}

// everyOption calls f with each combination of options for both architectures.
func everyOption(f func(Options)) {
	list := commandsOf("nvidia", "580")
	for _, arch := range []string{"amd64", "arm64"} {
		for bits := range 1 << 8 {
			on := func(i int) bool { return bits>>i&1 == 1 }
			o := Options{Arch: arch, Ops: policy.Operations{
				NetworkAccess: on(0), Subprocess: on(1), FileWrite: on(2), NativeCode: on(3), GPU: on(4),
			}}
			if on(5) {
				o.Network = policy.NetworkHost
			}
			if on(6) {
				o.Network = policy.NetworkAllow
			}
			o.Listen = on(7)
			if on(4) {
				o.GPU, o.Ioctls = true, list
			}
			f(o)
		}
	}
}

func TestProfileGolden(t *testing.T) {
	for name, o := range optionSets {
		for _, arch := range []string{"amd64", "arm64"} {
			o.Arch = arch
			golden(t, "profile-"+name+"-"+arch, lines(t, Profile(o)))
		}
	}
}

// lines is the profile as JSON with one rule to a line, so that a difference reads well.
func lines(t *testing.T, p *specs.LinuxSeccomp) string {
	t.Helper()
	one := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	head := *p
	head.Syscalls = nil
	var b strings.Builder
	b.WriteString(strings.TrimSuffix(one(head), "}") + ",\"syscalls\":[\n")
	for i, s := range p.Syscalls {
		end := ",\n"
		if i == len(p.Syscalls)-1 {
			end = "\n"
		}
		b.WriteString(one(s) + end)
	}
	b.WriteString("]}\n")
	return b.String()
}

func TestEveryProfileDeniesByDefaultOnTheNativeABIOnly(t *testing.T) {
	want := map[string]specs.Arch{"amd64": specs.ArchX86_64, "arm64": specs.ArchAARCH64}
	everyOption(func(o Options) {
		p := Profile(o)
		if p.DefaultAction != specs.ActErrno || p.DefaultErrnoRet == nil || *p.DefaultErrnoRet != eperm {
			t.Errorf("%+v: default action %s", o, p.DefaultAction)
		}
		if !slices.Equal(p.Architectures, []specs.Arch{want[o.Arch]}) {
			t.Errorf("%+v: architectures %v", o, p.Architectures)
		}
	})
}

func TestAnArchitectureWithoutTablesAllowsNothing(t *testing.T) {
	p := Profile(Options{Arch: "riscv64", Ops: optionSets["everything"].Ops, Network: policy.NetworkHost})
	if p.DefaultAction != specs.ActErrno || len(p.Syscalls) != 0 || len(p.Architectures) != 0 {
		t.Errorf("got %+v", p)
	}
}

// allowed lists the names that a profile lets through at least with some arguments.
func allowed(p *specs.LinuxSeccomp) map[string]bool {
	names := map[string]bool{}
	for _, s := range p.Syscalls {
		for _, n := range s.Names {
			if s.Action == specs.ActAllow {
				names[n] = true
			}
		}
	}
	return names
}

// never are calls that no option opens (sandbox attack list S-01 to S-20, mounts, tracing, namespaces).
var never = strings.Fields(`
	io_uring_setup io_uring_enter io_uring_register bpf perf_event_open userfaultfd
	keyctl add_key request_key process_madvise process_mrelease process_vm_readv process_vm_writev ptrace kcmp
	kexec_load kexec_file_load init_module finit_module delete_module reboot swapon swapoff acct quotactl quotactl_fd
	iopl ioperm lookup_dcookie nfsservctl settimeofday clock_settime adjtimex clock_adjtime
	ioprio_set sched_setattr sched_setparam mlockall move_pages migrate_pages execveat clone3 modify_ldt
	pidfd_getfd openat2 vmsplice splice tee sendfile mount umount2 move_mount open_tree fsopen fsconfig fsmount fspick
	mount_setattr pivot_root chroot setns unshare name_to_handle_at open_by_handle_at fanotify_init
	syslog sethostname setdomainname vhangup mknod mknodat sync syncfs timer_create
	setuid setgid setreuid setregid setresuid setresgid setgroups setfsuid setfsgid capset
	shmget shmat shmctl semget semop msgget msgsnd mq_open setxattr fsetxattr removexattr io_setup io_submit
`)

func TestNoOptionOpensTheForbiddenCalls(t *testing.T) {
	everyOption(func(o Options) {
		open := allowed(Profile(o))
		for _, n := range never {
			if open[n] {
				t.Errorf("%+v allows %s", o, n)
			}
		}
	})
}

func TestEachOperationOpensItsOwnCallsAndNoOthers(t *testing.T) {
	closed := allowed(Profile(Options{Arch: "amd64"}))
	tests := map[string]struct {
		o    Options
		adds string
	}{
		"nothing":                          {Options{}, ""},
		"subprocess":                       {Options{Ops: policy.Operations{Subprocess: true}}, "fork setpgid vfork"},
		"native code":                      {Options{Ops: policy.Operations{NativeCode: true}}, "memfd_create"},
		"permission for a GPU":             {Options{Ops: policy.Operations{GPU: true}}, ""},
		"gpu":                              {Options{GPU: true}, "get_mempolicy mbind memfd_create set_mempolicy timerfd_create timerfd_gettime timerfd_settime"},
		"file write is decided by mounts":  {Options{Ops: policy.Operations{FileWrite: true}}, ""},
		"network access without a network": {Options{Ops: policy.Operations{NetworkAccess: true}}, ""},
		"a network without network access": {Options{Network: policy.NetworkHost}, ""},
		"network access and a network":     {optionSets["net"], "recvmmsg sendmmsg"},
		"hosts":                            {optionSets["tcp"], ""},
		"hosts without network access":     {Options{Network: policy.NetworkAllow}, ""},
		"an unknown kind of network":       {Options{Ops: policy.Operations{NetworkAccess: true}, Network: 7}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.o.Arch = "amd64"
			var more []string
			for n := range allowed(Profile(tt.o)) {
				if !closed[n] {
					more = append(more, n)
				}
			}
			slices.Sort(more)
			if got := strings.Join(more, " "); got != tt.adds {
				t.Errorf("adds %q, want %q", got, tt.adds)
			}
		})
	}
}

func TestEveryEntryHasAReasonAndEveryBlockAPurpose(t *testing.T) {
	for _, b := range blocks {
		if b.name == "" || len(strings.Fields(b.why)) < 4 {
			t.Errorf("block %q says why with %q", b.name, b.why)
		}
		for _, c := range b.calls {
			if len(c.reason) < 6 {
				t.Errorf("%s: %s: reason %q", b.name, c.names, c.reason)
			}
			if c.only != "" && c.only != "amd64" && c.only != "arm64" {
				t.Errorf("%s: %s: architecture %q", b.name, c.names, c.only)
			}
			if len(strings.Fields(c.names)) == 0 {
				t.Errorf("%s: entry %q names no call", b.name, c.reason)
			}
		}
	}
}

// libcontainer joins conditions on one argument with OR, skips rules that repeat the default action, and
// libseccomp lets an unconditional rule swallow the others of its call.
func TestNoProfileMeetsATrapOfTheCompiler(t *testing.T) {
	everyOption(func(o Options) {
		plain, ruled, seen := map[string]bool{}, map[string]bool{}, map[string]bool{}
		for _, s := range Profile(o).Syscalls {
			if s.Action == specs.ActErrno && (s.ErrnoRet == nil || *s.ErrnoRet == eperm) {
				t.Errorf("%+v: rule for %v repeats the default action", o, s.Names)
			}
			used := map[uint]bool{}
			for _, a := range s.Args {
				if used[a.Index] {
					t.Errorf("%+v: rule for %v has two conditions on argument %d", o, s.Names, a.Index)
				}
				used[a.Index] = true
				if a.Op == specs.OpMaskedEqual && a.ValueTwo&^a.Value != 0 {
					t.Errorf("%+v: rule for %v compares bits outside its mask", o, s.Names)
				}
			}
			for _, n := range s.Names {
				key := fmt.Sprint(n, s.Args)
				if seen[key] {
					t.Errorf("%+v: %s is listed twice", o, key)
				}
				seen[key] = true
				if len(s.Args) == 0 {
					plain[n] = true
				} else {
					ruled[n] = true
				}
			}
		}
		for n := range plain {
			if ruled[n] {
				t.Errorf("%+v: %s has rules with and without conditions", o, n)
			}
		}
	})
}

func TestExceptCoversTheComplementExactlyOnce(t *testing.T) {
	holes := append(exactly(10, 0, 5, 0x3ff, 0x2aa), pattern{mask: 0x3f0, value: 0x150})
	parts := except(10, holes)
	for n := range uint64(1 << 10) {
		in := 0
		for _, p := range parts {
			if n&p.mask == p.value {
				in++
			}
		}
		want := 1
		for _, h := range holes {
			if n&h.mask == h.value {
				want = 0
			}
		}
		if in != want {
			t.Errorf("%#x is covered %d times, want %d", n, in, want)
		}
	}
	if got := except(4, []pattern{{}}); got != nil {
		t.Errorf("a hole as large as everything leaves %v", got)
	}
}

func TestIoctlPatternsMissNothingButTheRefusedNumbers(t *testing.T) {
	covered := func(n uint64) bool {
		return slices.ContainsFunc(except(32, ioctlRefused), func(p pattern) bool { return n&p.mask == p.value })
	}
	for n := range uint64(1 << 16) {
		refused := slices.Contains([]uint64{0x5412, 0x541c, 0x541d, 0x5423}, n) || n>>8 == 0x4b || n>>8 == 0x56
		if covered(n) == refused {
			t.Errorf("%#x: covered %v", n, !refused)
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 10000 {
		if n := uint64(r.Uint32()) | 1<<16; !covered(n) {
			t.Errorf("%#x is not covered", n)
		}
	}
}
