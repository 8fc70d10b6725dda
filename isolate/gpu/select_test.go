package gpu_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/isolate/gpu"
	"github.com/loadlock/loadlock/isolate/gpu/gputest"
)

// names are the selected GPUs and instances: "nvidia0 amd1 nvidia0/1.0".
func names(gpus []gpu.GPU) (out []string) {
	for _, g := range gpus {
		if len(g.MIG) == 0 {
			out = append(out, fmt.Sprintf("%s%d", g.Vendor, g.Index))
		}
		for _, m := range g.MIG {
			out = append(out, fmt.Sprintf("%s%d/%d.%d", g.Vendor, g.Index, m.GI, m.CI))
		}
	}
	return out
}

// laptop has an Intel GPU beside NVIDIA's.
func laptop(t testing.TB, dir string) *gputest.Root {
	r := gputest.Intel(t, dir)
	gputest.H100(t, dir, 2)
	return r
}

func TestSelect(t *testing.T) {
	hosts := map[string]gpu.Host{}
	for name, host := range map[string]func(testing.TB, string) *gputest.Root{
		"five": five, "laptop": laptop, "Divided": gputest.Divided, "AMD": gputest.AMD, "Intel": gputest.Intel, "WSL": gputest.WSL, "New": gputest.New,
	} {
		hosts[name] = host(t, t.TempDir()).Discover()
	}
	old := "MIG-" + gputest.UUID(0) + "/2/0"
	for _, c := range []struct {
		host, words, want string
	}{
		{"five", "0", "nvidia0"},
		{"five", "3 1 3", "nvidia1 nvidia3"},
		{"five", "all", "nvidia0 nvidia1 nvidia2 nvidia3 nvidia4"},
		{"five", gputest.UUID(2), "nvidia2"},
		{"five", strings.ToUpper(gputest.UUID(2)[4:]), "error: names no GPU"},
		{"five", "GPU-" + strings.ToUpper(gputest.UUID(2)[4:]), "nvidia2"},
		{"five", gputest.BusID(2) + " 2 " + gputest.UUID(2), "nvidia2"},
		{"five", "00000000:" + strings.ToUpper(gputest.BusID(2)[5:]), "nvidia2"},
		{"five", "nvidia.com/gpu=2", "nvidia2"},
		{"five", "nvidia.com/gpu=all", "nvidia0 nvidia1 nvidia2 nvidia3 nvidia4"},
		{"five", "nvidia.com/gpu=" + gputest.UUID(2), "nvidia2"},
		{"five", "5", "problem: there is no GPU 5"},
		{"five", "0 5", "problem: there is no GPU 5"},
		{"five", "amd.com/gpu=0", "problem: no driver of a GPU is loaded"},
		{"five", "GPU-" + strings.Repeat("0", 8) + gputest.UUID(0)[12:], "problem: there is no GPU"},
		{"five", "MIG-" + gputest.UUID(0)[4:], "problem: there is no GPU"},
		{"five", "mig:0:1:0", "problem: there is no GPU"},
		{"five", "", "error: names no GPU"}, {"five", "-1", "error: names no GPU"}, {"five", "0x0", "error: names no GPU"}, {"five", "0,1", "error: names no GPU"},
		{"five", "none", "error: names no GPU"}, {"five", "/dev/nvidia0", "error: names no GPU"}, {"five", "GPU-x", "error: names no GPU"}, {"five", "mig:0:1", "error: names no GPU"},
		{"five", "evil.com/gpu=0", "error: no kind of GPU"}, {"five", "nvidia.com/gpu=../0", "error: names no GPU"}, {"five", "99999999999999999999", "error: names no GPU"},
		{"Divided", "mig:0:1:0", "nvidia0/1.0"},
		{"Divided", "mig:0:2:0 mig:0:1:0 mig:0:2:0", "nvidia0/1.0 nvidia0/2.0"},
		{"Divided", "nvidia.com/gpu=mig:0:1:0", "nvidia0/1.0"},
		{"Divided", "mig:" + gputest.UUID(0) + ":1:0", "error: names no GPU"},
		{"Divided", old, "nvidia0/2.0"},
		{"Divided", "all", "nvidia0/1.0 nvidia0/2.0 nvidia1"},
		{"Divided", "1", "nvidia1"},
		{"Divided", "0", "problem: divided into MIG instances"},
		{"Divided", gputest.UUID(0), "problem: divided into MIG instances"},
		{"Divided", "mig:0:0:0", "problem: there is no GPU mig:0:0:0"}, // the driver could make it, and has not
		{"Divided", "MIG-" + gputest.UUID(0)[4:], "problem: only NVML knows"},
		{"AMD", "0 1", "amd0 amd1"},
		{"AMD", "GPU-1000000000000002", "amd1"},
		{"AMD", "amd.com/gpu=1", "amd1"},
		{"AMD", "0000:43:00.0", "amd1"},
		{"Intel", "0", "intel0"},
		{"Intel", "intel.com/gpu=all", "intel0 intel1"},
		{"WSL", "0", "wsl0"},
		{"laptop", "0", "nvidia0"},
		{"laptop", "intel.com/gpu=0 0", "nvidia0 intel0"},
		{"laptop", "all", "nvidia0 nvidia1 intel0 intel1"},
		{"New", "all", "problem: there is no GPU at all: no driver"},
	} {
		t.Run(c.words, func(t *testing.T) {
			h := hosts[c.host]
			words := strings.Split(c.words, " ")
			gpus, err := h.Select(words)
			kind, says, failing := strings.Cut(c.want, ": ")
			if !failing {
				if err != nil || !slices.Equal(names(gpus), strings.Split(c.want, " ")) {
					t.Errorf("%v, %v", names(gpus), err)
				}
				return
			}
			var p gpu.Problem
			if err == nil || errors.As(err, &p) != (kind == "problem") || !strings.Contains(err.Error(), says) || len(gpus) > 0 {
				t.Errorf("%v, %v, want %s", names(gpus), err, c.want)
			}
		})
	}
}

// An index never quietly means another vendor's GPU because the first one's driver is broken or missing.
func TestABrokenDriverIsNotPassedOver(t *testing.T) {
	for name, damage := range map[string]func(*gputest.Root){
		"not loaded": func(r *gputest.Root) { edit(r, "/proc/devices", "195 nvidia\n", "") },
		"broken":     func(r *gputest.Root) { r.Remove("/dev/nvidia-uvm") },
	} {
		r := laptop(t, t.TempDir())
		damage(r)
		h := r.Discover()
		if gpus, err := h.Select([]string{"0"}); err == nil {
			t.Errorf("%s: %v", name, names(gpus))
		}
		if gpus, err := h.Select([]string{"intel.com/gpu=0"}); err != nil || !slices.Equal(names(gpus), []string{"intel0"}) {
			t.Errorf("%s: %v, %v", name, names(gpus), err)
		}
	}
}

// What Select returns does not share memory with the host.
func TestSelectingTwiceIsTheSame(t *testing.T) {
	h := gputest.Divided(t, t.TempDir()).Discover()
	for _, words := range [][]string{{"mig:0:2:0", "mig:0:1:0"}, {"all"}, {"mig:0:1:0"}} {
		if _, err := h.Select(words); err != nil {
			t.Fatal(err)
		}
		if got := names(h.GPUs); !slices.Equal(got, []string{"nvidia0/1.0", "nvidia0/2.0", "nvidia1"}) {
			t.Fatalf("after %v the host has %v", words, got)
		}
	}
}
