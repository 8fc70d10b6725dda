package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	moby "github.com/moby/profiles/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// containerCase is loadlock as root of a container. refused and remedy are words of the error when nothing may run; else
// every layer but cgroup must be full, because a container's cgroup folder is read-only.
type containerCase struct {
	name            string
	change          func(*specs.Spec)
	refused, remedy string
	own             bool // the command has the supervisor's own id, which is not the host's root: 0 inside
}

func (c containerCase) id() string {
	if c.own {
		return "0-0"
	}
	return "1000-1000"
}

var containerCases = []containerCase{
	{name: "docker's default", change: func(*specs.Spec) {},
		refused: "layer user: new user namespace", remedy: "--security-opt seccomp=unconfined"},
	{name: "docker without its filter", change: unfiltered,
		refused: "layer mount: mounting a new /proc", remedy: "systempaths=unconfined"},
	{name: "docker without its filter and masks", change: both(unfiltered, unmasked)},
	{name: "docker with CAP_SYS_ADMIN", change: withCapability("CAP_SYS_ADMIN"),
		refused: "layer mount: mounting a new /proc", remedy: "systempaths=unconfined"},
	{name: "docker with CAP_SYS_ADMIN, without masks", change: both(withCapability("CAP_SYS_ADMIN"), unmasked),
		refused: "layer mount: making it the root (pivot_root)", remedy: "--security-opt seccomp=unconfined"},
	{name: "docker with CAP_SYS_ADMIN and CAP_SYS_PTRACE, without filter and masks", change: both(both(unfiltered, unmasked),
		both(withCapability("CAP_SYS_ADMIN"), withCapability("CAP_SYS_PTRACE")))},
	{name: "docker without filter and masks, and with no_new_privs", change: both(both(unfiltered, unmasked),
		func(s *specs.Spec) { s.Process.NoNewPrivileges = true })},
	{name: "docker without filter and masks, as a user", change: both(both(unfiltered, unmasked), asUser), own: true},
	{name: "kubernetes", change: unfiltered, // its default is no filter
		refused: "layer mount: mounting a new /proc", remedy: "procMount: Unmasked"},
	{name: "kubernetes with hostUsers: false", change: both(unfiltered, ownUsers(65536)),
		refused: "layer mount: mounting a new /proc", remedy: "procMount: Unmasked"},
	{name: "kubernetes with hostUsers: false and procMount: Unmasked", change: both(both(unfiltered, unmasked), ownUsers(65536))},
	{name: "kubernetes with hostUsers: false, Unmasked, RuntimeDefault", change: both(unmasked, ownUsers(65536)),
		refused: "layer user: new user namespace", remedy: "seccompProfile.type: Unconfined"},
	{name: "root of a user namespace with one id", change: both(both(unfiltered, unmasked), ownUsers(1)), own: true},
	{name: "no user namespaces", change: both(both(unfiltered, unmasked), func(s *specs.Spec) {
		s.Linux.ReadonlyPaths = nil
		s.Process.Args = append([]string{"sh", "-c", "mount --bind /zero /proc/sys/user/max_user_namespaces && exec \"$@\"", "sh"}, s.Process.Args...)
		withCapability("CAP_SYS_ADMIN")(s)
	}), refused: "user.max_user_namespaces is 0", remedy: "user.max_user_namespaces"},
}

func TestRootInAContainer(t *testing.T) {
	t.Parallel()
	needs(t, "root", "runc", "cgroup")
	for _, c := range containerCases {
		t.Run(c.name, func(t *testing.T) {
			code, out := inContainer(t, c.change, "loadlock", "run", "--json", "--policy", "/nocgroup.yaml", "--", "sh", "-c", "echo $((40+2))ran-$(id -u)-$(id -G)")
			var res struct {
				Layers []struct{ Layer, Strength, Why string }
				Error  *struct{ Message, Hint string }
			}
			report := out[max(0, strings.Index(out, "{\n")):]
			if err := json.Unmarshal([]byte(report), &res); err != nil {
				t.Fatalf("status %d, report: %v\n%s", code, err, out)
			}
			if c.refused != "" {
				if code != 125 || res.Error == nil || !strings.Contains(res.Error.Message, c.refused) || !strings.Contains(res.Error.Hint, c.remedy) || strings.Contains(out, "42ran") {
					t.Fatalf("status %d, error %+v, want %q and %q", code, res.Error, c.refused, c.remedy)
				}
				return
			}
			if code != 0 || !strings.Contains(out, "42ran-"+c.id()+"\n") {
				t.Fatalf("status %d\n%s", code, out)
			}
			if len(res.Layers) < 10 {
				t.Fatalf("layers: %v", res.Layers)
			}
			for _, l := range res.Layers {
				if (l.Strength == "full") != (l.Layer != "cgroup") {
					t.Errorf("layer %s is %s: %s", l.Layer, l.Strength, l.Why)
				}
			}
		})
	}
	t.Run("the cgroup layer is named where nothing waives it", func(t *testing.T) {
		code, out := inContainer(t, both(unfiltered, unmasked), "loadlock", "run", "--", "sh", "-c", "echo $((40+2))ran")
		if code != 125 || strings.Contains(out, "42ran") || !strings.Contains(out, "layer cgroup") || !strings.Contains(out, "optional_layers") {
			t.Errorf("status %d\n%s", code, out)
		}
	})
	t.Run("doctor names the container and what it keeps back", func(t *testing.T) {
		code, out := inContainer(t, func(*specs.Spec) {}, "loadlock", "doctor")
		for _, want := range []string{"missing  user", "missing  cgroup", "seccomp=unconfined", "in a container"} {
			if code != 1 || !strings.Contains(out, want) {
				t.Errorf("status %d, no %q in:\n%s", code, want, out)
			}
		}
	})
}

// inContainer runs a command under runc as Docker would by default, after change.
func inContainer(t *testing.T, change func(*specs.Spec), args ...string) (int, string) {
	t.Helper()
	bundle, err := os.MkdirTemp("", "loadlock-container-") // t.TempDir is closed to other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(bundle) })
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	spec := dockerSpec(t, args)
	change(spec)
	if err := rootfs(bundle, self); err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	if err := write(filepath.Join(bundle, "config.json"), raw); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer // runc copies the streams side by side
	cmd := exec.Command("runc", "run", "--bundle", bundle, filepath.Base(bundle))
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run() // its status is the command's
	return cmd.ProcessState.ExitCode(), out.String() + errs.String()
}

func rootfs(bundle, program string) error {
	root := filepath.Join(bundle, "rootfs")
	for _, dir := range []string{"usr", "opt", "etc", "proc", "sys", "dev", "tmp", "run", "root"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			return err
		}
	}
	for _, name := range []string{"bin", "sbin", "lib", "lib64"} {
		if err := os.Symlink("usr/"+name, filepath.Join(root, name)); err != nil {
			return err
		}
	}
	for name, text := range map[string]string{
		"etc/passwd": "root:x:0:0:root:/root:/bin/sh\n", "nocgroup.yaml": "extends: safe\nname: nocgroup\noptional_layers: [cgroup]\n",
		".dockerenv": "", "zero": "0\n",
	} {
		if err := write(filepath.Join(root, name), []byte(text)); err != nil {
			return err
		}
	}
	raw, err := os.ReadFile(program)
	if err == nil {
		err = os.WriteFile(filepath.Join(root, "opt/loadlock"), raw, 0o755)
	}
	return errors.Join(err, os.Chmod(filepath.Join(root, "tmp"), 0o1777|os.ModeSticky), os.Chmod(bundle, 0o755))
}

// dockerSpec is what Docker makes of "docker run": moby's oci.DefaultSpec, its capabilities and its seccomp profile. The
// root file system borrows /usr of this host.
func dockerSpec(t *testing.T, args []string) *specs.Spec {
	t.Helper()
	caps := strings.Fields("CAP_CHOWN CAP_DAC_OVERRIDE CAP_FSETID CAP_FOWNER CAP_MKNOD CAP_NET_RAW CAP_SETGID CAP_SETUID CAP_SETFCAP CAP_SETPCAP CAP_NET_BIND_SERVICE CAP_SYS_CHROOT CAP_KILL CAP_AUDIT_WRITE")
	s := &specs.Spec{
		Version: "1.0.2", Hostname: "container", Root: &specs.Root{Path: "rootfs"},
		Process: &specs.Process{Args: args, Cwd: "/root", Env: []string{"PATH=/opt:/usr/bin:/bin", "HOME=/root"},
			Capabilities: &specs.LinuxCapabilities{Bounding: caps, Effective: caps, Permitted: caps}},
		Mounts: []specs.Mount{
			{Destination: "/proc", Type: "proc", Source: "proc", Options: []string{"nosuid", "noexec", "nodev"}},
			{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "strictatime", "mode=755", "size=65536k"}},
			{Destination: "/dev/pts", Type: "devpts", Source: "devpts", Options: []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"}},
			{Destination: "/dev/shm", Type: "tmpfs", Source: "shm", Options: []string{"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}},
			{Destination: "/sys", Type: "sysfs", Source: "sysfs", Options: []string{"nosuid", "noexec", "nodev", "ro"}},
			{Destination: "/sys/fs/cgroup", Type: "cgroup", Source: "cgroup", Options: []string{"ro", "nosuid", "noexec", "nodev"}},
			{Destination: "/tmp", Type: "tmpfs", Source: "tmpfs", Options: []string{"mode=1777"}},
			{Destination: "/run", Type: "tmpfs", Source: "tmpfs", Options: []string{"mode=755"}},
			{Destination: "/usr", Type: "bind", Source: "/usr", Options: []string{"rbind", "ro"}},
		},
		Linux: &specs.Linux{
			Namespaces: []specs.LinuxNamespace{{Type: specs.MountNamespace}, {Type: specs.NetworkNamespace}, {Type: specs.UTSNamespace},
				{Type: specs.PIDNamespace}, {Type: specs.IPCNamespace}},
			MaskedPaths: strings.Fields("/proc/asound /proc/acpi /proc/interrupts /proc/kcore /proc/keys /proc/latency_stats /proc/timer_list /proc/timer_stats " +
				"/proc/sched_debug /proc/scsi /sys/firmware /sys/devices/virtual/powercap"),
			ReadonlyPaths: strings.Fields("/proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger"),
		},
	}
	var err error
	if s.Linux.Seccomp, err = moby.GetDefaultProfile(s); err != nil {
		t.Fatal(err)
	}
	return s
}

func both(a, b func(*specs.Spec)) func(*specs.Spec) { return func(s *specs.Spec) { a(s); b(s) } }

func unfiltered(s *specs.Spec) { s.Linux.Seccomp = nil }

func unmasked(s *specs.Spec) { s.Linux.MaskedPaths, s.Linux.ReadonlyPaths = nil, nil }

func asUser(s *specs.Spec) {
	s.Process.User = specs.User{UID: 1234, GID: 1234}
	s.Process.Capabilities = &specs.LinuxCapabilities{Bounding: s.Process.Capabilities.Bounding}
	s.Process.Cwd, s.Process.Env = "/tmp", append(s.Process.Env, "HOME=/tmp")
}

// withCapability adds one; Docker's profile then allows more calls.
func withCapability(name string) func(*specs.Spec) {
	return func(s *specs.Spec) {
		c := s.Process.Capabilities
		for _, set := range []*[]string{&c.Bounding, &c.Effective, &c.Permitted} {
			*set = append(slices.Clone(*set), name)
		}
		if s.Linux.Seccomp != nil {
			s.Linux.Seccomp, _ = moby.GetDefaultProfile(s)
		}
	}
}

// ownUsers is a user namespace with n ids, from 1 000 000 on.
func ownUsers(n uint32) func(*specs.Spec) {
	return func(s *specs.Spec) {
		ids := []specs.LinuxIDMapping{{ContainerID: 0, HostID: 1_000_000, Size: n}}
		s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: specs.UserNamespace})
		s.Linux.UIDMappings, s.Linux.GIDMappings = ids, ids
	}
}

// needs skips a test where the host lacks something, and fails it when REQUIRE names that.
func needs(t *testing.T, words ...string) {
	t.Helper()
	for _, word := range words {
		if has, err := host.condition(word); err != nil {
			t.Fatal(err)
		} else if !has {
			t.Skipf("needs %s: %v", word, host.lacks(word))
		}
	}
}
