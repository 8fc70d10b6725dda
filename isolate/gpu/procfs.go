package gpu

import (
	"fmt"
	"strings"
)

// majors reads the character devices of /proc/devices: name → major numbers. Several drivers may have one name.
func majors(text string) (map[string][]uint32, error) {
	out := map[string][]uint32{}
	_, text, found := strings.Cut(text, "Character devices:\n")
	if !found {
		return nil, fmt.Errorf("/proc/devices: no character devices")
	}
	text, _, _ = strings.Cut(text, "\nBlock devices:")
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		digits, name, _ := strings.Cut(line, " ") // a name may have spaces
		major, ok := number(digits, 1<<12-1)      // dev_t has 12 bits for it
		if !ok || name == "" {
			return nil, fmt.Errorf("/proc/devices: line %q", plain(line))
		}
		out[name] = append(out[name], uint32(major))
	}
	return out, nil
}

// major is the number of the first of these names that is there, when it is the only one.
func major(of map[string][]uint32, names ...string) (uint32, bool) {
	for _, name := range names {
		if m := of[name]; len(m) > 0 {
			return m[0], len(m) == 1
		}
	}
	return 0, false
}

// miscMinor finds a driver in /proc/misc.
func miscMinor(text, name string) (uint32, bool) {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 2 && fields[1] == name {
			minor, ok := number(fields[0], 1<<20-1)
			return uint32(minor), ok
		}
	}
	return 0, false
}

// fields reads lines of "Key: value".
func fields(text string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(line, ":"); ok {
			out[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
	}
	return out
}

// nvidiaVersion reads /proc/driver/nvidia/version, of the proprietary and the open module:
//
//	NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15 UTC 2023
//	NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build  (…)
func nvidiaVersion(text string) (string, error) {
	line, _, _ := strings.Cut(text, "\n")
	if !strings.HasPrefix(line, "NVRM version:") {
		return "", fmt.Errorf("/proc/driver/nvidia/version: line %q", plain(line))
	}
	for _, word := range strings.Fields(line) {
		if isVersion(word) {
			return word, nil
		}
	}
	return "", fmt.Errorf("/proc/driver/nvidia/version: no version in %q", plain(line))
}

// information is /proc/driver/nvidia/gpus/<bus id>/information.
type information struct {
	model, uuid, busID string
	minor              uint32
	excluded           bool
}

func parseInformation(text string) (information, error) {
	f := fields(text)
	i := information{model: plain(f["Model"]), uuid: f["GPU UUID"], busID: f["Bus Location"], excluded: f["GPU Excluded"] == "Yes" || f["Blacklisted"] == "Yes"}
	minor, ok := number(f["Device Minor"], 247) // nv-chardev-numbers.h: 248 and above are not GPUs
	switch {
	case !ok:
		return i, fmt.Errorf("device minor %q", plain(f["Device Minor"]))
	case !isBusID(i.busID):
		return i, fmt.Errorf("bus location %q", plain(i.busID))
	case strings.HasPrefix(i.uuid, "GPU-????????-"):
		i.uuid = "" // the driver has not opened it since it was loaded
	case !like("GPU-"+uuid, i.uuid):
		return i, fmt.Errorf("UUID %q", plain(i.uuid))
	}
	i.minor = uint32(minor)
	return i, nil
}

// withoutModify is a file of the driver that says that user space need not make or change device nodes.
func withoutModify(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if key, _, _ := strings.Cut(line, ":"); key == "ModifyDeviceFiles" || key == "DeviceFileModify" {
			line = key + ": 0\n"
		}
		out.WriteString(line)
	}
	return out.String()
}

// properties reads lines of "key value", numbers, as KFD's topology writes them.
func properties(text string) (map[string]uint64, error) {
	out := map[string]uint64{}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		if len(f) != 2 {
			return nil, fmt.Errorf("line %q", plain(line))
		}
		n, ok := number(f[1], 1<<64-1)
		if !ok {
			return nil, fmt.Errorf("line %q", plain(line))
		}
		out[f[0]] = n
	}
	return out, nil
}
