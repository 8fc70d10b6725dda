package attack

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// ownBinary are attacks on this program: its file, its environment, its channel into the box, its folders.
func ownBinary() []Check {
	const busy = "the kernel says that the program is running (ETXTBSY) before it says that the mount is read-only"
	const traces = "who has CAP_SYS_PTRACE may look into the first process all the same"
	ours := []string{Ours}
	return []Check{
		{ID: "H-01", Title: "overwrites loadlock through /proc or where it is mounted", Refs: []string{"CVE-2019-5736"}, Layers: []string{"user", "mount"},
			NotAlone: map[string]string{"mount": busy}, Probes: []Probe{
				{Name: "program", Try: func(in *Inside) string { return Write(in.Program) }, Want: Saw{"EACCES": "user", "EROFS": "mount"}, Through: []string{"ETXTBSY", "through"}},
				{Name: "own-exe", Try: func(*Inside) string { return Write("/proc/self/exe") }, Want: Saw{"EACCES": "user", "EROFS": "mount"}, Through: []string{"ETXTBSY", "through"}},
				{Name: "unchanged", Look: func(h *Host, _ Ended) string { return yes(h.programUnchanged(), "unchanged", "changed") }, Want: Saw{"unchanged": "mount"}},
			}},
		{ID: "H-02", Title: "steers loadlock's own start through its environment", Refs: []string{"ld.so(8)", "runtime, GODEBUG"}, Layers: ours, NoWithout: "the second probe does it on the bare host", Probes: []Probe{
			{Name: "environment", Drive: func(h *Host) string { return h.run(steered, h.payload("H-02/steered")).word("H-02/steered") }, Want: Saw{"absent": Ours}},
			{Name: "on-the-bare-host", Drive: func(h *Host) string { return h.bare(steered, h.payload("H-02/steered")).word("H-02/steered") }, Want: Saw{"present": ""}, Benign: true},
			{Name: "steered", Try: func(*Inside) string { return yes(strings.Contains(environ(), steer), "present", "absent") }, Want: Saw{"absent": Ours}},
		}},
		{ID: "H-03", Title: "reads and writes the channel between loadlock and the box's first process", Refs: []string{"unix(7)"}, Layers: ours, NotAlone: map[string]string{Ours: traces}, NoWithout: "without a box there is no such channel", Probes: []Probe{
			{Name: "descriptors-of-the-first-process", Try: func(*Inside) string { return channel() }, Want: Saw{"EACCES": Ours}},
		}},
		{ID: "H-04", Title: "finds what the previous tenant of a prepared box left", NotHere: "there are no prepared boxes: a box is made for one command and removed after it"},
		{ID: "H-05", Title: "reaches the server that forks interpreters", NotHere: "there is none"},
		{ID: "H-06", Title: "takes the place of a run's folder, or the same one twice", Refs: []string{"symlink(7)"}, Layers: ours, NoWithout: "without us there are no folders", Probes: []Probe{
			{Name: "eight-at-once", Drive: atOnce, Want: Saw{"all-apart": Ours}},
			{Name: "planted-link", Drive: plantedLink, Want: Saw{"refused": Ours, "only-root-writes-there": Ours}},
		}},
		{ID: "H-07", Title: "uses an engine with known holes", Refs: []string{"CVE-2025-31133", "CVE-2025-52565", "CVE-2025-52881", "CVE-2024-21626", "CVE-2024-45310"}, Layers: ours, NoWithout: "the engine is part of this program", Probes: []Probe{
			{Name: "libcontainer", Drive: func(*Host) string { return engine() }, Want: Saw{"fixed": Ours}},
		}},
	}
}

// steer is the value of everything that steers a program's start.
const steer = "/nonexistent/selftest-steer"

func steered(cmd *exec.Cmd) {
	cmd.Env = append(os.Environ(), "LD_PRELOAD="+steer, "LD_LIBRARY_PATH="+steer, "LD_AUDIT="+steer, "GODEBUG=x="+steer, "GOTRACEBACK="+steer,
		"GLIBC_TUNABLES="+steer, "MALLOC_TRACE="+steer, "PYTHONPATH="+steer)
}

// channel looks at where the descriptors of the first process lead; their numbers are no secret.
func channel() string {
	var saw []string
	for fd := range 8 {
		if _, err := os.Readlink(fmt.Sprint("/proc/1/fd/", fd)); !errors.Is(err, fs.ErrNotExist) {
			saw = append(saw, Errno(err))
		}
	}
	return Worst([]string{"EACCES"}, saw...)
}

// programUnchanged compares this program's file with the one that runs: they are the same, and it has not been written
// to since.
func (h *Host) programUnchanged() bool {
	file, err := os.ReadFile(h.Program)
	running, err2 := os.ReadFile("/proc/self/exe")
	return err == nil && err2 == nil && bytes.Equal(file, running)
}

func atOnce(h *Host) string {
	var ids sync.Map
	var wg sync.WaitGroup
	saw := make([]string, 8)
	for i := range saw {
		wg.Go(func() {
			at, done, err := plantModel(h, model())
			if err != nil {
				saw[i] = Errno(err)
				return
			}
			defer done()
			at.Dir = filepath.Dir(at.Model) // where its report goes
			d := at.run(nil, at.payload("V-01/inside"))
			_, same := ids.LoadOrStore(d.Report.ID, true)
			saw[i] = yes(d.Code == 0 && d.Report.ID != "" && !same, "all-apart", d.word("V-01/inside"))
		})
	}
	wg.Wait()
	return Worst([]string{"all-apart"}, saw...)
}

// plantedLink puts a link where an ordinary user's run folders go.
func plantedLink(h *Host) string {
	if os.Geteuid() == 0 {
		return "only-root-writes-there"
	}
	runtime := filepath.Join(h.Dir, "runtime")
	defer os.RemoveAll(runtime)
	if err := os.Mkdir(runtime, 0o700); err != nil {
		return Errno(err)
	}
	if err := os.Symlink(h.Model, filepath.Join(runtime, "loadlock")); err != nil {
		return Errno(err)
	}
	d := h.run(func(cmd *exec.Cmd) { cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+runtime) }, h.payload("V-01/inside"))
	return yes(d.Code == 125, "refused", d.word("V-01/inside"))
}

// engine says whether the libcontainer in this program has the fixes of runc 1.2.8, 1.3.3 and 1.4.0.
func engine() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	fixed := map[string]int{"1.2": 8, "1.3": 3, "1.4": 0}
	for _, m := range info.Deps {
		if m.Path != "github.com/opencontainers/runc" {
			continue
		}
		part := strings.SplitN(strings.TrimPrefix(m.Version, "v"), ".", 3)
		if len(part) != 3 || strings.Contains(part[2], "-") {
			return "unknown"
		}
		minor, _ := strconv.Atoi(part[1])
		patch, _ := strconv.Atoi(part[2])
		least, listed := fixed[part[0]+"."+part[1]]
		return yes(part[0] == "1" && (minor > 4 || listed && patch >= least), "fixed", "holes")
	}
	return "unknown"
}

// asNobody starts a command as a user who owns nothing.
func asNobody(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
}
