package isolate

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
)

// usage reads what the cgroup counted. Files and their meaning: the kernel's cgroup-v1/memory, cgroup-v1/pids
// and cgroup-v2 documents.
func (b *Box) usage() Usage {
	u := Usage{PeakMemory: -1, PeakPids: -1, PidsDenied: -1}
	st, err := b.container.State()
	if err != nil || b.spec.Host.Cgroup == "" {
		return u
	}
	v := View{cgroups: st.CgroupPaths}
	// First what decides the outcome: systemd removes the group of an empty scope, files and all.
	u.OOMKills = max(0, v.cgroupKey("memory", "memory.oom_control", "oom_kill"), v.cgroupKey("", "memory.events", "oom_kill"))
	u.PidsDenied = v.cgroupKey("pids", "pids.events", "max")
	u.PeakMemory = v.cgroupNumber("memory", "memory.max_usage_in_bytes", "memory.peak")
	u.PeakPids = v.cgroupNumber("pids", "pids.peak")
	u.CPU = b.cgroupCPU()
	return u
}

// cgroupKey reads one "key value" line of a flat-keyed file.
func (v View) cgroupKey(controller, file, key string) int64 {
	for _, dir := range []string{v.cgroups[controller], v.cgroups[""]} {
		if dir == "" {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(raw)) {
			if f := strings.Fields(line); len(f) == 2 && f[0] == key {
				if n, err := strconv.ParseInt(f[1], 10, 64); err == nil {
					return n
				}
			}
		}
	}
	return -1
}

// killOnOOM ends the whole box when one of its processes was killed for memory: cgroup v1 has no
// memory.oom.group. On v2 the kernel does it, but not under systemd, which removes the counters of an empty scope before
// they can be read.
func (b *Box) killOnOOM() (stop func()) {
	if b.spec.Host.Cgroup == "" || unified() && !b.spec.Host.Systemd {
		return func() {}
	}
	oom, err := b.container.NotifyOOM()
	if err != nil {
		return func() {}
	}
	var stopped atomic.Bool
	go func() {
		// Until the channel is closed with the cgroup: libcontainer's sender would wait for ever with its descriptors.
		for range oom {
			if !stopped.Load() { // the notice comes before the kernel's own kill, which then may find nothing left to count
				u := b.usage()
				b.oom.CompareAndSwap(nil, &u) // a second notice comes when the group is gone
				b.kill()
			}
		}
	}()
	return func() { stopped.Store(true) }
}
