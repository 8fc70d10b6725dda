package runner

import (
	"fmt"
	"maps"
	"slices"
)

// gpuEnvironment puts the plan's variables into the command's environment. They are stronger than the caller's and --env:
// CUDA_VISIBLE_DEVICES of the caller counts GPUs that do not exist inside. What --env asked for otherwise is a note.
func (r *run) gpuEnvironment() {
	env := environMap(r.found.Env)
	asked := environMap(r.job.Pass)
	ours := environMap(r.gpu.Env)
	for _, name := range slices.Sorted(maps.Keys(ours)) {
		value := ours[name]
		if v, ok := asked[name]; ok && v != value {
			r.res.Notes = append(r.res.Notes, fmt.Sprintf("--env %s=%s is not used: with a GPU it is %s", name, v, value))
		}
		env[name] = value
	}
	r.found.Env = r.found.Env[:0:0]
	for _, name := range slices.Sorted(maps.Keys(env)) {
		r.found.Env = append(r.found.Env, name+"="+env[name])
	}
}
