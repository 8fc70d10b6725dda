package isolate

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

const noRoot = "the root file system of a box is the mount layer; without it there is no program to run as pid 1"

// Without no_new_privs libcontainer installs the filter early, before calls that the filter refuses.
var besideSeccomp = []string{"no_new_privs"}

var attacks = []oldAttack{
	{
		name: "reads a file of the host", layer: "mount", onHost: noRoot,
		payload: func(a *arena) string { return "cat " + a.secret },
		through: "host secret", stopped: "No such file or directory",
	},
	{
		name: "writes to a file that is there to be read", layer: "mount", onHost: noRoot,
		prep:    func(t *testing.T, a *arena) { worldWritable(t, a.dir, a.secret) },
		spec:    bindArena(Bind{}),
		payload: func(a *arena) string { return "echo changed > " + a.secret + " && cat " + a.secret },
		through: "^changed", stopped: "Read-only file system",
	},
	{
		name: "climbs out through links of /proc", layer: "mount", onHost: noRoot,
		payload: func(a *arena) string {
			return "cat /proc/self/root" + a.secret + " || cat /proc/self/cwd/../../../.." + a.secret + " || cat /proc/1/root" + a.secret
		},
		through: "host secret", stopped: "No such file or directory",
	},
	{
		name: "reads the kernel's symbols", layer: "mount", onHost: noRoot,
		payload: func(*arena) string { return "head -n 1 /proc/kallsyms; echo symbols end" },
		through: "(?i)^[0-9a-f]{16} ", stopped: `\Asymbols end`,
	},
	{
		name: "reads what the host's hardware is from /sys", layer: "mount", onHost: noRoot,
		payload: func(*arena) string { return "ls /sys && echo listed" },
		through: "^listed", stopped: "cannot access|No such file",
	},
	{
		name: "signals a process of the host", layer: "pid", onHost: "pid 1 of the box is pid 1 of its pid namespace, or it does not run",
		prep:    victim,
		payload: func(a *arena) string { return "kill -0 " + a.target + " && echo reached" },
		through: "^reached", stopped: "No such process",
	},
	{
		name: "sees a process of the host", layer: "pid", onHost: "as above",
		prep:    victim,
		payload: func(a *arena) string { return "tr '\\0' ' ' < /proc/" + a.target + "/cmdline" },
		through: "^sleep 600", stopped: "(cannot open|No such file)",
	},
	{
		name: "connects to a server on the host's loopback", layer: "net", needs: []string{"python"},
		prep:    tcpServer,
		payload: func(a *arena) string { return connect("AF_INET", `("127.0.0.1", `+a.target+`)`) },
		through: "^connected", stopped: "^(ECONNREFUSED|ENETUNREACH)$", inside: "^EAFNOSUPPORT$",
	},
	{
		name: "connects to an abstract socket of the host", layer: "net", needs: []string{"python"},
		prep:    abstractServer,
		payload: func(a *arena) string { return connect("AF_UNIX", `"\0`+a.target+`"`) },
		through: "^connected", stopped: "^ECONNREFUSED$", inside: "^(ECONNREFUSED|EPERM)$",
	},
	{
		name: "opens shared memory of the host", layer: "ipc", needs: []string{"python"},
		prep:    sharedMemory,
		payload: func(a *arena) string { return raw(fmt.Sprint(unix.SYS_SHMGET, ",", a.target, ",0,0")) },
		through: "^got through$", stopped: "^got ENOENT$", inside: "^got (EPERM|ENOENT)$",
	},
	{
		name: "learns the host's name", layer: "uts",
		prep: func(t *testing.T, a *arena) {
			var err error
			if a.target, err = os.Hostname(); err != nil || a.target == "loadlock" {
				t.Fatal("the host's name cannot be told from the box's", err)
			}
		},
		payload: func(a *arena) string { return `[ "$(uname -n)" = ` + a.target + ` ] && echo "host name"; uname -n` },
		through: "^host name$", stopped: `\Aloadlock$`,
	},
	{
		name: "takes more memory than allowed", layer: "cgroup", needs: []string{"python"},
		spec:    func(s *Spec, _ *arena) { s.Sandbox.MemoryMB = 48 },
		payload: func(*arena) string { return py(`b = bytearray(160 << 20); print("has", len(b) >> 20)`) },
		after: func(_ *testing.T, e Exit) string {
			return fmt.Sprintf("oom %v, code %d\n", e.OOM, e.Code)
		},
		through: "^has 160$", stopped: `^oom true`,
	},
	{
		name: "takes memory in /dev/shm", layer: "cgroup", needs: []string{"python"},
		spec: func(s *Spec, _ *arena) { s.Sandbox.MemoryMB, s.Sandbox.ShmMB = 48, 160 },
		payload: func(*arena) string {
			return `head -c 120m /dev/zero > /dev/shm/x && echo filled`
		},
		after:   func(_ *testing.T, e Exit) string { return fmt.Sprintf("oom %v\n", e.OOM) },
		through: "^filled$", stopped: `^oom true`,
	},
	{
		name: "forks without end", layer: "cgroup", needs: []string{"python"},
		spec: func(s *Spec, _ *arena) { s.Sandbox.Pids = 24 },
		payload: func(*arena) string {
			return py(`
n = 0
try:
    while n < 80:
        if os.fork() == 0: time.sleep(60); os._exit(0)
        n += 1
    print("forked", n)
except OSError as e:
    print(errno.errorcode[e.errno])`)
		},
		after: func(t *testing.T, e Exit) string {
			if err := unix.Access("/bin/true", unix.X_OK); err != nil || forkHere() != nil {
				t.Errorf("the host cannot fork: %v", err)
			}
			return fmt.Sprintf("denied %v\n", e.Usage.PidsDenied > 0)
		},
		through: "^forked 80$", stopped: `^EAGAIN\ndenied true`,
	},
	{
		name: "opens a device of the host", layer: "cgroup",
		alter: func(oci *specs.Spec) {
			without("nodev", "/tmp")(oci)
			if oci.Linux.Resources == nil { // then libcontainer has a list of devices of its own
				oci.Linux.Resources = &specs.LinuxResources{Devices: []specs.LinuxDeviceCgroup{{Allow: true, Access: "rwm"}}}
			}
		},
		payload: func(*arena) string {
			return "mknod /tmp/d c 1 11 && ( : < /tmp/d ) && echo opened"
		},
		through: "^opened$", stopped: "Operation not permitted",
	},
	{
		name: "leaves a core file", layer: "limits", needs: []string{"core-file", "core-limit"},
		beside: []string{"capabilities"}, // CAP_SYS_RESOURCE raises any limit (getrlimit(2))
		payload: func(*arena) string {
			return `ulimit -c unlimited; cd /tmp; sh -c 'kill -SEGV $$'; ls /tmp | grep -c ^core`
		},
		through: "^1$", stopped: "^0$",
	},
	{
		name: "raises its own limits", layer: "limits", needs: []string{"core-limit"},
		beside:  []string{"capabilities"},
		payload: func(*arena) string { return "ulimit -c unlimited && echo raised" },
		through: "^raised$", stopped: "(?i)(not permitted|error setting limit)",
	},
	{
		name: "gives a file away", layer: "capabilities",
		payload: func(*arena) string { return "touch /tmp/f && chown 12345 /tmp/f && echo changed" },
		through: "^changed$", stopped: "Operation not permitted", inside: "Operation not permitted|Invalid argument",
	},
	{
		name: "has some capability", layer: "capabilities",
		payload: func(*arena) string { return "grep -E '^Cap.*:.*[1-9a-f]' /proc/self/status || echo none" },
		through: "^CapEff", stopped: `\Anone$`,
	},
	{
		name: "executes a set-user-ID program of root", layer: "no_new_privs",
		prep: setuidProgram,
		spec: func(s *Spec, a *arena) {
			s.Binds = append(s.Binds, Bind{Source: a.dir, Target: "/data", Exec: true})
		},
		alter: func(oci *specs.Spec) { // nosuid is the mount layer's
			without("nosuid", "/data")(oci)
			oci.Process.User = specs.User{UID: workID, GID: workID}
		},
		payload: func(*arena) string { return "/data/id -u" },
		through: "^0$", stopped: "^1000$",
	},
	{
		name: "writes to a mount that the plan has read-only", layer: "landlock",
		prep: func(t *testing.T, a *arena) { worldWritable(t, a.dir, a.secret) },
		spec: bindArena(Bind{Target: "/data"}), alter: without("ro", "/data"),
		payload: func(*arena) string {
			return "echo changed > /data/secret && echo written; echo new > /data/new && echo created"
		},
		through: "^written\ncreated$", stopped: "Permission denied\n(?s:.*)Permission denied", inside: "Read-only file system",
	},
	{
		name: "executes a file of /tmp", layer: "landlock", alter: without("noexec", "/tmp"),
		payload: func(*arena) string { return "cp /usr/bin/true /tmp/x && /tmp/x && echo ran" },
		through: "^ran$", stopped: "Permission denied",
	},
	{
		name: "reaches TCP although a network is there", layer: "landlock", needs: []string{"python", "landlock-net"},
		prep:    tcpServer,
		payload: func(a *arena) string { return connect("AF_INET", `("127.0.0.1", `+a.target+`)`) },
		through: "^connected", stopped: "^EACCES$", inside: "^EAFNOSUPPORT$",
	},
	{
		name: "reaches an abstract socket although it shares the network", layer: "landlock", needs: []string{"python", "landlock-scope"},
		prep:    abstractServer,
		payload: func(a *arena) string { return connect("AF_UNIX", `"\0`+a.target+`"`) },
		through: "^connected", stopped: "^EPERM$", inside: "^(ECONNREFUSED|EPERM)$",
	},
	{
		name: "reads a file that only root may read", layer: "user",
		prep:    func(t *testing.T, a *arena) { mustChmod(t, a.secret, 0o600) },
		spec:    bindArena(Bind{Target: "/data"}),
		payload: func(*arena) string { return "cat /data/secret" },
		through: "host secret", stopped: "Permission denied",
	},
	{
		name: "leaves a file of root in a folder it may write", layer: "user",
		prep: func(t *testing.T, a *arena) { worldWritable(t, a.dir) },
		spec: bindArena(Bind{Target: "/data", Write: true}),
		payload: func(*arena) string {
			return `cp /bin/true /data/left && [ "$(stat -c %u /data/secret)" = "$(stat -c %u /data/left)" ] && echo "as root"; ls /data`
		},
		through: "^as root", stopped: `\Aleft`,
	},
	{
		name: "makes a user namespace", layer: "seccomp", beside: besideSeccomp, needs: []string{"python"},
		payload: func(*arena) string { return raw(fmt.Sprint(unix.SYS_UNSHARE, ",", unix.CLONE_NEWUSER)) },
		through: "^got through$", stopped: "^got EPERM$",
	},
}

func bindArena(b Bind) func(*Spec, *arena) {
	return func(s *Spec, a *arena) {
		b := b
		b.Source = a.dir
		if b.Target == "" {
			b.Target = a.dir
		}
		s.Binds = append(s.Binds, b)
	}
}

func worldWritable(t *testing.T, paths ...string) {
	for _, p := range paths {
		mode := os.FileMode(0o666)
		if info, err := os.Stat(p); err == nil && info.IsDir() {
			mode = 0o777
		}
		mustChmod(t, p, mode)
	}
}

func mustChmod(t *testing.T, p string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(p, mode); err != nil {
		t.Fatal(err)
	}
}

// setuidProgram puts a copy of id(1) with the set-user-ID bit into the arena.
func setuidProgram(t *testing.T, a *arena) {
	raw, err := os.ReadFile("/usr/bin/id")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(a.dir, "id"), raw, 0o755); err != nil {
		t.Fatal(err)
	}
	mustChmod(t, filepath.Join(a.dir, "id"), 0o755|os.ModeSetuid)
}
