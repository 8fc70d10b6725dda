package policy

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// GPU says which GPUs a run may have and gets. The zero value gives none and permits none. Whether one may be used at all
// is Operations.GPU.
type GPU struct {
	Mode      GPUMode   // without --gpu
	Devices   []string  // what may be granted: "all", or names as --gpu takes them
	MemoryMB  int64     // most memory of each granted GPU, MiB; 0: no limit of its own
	Enforce   GPUMemory // what must hold that limit
	MinDriver string    // oldest version of NVIDIA's driver, "535.104"; empty: any
	Ioctls    GPUIoctls
	Sysfs     GPUSysfs
	// ExtraNodes are device nodes beside the GPU's own, by name below /dev.
	ExtraNodes []string
}

// GPUMode says whether a run gets a GPU when the command line says nothing.
type GPUMode int

// The zero value gives none. Optional also lets a run whose GPU is absent go on without.
const (
	GPUNone GPUMode = iota
	GPUOptional
	GPURequired
)

// GPUMemory says how strong the limit of GPU memory must be.
type GPUMemory int

// The zero value demands the kernel or the hardware.
const (
	GPUMemoryRequireHard GPUMemory = iota // the dmem cgroup or MIG; otherwise the run is refused
	GPUMemoryBestEffort                   // or else a watcher, which kills afterwards
)

// GPUIoctls says what happens to ioctl commands that a GPU's list does not name.
type GPUIoctls int

// The zero value refuses them.
const (
	GPUIoctlsStrict GPUIoctls = iota
	GPUIoctlsLog
	GPUIoctlsOff
)

// GPUSysfs says how much of /sys exists beside a GPU.
type GPUSysfs int

// The zero value shows the few files that the drivers' libraries read, of the granted GPU only.
const (
	GPUSysfsMinimal GPUSysfs = iota
	GPUSysfsFull
)

// extraNodes are the words of gpu.extra_nodes. Neither display control (nvidia-modeset) nor what reaches past one GPU
// (nvidia-nvswitch*, gdrdrv, infiniband) is among them.
var extraNodes = []string{"nvidia-uvm-tools"}

// gpuMode is the value of gpu.mode. A mode is a wish and permits nothing: that a GPU may be used is restricted_operations,
// and which one is gpu.devices. So a ceiling leaves it alone: under one that forbids GPUs "required" must refuse the run, and
// lowering it to none would let the run go on without what its policy demands. The weakening is the grant; reports name it.
type gpuMode struct{ word[GPUMode] }

func (v gpuMode) tighten(p, asked, _ *Policy)            { *v.at(p) = *v.at(asked) }
func (gpuMode) weaker(string, *Policy, *Policy) []string { return nil }

// AnyGPU is the item of gpu.devices that covers every GPU.
const AnyGPU = "all"

// deviceCovers: "all" covers everything, any other name itself. Two names of the same GPU do not meet here, where no GPU
// can be looked at: a layer that lists an index and one that lists a UUID have nothing in common.
func deviceCovers(a, b string) bool { return a == AnyGPU || a == b }

// devicePattern is all that a name of a GPU can be: "all", an index, "GPU-<uuid>", "MIG-<uuid>", "mig:<gpu>:<gi>:<ci>", a PCI
// address, or "vendor/class=name" (CDI). Package gpu says what they mean.
const devicePattern = `^(all|0|[1-9][0-9]{0,2}|(GPU|MIG)-[A-Za-z0-9][A-Za-z0-9/-]{0,127}|mig(:[0-9]{1,3}){3}|[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]|` +
	`[a-z0-9][A-Za-z0-9.-]*/[A-Za-z][A-Za-z0-9_-]*=[A-Za-z0-9][A-Za-z0-9_.:-]*)$`

// checkDevice says why a name cannot be a GPU's, or "".
func checkDevice(s string) string {
	switch {
	case s == "none":
		return "is no GPU; write [] for none"
	case len(s) > 200 || !regexp.MustCompile(devicePattern).MatchString(s):
		return "names no GPU: wants all, an index such as 0, GPU-<uuid>, MIG-<uuid>, mig:<gpu>:<gi>:<ci>, a PCI address or a CDI name such as nvidia.com/gpu=0"
	}
	return ""
}

// oldest is the value of gpu.min_driver; the newer demands more.
type oldest struct{ at func(*Policy) *string }

const driverPattern = `^([0-9]{1,5}(\.[0-9]{1,5}){1,3})?$`

func (v oldest) read(at place, n *yaml.Node, p *Policy) error {
	s, err := readText(at, n)
	if err != nil {
		return at.wrongType(n, `a version in quotes, such as "535.104.05"`, "without quotes 580.10 is the number 580.1")
	}
	if !regexp.MustCompile(driverPattern).MatchString(s) {
		return at.fault(n, `write the first two or three numbers of a driver's version, such as "535.104"`, "%q is not a version of a driver", shown(s))
	}
	*v.at(p) = s
	return nil
}

func (v oldest) get(p *Policy) any { return *v.at(p) }

func (oldest) schema() map[string]any {
	return map[string]any{"type": "string", "pattern": driverPattern}
}

func (v oldest) tighten(p, asked, ceiling *Policy) {
	*v.at(p) = *v.at(asked)
	if OlderDriver(*v.at(asked), *v.at(ceiling)) {
		*v.at(p) = *v.at(ceiling)
	}
}

func (v oldest) weaker(key string, p, base *Policy) []string {
	if !OlderDriver(*v.at(p), *v.at(base)) {
		return nil
	}
	return []string{fmt.Sprintf("%s is %s, where safe has %s", key, flow(*v.at(p)), flow(*v.at(base)))}
}

// OlderDriver reports whether version a comes before b. Versions are compared number by number; one that ends earlier
// comes before those it begins, and what is not a number comes before every number.
func OlderDriver(a, b string) bool {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(x), len(y)) {
		m, errM := strconv.ParseUint(x[i], 10, 32)
		n, errN := strconv.ParseUint(y[i], 10, 32)
		switch {
		case errM != nil || errN != nil:
			if (errM == nil) != (errN == nil) {
				return errM != nil
			}
		case m != n:
			return m < n
		}
	}
	return len(x) < len(y)
}

// CheckGPU says why a word cannot name a GPU, or "". The words are those of gpu.devices and --gpu.
func CheckGPU(word string) string { return checkDevice(word) }
