package memory

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Holder is a process that has a GPU's node open.
type Holder struct {
	Pid  int    `json:"pid"`
	Name string `json:"name"` // as it calls itself
	Node string `json:"node"`
}

// maxHolders bounds a list that other users' processes fill.
const maxHolders = 16

// Holders are the processes that have one of these nodes open, without this one and without the driver's own daemon, and
// how many processes could not be looked at: those of other users, for whoever is not root. Only names are compared; no
// file of another process is touched, which could wait for a file system of its.
func Holders(root string, nodes []string) (list []Holder, unseen int) {
	procs, _ := filepath.Glob(filepath.Join(root, "proc/[0-9]*")) // the only error is a bad pattern
	for _, dir := range procs {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil || pid == os.Getpid() {
			continue
		}
		fds, err := os.ReadDir(filepath.Join(dir, "fd"))
		if os.IsPermission(err) {
			unseen++
		}
		for _, fd := range fds {
			to, err := os.Readlink(filepath.Join(dir, "fd", fd.Name()))
			if err != nil || !slices.Contains(nodes, to) || isDaemon(dir) {
				continue
			}
			if len(list) < maxHolders {
				name, _ := os.ReadFile(filepath.Join(dir, "comm")) // it may have ended
				list = append(list, Holder{Pid: pid, Name: strings.TrimSuffix(string(name), "\n"), Node: to})
			}
			break
		}
	}
	slices.SortFunc(list, func(a, b Holder) int { return a.Pid - b.Pid })
	return list, unseen
}

// isDaemon reports whether a process is nvidia-persistenced, which keeps every GPU open and uses none. The name that a
// process gives itself proves nothing; its program's file does.
func isDaemon(dir string) bool {
	exe, err := os.Readlink(filepath.Join(dir, "exe"))
	return err == nil && exe == "/usr/bin/nvidia-persistenced"
}
