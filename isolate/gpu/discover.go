package gpu

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Discover reads what the host below root ("/" in use) has. What is absent is no error; what is broken or strange is in
// Host.Problems, and keeps the GPUs it concerns from being granted.
func Discover(root string) (Host, error) { return DiscoverBy(root, Lstat) }

// DiscoverBy is Discover with another way to look at device nodes, for tests of ordinary users, who cannot make any.
func DiscoverBy(root string, stat Stat) (Host, error) {
	if root = path.Clean(cmp.Or(root, "/")); !path.IsAbs(root) {
		return Host{}, fmt.Errorf("root %q is not absolute", root)
	}
	return discover(&tree{root, stat, maxBytes})
}

func discover(t *tree) (Host, error) {
	s := &search{tree: *t, Host: Host{Root: t.root}}
	text, err := s.text("/proc/devices", maxAttribute)
	if err != nil {
		return Host{}, err
	}
	if s.majors, err = majors(text); err != nil {
		return Host{}, err
	}
	s.system = s.common()
	s.nvidia()
	s.amd()
	s.intel()
	s.wsl()
	s.unloaded()
	if s.left <= 0 {
		return Host{}, errTooMuch
	}
	for _, v := range vendors {
		s.number(v)
	}
	return s.Host, nil
}

// search is a discovery under way.
type search struct {
	tree
	Host
	majors    map[string][]uint32
	migMinors string // /proc/driver/nvidia-caps/mig-minors, read once
}

// problem notes why a GPU, or all of a vendor's, cannot be used.
func (s *search) problem(v Vendor, busID, what, remedy string) {
	if len(s.Problems) < 256 {
		s.Problems = append(s.Problems, Problem{Vendor: v, BusID: busID, What: printable(what, 512), Remedy: printable(remedy, 512)})
	}
}

// number gives a vendor's GPUs their indices, in the order of PCI addresses: nvidia-smi's.
func (s *search) number(v Vendor) {
	slices.SortStableFunc(s.GPUs, func(a, b GPU) int {
		if a.Vendor != b.Vendor {
			return slices.Index(vendors, a.Vendor) - slices.Index(vendors, b.Vendor)
		}
		return cmp.Or(len(a.BusID)-len(b.BusID), strings.Compare(a.BusID, b.BusID), a.Minor-b.Minor)
	})
	n := 0
	for i := range s.GPUs {
		if s.GPUs[i].Vendor == v {
			s.GPUs[i].Index = n
			n++
		}
	}
}

// common is what of /sys every vendor's library reads: processors and memory nodes.
func (s *search) common() view {
	v := newView()
	for _, dir := range []string{"/sys/devices/system/cpu", "/sys/devices/system/node"} {
		if at, err := s.real(dir); err == nil && at == dir {
			v.mounts = append(v.mounts, Mount{Source: s.host(dir), Target: dir, Why: "processors and memory nodes, for placement"})
		}
	}
	s.copyTo(v, "/sys/devices/system/memory", "block_size_bytes")
	return v
}

func newView() view {
	return view{files: map[string]string{}, links: map[string]string{}, proc: map[string]string{}}
}

// copyTo puts those of a folder's files that are there into a view.
func (s *search) copyTo(v view, dir string, names ...string) {
	for _, name := range names {
		if text, err := s.text(path.Join(dir, name), maxAttribute); err == nil {
			v.files[path.Join(dir, name)] = text
		}
	}
}

// release is the running kernel's, the version of drivers that have none of their own.
func (s *search) release() string { return plain(s.attribute("/proc/sys/kernel/osrelease")) }

// unloaded notes GPUs of vendors whose driver is not there, so that "no GPU" has a reason.
func (s *search) unloaded() {
	names, err := s.list("/sys/bus/pci/devices")
	if err != nil {
		return
	}
	for _, name := range names {
		v, known := pciVendors[s.attribute(path.Join("/sys/bus/pci/devices", name, "vendor"))]
		class := s.attribute(path.Join("/sys/bus/pci/devices", name, "class"))
		if _, loaded := s.Driver(v.Vendor); !known || loaded || !isBusID(name) || !isDisplay(class) {
			continue
		}
		if _, said := s.Host.problem(v.Vendor, ""); !said {
			s.Problems = append(s.Problems, Problem{Vendor: v.Vendor, Unloaded: true,
				What: fmt.Sprintf("there is a GPU at %s, but %s is not loaded", name, v.module), Remedy: v.remedy})
		}
	}
}

var pciVendors = map[string]struct {
	Vendor
	module, remedy string
}{
	"0x10de": {NVIDIA, "the kernel module nvidia", "as root: modprobe nvidia, then nvidia-modprobe -u -c=0 (nouveau must not hold the GPU)"},
	"0x1002": {AMD, "the kernel module amdgpu with KFD", "as root: modprobe amdgpu, with a kernel that has CONFIG_HSA_AMD"},
	"0x8086": {Intel, "i915 or xe", "as root: modprobe i915, or xe for recent GPUs"},
}

// isDisplay: PCI base class 03, or 12, which MI and Gaudi accelerators have.
func isDisplay(class string) bool {
	return strings.HasPrefix(class, "0x03") || strings.HasPrefix(class, "0x12")
}
