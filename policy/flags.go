package policy

import (
	"fmt"
	"strconv"
	"strings"
)

// Flags are the wishes of a command line. A limit may only be lowered; what needs a permission is refused
// without it.
type Flags struct {
	MemoryMB   *int64   // --memory, MiB
	Pids       *int64   // --pids
	CPUs       *float64 // --cpus
	TimeoutSec *int64   // --timeout, seconds
	CPUTimeSec *int64   // --cpu-time, seconds
	TmpMB      *int64   // --tmp-size, MiB
	ShmMB      *int64   // --shm-size, MiB
	Network    *Network // --net
	CopyModel  bool     // --copy-model
	Output     bool     // --output is used
	ExtraRead  bool     // --ro is used
	ExtraWrite bool     // --rw is used
	GPU        bool     // --gpu is used
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
		if *f.Network > p.Sandbox.Network || *f.Network < NetworkNone {
			return Policy{}, Provenance{}, prov.refuse(&p, "--net host", "network")
		}
		prov.lowered("network", "--net", valueOf("network").get(&p), valueOf("network").get(&Policy{Sandbox: Sandbox{Network: *f.Network}}))
		p.Sandbox.Network = *f.Network
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

// permits checks the flags that need a permission.
func (p *Policy) permits(f Flags, prov Provenance) error {
	for _, q := range []struct {
		used, allowed bool
		flag, key     string
	}{
		{f.Output, p.Sandbox.Output, "--output", "output"},
		{f.ExtraRead, p.Sandbox.ExtraRead, "--ro", "extra_read"},
		{f.ExtraWrite, p.Sandbox.Allow.FileWrite, "--rw", "restricted_operations"},
		{f.GPU, p.Sandbox.Allow.GPU, "--gpu", "restricted_operations"},
	} {
		if q.used && !q.allowed {
			return prov.refuse(p, q.flag, q.key)
		}
	}
	return nil
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
	o := prov.Origin(key)
	by := "policy " + shown(p.Name)
	if o.Layer != "" {
		by += ", from " + o.String()
	}
	return &Error{Key: key, What: fmt.Sprintf("%s is not permitted: the policy says %s: %s (%s)", flag, key, flow(valueOf(key).get(p)), by),
		Hint: prov.remedy(key, o)}
}

// remedy says what to change so that a key permits more.
func (prov Provenance) remedy(key string, o Origin) string {
	change := "raise " + key
	switch valueOf(key).(type) {
	case restricted:
		change = "shorten " + key
	case boolean, word[Network]:
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
		if o := &prov.Keys[i]; o.Key == key && before != after {
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
