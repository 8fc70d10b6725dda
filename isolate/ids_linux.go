package isolate

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Identity is which host ids a run may use.
type Identity struct {
	Rootless bool   // only the supervisor's own id: it is an ordinary user, or root of a user namespace with one id
	Base     uint32 // otherwise: Base and Base+1000 are this run's own
	Owners   bool   // mounts may show foreign files as the workload's own (id-mapped mounts, Linux 5.12)
	Limited  bool   // root of a container that cannot reach into the box's mounts: the box's own root must find what is bound
}

// FindIdentity picks two host ids for a run so that two runs share neither files nor signals: from the range that systemd
// documents for containers (0x00080000 to 0x6FFFFFFF), or from the upper half of what a container has.
func FindIdentity(id string) Identity {
	if os.Geteuid() != 0 {
		return Identity{Rootless: true}
	}
	var n uint32
	for _, c := range []byte(id) {
		n = n*31 + uint32(c)
	}
	uids, gids := idMap("uid"), idMap("gid")
	limited := !effective(unix.CAP_SYS_ADMIN) || !effective(unix.CAP_SYS_PTRACE) // setns(2), and opening /proc/<pid>/ns/mnt
	far := 0x10000000 + n%0x5000*0x10000
	if uids.has(far) && uids.has(far+workID) && gids.has(far) && gids.has(far+workID) {
		return Identity{Base: far, Owners: initialUserNamespace() && !limited, Limited: limited}
	}
	for _, r := range uids {
		half := r.inside + r.size/2
		if room := r.size - r.size/2; room > 2*workID { // never the low ids: those are people and services of the container
			if near := half + n%(room-workID-1); gids.has(near) && gids.has(near+workID) {
				return Identity{Base: near, Limited: limited}
			}
		}
	}
	return Identity{Rootless: true}
}

type idRange struct{ inside, outside, size uint32 }

type idRanges []idRange

// idMap reads /proc/self/uid_map or gid_map (user_namespaces(7)).
func idMap(kind string) (out idRanges) {
	raw, _ := os.ReadFile("/proc/self/" + kind + "_map") // unreadable: nothing is known to be mapped
	for line := range strings.Lines(string(raw)) {
		var r idRange
		if n, _ := fmt.Sscan(line, &r.inside, &r.outside, &r.size); n == 3 {
			out = append(out, r)
		}
	}
	return out
}

func (rs idRanges) has(id uint32) bool {
	for _, r := range rs {
		if id >= r.inside && id-r.inside < r.size {
			return true
		}
	}
	return false
}

// initialUserNamespace reports whether ids mean here what they mean to the kernel.
func initialUserNamespace() bool {
	m := idMap("uid")
	return len(m) == 1 && m[0] == idRange{0, 0, 1<<32 - 1}
}

// rootIsHostRoot reports whether id 0 of this process's user namespace is that of the one outside, which may be the host.
func rootIsHostRoot() bool {
	for _, r := range idMap("uid") {
		if r.inside == 0 {
			return r.outside == 0
		}
	}
	return true
}

// effective reports whether this process has a capability now (capabilities(7)).
func effective(capability uint) bool {
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	return unix.Capget(&hdr, &sets[0]) == nil && sets[capability/32].Effective&(1<<(capability%32)) != 0
}
