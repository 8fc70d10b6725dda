package memory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// fdinfo tells what the clients of DRM drivers (amdgpu, i915, xe) use: the kernel's gpu/drm-usage-stats. A client is an open
// file of a device; descriptors that were inherited or sent are the same client.
type fdinfo struct{ root string }

func (fdinfo) name() string         { return "the kernel (/proc/<pid>/fdinfo, drm-usage-stats)" }
func (fdinfo) every() time.Duration { return time.Second / 5 }

// read looks at every open file of the processes. One that has ended meanwhile has none.
func (s fdinfo) read(ctx context.Context, pids []int) (uses []use, err error) {
	for _, pid := range pids {
		dir := filepath.Join(s.root, "proc", strconv.Itoa(pid))
		nodes, err := devices(dir)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, fd := range nodes {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			raw, err := readSome(filepath.Join(dir, "fdinfo", fd), maxFdinfo)
			if err != nil {
				if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) {
					continue // closed
				}
				return nil, err
			}
			c, err := parseFdinfo(raw)
			if err != nil {
				return nil, fmt.Errorf("fdinfo of process %d: %w", pid, err)
			}
			if c.driver != "" {
				uses = append(uses, use{pid: pid, device: busKey(c.pdev), client: c.id, bytes: c.local})
			}
		}
	}
	return uses, nil
}

// devices are the descriptors of a process that may be open device nodes, by their name in fdinfo.
func devices(dir string) (fds []string, err error) {
	all, err := os.ReadDir(filepath.Join(dir, "fd"))
	if err != nil {
		return nil, err
	}
	for _, e := range all {
		if to, err := os.Readlink(filepath.Join(dir, "fd", e.Name())); err == nil && strings.Contains(to, "/dev/") {
			fds = append(fds, e.Name())
		}
	}
	return fds, nil
}

// maxFdinfo is far more than a driver writes, bytes.
const maxFdinfo = 64 << 10

// readSome reads a file of the kernel's that may not be longer than most.
func readSome(path string, most int) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, int64(most)+1))
	if err == nil && len(raw) > most {
		err = fmt.Errorf("%s: longer than %d bytes", path, most)
	}
	return raw, err
}

// client is what a DRM driver says of one open file.
type client struct {
	driver, pdev, id string
	local            int64 // bytes of the device's own memory; -1: the driver does not say
}

// parseFdinfo reads one fdinfo file. One without drm-driver is no DRM driver's, and has an empty driver.
func parseFdinfo(raw []byte) (c client, err error) {
	resident, total := map[string]int64{}, map[string]int64{}
	for line := range bytes.Lines(raw) {
		key, value, ok := strings.Cut(strings.TrimRight(string(line), "\n"), ":")
		value = strings.TrimSpace(value)
		if !ok || !strings.HasPrefix(key, "drm-") {
			continue
		}
		switch key {
		case "drm-driver":
			c.driver = value
		case "drm-pdev":
			c.pdev = value
		case "drm-client-id":
			c.id = value
		default:
			// drm-memory-<region> is the older name of drm-resident-<region>. Total counts what has no memory yet, too.
			for _, kind := range []struct {
				prefix string
				into   map[string]int64
			}{{"drm-resident-", resident}, {"drm-memory-", resident}, {"drm-total-", total}} {
				name, ok := strings.CutPrefix(key, kind.prefix)
				if !ok || !isLocal(name) {
					continue
				}
				n, err := parseSize(value)
				if err != nil {
					return client{}, fmt.Errorf("%s: %w", key, err)
				}
				kind.into[name] = max(kind.into[name], n)
			}
		}
	}
	switch {
	case c.driver == "":
		return client{}, nil
	case c.pdev == "" || c.id == "":
		return client{}, fmt.Errorf("driver %.20q names neither its device nor its client", c.driver)
	}
	for name, n := range total {
		if _, known := resident[name]; !known {
			resident[name] = n
		}
	}
	c.local = -1
	for _, n := range resident {
		if c.local = max(c.local, 0) + n; c.local < 0 {
			return client{}, errors.New("impossible numbers")
		}
	}
	return c, nil
}

// isLocal reports whether a region is a device's own memory: "vram" (amdgpu), "vram0" (xe), "local0" (i915).
func isLocal(region string) bool {
	return strings.HasPrefix(region, "vram") || strings.HasPrefix(region, "local")
}

// parseSize reads "<uint> [KiB|MiB]" into bytes.
func parseSize(s string) (int64, error) {
	number, unit, _ := strings.Cut(s, " ")
	factor, known := map[string]int64{"": 1, "KiB": 1 << 10, "MiB": 1 << 20}[unit]
	n, err := strconv.ParseUint(number, 10, 63)
	if !known || err != nil || int64(n) > math.MaxInt64/factor {
		return 0, fmt.Errorf("%q is no size", s)
	}
	return int64(n) * factor, nil
}

// busKey is a PCI address as the kernel writes it, in lower case.
func busKey(id string) string {
	id = strings.ToLower(id)
	if d, rest, ok := strings.Cut(id, ":"); ok && len(d) == 8 && strings.HasPrefix(d, "0000") {
		return d[4:] + ":" + rest
	}
	return id
}
