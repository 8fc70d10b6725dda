package isolate

import (
	"fmt"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// cfsPeriod is the kernel's default CPU bandwidth period, microseconds.
const cfsPeriod = 100_000

// cgroupLayer limits memory, processes and CPU for the whole group, and which devices may be opened. Memory
// above the limit kills the whole group; swap is not available.
var cgroupLayer = Layer{
	Name: "cgroup", Doc: "memory, processes, CPU and devices are limited for the whole group",
	Remedy: "run as root; or with cgroup v2 and systemd: systemd-run --user --scope -p Delegate=yes loadlock …; or name the layer in optional_layers of your policy and accept that nothing limits memory and processes",
	Probe:  probeCgroup,
	Configure: func(oci *specs.Spec, s Spec) error {
		oci.Linux.Namespaces = append(oci.Linux.Namespaces, specs.LinuxNamespace{Type: specs.CgroupNamespace})
		if s.Host.Cgroup == "" {
			return nil
		}
		oci.Linux.CgroupsPath = s.Host.Cgroup
		bytes := s.Sandbox.MemoryMB << 20
		r := &specs.LinuxResources{
			Memory: &specs.LinuxMemory{Limit: &bytes},
			Pids:   &specs.LinuxPids{Limit: &s.Sandbox.Pids},
		}
		if s.Host.SwapFile {
			r.Memory.Swap = &bytes // memory+swap: no swap on top
		}
		if q := int64(s.Sandbox.CPUs * cfsPeriod); s.Sandbox.CPUs < float64(processors()) {
			period := uint64(cfsPeriod)
			r.CPU = &specs.LinuxCPU{Quota: &q, Period: &period}
		}
		if unified() && !s.Host.Systemd { // who ends the others there: killOnOOM
			r.Unified = map[string]string{"memory.oom.group": "1"}
		}
		if !s.Host.Rootless {
			r.Devices = append([]specs.LinuxDeviceCgroup{{Allow: false, Access: "rwm"}}, gpuDevices(s.GPU)...)
		}
		oci.Linux.Resources = r
		return nil
	},
	Observe: func(v View, s Spec) (Strength, string) {
		if s.Host.Cgroup == "" {
			return Off, "no cgroup could be made"
		}
		if st, why := v.ownNamespace("cgroup"); st != Full {
			return st, why
		}
		if got := v.cgroupMemoryMax(); got != s.Sandbox.MemoryMB<<20 {
			return Partial, fmt.Sprintf("memory limit is %d", got)
		}
		if got := v.cgroupPidsMax(); got != s.Sandbox.Pids {
			return Partial, fmt.Sprintf("pids limit is %d", got)
		}
		if !s.Host.SwapFile && swapExists() {
			return Partial, "swap is not accounted on this kernel (swapaccount=1)"
		}
		if !s.Host.Rootless && initialUserNamespace() { // nobody else may change the list; what exists in the box is the control then
			if why := v.deviceList(s.GPU.Nodes); why != "" {
				return Partial, why
			}
		}
		return Full, ""
	},
}
