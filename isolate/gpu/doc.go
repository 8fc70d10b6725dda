// Package gpu says what a box needs to use a GPU of this host: which device nodes, libraries, files of /proc and /sys,
// variables and ioctl commands, and nothing more.
//
// # Theory of operation
//
//	Discover(root)        what this host has, read from /proc, /sys, /dev and ld.so.cache; no vendor tool runs
//	Host.Select(words)    the GPUs that "0", "GPU-<uuid>", "MIG-<uuid>", "nvidia.com/gpu=0" or "all" name
//	NewPlan(Grant)        pure: what is added to the box
//
// Everything below an injected root, so that the whole of it runs on a folder of files. The plan is plain data: package
// isolate binds its nodes, writes its files, and puts its numbers into the device cgroup, Landlock and the filter.
//
// # What a grant is worth
//
// A GPU's driver is millions of lines that run in the kernel, and a workload with a GPU talks to them. The filter of
// ioctl commands keeps the top-level surface small; it cannot see the commands behind a pointer (NV_ESC_RM_CONTROL). See
// SECURITY.md.
package gpu
