package gpu

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
)

// mig finds the compute instances of a divided GPU. An instance is opened through two capability nodes; the driver shows
// the instances that exist in /proc/driver/nvidia/capabilities/gpu<minor>/mig/gi<i>/ci<c>/access, and the numbers of all
// that could exist in /proc/driver/nvidia-caps/mig-minors (NVIDIA's MIG guide, "Device Nodes and Capabilities"). Which of
// them a MIG-<uuid> is, only NVML tells. "config" and "monitor" are never granted.
func (s *search) mig(g *GPU) {
	dir := fmt.Sprintf("%s/capabilities/gpu%d/mig", nvidiaProc, g.Minor)
	gis, err := s.list(dir)
	damaged := func(what string) {
		s.problem(NVIDIA, g.BusID, "MIG of "+g.BusID+": "+what, "see nvidia-smi mig -lgi and -lci, and create the instances anew")
	}
	if err != nil {
		damaged(err.Error())
	}
	for _, name := range gis {
		gi, ok := instance(name, "gi")
		if !ok {
			continue
		}
		cis, err := s.list(path.Join(dir, name))
		if err != nil {
			damaged(err.Error())
		}
		found := false
		for _, ciName := range cis {
			ci, ok := instance(ciName, "ci")
			if !ok {
				continue
			}
			m, err := s.instance(*g, dir, gi, ci)
			if err != nil {
				damaged(err.Error())
				continue
			}
			found, g.MIG = true, append(g.MIG, m)
		}
		if !found {
			damaged(fmt.Sprintf("GPU instance %d has no compute instance that can be used", gi))
		}
	}
	slices.SortFunc(g.MIG, byNumbers)
}

func byNumbers(a, b MIG) int { return cmp.Or(a.GI-b.GI, a.CI-b.CI) }

// instance reads "gi7".
func instance(name, kind string) (int, bool) {
	digits, ok := strings.CutPrefix(name, kind)
	n, also := number(digits, 31)
	return int(n), ok && also
}

func (s *search) instance(g GPU, dir string, gi, ci int) (MIG, error) {
	m := MIG{GI: gi, CI: ci, view: newView()}
	major, ok := major(s.majors, "nvidia-caps")
	if !ok {
		return m, fmt.Errorf("/proc/devices has no nvidia-caps")
	}
	if s.migMinors == "" {
		text, err := s.text("/proc/driver/nvidia-caps/mig-minors", maxList)
		if err != nil {
			return m, err
		}
		s.migMinors = text
	}
	for _, c := range []struct{ below, row, why string }{
		{fmt.Sprintf("gi%d", gi), fmt.Sprintf("gpu%d/gi%d/access", g.Minor, gi), fmt.Sprintf("GPU instance %d", gi)},
		{fmt.Sprintf("gi%d/ci%d", gi, ci), fmt.Sprintf("gpu%d/gi%d/ci%d/access", g.Minor, gi, ci), fmt.Sprintf("compute instance %d of GPU instance %d", ci, gi)},
	} {
		access := path.Join(dir, c.below, "access")
		text, err := s.text(access, maxAttribute)
		if err != nil {
			return m, err
		}
		minor, ok := number(fields(text)["DeviceFileMinor"], 1<<20-1)
		if listed, also := migMinor(s.migMinors, c.row); !ok || !also || listed != uint32(minor) {
			return m, fmt.Errorf("%s and mig-minors disagree", access)
		}
		node, err := s.node(fmt.Sprintf("/dev/nvidia-caps/nvidia-cap%d", minor), major, uint32(minor), c.why)
		if err != nil {
			return m, fmt.Errorf("%s (remedy: nvidia-modprobe -f %s as root)", nodeProblem(node, err), access)
		}
		m.Nodes = append(m.Nodes, node)
		m.view.proc[strings.TrimPrefix(access, "/proc/driver/")] = withoutModify(text)
		m.view.proc["nvidia-caps/mig-minors"] += fmt.Sprintf("%s %d\n", c.row, minor)
	}
	return m, nil
}

// migMinor finds a capability in /proc/driver/nvidia-caps/mig-minors: lines of "gpu0/gi7/ci0/access 67". A row that is
// there twice with two numbers is none.
func migMinor(text, row string) (minor uint32, ok bool) {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) != 2 || f[0] != row {
			continue
		}
		n, good := number(f[1], 1<<20-1)
		if !good || ok && uint32(n) != minor {
			return 0, false
		}
		minor, ok = uint32(n), true
	}
	return minor, ok
}
