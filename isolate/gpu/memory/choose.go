package memory

import (
	"fmt"
	"strings"
)

// Request is what a policy asks for, and of which GPUs.
type Request struct {
	Root    string // of the host, "/", or a test's folder
	Devices []Device
	LimitMB int64 // MiB of each device; 0: no limit
	// Hard refuses what is no wall: gpu.enforce: require-hard.
	Hard bool
	// Cgroup is the group that the box will have on cgroup v2, below the mount point; empty: none, or v1.
	Cgroup string
}

// Device is a granted GPU.
type Device struct {
	Name   string // as the report names it
	Vendor string // "nvidia", "amd", "intel", "wsl"
	UUID   string // NVIDIA's: "GPU-…"
	BusID  string // PCI address
	Node   string // its own device node on the host

	MIG      bool // it is one GPU instance of the device
	Instance int  // which
}

// Mechanism is what holds a limit.
type Mechanism string

// The mechanisms, the stronger one first.
const (
	MIG     Mechanism = "mig"
	Dmem    Mechanism = "dmem"
	Watcher Mechanism = "watcher"
)

// Held says how the memory of one GPU is limited, and, when the run is over, what was used of it.
type Held struct {
	GPU       string    `json:"gpu"`
	Limit     int64     `json:"limit_bytes"`
	Mechanism Mechanism `json:"mechanism"`
	Hard      bool      `json:"hard"` // nothing beyond the limit can be allocated
	How       string    `json:"how"`
	Peak      int64     `json:"peak_bytes"`           // most that was seen; -1: not known
	Left      int64     `json:"left_bytes,omitempty"` // dmem: charged to the box still, after its end
	Exceeded  bool      `json:"exceeded,omitempty"`   // and the box was killed for it
}

// Refusal says why a limit cannot be had, and what to do about that.
type Refusal struct{ What, Remedy string }

func (r *Refusal) Error() string { return "GPU memory limit: " + r.What }

// Choose finds for each device what holds the limit. Without a limit it returns nil, on which all methods do nothing.
// Where nothing holds it, or nothing hard does and the request is hard, it returns a *Refusal. It looks at files below
// Root, and asks nvidia-smi or NVML when a MIG instance's size or a watcher of NVIDIA's is needed.
func Choose(r Request) (*Limiter, error) {
	if r.LimitMB == 0 {
		return nil, nil
	}
	return hostOf(r).limiter()
}

func (h *host) limiter() (*Limiter, error) {
	l := &Limiter{limit: h.LimitMB << 20}
	for i, d := range h.Devices {
		c, err := h.choose(d)
		if err != nil {
			return nil, err
		}
		c.held.GPU, c.held.Limit, c.held.Peak = d.Name, l.limit, -1
		l.chosen = append(l.chosen, c)
		for _, s := range c.sources {
			l.watched(s, i)
		}
	}
	return l, nil
}

// chosen is what holds the limit of one device.
type chosen struct {
	held    Held
	regions []region // dmem
	sources []source // watchers
	key     string   // the device's name for them
}

// host is what the choice depends on.
type host struct {
	Request
	regions []region // dmem.capacity
	noDmem  string   // why dmem holds nothing
	nvidia  source   // the one for all of NVIDIA's
	kfd     *kfd
	tells   func(node string) error // tests have no driver
}

func hostOf(r Request) *host {
	h := &host{Request: r, tells: tells}
	h.regions, h.noDmem = dmemOf(r.Root, r.Cgroup)
	return h
}

func (h *host) choose(d Device) (chosen, error) {
	if d.MIG {
		return h.instance(d)
	}
	why := h.noDmem
	if why == "" {
		if mine := regionsOf(h.regions, d); len(mine) > 0 {
			return h.dmem(mine), nil
		}
		why = "the driver of " + d.Name + " registers no memory with the dmem controller (NVIDIA does from r615 on)"
	}
	if h.Hard {
		return chosen{}, &Refusal{What: fmt.Sprintf("nothing hard can hold %d MiB of %s: %s", h.LimitMB, d.Name, why),
			Remedy: "a kernel with CONFIG_CGROUP_DMEM (6.14) under cgroup v2 and a driver that uses it, or a MIG instance; or gpu.enforce: best-effort in the policy, which watches and kills afterwards; or no gpu.memory_limit_mb"}
	}
	all, err := h.sourcesFor(d)
	if err != nil {
		return chosen{}, err
	}
	var names []string
	for _, s := range all {
		names = append(names, fmt.Sprintf("%s is asked every %s", s.name(), s.every()))
	}
	return chosen{sources: all, key: keyOf(d), held: Held{Mechanism: Watcher, How: strings.Join(names, ", ") + ", and the box is killed above the limit (nothing harder: " + why + ")"}}, nil
}

// dmem divides a limit among the regions of a device: no two of them may hold the limit each.
func (h *host) dmem(mine []region) chosen {
	var names []string
	var size int64
	for i := range mine {
		size += mine[i].bytes
		mine[i].bytes = (h.LimitMB << 20) / int64(len(mine))
		names = append(names, mine[i].name)
	}
	how := "dmem.max of " + strings.Join(names, ", ")
	if size <= h.LimitMB<<20 {
		how += fmt.Sprintf("; all of its memory is %d MiB", size>>20)
	}
	return chosen{regions: mine, held: Held{Mechanism: Dmem, Hard: true, How: how}}
}

// instance looks at the size of a MIG instance.
func (h *host) instance(d Device) (chosen, error) {
	size, err := h.instanceSize(d)
	switch {
	case err == nil && size > h.LimitMB<<20:
		return chosen{}, &Refusal{What: fmt.Sprintf("%s is an instance of %d MiB, and the limit is %d MiB", d.Name, size>>20, h.LimitMB),
			Remedy: "grant a smaller instance, or raise gpu.memory_limit_mb to the instance's size: nothing divides an instance further"}
	case err != nil && h.Hard:
		return chosen{}, &Refusal{What: fmt.Sprintf("%s is a MIG instance, and its size is not known: %v", d.Name, err),
			Remedy: "install nvidia-smi as /usr/bin/nvidia-smi, owned by root, so that the size can be compared with the limit; or leave gpu.memory_limit_mb out: the instance's size is a wall anyway; or gpu.enforce: best-effort"}
	case err != nil:
		return chosen{held: Held{Mechanism: MIG, How: "the instance's size is a wall, but whether that is within the limit is not known: " + err.Error()}}, nil
	}
	return chosen{held: Held{Mechanism: MIG, Hard: true, How: fmt.Sprintf("the hardware gives the instance %d MiB", size>>20)}}, nil
}
