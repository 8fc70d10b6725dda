package isolate

import (
	"fmt"
	"slices"
	"sync"

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
	return config, nil
}
