package runner

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/loadlock/loadlock/isolate"
	"github.com/loadlock/loadlock/isolate/gpu"
	"github.com/loadlock/loadlock/isolate/gpu/memory"
	"github.com/loadlock/loadlock/policy"
)

// limitGPUMemory chooses what holds gpu.memory_limit_mb, and refuses the run where nothing does. Without a limit nothing is
// looked at and nothing will run.
func (r *run) limitGPUMemory() (err error) {
	if !r.gpu.Granted() {
		return nil
	}
	req := memory.Request{Root: r.gpuRoot, LimitMB: r.policy.Sandbox.GPU.MemoryMB, Hard: r.policy.Sandbox.GPU.Enforce == policy.GPUMemoryRequireHard}
	for _, g := range r.gpus {
		d := memory.Device{Name: nameOf(g), Vendor: string(g.Vendor), UUID: g.UUID, BusID: g.BusID}
		if len(g.Nodes) > 0 {
			d.Node = g.Nodes[0].Path
		}
		if len(g.MIG) == 0 {
			req.Devices = append(req.Devices, d)
		}
		for _, m := range g.MIG {
			d.MIG, d.Instance = true, m.GI
			d.Name = fmt.Sprintf("mig:%d:%d:%d", g.Index, m.GI, m.CI)
			req.Devices = append(req.Devices, d)
		}
	}
	if cg, err := isolate.FindCgroup(r.dir.id); err == nil && cg.Kind == "v2" && !cg.Systemd { // systemd gives no dmem
		req.Cgroup = cg.Path
	}
	if r.memory, err = memory.Choose(req); err != nil {
		return err
	}
	r.res.GPU.Memory = r.memory.Plan()
	r.res.Weakened = append(r.res.Weakened, r.memory.Weaker()...)
	return nil
}

// othersOnGPU looks who else has a granted GPU open, beside the first steps of a run: its memory is shared with them, and what they left
// there may be seen. The function it returns waits for that, and notes it.
func (r *run) othersOnGPU() (note func()) {
	if !r.gpu.Granted() {
		return func() {}
	}
	var nodes, buses []string
	for _, g := range r.gpus {
		own := g.Nodes
		if len(g.MIG) > 0 { // the GPU's node is everybody's who has an instance of it
			own = nil
			for _, m := range g.MIG {
				own = append(own, m.Nodes...)
			}
		}
		for _, n := range own {
			nodes = append(nodes, n.Path)
		}
		if g.Vendor == gpu.NVIDIA {
			buses = append(buses, g.BusID)
		}
	}
	type seen struct {
		holders      []memory.Holder
		unseen, xids int
		known        bool
	}
	root, found := r.gpuRoot, make(chan seen, 1)
	go func() {
		var s seen
		s.holders, s.unseen = memory.Holders(root, nodes)
		if len(buses) > 0 {
			s.xids, s.known = memory.Xids(root, buses)
		}
		found <- s
	}()
	return func() {
		s := <-found
		r.res.GPU.Holders, r.res.GPU.HoldersUnseen = s.holders, s.unseen
		for _, h := range s.holders {
			r.res.Notes = append(r.res.Notes, fmt.Sprintf("process %d %q has a granted GPU open too (%s)", h.Pid, h.Name, h.Node))
		}
		if s.known {
			r.res.GPU.Xids = &GPUXids{Before: s.xids, After: s.xids}
			r.xids = func() { r.res.GPU.Xids.After, _ = memory.Xids(root, buses) }
		}
	}
}

// heldGPUMemory takes what the limiter saw into the result. An error says that the limiter could not look any more, and
// ended the command.
func (r *run) heldGPUMemory(limited *memory.Running, exit *isolate.Exit) error {
	held, err := limited.Stop()
	if r.xids != nil {
		r.xids()
		if x := r.res.GPU.Xids; x.After > x.Before {
			r.res.Notes = append(r.res.Notes, fmt.Sprintf("the driver reported %d errors of the GPU while the command ran (Xid; dmesg): it may need a reset", x.After-x.Before))
		}
	}
	if limited == nil {
		return nil
	}
	r.res.GPU.Memory = held
	exit.Usage.PeakGPU = max(0, slices.MaxFunc(held, func(a, b memory.Held) int { return cmp.Compare(a.Peak, b.Peak) }).Peak)
	var over *memory.ExceededError
	if errors.As(err, &over) {
		exit.OOM = true
		r.res.Notes = append(r.res.Notes, over.Error())
		return nil
	}
	return err
}

// memoryWords say what holds the limits, one GPU each: "8192 MiB of NVIDIA H100 … by dmem, hard: dmem.max of …".
func (res *GPUResult) memoryWords() (lines []string) {
	for _, h := range res.Memory {
		strength := "hard"
		if !h.Hard {
			strength = "no wall"
		}
		lines = append(lines, fmt.Sprintf("%d MiB of %s by %s, %s: %s", h.Limit>>20, h.GPU, h.Mechanism, strength, h.How))
	}
	return lines
}

// exceeded reports whether the command was ended because it used too much of a GPU's memory.
func (res *GPUResult) exceeded() bool {
	return res != nil && slices.ContainsFunc(res.Memory, func(h memory.Held) bool { return h.Exceeded })
}
