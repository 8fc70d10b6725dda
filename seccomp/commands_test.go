package seccomp

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Every line of the lists is one that parseCommands understands: it skips what it does not.
func TestEveryLineOfTheListsIsUnderstood(t *testing.T) {
	line := regexp.MustCompile(`^(word|any|not) +(0x[0-9a-f]{8}|[0-9]+) +(-|[0-9]{3}) +(-|[0-9]{3}) +([A-Z0-9_]+)(  \S.*)?$`)
	for _, l := range commandLists() {
		table, n := parseCommands(l.text), 0
		for i, text := range strings.Split(l.text, "\n") {
			if text == "" || strings.HasPrefix(text, "#") || strings.HasPrefix(text, "branches ") {
				continue
			}
			m := line.FindStringSubmatch(text)
			if m == nil {
				t.Fatalf("%s line %d: %q", l.vendor, i+1, text)
			}
			word, err := strconv.ParseUint(m[2], 0, 32)
			if c := table.commands[n]; err != nil || c.what != m[1] || c.word != uint32(word) || c.name != m[5] || c.since != branchOf(m[3]) || c.until != branchOf(m[4]) {
				t.Errorf("%s line %d is read as %+v", l.vendor, i+1, c)
			}
			if (m[6] == "") == (m[1] == "not") {
				t.Errorf("%s line %d: a reason belongs to what is left out, and only there", l.vendor, i+1)
			}
			n++
		}
		if n != len(table.commands) || n < 50 {
			t.Errorf("%s: %d lines, %d commands", l.vendor, n, len(table.commands))
		}
		if !slices.IsSorted(table.branches) || (len(table.branches) > 0) != (l.vendor == "nvidia") {
			t.Errorf("%s: branches %v", l.vendor, table.branches)
		}
	}
}

// A line that passes must not be another way to what is left out, to a terminal, or to an ordinary command.
func TestNoListOpensWhatIsLeftOut(t *testing.T) {
	for _, l := range commandLists() {
		table := parseCommands(l.text)
		for _, c := range table.commands {
			if c.what == "not" {
				continue
			}
			for _, d := range Commands() {
				if d.Vendor == l.vendor && d.LeftOut != "" && d.Is(c.word) {
					t.Errorf("%s: %s passes %s", l.vendor, c.name, d.Name)
				}
			}
			for _, p := range ioctlRefused {
				if mask := map[string]uint32{"word": ^uint32(0), "any": anySize}[c.what]; (c.word^uint32(p.value))&uint32(p.mask)&mask == 0 {
					t.Errorf("%s: %s types into terminals", l.vendor, c.name)
				}
			}
			// One byte for the vendor; only NVIDIA's memory driver has bare numbers.
			if kind := c.word >> 8 & 0xff; c.word >= 1<<8 && c.word>>16 != 0x3000 && !slices.Contains([]uint32{'F', 'K', 'd'}, kind) {
				t.Errorf("%s: %s has type %#x", l.vendor, c.name, kind)
			}
			if c.word < 1<<8 && (l.vendor != "nvidia" || !strings.HasPrefix(c.name, "UVM_") || c.what != "word") {
				t.Errorf("%s: %s is a bare number", l.vendor, c.name)
			}
		}
	}
}

// The kernel's own header generates the names; a number in the list that is not the header's would be another command.
func TestWordsHaveTheNumbersOfTheirNames(t *testing.T) {
	for name, word := range map[string]uint32{
		// linux/ioctl.h: direction, size, type, number; sizes from the structures of nv-ioctl.h and nvos.h.
		"NV_ESC_CHECK_VERSION_STR":      ioc(3, 'F', 200+10, 4+4+64),
		"NV_ESC_REGISTER_FD":            ioc(3, 'F', 200+1, 4),
		"NV_ESC_RM_CONTROL":             ioc(3, 'F', 0x2a, 32),
		"NV_ESC_RM_FREE":                ioc(3, 'F', 0x29, 16),
		"NV_ESC_IOCTL_XFER_CMD":         ioc(3, 'F', 200+11, 16),
		"NV_ESC_NUMA_INFO":              ioc(3, 'F', 200+15, 40+64*8+8),
		"NV_ESC_WAIT_OPEN_COMPLETE":     ioc(3, 'F', 200+18, 8),
		"NV_ESC_EXPORT_TO_DMABUF_FD":    ioc(3, 'F', 200+17, 100),
		"NV_ESC_SET_NUMA_STATUS":        ioc(3, 'F', 200+16, 4),
		"UVM_TOOLS_READ_PROCESS_MEMORY": 62,
		"AMDKFD_IOC_GET_VERSION":        ioc(2, 'K', 1, 8),
		"AMDKFD_IOC_DBG_TRAP":           ioc(3, 'K', 0x26, 32),
		"AMDKFD_IOC_SVM":                ioc(3, 'K', 0x20, 24+5*8),
		"DRM_IOCTL_VERSION":             ioc(3, 'd', 0, 64),
		"DRM_IOCTL_I915_GEM_WAIT":       ioc(3, 'd', 0x40+0x2c, 16),
	} {
		if got := CommandName(word); got != name {
			t.Errorf("%#x is %q, want %s", word, got, name)
		}
	}
	for _, word := range []uint32{0, 1, 0x5401, ioc(3, 'F', 0xff, 8), ioc(3, 'x', 0x2a, 32), ioc(1, 'F', 0x2a, 32)} {
		if got := CommandName(word); got != "" {
			t.Errorf("%#x is %q", word, got)
		}
	}
	// Two drivers, two meanings.
	if got := CommandName(ioc(3, 'd', 0x46, 16)); got != "DRM_IOCTL_AMDGPU_GEM_METADATA|DRM_IOCTL_I915_GETPARAM|DRM_IOCTL_XE_EXEC_QUEUE_CREATE" {
		t.Errorf("a number of several drivers is %q", got)
	}
}

// ioc is _IOC of linux/ioctl.h.
func ioc(direction, kind, number, size uint32) uint32 {
	return direction<<30 | size<<16 | kind<<8 | number
}

func TestAListBelongsToADriver(t *testing.T) {
	has := func(i Ioctls, word uint32) bool {
		return slices.Contains(i.Words, word) || slices.ContainsFunc(i.Masked, func(m IoctlWord) bool { return word&m.Mask == m.Value })
	}
	for _, tt := range []struct {
		vendor, version string
		profile         string
		note            string
		has, lacks      []uint32
	}{
		{"nvidia", "535.104.05", "nvidia-535", "", []uint32{23, 53, 0xc020462a}, []uint32{0xc00846da, 62, 0xc01046d3}},
		{"nvidia", "550.90.07", "nvidia-550", "", []uint32{23, 0xc00846da, 0xc020462b, 0xc030462b}, []uint32{0xc010462b}},
		{"nvidia", "580.95.05", "nvidia-580", "", []uint32{31, 0xc00846da, 0xc90046c8, 0xc00046d4}, []uint32{0x490046c8, 74, 80}},
		{"nvidia", "595.71.05", "nvidia-595", "", []uint32{23}, nil},
		{"nvidia", "610.43.02", "nvidia-610", "", []uint32{25, 33}, []uint32{23, 24, 31, 53}},
		{"nvidia", "620.6.0", "nvidia-620", "", []uint32{75}, []uint32{23}},
		{"nvidia", "999.1", "nvidia-620", "driver branch 999 has no list of ioctl commands: those of 620 pass; what it needs beyond is refused", nil, []uint32{23}},
		{"nvidia", "600.1", "nvidia-595", "driver branch 600 has no list of ioctl commands: those of 595 pass; what it needs beyond is refused", nil, nil},
		{"nvidia", "470.82", "nvidia-535", "driver branch 470 is older than the lists of ioctl commands: those of 535 pass", []uint32{23}, nil},
		{"nvidia", "", "nvidia-620", `the driver's version "" is not understood: the ioctl commands of branch 620 pass`, nil, nil},
		{"nvidia", "x\n", "nvidia-620", `the driver's version "x\n" is not understood: the ioctl commands of branch 620 pass`, nil, nil},
		{"nvidia", "-7", "nvidia-620", `the driver's version "-7" is not understood: the ioctl commands of branch 620 pass`, nil, nil},
		{"amd", "", "amd", "", []uint32{0x80084b01, 0xc0584b02, 0xc0604b02, 0xc0104b25, 0xc0404b20, 0xc0406400, 0xc0186444},
			[]uint32{0x40084b0d, 0x40104b10, 0xc0384b22, 0xc0204b26, 0xc02864a1, 0x40106455}},
		{"intel", "1.2", "intel", "", []uint32{0xc0406469, 0x40406469, 0xc0286440, 0x40386449}, []uint32{0x40106476, 0x4010644b}},
	} {
		got, note := IoctlsFor(tt.vendor, tt.version)
		if got.Profile != tt.profile || note != tt.note || got.Mode != "" || len(got.Digest) != 64 {
			t.Errorf("%s %q: %s %q, %q, want %s, %q", tt.vendor, tt.version, got.Profile, got.Mode, note, tt.profile, tt.note)
		}
		for _, w := range tt.has {
			if !has(got, w) {
				t.Errorf("%s %q lacks %#x", tt.vendor, tt.version, w)
			}
		}
		for _, w := range tt.lacks {
			if has(got, w) {
				t.Errorf("%s %q has %#x", tt.vendor, tt.version, w)
			}
		}
	}
	for vendor, mode := range map[string]IoctlMode{"wsl": IoctlOff, "": "", "someone": ""} {
		got, note := IoctlsFor(vendor, "1")
		if got.Mode != mode || len(got.Words)+len(got.Masked) > 0 || note == "" {
			t.Errorf("%q: %+v, %q", vendor, got, note)
		}
	}
}

func TestTheDigestIsThatOfTheList(t *testing.T) {
	a, b := commandsOf("nvidia", "580.1"), commandsOf("nvidia", "570.2")
	if a.Digest != b.Digest { // no command differs between these two
		t.Errorf("%s and %s", a.Digest, b.Digest)
	}
	seen := map[string]string{}
	for _, list := range []Ioctls{a, commandsOf("nvidia", "535"), commandsOf("nvidia", "610"), commandsOf("amd", ""), commandsOf("intel", ""),
		a.Join(commandsOf("amd", "")), {Words: []uint32{1}}, {Words: []uint32{1, 2}}, {Masked: []IoctlWord{{1, 1}}}} {
		list = list.normal()
		if other := seen[list.Digest]; other != "" {
			t.Errorf("%s and %s have one digest", list.Profile, other)
		}
		seen[list.Digest] = fmt.Sprint(list.Profile, list.Words)
	}
	both := a.Join(commandsOf("amd", ""))
	if both.Profile != "nvidia-580+amd" || !slices.IsSorted(both.Words) || len(both.Words) != len(a.Words)+len(commandsOf("amd", "").Words) {
		t.Errorf("joined: %s, %d words", both.Profile, len(both.Words))
	}
	if one := (Ioctls{}).Join(a); one.Profile != a.Profile || one.Digest != a.Digest {
		t.Errorf("nothing and a list: %+v", one)
	}
}
