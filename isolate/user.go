package isolate

import (
	"slices"
	"strconv"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// userLayer maps the workload to an unprivileged id. As root, the ids come from a high range that owns nothing
// on the host; two ids are enough (0 builds the root file system and is gone before the workload starts). As an
// ordinary user there is only the user's own id, which is 0 for root of a user namespace; see user_namespaces(7). A device
// node of a granted GPU that is its group's alone adds that group (Host.NodeGroups), and nobody else's.
var userLayer = Layer{
	Name: "user", Doc: "the workload is nobody on the host, and root nowhere",
	Remedy: "allow user namespaces: sysctl user.max_user_namespaces; on Ubuntu 23.10 and later also kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile with 'userns,' for loadlock; or run as root",
	Probe:  probeUserNamespace,
	Configure: func(oci *specs.Spec, s Spec) error {
		oci.Linux.Namespaces = append(oci.Linux.Namespaces, specs.LinuxNamespace{Type: specs.UserNamespace})
		if s.Host.Rootless {
			oci.Linux.UIDMappings = []specs.LinuxIDMapping{{ContainerID: 0, HostID: uint32(s.Host.UID), Size: 1}}
			oci.Linux.GIDMappings = []specs.LinuxIDMapping{{ContainerID: 0, HostID: uint32(s.Host.GID), Size: 1}}
			return nil
		}
		ids := []specs.LinuxIDMapping{
			{ContainerID: 0, HostID: s.Host.IDBase, Size: 1},
			{ContainerID: workID, HostID: s.Host.IDBase + workID, Size: 1},
		}
		oci.Linux.UIDMappings, oci.Linux.GIDMappings = ids, slices.Clone(ids)
		oci.Process.User = specs.User{UID: workID, GID: workID}
		for i, host := range s.Host.NodeGroups {
			gid := uint32(workID + 1 + i)
			oci.Linux.GIDMappings = append(oci.Linux.GIDMappings, specs.LinuxIDMapping{ContainerID: gid, HostID: host, Size: 1})
			oci.Process.User.AdditionalGids = append(oci.Process.User.AdditionalGids, gid)
		}
		return nil
	},
	Observe: func(v View, s Spec) (Strength, string) {
		if st, why := v.ownNamespace("user"); st != Full {
			return st, why
		}
		for _, key := range []string{"Uid", "Gid"} {
			for _, id := range v.statusFields(key) {
				if id == "0" && rootIsHostRoot() {
					return Off, "the workload has host " + key + " 0"
				}
			}
		}
		if s.Host.Rootless { // a user's own groups cannot be given up (setgroups(2))
			return Full, ""
		}
		for _, g := range v.statusFields("Groups") {
			if gid, err := strconv.ParseUint(g, 10, 32); err != nil || !slices.Contains(s.Host.NodeGroups, uint32(gid)) {
				return Partial, "the workload has the supplementary group " + g
			}
		}
		return Full, ""
	},
}
