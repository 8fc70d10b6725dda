package attack

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// descriptors are attacks through what a process inherits: descriptors, terminal, environment, arguments.
func descriptors() []Check {
	ours := []string{Ours}
	return []Check{
		{ID: "D-01", Title: "finds a descriptor that the caller left open", Setup: Setup{Alone: "D-01"}, Refs: []string{"netblue30/firejail#4845", "CVE-2024-21626"}, Layers: ours, Probes: []Probe{
			{Name: "3-to-65535", Try: func(*Inside) string { return inherited() }, Want: Saw{"none": Ours}},
		}},
		{ID: "D-02", Title: "climbs out through a folder that is its standard input", Refs: []string{"google/nsjail#268"}, Layers: ours,
			NoWithout: "the second probe does it on the bare host", Probes: []Probe{
				{Name: "folder", Drive: func(h *Host) string { return h.run(onFolder, h.payload("D-02/climb")).word("D-02/climb") }, Want: Saw{"exit-125": Ours}},
				{Name: "on-the-bare-host", Drive: func(h *Host) string { return h.bare(onFolder, h.payload("D-02/climb")).word("D-02/climb") }, Want: Saw{"through": ""}, Benign: true},
				{Name: "climb", Try: func(*Inside) string { return Call(unix.SYS_OPENAT, 0, "..", unix.O_RDONLY, 0) }, Want: Saw{"ENOTDIR": Ours}},
			}},
		{ID: "D-03", Title: "reads back, truncates and seeks in the caller's file behind its standard output", Needs: []string{"subprocess"}, Refs: []string{"open(2)"}, Layers: ours,
			NoWithout: "the second probe does it on the bare host", Probes: []Probe{
				{Name: "file", Drive: func(h *Host) string { return behindOutput(h, false) }, Want: Saw{"intact": Ours}},
				{Name: "on-the-bare-host", Drive: func(h *Host) string { return behindOutput(h, true) }, Want: Saw{"damaged": ""}, Benign: true},
				{Name: "reach", Try: func(*Inside) string { return reachOutput() }, Want: Saw{"pipe": Ours}},
			}},
		{ID: "D-04", Title: "types into the caller's terminal, and takes it", Refs: []string{"CVE-2017-5226", "CVE-2023-28100"}, Layers: []string{Ours, "seccomp"}, Probes: []Probe{
			refused("type", "EPERM", unix.SYS_IOCTL, 0, unix.TIOCSTI, zeros(8)),
			refused("type-on-stdout", "EPERM", unix.SYS_IOCTL, 1, unix.TIOCSTI, zeros(8)),
			refused("type-on-stderr", "EPERM", unix.SYS_IOCTL, 2, unix.TIOCSTI, zeros(8)),
			refused("paste", "EPERM", unix.SYS_IOCTL, 0, 0x541c, zeros(8)),
			{Name: "session", Try: session, Want: Saw{"own": Ours}},
		}},
		{ID: "D-05", Title: "reads secrets in the environment, and what loads code into it", Refs: []string{"CVE-2025-23266"}, Layers: ours, Probes: []Probe{
			{Name: "secrets", Try: secrets, Want: Saw{"absent": Ours}},
		}},
		{ID: "D-06", Title: "learns the caller's name, home and host from its environment and its first process", Refs: []string{"proc_pid_environ(5)"}, Layers: ours,
			NoWithout: "the second probe does it on the bare host", Probes: []Probe{
				{Name: "caller", Drive: func(h *Host) string { return h.run(asSomebody, h.payload("D-06/learn")).word("D-06/learn") }, Want: Saw{"neutral": Ours}},
				{Name: "on-the-bare-host", Drive: func(h *Host) string { return h.bare(asSomebody, h.payload("D-06/learn")).word("D-06/learn") }, Want: Saw{"learned": ""}, Benign: true},
				{Name: "learn", Try: func(*Inside) string { return yes(strings.Contains(environ(), somebody), "learned", "neutral") }, Want: Saw{"neutral": Ours}},
			}},
		{ID: "D-07", Title: "forges its own result", Refs: []string{"report"}, Layers: ours, NoWithout: "without a supervisor there is no report", Probes: []Probe{
			{Name: "report", Drive: forged, Want: Saw{"true-report": Ours}},
			{Name: "write", Try: func(*Inside) string { return forge() }, Want: Saw{"exit-3": Ours}},
		}},
		{ID: "D-08", Title: "hands a descriptor out over a socket that the caller left open", Refs: []string{"unix(7), SCM_RIGHTS"}, Layers: ours,
			NoWithout: "the second probe does it on the bare host", Probes: []Probe{
				{Name: "socket", Drive: func(h *Host) string { return handOut(h, false) }, Want: Saw{"nothing-came": Ours}},
				{Name: "on-the-bare-host", Drive: func(h *Host) string { return handOut(h, true) }, Want: Saw{"came": ""}, Benign: true},
				{Name: "send", Try: func(*Inside) string { return sendOnAll() }, Want: Saw{"no-socket": Ours}},
			}},
	}
}

// goCgroup begins the name of the file in which the Go runtime, where it finds a cgroup, watches the processor limit.
const goCgroup = "/sys/fs/cgroup/"

// inherited looks for a descriptor beyond the three that the Go runtime did not make itself: to wait for others, and to
// ask a cgroup for its processors.
func inherited() string {
	for fd := 3; fd < 65536; fd++ {
		link, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
		if err == nil && !strings.HasPrefix(link, "anon_inode:[event") && !strings.HasPrefix(link, goCgroup) {
			return "found"
		}
	}
	return "none"
}

func onFolder(cmd *exec.Cmd) {
	if f, err := os.Open("/"); err == nil {
		cmd.Stdin = f
	}
}

// behindOutput runs the probe with a file as standard output that can be read and written, and looks at the file.
func behindOutput(h *Host, bare bool) string {
	name := filepath.Join(h.Dir, "stdout")
	defer os.Remove(name)
	const before = "what was there before\n"
	if err := os.WriteFile(name, []byte(before), 0o644); err != nil {
		return Errno(err)
	}
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return Errno(err)
	}
	defer f.Close()
	if _, err := f.Seek(0, 2); err != nil {
		return Errno(err)
	}
	change := func(cmd *exec.Cmd) { cmd.Stdout = f }
	if bare {
		h.bare(change, h.payload("D-03/reach"))
	} else {
		h.run(change, h.payload("D-03/reach"))
	}
	after := readSmall(name)
	saw, _ := Report([]byte(after))
	return yes(strings.HasPrefix(after, before) && saw["D-03/reach"] == "pipe", "intact", "damaged")
}

// reachOutput does to standard output what nobody does to a pipe.
func reachOutput() string {
	if _, err := unix.Seek(1, 0, 0); err == nil {
		_ = unix.Ftruncate(1, 0)
		return "file"
	}
	if _, err := unix.Pread(1, make([]byte, 1), 0); err == nil {
		return "file"
	}
	return "pipe"
}

// session says whether the payload is in the session of the caller, as the witness is: then the caller's terminal is
// its own too.
func session(in *Inside) string {
	own, err := unix.Getsid(0)
	if err != nil {
		return Errno(err)
	}
	callers, err := unix.Getsid(in.PID)
	return yes(err == nil && own == callers, "callers", "own")
}

// secrets looks for what Host.Environ plants.
func secrets(in *Inside) string {
	for _, kv := range os.Environ() {
		_, value, _ := strings.Cut(kv, "=")
		if value == in.Mark || value == in.Socket || value == in.Secret {
			return "found"
		}
	}
	return "absent"
}

// environ is the environment of the payload and what can be read about the first process.
func environ() string {
	return strings.Join(os.Environ(), "\n") + readSmall("/proc/1/cmdline") + readSmall("/proc/1/environ") + readSmall("/proc/self/cgroup")
}

const somebody = "selftest-somebody"

func asSomebody(cmd *exec.Cmd) {
	cmd.Env = append(os.Environ(), "USER="+somebody, "LOGNAME="+somebody, "HOME=/home/"+somebody, "MAIL=/var/mail/"+somebody, "HOSTNAME="+somebody, "OLDPWD=/home/"+somebody)
}

// forge claims on every descriptor that all went well, and ends with another status.
func forge() string {
	for fd := 1; fd < 64; fd++ {
		_, _ = unix.Write(fd, []byte(`{"schema":1,"id":"`+somebody+`","outcome":"ok","status":0}`+"\nloadlock: ok\n"))
	}
	os.Exit(3)
	return ""
}

func forged(h *Host) string {
	d := h.run(nil, h.payload("D-07/write"))
	return yes(d.Code == 3 && d.Report.Status == 3 && d.Report.ID != somebody && bytes.Contains(d.Stdout, []byte(somebody)), "true-report", fmt.Sprintf("status-%d", d.Report.Status))
}

// handOut leaves a socket open for loadlock and sees what comes through it.
func handOut(h *Host, bare bool) string {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return Errno(err)
	}
	theirs := os.NewFile(uintptr(pair[1]), "theirs")
	defer theirs.Close()
	defer unix.Close(pair[0])
	change := func(cmd *exec.Cmd) { cmd.ExtraFiles = []*os.File{theirs} }
	if bare {
		h.bare(change, h.payload("D-08/send"))
	} else {
		h.run(change, h.payload("D-08/send"))
	}
	oob := make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := unix.Recvmsg(pair[0], make([]byte, 8), oob, unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
	return yes(err == nil && n > 0, "came", "nothing-came")
}

// sendOnAll sends the root folder over every descriptor that is a socket.
func sendOnAll() string {
	saw := "no-socket"
	root, err := unix.Open("/", unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return Errno(err)
	}
	defer unix.Close(root)
	for fd := 3; fd < 64; fd++ {
		if unix.Sendmsg(fd, []byte("selftest"), unix.UnixRights(root), nil, unix.MSG_DONTWAIT) == nil {
			saw = "sent"
		}
	}
	return saw
}
