package gputest

import (
	"fmt"
	"testing"
)

// AMD is a host with two MI210s, render nodes 128 and 129, and one processor in KFD's topology.
func AMD(t testing.TB, dir string) *Root {
	t.Helper()
	r := New(t, dir)
	r.Write("/proc/devices", devices("226 drm\n", fmt.Sprintf("%d kfd\n", KFD)))
	r.Node("/dev/kfd", KFD, 0)
	r.Write("/sys/module/amdgpu/version", "6.12.12\n")
	r.Write("/sys/module/amdgpu/initstate", "live\n")
	r.Link("/sys/class/kfd/kfd", "../../devices/virtual/kfd/kfd")
	top := "/sys/devices/virtual/kfd/kfd/topology"
	r.Write(top+"/generation_id", "2\n")
	r.Write(top+"/system_properties", "platform_oem 0\nplatform_id 0\nplatform_rev 0\n")
	r.kfd(0, "0", "", "cpu_cores_count 16\nsimd_count 0\nmem_banks_count 1\nio_links_count 2\ndrm_render_minor 0\n")
	for i := range 2 {
		bus := fmt.Sprintf("0000:%02x:00.0", 0x03+i*0x40)
		device := fmt.Sprintf("/sys/devices/pci0000:%02x/0000:%02x:01.1/%s", i*0x40, i*0x40, bus)
		r.render(device, bus, 128+i, "0x1002", "0x740f", "0x038000", "amdgpu")
		r.kfd(i+1, fmt.Sprint(40000+i), "gfx90a", fmt.Sprintf("cpu_cores_count 0\nsimd_count 416\nmem_banks_count 1\nio_links_count 1\nvendor_id 4098\ndevice_id 29711\nlocation_id %d\ndomain 0\ndrm_render_minor %d\nunique_id %d\n", (3+i*0x40)<<8, 128+i, 0x1000000000000001+i))
	}
	return r
}

func (r *Root) kfd(node int, id, name, properties string) {
	dir := fmt.Sprintf("/sys/devices/virtual/kfd/kfd/topology/nodes/%d", node)
	r.Write(dir+"/gpu_id", id+"\n")
	r.Write(dir+"/name", name+"\n")
	r.Write(dir+"/properties", properties)
	r.Write(dir+"/mem_banks/0/properties", "heap_type 1\nsize_in_bytes 68702699520\n")
	r.Write(dir+"/io_links/0/properties", "type 2\nnode_from 1\nnode_to 0\n")
}

// render writes a PCI device with a render node and a card.
func (r *Root) render(device, bus string, minor int, vendor, id, class, driver string) {
	r.pci(device, bus, vendor, id, class, driver)
	r.Link(device+"/subsystem", "../../../../bus/pci")
	for _, n := range []struct {
		name  string
		minor int
	}{{fmt.Sprintf("renderD%d", minor), minor}, {fmt.Sprintf("card%d", minor-128), minor - 128}} {
		own := device + "/drm/" + n.name
		r.Write(own+"/dev", fmt.Sprintf("226:%d\n", n.minor))
		r.Write(own+"/uevent", fmt.Sprintf("MAJOR=226\nMINOR=%d\nDEVNAME=dri/%s\n", n.minor, n.name))
		r.Link(own+"/device", "../../../"+bus)
		r.Link("/sys/class/drm/"+n.name, "../../"+own[len("/sys/"):])
		r.Link(fmt.Sprintf("/sys/dev/char/226:%d", n.minor), "../../"+own[len("/sys/"):])
		r.Node("/dev/dri/"+n.name, 226, uint32(n.minor))
	}
}

// Intel is a host with one GPU of xe and one of i915.
func Intel(t testing.TB, dir string) *Root {
	t.Helper()
	r := New(t, dir)
	r.Write("/proc/devices", devices("226 drm\n"))
	r.render("/sys/devices/pci0000:00/0000:00:01.0/0000:03:00.0", "0000:03:00.0", 129, "0x8086", "0xe20b", "0x030000", "xe")
	r.render("/sys/devices/pci0000:00/0000:00:02.0", "0000:00:02.0", 128, "0x8086", "0xa780", "0x030000", "i915")
	r.Write("/sys/module/xe/initstate", "live\n")
	r.Write("/sys/module/i915/initstate", "live\n")
	return r
}

// WSL is the Windows Subsystem for Linux 2 with a GPU.
func WSL(t testing.TB, dir string) *Root {
	t.Helper()
	r := New(t, dir)
	r.Write("/proc/misc", "234 btrfs-control\n 59 dxg\n")
	r.Write("/proc/sys/kernel/osrelease", "6.6.87.2-microsoft-standard-WSL2\n")
	r.Node("/dev/dxg", 10, 59)
	r.Write("/usr/lib/wsl/lib/libcuda.so.1", "\x7fELF")
	r.Write("/usr/lib/wsl/drivers/nv_dispi.inf/libnvwgf2umx.so", "\x7fELF")
	return r
}
