package gpu

import "fmt"

// Vendor is whose driver it is.
type Vendor string

// The vendors, in the order in which a bare index is looked up: "0" is an NVIDIA GPU where there is one.
const (
	NVIDIA Vendor = "nvidia"
	AMD    Vendor = "amd"
	Intel  Vendor = "intel"
	WSL    Vendor = "wsl" // Windows' own GPUs through /dev/dxg: one node for all of them
)

var vendors = []Vendor{NVIDIA, AMD, Intel, WSL}

// Host is what Discover found. It is plain data: NewPlan reads nothing else.
type Host struct {
	Root     string    `json:"root,omitempty"` // "/" in use; a test's folder
	Drivers  []Driver  `json:"drivers,omitempty"`
	GPUs     []GPU     `json:"gpus,omitempty"` // by vendor, then by index
	Problems []Problem `json:"problems,omitempty"`

	system view // what of /proc and /sys has no vendor
}

// Driver is a vendor's kernel driver that is loaded, and what comes with it.
type Driver struct {
	Vendor    Vendor    `json:"vendor"`
	Version   string    `json:"version"`             // of the kernel module: "580.95.05"; where it has none, the kernel's release
	Libraries []Library `json:"libraries,omitempty"` // NVIDIA: those of that version
	Nodes     []Node    `json:"nodes"`               // that every one of its GPUs needs
	Extra     []Node    `json:"extra,omitempty"`     // that are there and granted only by name (Grant.ExtraNodes)

	view view
}

// Library is a file of the driver's user space.
type Library struct {
	Soname  string `json:"soname"`  // what programs ask for: "libcuda.so.1"
	Path    string `json:"path"`    // the file itself, without links: "/usr/lib/x86_64-linux-gnu/libcuda.so.580.95.05"
	Version string `json:"version"` // from its name
}

// GPU is one device.
type GPU struct {
	Vendor Vendor `json:"vendor"`
	Index  int    `json:"index"`            // what --gpu names: counted per vendor, in the order of PCI addresses
	UUID   string `json:"uuid,omitempty"`   // "GPU-…", as CUDA_VISIBLE_DEVICES and ROCR_VISIBLE_DEVICES take it; empty where the driver has none
	Model  string `json:"model,omitempty"`  // as the driver prints it
	BusID  string `json:"bus_id,omitempty"` // PCI address: "0000:17:00.0"
	Minor  int    `json:"minor"`            // NVIDIA: of /dev/nvidia<minor>; AMD, Intel: of the render node
	Nodes  []Node `json:"nodes"`            // its own
	MIG    []MIG  `json:"mig,omitempty"`    // its instances; after Select those that were chosen

	view view
}

// MIG is one compute instance of an NVIDIA GPU that is divided (Multi-Instance GPU).
type MIG struct {
	GI    int    `json:"gi"`             // GPU instance
	CI    int    `json:"ci"`             // compute instance in it
	UUID  string `json:"uuid,omitempty"` // "MIG-…"; only NVML knows it
	Nodes []Node `json:"nodes"`          // the two nodes that open it: /dev/nvidia-caps/nvidia-cap<minor>

	view view
}

// Name is the word that selects it: "mig:0:1:0".
func (m MIG) name(g GPU) string { return fmt.Sprintf("mig:%d:%d:%d", g.Index, m.GI, m.CI) }

// Problem keeps GPUs from being used. Select returns it as an error.
type Problem struct {
	Vendor Vendor `json:"vendor,omitempty"`
	BusID  string `json:"bus_id,omitempty"` // of the one GPU that it concerns; empty: all of the vendor's
	What   string `json:"what"`
	Remedy string `json:"remedy"` // what to do next

	Unloaded bool `json:"unloaded,omitempty"` // there is hardware, and no driver for it
}

func (p Problem) Error() string { return p.What + ": " + p.Remedy }

// Driver is the vendor's, if it is loaded.
func (h Host) Driver(v Vendor) (Driver, bool) {
	for _, d := range h.Drivers {
		if d.Vendor == v {
			return d, true
		}
	}
	return Driver{}, false
}

// problem is what keeps this GPU from being used.
func (h Host) problem(v Vendor, busID string) (Problem, bool) {
	for _, p := range h.Problems {
		if p.Vendor == v && (p.BusID == "" || p.BusID == busID) {
			return p, true
		}
	}
	return Problem{}, false
}

// view is what a box sees of /proc and /sys, by path inside.
type view struct {
	files  map[string]string // below /sys
	links  map[string]string
	proc   map[string]string // below /proc/driver, by path there
	mounts []Mount
}
