package memory

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// instanceSize is how much memory a MIG instance has at most, bytes, from the name of its profile in nvidia-smi -L:
// "MIG 1g.10gb     Device  0: (UUID: MIG-…)". The profile's name rounds up.
func (h *host) instanceSize(d Device) (int64, error) {
	s, err := findSmi(h.Root)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), firstAnswer)
	defer cancel()
	out, err := s.ask(ctx, "-L")
	if err != nil {
		return 0, err
	}
	size, known := parseInstances(out)[d.UUID]
	if !known {
		return 0, fmt.Errorf("nvidia-smi -L names no instance %s", d.UUID)
	}
	return size, nil
}

// parseInstances reads the sizes of MIG instances, by UUID. Lines of another form are no instances.
func parseInstances(out []byte) map[string]int64 {
	sizes := map[string]int64{}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line) // MIG 1g.10gb Device 0: (UUID: MIG-…)
		if len(f) != 6 || f[0] != "MIG" || f[2] != "Device" || f[4] != "(UUID:" || !isUUID(strings.TrimSuffix(f[5], ")")) {
			continue
		}
		// "1c.2g.20gb" is a compute instance, which shares its GPU instance's memory; "1g.10gb+me" and "1g.10gb-me" are about media engines.
		profile := f[1]
		if i := strings.IndexAny(profile, "+-"); i >= 0 {
			profile = profile[:i]
		}
		gb, found := strings.CutSuffix(profile[strings.LastIndexByte(profile, '.')+1:], "gb")
		if n, err := strconv.ParseInt(gb, 10, 32); found && err == nil && n > 0 {
			sizes[strings.TrimSuffix(f[5], ")")] = n << 30
		}
	}
	return sizes
}
