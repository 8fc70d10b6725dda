package memory

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// instanceSize is how much memory a MIG instance has, bytes, as nvidia-smi says.
func (h *host) instanceSize(d Device) (int64, error) {
	s, err := findSmi(h.Root)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), firstAnswer)
	defer cancel()
	out, err := s.ask(ctx, "-q", "-x")
	if err != nil {
		return 0, err
	}
	size := parseInstances(out)[instance{busKey(d.BusID), d.Instance}]
	if size == 0 {
		return 0, fmt.Errorf("nvidia-smi names no GPU instance %d of %s", d.Instance, d.BusID)
	}
	return size, nil
}

// instance is a GPU instance: its compute instances share its memory.
type instance struct {
	bus string
	gi  int
}

// parseInstances reads how much memory each GPU instance has, bytes, from the XML of nvidia-smi -q -x (nvsmi_device_v12.dtd),
// which has one element in each line. Of what it does not understand it says nothing.
func parseInstances(out []byte) map[instance]int64 {
	sizes := map[instance]int64{}
	var at instance
	var inside, memory bool // a mig_device, its fb_memory_usage
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "<gpu id="):
			at.bus = busKey(strings.Trim(strings.TrimPrefix(line, "<gpu id="), `">`))
		case line == "<mig_device>":
			inside, memory, at.gi = true, false, -1
		case line == "</mig_device>":
			inside = false
		case inside && line == "<fb_memory_usage>":
			memory = true
		case inside && line == "</fb_memory_usage>":
			memory = false
		case inside:
			if n, ok := element(line, "gpu_instance_id", ""); ok {
				at.gi = int(n)
			}
			if n, ok := element(line, "total", " MiB"); ok && memory && at.gi >= 0 {
				sizes[at] = max(sizes[at], n<<20)
			}
		}
	}
	return sizes
}

// element is the number in "<name>12 MiB</name>".
func element(line, name, unit string) (int64, bool) {
	rest, ok := strings.CutPrefix(line, "<"+name+">")
	number, closed := strings.CutSuffix(rest, unit+"</"+name+">")
	n, err := strconv.ParseInt(number, 10, 32)
	return n, ok && closed && err == nil && n >= 0
}
