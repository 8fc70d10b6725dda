package gputest

import (
	"fmt"
	"strings"
	"testing"
)

// Driver is the version of the NVIDIA driver of these hosts.
const Driver = "580.95.05"

// Majors of the hosts' drivers whose numbers are given out when they are loaded.
const (
	UVM  = 511
	Caps = 508
	KFD  = 236
)

// Lib is where the driver's libraries are.
const Lib = "/usr/lib/x86_64-linux-gnu"

// busses are the PCI addresses of a DGX H100's GPUs, with the root port above each.
var busses = []string{"17", "3b", "4d", "5d", "97", "bb", "cb", "db"}

// BusID is the address of the GPU with this index, UUID its name.
func BusID(index int) string { return fmt.Sprintf("0000:%s:00.0", busses[index]) }
func UUID(index int) string {
	return fmt.Sprintf("GPU-%08x-1111-4222-8333-%012x", 0xa0000000+index, index)
}

// H100 is a host with that many H100s, at most eight, driver 580.95.05. Their device minors are their indices, but for
// the first two of a host with more, which are swapped: a minor is not an index.
func H100(t testing.TB, dir string, count int) *Root {
	t.Helper()
	r := New(t, dir)
	r.Write("/proc/devices", devices("195 nvidia\n195 nvidiactl\n", "226 drm\n", fmt.Sprintf("%d nvidia-caps\n%d nvidia-uvm\n", Caps, UVM)))
	r.Write("/proc/driver/nvidia/version", "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  "+Driver+"  Release Build  (builder@host)  Tue Sep 23 00:00:00 UTC 2025\nGCC version:  gcc version 12.3.0\n")
	r.Write("/proc/driver/nvidia/params", "ResmanDebugLevel: 4294967295\nModifyDeviceFiles: 1\nDeviceFileUID: 0\nDeviceFileGID: 0\nDeviceFileMode: 438\nRegistryDwords: \"\"\n")
	r.Write("/proc/driver/nvidia/registry", "Binary: \"\"\n")
	for _, module := range []string{"nvidia", "nvidia_uvm"} {
		r.Write("/sys/module/"+module+"/version", Driver+"\n")
		r.Write("/sys/module/"+module+"/initstate", "live\n")
		r.Write("/sys/module/"+module+"/taint", "POE\n")
	}
	r.Node("/dev/nvidiactl", 195, 255)
	r.Node("/dev/nvidia-modeset", 195, 254)
	r.Node("/dev/nvidia-uvm", UVM, 0)
	r.Node("/dev/nvidia-uvm-tools", UVM, 1)
	for i := range count {
		r.h100(i, minorOf(i, count))
	}
	r.Libraries(Driver)
	return r
}

func minorOf(index, count int) int {
	if count > 2 && index < 2 {
		return 1 - index
	}
	return index
}

func (r *Root) h100(index, minor int) {
	bus, device := BusID(index), fmt.Sprintf("/sys/devices/pci0000:%02x/0000:%02x:01.0/%s", index+0x15, index+0x15, BusID(index))
	r.Write("/proc/driver/nvidia/gpus/"+bus+"/information", fmt.Sprintf("Model: \t\t NVIDIA H100 80GB HBM3\nIRQ:   \t\t %d\nGPU UUID: \t %s\nVideo BIOS: \t 96.00.89.00.01\nBus Type: \t PCIe\nDMA Size: \t 52 bits\nDMA Mask: \t 0xfffffffffffff\nBus Location: \t %s\nDevice Minor: \t %d\nGPU Firmware: \t %s\nGPU Excluded:\t No\n", 200+index, UUID(index), bus, minor, Driver))
	r.Write("/proc/driver/nvidia/gpus/"+bus+"/registry", "Binary: \"\"\n")
	r.Node(fmt.Sprintf("/dev/nvidia%d", minor), 195, uint32(minor))
	r.pci(device, bus, "0x10de", "0x2330", "0x030200", "nvidia")
	r.Write(device+"/serial_number", "secret\n")
}

// pci writes a PCI device's folder and the links to it.
func (r *Root) pci(device, bus, vendor, id, class, driver string) {
	for name, text := range map[string]string{
		"vendor": vendor, "device": id, "class": class, "revision": "0xa1", "numa_node": "0", "local_cpus": "ffff",
		"subsystem_vendor": vendor, "subsystem_device": "0x16c1", "uevent": "DRIVER=" + driver + "\nPCI_SLOT_NAME=" + bus,
		"resource": "0x00002a0000000000 0x00002a0000ffffff 0x000000000014220c", "irq": "200", "enable": "1",
	} {
		r.Write(device+"/"+name, text+"\n")
	}
	header := make([]byte, 256) // configuration space as root reads it
	copy(header, "\xde\x10\x30\x23\x06\x04\x10\x00\xa1\x00\x02\x03")
	r.Write(device+"/config", string(header))
	r.Link("/sys/bus/pci/devices/"+bus, "../../../"+device[len("/sys/"):])
	r.Link(device+"/driver", strings.Repeat("../", strings.Count(device, "/")-1)+"bus/pci/drivers/"+driver)
	r.Write("/sys/bus/pci/drivers/"+driver+"/uevent", "")
}

// Libraries installs a driver's libraries of a version, with the links that the loader follows.
func (r *Root) Libraries(version string) {
	for name, soname := range map[string]string{
		"libcuda": "libcuda.so.1", "libnvidia-ml": "libnvidia-ml.so.1", "libnvidia-ptxjitcompiler": "libnvidia-ptxjitcompiler.so.1",
		"libnvidia-nvvm": "libnvidia-nvvm.so.4", "libcudadebugger": "libcudadebugger.so.1", "libnvidia-gpucomp": "", "libnvidia-glcore": "",
	} {
		file := name + ".so." + version
		r.Write(Lib+"/"+file, "\x7fELF")
		if soname != "" {
			r.Link(Lib+"/"+soname, file)
		}
	}
}

// Mismatch is a host whose libraries were updated and whose module was not.
func Mismatch(t testing.TB, dir string) *Root {
	t.Helper()
	r := H100(t, dir, 1)
	r.Remove(Lib)
	r.Libraries("580.126.09")
	return r
}

// Divided is a host with two H100s; the first is divided into two GPU instances, 1 and 2, with one compute instance each.
func Divided(t testing.TB, dir string) *Root {
	t.Helper()
	r := H100(t, dir, 2)
	minors := "config 1\nmonitor 2\n"
	for gpu := range 2 {
		for gi := range 3 {
			minors += fmt.Sprintf("gpu%d/gi%d/access %d\ngpu%d/gi%d/ci0/access %d\n", gpu, gi, CapMinor(gpu, gi), gpu, gi, CapMinor(gpu, gi)+1)
		}
	}
	r.Write("/proc/driver/nvidia-caps/mig-minors", minors)
	access := func(minor int) string {
		return fmt.Sprintf("DeviceFileMinor: %d\nDeviceFileMode: 292\nDeviceFileModify: 1\n", minor)
	}
	caps := "/proc/driver/nvidia/capabilities"
	r.Write(caps+"/mig/config", access(1))
	r.Write(caps+"/mig/monitor", access(2))
	r.Node("/dev/nvidia-caps/nvidia-cap1", Caps, 1)
	r.Node("/dev/nvidia-caps/nvidia-cap2", Caps, 2)
	for _, gi := range []int{1, 2} {
		m := CapMinor(0, gi)
		r.Write(fmt.Sprintf("%s/gpu0/mig/gi%d/access", caps, gi), access(m))
		r.Write(fmt.Sprintf("%s/gpu0/mig/gi%d/ci0/access", caps, gi), access(m+1))
		r.Node(fmt.Sprintf("/dev/nvidia-caps/nvidia-cap%d", m), Caps, uint32(m))
		r.Node(fmt.Sprintf("/dev/nvidia-caps/nvidia-cap%d", m+1), Caps, uint32(m+1))
	}
	return r
}

// CapMinor is the minor number of a GPU instance's capability; its compute instance 0 has the next.
func CapMinor(gpu, gi int) int { return 3 + gpu*135 + gi*9 }
