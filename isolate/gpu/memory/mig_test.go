package memory

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate/validatetest"
	"golang.org/x/sys/unix"
)

// needRoot is for what must be root's own: nvidia-smi.
func needRoot(t *testing.T) {
	t.Helper()
	var err error
	if os.Geteuid() != 0 {
		err = errors.New("not root")
	}
	validatetest.Need(t, "root", err)
}

func mkfifo(at string) error { return unix.Mkfifo(at, 0o755) }

// instances is what nvidia-smi -q -x says of MIG, cut down (nvsmi_device_v12.dtd).
const instances = `<?xml version="1.0" ?>
<nvidia_smi_log>
	<gpu id="00000000:17:00.0">
		<mig_devices>
			<mig_device>
				<index>0</index>
				<gpu_instance_id>1</gpu_instance_id>
				<compute_instance_id>0</compute_instance_id>
				<fb_memory_usage>
					<total>40448 MiB</total>
					<reserved>0 MiB</reserved>
				</fb_memory_usage>
				<bar1_memory_usage>
					<total>65535 MiB</total>
				</bar1_memory_usage>
			</mig_device>
			<mig_device>
				<index>1</index>
				<gpu_instance_id>9</gpu_instance_id>
				<fb_memory_usage>
					<total>9856 MiB</total>
				</fb_memory_usage>
			</mig_device>
		</mig_devices>
		<fb_memory_usage>
			<total>81559 MiB</total>
		</fb_memory_usage>
		<processes>
			<process_info>
				<gpu_instance_id>13</gpu_instance_id>
			</process_info>
		</processes>
	</gpu>
	<gpu id="00000000:2A:00.0">
		<mig_devices>
			None
		</mig_devices>
		<fb_memory_usage>
			<total>81559 MiB</total>
		</fb_memory_usage>
	</gpu>
</nvidia_smi_log>
`

func TestInstances(t *testing.T) {
	got := parseInstances([]byte(instances))
	if len(got) != 2 || got[instance{"0000:17:00.0", 1}] != 40448<<20 || got[instance{"0000:17:00.0", 9}] != 9856<<20 {
		t.Errorf("%v", got)
	}
}

func FuzzInstances(f *testing.F) {
	f.Add(instances)
	f.Add(strings.ReplaceAll(instances, "<gpu_instance_id>", "<gpu_instance_id>-"))
	f.Fuzz(func(t *testing.T, s string) {
		for i, n := range parseInstances([]byte(s)) {
			if n < 0 || i.gi < 0 {
				t.Fatalf("%q: %v %d", s, i, n)
			}
		}
	})
}

// An instance is a limit where it is no larger than the limit; what is larger holds nothing, and what is not known is no
// hard limit.
func TestAnInstanceIsALimitWhenItIsSmallEnough(t *testing.T) {
	needRoot(t)
	root := hostWith(t, "cat <<'X'\n"+instances+"X\n")
	small, large := h100, h100
	small.MIG, small.Instance, small.Name = true, 9, "mig:0:9:0"
	large.MIG, large.Instance = true, 1
	unknown := small
	unknown.Instance = 5
	for _, tt := range []struct {
		what    string
		device  Device
		limitMB int64
		hard    bool
		want    string // part of how, or "!" and part of the refusal
		wall    bool
	}{
		{"smaller", small, 10240, true, "gives the instance 9856 MiB", true},
		{"just as large", small, 9856, true, "gives the instance 9856 MiB", true},
		{"one MiB larger", small, 9855, true, "!is an instance of 9856 MiB, and the limit is 9855 MiB", false},
		{"larger, and best-effort", large, 10240, false, "!is an instance of 40448 MiB", false},
		{"not known", unknown, 10240, true, "!size is not known", false},
		{"not known, and best-effort", unknown, 10240, false, "is not known", false},
	} {
		l, err := Choose(Request{Root: root, Devices: []Device{tt.device}, LimitMB: tt.limitMB, Hard: tt.hard})
		if part, refusal := strings.CutPrefix(tt.want, "!"); refusal {
			var refused *Refusal
			if !errors.As(err, &refused) || !strings.Contains(refused.What, part) || refused.Remedy == "" {
				t.Errorf("%s: %v", tt.what, err)
			}
			continue
		}
		if err != nil || l.Plan()[0].Mechanism != MIG || l.Plan()[0].Hard != tt.wall || !strings.Contains(l.Plan()[0].How, tt.want) || (len(l.Weaker()) == 0) != tt.wall {
			t.Errorf("%s: %+v, %v", tt.what, l.Plan(), err)
		}
	}
}

// hostWith is a host of root's with a stand-in for nvidia-smi.
func hostWith(t *testing.T, script string) string {
	t.Helper()
	root, err := os.MkdirTemp("/run", "loadlock-host-") // not the usual folder, which everybody can write
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	if err := errors.Join(os.Chmod(root, 0o755), os.MkdirAll(root+"/usr/bin", 0o755), os.WriteFile(root+"/"+smiPath, []byte("#!/bin/sh\n"+script+"\n"), 0o755),
		os.MkdirAll(root+"/proc/self/ns", 0o755), os.Symlink("pid:[4026531836]", root+"/proc/self/ns/pid")); err != nil {
		t.Fatal(err)
	}
	return root
}
