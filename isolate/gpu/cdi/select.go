package cdi

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/loadlock/loadlock/isolate/gpu"
)

// Select finds the GPUs that words name, as h.Select does, with the names of CDI read from the specs; there is an offer
// for each of those, in their order. A name of a kind that no spec defines means what h.Select says it means, and its
// offer has a Note. The error is h.Select's, or about a spec; with either there is no GPU.
func (s Specs) Select(h gpu.Host, words []string) ([]gpu.GPU, []Offer, error) {
	var plain []string
	var offers []Offer
	for _, word := range words {
		switch {
		case !IsName(word):
			plain = append(plain, word)
		case s.silent(word):
			plain = append(plain, word)
			offers = append(offers, Offer{Name: word, Note: fmt.Sprintf("no CDI spec in %s is of its kind; taken as the name of a GPU of this host (to have a spec: %s)", strings.Join(s.dirs, ", "), Command(word))})
		default:
			o, err := s.Offer(word, h)
			if err != nil {
				return nil, nil, err
			}
			found, err := o.words(h)
			if err != nil {
				return nil, nil, fmt.Errorf("CDI %s: %s: %w", word, shown(o.Specs[0].Path), err)
			}
			plain, offers = append(plain, found...), append(offers, o)
		}
	}
	gpus, err := h.Select(plain)
	if err != nil {
		return nil, nil, err
	}
	return gpus, offers, nil
}

// silent reports whether nobody says anything about the kind of a name: no spec does, none was left out that might, and
// the caller named no folder where it should be.
func (s Specs) silent(name string) bool {
	kind, _, _ := strings.Cut(name, "=")
	return len(s.Problems) == 0 && len(s.dirs) == len(DefaultDirs) &&
		!slices.ContainsFunc(s.Names(), func(n string) bool { return strings.HasPrefix(n, kind+"=") })
}

// vendors of CDI whose specs may name one vendor's GPUs only. Another vendor's spec may name any.
var vendors = map[string][]gpu.Vendor{
	"nvidia.com": {gpu.NVIDIA, gpu.WSL}, "amd.com": {gpu.AMD}, "intel.com": {gpu.Intel}, "microsoft.com": {gpu.WSL},
}

// words are the words of h.Select for the GPUs, or the MIG instances of one, whose own nodes are offered. The device
// number decides, never the name of a node or of the device: CDI's "0" need not be ours.
func (o Offer) words(h gpu.Host) ([]string, error) {
	var out []string
	known := map[[2]uint32]bool{}
	vendor, _, _ := strings.Cut(o.Name, "/")
	for _, g := range h.GPUs {
		for _, n := range g.Nodes {
			known[number(n)] = true
		}
		if !slices.ContainsFunc(g.Nodes, o.has) {
			continue
		}
		if only, ok := vendors[vendor]; ok && !slices.Contains(only, g.Vendor) {
			return nil, fmt.Errorf("offers a GPU of %s, %s", g.Vendor, g.BusID)
		}
		instances := len(out)
		for _, m := range g.MIG {
			if len(m.Nodes) > 0 && !slices.ContainsFunc(m.Nodes, func(n gpu.Node) bool { return !o.has(n) }) {
				out = append(out, fmt.Sprintf("mig:%d:%d:%d", g.Index, m.GI, m.CI))
			}
		}
		if len(out) == instances { // a divided GPU without an instance too: h.Select says what to name
			out = append(out, qualified(g))
		}
	}
	for _, n := range o.Nodes {
		if !known[[2]uint32{n.Major, n.Minor}] && n.isGPU() {
			return nil, fmt.Errorf("offers %s (%d:%d), which is no GPU that was found on this host; write the spec anew", shown(n.Path), n.Major, n.Minor)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("offers no GPU: its nodes are %s", strings.Join(paths(o.Nodes), ", "))
	}
	return out, nil
}

// qualified is the word for a whole GPU.
func qualified(g gpu.GPU) string {
	name := g.BusID
	if name == "" {
		name = fmt.Sprint(g.Index)
	}
	kinds := map[gpu.Vendor]string{gpu.NVIDIA: "nvidia.com/gpu=", gpu.AMD: "amd.com/gpu=", gpu.Intel: "intel.com/gpu=", gpu.WSL: "microsoft.com/gpu="}
	return kinds[g.Vendor] + name
}

// minorMax is the last minor number of an NVIDIA GPU; above are those of control nodes (nv-chardev-numbers.h).
const minorMax = 247

// isGPU reports whether the node is that of one NVIDIA GPU.
func (n Node) isGPU() bool {
	return strings.HasPrefix(n.Driver, "nvidia") && n.Driver != "nvidia-uvm" && n.Driver != "nvidia-caps" && n.Minor <= minorMax
}

func (o Offer) has(n gpu.Node) bool {
	return slices.ContainsFunc(o.Nodes, func(have Node) bool { return number(n) == [2]uint32{have.Major, have.Minor} })
}

func number(n gpu.Node) [2]uint32 { return [2]uint32{n.Major, n.Minor} }

func paths(nodes []Node) (out []string) {
	for _, n := range nodes {
		out = append(out, n.Path)
	}
	return out
}

// Record is what was offered, what was refused of it, and what of it the box has.
type Record struct {
	Offer
	Granted Granted `json:"granted"`
}

// Granted is what an offer and a plan have in common.
type Granted struct {
	Nodes  []string `json:"nodes"`            // paths
	Mounts []string `json:"mounts,omitempty"` // of libraries, on the host
	Env    []string `json:"env,omitempty"`
}

// Settle compares an offer with the plan that was made.
func (o Offer) Settle(p gpu.Plan) Record {
	r := Record{Offer: o}
	for _, n := range p.Nodes {
		if o.has(n) {
			r.Granted.Nodes = append(r.Granted.Nodes, n.Path)
		}
	}
	for _, library := range o.Mounts {
		if slices.ContainsFunc(p.Mounts, func(m gpu.Mount) bool { return m.Source == path.Join(o.root, library) }) {
			r.Granted.Mounts = append(r.Granted.Mounts, library)
		}
	}
	for _, v := range o.Env {
		if slices.Contains(p.Env, v) {
			r.Granted.Env = append(r.Granted.Env, v)
		}
	}
	return r
}
