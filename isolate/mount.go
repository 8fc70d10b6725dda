package isolate

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// mountLayer builds a private root of read-only binds, a private /tmp and /dev/shm, a minimal /dev and the
// /proc of the new pid namespace. There is no /sys, but for the few files of it that a granted GPU needs.
var mountLayer = Layer{
	Name: "mount", Doc: "only the interpreter, the script and the admitted files exist, read-only",
	Remedy: "use a kernel with mount namespaces",
	Probe:  probeNamespace("mnt"),
	Configure: func(oci *specs.Spec, s Spec) error {
		oci.Linux.Namespaces = append(oci.Linux.Namespaces, specs.LinuxNamespace{Type: specs.MountNamespace})
		oci.Linux.RootfsPropagation = "rprivate"
		if err := checkGPU(s); err != nil {
			return err
		}
		oci.Linux.MaskedPaths = slices.Concat(maskedProc, s.Masks)
		if len(s.GPU.Proc) == 0 {
			oci.Linux.MaskedPaths = append(oci.Linux.MaskedPaths, "/proc/driver")
		} else {
			oci.Hooks = driverHook()
		}
		oci.Linux.ReadonlyPaths = readonlyProc
		tmp, shm := "noexec", "noexec"
		if s.Sandbox.Allow.NativeCode {
			tmp = "exec" // JIT compilers write a library to /tmp and map it
		}
		oci.Mounts = []specs.Mount{
			{Destination: "/proc", Type: "proc", Source: "proc", Options: []string{"nosuid", "nodev", "noexec"}},
			{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "noexec", "strictatime", "mode=755", "size=64k"}},
			{Destination: "/dev/shm", Type: "tmpfs", Source: "shm", Options: []string{"nosuid", "nodev", shm, "mode=1777", fmt.Sprintf("size=%dm", s.Sandbox.ShmMB)}},
			scratch("/tmp", tmp, s),
			bind(Bind{Source: s.Host.Program, Target: pid1Path, Exec: true}, s.Host),
		}
		binds := slices.Clone(s.Binds)
		slices.SortStableFunc(binds, func(a, b Bind) int { // parents before what covers parts of them
			return cmp.Compare(strings.Count(path.Clean(a.Target), "/"), strings.Count(path.Clean(b.Target), "/"))
		})
		for _, b := range binds {
			if b.Fresh && path.IsAbs(b.Target) {
				oci.Mounts = append(oci.Mounts, scratch(b.Target, "noexec", s))
				continue
			}
			if !path.IsAbs(b.Target) || !path.IsAbs(b.Source) {
				return fmt.Errorf("bind %s on %s: not absolute", b.Source, b.Target)
			}
			oci.Mounts = append(oci.Mounts, bind(b, s.Host))
		}
		oci.Mounts = append(oci.Mounts, gpuMounts(s.GPU, s.Host)...)
		return nil
	},
	Observe: func(v View, s Spec) (Strength, string) {
		if st, why := v.ownNamespace("mnt"); st != Full {
			return st, why
		}
		return v.mounts(s)
	},
}

// scratch is an empty folder in memory, which counts for the memory limit, bounded in bytes and in files.
func scratch(at, exec string, s Spec) specs.Mount {
	return specs.Mount{Destination: at, Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "nodev", exec, "mode=1777",
		fmt.Sprintf("size=%dm", s.Sandbox.TmpMB), fmt.Sprintf("nr_inodes=%d", 64*s.Sandbox.TmpMB)}}
}

func bind(b Bind, h Host) specs.Mount {
	opts := []string{"bind", "nosuid", "nodev"}
	if !b.Write {
		opts = append(opts, "ro")
	}
	if !b.Exec {
		opts = append(opts, "noexec")
	}
	m := specs.Mount{Destination: b.Target, Type: "bind", Source: b.Source, Options: opts}
	if b.Owner != nil && !h.Rootless {
		m.UIDMappings = []specs.LinuxIDMapping{{ContainerID: b.Owner.UID, HostID: h.IDBase + workID, Size: 1}}
		m.GIDMappings = []specs.LinuxIDMapping{{ContainerID: b.Owner.GID, HostID: h.IDBase + workID, Size: 1}}
	}
	return m
}

// The lists are those of the OCI runtimes' default: what in /proc reaches the host's hardware or kernel. /proc/bus, which
// they leave readable, lists the host's devices, and so every GPU.
var (
	maskedProc = []string{"/proc/acpi", "/proc/asound", "/proc/bus", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
		"/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/proc/kallsyms", "/proc/iomem", "/proc/ioports",
		"/proc/modules", "/proc/config.gz", "/proc/kpagecount", "/proc/kpageflags", "/proc/vmallocinfo"}
	readonlyProc = []string{"/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}
)
