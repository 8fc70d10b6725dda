package main

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/runner"
)

// megabytes reads a size as docker does: "8G", "512m", "1073741824" (bytes). It returns MiB, rounded up.
func megabytes(flag, s string) (*int64, error) {
	bad := &runner.UsageError{What: fmt.Sprintf("--%s %q is not a size", flag, s), Hint: "write 512M or 8G"}
	units := map[string]int64{"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
	digits := strings.TrimRight(s, "bBkKmMgGtTi")
	unit := strings.TrimSuffix(strings.ToLower(s[len(digits):]), "b")
	factor, ok := units[strings.TrimSuffix(unit, "i")]
	n, err := strconv.ParseFloat(digits, 64)
	if !ok || err != nil || !(n > 0) || n*float64(factor) > 1<<60 {
		return nil, bad
	}
	mb := (int64(n*float64(factor)) + 1<<20 - 1) >> 20
	return &mb, nil
}

// seconds reads a duration: "10m", "30s", or a bare number of seconds as timeout(1) does. Rounded up.
func seconds(flag, s string) (*int64, error) {
	d, err := time.ParseDuration(s)
	if n, numErr := strconv.ParseFloat(s, 64); numErr == nil && n < 1e9 {
		d, err = time.Duration(n*float64(time.Second)), nil
	}
	if err != nil || d <= 0 {
		return nil, &runner.UsageError{What: fmt.Sprintf("--%s %q is not a duration", flag, s), Hint: "write 30s, 10m or 2h"}
	}
	sec := int64((d + time.Second - 1) / time.Second)
	return &sec, nil
}

// network reads --net. What follows allow: is checked with the policy.
func network(s string) (n *policy.Network, hosts []string, err error) {
	kind, list, _ := strings.Cut(s, ":")
	switch {
	case s == "none":
		return ptr(policy.NetworkNone), nil, nil
	case s == "host":
		return ptr(policy.NetworkHost), nil, nil
	case kind == "allow" && list != "":
		return ptr(policy.NetworkAllow), strings.Split(list, ","), nil
	}
	return nil, nil, &runner.UsageError{What: fmt.Sprintf("--net %q is unknown", s), Hint: "use none, allow:HOST,…, or host"}
}

// gpuRequest reads --gpu, --gpus and --cdi-dir.
func (f *runFlags) gpuRequest() (r runner.GPURequest, err error) {
	if len(f.gpu) > 0 && len(f.gpus) > 0 {
		return r, &runner.UsageError{What: "--gpu and --gpus are both given", Hint: "keep --gpu"}
	}
	if r, err = runner.ParseGPU("--gpu", f.gpu); err == nil && len(f.gpus) > 0 {
		r, err = runner.ParseGPU("--gpus", f.gpus)
	}
	for _, dir := range f.cdi {
		abs, absErr := filepath.Abs(dir)
		if absErr != nil || dir == "" {
			return r, &runner.UsageError{What: fmt.Sprintf("--cdi-dir %q is no folder", dir), Hint: "name a folder with CDI specs"}
		}
		r.Specs = append(r.Specs, abs)
	}
	if r.Without = f.without; len(f.without) > 0 && len(r.Names) == 0 && err == nil {
		return r, &runner.UsageError{What: "--gpu-without leaves pieces out of a grant, and there is none", Hint: "name the GPU too: --gpu 0"}
	}
	return r, err
}

func ptr[T any](v T) *T { return &v }

// volume reads docker's -v src[:dst][:ro|rw]. A destination other than the source is refused: paths inside are
// those outside.
func volume(s string) (path string, write bool, err error) {
	parts := strings.Split(s, ":")
	mode := "rw"
	if last := parts[len(parts)-1]; len(parts) > 1 && (last == "ro" || last == "rw") {
		mode, parts = last, parts[:len(parts)-1]
	}
	if len(parts) > 2 || len(parts) == 2 && parts[1] != parts[0] {
		return "", false, &runner.UsageError{What: fmt.Sprintf("-v %q: paths inside are the same as outside", s), Hint: "write -v PATH:PATH:ro, or --ro PATH"}
	}
	return parts[0], mode == "rw", nil
}
