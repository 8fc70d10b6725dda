package gpu

import (
	"fmt"
	"path"
	"strings"
)

// configHeader is what of a device's configuration space any user may read: the standard header.
const configHeader = 64

// pciAttributes are what of a GPU's own folder in /sys its library reads; gpu.md and snapd's opengl interface name them.
var pciAttributes = []string{"vendor", "device", "class", "revision", "resource", "numa_node", "local_cpus"}

// drmAttributes are what libdrm reads besides.
var drmAttributes = []string{"subsystem_vendor", "subsystem_device", "uevent"}

// pci is the slice of /sys of one PCI device: its own attributes, at their true path, and the link to it by which it is
// found. Of the bridges above nothing exists but their folders' names.
func (s *search) pci(v view, busID, vendor string, more ...string) (at string, err error) {
	link := path.Join("/sys/bus/pci/devices", busID)
	if at, err = s.real(link); err != nil {
		return "", err
	}
	below, ok := strings.CutPrefix(at, "/sys/devices/")
	if !ok || path.Base(at) != busID {
		return "", fmt.Errorf("%s leads to %q", link, plain(at))
	}
	for _, name := range strings.Split(below, "/") {
		if !isName(name) {
			return "", fmt.Errorf("%s leads to %q", link, plain(at))
		}
	}
	if is := s.attribute(path.Join(at, "vendor")); is != vendor {
		return "", fmt.Errorf("%s/vendor is %q, not %s", link, plain(is), vendor)
	}
	s.copyTo(v, at, pciAttributes...)
	s.copyTo(v, at, more...)
	if raw, err := s.head(path.Join(at, "config"), configHeader); err == nil {
		v.files[path.Join(at, "config")] = raw
	}
	v.links[link] = up(path.Dir(link), at)
	return at, nil
}

// up is the relative link in a folder below /sys to a path below /sys, as the kernel writes them.
func up(folder, to string) string {
	depth := strings.Count(strings.TrimPrefix(folder, "/sys"), "/")
	return strings.Repeat("../", depth) + strings.TrimPrefix(to, "/sys/")
}
