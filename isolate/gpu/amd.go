package gpu

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

const kfd = "/sys/devices/virtual/kfd/kfd/topology"

// kfdNode is one node of KFD's topology: a processor, or a GPU that can compute.
type kfdNode struct {
	name   string // its number
	gpu    bool
	hidden bool   // the device cgroup of this process forbids it
	minor  uint32 // of its render node
	unique uint64 // serial number; 0: none
}

// amd finds AMD's GPUs: those of KFD's topology that have a render node.
//
// What a box sees of the topology: processors and granted GPUs as they are. Of every other GPU only that it exists, since
// ROCm numbers the nodes without a gap: its gpu_id is 1, its render node the 255th, which no GPU has. ROCm leaves out
// nodes whose render node does not exist (ROCR-Runtime libhsakmt/src/topology.c, topology_sysfs_check_node_supported).
func (s *search) amd() {
	number, ok := major(s.majors, "kfd")
	if !ok {
		return
	}
	driver := Driver{Vendor: AMD, Version: plain(s.attribute("/sys/module/amdgpu/version")), view: newView()}
	if driver.Version == "" {
		driver.Version = s.release()
	}
	node, err := s.node("/dev/kfd", number, 0, "compute interface of the driver, one for all GPUs")
	if err != nil {
		s.problem(AMD, "", nodeProblem(node, err), "let udev make the node: udevadm trigger --subsystem-match=kfd")
	}
	driver.Nodes = []Node{node}
	s.copyTo(driver.view, "/sys/module/amdgpu", "initstate", "version")
	s.copyTo(driver.view, kfd, "generation_id", "system_properties")
	driver.view.links["/sys/class/kfd/kfd"] = "../../devices/virtual/kfd/kfd"

	names, err := s.list(path.Join(kfd, "nodes"))
	if err != nil || len(names) > 1024 {
		s.problem(AMD, "", fmt.Sprintf("KFD's topology cannot be read: %d nodes, %v", len(names), err), "see dmesg for the driver's messages")
		return
	}
	renders := s.renders()
	for _, name := range names {
		n, err := s.kfdNode(name)
		if err != nil {
			s.problem(AMD, "", fmt.Sprintf("KFD's node %s: %v", plain(name), err), "see dmesg for the driver's messages")
			continue
		}
		if !n.gpu {
			s.topology(driver.view, n)
			continue
		}
		driver.view.files[path.Join(kfd, "nodes", name, "gpu_id")] = "1\n" // anything but a processor's 0
		driver.view.files[path.Join(kfd, "nodes", name, "properties")] = "drm_render_minor 255\n"
		if n.hidden {
			continue
		}
		if g, ok := s.amdGPU(n, renders); ok {
			s.GPUs = append(s.GPUs, g)
		}
	}
	s.Drivers = append(s.Drivers, driver)
}

func (s *search) kfdNode(name string) (n kfdNode, err error) {
	dir := path.Join(kfd, "nodes", name)
	if _, ok := number(name, 1<<16); !ok {
		return n, fmt.Errorf("not a number")
	}
	text, err := s.text(path.Join(dir, "gpu_id"), maxAttribute)
	if errors.Is(err, unix.EPERM) { // kfd_devcgroup_check_permission in the kernel's kfd_topology.c
		return kfdNode{name: name, gpu: true, hidden: true}, nil
	}
	id, ok := number(strings.TrimSpace(text), 1<<32-1)
	if err != nil || !ok {
		return n, fmt.Errorf("gpu_id %q: %v", plain(text), err)
	}
	text, err = s.text(path.Join(dir, "properties"), maxAttribute)
	if err != nil {
		return n, err
	}
	p, err := properties(text)
	if err != nil {
		return n, fmt.Errorf("properties: %w", err)
	}
	n = kfdNode{name: name, gpu: id != 0, minor: uint32(p["drm_render_minor"]), unique: p["unique_id"]}
	if n.gpu && (p["drm_render_minor"] < firstRender || p["drm_render_minor"] > 1<<20-1) {
		return n, fmt.Errorf("drm_render_minor %d", p["drm_render_minor"])
	}
	return n, nil
}

func (s *search) amdGPU(n kfdNode, renders []render) (GPU, bool) {
	for _, r := range renders {
		if r.minor != n.minor {
			continue
		}
		if r.busID == "" || r.driver != "amdgpu" {
			s.problem(AMD, "", fmt.Sprintf("renderD%d is a partition of a GPU, or not amdgpu's", r.minor), "set the GPU to one partition (SPX): amd-smi set --compute-partition SPX")
			return GPU{}, false
		}
		g := s.renderGPU(AMD, r)
		if g.Model = plain(s.attribute(path.Join("/sys/bus/pci/devices", r.busID, "product_name"))); g.Model == "" {
			g.Model = plain(s.attribute(path.Join(kfd, "nodes", n.name, "name")))
		}
		if n.unique != 0 {
			g.UUID = fmt.Sprintf("GPU-%016x", n.unique)
		}
		s.topology(g.view, n)
		return g, true
	}
	s.problem(AMD, "", fmt.Sprintf("KFD's node %s has no render node renderD%d in /sys/class/drm", n.name, n.minor), "reload amdgpu")
	return GPU{}, false
}

// topology copies a node of KFD's topology.
func (s *search) topology(v view, n kfdNode) {
	dir := path.Join(kfd, "nodes", n.name)
	s.copyTo(v, dir, "gpu_id", "name", "properties")
	for _, kind := range []string{"mem_banks", "caches", "io_links", "p2p_links"} {
		rows, err := s.list(path.Join(dir, kind))
		if err != nil {
			continue
		}
		for _, row := range rows {
			if strings.Trim(row, "0123456789") == "" {
				s.copyTo(v, path.Join(dir, kind, row), "properties")
			}
		}
	}
}
