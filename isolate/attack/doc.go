// Package attack is the list of what a hostile workload tries, as one table that is run in two ways: by loadlock
// selftest on the user's own host and in his own policy, and by the tests of package isolate, where every attack is
// also run without the layer that stops it, and must then get through. An attack that nothing stops any more and one
// that tries nothing any more are both found.
//
// Every check has an identifier that does not change:
//
//	F  files, mounts and links              P  /proc and what the kernel tells
//	L  processes, signals, the end of a run N  namespaces, ids, capabilities, cgroups
//	S  system calls                         I  network and interprocess communication
//	R  resources                            D  descriptors, terminal, environment
//	G  GPUs and devices                     V  the gap between validation and load
//	H  this program's own files
//
// # How it works
//
// The payload is this very program, started inside the box under a hidden verb with a list of probes (inside.go). It
// writes one line when a probe begins and one with what was seen. A probe that takes the payload along is observed by
// how the box ended. Who reports nothing has failed: silence is no success. Observations are words, and a probe's Want
// maps each word that is fine to the layer that it shows.
//
// The rest of the package are the canaries (host.go, state.go): a file, a process, listeners and shared memory on the
// host that payloads reach for, and what must be the same before and after.
//
// # How to write a check
//
// Take the least that shows the point, and make it harmless where it gets through: it does so in CI, as root, in a box
// without layers or on the bare host (the latter when its first layer is mount or pid, without which there is no box).
// Open for writing, and write nothing. Call makes a system call in a process of its own, so that nothing of what it
// does stays. Everything that is made carries Canary.Mark.
package attack
