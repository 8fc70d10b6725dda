package attack

import (
	"path/filepath"

	"golang.org/x/sys/unix"
)

// devices are attacks through device nodes: the terminal's and the GPU's drivers are large, and run in the kernel.
func devices() []Check {
	const real = "it takes a GPU that is granted; without a grant there is none, which is G-01"
	const sti, linux, cons, setd = unix.TIOCSTI, 0x541c, unix.TIOCCONS, unix.TIOCSETD
	return []Check{
		{ID: "S-29", Title: "reaches out of a terminal and the console through ioctl", Refs: []string{"CVE-2017-5226", "CVE-2023-28100", "CVE-2026-53359"}, Layers: seccomp, Probes: []Probe{
			refused("tiocsti", "EPERM", unix.SYS_IOCTL, 0, sti, zeros(8)),
			refused("tiocsti-hidden-bits", "EPERM", unix.SYS_IOCTL, 0, hidden|sti, zeros(8)),
			refused("tioclinux", "EPERM", unix.SYS_IOCTL, 0, linux, zeros(8)),
			refused("tioccons", "EPERM", unix.SYS_IOCTL, 0, cons, zeros(8)),
			refused("line-discipline", "EPERM", unix.SYS_IOCTL, 0, setd, zeros(8)),
			refused("keyboard", "EPERM", unix.SYS_IOCTL, 0, 0x4b3a, zeros(8)),
			refused("virtual-terminal", "EPERM", unix.SYS_IOCTL, 0, 0x5606, zeros(8)),
			refused("another-descriptor", "EPERM", unix.SYS_IOCTL, 900, sti, zeros(8)),
		}},
		{ID: "S-30", Title: "opens devices of the host", Refs: []string{"CVE-2026-53359"}, Layers: []string{"mount"}, Probes: []Probe{
			{Name: "known-names", Try: func(*Inside) string { return opens("/dev", hostDevices) }, Want: Saw{"ENOENT": "mount"}},
		}},
		{ID: "G-01", Title: "opens a GPU that was not granted", Refs: []string{"mknod(2)"}, Layers: []string{"mount", "seccomp"}, Probes: []Probe{
			{Name: "nodes", Try: func(*Inside) string {
				return opens("/dev", []string{"nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "dri/renderD128", "dxg"})
			}, Want: Saw{"ENOENT": "mount"}, Benign: true},
			{Name: "stand-in", Try: func(in *Inside) string { return opens(in.Dir, []string{"nvidia0"}) }, Want: Saw{"ENOENT": "mount"}},
			{Name: "driver-files", Try: func(*Inside) string { return Read("/proc/driver/nvidia/version") }, Want: Saw{"ENOENT": "mount"}, Benign: true},
			refused("own-node", "EPERM", unix.SYS_MKNODAT, unix.AT_FDCWD, "/tmp/loadlock-selftest-node", unix.S_IFCHR|0o600, 195<<8),
		}},
		{ID: "G-02", Title: "opens what lies beside a GPU: display, other slices, another maker's", Layers: []string{"mount"}, Probes: []Probe{
			{Name: "nodes", Try: func(*Inside) string {
				return opens("/dev", []string{"nvidia-modeset", "dri/card0", "nvidia-caps/nvidia-cap1", "kfd"})
			}, Want: Saw{"ENOENT": "mount"}, Benign: true},
			{Name: "stand-in", Try: func(in *Inside) string { return opens(in.Dir, []string{"card0"}) }, Want: Saw{"ENOENT": "mount"}},
		}},
		{ID: "G-03", Title: "computes on a GPU that was granted, and looks for another", Refs: []string{"NVIDIA/NemoClaw issue 4016"}, Layers: []string{"mount"}, Needs: []string{"nvidia", "python"}, NoWithout: real, Probes: []Probe{
			{Name: "computes", Drive: computes, Want: Saw{"computes": ""}, Benign: true},
			{Name: "neighbours", Drive: func(h *Host) string { return h.run(nil, h.payload("G-03/open"), "--gpu", "0").word("G-03/open") }, Want: Saw{"one": "mount"}},
			{Name: "open", Try: func(*Inside) string { return gpusInside() }, Want: Saw{"none": "mount"}},
		}},
		{ID: "G-04", Title: "reads what the previous run left in the memory of a GPU", Refs: []string{"CVE-2023-4969"}, Needs: []string{"nvidia", "python"}, NoWithout: "whether memory is cleared is the driver's affair", Probes: []Probe{
			{Name: "remains", Drive: remains, Want: Saw{"nothing-found": "", "not-guaranteed-by-this-driver": ""}},
		}},
		{ID: "G-05", Title: "brings a device specification with hooks, mounts and /dev/mem", Refs: []string{"CVE-2024-0132", "CVE-2025-23266", "CVE-2025-23359"}, Layers: []string{Ours, "mount"}, NoWithout: "the tests of isolate/gpu/cdi show what the library of CDI would do with them", Probes: []Probe{
			{Name: "refused", Drive: refusedSpecs, Want: Saw{"refused": Ours, "refused-by-policy": Ours}},
			{Name: "hooks", Drive: hooks, Want: Saw{"exit-125": Ours, "ENOENT": "mount"}},
			{Name: "secret", Try: func(in *Inside) string { return Read(in.Secret) }, Want: Saw{"ENOENT": "mount"}},
		}},
		{ID: "G-06", Title: "writes where the driver's libraries are mounted", Layers: []string{"user", "mount"}, Probes: []Probe{
			{Name: "libraries", Try: func(*Inside) string { return writeLibraries() }, Want: Saw{"EACCES": "user", "EROFS": "mount"}, Through: []string{"through"}},
		}},
		{ID: "G-07", Title: "asks for a GPU that is not there", Layers: []string{Ours}, NoWithout: "it is the request that is refused", Probes: []Probe{
			{Name: "request", Drive: func(h *Host) string {
				return h.run(nil, h.payload("G-01/nodes"), "--gpu", nobodysGPU).word("G-01/nodes")
			}, Want: Saw{"exit-125": Ours}},
		}},
	}
}

// hostDevices are on some host each; /dev/tty0 or /dev/loop-control on nearly every one.
var hostDevices = []string{"kvm", "mem", "kmsg", "console", "tty0", "loop-control", "loop0", "fuse", "net/tun", "uinput", "userfaultfd", "vhost-vsock",
	"nvidia0", "nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-modeset", "kfd", "dri/card0", "dri/renderD128", "dxg",
	"vsock", "hwrng", "cpu_dma_latency", "sda", "vda", "nvme0", "mapper/control", "btrfs-control", "port", "snapshot"}

// opens opens every name in dir without waiting, and answers with the first that is there.
func opens(dir string, names []string) string {
	var saw []string
	for _, n := range names {
		fd, err := unix.Open(filepath.Join(dir, n), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
		if err == nil {
			unix.Close(fd)
		}
		saw = append(saw, Errno(err))
	}
	return Worst([]string{"ENOENT"}, saw...)
}

// plantDevices makes nodes with the numbers of GPUs in the canary folder, or files where this user may make no nodes.
func (h *Host) plantDevices() error {
	for _, d := range []struct {
		name         string
		major, minor uint32
	}{{"nvidia0", 195, 0}, {"card0", 226, 0}} {
		name := filepath.Join(h.Dir, d.name)
		err := unix.Mknod(name, unix.S_IFCHR|0o666, int(unix.Mkdev(d.major, d.minor)))
		if err != nil {
			fd, err := unix.Open(name, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_CLOEXEC, 0o666)
			if err != nil {
				return err
			}
			unix.Close(fd)
		}
	}
	return nil
}
