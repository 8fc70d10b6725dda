package attack

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// namespaces are attacks on namespaces, ids, capabilities and cgroups.
func namespaces() []Check {
	const no = "EPERM"
	return []Check{
		{
			ID: "N-01", Title: "makes or joins a namespace", Layers: []string{"seccomp"}, Refs: []string{"CVE-2022-0185", "CVE-2022-32250", "CVE-2023-32233"},
			Probes: append(unshares(),
				refused("clone-user", no, unix.SYS_CLONE, unix.CLONE_NEWUSER|int(unix.SIGCHLD), 0, 0, 0, 0),
				refused("clone-net", no, unix.SYS_CLONE, unix.CLONE_NEWNET|int(unix.SIGCHLD), 0, 0, 0, 0),
				refused("clone3", "ENOSYS", unix.SYS_CLONE3, nil, 0),
				Probe{Name: "setns", Try: join, Want: Saw{no: "seccomp"}, Through: []string{"through"}}),
		},
		{
			ID: "N-02", Title: "hides a namespace in bits and memory that a filter may not see", Layers: []string{"seccomp"}, Refs: []string{"clone(2)"},
			Probes: []Probe{
				refused("clone-high-bits", no, unix.SYS_CLONE, uint64(hidden)|unix.CLONE_NEWUSER|uint64(unix.SIGCHLD), 0, 0, 0, 0),
				refused("unshare-high-bits", no, unix.SYS_UNSHARE, uint64(hidden)|unix.CLONE_NEWUTS),
				refused("clone3-struct", "ENOSYS", unix.SYS_CLONE3, cloneArgs(), 88),
			},
		},
		{
			ID: "N-03", Title: "has a capability in some set, or the power of one", Layers: []string{"capabilities", "user"}, Refs: []string{"CVE-2022-24769", "CVE-2022-29162"},
			Probes: []Probe{{Name: "sets", Try: capabilities, Want: Saw{"none": "capabilities"}, Through: []string{"through"}},
				{Name: "give-file-away", Try: giveAway, Want: Saw{"EPERM": "capabilities", "EINVAL": "user"}, Through: []string{"through"}}}, // no such id in its map
		},
		{
			ID: "N-04", Title: "becomes another user, or joins a group", Layers: []string{"seccomp", "user"},
			Probes: []Probe{
				refused("setuid", no, unix.SYS_SETUID, 0), refused("setresuid", no, unix.SYS_SETRESUID, 0, 0, 0), refused("setgid", no, unix.SYS_SETGID, 0),
				refused("setgroups", no, unix.SYS_SETGROUPS, 0, nil), refused("setfsuid", no, unix.SYS_SETFSUID, 0),
				{Name: "host-id", Try: hostID, Want: Saw{"mapped": "user"}, Through: []string{"through"}},
			},
		},
		{
			ID: "N-05", Title: "executes a set-user-ID program of root", Layers: []string{"no_new_privs"}, Needs: []string{"subprocess", "setuid-program"},
			Probes: []Probe{{Name: "execute", Try: setuid, Want: Saw{"unchanged": "no_new_privs"}, Through: []string{"through"}}},
		},
		{
			ID: "N-06", Title: "executes a program with file capabilities", Layers: []string{"no_new_privs"},
			NotHere: "hosts have no such program in common, and none can be brought in (F-10); the kernel drops them for the same reason as the identity in N-05 (no_new_privs, execve(2))",
		},
		{
			ID: "N-07", Title: "writes its map of ids again", Layers: []string{"user"}, Refs: []string{"user_namespaces(7)"},
			NoWithout: "the map of the host's own user namespace is as closed as the box's",
			Probes: []Probe{
				{Name: "uid-map", Try: func(*Inside) string { return Errno(os.WriteFile("/proc/self/uid_map", []byte("0 0 1"), 0)) }, Want: Saw{"EPERM": "user", "EACCES": "user"}},
				{Name: "gid-map", Try: func(*Inside) string { return Errno(os.WriteFile("/proc/self/gid_map", []byte("0 0 1"), 0)) }, Want: Saw{"EPERM": "user", "EACCES": "user"}},
			},
		},
		{
			ID: "N-08", Title: "signals a process that has the same user outside", Layers: []string{"pid"},
			Probes: []Probe{{Name: "signal", Try: signalMarker, Want: Saw{"ESRCH": "pid", "another": "pid"}, Through: []string{"through"}}},
		},
		{
			ID: "N-09", Title: "leaves its cgroup, or has the kernel start a release agent", Layers: []string{"mount"}, Refs: []string{"CVE-2022-0492", "CVE-2021-4154"},
			Probes: []Probe{
				{Name: "mounted", Try: cgroupMounted, Want: Saw{"none": "mount"}, Through: []string{"through"}},
				notThere("folder", func(*Inside) string { return list("/sys/fs/cgroup") }),
			},
		},
		{
			ID: "N-10", Title: "learns the name of the host", Layers: []string{"uts"},
			Probes: []Probe{{Name: "uname", Try: hostName, Want: Saw{"constant": "uts"}, Through: []string{"through"}}},
		},
	}
}

func unshares() (out []Probe) {
	for _, ns := range []struct {
		name string
		flag int
	}{{"user", unix.CLONE_NEWUSER}, {"mount", unix.CLONE_NEWNS}, {"pid", unix.CLONE_NEWPID}, {"net", unix.CLONE_NEWNET}, {"ipc", unix.CLONE_NEWIPC},
		{"uts", unix.CLONE_NEWUTS}, {"cgroup", unix.CLONE_NEWCGROUP}, {"time", unix.CLONE_NEWTIME}} {
		out = append(out, refused("unshare-"+ns.name, "EPERM", unix.SYS_UNSHARE, ns.flag))
	}
	return out
}

// join enters the namespace it is in, which only needs the right to.
func join(*Inside) string {
	fd, err := unix.Open("/proc/self/ns/uts", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return Errno(err)
	}
	defer unix.Close(fd)
	return Call(unix.SYS_SETNS, fd, 0)
}

// cloneArgs is struct clone_args (clone(2)) that asks for a user namespace.
func cloneArgs() []byte {
	b := make([]byte, 88)
	b[3] = unix.CLONE_NEWUSER >> 24
	b[32] = byte(unix.SIGCHLD)
	return b
}

func capabilities(*Inside) string {
	for line := range strings.Lines(readSmall("/proc/self/status")) {
		name, set, _ := strings.Cut(line, ":")
		if strings.HasPrefix(name, "Cap") && strings.Trim(strings.TrimSpace(set), "0") != "" {
			return "through"
		}
	}
	return "none"
}

// giveAway makes a file somebody else's.
func giveAway(in *Inside) string {
	name := "/tmp/" + in.Mark + "-mine"
	f, err := os.Create(name)
	if err != nil {
		return Errno(err)
	}
	defer os.Remove(name)
	defer f.Close()
	return Errno(f.Chown(12345, -1))
}

// hostID says whether the payload's user is somebody else outside: user 0 of the first user namespace is root of the host.
func hostID(*Inside) string {
	var inside, outside, n uint64
	if _, err := fmt.Sscan(readSmall("/proc/self/uid_map"), &inside, &outside, &n); err != nil {
		return "unknown"
	}
	if n == 1<<32-1 { // the map of the first one
		return "through"
	}
	return "mapped"
}

// setuidPrograms are root's on most hosts, and wait for a password.
var setuidPrograms = []string{"/usr/bin/su", "/usr/bin/passwd", "/usr/bin/sudo"}

func setuidProgram() string {
	for _, name := range setuidPrograms {
		var st unix.Stat_t
		if unix.Stat(name, &st) == nil && st.Mode&unix.S_ISUID != 0 {
			return name
		}
	}
	return ""
}

// setuid executes such a program and looks whose it runs as.
func setuid(*Inside) string {
	program := ""
	for _, name := range setuidPrograms { // as root in a box the file's owner is nobody we know, but the bit is seen
		if info, err := os.Stat(name); err == nil && info.Mode()&os.ModeSetuid != 0 {
			program = name
			break
		}
	}
	cmd := exec.Command(program)
	in, err := cmd.StdinPipe()
	if err != nil {
		return Errno(err)
	}
	if err := cmd.Start(); err != nil {
		return Errno(err)
	}
	defer func() { in.Close(); _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	status := fmt.Sprintf("/proc/%d/status", cmd.Process.Pid)
	for range 100 {
		exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", cmd.Process.Pid))
		if err == nil && exe != program {
			time.Sleep(time.Millisecond)
			continue // not executed yet
		}
		for line := range strings.Lines(readSmall(status)) {
			if f := strings.Fields(line); len(f) == 5 && f[0] == "Uid:" {
				if f[2] == fmt.Sprint(os.Geteuid()) {
					return "unchanged"
				}
				return "through"
			}
		}
	}
	return "not-seen"
}

func signalMarker(in *Inside) string {
	if err := unix.Kill(in.PID, 0); err != nil {
		return Errno(err)
	}
	if saw := ofMarker(in, "cmdline"); saw != "through" {
		return "another"
	}
	return "through"
}

func cgroupMounted(*Inside) string {
	for line := range strings.Lines(readSmall("/proc/self/mountinfo")) {
		_, after, _ := strings.Cut(line, " - ")
		if strings.HasPrefix(after, "cgroup") {
			return "through"
		}
	}
	if found, _ := filepath.Glob("/*/release_agent"); len(found) > 0 {
		return "through"
	}
	return "none"
}

func hostName(in *Inside) string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return Errno(err)
	}
	if unix.ByteSliceToString(u.Nodename[:]) == in.Hostname {
		return "through"
	}
	return "constant"
}
