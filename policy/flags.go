package policy

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Flags are the wishes of a command line. A limit may only be lowered; what needs a permission is refused
// without it.
type Flags struct {
	MemoryMB     *int64   // --memory, MiB
	Pids         *int64   // --pids
	CPUs         *float64 // --cpus
	TimeoutSec   *int64   // --timeout, seconds
	CPUTimeSec   *int64   // --cpu-time, seconds
	TmpMB        *int64   // --tmp-size, MiB
	ShmMB        *int64   // --shm-size, MiB
	Network      *Network // --net
	NetworkHosts []string // --net allow:HOST[:PORT],…
	Publish      Publish  // the widest that a --publish asks for
	CopyModel    bool     // --copy-model
	Output       bool     // --output is used
	ExtraRead    bool     // --ro is used
	ExtraWrite   bool     // --rw is used
	GPU          bool     // --gpu names one
	NoGPU        bool     // --gpu none
	GPUMemoryMB  *int64   // --gpu-memory, MiB
}

// WithFlags returns the policy lowered by flags. A flag that asks for more than the policy permits is an *Error
// that names the key and its value. Who has the provenance uses Provenance.WithFlags, whose errors also say
// which layer set the value and what would allow more.
func (p Policy) WithFlags(f Flags) (Policy, error) {
	low, _, err := Provenance{}.WithFlags(p, f)
	return low, err
}

// WithFlags is Policy.WithFlags with errors that name the layer, and with a provenance that names the flags.
func (prov Provenance) WithFlags(p Policy, f Flags) (Policy, Provenance, error) {
	prov = prov.clone()
	for _, l := range []struct {
		flag, key string
		want      *int64
	}{
		{"--memory", "memory_limit_mb", f.MemoryMB}, {"--pids", "pids_limit", f.Pids},
		{"--timeout", "timeout_seconds", f.TimeoutSec}, {"--cpu-time", "cpu_time_seconds", f.CPUTimeSec},
		{"--tmp-size", "tmp_size_mb", f.TmpMB}, {"--shm-size", "shm_size_mb", f.ShmMB},
		{"--gpu-memory", "gpu.memory_limit_mb", f.GPUMemoryMB},
	} {
		if l.want == nil {
			continue
		}
		v := valueOf(l.key).(integer)
		if what := v.check(*l.want); what != "" || v.open && *l.want == 0 {
			return Policy{}, Provenance{}, badFlag(l.flag, strconv.FormatInt(*l.want, 10), what)
		}
		if *l.want > v.rank(*v.at(&p)) {
			return Policy{}, Provenance{}, prov.refuse(&p, l.flag+" "+strconv.FormatInt(*l.want, 10), l.key)
		}
		prov.lowered(l.key, l.flag, v.get(&p), *l.want)
		*v.at(&p) = *l.want
	}
	if f.CPUs != nil {
		v := valueOf("cpus").(decimal)
		if what := v.check(*f.CPUs); what != "" {
			return Policy{}, Provenance{}, badFlag("--cpus", fmt.Sprint(*f.CPUs), what)
		}
		if *f.CPUs > p.Sandbox.CPUs {
			return Policy{}, Provenance{}, prov.refuse(&p, fmt.Sprintf("--cpus %v", *f.CPUs), "cpus")
		}
		prov.lowered("cpus", "--cpus", p.Sandbox.CPUs, *f.CPUs)
		p.Sandbox.CPUs = *f.CPUs
	}
	if f.Network != nil {
		if err := prov.lowerNetwork(&p, f); err != nil {
			return Policy{}, Provenance{}, err
		}
	}
	if f.NoGPU {
		v := valueOf("gpu.mode")
		before := v.get(&p)
		p.Sandbox.GPU.Mode = GPUNone
		prov.lowered("gpu.mode", "--gpu", before, v.get(&p))
	}
	if f.CopyModel {
		v := valueOf("model_files")
		before := v.get(&p)
		p.ModelFiles = ModelFilesCopied
		prov.lowered("model_files", "--copy-model", before, v.get(&p))
	}
	if err := p.permits(f, prov); err != nil {
		return Policy{}, Provenance{}, err
	}
	return p, prov, nil
}

// lowerNetwork does what --net asks for. Hosts must be covered by network_hosts, unless the policy gives the whole
// network of the host.
func (prov *Provenance) lowerNetwork(p *Policy, f Flags) error {
	hosts := make([]string, 0, len(f.NetworkHosts))
	for _, s := range f.NetworkHosts {
		h, err := ParseHost(s)
		if err != nil {
			return &Error{What: "--net allow: " + err.Error(), Hint: "write --net allow:huggingface.co,*.example.org:443"}
		}
		hosts = append(hosts, h.String())
	}
	slices.Sort(hosts)
	hosts = slices.Compact(hosts)
	want, have := *f.Network, p.Sandbox.Network
	switch {
	case want < NetworkNone || want > NetworkHost:
		return prov.refuse(p, "--net", "network")
	case want == NetworkAllow && len(hosts) == 0:
		return &Error{What: "--net allow: names no host", Hint: "write --net allow:huggingface.co,*.example.org:443"}
	case want > have:
		err := prov.refuse(p, "--net "+networkFlag(want, hosts), "network")
		if len(hosts) == 0 || len(prov.Origin("network").Clips) > 0 {
			return err
		}
		return prov.lines(err, "network: allow / network_hosts: "+flow(hosts)+" / "+restrictedWithout(p, "network_access"))
	case want == NetworkAllow && have == NetworkAllow:
		for _, h := range hosts {
			if !hostSet.covered(h, p.Sandbox.NetworkHosts) {
				return prov.refuse(p, "--net allow:"+h, "network_hosts")
			}
		}
	}
	lowered := *p
	lowered.Sandbox.Network, lowered.Sandbox.NetworkHosts = want, nil
	if want == NetworkAllow {
		lowered.Sandbox.NetworkHosts = hosts
	}
	for key := range differing(p, &lowered) {
		prov.lowered(key, "--net", valueOf(key).get(p), valueOf(key).get(&lowered))
	}
	*p = lowered
	return nil
}

func networkFlag(n Network, hosts []string) string {
	if n == NetworkAllow {
		return "allow:" + strings.Join(hosts, ",")
	}
	return "host"
}

// lines adds to a refusal the lines of a policy that would permit it.
func (prov Provenance) lines(err error, lines string) error {
	var e *Error
	last := len(prov.Layers) - 1
	if !errors.As(err, &e) || last < 0 {
		return err
	}
	if l := prov.Layers[last]; strings.HasPrefix(l.Name, builtin) {
		e.Hint = fmt.Sprintf("write a policy file with the lines extends: %s / %s, and give it with --policy ./FILE.yaml", l.Policy, lines)
	} else {
		e.Hint = fmt.Sprintf("put the lines %s into %s", lines, shown(l.File))
	}
	return e
}

// restrictedWithout is the line of restricted_operations that permits one operation more.
func restrictedWithout(p *Policy, operation string) string {
	rest := []string{}
	for _, o := range operations {
		if !*o.at(&p.Sandbox.Allow) && o.name != operation {
			rest = append(rest, o.name)
		}
	}
	return "restricted_operations: " + flow(rest)
}

// permits checks the flags that need a permission.
func (p *Policy) permits(f Flags, prov Provenance) error {
	for _, q := range []struct {
		used, allowed bool
		flag, key     string
	}{
		{f.Output, p.Sandbox.Output, "--output", "output"},
		{f.ExtraRead, p.Sandbox.ExtraRead, "--ro", "extra_read"},
		{f.ExtraWrite, p.Sandbox.Allow.FileWrite, "--rw", "restricted_operations"},
		{f.Publish > PublishNone, p.Sandbox.Publish >= f.Publish, map[bool]string{false: "--publish", true: "--publish at an address that other machines reach"}[f.Publish == PublishAny], "publish"},
	} {
		if q.used && !q.allowed {
			return prov.refuse(p, q.flag, q.key)
		}
	}
	if f.GPU {
		return prov.PermitsGPU(*p, "--gpu")
	}
	return nil
}

// PermitsGPU is nil when the policy permits a GPU at all, and otherwise the refusal of what asks for one: "--gpu".
func (prov Provenance) PermitsGPU(p Policy, asks string) error {
	if p.Sandbox.Allow.GPU {
		return nil
	}
	err := prov.refuse(&p, asks, "restricted_operations")
	if clips := prov.Origin("restricted_operations").Clips; len(clips) > 0 {
		if listed, ok := clips[0].Asked.([]string); !ok || !slices.Contains(listed, "gpu") {
			return err // who asked permits it, and a ceiling does not
		}
	}
	return prov.lines(err, restrictedWithout(&p, "gpu"))
}

// RefuseGPU is the refusal of a GPU that gpu.devices does not permit; asks names it as it was asked for: "--gpu 1".
func (prov Provenance) RefuseGPU(p Policy, asks string) error {
	return prov.refuse(&p, asks, "gpu.devices")
}

// Says is what the policy says about a key and where that was written: "cpus: 4 (policy x, from file ./x.yaml:3)".
func (prov Provenance) Says(p Policy, key string) string {
	by := "policy " + shown(p.Name)
	if o := prov.Origin(key); o.Layer != "" {
		by += ", from " + o.String()
	}
	return fmt.Sprintf("%s: %s (%s)", key, flow(valueOf(key).get(&p)), by)
}

func valueOf(name string) value {
	for _, k := range keys {
		if k.name == name {
			return k.value
		}
	}
	panic("policy: no key " + name)
}

func badFlag(flag, got, what string) error {
	if what == "" {
		what = got + " would mean no limit of its own; leave the flag away"
	}
	return &Error{What: flag + ": " + what}
}

// refuse is the error about a flag that asks for more than the policy has.
func (prov Provenance) refuse(p *Policy, flag, key string) error {
	return &Error{Key: key, What: fmt.Sprintf("%s is not permitted: the policy says %s", flag, prov.Says(*p, key)), Hint: prov.remedy(key, prov.Origin(key))}
}

// remedy says what to change so that a key permits more.
func (prov Provenance) remedy(key string, o Origin) string {
	change := "raise " + key
	switch valueOf(key).(type) {
	case restricted:
		change = "shorten " + key
	case set: // gpu.devices is the only one that a flag names an item of
		change = "add the GPU to " + key
	case networkHosts:
		change = "add the host to " + key
	case boolean, networkKind, word[Publish]:
		change = "change " + key
	}
	switch {
	case len(prov.Layers) == 0 || o.Layer == "":
		return change + " in the policy"
	case len(o.Clips) > 0:
		by := o.Clips[len(o.Clips)-1]
		return fmt.Sprintf("the %s policy %s is a ceiling; who owns it can %s there", by.By, shown(by.File), change)
	case strings.HasPrefix(prov.Layers[len(prov.Layers)-1].Name, builtin):
		asked := prov.Layers[len(prov.Layers)-1]
		return fmt.Sprintf("write a policy file with `extends: %s` that can %s, and give it with --policy ./FILE.yaml", asked.Policy, change)
	}
	return change + " in " + shown(prov.Layers[len(prov.Layers)-1].File)
}

// lowered notes that a flag set a key.
func (prov *Provenance) lowered(key, flag string, before, after any) {
	for i := range prov.Keys {
		if o := &prov.Keys[i]; o.Key == key && !reflect.DeepEqual(before, after) {
			o.Clips = append(o.Clips, Clip{By: layerFlag, File: flag, Asked: before})
			o.Layer, o.File, o.Line = layerFlag, flag, 0
		}
	}
}

// clone copies what WithFlags changes.
func (prov Provenance) clone() Provenance {
	rows := make([]Origin, len(prov.Keys))
	for i, o := range prov.Keys {
		o.Clips = append([]Clip(nil), o.Clips...)
		rows[i] = o
	}
	prov.Keys = rows
	return prov
}
