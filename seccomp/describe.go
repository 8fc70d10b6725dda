package seccomp

import (
	"fmt"
	"strconv"
	"strings"
)

// Argument is what tells two refused calls of one name apart, as numbers. Calls that are refused whatever their
// arguments are have the zero Argument.
type Argument [2]uint64

// operand says which registers of a call matter to a reader, and what their values are called.
type operand struct {
	index  uint
	mask   uint64            // the bits that matter
	names  map[uint64]string // of values; or of single bits, with flags
	flags  bool
	lists  bool     // values that names lacks may be commands of the lists in ioctls/
	second *operand // of setsockopt
}

// ArgumentOf picks from the registers of a call what matters.
func ArgumentOf(call string, args [6]uint64) (a Argument) {
	o, ok := operands[call]
	if !ok {
		return a
	}
	a[0] = args[o.index] & o.mask
	if o.second != nil {
		a[1] = args[o.second.index] & o.second.mask
	}
	return a
}

// Spell is the argument in words: "AF_NETLINK", "CLONE_NEWUSER|CLONE_NEWNS", "0x5412" where there is no name.
func (a Argument) Spell(call string) string {
	o, ok := operands[call]
	if !ok {
		return ""
	}
	text := o.spell(a[0])
	if o.second == nil {
		return text
	}
	if names := optionNames[a[0]]; names != nil {
		return text + ", " + operand{names: names}.spell(a[1])
	}
	return text + ", " + o.second.spell(a[1])
}

func (o operand) spell(v uint64) string {
	if !o.flags {
		if name, ok := o.names[v]; ok {
			return name
		}
		if o.lists {
			if name := CommandName(uint32(v)); name != "" {
				return name
			}
		}
		if v < 1<<12 {
			return strconv.FormatUint(v, 10)
		}
		return fmt.Sprintf("%#x", v)
	}
	var out []string
	for bit := uint64(1); bit != 0; bit <<= 1 {
		if name, ok := o.names[bit]; ok && v&bit != 0 {
			out = append(out, name)
			v &^= bit
		}
	}
	if v != 0 {
		out = append(out, fmt.Sprintf("%#x", v))
	}
	return strings.Join(out, "|")
}

// operands is the table. Calls that are not listed are refused whatever their arguments, or their arguments are
// addresses, which say nothing.
var operands = map[string]operand{
	"socket":             {index: 0, mask: ^uint64(0), names: families},
	"socketpair":         {index: 0, mask: ^uint64(0), names: families},
	"clone":              {index: 0, mask: cloneRefused, names: cloneFlags, flags: true},
	"unshare":            {index: 0, mask: cloneRefused & low32, names: cloneFlags, flags: true},
	"setns":              {index: 1, mask: low32, names: cloneFlags, flags: true},
	"ioctl":              {index: 1, mask: low32, names: ioctls, lists: true},
	"prctl":              {index: 0, mask: low32, names: prctls},
	"arch_prctl":         {index: 0, mask: low32, names: archPrctls},
	"personality":        {index: 0, mask: low32, names: personas, flags: true},
	"setsockopt":         {index: 1, mask: low32, names: levels, second: &operand{index: 2, mask: low32}},
	"sched_setscheduler": {index: 1, mask: low32, names: map[uint64]string{1: "SCHED_FIFO", 2: "SCHED_RR", 6: "SCHED_DEADLINE", 7: "SCHED_EXT"}},
	"futex":              {index: 1, mask: 0x7f, names: map[uint64]string{6: "FUTEX_LOCK_PI", 7: "FUTEX_UNLOCK_PI", 8: "FUTEX_TRYLOCK_PI", 11: "FUTEX_WAIT_REQUEUE_PI", 12: "FUTEX_CMP_REQUEUE_PI", 13: "FUTEX_LOCK_PI2"}},
	"seccomp":            {index: 0, mask: low32, names: map[uint64]string{0: "SECCOMP_SET_MODE_STRICT", 1: "SECCOMP_SET_MODE_FILTER", 2: "SECCOMP_GET_ACTION_AVAIL", 3: "SECCOMP_GET_NOTIF_SIZES"}},
	"ptrace":             {index: 0, mask: low32, names: map[uint64]string{0: "PTRACE_TRACEME", 16: "PTRACE_ATTACH", 0x4206: "PTRACE_SEIZE"}},
	"fchmodat":           {index: 2, mask: suidBits, names: setIDBits, flags: true},
	"fchmod":             {index: 1, mask: suidBits, names: setIDBits, flags: true},
	"chmod":              {index: 1, mask: suidBits, names: setIDBits, flags: true},
	"openat":             {index: 3, mask: suidBits, names: setIDBits, flags: true},
	"open":               {index: 2, mask: suidBits, names: setIDBits, flags: true},
	"creat":              {index: 1, mask: suidBits, names: setIDBits, flags: true},
}

// linux/socket.h.
var families = map[uint64]string{
	0: "AF_UNSPEC", afUnix: "AF_UNIX", afInet: "AF_INET", 3: "AF_AX25", 4: "AF_IPX", 5: "AF_APPLETALK", 6: "AF_NETROM", 9: "AF_X25",
	afInet6: "AF_INET6", 15: "AF_KEY", afNetlink: "AF_NETLINK", 17: "AF_PACKET", 21: "AF_RDS", 24: "AF_PPPOX", 26: "AF_LLC",
	27: "AF_IB", 28: "AF_MPLS", 29: "AF_CAN", 30: "AF_TIPC", 31: "AF_BLUETOOTH", 33: "AF_RXRPC", 36: "AF_IEEE802154",
	37: "AF_CAIF", 38: "AF_ALG", 39: "AF_NFC", 40: "AF_VSOCK", 41: "AF_KCM", 42: "AF_QIPCRTR", 43: "AF_SMC", 44: "AF_XDP", 45: "AF_MCTP",
}

// linux/sched.h.
var cloneFlags = map[uint64]string{
	0x80: "CLONE_NEWTIME", 0x20000: "CLONE_NEWNS", 0x2000000: "CLONE_NEWCGROUP", 0x4000000: "CLONE_NEWUTS", 0x8000000: "CLONE_NEWIPC",
	0x10000000: "CLONE_NEWUSER", 0x20000000: "CLONE_NEWPID", 0x40000000: "CLONE_NEWNET",
}

// asm-generic/ioctls.h, linux/kd.h, linux/vt.h: those that are refused.
var ioctls = map[uint64]string{
	0x5412: "TIOCSTI", 0x541c: "TIOCLINUX", 0x541d: "TIOCCONS", 0x5423: "TIOCSETD",
	0x4b32: "KDSETLED", 0x4b3a: "KDSETMODE", 0x4b46: "KDGKBENT", 0x4b47: "KDSKBENT", 0x4b49: "KDSKBSENT", 0x4b72: "KDFONTOP",
	0x5601: "VT_GETMODE", 0x5602: "VT_SETMODE", 0x5603: "VT_GETSTATE", 0x5606: "VT_ACTIVATE", 0x560b: "VT_LOCKSWITCH",
}

// linux/prctl.h: those that programs try and that are refused.
var prctls = map[uint64]string{
	8: "PR_SET_KEEPCAPS", 13: "PR_GET_TIMING", 14: "PR_SET_TIMING", 19: "PR_GET_ENDIAN", 22: "PR_SET_SECCOMP", 24: "PR_CAPBSET_DROP",
	25: "PR_GET_TSC", 26: "PR_SET_TSC", 28: "PR_SET_SECUREBITS", 31: "PR_TASK_PERF_EVENTS_DISABLE", 32: "PR_TASK_PERF_EVENTS_ENABLE",
	33: "PR_MCE_KILL", 34: "PR_MCE_KILL_GET", 35: "PR_SET_MM", 47: "PR_CAP_AMBIENT", 50: "PR_SVE_SET_VL", 53: "PR_SET_SPECULATION_CTRL",
	55: "PR_SET_TAGGED_ADDR_CTRL", 57: "PR_SET_IO_FLUSHER", 59: "PR_SET_SYSCALL_USER_DISPATCH", 62: "PR_SCHED_CORE", 65: "PR_SET_MDWE",
	66: "PR_GET_MDWE", 67: "PR_SET_MEMORY_MERGE", 68: "PR_GET_MEMORY_MERGE", 0x59616d61: "PR_SET_PTRACER",
}

// asm/prctl.h.
var archPrctls = map[uint64]string{
	0x1001: "ARCH_SET_GS", 0x1004: "ARCH_GET_GS", 0x1011: "ARCH_GET_CPUID", 0x1012: "ARCH_SET_CPUID",
	0x5001: "ARCH_SHSTK_ENABLE", 0x5002: "ARCH_SHSTK_DISABLE", 0x5003: "ARCH_SHSTK_LOCK",
}

// linux/personality.h.
var personas = map[uint64]string{
	0x8: "PER_LINUX32", 0x40000: "ADDR_NO_RANDOMIZE", 0x100000: "MMAP_PAGE_ZERO", 0x200000: "ADDR_COMPAT_LAYOUT", 0x400000: "READ_IMPLIES_EXEC",
}

// linux/stat.h.
var setIDBits = map[uint64]string{0o4000: "set-user-id", 0o2000: "set-group-id"}

// Levels and options of setsockopt(2).
var levels = map[uint64]string{
	ipprotoIP: "IPPROTO_IP", solSocket: "SOL_SOCKET", protoTCP: "IPPROTO_TCP", protoUDP: "IPPROTO_UDP", ipprotoV6: "IPPROTO_IPV6",
	263: "SOL_PACKET", 270: "SOL_NETLINK", 282: "SOL_TLS",
}

var optionNames = map[uint64]map[uint64]string{
	solSocket: {
		1: "SO_DEBUG", 5: "SO_DONTROUTE", 10: "SO_OOBINLINE", 11: "SO_NO_CHECK", 12: "SO_PRIORITY", 25: "SO_BINDTODEVICE", 26: "SO_ATTACH_FILTER",
		27: "SO_DETACH_FILTER", 29: "SO_TIMESTAMP", 32: "SO_SNDBUFFORCE", 33: "SO_RCVBUFFORCE", 35: "SO_TIMESTAMPNS", 36: "SO_MARK",
		37: "SO_TIMESTAMPING", 44: "SO_LOCK_FILTER", 46: "SO_BUSY_POLL", 50: "SO_ATTACH_BPF", 51: "SO_ATTACH_REUSEPORT_CBPF",
		52: "SO_ATTACH_REUSEPORT_EBPF", 60: "SO_ZEROCOPY",
	},
	protoTCP: {
		1: "TCP_NODELAY", 2: "TCP_MAXSEG", 4: "TCP_KEEPIDLE", 5: "TCP_KEEPINTVL", 6: "TCP_KEEPCNT", 9: "TCP_DEFER_ACCEPT", 13: "TCP_CONGESTION",
		14: "TCP_MD5SIG", 18: "TCP_USER_TIMEOUT", 19: "TCP_REPAIR", 23: "TCP_FASTOPEN", 30: "TCP_FASTOPEN_CONNECT", 31: "TCP_ULP",
	},
	ipprotoIP: {
		1: "IP_TOS", 2: "IP_TTL", 10: "IP_MTU_DISCOVER", 11: "IP_RECVERR", 32: "IP_MULTICAST_IF", 33: "IP_MULTICAST_TTL",
		34: "IP_MULTICAST_LOOP", 35: "IP_ADD_MEMBERSHIP", 64: "IPT_SO_SET_REPLACE",
	},
	ipprotoV6: {
		16: "IPV6_UNICAST_HOPS", 17: "IPV6_MULTICAST_IF", 20: "IPV6_JOIN_GROUP", 23: "IPV6_MTU_DISCOVER", 25: "IPV6_RECVERR", 26: "IPV6_V6ONLY",
		67: "IPV6_TCLASS",
	},
}
