package gpu_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/isolate/gpu"
	"github.com/loadlock/loadlock/isolate/gpu/gputest"
)

func five(t testing.TB, dir string) *gputest.Root { return gputest.H100(t, dir, 5) }

func one(t testing.TB, dir string) *gputest.Root { return gputest.H100(t, dir, 1) }

// A host that is damaged or lies gives a problem with a remedy, and never a plan. The near misses below are hosts that are
// a little unusual, and fine.
func TestDamagedHosts(t *testing.T) {
	information := "/proc/driver/nvidia/gpus/" + gputest.BusID(0) + "/information"
	for name, c := range map[string]struct {
		host   func(testing.TB, string) *gputest.Root
		damage func(*gputest.Root)
		word   string
		says   string // in the problem
		remedy string
	}{
		"no module":                     {gputest.New, func(r *gputest.Root) {}, "0", "no driver of a GPU is loaded", "doctor"},
		"hardware without its module":   {one, func(r *gputest.Root) { edit(r, "/proc/devices", "195 nvidia\n", "") }, "0", "the kernel module nvidia is not loaded", "modprobe nvidia"},
		"no version":                    {one, func(r *gputest.Root) { r.Remove("/proc/driver/nvidia/version") }, "0", "version cannot be read", "container"},
		"version is no version":         {one, func(r *gputest.Root) { r.Write("/proc/driver/nvidia/version", "NVRM version: ../../x\n") }, "0", "no version in", "doctor"},
		"two versions":                  {one, func(r *gputest.Root) { r.Write("/sys/module/nvidia/version", "570.1.1\n") }, "0", `/proc says that the driver is 580.95.05, /sys that it is "570.1.1"`, "reboot"},
		"huge version":                  {one, func(r *gputest.Root) { r.Write("/proc/driver/nvidia/version", strings.Repeat("x", 1<<20)) }, "0", "more than 65536 bytes", "container"},
		"version is a folder":           {one, func(r *gputest.Root) { r.Link("/proc/driver/nvidia/version", "/dev") }, "0", "not a regular file", "container"},
		"other libraries":               {gputest.Mismatch, func(r *gputest.Root) {}, "0", "the kernel module is version 580.95.05, but libcuda.so.1 is /usr/lib/x86_64-linux-gnu/libcuda.so.580.126.09", "reboot"},
		"other NVML":                    {one, func(r *gputest.Root) { r.Write(gputest.Lib+"/libnvidia-ml.so.1", "ELF") }, "0", "libnvidia-ml.so.1 is", "reboot"},
		"no libraries":                  {one, func(r *gputest.Root) { r.Remove(gputest.Lib) }, "0", "libcuda.so.1 is not installed", "version 580.95.05"},
		"damaged cache of the loader":   {one, func(r *gputest.Root) { r.Write("/etc/ld.so.cache", "garbage") }, "0", "ld.so.cache is damaged", "ldconfig"},
		"libcuda leads in a circle":     {one, func(r *gputest.Root) { r.Link(gputest.Lib+"/libcuda.so.1", "libcuda.so.1") }, "0", "libcuda.so.1 is not installed", "install"},
		"uvm is not loaded":             {one, func(r *gputest.Root) { edit(r, "/proc/devices", fmt.Sprintf("%d nvidia-uvm\n", gputest.UVM), "") }, "0", "nvidia-uvm is not loaded", "nvidia-modprobe -u -c=0"},
		"uvm has no node":               {one, func(r *gputest.Root) { r.Remove("/dev/nvidia-uvm") }, "0", "/dev/nvidia-uvm does not exist", "nvidia-modprobe -u -c=0"},
		"uvm's node is uvm-tools":       {one, func(r *gputest.Root) { r.Node("/dev/nvidia-uvm", gputest.UVM, 1) }, "0", "is device 511:1, and the driver's is 511:0", "nvidia-modprobe"},
		"no control node":               {one, func(r *gputest.Root) { r.Remove("/dev/nvidiactl") }, "0", "/dev/nvidiactl does not exist", "nvidia-modprobe"},
		"control node is a link":        {one, func(r *gputest.Root) { r.Link("/dev/nvidiactl", "nvidia0") }, "0", "/dev/nvidiactl is not the driver's node: not a character device", "nvidia-modprobe"},
		"no node of the GPU":            {one, func(r *gputest.Root) { r.Remove("/dev/nvidia0") }, "0", "/dev/nvidia0 does not exist", "nvidia-modprobe -c=0"},
		"node is a link to memory":      {one, func(r *gputest.Root) { r.Link("/dev/nvidia0", "mem"); r.Node("/dev/mem", 1, 1) }, "0", "not a character device", "nvidia-modprobe -c=0"},
		"node is a link to another GPU": {five, func(r *gputest.Root) { r.Link("/dev/nvidia3", "nvidia4") }, "3", "/dev/nvidia3 is not the driver's node: not a character device", "nvidia-modprobe -c=3"},
		"node is memory":                {one, func(r *gputest.Root) { r.Node("/dev/nvidia0", 1, 1) }, "0", "is device 1:1, and the driver's is 195:0", "nvidia-modprobe -c=0"},
		"node is another GPU":           {five, func(r *gputest.Root) { r.Node("/dev/nvidia3", 195, 4) }, "3", "is device 195:4, and the driver's is 195:3", "nvidia-modprobe -c=3"},
		"node is the control device":    {one, func(r *gputest.Root) { r.Node("/dev/nvidia0", 195, 255) }, "0", "is device 195:255", "nvidia-modprobe -c=0"},
		"node is a file":                {one, func(r *gputest.Root) { r.Write("/dev/nvidia0", "") }, "0", "not a character device", "nvidia-modprobe -c=0"},
		"node is a folder":              {one, func(r *gputest.Root) { r.Remove("/dev/nvidia0"); r.Write("/dev/nvidia0/x", "") }, "0", "not a character device", "nvidia-modprobe -c=0"},
		"UUID with a newline":           {one, func(r *gputest.Root) { edit(r, information, gputest.UUID(0), gputest.UUID(0)[:39]+"\nLD_PRELOAD=/x") }, "0", "UUID", "dmesg"},
		"UUID with another variable":    {one, func(r *gputest.Root) { edit(r, information, gputest.UUID(0), gputest.UUID(0)+" LD_PRELOAD=/x") }, "0", "UUID", "dmesg"},
		"UUID of a neighbour":           {five, func(r *gputest.Root) { edit(r, information, gputest.UUID(0), gputest.UUID(1)) }, "3", "the device minor or the UUID of", "dmesg"},
		"minor of a neighbour":          {five, func(r *gputest.Root) { edit(r, information, "Device Minor: \t 1", "Device Minor: \t 3") }, "3", "the device minor or the UUID of", "dmesg"},
		"minor beyond GPUs":             {one, func(r *gputest.Root) { edit(r, information, "Device Minor: \t 0", "Device Minor: \t 255") }, "0", "device minor", "dmesg"},
		"information of another":        {one, func(r *gputest.Root) { edit(r, information, "Location: \t 0000:17", "Location: \t 0000:18") }, "0", "is about 0000:18:00.0", "dmesg"},
		"a folder that is no address":   {one, func(r *gputest.Root) { r.Write("/proc/driver/nvidia/gpus/\x1b[2J/information", "x") }, "0", "not a PCI address", "dmesg"},
		"huge information":              {one, func(r *gputest.Root) { r.Write(information, strings.Repeat("Model: x\n", 1<<16)) }, "0", "more than 65536 bytes", "dmesg"},
		"information is a pipe":         {one, func(r *gputest.Root) { fifo(t, r, information) }, "0", "not a regular file", "dmesg"},
		"excluded":                      {one, func(r *gputest.Root) { edit(r, information, "Excluded:\t No", "Excluded:\t Yes") }, gputest.BusID(0), "is excluded from use", "NVreg_ExcludedGpus"},
		"PCI device of another vendor":  {one, func(r *gputest.Root) { r.Write(pciOf(0)+"/vendor", "0x8086\n") }, "0", `vendor is "0x8086"`, "doctor"},
		"PCI link leads out of /sys": {one, func(r *gputest.Root) {
			r.Write("/etc/"+gputest.BusID(0)+"/vendor", "0x10de\n")
			r.Link("/sys/bus/pci/devices/"+gputest.BusID(0), "/etc/"+gputest.BusID(0))
		}, "0", "leads to", "doctor"},
		"PCI link leads to a neighbour": {five, func(r *gputest.Root) {
			r.Link("/sys/bus/pci/devices/"+gputest.BusID(3), "../../.."+pciOf(4)[len("/sys"):])
		}, "3", "leads to", "doctor"},
		"PCI folder with a strange name": {one, func(r *gputest.Root) { strange(r) }, "0", "leads to", "doctor"},
		"MIG node is absent":             {gputest.Divided, func(r *gputest.Root) { r.Remove("/dev/nvidia-caps/nvidia-cap13") }, "mig:0:1:0", "nvidia-cap13 does not exist", "nvidia-smi mig"},
		"MIG node is config":             {gputest.Divided, func(r *gputest.Root) { r.Node("/dev/nvidia-caps/nvidia-cap13", gputest.Caps, 1) }, "mig:0:1:0", "is device 508:1", "nvidia-smi mig"},
		"MIG folder is a link": {gputest.Divided, func(r *gputest.Root) {
			r.Remove("/dev/nvidia-caps")
			r.Link("/dev/nvidia-caps", "/tmp")
			r.Node("/tmp/nvidia-cap12", gputest.Caps, 12)
		}, "mig:0:1:0", "is a link", "nvidia-smi mig"},
		"MIG access says config": {gputest.Divided, func(r *gputest.Root) {
			r.Write("/proc/driver/nvidia/capabilities/gpu0/mig/gi1/access", "DeviceFileMinor: 1\n")
		}, "mig:0:1:0", "disagree", "nvidia-smi mig"},
		"MIG minors are absent": {gputest.Divided, func(r *gputest.Root) { r.Remove("/proc/driver/nvidia-caps") }, "mig:0:1:0", "no such file", "nvidia-smi mig"},
		"MIG minors are huge": {gputest.Divided, func(r *gputest.Root) {
			r.Write("/proc/driver/nvidia-caps/mig-minors", strings.Repeat("config 1\n", 1<<20))
		}, "mig:0:1:0", "more than 1048576 bytes", "nvidia-smi mig"},
		"MIG without compute instance": {gputest.Divided, func(r *gputest.Root) { r.Remove("/proc/driver/nvidia/capabilities/gpu0/mig/gi2/ci0") }, "mig:0:1:0", "GPU instance 2 has no compute instance", "nvidia-smi mig"},
		"MIG driver without its major": {gputest.Divided, func(r *gputest.Root) { edit(r, "/proc/devices", "508 nvidia-caps\n", "") }, "mig:0:1:0", "no nvidia-caps", "nvidia-smi mig"},
		"a divided GPU as a whole":     {gputest.Divided, func(r *gputest.Root) {}, "0", "is divided into MIG instances", "mig:0:1:0, mig:0:2:0"},
		"kfd has no node":              {gputest.AMD, func(r *gputest.Root) { r.Remove("/dev/kfd") }, "0", "/dev/kfd does not exist", "udevadm"},
		"kfd is memory":                {gputest.AMD, func(r *gputest.Root) { r.Node("/dev/kfd", 1, 1) }, "0", "is device 1:1", "udevadm"},
		"render node is a card":        {gputest.AMD, func(r *gputest.Root) { r.Node("/dev/dri/renderD128", 226, 0) }, "0", "is device 226:0", "udevadm"},
		"render node is a neighbour":   {gputest.AMD, func(r *gputest.Root) { r.Node("/dev/dri/renderD128", 226, 129) }, "0", "is device 226:129", "udevadm"},
		"render node is a link":        {gputest.AMD, func(r *gputest.Root) { r.Link("/dev/dri/renderD128", "renderD129") }, "0", "not a character device", "udevadm"},
		"topology says no number":      {gputest.AMD, func(r *gputest.Root) { r.Write(kfd+"/1/properties", "drm_render_minor ../../x\n") }, "0", "KFD's node 1", "dmesg"},
		"topology says a card":         {gputest.AMD, func(r *gputest.Root) { r.Write(kfd+"/1/properties", "drm_render_minor 0\n") }, "0", "drm_render_minor 0", "dmesg"},
		"topology's node is no number": {gputest.AMD, func(r *gputest.Root) { r.Write(kfd+"/..x/gpu_id", "1\n") }, "0", "not a number", "dmesg"},
		"topology is huge":             {gputest.AMD, func(r *gputest.Root) { r.Write(kfd+"/1/properties", strings.Repeat("a 1\n", 1<<16)) }, "0", "more than 65536 bytes", "dmesg"},
		"a partition of a GPU": {gputest.AMD, func(r *gputest.Root) {
			r.Link("/sys/class/drm/renderD128", "../../devices/platform/xcp")
			r.Write("/sys/devices/platform/xcp/device/vendor", "0x1002\n")
		}, "0", "partition", "SPX"},
		"render node without a PCI device": {gputest.AMD, func(r *gputest.Root) { r.Remove("/sys/class/drm/renderD128") }, "0", "has no render node renderD128", "reload"},
		"Intel without drm's major":        {gputest.Intel, func(r *gputest.Root) { edit(r, "/proc/devices", "226 drm\n", "") }, "0", "no drm", "load"},
		"Intel's node is absent":           {gputest.Intel, func(r *gputest.Root) { r.Remove("/dev/dri/renderD129") }, "1", "/dev/dri/renderD129 does not exist", "udevadm"},
		"dxg is absent":                    {gputest.WSL, func(r *gputest.Root) { r.Remove("/dev/dxg") }, "0", "/dev/dxg does not exist", "wsl --shutdown"},
		"dxg is memory":                    {gputest.WSL, func(r *gputest.Root) { r.Node("/dev/dxg", 1, 1) }, "0", "is device 1:1", "wsl --shutdown"},
		"Windows' libraries are a link":    {gputest.WSL, func(r *gputest.Root) { r.Remove("/usr/lib/wsl"); r.Link("/usr/lib/wsl", "/etc") }, "0", "/usr/lib/wsl/lib is absent", "wsl --update"},
	} {
		t.Run(name, func(t *testing.T) {
			r := c.host(t, t.TempDir())
			c.damage(r)
			h := r.Discover()
			gpus, err := h.Select([]string{c.word})
			var p gpu.Problem
			if !errors.As(err, &p) {
				t.Fatalf("%s gives %+v, %v; problems %+v", c.word, gpus, err, h.Problems)
			}
			if !strings.Contains(p.What, c.says) || !strings.Contains(p.Remedy, c.remedy) || p.Remedy == "" || strings.ContainsAny(p.Error(), "\x1b\n") {
				t.Errorf("%q", p)
			}
			for _, g := range h.GPUs { // nor for who takes the GPU without asking Select
				concerned := p.BusID == "" || g.BusID == p.BusID
				if _, err := gpu.NewPlan(gpu.Grant{Host: h, GPUs: []gpu.GPU{g}}); err == nil && concerned && len(h.Problems) > 0 {
					t.Errorf("a plan for GPU %d", g.Index)
				}
			}
		})
	}
}

// Unusual, and fine.
func TestUnusualHosts(t *testing.T) {
	for name, c := range map[string]struct {
		host   func(testing.TB, string) *gputest.Root
		change func(*gputest.Root)
		word   string
	}{
		"an older driver's name": {one, func(r *gputest.Root) {
			edit(r, "/proc/devices", "195 nvidia\n195 nvidiactl\n", "195 nvidia-frontend\n")
		}, "0"},
		"no NVML":   {one, func(r *gputest.Root) { r.Remove(gputest.Lib + "/libnvidia-ml.so.1") }, "0"},
		"no params": {one, func(r *gputest.Root) { r.Remove("/proc/driver/nvidia/params") }, "0"},
		"no NUMA":   {one, func(r *gputest.Root) { r.Remove("/sys/devices/system/node"); r.Remove(pciOf(0) + "/numa_node") }, "0"},
		"not opened since the driver was loaded": {one, func(r *gputest.Root) {
			edit(r, "/proc/driver/nvidia/gpus/"+gputest.BusID(0)+"/information", gputest.UUID(0), "GPU-????????-????-????-????-????????????")
		}, "0"},
		"libraries in another folder": {one, func(r *gputest.Root) {
			r.Remove(gputest.Lib)
			r.Write("/usr/lib64/libcuda.so.580.95.05", "ELF")
			r.Link("/usr/lib64/libcuda.so.1", "/usr/lib64/libcuda.so.580.95.05")
		}, "0"},
		"a neighbour's node is broken":         {five, func(r *gputest.Root) { r.Node("/dev/nvidia4", 1, 1) }, "3"},
		"a neighbour's node is absent":         {five, func(r *gputest.Root) { r.Remove("/dev/nvidia4") }, "3"},
		"the other GPU's instances are broken": {gputest.Divided, func(r *gputest.Root) { r.Remove("/dev/nvidia-caps") }, "1"},
		"no PCI folder":                        {one, func(r *gputest.Root) { r.Remove("/sys/bus/pci") }, "0"},
		"amdgpu without a version":             {gputest.AMD, func(r *gputest.Root) { r.Remove("/sys/module/amdgpu/version") }, "0"},
		"AMD without a serial number":          {gputest.AMD, func(r *gputest.Root) { edit(r, kfd+"/1/properties", "unique_id 1152921504606846977", "unique_id 0") }, "0"},
		"Intel's other driver":                 {gputest.Intel, func(r *gputest.Root) {}, "1"},
		"a display without a driver beside": {one, func(r *gputest.Root) {
			r.Write("/sys/bus/pci/devices/0000:00:02.0/vendor", "0x8086\n")
			r.Write("/sys/bus/pci/devices/0000:00:02.0/class", "0x030000\n")
		}, "all"},
	} {
		t.Run(name, func(t *testing.T) {
			r := c.host(t, t.TempDir())
			c.change(r)
			if p := r.Plan(c.word); !p.Granted() {
				t.Errorf("%+v", p)
			}
		})
	}
}

// What is no GPU of Intel's: a render node with a card's number, one of another vendor's device, one of another driver.
func TestWhatIsNoGPU(t *testing.T) {
	for name, c := range map[string]struct {
		gpus   int
		change func(*gputest.Root)
	}{
		"as it is": {2, func(r *gputest.Root) {}},
		"a card's number": {2, func(r *gputest.Root) {
			r.Link("/sys/class/drm/renderD1", "../../devices/pci0000:00/0000:00:01.0/0000:03:00.0/drm/card1")
		}},
		"another vendor's": {1, func(r *gputest.Root) { r.Write("/sys/devices/pci0000:00/0000:00:01.0/0000:03:00.0/vendor", "0x1af4\n") }},
		"another driver's": {1, func(r *gputest.Root) {
			r.Link("/sys/devices/pci0000:00/0000:00:01.0/0000:03:00.0/driver", "../../../../bus/pci/drivers/vfio-pci")
			r.Write("/sys/bus/pci/drivers/vfio-pci/uevent", "")
		}},
	} {
		r := gputest.Intel(t, t.TempDir())
		c.change(r)
		if h := r.Discover(); len(h.GPUs) != c.gpus || len(h.Problems) > 0 {
			t.Errorf("%s: %+v, %+v", name, h.GPUs, h.Problems)
		}
	}
}

const kfd = "/sys/devices/virtual/kfd/kfd/topology/nodes"

// pciOf is the folder of an H100's PCI device.
func pciOf(index int) string {
	return fmt.Sprintf("/sys/devices/pci0000:%02x/0000:%02x:01.0/%s", index+0x15, index+0x15, gputest.BusID(index))
}

// strange moves the PCI device below a folder whose name would end in a path.
func strange(r *gputest.Root) {
	dir := "/sys/devices/a b\n/" + gputest.BusID(0)
	r.Write(dir+"/vendor", "0x10de\n")
	r.Link("/sys/bus/pci/devices/"+gputest.BusID(0), "../../.."+dir[len("/sys"):])
}

func edit(r *gputest.Root, name, old, new string) {
	raw, err := os.ReadFile(r.Path(name))
	if err != nil || !strings.Contains(string(raw), old) {
		panic(fmt.Sprintf("%s has no %q: %v", name, old, err))
	}
	r.Write(name, strings.Replace(string(raw), old, new, 1))
}
