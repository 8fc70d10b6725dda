// Package memory limits the memory that a box may use of the GPUs it was granted, and says how strong that limit is.
//
// # Theory of operation
//
//	Choose(Request)     before anything starts: what holds the limit, for each GPU, or a *Refusal
//	Limiter.Confine     when the box's cgroup exists and nothing of the workload has run: writes dmem.max, reads it back
//	Limiter.Start       when the workload runs: the watchers
//	Watch.Stop          when it has ended: what was used, and what the limiter did
//
// Three things can hold a limit, the stronger one first.
//
//   - mig: the granted thing is an instance of a GPU that the hardware has partitioned. The instance is the wall; it is only
//     a limit when it is no larger than the limit.
//   - dmem: the kernel's device memory controller (cgroup v2, Linux 6.14, CONFIG_CGROUP_DMEM) and a driver that registers
//     its memory there. An allocation beyond dmem.max fails, or the driver moves older buffers of the same group out to
//     the machine's memory; see the kernel's admin-guide/cgroup-v2, "DMEM".
//   - watcher: the memory of the box's processes is read several times a second, and the whole box is killed when it is
//     above the limit.
//
// Without a limit nothing is chosen, nothing is read and nothing runs.
//
// # What a watcher is worth
//
// It is no wall, and the report says so. Between two looks a process can allocate all of a GPU's memory; a neighbour's
// allocation may fail meanwhile. And it sees what the drivers tell. AMD's and Intel's tell it by open file
// (drm-usage-stats, fdinfo), so that a command which means to can hide memory behind a mapping whose descriptor it
// closed, in a dma-buf or in a socket's queue; a buffer that two of its processes share is counted twice. NVIDIA's
// tells it by process, as does AMD's for computing (KFD), which is looked at too. That is why the policy says require-hard
// unless somebody writes best-effort.
//
// A watcher that gets no answer for Patience ends the run: a limit that nobody looks after is none.
package memory
