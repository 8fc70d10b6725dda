package memory

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// The dmem controller's files are nested keyed, "REGION VALUE" in each line; see the kernel's admin-guide/cgroup-v2 and
// kernel/cgroup/dmem.c. dmem.capacity exists in the root alone.

// region is one kind of memory of one device. Names are "drm/<pci>/vram0" (xe), "drm/<pci>/vram" (amdgpu) and
// "nvidia/<pci>/vidmem"; a device with several tiles has several.
type region struct {
	name  string
	bytes int64 // its size, or its limit
}

// cgroupRoot is where cgroup v2 is mounted when it is the only one.
const cgroupRoot = "sys/fs/cgroup"

// dmemOf reads what devices register, and says why nothing of it can limit the group.
func dmemOf(root, group string) (regions []region, why string) {
	at := filepath.Join(root, cgroupRoot)
	raw, err := os.ReadFile(filepath.Join(at, "dmem.capacity"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, "this kernel's cgroup v2 has no dmem controller, or cgroup v1 is in use"
	case err != nil:
		return nil, err.Error()
	case group == "":
		return nil, "the box has no group on cgroup v2"
	}
	parent := filepath.Dir(filepath.Join(at, group))
	have, err := os.ReadFile(filepath.Join(parent, "cgroup.controllers"))
	if err != nil {
		return nil, err.Error()
	}
	if !slices.Contains(strings.Fields(string(have)), "dmem") {
		return nil, "the dmem controller is not given to " + parent
	}
	regions, err = parseDmem(string(raw))
	if err != nil {
		return nil, "dmem.capacity: " + err.Error()
	}
	return regions, ""
}

// parseDmem reads one of the controller's files. "max" is -1.
func parseDmem(text string) (regions []region, err error) {
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		n, err := strconv.ParseInt(value, 10, 64)
		if value == "max" {
			n, err = -1, nil
		}
		if !ok || name == "" || err != nil || n < -1 {
			return nil, fmt.Errorf("line %q is not a region with a number", line)
		}
		regions = append(regions, region{name, n})
	}
	return regions, nil
}

// regionsOf are the regions with a device's own memory. Others of it ("stolen", "gtt") are the machine's.
func regionsOf(all []region, d Device) (mine []region) {
	for _, r := range all {
		part := strings.Split(r.name, "/")
		if len(part) != 3 || !sameBusID(part[1], d.BusID) {
			continue
		}
		if part[0] == "nvidia" && d.Vendor == "nvidia" && part[2] == "vidmem" ||
			part[0] == "drm" && d.Vendor != "nvidia" && strings.HasPrefix(part[2], "vram") {
			mine = append(mine, r)
		}
	}
	return mine
}

// sameBusID compares PCI addresses; NVIDIA writes eight digits of the domain where the kernel writes four.
func sameBusID(a, b string) bool {
	return a != "" && strings.EqualFold(strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0"))
}

// writeMax limits one region, and looks whether the kernel has taken the limit: dmem.max of a region that is in use already
// may be ignored. One write sets one region.
func writeMax(group string, r region) error {
	f, err := os.OpenFile(filepath.Join(group, "dmem.max"), os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		// The parent has the controller and does not pass it on.
		if err := writeTo(filepath.Dir(group), "cgroup.subtree_control", "+dmem"); err != nil {
			return err
		}
		f, err = os.OpenFile(filepath.Join(group, "dmem.max"), os.O_WRONLY, 0)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "%s %d\n", r.name, r.bytes)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if got := sumOf(group, "dmem.max", []region{r}); got < 0 || got > r.bytes {
		return fmt.Errorf("the kernel shows %d after %d was written", got, r.bytes)
	}
	return nil
}

func writeTo(group, file, text string) error {
	f, err := os.OpenFile(filepath.Join(group, file), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// sumOf adds up what a file of the group says about some regions, -1 when it does not say it of each.
func sumOf(group, file string, regions []region) (sum int64) {
	raw, err := os.ReadFile(filepath.Join(group, file))
	if err != nil {
		return -1
	}
	all, err := parseDmem(string(raw))
	if err != nil {
		return -1
	}
	for _, r := range regions {
		i := slices.IndexFunc(all, func(a region) bool { return a.name == r.name })
		if i < 0 || all[i].bytes < 0 {
			return -1
		}
		sum += all[i].bytes
	}
	return sum
}
