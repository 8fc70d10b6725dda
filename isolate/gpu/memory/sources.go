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

// sourcesFor finds who tells what a box uses of a device, and asks them once: a *Refusal where nobody does. Where there are
// several, each is a watcher of its own.
func (h *host) sourcesFor(d Device) ([]source, error) {
	all, err := h.newSources(d)
	for _, s := range all {
		ctx, cancel := context.WithTimeout(context.Background(), firstAnswer)
		if _, failed := s.read(ctx, nil); failed != nil && err == nil {
			err = failed
		}
		cancel()
	}
	if err != nil {
		return nil, &Refusal{What: fmt.Sprintf("nothing can hold or watch %d MiB of %s: %v", h.LimitMB, d.Name, err), Remedy: remedies[d.Vendor]}
	}
	return all, nil
}

var remedies = map[string]string{
	"nvidia": "the driver's nvidia-smi has to be at /usr/bin/nvidia-smi, root's and nobody else's to write, and has to work outside the sandbox; or leave gpu.memory_limit_mb out",
	"amd":    "a kernel whose amdgpu tells memory by process (5.14), or leave gpu.memory_limit_mb out",
	"intel":  "a kernel whose i915 or xe tells memory by process (6.5, 6.8), or leave gpu.memory_limit_mb out; a GPU without memory of its own uses the machine's, which memory_limit_mb limits",
	"wsl":    "leave gpu.memory_limit_mb out: WSL2 tells nothing by process and enforces nothing",
}

func (h *host) newSources(d Device) ([]source, error) {
	switch d.Vendor {
	case "nvidia":
		if h.nvidia == nil {
			if !initialPidNamespace(h.Root) {
				return nil, errors.New("NVIDIA's driver numbers processes as the machine does, and this is a container with numbers of its own")
			}
			s, err := nvidia(h.Root)
			if err != nil {
				return nil, err
			}
			h.nvidia = s
		}
		return []source{h.nvidia}, nil
	case "amd", "intel":
		all := []source{fdinfo{root: h.Root}}
		if h.kfd == nil && d.Vendor == "amd" {
			h.kfd = newKFD(h.Root)
		}
		if h.kfd != nil && d.Vendor == "amd" {
			all = append(all, h.kfd)
		}
		return all, h.tells(filepath.Join(h.Root, d.Node))
	}
	return nil, errors.New("its driver tells nobody which process uses how much")
}

// keyOf is a device's name for its sources.
func keyOf(d Device) string {
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
