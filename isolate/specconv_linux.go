package isolate

import (
	"fmt"
	"slices"
	"sync"

	devices "github.com/opencontainers/cgroups/devices/config"
	"github.com/opencontainers/runc/libcontainer/configs"
	"github.com/opencontainers/runc/libcontainer/specconv"
)

// specconvLock serialises the boxes of one process: specconv writes the owner of /dev/null and its like into the
// package's own list (specconv.AllowedDevices, setupUserNamespace in runc 1.5).
var specconvLock sync.Mutex

// libcontainerConfig translates an OCI spec. What it returns shares nothing with another box.
func libcontainerConfig(opts *specconv.CreateOpts) (*configs.Config, error) {
	specconvLock.Lock()
	defer specconvLock.Unlock()
	config, err := specconv.CreateLibcontainerConfig(opts)
	if err != nil {
		return nil, fmt.Errorf("libcontainer configuration: %w", err)
	}
	config.Devices = slices.Clone(config.Devices)
	for i, d := range config.Devices {
		config.Devices[i] = new(*d)
	}
	asked := 0
	if r := opts.Spec.Linux.Resources; r != nil {
		asked = len(r.Devices)
	}
	rules := config.Cgroups.Resources.Devices
	config.Cgroups.Resources.Devices = append(rules[:asked:asked], defaultDevices(config.Devices)...)
	return config, nil
}

// defaultDevices are the rules of the device cgroup for what every box has: its nodes, and the terminals that the
// command's streams may be. specconv's own list also lets everybody make nodes ("m"), and open /dev/net/tun.
func defaultDevices(nodes []*devices.Device) []*devices.Rule {
	const rw, ptySlave = "rw", 136
	rules := []*devices.Rule{{Type: devices.CharDevice, Major: ptySlave, Minor: devices.Wildcard, Permissions: rw, Allow: true}}
	for _, n := range nodes {
		rules = append(rules, &devices.Rule{Type: n.Type, Major: n.Major, Minor: n.Minor, Permissions: rw, Allow: true})
	}
	return rules
}
