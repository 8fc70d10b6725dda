package runner

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/loadlock/loadlock/isolate"
	"github.com/loadlock/loadlock/isolate/gpu"
	"github.com/loadlock/loadlock/isolate/gpu/cdi"
	"github.com/loadlock/loadlock/isolate/gpu/memory"
	"github.com/loadlock/loadlock/policy"
)

// GPUResult is what was asked for, offered and granted. It is absent when nothing was asked for. What is granted was planned
// before anything started; whether the command ran is in the outcome.
type GPUResult struct {
	Requested []string      `json:"requested"` // as --gpu names them; empty: gpu.mode of the policy asked for one
	Mode      string        `json:"mode"`      // gpu.mode of the policy: "none", "optional", "required"
	Offered   []cdi.Record  `json:"offered,omitempty"`
	Drivers   []GPUDriver   `json:"drivers,omitempty"`
	Granted   []GPUGrant    `json:"granted"`
	Nodes     []gpu.Node    `json:"nodes,omitempty"` // that exist inside
	Ioctls    *GPUIoctls    `json:"ioctls,omitempty"`
	Memory    []memory.Held `json:"memory,omitempty"` // what holds gpu.memory_limit_mb; absent without a limit
	// Holders are other processes that had a granted GPU open before the start, as far as could be seen; HoldersUnseen
	// counts the processes that could not be looked at.
	Holders       []memory.Holder `json:"holders,omitempty"`
	HoldersUnseen int             `json:"holders_unseen,omitempty"`
	Xids          *GPUXids        `json:"xids,omitempty"`     // absent: not known
	Fallback      string          `json:"fallback,omitempty"` // why there is none, where the policy puts up with that
	Plan          *gpu.Plan       `json:"plan,omitempty"`     // --dry-run: all that is added to the box
	Pieces        []string        `json:"pieces,omitempty"`   // --dry-run: what of it can be left out, see gpu.Plan.Without
	Without       []string        `json:"without,omitempty"`  // what was
}

// GPUXids are the errors of the granted GPUs that the kernel's log held (NVIDIA's Xid).
type GPUXids struct {
	Before int `json:"before"` // the run
	After  int `json:"after"`
}

// GPUDriver is a kernel driver that the command talks to.
type GPUDriver struct {
	Vendor  gpu.Vendor `json:"vendor"`
	Version string     `json:"version"`
}

// GPUGrant is a GPU that the command has.
type GPUGrant struct {
	Vendor    gpu.Vendor `json:"vendor"`
	Index     int        `json:"index"`
	Model     string     `json:"model,omitempty"`
	UUID      string     `json:"uuid,omitempty"`
	BusID     string     `json:"bus_id,omitempty"`
	Instances []string   `json:"mig,omitempty"` // of a divided one: "mig:0:1:0"
}

// GPUIoctls is the filter of ioctl commands.
type GPUIoctls struct {
	Profile string `json:"profile"`
	Digest  string `json:"digest"`
	Mode    string `json:"mode"` // "strict", "log" or "off"
	Words   int    `json:"commands"`
	// Unlisted were carried out although they are on no list (mode log).
	Unlisted []isolate.Denial `json:"unlisted,omitempty"`
}

// granted fills in what a plan gives.
func (res *GPUResult) granted(host gpu.Host, gpus []gpu.GPU, plan gpu.Plan, offers []cdi.Offer) {
	for _, o := range offers {
		res.Offered = append(res.Offered, o.Settle(plan))
	}
	for _, g := range gpus {
		grant := GPUGrant{Vendor: g.Vendor, Index: g.Index, Model: g.Model, UUID: g.UUID, BusID: g.BusID}
		for _, m := range g.MIG {
			grant.Instances = append(grant.Instances, fmt.Sprintf("mig:%d:%d:%d", g.Index, m.GI, m.CI))
		}
		res.Granted = append(res.Granted, grant)
		if d, ok := host.Driver(g.Vendor); ok && !slices.Contains(res.Drivers, GPUDriver{d.Vendor, d.Version}) {
			res.Drivers = append(res.Drivers, GPUDriver{d.Vendor, d.Version})
		}
	}
	res.Nodes = plan.Nodes
	list := plan.Ioctls
	res.Ioctls = &GPUIoctls{Profile: list.Profile, Digest: list.Digest, Mode: cmp.Or(string(list.Mode), "strict"), Words: len(list.Words) + len(list.Masked)}
}

// weaker says in words what a grant costs.
func (res *GPUResult) weaker(w wish) (lines []string) {
	var names []string
	for _, g := range res.Granted {
		names = append(names, g.String())
	}
	lines = append(lines, fmt.Sprintf("a GPU is granted: the command talks to the driver's code in the kernel: %s (%s)", strings.Join(names, ", "), w.asks()))
	if slices.Contains(w.names, policy.AnyGPU) {
		lines = append(lines, fmt.Sprintf("every GPU of this host is granted, %d of them (%s)", len(names), w.asks()))
	}
	if res.Ioctls.Mode == "off" {
		lines = append(lines, "every ioctl command of the GPU's driver is carried out: the filter "+res.Ioctls.Profile+" is off")
	}
	return lines
}

// String is the GPU for a person: "NVIDIA H100 80GB HBM3 (GPU-5e…)".
func (g GPUGrant) String() string {
	name := Plain(cmp.Or(g.Model, fmt.Sprintf("%s GPU %d", g.Vendor, g.Index)))
	if which := cmp.Or(strings.Join(g.Instances, " "), g.UUID, g.BusID); which != "" {
		name += " (" + Plain(which) + ")"
	}
	return name
}

// offered is what a CDI name stands for, and what of it was not taken.
func offered(o cdi.Record) []string {
	lines := []string{o.Name}
	for _, n := range o.Nodes {
		took := "not granted: the plan has no use for it"
		if slices.Contains(o.Granted.Nodes, n.Path) {
			took = "granted"
		}
		lines = append(lines, fmt.Sprintf("offers %s: %s", n.Path, took))
	}
	for _, refused := range o.Refused {
		lines = append(lines, "refused: "+refused.String())
	}
	return lines
}

func nameOf(g gpu.GPU) string {
	var one GPUResult
	one.granted(gpu.Host{}, []gpu.GPU{g}, gpu.Plan{}, nil)
	return one.Granted[0].String()
}

// summary is the part of the summary line about GPUs: "gpu NVIDIA H100 80GB HBM3 (GPU-5e…)".
func (res *GPUResult) summary() (parts []string) {
	if res == nil {
		return nil
	}
	for _, g := range res.Granted {
		parts = append(parts, "gpu "+g.String())
	}
	for _, h := range res.Memory {
		parts = append(parts, fmt.Sprintf("gpu memory %s by %s", size(h.Limit), h.Mechanism))
	}
	if res.Fallback != "" {
		parts = append(parts, "no gpu")
	}
	return parts
}

// auditGPU is the same in short, for the audit log.
type auditGPU struct {
	Offered []string `json:"offered,omitempty"` // names of CDI, each with its specs, their digests and nodes, and what was refused
	Granted []string `json:"granted"`           // vendor, UUID or bus
	Driver  []string `json:"driver,omitempty"`
	Nodes   []string `json:"nodes,omitempty"`
	Ioctls  string   `json:"ioctls,omitempty"` // profile, mode, digest
	Memory  []string `json:"memory,omitempty"` // what holds gpu.memory_limit_mb
}

func (res *GPUResult) audit() *auditGPU {
	if res == nil {
		return nil
	}
	a := &auditGPU{Granted: []string{}}
	for _, o := range res.Offered {
		line := o.Name
		for _, s := range o.Specs {
			line += " " + s.Path + " sha256:" + s.Digest
		}
		for _, n := range o.Nodes {
			line += " " + n.Path
		}
		for _, refused := range o.Refused {
			line += "; refused: " + refused.String()
		}
		a.Offered = append(a.Offered, line)
	}
	for _, g := range res.Granted {
		a.Granted = append(a.Granted, strings.TrimSpace(fmt.Sprintf("%s %s %s", g.Vendor, cmp.Or(g.UUID, g.BusID), strings.Join(g.Instances, " "))))
	}
	for _, d := range res.Drivers {
		a.Driver = append(a.Driver, string(d.Vendor)+" "+d.Version)
	}
	for _, n := range res.Nodes {
		a.Nodes = append(a.Nodes, fmt.Sprintf("%s %d:%d", n.Path, n.Major, n.Minor))
	}
	a.Memory = res.memoryWords()
	if res.Ioctls != nil {
		a.Ioctls = fmt.Sprintf("%s %s sha256:%s", res.Ioctls.Profile, res.Ioctls.Mode, res.Ioctls.Digest)
	}
	return a
}
