package attack

import (
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// files are attacks on files, mounts and links.
func files() []Check {
	return []Check{
		{
			ID: "F-01", Title: "reads files of the host", Layers: []string{"mount"},
			Probes: []Probe{
				notThere("marker", func(in *Inside) string { return Read(in.Secret) }),
				notThere("shadow", func(*Inside) string { return Read("/etc/shadow") }),
				notThere("root-home", func(*Inside) string { return list("/root") }),
				notThere("run", func(*Inside) string { return list("/run") }), // sockets, and our own run folders
				notThere("boot", func(*Inside) string { return list("/boot") }),
			},
		},
		{
			ID: "F-02", Title: "climbs out through links of /proc and ..", Layers: []string{"mount"}, Refs: []string{"CVE-2024-21626"},
			Probes: []Probe{
				notThere("root", func(in *Inside) string { // pid 1 is not dumpable: EACCES there
					return Worst([]string{"ENOENT", "EACCES"}, Read("/proc/1/root"+in.Secret), Read("/proc/self/root"+in.Secret))
				}),
				notThere("thread-root", func(in *Inside) string { return Read("/proc/thread-self/root" + in.Secret) }),
				notThere("cwd", func(in *Inside) string { return Read("/proc/self/cwd/" + strings.Repeat("../", 40) + in.Secret[1:]) }),
				notThere("dots", func(in *Inside) string { return Read(strings.Repeat("../", 40) + in.Secret[1:]) }),
			},
		},
		{
			ID: "F-03", Title: "changes its root and walks out of it", Layers: []string{"seccomp"}, Refs: []string{"chroot(2)"},
			Probes: []Probe{refused("chroot", "EPERM", unix.SYS_CHROOT, "/tmp")},
		},
		{
			ID: "F-04", Title: "uses a descriptor that the caller left open, or a working folder outside", Layers: []string{Ours}, Refs: []string{"CVE-2024-21626"},
			Probes: []Probe{{Name: "descriptors", Try: leadOut, Want: Saw{"none": Ours}, Through: []string{"through"}},
				{Name: "cwd", Try: workingFolder, Want: Saw{"inside": ""}, Benign: true}},
		},
		{
			ID: "F-05", Title: "mounts, unmounts, pivots", Layers: []string{"seccomp"}, Refs: []string{"CVE-2022-0185"},
			Probes: []Probe{
				{Name: "mount", Try: func(in *Inside) string { return Call(unix.SYS_MOUNT, in.Mark, "/tmp", "tmpfs", 0, nil) }, Want: Saw{"EPERM": "seccomp"}, Through: []string{"through"}},
				refused("umount2", "EPERM", unix.SYS_UMOUNT2, "/tmp", unix.MNT_DETACH),
				refused("fsopen", "EPERM", unix.SYS_FSOPEN, "tmpfs", 0),
				refused("fsconfig", "EPERM", unix.SYS_FSCONFIG, -1, 0, nil, nil, 0),
				refused("fsmount", "EPERM", unix.SYS_FSMOUNT, -1, 0, 0),
				refused("fspick", "EPERM", unix.SYS_FSPICK, unix.AT_FDCWD, "/tmp", 0),
				refused("open_tree", "EPERM", unix.SYS_OPEN_TREE, unix.AT_FDCWD, "/tmp", 1),
				refused("move_mount", "EPERM", unix.SYS_MOVE_MOUNT, -1, "", -1, "", 0),
				refused("mount_setattr", "ENOSYS", unix.SYS_MOUNT_SETATTR, -1, "", 0, nil, 0),
				refused("pivot_root", "EPERM", unix.SYS_PIVOT_ROOT, nil, nil),
			},
		},
		{
			ID: "F-06", Title: "makes a read-only mount writable, uncovers a mask", Layers: []string{"seccomp"},
			Probes: []Probe{
				{Name: "remount", Try: func(in *Inside) string {
					return Call(unix.SYS_MOUNT, nil, in.Model, nil, unix.MS_REMOUNT|unix.MS_BIND, nil)
				}, Want: Saw{"EPERM": "seccomp"}, Through: []string{"through"}},
				refused("unmask", "EPERM", unix.SYS_UMOUNT2, "/proc/kallsyms", unix.MNT_DETACH),
			},
		},
		{
			ID: "F-07", Title: "writes into the model, its folder or the installation", Layers: []string{"mount", "landlock", "user"},
			Probes: []Probe{
				{Name: "file", Try: func(in *Inside) string { return Write(in.modelFile()) },
					Want: Saw{"EROFS": "mount", "EACCES": "user"}, Through: []string{"through"}}, // whose file it is, is asked first
				readOnly("create", func(in *Inside) string { return create(filepath.Join(in.Model, in.Mark)) }),
				readOnly("replace", func(in *Inside) string { return Errno(os.Rename(in.modelFile(), in.modelFile())) }),
				readOnly("installation", func(in *Inside) string { return create("/usr/lib/" + in.Mark) }),
			},
		},
		{
			ID: "F-08", Title: "opens files by handle, past every folder", Layers: []string{"seccomp"}, Refs: []string{"open_by_handle_at(2), the shocker"},
			Probes: []Probe{
				refused("open_by_handle_at", "EPERM", unix.SYS_OPEN_BY_HANDLE_AT, -1, make([]byte, 64), 0),
				refused("name_to_handle_at", "EPERM", unix.SYS_NAME_TO_HANDLE_AT, unix.AT_FDCWD, "/tmp", make([]byte, 64), make([]byte, 8), 0),
			},
		},
		{
			ID: "F-09", Title: "makes a device node and opens it", Layers: []string{"seccomp", "cgroup", "mount"},
			Probes: []Probe{
				{Name: "device", Try: device, Want: Saw{"mknod-EPERM": "seccomp", "open-EPERM": "cgroup", "open-EACCES": "mount"}, Also: []string{"cgroup"}, Through: []string{"through"}},
			},
		},
		{
			ID: "F-10", Title: "leaves a set-user-ID program or file capabilities", Layers: []string{"seccomp"}, Refs: []string{"systemd.exec(5) RestrictSUIDSGID"},
			Probes: []Probe{
				refused("chmod-suid", "EPERM", unix.SYS_FCHMODAT, unix.AT_FDCWD, "/tmp", 0o4777),
				refused("chmod-sgid", "EPERM", unix.SYS_FCHMODAT, unix.AT_FDCWD, "/tmp", 0o2777),
				refused("create-suid", "EPERM", unix.SYS_OPENAT, unix.AT_FDCWD, "/tmp/suid", unix.O_CREAT|unix.O_WRONLY, 0o4755),
				refused("setcap", "ENOTSUP", unix.SYS_SETXATTR, "/tmp", "security.capability", "x", 1, 0),
			},
		},
		{
			ID: "F-11", Title: "leaves links, devices, FIFOs and sparse files in --output", Layers: []string{Ours}, Refs: []string{"CVE-2024-28185"},
			Setup:     Setup{Output: true, Alone: "F-11", TmpMB: 8},
			NoWithout: "what is attacked is the copying by loadlock, which has no switch",
			Probes: []Probe{
				{Name: "leave", Try: leaveOddFiles, Want: Saw{"left": ""}, Benign: true},
				{Name: "copied", Look: oddFilesCopied, Want: Saw{"only-the-result": Ours}, Through: []string{"through"}},
				{Name: "named", Look: func(_ *Host, e Ended) string { return skippedAll(e.Skipped, "link", "folder-link", "fifo", "sparse") }, Want: Saw{"all": ""}},
			},
		},
		{
			ID: "F-12", Title: "swaps a folder for a link while results are copied out", Layers: []string{Ours, "pid"}, Refs: []string{"CVE-2021-30465"},
			Setup:     Setup{Output: true, Alone: "F-12"},
			NoWithout: "what is attacked is the copying by loadlock, which has no switch",
			Probes: []Probe{
				{Name: "swap", Try: swapForEver, Want: Saw{"swapping": ""}, Benign: true},
				{Name: "outside", Look: func(h *Host, _ Ended) string {
					if exists(filepath.Join(h.Dir, "inside")) || !exists(h.Secret) {
						return "through"
					}
					return "nothing"
				}, Want: Saw{"nothing": Ours}, Through: []string{"through"}},
			},
		},
		{
			ID: "F-13", Title: "leaves a deep folder, many files and hostile names in --output", Layers: []string{Ours},
			Setup:     Setup{Output: true, Alone: "F-13", TmpMB: 64},
			NoWithout: "what is attacked is the copying by loadlock, which has no switch",
			Probes: []Probe{
				{Name: "leave", Try: leaveManyFiles, Want: Saw{"left": ""}, Benign: true},
				{Name: "copied", Look: manyFilesCopied, Want: Saw{"bounded": Ours}},
			},
		},
		{
			ID: "F-14", Title: "watches files that others use", Layers: []string{"seccomp"},
			Probes: []Probe{refused("fanotify", "EPERM", unix.SYS_FANOTIFY_INIT, 0, 0), refused("inotify", "EPERM", unix.SYS_INOTIFY_INIT1, 0)},
		},
		{
			ID: "F-15", Title: "writes extended attributes and ACLs", Layers: []string{"seccomp"},
			Probes: []Probe{
				{Name: "setxattr", Try: func(in *Inside) string { return Call(unix.SYS_SETXATTR, in.modelFile(), "user.mark", "x", 1, 0) }, Want: Saw{"ENOTSUP": "seccomp"}},
				{Name: "removexattr", Try: func(in *Inside) string { return Call(unix.SYS_REMOVEXATTR, in.modelFile(), "user.mark") }, Want: Saw{"EPERM": "seccomp"}},
			},
		},
		{
			ID: "F-16", Title: "reads /sys: hardware, firmware, cgroups", Layers: []string{"mount"},
			Probes: []Probe{
				notThere("sys", func(*Inside) string { return list("/sys") }),
				notThere("cgroups", func(*Inside) string { return list("/sys/fs/cgroup") }),
				notThere("kernel", func(*Inside) string { return list("/sys/kernel") }),
			},
		},
		{
			ID: "F-17", Title: "writes to read-only files through the page cache", Layers: []string{"seccomp"}, Refs: []string{"CVE-2022-0847", "CVE-2026-31431", "CVE-2026-43503"},
			Probes: []Probe{
				refused("splice", "EPERM", unix.SYS_SPLICE, -1, nil, -1, nil, 1, 0),
				refused("vmsplice", "EPERM", unix.SYS_VMSPLICE, -1, nil, 0, 0),
				refused("tee", "EPERM", unix.SYS_TEE, -1, -1, 1, 0),
				refused("sendfile", "EPERM", unix.SYS_SENDFILE, -1, -1, nil, 1),
				{Name: "model-unchanged", Look: func(h *Host, _ Ended) string {
					if readSmall(h.modelFile()) != h.state["model file"] {
						return "changed"
					}
					return "same"
				}, Want: Saw{"same": ""}},
			},
		},
		{
			ID: "F-18", Title: "plants code for the next run to import", Layers: []string{"mount", "landlock"},
			Probes: []Probe{
				readOnly("sitecustomize", func(*Inside) string { return create("sitecustomize.py") }),
				readOnly("pycache", func(*Inside) string { return makeFolder("__pycache__") }),
				{Name: "tmp-is-fresh", Drive: freshTmp, Want: Saw{"fresh": "mount"}},
			},
		},
		{
			ID: "F-19", Title: "plants settings that a tool on the host obeys", Layers: []string{"mount", "landlock"},
			Probes: []Probe{
				readOnly("envrc", func(*Inside) string { return create(".envrc") }),
				readOnly("git", func(*Inside) string { return makeFolder(".git") }),
				readOnly("vscode", func(*Inside) string { return makeFolder(".vscode") }),
			},
		},
		{
			ID: "F-20", Title: "has something else than /dev/null behind a mask", Layers: []string{"mount"}, Refs: []string{"CVE-2025-31133"},
			Probes: []Probe{{Name: "mask", Try: func(*Inside) string { return maskOf("/proc/kallsyms") }, Want: Saw{"null-device": "mount"}, Through: []string{"other"}}},
		},
		{
			ID: "F-21", Title: "reaches the console through /dev", Layers: []string{"mount"}, Refs: []string{"CVE-2025-52565"},
			Probes: []Probe{{Name: "console", Try: func(*Inside) string { return there("/dev/console") }, Want: Saw{"ENOENT": "mount"}, Through: []string{"through"}}},
		},
		{
			ID: "F-22", Title: "redirects what the runtime writes to /proc", Layers: []string{Ours}, Refs: []string{"CVE-2025-52881", "CVE-2019-19921", "CVE-2023-28642"},
			NoWithout: "it takes two containers that share a mount while one of them starts; the engine that writes to /proc is compiled in, and its version is what is looked at",
			Probes: []Probe{
				{Name: "engine", Look: func(*Host, Ended) string { return engineFixed() }, Want: Saw{"fixed": Ours}},
				{Name: "proc-is-proc", Try: func(*Inside) string { return fileSystem("/proc") }, Want: Saw{"procfs": ""}, Benign: true},
			},
		},
	}
}
