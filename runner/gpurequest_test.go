package runner

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestGPUsAreNamedAsTheFlagsSay(t *testing.T) {
	const uuid = "GPU-5e7a81c0-0b1f-4b0d-9c6e-0123456789ab"
	for _, tt := range []struct {
		flag, value string // values apart by spaces
		want        string // the names; "none"; or how the error begins
	}{
		{"--gpu", "none", "none"},
		{"--gpu", "all", "all"},
		{"--gpu", "0", "0"},
		{"--gpu", "0,1", "0,1"},
		{"--gpu", "1,0,1", "1,0"},
		{"--gpu", "0 1", "0,1"},
		{"--gpu", uuid, uuid},
		{"--gpu", "MIG-" + uuid[4:], "MIG-" + uuid[4:]},
		{"--gpu", "nvidia.com/gpu=0", "nvidia.com/gpu=0"},
		{"--gpu", "nvidia.com/gpu=0,nvidia.com/gpu=1", "nvidia.com/gpu=0,nvidia.com/gpu=1"},
		{"--gpu", "device=1", "1"},
		{"--gpu", `"device=0,1"`, "0,1"},
		{"--gpus", "none", "none"},
		{"--gpus", "all", "all"},
		{"--gpus", "device=1", "1"},
		{"--gpus", "device=0,1", "0,1"},
		{"--gpus", `"device=0,1"`, "0,1"},
		{"--gpus", "device=" + uuid, uuid},
		{"--gpus", uuid, uuid},
		{"--gpus", "nvidia.com/gpu=0", "nvidia.com/gpu=0"},

		// How many, and not which.
		{"--gpus", "1", "!--gpus 1: a number is how many GPUs to docker"},
		{"--gpus", "0", "!--gpus 0: a number is how many GPUs to docker"},
		{"--gpus", "0,1", "!--gpus 0,1: a number is how many GPUs to docker"},
		{"--gpus", "all,1", "!--gpus all,1: a number is how many"},
		{"--gpus", "count=1", "!--gpus count=1: says how many GPUs, and not which"},
		{"--gpu", "count=1", "!--gpu count=1: says how many GPUs, and not which"},
		{"--gpus", "all,capabilities=graphics", "!--gpus all,capabilities=graphics: capabilities= says nothing here"},
		{"--gpus", "driver=nvidia", "!--gpus driver=nvidia: driver= says nothing here"},

		{"--gpu", "0,", "!--gpu 0,: names no GPU"},
		{"--gpu", "device=", "!--gpu device=: names no GPU"},
		{"--gpu", "all,0", "!--gpu: all and names of single GPUs contradict"},
		{"--gpu", "none,0", "!--gpu: none and 0 contradict"},
		{"--gpu", "0 none", "!--gpu: none and 0 contradict"},
		{"--gpu", "-1", `!--gpu -1: "-1" names no GPU`},
		{"--gpu", "/dev/nvidia0", `!--gpu /dev/nvidia0: "/dev/nvidia0" names no GPU`},
		{"--gpu", "nvidia0", `!--gpu nvidia0: "nvidia0" names no GPU`},
		{"--gpu", "0;1", `!--gpu 0;1: "0;1" names no GPU`},
		{"--gpu", "01", `!--gpu 01: "01" names no GPU`},
	} {
		r, err := ParseGPU(tt.flag, strings.Split(tt.value, " "))
		want, refused := strings.CutPrefix(tt.want, "!")
		got := strings.Join(r.Names, ",")
		if r.None {
			got = "none"
		}
		var usage *UsageError
		switch {
		case refused && (!errors.As(err, &usage) || !strings.HasPrefix(usage.What, want) || usage.Hint == ""):
			t.Errorf("%s %s: got %v, want %s", tt.flag, tt.value, err, want)
		case !refused && (err != nil || got != want):
			t.Errorf("%s %s: got %s (%v), want %s", tt.flag, tt.value, got, err, want)
		case refused && fmt.Sprint(r) != fmt.Sprint(GPURequest{}):
			t.Errorf("%s %s: names came with the error: %v", tt.flag, tt.value, r)
		}
	}
	if _, err := ParseGPU("--gpu", []string{""}); err == nil {
		t.Error("an empty variable is taken for something")
	}
	if r, err := ParseGPU("--gpu", nil); err != nil || r.None || len(r.Names) > 0 {
		t.Errorf("nothing is said: %v, %v", r, err)
	}
}

func FuzzParseGPU(f *testing.F) {
	for _, s := range []string{"all", "0,1", `"device=0,1"`, "none", "count=2", "nvidia.com/gpu=0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseGPU("--gpu", []string{s})
		if err != nil {
			return
		}
		if r.None == (len(r.Names) > 0) {
			t.Fatalf("%q is neither none nor a name: %+v", s, r)
		}
		again, err := ParseGPU("--gpu", r.Names)
		if !r.None && (err != nil || fmt.Sprint(again.Names) != fmt.Sprint(r.Names)) {
			t.Fatalf("%q is %v, and read again %v (%v)", s, r.Names, again.Names, err)
		}
	})
}
