//go:build cgo && linux

package seccomp

import (
	"runtime"
	"testing"

	"github.com/loadlock/loadlock/policy"
)

// The filter of learn kills what the others kill, and asks about everything else that they do not simply allow.
func TestWatchingKillsWhatPlainKills(t *testing.T) {
	log := commandsOf("nvidia", "580")
	log.Mode = IoctlLog
	for _, o := range []Options{{}, {GPU: true, Ioctls: log}} {
		o.Ops = policy.Operations{Subprocess: true, NativeCode: true}
		watching(t, o)
	}
}

func watching(t *testing.T, o Options) {
	t.Helper()
	p, err := Compile(Profile(o))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := p.Watching()
	if err != nil {
		t.Fatal(err)
	}
	plain, err := NewEvaluator(p.Plain)
	if err != nil {
		t.Fatal(err)
	}
	watching, err := NewEvaluator(raw)
	if err != nil {
		t.Fatal(err)
	}
	notify, err := NewEvaluator(p.Notify)
	if err != nil {
		t.Fatal(err)
	}
	asked := map[string]bool{}
	native := abis[runtime.GOARCH].audit
	for _, arch := range []uint32{native, 0x40000003, 0xc00000b7, 0xc000003e, 0} {
		for n := range uint32(600) {
			for _, number := range []uint32{n, n | x32Bit, 0xffffffff - n} {
				d := Data{Number: number, Arch: arch, Args: [6]uint64{1, 0xffffffffffffffff, 0o100, 0o4777}}
				if n%2 == 0 || hasName("openat clone", CallName(number)) {
					d.Args = [6]uint64{}
				}
				want, got := plain.Answer(d), watching.Answer(d)
				if got == notify.Answer(d) {
					continue
				}
				if got != retUserNotif || arch != native {
					t.Fatalf("arch %#x call %d: %#x, plain %#x", arch, number, got, want)
				}
				asked[CallName(number)] = true
			}
		}
	}
	for _, name := range watched {
		if !asked[name] {
			t.Errorf("%s is not watched", name)
		}
	}
	for name := range asked {
		if !hasName("open creat stat lstat access readlink mkdir openat newfstatat statx faccessat faccessat2 readlinkat execve chdir mkdirat connect bind clone fork vfork memfd_create", name) {
			t.Errorf("%s is watched", name)
		}
	}
}
