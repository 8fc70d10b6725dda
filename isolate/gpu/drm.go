package gpu

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// drmMinors: render nodes have the minors from 128 to 191; beyond that the kernel takes any above 255 (drm_drv.c).
const firstRender = 128

// render is a GPU behind a render node. card<N>, which can set display modes, is never granted.
type render struct {
	minor  uint32
	busID  string // of the PCI device above it; empty where there is none (a partition, a virtual GPU)
	driver string // "amdgpu", "i915", "xe"
	vendor string // "0x1002"
}

// renders lists the host's render nodes by /sys/class/drm.
func (s *search) renders() (out []render) {
	names, err := s.list("/sys/class/drm")
	if err != nil {
		return nil
	}
	for _, name := range names {
		digits, ok := strings.CutPrefix(name, "renderD")
		minor, also := number(digits, 1<<20-1)
		if !ok || !also || minor < firstRender {
			continue
		}
		r := render{minor: uint32(minor)}
		device := path.Join("/sys/class/drm", name, "device")
		if at, err := s.real(device); err == nil && isBusID(path.Base(at)) {
			r.busID = path.Base(at)
		}
		if at, err := s.real(path.Join(device, "driver")); err == nil {
			r.driver = path.Base(at)
		}
		r.vendor = s.attribute(path.Join(device, "vendor"))
		out = append(out, r)
	}
	return out
}

// renderGPU is the GPU with the node and the slice of /sys by which libdrm finds it: /sys/dev/char/226:<minor>, its
// device, and that device's subsystem (libdrm's xf86drm.c, drmGetDevice).
func (s *search) renderGPU(v Vendor, r render) GPU {
	g := GPU{Vendor: v, BusID: r.busID, Minor: int(r.minor), view: newView()}
	dri, ok := major(s.majors, "drm")
	if !ok {
		s.problem(v, "", "/proc/devices has no drm", "load the GPU's driver")
		return g
	}
	node, err := s.node(fmt.Sprintf("/dev/dri/renderD%d", r.minor), dri, r.minor, "the GPU at "+r.busID)
	if err != nil {
		s.problem(v, r.busID, nodeProblem(node, err), "reload the driver, or let udev make the node: udevadm trigger --subsystem-match=drm")
	}
	g.Nodes = []Node{node}
	at, err := s.pci(g.view, r.busID, r.vendor, drmAttributes...)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			s.problem(v, r.busID, err.Error(), "see loadlock doctor --gpu: /sys of this host is not what the driver says")
		}
		return g
	}
	own := path.Join(at, "drm", path.Base(node.Path))
	s.copyTo(g.view, own, "dev", "uevent")
	g.view.links[path.Join(own, "device")] = "../../../" + r.busID
	g.view.links[path.Join(at, "subsystem")] = up(at, "/sys/bus/pci")
	g.view.links[path.Join("/sys/class/drm", path.Base(own))] = up("/sys/class/drm", own)
	number := fmt.Sprintf("/sys/dev/char/%d:%d", dri, r.minor)
	g.view.links[number] = up(path.Dir(number), own)
	return g
}
