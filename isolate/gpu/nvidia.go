package gpu

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
)

const nvidiaProc = "/proc/driver/nvidia"

// Minor numbers of nodes that are no GPU's (nv-chardev-numbers.h; nvidia-uvm's own major has two).
const (
	ctlMinor      = 255
	uvmMinor      = 0
	uvmToolsMinor = 1
)

// nvidia finds NVIDIA's GPUs as the driver's files in /proc show them.
func (s *search) nvidia() {
	main, ok := major(s.majors, "nvidia", "nvidia-frontend") // the name before 550.40
	if !ok {
		return // unloaded says so if there is a GPU
	}
	text, err := s.text(path.Join(nvidiaProc, "version"), maxAttribute)
	if err != nil {
		s.problem(NVIDIA, "", "the driver's version cannot be read: "+err.Error(), "run where /proc/driver/nvidia is visible: not inside a container that hides it")
		return
	}
	driver := Driver{Vendor: NVIDIA, view: newView()}
	if driver.Version, err = nvidiaVersion(text); err != nil {
		s.problem(NVIDIA, "", err.Error(), "the driver is damaged or too new: see loadlock doctor --gpu")
		return
	}
	if loaded := s.attribute("/sys/module/nvidia/version"); loaded != "" && loaded != driver.Version {
		s.problem(NVIDIA, "", fmt.Sprintf("/proc says that the driver is %s, /sys that it is %q", driver.Version, plain(loaded)), "reboot")
	}
	driver.view.proc["nvidia/version"] = text
	if params, err := s.text(path.Join(nvidiaProc, "params"), maxAttribute); err == nil {
		driver.view.proc["nvidia/params"] = withoutModify(params)
	}
	s.copyTo(driver.view, "/sys/module/nvidia", "initstate", "version")
	s.copyTo(driver.view, "/sys/module/nvidia_uvm", "initstate", "version")
	driver.Libraries = s.libraries(driver.Version)
	s.control(&driver, main)
	s.Drivers = append(s.Drivers, driver)

	names, err := s.list(path.Join(nvidiaProc, "gpus"))
	if err != nil || len(names) > ctlMinor {
		s.problem(NVIDIA, "", fmt.Sprintf("%s/gpus cannot be listed: %d entries, %v", nvidiaProc, len(names), err), "see dmesg for the driver's messages")
		return
	}
	for _, name := range names {
		gpu, err := s.nvidiaGPU(name, main)
		switch {
		case errors.Is(err, errExcluded): // has no index: nvidia-smi does not count it either
			s.problem(NVIDIA, name, name+" is excluded from use by the driver's options", "take it out of the module option NVreg_ExcludedGpus")
		case err != nil:
			s.problem(NVIDIA, "", fmt.Sprintf("%s/gpus/%s: %v", nvidiaProc, plain(name), err), "see dmesg for the driver's messages")
		default:
			s.GPUs = append(s.GPUs, gpu)
		}
	}
}

// control finds the nodes that every GPU needs.
func (s *search) control(d *Driver, main uint32) {
	ctl, err := s.node("/dev/nvidiactl", main, ctlMinor, "control device of the driver")
	if err != nil {
		s.problem(NVIDIA, "", nodeProblem(ctl, err), "as root: nvidia-modprobe -c=0, or start nvidia-persistenced")
	}
	d.Nodes = append(d.Nodes, ctl)
	const remedy = "as root: nvidia-modprobe -u -c=0, or nvidia-ctk system create-device-nodes --control-devices, or start nvidia-persistenced"
	uvm, ok := major(s.majors, "nvidia-uvm")
	if !ok {
		s.problem(NVIDIA, "", "the kernel module nvidia-uvm is not loaded, which CUDA needs", remedy)
		return
	}
	node, err := s.node("/dev/nvidia-uvm", uvm, uvmMinor, "unified memory, which CUDA needs")
	if err != nil {
		s.problem(NVIDIA, "", nodeProblem(node, err), remedy)
	}
	d.Nodes = append(d.Nodes, node)
	if tools, err := s.node("/dev/nvidia-uvm-tools", uvm, uvmToolsMinor, "events of unified memory, for profilers"); err == nil {
		d.Extra = append(d.Extra, tools)
	}
}

var errExcluded = errors.New("excluded")

// nodeProblem says what is wrong with a device node.
func nodeProblem(n Node, err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return n.Path + " does not exist"
	}
	return fmt.Sprintf("%s is not the driver's node: %v", n.Path, err)
}

func (s *search) nvidiaGPU(name string, main uint32) (GPU, error) {
	if !isBusID(name) {
		return GPU{}, errors.New("not a PCI address")
	}
	text, err := s.text(path.Join(nvidiaProc, "gpus", name, "information"), maxAttribute)
	if err != nil {
		return GPU{}, err
	}
	i, err := parseInformation(text)
	if err != nil {
		return GPU{}, err
	}
	if i.busID != name {
		return GPU{}, fmt.Errorf("is about %s", i.busID)
	}
	if i.excluded {
		return GPU{}, errExcluded
	}
	for _, other := range s.GPUs {
		if other.Vendor == NVIDIA && (other.Minor == int(i.minor) || i.uuid != "" && other.UUID == i.uuid) {
			return GPU{}, fmt.Errorf("has the device minor or the UUID of %s", other.BusID)
		}
	}
	g := GPU{Vendor: NVIDIA, UUID: i.uuid, Model: i.model, BusID: name, Minor: int(i.minor), view: newView()}
	g.view.proc[path.Join("nvidia/gpus", name, "information")] = text
	node, err := s.node(fmt.Sprintf("/dev/nvidia%d", i.minor), main, i.minor, "the GPU at "+name)
	if err != nil {
		s.problem(NVIDIA, name, nodeProblem(node, err), fmt.Sprintf("as root: nvidia-modprobe -c=%d, after what lies there was removed", i.minor))
	}
	g.Nodes = []Node{node}
	if _, err := s.pci(g.view, name, "0x10de"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.problem(NVIDIA, name, err.Error(), "see loadlock doctor --gpu: /sys of this host is not what the driver says")
	}
	s.mig(&g)
	return g, nil
}
