package runner

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/loadlock/loadlock/isolate/gpu"
	"github.com/loadlock/loadlock/isolate/gpu/cdi"
	"github.com/loadlock/loadlock/policy"
)

// GPUError is why there is no GPU. Absent ones, and those that cannot be used, are what gpu.mode: optional puts up with.
type GPUError struct {
	What, Hint string
	Absent     bool
}

func (e *GPUError) Error() string { return "gpu: " + e.What }

// grantGPU turns what --gpu and gpu.mode ask for into a plan, before anything starts. A run that asks for nothing looks at
// nothing. An error keeps the run from starting; where the policy says optional, an absent GPU is a note.
func (r *run) grantGPU() error {
	w := wish{names: r.job.GPU.Names, mode: r.policy.Sandbox.GPU.Mode}
	if len(w.names) == 0 && w.mode == policy.GPUNone {
		return nil
	}
	at := time.Now()
	defer func() { r.res.Timings.GPU = time.Since(at) }()
	r.res.GPU = &GPUResult{Requested: append([]string{}, w.names...), Mode: w.word(), Granted: []GPUGrant{}}
	err := r.planGPU(w)
	var absent *GPUError
	if w.mode != policy.GPUOptional || !errors.As(err, &absent) || !absent.Absent {
		return err
	}
	r.gpus, r.gpu = nil, gpu.Plan{}
	r.res.GPU = &GPUResult{Requested: r.res.GPU.Requested, Mode: w.word(), Granted: []GPUGrant{}, Fallback: absent.What}
	r.res.Notes = append(r.res.Notes, "the command has no GPU, which gpu.mode: optional puts up with: "+absent.What)
	return nil
}

// planGPU finds the GPUs, asks the policy about each, and plans what they add to the box.
func (r *run) planGPU(w wish) error {
	if err := r.provenance.PermitsGPU(r.policy, w.asks()); err != nil {
		if len(w.names) == 0 { // the wish is the policy's own, and a stronger one forbids it
			return &GPUError{What: err.Error(), Hint: Hint(err), Absent: true}
		}
		return fmt.Errorf("policy: %w", err)
	}
	host, err := r.job.gpuHost()
	if err != nil {
		return fmt.Errorf("gpu: %w", err)
	}
	gpus, offers, err := r.selectGPUs(w, host)
	if err != nil {
		return err
	}
	if err := r.oldDriver(host, gpus); err != nil {
		return err
	}
	grant := gpu.Grant{Host: host, GPUs: gpus, FullSysfs: r.policy.Sandbox.GPU.Sysfs == policy.GPUSysfsFull, ExtraNodes: extraNodes(r.policy),
		Libraries: r.librariesHidden(host, gpus)}
	var notes []string
	grant.Ioctls, notes = host.Ioctls(gpus)
	switch r.policy.Sandbox.GPU.Ioctls {
	case policy.GPUIoctlsLog:
		if grant.Ioctls.Mode != "off" {
			grant.Ioctls.Mode = "log"
		}
	case policy.GPUIoctlsOff:
		grant.Ioctls.Mode = "off"
	}
	plan, err := gpu.NewPlan(grant)
	if err != nil {
		return problem(err)
	}
	if plan, err = plan.Without(r.job.GPU.Without); err != nil {
		return &UsageError{What: "--gpu-without: " + err.Error(), Hint: "--dry-run prints the pieces of a grant"}
	}
	r.gpus, r.gpu, r.gpuRoot = gpus, plan, host.Root
	r.res.Notes = append(r.res.Notes, notes...)
	r.res.GPU.Without = r.job.GPU.Without
	r.res.GPU.granted(host, gpus, plan, offers)
	for _, o := range offers {
		if o.Note != "" {
			r.res.Notes = append(r.res.Notes, o.Name+": "+o.Note)
		}
	}
	r.res.Weakened = append(r.res.Weakened, r.res.GPU.weaker(w)...)
	r.gpuEnvironment()
	return nil
}

// gpuHost is where GPUs are looked for.
func (j Job) gpuHost() (gpu.Host, error) {
	if j.gpus != nil {
		return j.gpus()
	}
	return gpu.Discover("/")
}

// wish is what a run asks for.
type wish struct {
	names []string // of the command line; empty: the policy's mode, for one GPU
	mode  policy.GPUMode
}

func (w wish) word() string {
	return map[policy.GPUMode]string{policy.GPUNone: "none", policy.GPUOptional: "optional", policy.GPURequired: "required"}[w.mode]
}

// asks is the wish as the user or the policy wrote it.
func (w wish) asks() string {
	if len(w.names) == 0 {
		return "gpu.mode: " + w.word()
	}
	return "--gpu " + strings.Join(w.names, ",")
}

// selectGPUs finds what is wished for among what gpu.devices permits. Without names it is one GPU: the first that is
// permitted and can be used, and of a divided one its first instance.
func (r *run) selectGPUs(w wish, host gpu.Host) ([]gpu.GPU, []cdi.Offer, error) {
	permitted, err := r.permitted(host)
	if err != nil {
		return nil, nil, err
	}
	if len(w.names) == 0 {
		candidates := host.Usable()
		if slices.Contains(r.policy.Sandbox.GPU.Devices, policy.AnyGPU) { // then another vendor's is not what is meant when the driver of one is missing
			candidates = host.Candidates()
		}
		for _, g := range candidates {
			if g.MIG = g.MIG[:min(len(g.MIG), 1)]; permitted(g) {
				return []gpu.GPU{g}, nil, nil
			}
		}
		return nil, nil, r.none(host)
	}
	var specs cdi.Specs
	if slices.ContainsFunc(w.names, cdi.IsName) || len(r.job.GPU.Specs) > 0 {
		if specs, err = cdi.Load(host.Root, r.job.GPU.Specs...); err != nil {
			return nil, nil, &GPUError{What: err.Error(), Hint: "name a folder of CDI specs that exists and that you or root own"}
		}
	}
	gpus, offers, err := specs.Select(host, w.names)
	if err != nil {
		return nil, nil, problem(err)
	}
	for _, g := range gpus {
		if !permitted(g) {
			return nil, nil, fmt.Errorf("policy: %w", r.provenance.RefuseGPU(r.policy, fmt.Sprintf("%s, which is %s,", w.asks(), nameOf(g))))
		}
	}
	return gpus, offers, nil
}

// permitted says of a GPU whether gpu.devices names it. Names of CDI are looked up in the system's folders only: a spec
// that the caller brings must not decide which GPU a policy means.
func (r *run) permitted(host gpu.Host) (func(gpu.GPU) bool, error) {
	words := r.policy.Sandbox.GPU.Devices
	if slices.Contains(words, policy.AnyGPU) {
		return func(gpu.GPU) bool { return true }, nil
	}
	var specs cdi.Specs
	if slices.ContainsFunc(words, cdi.IsName) {
		var err error
		if specs, err = cdi.Load(host.Root); err != nil {
			return nil, &GPUError{What: err.Error(), Hint: "see /etc/cdi and /var/run/cdi"}
		}
	}
	var list []gpu.GPU
	for _, word := range words {
		if found, _, err := specs.Select(host, []string{word}); err == nil { // what is not there permits nothing
			list = append(list, found...)
		}
	}
	return func(g gpu.GPU) bool {
		return slices.ContainsFunc(list, func(p gpu.GPU) bool { return p.Covers(g) })
	}, nil
}

// none says why no GPU of this host can be had.
func (r *run) none(host gpu.Host) error {
	says := r.provenance.Says(r.policy, "gpu.devices")
	switch {
	case len(host.Problems) > 0:
		return problem(host.Problems[0])
	case len(host.GPUs) == 0:
		return problem(gpu.Problem{What: "no driver of a GPU is loaded", Remedy: "see loadlock doctor --gpu; or --gpu none"})
	}
	return &GPUError{What: "no GPU of this host is one that the policy permits: " + says, Hint: "see what there is with loadlock doctor --gpu; or --gpu none", Absent: true}
}

// oldDriver refuses a driver of NVIDIA's that is older than the policy permits. The drivers of AMD and Intel come with
// the kernel and have its version.
func (r *run) oldDriver(host gpu.Host, gpus []gpu.GPU) error {
	least := r.policy.Sandbox.GPU.MinDriver
	for _, g := range gpus {
		if least == "" || g.Vendor != gpu.NVIDIA && g.Vendor != gpu.WSL {
			continue
		}
		driver, _ := host.Driver(g.Vendor)
		says := r.provenance.Says(r.policy, "gpu.min_driver")
		switch {
		case g.Vendor == gpu.WSL:
			return &GPUError{What: "the version of NVIDIA's driver is not known on WSL2, and the policy says " + says, Hint: "take gpu.min_driver out of the policy; or --gpu none", Absent: true}
		case policy.OlderDriver(driver.Version, least):
			return &GPUError{What: fmt.Sprintf("NVIDIA's driver %s is too old: the policy says %s", driver.Version, says), Hint: "update the driver, and load its modules anew or reboot; or --gpu none", Absent: true}
		}
	}
	return nil
}

// librariesHidden reports whether a library of the drivers lies where the box shows nothing of the host, as on NixOS, or
// nothing that may be executed. All of them are then shown in a folder of their own.
func (r *run) librariesHidden(host gpu.Host, gpus []gpu.GPU) bool {
	shown := func(name string) bool {
		return slices.ContainsFunc(r.found.Binds, func(b Bind) bool { return b.Exec && b.Source == b.Target && within(name, b.Target) })
	}
	for _, g := range gpus {
		driver, _ := host.Driver(g.Vendor)
		if slices.ContainsFunc(driver.Libraries, func(l gpu.Library) bool { return !shown(l.Path) }) {
			return true
		}
	}
	return false
}

func extraNodes(p policy.Policy) (paths []string) {
	for _, name := range p.Sandbox.GPU.ExtraNodes {
		paths = append(paths, "/dev/"+name)
	}
	return paths
}

// problem is an error of package gpu or cdi with its remedy apart.
func problem(err error) error {
	var p gpu.Problem
	if errors.As(err, &p) {
		return &GPUError{What: p.What, Hint: p.Remedy, Absent: true}
	}
	what, hint, _ := strings.Cut(err.Error(), "\n  fix:  ")
	return &GPUError{What: strings.Join(strings.Fields(what), " "), Hint: cmp.Or(hint, "name the GPU itself, which needs no spec: --gpu 0; loadlock doctor --gpu lists them")}
}
