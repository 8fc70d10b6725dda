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
// # Three ways
//
// The tests of package isolate (suite_linux_test.go) make every probe that has a payload three times. With all layers it
// must be stopped. Without layers it must get through: in a box without those that a box can do without, or on the
// bare host when what stops it is the mount or the pid layer, without which there is no box, or loadlock itself. And
// with each layer alone that Want names it must show that layer's own observation; where another wall stands in front,
// an alteration takes it away. A check that cannot be made without its layer says why (NoWithout), and a test lists
// those.
//
// # GPUs
//
// No box of the suite has a GPU. G-03, G-04 and R-14 start loadlock with --gpu 0 and a Python program that speaks CUDA's
// driver interface (gpu_probe.py); they need a GPU of NVIDIA's and say so where there is none. What else the part G tries
// holds on every machine. testdata/gpu/selftest.sh has more, for a machine with a GPU, and runs these against a stand-in.
//
// # How to write a check
//
// Take the least that shows the point, and make it harmless where it gets through: it does so in CI, as root, without
// layers. Open for writing, and write nothing. Call makes a system call in a process of its own, so that nothing of what
// it does stays. Everything that is made carries Canary.Mark. A near miss that must work is Benign. A check that this
// host cannot make says what it Needs, one that no program can make on a user's machine says why (NotHere); both are
// counted apart and never as stopped.
package attack
