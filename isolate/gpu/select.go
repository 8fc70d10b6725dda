package gpu

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Select finds the GPUs that words name, each once, in the host's order. A word is
//
//	all                              every GPU; of a divided GPU every instance
//	0                                an index, of the first vendor that has GPUs: NVIDIA, AMD, Intel, WSL
//	GPU-<uuid>                       as nvidia-smi -L and rocminfo print it
//	0000:17:00.0                     a PCI address
//	mig:<gpu>:<gi>:<ci>              one instance of a divided NVIDIA GPU, by its numbers in nvidia-smi mig -lgi, -lci
//	MIG-GPU-<uuid>/<gi>/<ci>         the same, as drivers before R470 name it
//	MIG-<uuid>                       only where MIG.UUID is known, which takes NVML
//	nvidia.com/gpu=<any of these>    qualified by the vendor, as CDI does: amd.com, intel.com too
//
// The error is a Problem when the host lacks the GPU or cannot use it, and something else when a word means nothing.
// "none" is the caller's business.
func (h Host) Select(words []string) ([]GPU, error) {
	var out []GPU
	for _, word := range words {
		found, err := h.find(word)
		if err != nil {
			return nil, err
		}
		for _, g := range found {
			if p, bad := h.problem(g.Vendor, g.BusID); bad {
				return nil, p
			}
			out = join(out, g)
		}
	}
	slices.SortFunc(out, func(a, b GPU) int {
		return cmp.Or(cmp.Compare(slices.Index(vendors, a.Vendor), slices.Index(vendors, b.Vendor)), cmp.Compare(a.Index, b.Index))
	})
	return out, nil
}

// join adds a GPU, or its instances to those that are chosen already.
func join(chosen []GPU, g GPU) []GPU {
	for i, c := range chosen {
		if c.Vendor != g.Vendor || c.Index != g.Index {
			continue
		}
		for _, m := range g.MIG {
			if !slices.ContainsFunc(c.MIG, func(have MIG) bool { return have.GI == m.GI && have.CI == m.CI }) {
				chosen[i].MIG = append(slices.Clone(chosen[i].MIG), m)
			}
		}
		slices.SortFunc(chosen[i].MIG, byNumbers)
		return chosen
	}
	return append(chosen, g)
}

// find is the GPUs of one word.
func (h Host) find(word string) ([]GPU, error) {
	name, among := word, vendors
	if kind, rest, qualified := strings.Cut(word, "="); qualified {
		v, ok := cdiKinds[kind]
		if !ok {
			return nil, fmt.Errorf("%q names no kind of GPU that is known here: write nvidia.com/gpu=0, amd.com/gpu=0 or intel.com/gpu=0", word)
		}
		name, among = rest, []Vendor{v}
	}
	match, err := matcher(name)
	if err != nil {
		return nil, err
	}
	if _, index := number(name, 255); index && len(among) > 1 {
		among = h.first()
	}
	var out []GPU
	for _, v := range among {
		if p, broken := h.problem(v, ""); broken && len(among) == 1 || broken && name == "all" && !p.Unloaded {
			if len(h.GPUs) > 0 && p.Unloaded {
				p.Remedy += "; or name another vendor's GPU, as in amd.com/gpu=0"
			}
			return nil, p
		}
		for _, g := range h.GPUs {
			if found, ok := match(g); ok && g.Vendor == v {
				out = append(out, found)
			}
		}
	}
	if len(out) == 0 {
		return nil, h.absent(word, name, among)
	}
	if g := out[0]; name != "all" && len(g.MIG) > 0 && wholeGPU(name) {
		return nil, Problem{Vendor: g.Vendor, BusID: g.BusID, What: fmt.Sprintf("GPU %d is divided into MIG instances and cannot be granted as a whole", g.Index),
			Remedy: "name one of them: " + strings.Join(instances(g), ", ")}
	}
	return out, nil
}

var cdiKinds = map[string]Vendor{"nvidia.com/gpu": NVIDIA, "nvidia.com/mig": NVIDIA, "amd.com/gpu": AMD, "intel.com/gpu": Intel, "microsoft.com/gpu": WSL}

// first is the vendor whose GPUs a bare index is of. One whose driver is broken or not loaded counts: an index does not
// quietly mean another vendor's GPU because of that.
func (h Host) first() []Vendor {
	for _, v := range vendors {
		_, broken := h.problem(v, "")
		if broken || slices.ContainsFunc(h.GPUs, func(g GPU) bool { return g.Vendor == v }) {
			return []Vendor{v}
		}
	}
	return vendors
}

// matcher is what a name without its vendor means.
func matcher(name string) (func(GPU) (GPU, bool), error) {
	if name == "all" {
		return func(g GPU) (GPU, bool) { return g, true }, nil
	}
	if index, ok := number(name, 255); ok {
		return func(g GPU) (GPU, bool) { return g, g.Index == int(index) }, nil
	}
	if id := busIDOf(name); isBusID(id) {
		return func(g GPU) (GPU, bool) { return g, g.BusID == id }, nil
	}
	if isUUID(name) {
		return func(g GPU) (GPU, bool) { return g, strings.EqualFold(g.UUID, name) }, nil
	}
	if gpu, gi, ci, ok := migName(name); ok {
		return func(g GPU) (GPU, bool) {
			return only(g, func(m MIG) bool { return g.is(gpu) && m.GI == gi && m.CI == ci })
		}, nil
	}
	if isMIG(name) {
		return func(g GPU) (GPU, bool) { return only(g, func(m MIG) bool { return strings.EqualFold(m.UUID, name) }) }, nil
	}
	return nil, fmt.Errorf("%q names no GPU: write all, an index (0), GPU-<uuid>, a PCI address (0000:17:00.0) or mig:<gpu>:<gi>:<ci>", name)
}

// migName reads "mig:<gpu>:<gi>:<ci>" and the older "MIG-GPU-<uuid>/<gi>/<ci>".
func migName(name string) (gpu string, gi, ci int, ok bool) {
	parts := strings.Split(strings.TrimPrefix(name, "mig:"), ":")
	if old, is := strings.CutPrefix(name, "MIG-"); is {
		parts = strings.Split(old, "/")
		ok = isUUID(parts[0])
	} else if strings.HasPrefix(name, "mig:") {
		_, ok = number(parts[0], 255)
	}
	if !ok || len(parts) != 3 {
		return "", 0, 0, false
	}
	g, good := number(parts[1], 31)
	c, also := number(parts[2], 31)
	return parts[0], int(g), int(c), good && also
}

// only is the GPU with one of its instances.
func only(g GPU, is func(MIG) bool) (GPU, bool) {
	i := slices.IndexFunc(g.MIG, is)
	if i < 0 {
		return g, false
	}
	g.MIG = g.MIG[i : i+1 : i+1]
	return g, true
}

// wholeGPU reports whether a name is of a GPU, not of an instance.
func wholeGPU(name string) bool {
	return !strings.HasPrefix(name, "mig:") && !strings.HasPrefix(name, "MIG-")
}

// Word selects this GPU and no other vendor's; of a divided one its first instance.
func (g GPU) Word() string {
	switch {
	case len(g.MIG) > 0:
		return g.MIG[0].name(g)
	case g.BusID != "":
		return g.BusID
	}
	return strconv.Itoa(g.Index)
}

// Instances are the words that select the instances of a divided GPU.
func (g GPU) Instances() []string { return instances(g) }

func instances(g GPU) (out []string) {
	for _, m := range g.MIG {
		out = append(out, m.name(g))
	}
	return out
}

// device is the PCI address of the GPU that a name is about, where the name alone says so.
func (h Host) device(name string) string {
	for _, g := range h.GPUs {
		if gpu, _, _, ok := migName(name); ok && g.is(gpu) {
			return g.BusID
		}
	}
	return busIDOf(name)
}

// is reports whether it is the NVIDIA GPU with this index or UUID.
func (g GPU) is(name string) bool {
	return g.Vendor == NVIDIA && (strconv.Itoa(g.Index) == name || strings.EqualFold(g.UUID, name))
}

// absent says why a GPU that was asked for is not there.
func (h Host) absent(word, name string, among []Vendor) error {
	for _, p := range h.Problems {
		if p.BusID != "" && p.BusID == h.device(name) {
			return p
		}
	}
	var there, divided []string
	for _, g := range h.GPUs {
		if slices.Contains(among, g.Vendor) {
			there = append(there, strings.TrimSpace(fmt.Sprintf("%s %d %s", g.Vendor, g.Index, g.UUID)))
			divided = append(divided, instances(g)...)
		}
	}
	switch {
	case isMIG(name) && len(divided) > 0:
		return Problem{Vendor: NVIDIA, What: fmt.Sprintf("only NVML knows which instance %s is", word),
			Remedy: "name it by the numbers that nvidia-smi mig -lgi and -lci print; this host has " + strings.Join(divided, ", ")}
	case len(there) > 0:
		return Problem{What: "there is no GPU " + word, Remedy: "this host has " + strings.Join(append(there, divided...), ", ")}
	}
	for _, v := range among {
		if p, bad := h.problem(v, ""); bad {
			return p
		}
	}
	if name == "all" {
		word = "at all"
	}
	return Problem{What: fmt.Sprintf("there is no GPU %s: no driver of a GPU is loaded", word), Remedy: "see loadlock doctor --gpu"}
}
