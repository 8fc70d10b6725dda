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
//	0                                an index: of NVIDIA's GPUs, else AMD's, else Intel's, else WSL's
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
				chosen[i].MIG = append(slices.Clip(chosen[i].MIG), m)
			}
		}
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
	_, index := number(name, 255)
	match, err := matcher(name)
	if err != nil {
		return nil, err
	}
	var out []GPU
	for _, v := range among {
		if p, broken := h.problem(v, ""); broken && (index || name == "all" && !p.Unloaded) {
			return nil, p // "0" does not quietly mean another vendor's GPU because this one's is broken
		}
		for _, g := range h.GPUs {
			if found, ok := match(g); ok && g.Vendor == v {
				out = append(out, found)
			}
		}
		if len(out) > 0 && name != "all" {
			break // a bare index: the first vendor that has it
		}
	}
	if len(out) == 0 {
		return nil, h.absent(word, among)
	}
	if g := out[0]; name != "all" && len(g.MIG) > 0 && wholeGPU(name) {
		return nil, Problem{Vendor: g.Vendor, BusID: g.BusID, What: fmt.Sprintf("GPU %d is divided into MIG instances and cannot be granted as a whole", g.Index),
			Remedy: "name one of them: " + strings.Join(instances(g), ", ")}
	}
	return out, nil
}

var cdiKinds = map[string]Vendor{"nvidia.com/gpu": NVIDIA, "nvidia.com/mig": NVIDIA, "amd.com/gpu": AMD, "intel.com/gpu": Intel, "microsoft.com/gpu": WSL}

// matcher is what a name without its vendor means.
func matcher(name string) (func(GPU) (GPU, bool), error) {
	if name == "all" {
		return func(g GPU) (GPU, bool) { return g, true }, nil
	}
	if index, ok := number(name, 255); ok {
		return func(g GPU) (GPU, bool) { return g, g.Index == int(index) }, nil
	}
	if isBusID(name) {
		return func(g GPU) (GPU, bool) { return g, g.BusID == name }, nil
	}
	if isUUID(name) {
		return func(g GPU) (GPU, bool) { return g, strings.EqualFold(g.UUID, name) }, nil
	}
	if gpu, gi, ci, ok := migName(name); ok {
		return func(g GPU) (GPU, bool) {
			same := g.Vendor == NVIDIA && (strings.EqualFold(g.UUID, gpu) || strconv.Itoa(g.Index) == gpu)
			return only(g, func(m MIG) bool { return same && m.GI == gi && m.CI == ci })
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

// absent says why a GPU that was asked for is not there.
func (h Host) absent(word string, among []Vendor) error {
	for _, v := range among {
		if p, bad := h.problem(v, ""); bad {
			return p
		}
	}
	if isMIG(word[strings.Index(word, "=")+1:]) {
		var names []string
		for _, g := range h.GPUs {
			names = append(names, instances(g)...)
		}
		remedy := "name it mig:<gpu>:<gi>:<ci>, with the numbers of nvidia-smi -L and nvidia-smi mig -lgi, -lci"
		if len(names) > 0 {
			remedy += "; this host has " + strings.Join(names, ", ")
		}
		return Problem{Vendor: NVIDIA, What: fmt.Sprintf("which instance %s is, is known to NVML only", word), Remedy: remedy}
	}
	var names []string
	for _, g := range h.GPUs {
		names = append(names, strings.TrimSpace(fmt.Sprintf("%s %d %s", g.Vendor, g.Index, g.UUID)))
	}
	if len(names) == 0 {
		return Problem{What: fmt.Sprintf("there is no GPU %s: this host has none with a loaded driver", word), Remedy: "see loadlock doctor --gpu"}
	}
	return Problem{What: fmt.Sprintf("there is no GPU %s", word), Remedy: "this host has " + strings.Join(names, ", ")}
}
