// Package cdi reads specs of the Container Device Interface as data: files in which vendors' tools say what a device
// consists of (github.com/cncf-tags/container-device-interface, SPEC.md).
//
// # Theory of operation
//
//	Load(root, dirs…)          the specs of /etc/cdi, /var/run/cdi and --cdi-dir that may be believed
//	Specs.Select(host, words)  the discovered GPUs that words such as "nvidia.com/gpu=0" mean, by device number, and
//	Specs.Offer(name, host)    what a name stands for, as far as the rules allow it
//	Offer.Settle(plan)         the record: what was offered, what was refused of it, what was granted
//
// A name selects GPUs, and that is all it does. What a box gets is the plan that package gpu makes from its own
// discovery; nothing is mounted, set or run because a spec says so. So a spec can at most name a GPU that is really there.
// Everything else that it offers is judged by the rules below and goes into the record.
//
// # Why not let the library do it
//
// Tools write these files, and every escape of NVIDIA's container toolkit so far was in a hook or in mount work done for
// one (CVE-2024-0132, CVE-2025-23266, CVE-2025-23359). The library's cache applies edits to an OCI spec: hooks, any
// mount, any variable, any device. We use its types and its rules for versions and names, and nothing that edits; the
// tests use the rest of it to show what it would have let through.
//
// # Rules
//
//	file      regular, at most 1 MiB, of root or of the caller, writable by nobody else, in a folder and below folders
//	          of the same kind; read from the descriptor that was checked
//	text      YAML (JSON is YAML) of the known fields; one document, no aliases, anchors, tags, merge keys, directives,
//	          or repeated keys
//	node      below /dev, under the same path inside, a character device, its major number that of a GPU's driver in
//	          /proc/devices; the numbers in the spec, when it has any, are the real ones. One that is not fails the name
//	mount     a read-only bind of a regular file that really lies in a folder of driver libraries
//	env       NVIDIA_VISIBLE_DEVICES, NVIDIA_DRIVER_CAPABILITIES, NVIDIA_CTK_LIBCUDA_DIR, CUDA_VISIBLE_DEVICES,
//	          CUDA_DEVICE_ORDER
//	gid       not 0
//	hooks, network devices, intelRdt: never
//
// What breaks a rule other than those of nodes is refused one by one, counted, and named in the record; Specs.Strict
// makes it fail the name.
package cdi
