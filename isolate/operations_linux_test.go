package isolate

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/loadlock/loadlock/policy"
)

// restriction is one of the policy's restricted operations, tried with it restricted and with it allowed.
type restriction struct {
	what       string
	program    string // Python, run without a shell around it: a shell would be a subprocess
	open       policy.Operations
	spec       func(*Spec, *arena)
	prep       func(*testing.T, *arena)
	restricted string // regular expression on what it prints
	allowed    string
}

func prepared(program string) string {
	return `
import errno, os, socket, sys, shutil
def attempt(f):
    try:
        return f()
    except OSError as e:
        print(errno.errorcode.get(e.errno, "dlopen: " + str(e)))
` + program
}

const copyLibc = `
def copied(to):
    lib = [l.split()[-1] for l in open("/proc/self/maps") if "libc.so" in l or "libm.so" in l][0]
    shutil.copyfile(lib, to)
    os.chmod(to, 0o755)
    return to
import ctypes
`

var restrictions = []restriction{
	{
		what: "subprocess: the interpreter alone runs", program: `print("hello", 6 * 7)`,
		open: policy.Operations{Subprocess: true}, restricted: "^hello 42$", allowed: "^hello 42$",
	},
	{
		what: "subprocess: threads run", program: `
import threading
t = threading.Thread(target=lambda: print("thread")); t.start(); t.join()`,
		open: policy.Operations{Subprocess: true}, restricted: "^thread$", allowed: "^thread$",
	},
	{
		what: "subprocess: fork", program: `
pid = attempt(os.fork)
if pid == 0: os._exit(0)
if pid: os.waitpid(pid, 0); print("forked")`,
		open: policy.Operations{Subprocess: true}, restricted: "^EPERM$", allowed: "^forked$",
	},
	{
		what: "subprocess: executing another program", program: `attempt(lambda: os.execv("/usr/bin/echo", ["echo", "executed"]))`,
		open: policy.Operations{Subprocess: true}, restricted: "^EACCES$", allowed: "^executed$",
	},
	{
		what: "subprocess: a shell", program: `
import subprocess
attempt(lambda: print(subprocess.run(["/bin/sh", "-c", "echo shell"], capture_output=True, text=True).stdout))`,
		open: policy.Operations{Subprocess: true}, restricted: "^(EPERM|EACCES)$", allowed: "^shell$",
	},
	{
		what: "native_code: mapping a library out of /tmp", program: copyLibc + `
attempt(lambda: print("mapped" if ctypes.CDLL(copied("/tmp/x.so")) else ""))`,
		open: policy.Operations{NativeCode: true}, restricted: "^dlopen: .*failed to map segment", allowed: "^mapped$",
	},
	{
		what: "native_code: mapping a library out of a file in memory", program: copyLibc + `
def memory():
    fd = os.memfd_create("x")
    copied("/tmp/x.so")
    os.write(fd, open("/tmp/x.so", "rb").read())
    print("mapped" if ctypes.CDLL("/proc/self/fd/%d" % fd) else "")
attempt(memory)`,
		open: policy.Operations{NativeCode: true}, restricted: "^EPERM$", allowed: "^mapped$",
	},
	{
		what: "native_code: executing a file of /tmp", program: `
shutil.copyfile("/usr/bin/echo", "/tmp/x"); os.chmod("/tmp/x", 0o755)
attempt(lambda: os.execv("/tmp/x", ["echo", "executed"]))`,
		open: policy.Operations{NativeCode: true, Subprocess: true}, restricted: "^EACCES$", allowed: "^executed$",
	},
	{
		what: "native_code: /dev/shm holds data only", program: copyLibc + `
attempt(lambda: print("mapped" if ctypes.CDLL(copied("/dev/shm/x.so")) else ""))`,
		open: policy.Operations{NativeCode: true}, restricted: "failed to map segment", allowed: "failed to map segment",
	},
	{
		what: "native_code: a folder that may be written holds data only", program: copyLibc + `
attempt(lambda: print("mapped" if ctypes.CDLL(copied("/data/x.so")) else ""))`,
		prep: func(t *testing.T, a *arena) { worldWritable(t, a.dir) },
		spec: bindArena(Bind{Target: "/data", Write: true}),
		open: policy.Operations{NativeCode: true}, restricted: "failed to map segment", allowed: "failed to map segment",
	},
	{
		what: "file_write: the policy's operation alone opens no file", program: `attempt(lambda: print(open("/data/secret", "w") and "opened"))`,
		prep: func(t *testing.T, a *arena) { worldWritable(t, a.dir, a.secret) },
		spec: bindArena(Bind{Target: "/data"}),
		open: policy.Operations{FileWrite: true}, restricted: "^EROFS$", allowed: "^EROFS$",
	},
	{
		// Known gap: the kernel opens the ELF interpreter for execution, so Landlock must allow it, and it maps any
		// program that may be mapped. One process stays one process, under the same walls.
		what: "subprocess: becoming another program through the ELF interpreter is not stopped", program: `
loader = [p for p in ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1") if os.path.exists(p)][0]
attempt(lambda: os.execv(loader, ["ld.so", "/usr/bin/echo", "executed"]))`,
		open: policy.Operations{Subprocess: true}, restricted: "^executed$", allowed: "^executed$",
	},
	{
		// Known gap of the same kind: Landlock does not see files that never had a path.
		what: "native_code: executing a file in memory", program: `
def memory():
    fd = os.memfd_create("x", 0)
    os.write(fd, open("/usr/bin/echo", "rb").read())
    os.execv("/proc/self/fd/%d" % fd, ["echo", "executed"])
attempt(memory)`,
		open: policy.Operations{NativeCode: true}, restricted: "^EPERM$", allowed: "^executed$",
	},
	{
		what: "gpu: no device nodes beside the harmless ones", program: `
print(*sorted(os.listdir("/dev")))
print([n for n in os.listdir("/dev") if os.path.exists("/dev/" + n) and os.major(os.stat("/dev/" + n).st_rdev) not in (0, 1, 5)])`,
		// core leads to /proc/kcore where the kernel has it, which is masked.
		restricted: `\A(core )?fd full null ptmx random shm stderr stdin stdout tty urandom zero\n\[\]\n\z`, allowed: `(?m)^\[\]$`,
	},
}

func TestRestrictedOperationsBothWays(t *testing.T) {
	needBox(t)
	need(t, "python")
	for _, r := range restrictions {
		t.Run(r.what, func(t *testing.T) {
			for _, allowed := range []bool{false, true} {
				a := scripted{prep: r.prep}
				ar := a.arena(t)
				s, out := boxed(t, "")
				s.Args = []string{python, "-I", "-c", prepared(r.program)}
				s.Sandbox.Allow = policy.Operations{}
				want := r.restricted
				if allowed {
					s.Sandbox.Allow, want = r.open, r.allowed
				}
				if r.spec != nil {
					r.spec(&s, ar)
				}
				exit, text, _ := runBox(t, s, out)
				if !regexp.MustCompile("(?m)" + want).MatchString(text) {
					t.Errorf("allowed %v: %q, want %q (%+v)", allowed, text, want, exit)
				}
			}
		})
	}
}

// Two keys open the network: the operation, and the kind of network.
func TestTheNetworkNeedsBothKeys(t *testing.T) {
	needBox(t)
	need(t, "python", "landlock-net")
	for _, tt := range []struct {
		operation bool
		network   policy.Network
		want      string // what connecting to the host says; empty: the box does not start
	}{
		{false, policy.NetworkNone, "EAFNOSUPPORT\n"},
		{true, policy.NetworkNone, "EAFNOSUPPORT\n"},
		{false, policy.NetworkHost, ""},
		{true, policy.NetworkHost, "connected\n"},
	} {
		var a arena
		tcpServer(t, &a)
		s, out := boxed(t, connect("AF_INET", `("127.0.0.1", `+a.target+`)`))
		s.Sandbox.Allow.NetworkAccess, s.Sandbox.Network = tt.operation, tt.network
		if tt.want == "" {
			b, err := New(s)
			if err != nil {
				t.Fatal(err)
			}
			var layer *LayerError
			if err := b.Start(context.Background()); !errors.As(err, &layer) || layer.Layer != "net" {
				t.Errorf("%+v: %v, want the net layer to be missed", tt, err)
			}
			if err := b.Close(); err != nil {
				t.Error(err)
			}
			wantNothingLeft(t, s)
			continue
		}
		if _, text, _ := runBox(t, s, out); text != tt.want {
			t.Errorf("%+v: %q", tt, text)
		}
	}
}

func TestAFolderOfTheHostIsWrittenOnlyWhereThePlanSaysSo(t *testing.T) {
	needBox(t)
	for _, write := range []bool{false, true} {
		dir := openDir(t)
		mustChmod(t, dir, 0o777)
		s, out := boxed(t, "echo new > /data/new && mv /data/new /data/renamed && mkdir /data/sub && ln -s x /data/sub/link && echo done")
		s.Binds = append(s.Binds, Bind{Source: dir, Target: "/data", Write: write})
		_, text, _ := runBox(t, s, out)
		_, err := os.Stat(filepath.Join(dir, "renamed"))
		if (text == "done\n") != write || (err == nil) != write {
			t.Errorf("write %v: %q, %v", write, text, err)
		}
	}
}
