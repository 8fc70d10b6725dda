package isolate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// outerSandbox makes the test binary put a filter on itself, as a sandbox around loadlock does, and then run a box.
// Its value is a key of outerFilters.
const outerSandbox = "LOADLOCK_TEST_OUTER"

// outerFilters are what is around us: seccomp(2) with any of the flags is answered EINVAL, as kernels do that
// do not know them; or there is a listener already.
var outerFilters = map[string]struct {
	unknown  uint32
	listener bool
}{
	"a listener":                        {listener: true},
	"a kernel before 5.0":               {unknown: unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | seccompWaitKillable},
	"a kernel before 5.19":              {unknown: seccompWaitKillable},
	"a filter that changes nothing":     {},
	"a kernel that also lacks a switch": {unknown: unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | seccompWaitKillable | unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW},
}

const seccompWaitKillable = 1 << 5 // x/sys has no name for it

// outerResult is what a box inside was like.
type outerResult struct {
	Inside    string
	Denials   []Denial
	Uncounted string
	Seccomp   Enforcement
	Filters   int // of pid 1 before the release
	Strict    string
	Err       string
}

// refused is a program that makes three refused calls.
var refused = py(`
for family in (socket.AF_NETLINK, socket.AF_INET, socket.AF_INET):
    try: socket.socket(family)
    except OSError as e: print(errno.errorcode[e.errno])
`)

func insideOuter(kind string) {
	r, err := boxInsideOuter(kind)
	if err != nil {
		r.Err = err.Error()
	}
	_ = json.NewEncoder(os.Stdout).Encode(r)
	os.Exit(0)
}

func boxInsideOuter(kind string) (r outerResult, err error) {
	if err := putOn(outerFilters[kind].unknown, outerFilters[kind].listener); err != nil {
		return r, fmt.Errorf("outer filter: %w", err)
	}
	dir, err := os.MkdirTemp("", "outer")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o711); err != nil {
		return r, err
	}
	run := func(strict bool) (b *Box, text string, err error) {
		s, err := plainSpec(dir+"/run", []string{"/bin/sh", "-c", refused})
		if err != nil {
			return nil, "", err
		}
		out, w, err := os.Pipe()
		if err != nil {
			return nil, "", err
		}
		defer out.Close()
		s.Stdout, s.Stderr, s.CountDenials = w, w, strict
		if b, err = New(s); err != nil {
			return nil, "", err
		}
		defer b.Close()
		if err := b.Start(context.Background()); err != nil {
			return b, "", err
		}
		if err := b.Release(); err != nil {
			return b, "", err
		}
		w.Close()
		raw, err := io.ReadAll(out)
		_, waitErr := b.Wait(context.Background())
		return b, string(raw), errors.Join(err, waitErr, b.Close())
	}
	b, text, err := run(false)
	if err != nil {
		return r, err
	}
	r.Inside, r.Filters = text, b.outer
	r.Denials, r.Uncounted = b.Denials()
	for _, e := range b.Enforced {
		if e.Layer == seccompLayer.Name {
			r.Seccomp = e
		}
	}
	if _, _, err := run(true); err != nil {
		r.Strict = err.Error()
	}
	return r, nil
}

// putOn installs a filter in all threads of this process.
func putOn(unknown uint32, listener bool) error {
	prog, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: 0, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.SYS_SECCOMP, SkipFalse: 3},
		bpf.LoadAbsolute{Off: 24, Size: 4}, // the flags
		bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: unknown, SkipFalse: 1},
		bpf.RetConstant{Val: unix.SECCOMP_RET_ERRNO | uint32(unix.EINVAL)},
		bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW},
	})
	if err != nil {
		return err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if os.Geteuid() != 0 {
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return err
		}
	}
	insns := make([]unix.SockFilter, len(prog))
	for i, p := range prog {
		insns[i] = unix.SockFilter{Code: p.Op, Jt: p.Jt, Jf: p.Jf, K: p.K}
	}
	p := unix.SockFprog{Len: uint16(len(insns)), Filter: &insns[0]}
	flags := uintptr(unix.SECCOMP_FILTER_FLAG_TSYNC)
	if listener {
		flags |= unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_TSYNC_ESRCH
	}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&p)))
	runtime.KeepAlive(insns)
	if errno != 0 {
		return errno
	}
	return nil
}

func TestInsideAnotherSandboxTheAnswersAreTheSameAndTheReportSaysWhatIsNotCounted(t *testing.T) {
	needBox(t)
	need(t, "python")
	for kind, want := range map[string]string{
		"a listener":                        "EBUSY",
		"a kernel before 5.0":               "EINVAL",
		"a kernel before 5.19":              "",
		"a filter that changes nothing":     "",
		"a kernel that also lacks a switch": "EINVAL",
	} {
		t.Run(kind, func(t *testing.T) {
			cmd := exec.Command("/proc/self/exe")
			cmd.Env = append(os.Environ(), outerSandbox+"="+kind)
			cmd.Stderr = os.Stderr
			raw, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			var r outerResult
			if err := json.Unmarshal(raw, &r); err != nil {
				t.Fatalf("%v: %q", err, raw)
			}
			if r.Err != "" {
				t.Fatal(r.Err)
			}
			if r.Inside != strings.Repeat("EAFNOSUPPORT\n", 3) {
				t.Errorf("inside: %q", r.Inside)
			}
			if r.Seccomp.Strength != Full {
				t.Errorf("seccomp: %+v", r.Seccomp)
			}
			if r.Filters != 1 {
				t.Errorf("pid 1 began with %d filters: the outer one is not around it", r.Filters)
			}
			if want == "" {
				if r.Uncounted != "" || denied(r.Denials, "socket", "AF_INET").Count != 2 || r.Strict != "" {
					t.Errorf("%+v", r)
				}
				return
			}
			if !strings.Contains(r.Uncounted, want) || len(r.Denials) != 0 {
				t.Errorf("not counted because of %q (%+v), want %s", r.Uncounted, r.Denials, want)
			}
			if !strings.Contains(r.Strict, "cannot be counted") || !strings.Contains(r.Strict, want) {
				t.Errorf("with CountDenials: %q", r.Strict)
			}
		})
	}
}
