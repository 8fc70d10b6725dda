package gpu

import (
	"slices"
	"strconv"
	"strings"
)

// common are the variables of every GPU. Caches of compiled kernels are private to the run; HOME is /tmp inside.
var common = []string{
	"CUDA_CACHE_PATH=/tmp/.cache/nv",
	"TORCHINDUCTOR_CACHE_DIR=/tmp/.cache/torchinductor",
	"TORCH_EXTENSIONS_DIR=/tmp/.cache/torch_extensions",
	"TRITON_CACHE_DIR=/tmp/.cache/triton",
	"XDG_CACHE_HOME=/tmp/.cache",
	"NCCL_IB_DISABLE=1", // no InfiniBand node is ever granted
	"SANDBOX_RUNTIME=1", // tells libcuda that it is in a sandbox (openai/codex issue 23525)
}

func environment(g Grant) []string {
	var out []string
	names := map[Vendor][]string{}
	for _, gpu := range g.GPUs {
		for _, m := range gpu.MIG {
			names[gpu.Vendor] = append(names[gpu.Vendor], m.UUID)
		}
		if len(gpu.MIG) == 0 {
			names[gpu.Vendor] = append(names[gpu.Vendor], gpu.UUID)
		}
	}
	for _, v := range []struct {
		vendor   Vendor
		variable string
		more     []string
	}{
		{NVIDIA, "CUDA_VISIBLE_DEVICES", []string{"CUDA_DEVICE_ORDER=PCI_BUS_ID", "NVIDIA_VISIBLE_DEVICES=void"}}, // void: for an NVIDIA runtime inside
		{AMD, "ROCR_VISIBLE_DEVICES", nil},
		{Intel, "ZE_AFFINITY_MASK", nil},
	} {
		if len(names[v.vendor]) > 0 {
			out = append(append(out, v.variable+"="+strings.Join(orPlaces(names[v.vendor]), ",")), v.more...)
		}
	}
	return append(out, common...)
}

// orPlaces are the names, or where one of them is not known all by their places among what is reachable inside, which is
// nothing but the granted.
func orPlaces(names []string) []string {
	if !slices.Contains(names, "") {
		return names
	}
	places := make([]string, len(names))
	for i := range names {
		places[i] = strconv.Itoa(i)
	}
	return places
}
