package seccomp

import (
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// Address families, socket types and protocols of linux/socket.h and linux/in.h.
const (
	afUnix    = 1
	afInet    = 2
	afInet6   = 10
	afNetlink = 16

	sockStream   = 1
	sockDgram    = 2
	sockTypeMask = 0xf
	sockCloexec  = 0o2000000

	protoDefault = 0
	protoTCP     = 6
	protoUDP     = 17
	netlinkRoute = 0

	msgOOB      = 1
	msgFastOpen = 0x20000000
)

// unixSockets is socket(2) in a box without a network.
var unixSockets = block{
	name: "unix",
	why:  "sockets between the box's own processes, no other family",
	when: func(o Options) bool { return !o.inet() && !o.tcp() },
	calls: []call{
		{names: "socket", reason: "AF_UNIX only: DataLoader hangs without it; each other family is kernel code to attack (AF_VSOCK, AF_ALG, AF_NETLINK)",
			rules: []rule{allow(is(0, afUnix)), refuse(eafnosupport, isNot(0, afUnix))}},
	},
}

// dataloader is working with sockets once one has them.
var dataloader = block{
	name: "dataloader",
	why:  "DataLoader workers pass tensors' descriptors over AF_UNIX; multiprocessing, asyncio",
	calls: []call{
		{names: "socketpair", reason: "AF_UNIX only; asyncio's wake-up pair",
			rules: []rule{allow(is(0, afUnix)), refuse(eafnosupport, isNot(0, afUnix))}},
		{names: "bind listen accept accept4 connect getsockname getpeername shutdown", reason: "on sockets that socket(2) let through; the net namespace is private unless the policy says otherwise"},
		{names: "getsockopt", reason: "reading; multiprocessing's listener asks for the socket's type"},
		{names: "setsockopt", reason: "the listed options of sockets; no filters, no kTLS, no device binding", rules: socketOptions},
		{names: "sendto recvfrom", reason: "without urgent data: AF_UNIX's is an exploit path (CVE-2025-38236) nobody needs; without TCP fast open, which connects where Landlock does not look",
			rules: []rule{allow(without(3, msgOOB|msgFastOpen))}},
		{names: "sendmsg recvmsg", reason: "as sendto; carries descriptors, which only processes of the box can exchange",
			rules: []rule{allow(without(2, msgOOB|msgFastOpen))}},
	},
}

// loopback is TCP in a box whose only interface is loopback. Landlock says to which ports.
var loopback = block{
	name: "loopback",
	why:  "network: allow, a published port or loopback_tcp: TCP inside the box's own network namespace",
	when: Options.tcp,
	calls: []call{
		{names: "socket", reason: "TCP and AF_UNIX; IPv6 because many servers bind :: for both; no UDP: there is no resolver inside, and no name service but /etc/hosts", rules: tcpSockets()},
		{names: "setsockopt", reason: "the listed options of TCP, and IPV6_V6ONLY", rules: slices.Concat(tcpOptions, options(ipprotoV6, 26))},
	},
}

// net is what a workload needs to speak TCP and UDP.
var net = block{
	name: "net",
	why:  "network_access with the host's network: TCP, UDP and name resolution",
	when: Options.inet,
	calls: []call{
		{names: "socket", reason: "TCP and UDP over IPv4 and IPv6, AF_UNIX, and the route netlink that getaddrinfo and getifaddrs read", rules: inetSockets()},
		{names: "setsockopt", reason: "the listed options of TCP and IP", rules: inetOptions},
		{names: "sendmmsg recvmmsg", reason: "glibc's resolver asks for A and AAAA in one call; without urgent data",
			rules: []rule{allow(without(3, msgOOB))}},
	},
}

const (
	solSocket = 1
	ipprotoIP = 0
	ipprotoV6 = 41
)

// socketOptions is a positive list: SO_ATTACH_FILTER, SO_ATTACH_BPF and their kin feed programs to the
// kernel, SO_BINDTODEVICE and SO_MARK reach around the network's rules.
var socketOptions = options(solSocket,
	2,    // SO_REUSEADDR
	6,    // SO_BROADCAST
	7, 8, // SO_SNDBUF, SO_RCVBUF
	9,      // SO_KEEPALIVE
	13,     // SO_LINGER
	15,     // SO_REUSEPORT
	16,     // SO_PASSCRED
	18,     // SO_RCVLOWAT
	20, 21, // SO_RCVTIMEO, SO_SNDTIMEO
	66, 67, // SO_RCVTIMEO_NEW, SO_SNDTIMEO_NEW
)

// tcpOptions leaves out TCP_ULP (kTLS), TCP_MD5SIG, TCP_REPAIR, TCP_CONGESTION, TCP_FASTOPEN.
var tcpOptions = options(protoTCP,
	1,       // TCP_NODELAY
	3,       // TCP_CORK
	4, 5, 6, // TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT
	12, // TCP_QUICKACK
	18, // TCP_USER_TIMEOUT
)

// inetOptions leaves out everything of multicast and of IPsec.
var inetOptions = slices.Concat(tcpOptions, options(ipprotoIP,
	1, 2, // IP_TOS, IP_TTL
	10, 11, // IP_MTU_DISCOVER, IP_RECVERR
), options(ipprotoV6,
	16,     // IPV6_UNICAST_HOPS
	23,     // IPV6_MTU_DISCOVER
	25, 26, // IPV6_RECVERR, IPV6_V6ONLY
	67, // IPV6_TCLASS
))

func options(level uint64, names ...uint64) []rule {
	var rules []rule
	for _, n := range names {
		rules = append(rules, allow(int32Is(1, level), int32Is(2, n)))
	}
	return rules
}

// inetSockets are the rules of socket(2) in a box with a network. They are disjoint and complete: every
// combination meets exactly one.
func inetSockets() []rule {
	rules := []rule{allow(is(0, afUnix))}
	for family := uint64(0); family < afNetlink; family++ {
		if family != afUnix && family != afInet && family != afInet6 {
			rules = append(rules, refuse(eafnosupport, is(0, family)))
		}
	}
	rules = append(rules, refuse(eafnosupport, above(0, afNetlink)),
		allow(is(0, afNetlink), is(2, netlinkRoute)),
		refuse(eprotonosupport, is(0, afNetlink), isNot(2, netlinkRoute)))
	for _, family := range []uint64{afInet, afInet6} {
		rules = append(rules, kinds(family, stream, datagram)...)
	}
	return rules
}

// tcpSockets are the rules of socket(2) in a box with a proxy or a published port, disjoint and complete as well.
func tcpSockets() []rule {
	rules := []rule{allow(is(0, afUnix)), refuse(eafnosupport, above(0, afInet6))}
	for family := uint64(0); family < afInet6; family++ {
		if family != afUnix && family != afInet {
			rules = append(rules, refuse(eafnosupport, is(0, family)))
		}
	}
	return slices.Concat(rules, kinds(afInet, stream), kinds(afInet6, stream))
}

// kind is a type of socket with the number of its one protocol; the default is 0.
type kind struct{ kind, proto uint64 }

var stream, datagram = kind{sockStream, protoTCP}, kind{sockDgram, protoUDP}

// kinds allows these kinds of a family's sockets. The type is looked at even where the protocol is 0, because
// SOCK_SEQPACKET with protocol 0 is SCTP; MPTCP, UDP-Lite, ICMP and raw have numbers of their own.
func kinds(family uint64, allowed ...kind) []rule {
	var rules []rule
	var types []uint64
	for _, t := range allowed {
		types = append(types, t.kind)
	}
	for _, p := range except(4, exactly(4, types...)) {
		rules = append(rules, refuse(eprotonosupport, is(0, family), masked(1, p.mask, p.value)))
	}
	for _, t := range allowed {
		with := func(proto specs.LinuxSeccompArg) []specs.LinuxSeccompArg {
			return []specs.LinuxSeccompArg{is(0, family), masked(1, sockTypeMask, t.kind), proto}
		}
		rules = append(rules, allow(with(is(2, protoDefault))...), allow(with(is(2, t.proto))...),
			refuse(eprotonosupport, with(above(2, 0xff))...))
		for _, p := range except(8, exactly(8, protoDefault, t.proto)) {
			rules = append(rules, refuse(eprotonosupport, with(masked(2, p.mask|^uint64(0xff), p.value))...))
		}
	}
	return rules
}
