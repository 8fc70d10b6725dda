package memory

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// firstAnswer is how long a source has for its answer before anything starts. Without a persistence daemon, the first
// question wakes the driver up.
const firstAnswer = 20 * time.Second

// sourceFor finds who tells what a box uses of a device, and asks it once: a *Refusal where nobody does.
func (h *host) sourceFor(d Device) (source, error) {
	if s, known := h.sources[d.Vendor]; known {
		return s, nil
	}
	s, err := h.newSource(d)
	if err == nil {
		var ctx, cancel = context.WithTimeout(context.Background(), firstAnswer)
		defer cancel()
		_, err = s.read(ctx, nil)
	}
	if err != nil {
		return nil, &Refusal{What: fmt.Sprintf("nothing can hold or watch %d MiB of %s: %v", h.LimitMB, d.Name, err), Remedy: remedies[d.Vendor]}
	}
	h.sources[d.Vendor] = s
	return s, nil
}

var remedies = map[string]string{
	"nvidia": "the driver's nvidia-smi has to be at /usr/bin/nvidia-smi, root's and nobody else's to write, and has to work outside the sandbox; or leave gpu.memory_limit_mb out",
	"amd":    "a kernel whose amdgpu tells memory by process (5.14), or leave gpu.memory_limit_mb out",
	"intel":  "a kernel whose i915 or xe tells memory by process (6.5, 6.8), or leave gpu.memory_limit_mb out; a GPU without memory of its own uses the machine's, which memory_limit_mb limits",
	"wsl":    "leave gpu.memory_limit_mb out: WSL2 tells nothing by process and enforces nothing",
}

func (h *host) newSource(d Device) (source, error) {
	switch d.Vendor {
	case "nvidia":
		if !initialPidNamespace(h.Root) {
			return nil, errors.New("NVIDIA's driver numbers processes as the machine does, and this is a container with numbers of its own")
		}
		return nvidia(h.Root)
	case "amd", "intel":
		return fdinfo{root: h.Root}, tells(filepath.Join(h.Root, d.Node))
	}
	return nil, errors.New("its driver tells nobody which process uses how much")
}

// keyOf is a device's name for its source.
func (h *host) keyOf(d Device) string {
	if d.Vendor == "nvidia" {
		return d.UUID
	}
	return busKey(d.BusID)
}

// tells opens a DRM node, becoming a client, and looks whether the driver says of that client how much of the device's own
// memory it uses.
func tells(node string) error {
	f, err := os.OpenFile(node, os.O_RDWR|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	raw, err := readSome(fmt.Sprintf("/proc/self/fdinfo/%d", f.Fd()), maxFdinfo)
	if err != nil {
		return err
	}
	c, err := parseFdinfo(raw)
	if err == nil && (c.driver == "" || c.local < 0) {
		err = fmt.Errorf("its driver %.20q says nothing of memory of the device's own in fdinfo", c.driver)
	}
	return err
}

// initialPidNamespace reports whether process numbers are the machine's: the first namespace has a fixed inode
// (PROC_PID_INIT_INO, include/linux/proc_ns.h).
func initialPidNamespace(root string) bool {
	to, err := os.Readlink(filepath.Join(root, "proc/self/ns/pid"))
	return err == nil && to == "pid:[4026531836]"
}
