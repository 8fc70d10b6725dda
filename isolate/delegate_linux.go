package isolate

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// On cgroup v2 a group either holds processes or gives limits to its children, never both (the kernel's cgroup-v2
// document, "No Internal Process Constraint"). A user who was given a group, as systemd-run --user --scope -p
// Delegate=yes does, is in it: the supervisor steps into a leaf of its own before it makes the box's group beside it.

// supervisorLeaf is that leaf. Its name tells the next FindCgroup of the same process where it comes from.
const supervisorLeaf = "loadlock.supervisor"

// delegated finds the group below which this user may make groups with limits: the own one when nobody else is
// in it, or the one that its supervisor left for the leaf.
func delegated(own string) (base string, ok bool) {
	if filepath.Base(own) == supervisorLeaf {
		return filepath.Dir(own), limitsChildren(filepath.Dir(own))
	}
	return own, writable(own) && lists(own, "cgroup.controllers", "memory", "pids") && lists(own, "cgroup.procs", fmt.Sprint(os.Getpid())) &&
		len(words(own, "cgroup.procs")) == 1
}

// limitsChildren reports whether new children of a group can be limited, and a process moved to them: a move
// needs the right to write cgroup.procs of the common ancestor (cgroup-v2, "Delegation Containment").
func limitsChildren(group string) bool {
	return writable(group) && lists(group, "cgroup.subtree_control", "memory", "pids")
}

func writable(group string) bool {
	for _, file := range []string{".", "cgroup.procs", "cgroup.subtree_control"} {
		if unix.Access(groupFile(group, file), unix.W_OK) != nil {
			return false
		}
	}
	return true
}

func groupFile(group, file string) string { return filepath.Join("/sys/fs/cgroup", group, file) }

func words(group, file string) []string {
	raw, _ := os.ReadFile(groupFile(group, file)) // what cannot be read lists nothing
	return strings.Fields(string(raw))
}

func lists(group, file string, all ...string) bool {
	have := words(group, file)
	return !slices.ContainsFunc(all, func(w string) bool { return !slices.Contains(have, w) })
}

// stepAside moves this process from base to the leaf, when it is in base, and turns the controllers on for
// base's children. back undoes that; it is never nil.
func stepAside(base string) (back func(), err error) {
	back = func() {}
	own, err := ownGroup()
	if err != nil || own != base {
		return back, err
	}
	leaf := filepath.Join(base, supervisorLeaf)
	if err := os.Mkdir(groupFile(leaf, "."), 0o755); err != nil && !os.IsExist(err) {
		return back, fmt.Errorf("supervisor's cgroup: %w", err)
	}
	back = func() { stepBack(base) }
	if err := writeGroup(leaf, "cgroup.procs", "0"); err != nil { // 0: whoever writes
		return back, fmt.Errorf("supervisor's cgroup: %w", err)
	}
	for _, controller := range []string{"memory", "pids", "cpu"} {
		if err := writeGroup(base, "cgroup.subtree_control", "+"+controller); err != nil && controller != "cpu" {
			return back, fmt.Errorf("cgroup %s: %w", base, err)
		}
	}
	return back, nil
}

// stepBack leaves base as it was found. Where another box or supervisor lives in it, it must keep its
// controllers, and the leaf stays; the same where the kernel refuses a step.
func stepBack(base string) {
	leaf := filepath.Join(base, supervisorLeaf)
	children, _ := filepath.Glob(groupFile(base, "*/cgroup.procs"))
	if len(children) > 1 || len(words(leaf, "cgroup.procs")) > 1 {
		return
	}
	for _, controller := range words(base, "cgroup.subtree_control") {
		_ = writeGroup(base, "cgroup.subtree_control", "-"+controller)
	}
	_ = writeGroup(base, "cgroup.procs", "0")
	_ = unix.Rmdir(groupFile(leaf, "."))
}

func writeGroup(group, file, text string) error {
	return os.WriteFile(groupFile(group, file), []byte(text), 0)
}
