package main

import (
	"fmt"
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

// network reads --net.
func network(s string) (*policy.Network, error) {
	var n policy.Network
	switch {
	case s == "none":
		n = policy.NetworkNone
	case s == "host":
		n = policy.NetworkHost
	case strings.HasPrefix(s, "allow:"):
		return nil, &runner.UsageError{What: "--net allow: is not available in this version", Hint: "use --net none, or fetch what the command needs beforehand"}
	default:
		return nil, &runner.UsageError{What: fmt.Sprintf("--net %q is unknown", s), Hint: "use none or host"}
	}
	return &n, nil
}

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
