// Package gpu says what a box needs to use a GPU of this host: which device nodes, libraries, files of /proc and /sys,
// variables and ioctl commands, and nothing more.
//
// # Theory of operation
//
//	Discover(root)        what this host has, read from /proc, /sys, /dev and ld.so.cache; no vendor tool runs
//	Host.Select(words)    the GPUs that "0", "GPU-<uuid>", "mig:0:1:0", "nvidia.com/gpu=0" or "all" name
//	NewPlan(Grant)        pure: what is added to the box
//
// Everything below an injected root, so that the whole of it runs on a folder of files (package gputest makes such
// folders). The plan is plain data: package isolate binds its nodes, writes its files, and puts its numbers into the
// device cgroup, Landlock and the filter.
//
// Every reading is bounded (tree.go), and what of the host ends in a path, a variable or a message has a checked shape
// (shape.go). A host that is broken or lies, a node with another number, a library of another version than the kernel
// module, gives a Problem with what to do next: Select and NewPlan refuse the GPUs it concerns.
//
// # What a box sees
//
// NVIDIA: /dev/nvidiactl, /dev/nvidia-uvm and the GPU's own node; in /proc/driver the version, the parameters (which say
// that device files are not for user space) and the granted GPUs' information; in /sys eight attributes of each granted
// PCI device, under its true path, whose folders' names show the bridges above. Of a divided GPU (MIG) the two capability
// nodes of each granted instance, and never config or monitor, which manage instances. With an instance the GPU's own
// node comes along; the driver lets a process that is not the host's root use only the instances it holds nodes of.
//
// AMD: /dev/kfd, which all GPUs share, and the GPU's render node. Of the other GPUs the topology shows that they exist,
// and nothing else: ROCm numbers nodes without a gap (amd.go).
//
// Intel: the render node. WSL2, best effort: /dev/dxg, which is every GPU of Windows.
//
// # MIG by number
//
// Which instance a MIG-<uuid> is, only NVML can tell; this package has none. Instances are named mig:<gpu>:<gi>:<ci>, by
// the numbers of "nvidia-smi mig -lgi" and "-lci". CUDA_VISIBLE_DEVICES is then the instance's place among what is
// reachable inside.
//
// # What a grant is worth
//
// A GPU's driver is millions of lines that run in the kernel, and a workload with a GPU talks to them. The filter of
// ioctl commands keeps the top-level surface small; it cannot see the commands behind a pointer (NV_ESC_RM_CONTROL). See
// SECURITY.md.
package gpu
