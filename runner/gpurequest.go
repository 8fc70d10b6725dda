package runner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/loadlock/loadlock/policy"
)

// GPURequest is what the command line asks for. The zero value asks for nothing: gpu.mode of the policy decides.
type GPURequest struct {
	None  bool     // no GPU, whatever the policy says
	Names []string // "0", "GPU-<uuid>", "MIG-<uuid>", "nvidia.com/gpu=0" or "all"; each once
	Specs []string // folders with CDI specs, beside the usual ones

	Without []string // pieces of the grant that are left out; see gpu.Plan.Without
}

const gpuForm = "write --gpu none, all, 0, 0,1, GPU-<uuid>, MIG-<uuid> or nvidia.com/gpu=0"

// ParseGPU reads the values of one flag, "--gpu" or docker's "--gpus". A bare number is an index for --gpu. To docker it
// is how many GPUs a container gets, whichever they are (docker/cli, opts/gpus.go), so --gpus refuses it: nobody gets
// another GPU than the one that was meant.
func ParseGPU(flag string, values []string) (r GPURequest, err error) {
	for _, value := range values {
		bad := func(what, hint string) (GPURequest, error) {
			return GPURequest{}, &UsageError{What: fmt.Sprintf("%s %s: %s", flag, value, what), Hint: hint}
		}
		// docker's form for several, "device=0,1", is quoted inside the argument because it is CSV to docker.
		list, device := strings.CutPrefix(strings.Trim(value, `"`), "device=")
		words := strings.Split(list, ",")
		if value == "" || slices.Contains(words, "") {
			return bad("names no GPU", gpuForm)
		}
		for _, w := range words {
			key, _, pair := strings.Cut(w, "=")
			switch {
			case pair && slices.Contains([]string{"capabilities", "driver", "options"}, key):
				return bad(key+"= says nothing here: a grant is always for computing", "leave it out: "+flag+" device=0")
			case pair && key == "count":
				return bad("says how many GPUs, and not which", "name them: --gpu 0 is the first, --gpu 0,1 the first two")
			case flag == "--gpus" && !device && strings.Trim(w, "0123456789") == "":
				return bad("a number is how many GPUs to docker, and says not which", "write --gpu "+list+" for the index, as nvidia-smi -L counts from 0; or --gpus device="+list)
			case w == "none":
				r.None = true
				continue
			}
			if what := policy.CheckGPU(w); what != "" {
				return bad(fmt.Sprintf("%q %s", w, what), gpuForm)
			}
			if !slices.Contains(r.Names, w) {
				r.Names = append(r.Names, w)
			}
		}
	}
	switch {
	case r.None && len(r.Names) > 0:
		return GPURequest{}, &UsageError{What: flag + ": none and " + strings.Join(r.Names, ",") + " contradict each other", Hint: "keep one of the two"}
	case len(r.Names) > 1 && slices.Contains(r.Names, policy.AnyGPU):
		return GPURequest{}, &UsageError{What: flag + ": all and names of single GPUs contradict each other", Hint: "keep one of the two"}
	}
	return r, nil
}
