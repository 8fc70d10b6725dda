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
	var out []GPU
	for _, v := range among {
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
		return nil, Problem{g.Vendor, g.BusID, fmt.Sprintf("GPU %d is divided into MIG instances and cannot be granted as a whole", g.Index),
			"name one of them: " + strings.Join(instances(g), ", ")}
	}
	return out, nil
}

var cdiKinds = map[string]Vendor{"nvidia.com/gpu": NVIDIA, "nvidia.com/mig": NVIDIA, "amd.com/gpu": AMD, "intel.com/gpu": Intel, "microsoft.com/gpu": WSL}

// matcher is what a name without its vendor means.
func matcher(name string) (func(GPU) (GPU, bool), error) {
	if name == "all" {
		return func(g GPU) (GPU, bool) { return g, true }, nil
	}
	if index, err := strconv.ParseUint(name, 10, 16); err == nil {
		return func(g GPU) (GPU, bool) { return g, g.Index == int(index) }, nil
	}
	if busID.MatchString(name) {
		return func(g GPU) (GPU, bool) { return g, g.BusID == name }, nil
	}
	if gpuUUID.MatchString(name) {
		return func(g GPU) (GPU, bool) { return g, strings.EqualFold(g.UUID, name) }, nil
	}
	if m := migNumbers.FindStringSubmatch(name); m != nil {
		return func(g GPU) (GPU, bool) {
			return only(g, g.Vendor == NVIDIA && strconv.Itoa(g.Index) == m[1], m[2], m[3])
		}, nil
	}
	if m := migOld.FindStringSubmatch(name); m != nil {
		return func(g GPU) (GPU, bool) { return only(g, strings.EqualFold(g.UUID, m[1]), m[2], m[3]) }, nil
	}
	if migUUID.MatchString(name) {
		return func(g GPU) (GPU, bool) {
			for _, m := range g.MIG {
				if strings.EqualFold(m.UUID, name) {
					g.MIG = []MIG{m}
					return g, true
				}
			}
			return g, false
		}, nil
	}
	return nil, fmt.Errorf("%q names no GPU: write all, an index (0), GPU-<uuid>, a PCI address (0000:17:00.0) or mig:<gpu>:<gi>:<ci>", name)
}

// only is the GPU with one of its instances.
func only(g GPU, same bool, gi, ci string) (GPU, bool) {
	for _, m := range g.MIG {
		if same && strconv.Itoa(m.GI) == gi && strconv.Itoa(m.CI) == ci {
			g.MIG = []MIG{m}
			return g, true
		}
	}
	return g, false
}

func wholeGPU(name string) bool {
	return !migNumbers.MatchString(name) && !migOld.MatchString(name) && !migUUID.MatchString(name)
}

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
	if migUUID.MatchString(word[strings.Index(word, "=")+1:]) {
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
