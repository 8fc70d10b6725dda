package attack

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// sockets are attacks through the network and between processes.
func sockets() []Check {
	family := func(name string, family, kind, protocol int) Probe {
		return refused(name, "EAFNOSUPPORT", unix.SYS_SOCKET, family, kind, protocol)
	}
	protocol := func(name string, kind, protocol int) Probe {
		return Probe{Name: name, Try: func(*Inside) string { return Call(unix.SYS_SOCKET, unix.AF_INET, kind, protocol) },
			Want: Saw{"EAFNOSUPPORT": "seccomp", "EPROTONOSUPPORT": "seccomp"}}
	}
	return []Check{
		{ID: "I-01", Title: "reaches servers on the host's loopback, and beyond", Refs: []string{"169.254.169.254"}, Layers: []string{"seccomp", "net", "landlock"}, Unless: "network_access", Probes: []Probe{
			{Name: "tcp", Try: func(in *Inside) string {
				return connect(&unix.SockaddrInet4{Port: in.TCP, Addr: [4]byte{127, 0, 0, 1}})
			},
				Want: Saw{"EAFNOSUPPORT": "seccomp", "ECONNREFUSED": "net", "ENETUNREACH": "net", "EACCES": "landlock"}, Through: throughOnly},
			{Name: "udp", Try: func(in *Inside) string { return datagram(in.UDP) },
				Want: Saw{"EAFNOSUPPORT": "seccomp", "ECONNREFUSED": "net", "ENETUNREACH": "net"}, Through: throughOnly},
			family("metadata-service", unix.AF_INET, unix.SOCK_STREAM, 0),
			family("ping", unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_ICMP),
		}},
		{ID: "I-02", Title: "reaches unix sockets of the host: abstract, named, agents", Refs: []string{"CVE-2020-15257", "unix(7)"}, Layers: []string{"mount", "net", "landlock"}, Probes: []Probe{
			{Name: "named", Try: func(in *Inside) string { return connect(&unix.SockaddrUnix{Name: in.Socket}) }, Want: Saw{"ENOENT": "mount"}, Through: throughOnly},
			{Name: "abstract", Try: func(in *Inside) string { return connect(&unix.SockaddrUnix{Name: "@" + in.Abstract}) },
				Want: Saw{"ECONNREFUSED": "net", "EPERM": "landlock"}, Through: throughOnly},
			{Name: "agents", Try: func(in *Inside) string { return agents(in.Socket) }, Want: Saw{"ENOENT": "mount"}, Through: throughOnly},
		}},
		{ID: "I-03", Title: "opens sockets of families that no model needs", Refs: []string{"CVE-2025-21756", "CVE-2025-38617", "CVE-2026-43500"}, Layers: seccomp, Unless: "network_access", Probes: []Probe{
			family("inet", unix.AF_INET, unix.SOCK_STREAM, 0),
			family("inet6", unix.AF_INET6, unix.SOCK_DGRAM, 0),
			family("netlink-route", unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE),
			family("netlink-netfilter", unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_NETFILTER),
			family("packet", unix.AF_PACKET, unix.SOCK_RAW, 0),
			family("vsock", unix.AF_VSOCK, unix.SOCK_DGRAM, 9), // a protocol it has not, should the kernel not have the family
			family("inet-hidden-bits", hidden|unix.AF_INET, unix.SOCK_STREAM, 0),
			family("unix-hidden-bits", hidden|unix.AF_UNIX, unix.SOCK_STREAM, 0),
			{Name: "0-to-50", Try: func(*Inside) string { return families(unix.SYS_SOCKET) }, Want: Saw{"EAFNOSUPPORT": "seccomp"}},
			{Name: "pairs", Try: func(*Inside) string { return families(unix.SYS_SOCKETPAIR) }, Want: Saw{"EAFNOSUPPORT": "seccomp"}},
		}},
		{ID: "I-04", Title: "opens protocols beside TCP and UDP", Refs: []string{"landlock(7): MPTCP", "CVE-2024-43882"}, Layers: seccomp, Probes: []Probe{
			protocol("raw", unix.SOCK_RAW, unix.IPPROTO_RAW),
			protocol("mptcp", unix.SOCK_STREAM, unix.IPPROTO_MPTCP),
			{Name: "others", Try: func(*Inside) string { return protocols() }, Want: Saw{"EAFNOSUPPORT": "seccomp", "EPROTONOSUPPORT": "seccomp"}},
		}},
		{ID: "I-05", Title: "its own processes talk over unix sockets", Refs: []string{"torch.utils.data.DataLoader"}, NoWithout: "nothing must stop it", Probes: []Probe{
			{Name: "pair", Try: func(*Inside) string { return Call(unix.SYS_SOCKETPAIR, unix.AF_UNIX, unix.SOCK_STREAM, 0, zeros(8)) }, Want: Saw{"through": ""}, Benign: true},
			{Name: "named", Try: func(in *Inside) string { return talk(filepath.Join("/tmp", in.Mark+"-own")) }, Want: Saw{"through": ""}, Benign: true},
			{Name: "abstract", Try: func(in *Inside) string { return talk("@" + in.Mark + "-own") }, Want: Saw{"through": ""}, Benign: true},
			{Name: "descriptor", Try: func(*Inside) string { return passDescriptor() }, Want: Saw{"through": ""}, Benign: true},
		}},
		{ID: "I-06", Title: "meets another run in a folder, a socket or shared memory", Needs: []string{"subprocess"}, Refs: []string{"CVE-2023-4622"}, Layers: []string{"mount"},
			NoWithout: "the bare host is what two runs without a box share", Probes: []Probe{
				{Name: "what-another-run-left", Try: meet, Want: Saw{"nobody": "mount"}, Through: []string{"met"}},
				{Name: "two-at-once", Drive: twoAtOnce, Want: Saw{"nobody": "mount"}},
			}},
		{ID: "I-07", Title: "shares System V memory, semaphores, queues and /dev/shm with the host", Refs: []string{"sysvipc(7)"}, Layers: []string{"seccomp", "ipc", "mount"}, Needs: []string{"sysv"}, Probes: []Probe{
			{Name: "memory", Try: func(in *Inside) string { return Call(unix.SYS_SHMGET, in.ShmKey, 0, 0) }, Want: Saw{"EPERM": "seccomp", "ENOENT": "ipc"}, Through: throughOnly},
			refused("semaphores", "EPERM", unix.SYS_SEMGET, 0x10ad10c, 1, 0),
			refused("queues", "EPERM", unix.SYS_MSGGET, 0x10ad10c, 0),
			refused("posix-queue", "EPERM", unix.SYS_MQ_OPEN, "loadlock-selftest", 0, 0, nil),
			{Name: "left-in-shm", Look: func(h *Host, _ Ended) string { return yes(named("/dev/shm/*", h.Mark) == "", "nothing-left", "left") }, Want: Saw{"nothing-left": "mount"}},
		}},
		{ID: "I-08", Title: "signals another run through locks on a read-only file of the host", Refs: []string{"flock(2)"},
			NotHere: "not stopped, and documented: two runs that are shown the same folder of the host (/usr) can lock the same file in it; models are not shared where they are private copies"},
		{ID: "I-09", Title: "smuggles data out in names that the proxy resolves", Refs: []string{"UKGovernmentBEIS/inspect_k8s_sandbox#56"},
			NotHere: "concerns --net allow: the tests of runner/proxy ask it for names that are on no list"},
		{ID: "I-10", Title: "confuses the proxy: literals, other server names, rebinding, mapped addresses", Refs: []string{"anthropics/claude-code#87381"},
			NotHere: "concerns --net allow: the tests of runner/proxy do it to the proxy itself"},
		{ID: "I-11", Title: "downloads a model", Refs: []string{"HF_HUB_OFFLINE"}, Layers: seccomp, Unless: "network_access",
			NoWithout: "whether a hub answers depends on the host's network; its sockets are what I-01 and I-03 try", Probes: []Probe{
				{Name: "hub", Try: func(*Inside) string { return dial("huggingface.co:443") }, Want: Saw{"fails": "seccomp"}},
			}},
	}
}

// connect is "through" when somebody accepted.
func connect(to unix.Sockaddr) string {
	family := unix.AF_INET
	if _, ok := to.(*unix.SockaddrUnix); ok {
		family = unix.AF_UNIX
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return Errno(err)
	}
	defer unix.Close(fd)
	return Errno(unix.Connect(fd, to))
}

// datagram sends until the kernel has had time to say that nobody is there.
func datagram(port int) string {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return Errno(err)
	}
	defer unix.Close(fd)
	err = unix.Connect(fd, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}})
	for i := 0; i < 5 && err == nil; i++ {
		_, err = unix.Write(fd, []byte("selftest"))
		time.Sleep(10 * time.Millisecond)
	}
	return Errno(err)
}

// agents are sockets that give away the host when they are there, and one that is.
func agents(one string) string {
	var saw []string
	for _, name := range []string{"/run/docker.sock", "/var/run/docker.sock", "/run/containerd/containerd.sock", "/run/dbus/system_bus_socket", "/tmp/.X11-unix/X0",
		"/run/nscd/socket", "/run/user/1000/bus", "/run/user/1000/wayland-0", "/run/systemd/private", one} {
		saw = append(saw, connect(&unix.SockaddrUnix{Name: name}))
	}
	return Worst([]string{"ENOENT"}, saw...)
}

// families tries every family but AF_UNIX with every type, and answers with the first that the filter let by.
func families(call int) string {
	for family := 0; family <= 50; family++ {
		for kind := 1; kind <= 10 && family != unix.AF_UNIX; kind++ {
			if saw := Call(call, family, kind, 0, zeros(8)); saw != "EAFNOSUPPORT" {
				return saw
			}
		}
	}
	return "EAFNOSUPPORT"
}

func protocols() string {
	var saw []string
	for _, p := range []struct{ kind, protocol int }{{unix.SOCK_RAW, unix.IPPROTO_ICMP}, {unix.SOCK_SEQPACKET, unix.IPPROTO_SCTP}, {unix.SOCK_DGRAM, unix.IPPROTO_UDPLITE},
		{unix.SOCK_DCCP, unix.IPPROTO_DCCP}, {unix.SOCK_DGRAM, unix.IPPROTO_ICMP}, {unix.SOCK_STREAM, 256 + 6}} {
		for _, family := range []int{unix.AF_INET, unix.AF_INET6} {
			saw = append(saw, Call(unix.SYS_SOCKET, family, p.kind, p.protocol))
		}
	}
	return Worst([]string{"EAFNOSUPPORT", "EPROTONOSUPPORT"}, saw...)
}

// talk sends a byte to itself through a listener of its own.
func talk(name string) string {
	l, err := net.Listen("unix", name)
	if err != nil {
		return Errno(err)
	}
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			_, _ = c.Write([]byte{1})
			c.Close()
		}
	}()
	c, err := net.Dial("unix", name)
	if err != nil {
		return Errno(err)
	}
	defer c.Close()
	_, err = c.Read(make([]byte, 1))
	return Errno(err)
}

// passDescriptor sends a descriptor, as DataLoader's workers send tensors.
func passDescriptor() string {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return Errno(err)
	}
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	if err := unix.Sendmsg(pair[0], []byte{1}, unix.UnixRights(pair[0]), nil, 0); err != nil {
		return Errno(err)
	}
	oob := make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := unix.Recvmsg(pair[1], make([]byte, 1), oob, unix.MSG_CMSG_CLOEXEC)
	if err == nil && n == 0 {
		return "no-descriptor"
	}
	return Errno(err)
}

// dial connects by name. It matters that the end comes at once: a library that waits for a network looks hung.
func dial(address string) string {
	c, err := net.DialTimeout("tcp", address, 5*time.Second)
	var timeout net.Error
	switch {
	case err == nil:
		c.Close()
		return "through"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "waits"
	}
	return "fails"
}

// meetingPoints are where two runs might meet.
func meetingPoints(mark string) (files []string, socket string) {
	return []string{filepath.Join("/tmp", mark+"-meet"), filepath.Join("/dev/shm", mark+"-meet")}, "@" + mark + "-meet"
}

// meet looks for what another run left, and leaves the same. Where the other run is to be found, it stays until its
// standard input ends.
func meet(in *Inside) string {
	files, socket := meetingPoints(in.Mark)
	saw := "nobody"
	for _, f := range files {
		if exists(f) {
			saw = "met"
		}
		_ = os.WriteFile(f, nil, 0o666)
		defer os.Remove(f)
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		return "met"
	}
	defer l.Close()
	if in.Setup.Alone == stays {
		fmt.Println(stays)
		_, _ = os.Stdin.Read(make([]byte, 1))
	}
	return saw
}

const stays = "stays"

// twoAtOnce has one run stay where it can be met while another one looks.
func twoAtOnce(h *Host) string {
	const key = "I-06/what-another-run-left"
	r, w, err := os.Pipe()
	if err != nil {
		return Errno(err)
	}
	defer w.Close()
	first := h.Loadlock(append([]string{"--"}, h.Task([]string{key}, Setup{Alone: stays}, nil)...)...)
	first.Stdin = r
	out, err := first.StdoutPipe()
	if err == nil {
		err = first.Start()
	}
	r.Close()
	if err != nil {
		return Errno(err)
	}
	defer func() { w.Close(); _ = first.Wait() }()
	for lines := bufio.NewScanner(out); lines.Text() != stays; {
		if !lines.Scan() {
			return "first-run-ended"
		}
	}
	return h.run(nil, h.payload(key)).word(key)
}
