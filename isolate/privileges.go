package isolate

import (
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// capabilitiesLayer empties every capability set, the bounding set included (capabilities(7)).
var capabilitiesLayer = Layer{
	Name: "capabilities", Doc: "no capability in any set", Scope: ofProcess,
	Probe: func() error { return nil },
	Configure: func(oci *specs.Spec, _ Spec) error {
		oci.Process.Capabilities = &specs.LinuxCapabilities{}
		return nil
	},
	Observe: func(v View, _ Spec) (Strength, string) {
		for _, key := range []string{"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"} {
			if set := strings.Join(v.statusFields(key), ""); strings.Trim(set, "0") != "" || set == "" {
				return Off, key + " is " + set
			}
		}
		return Full, ""
	},
}

// noNewPrivsLayer makes set-user-ID bits and file capabilities without effect (PR_SET_NO_NEW_PRIVS, Linux 3.5).
var noNewPrivsLayer = Layer{
	Name: "no_new_privs", Doc: "no program gains privileges by being executed", Scope: ofProcess,
	Probe: func() error { return nil },
	Configure: func(oci *specs.Spec, _ Spec) error {
		oci.Process.NoNewPrivileges = true
		return nil
	},
	Observe: func(v View, _ Spec) (Strength, string) { return v.statusIs("NoNewPrivs", "1") },
}
