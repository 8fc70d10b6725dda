package gpu

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// sample is a file as a driver writes it.
func sample(t testing.TB, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "proc", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestMajors(t *testing.T) {
	for _, c := range []struct {
		file  string
		names []string
		want  uint32
		ok    bool
	}{
		{"devices-580", []string{"nvidia", "nvidia-frontend"}, 195, true},
		{"devices-535", []string{"nvidia", "nvidia-frontend"}, 195, true},
		{"devices-580", []string{"nvidia-uvm"}, 505, true}, // a block device has the name, too
		{"devices-580", []string{"nvidia-caps"}, 237, true},
		{"devices-535", []string{"nvidia-caps"}, 0, false},
		{"devices-580", []string{"drm"}, 226, true},
		{"devices-580", []string{"kfd"}, 0, false},
		{"devices-580", []string{"mei"}, 239, false}, // two drivers of one name
		{"devices-580", []string{"HP iLO 5 channel"}, 511, true},
		{"devices-580", []string{"loop"}, 0, false},
	} {
		all, err := majors(sample(t, c.file))
		if got, ok := major(all, c.names...); err != nil || got != c.want || ok != c.ok {
			t.Errorf("%s %v: %d, %v, %v", c.file, c.names, got, ok, err)
		}
	}
	for name, text := range map[string]string{
		"empty": "", "only block devices": "Block devices:\n195 nvidia\n", "no number": "Character devices:\nnvidia 195\n", "no name": "Character devices:\n195\n",
		"negative": "Character devices:\n-1 nvidia\n", "beyond dev_t": "Character devices:\n4096 nvidia\n", "overflow": "Character devices:\n99999999999999999999 nvidia\n",
	} {
		if all, err := majors(text); err == nil {
			t.Errorf("%s: %v", name, all)
		}
	}
}

func TestNVIDIAVersion(t *testing.T) {
	for file, want := range map[string]string{"version-535": "535.104.05", "version-580-open": "580.95.05", "version-610-two-parts": "610.57"} {
		if got, err := nvidiaVersion(sample(t, file)); got != want || err != nil {
			t.Errorf("%s: %q, %v", file, got, err)
		}
	}
	for _, bad := range []string{"", "GCC version: 12.3.0\n", "NVRM version: NVIDIA UNIX x86_64 Kernel Module\n", "NVRM version: ../../x\n535.104.05\n", "NVRM version: 1.2.3.4.5\n", "NVRM version: 580.95.05/..\n"} {
		if got, err := nvidiaVersion(bad); err == nil {
			t.Errorf("%q: %q", bad, got)
		}
	}
}

func TestInformation(t *testing.T) {
	const id = "GPU-8f6d1c2b-3a4e-5f60-7182-93a4b5c6d7e8"
	for file, want := range map[string]information{
		"information-h100":        {"NVIDIA H100 80GB HBM3", id, "0000:5d:00.0", 3, false},
		"information-unopened":    {"NVIDIA H100 80GB HBM3", "", "0000:03:00.0", 0, false},
		"information-excluded":    {"NVIDIA H100 80GB HBM3", id, "0000:5d:00.0", 3, true},
		"information-wide-domain": {"NVIDIA H100 80GB HBM3", id, "10000:e1:00.0", 12, false},
	} {
		if got, err := parseInformation(sample(t, file)); got != want || err != nil {
			t.Errorf("%s: %+v, %v", file, got, err)
		}
	}
	good := sample(t, "information-h100")
	for _, c := range [][2]string{
		{id, id[:len(id)-1]}, {id, id + "\x1b[2J"}, {id, "GPU-../../../../etc/passwd"}, {id, ""}, {id, "MIG" + id[3:]},
		{"0000:5d:00.0", "0000:5d:00.8"}, {"0000:5d:00.0", "../../x"}, {"0000:5d:00.0", "0000:5D:00.0"}, {"0000:5d:00.0", ""},
		{"Minor: \t 3", "Minor: \t 248"}, {"Minor: \t 3", "Minor: \t -3"}, {"Minor: \t 3", "Minor: \t 0x3"}, {"Minor: \t 3", "Minor: \t 3/../0"}, {"Device Minor: \t 3\n", ""},
	} {
		text := strings.Replace(good, c[0], c[1], 1)
		if text == good {
			t.Fatalf("nothing replaced: %q", c)
		}
		if got, err := parseInformation(text); err == nil {
			t.Errorf("%q for %q: %+v", c[1], c[0], got)
		}
	}
	if got, err := parseInformation(strings.Replace(good, "HBM3", "\x1b]0;\u202e", 1)); err != nil || got.model != "NVIDIA H100 80GB ]0;" {
		t.Errorf("model %q, %v", got.model, err)
	}
}

func TestParamsSayThatDeviceFilesAreNotForUserSpace(t *testing.T) {
	host := sample(t, "params")
	if got, want := withoutModify(host), strings.Replace(host, "ModifyDeviceFiles: 1", "ModifyDeviceFiles: 0", 1); got != want || got == host {
		t.Errorf("%s", got)
	}
	if got := withoutModify("DeviceFileMinor: 3\nDeviceFileMode: 292\nDeviceFileModify: 1\n"); got != "DeviceFileMinor: 3\nDeviceFileMode: 292\nDeviceFileModify: 0\n" {
		t.Errorf("%q", got)
	}
	if got := withoutModify("NotModifyDeviceFiles: 1\n"); got != "NotModifyDeviceFiles: 1\n" {
		t.Errorf("%q", got)
	}
}

func TestMIGMinors(t *testing.T) {
	text := sample(t, "mig-minors")
	for row, want := range map[string]uint32{"gpu0/gi1/access": 12, "gpu0/gi1/ci0/access": 13, "gpu1/gi1/ci0/access": 148} {
		if got, ok := migMinor(text, row); got != want || !ok {
			t.Errorf("%s: %d, %v", row, got, ok)
		}
	}
	for _, row := range []string{"gpu0/gi1", "gpu0/gi9/access", "gpu1/gi2/access", ""} { // the last but one has two numbers
		if got, ok := migMinor(text, row); ok {
			t.Errorf("%s: %d", row, got)
		}
	}
}

func TestKFDProperties(t *testing.T) {
	p, err := properties(sample(t, "kfd-properties"))
	if err != nil || len(p) != 35 || p["drm_render_minor"] != 129 || p["unique_id"] != 11744013398361214437 || p["location_id"] != 17152 {
		t.Errorf("%v, %v", p, err)
	}
	for _, bad := range []string{"a\n", "a b c\n", "a -1\n", "a 0x10\n", "a 18446744073709551616\n"} {
		if p, err := properties(bad); err == nil {
			t.Errorf("%q: %v", bad, p)
		}
	}
}

func TestMisc(t *testing.T) {
	if got, ok := miscMinor("234 btrfs-control\n 59 dxg\n", "dxg"); got != 59 || !ok {
		t.Error(got, ok)
	}
	for _, text := range []string{"", "59\n", "x dxg\n", "59 dxg2\n"} {
		if got, ok := miscMinor(text, "dxg"); ok {
			t.Errorf("%q: %d", text, got)
		}
	}
}

func TestShapes(t *testing.T) {
	for _, c := range []struct {
		name string
		is   func(string) bool
		good []string
		bad  []string
	}{
		{"bus id", isBusID, []string{"0000:17:00.0", "10000:e1:00.7", "00000000:17:00.0"}, []string{"", "0000:17:00", "0000:17:00.8", "000:17:00.0", "0000:17:00.0\n", "0000/17:00.0", "0000:1G:00.0"}},
		{"UUID", isUUID, []string{"GPU-" + strings.Repeat("a", 16), "GPU-01234567-89ab-cdef-0123-456789ABCDEF"}, []string{"GPU-", "GPU-01234567-89ab-cdef-0123-456789abcdeg", "gpu-01234567-89ab-cdef-0123-456789abcdef", "GPU-01234567-89ab-cdef-0123-456789abcdef,0"}},
		{"version", isVersion, []string{"580.95.05", "610.57", "6.12.12.1"}, []string{"", "580", "580.", ".5", "580.95.05.1.2", "580.95.05a", "580.95.-5", "580.1234567"}},
		{"name", isName, []string{"pci0000:00", "0000:00:01.0", "amdgpu_xcp_1"}, []string{"", ".", "..", "a/b", "a\nb", "a b", strings.Repeat("a", 129)}},
	} {
		for _, s := range c.good {
			if !c.is(s) {
				t.Errorf("%s: not %q", c.name, s)
			}
		}
		for _, s := range c.bad {
			if c.is(s) {
				t.Errorf("%s: %q", c.name, s)
			}
		}
	}
	if got := busIDOf("00000000:3B:00.0"); got != "0000:3b:00.0" {
		t.Error(got)
	}
}

func TestFields(t *testing.T) {
	got := fields("A: \t x: y\nno colon\n: z\n")
	if want := map[string]string{"A": "x: y", "": "z"}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
}
