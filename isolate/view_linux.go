package isolate

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/loadlock/loadlock/isolate/gpu"
	"github.com/opencontainers/runc/libcontainer"
)

// View is what the kernel shows about a started box: /proc/<pid> and the cgroup's files.
type View struct {
	Landlock    Strength
	LandlockWhy string

	dir          string // of /proc
	outerFilters int    // seccomp filters that pid 1 began with; -1: not known
	status       map[string][]string
	limits       string
	mountinfo    string
	cgroups      map[string]string // controller ("" on v2) → folder
	ours         map[string]string // namespaces of the supervisor before the start
}

var namespaceFiles = []string{"user", "mnt", "pid", "net", "ipc", "uts", "cgroup"}

// ownNamespaces are the supervisor's namespaces. They are read before the start: libcontainer moves one of our
// threads into the box's mount namespace for a moment, and when that is the main thread it stays there.
func ownNamespaces() map[string]string {
	ns := map[string]string{}
	for _, kind := range namespaceFiles {
		ns[kind], _ = os.Readlink("/proc/thread-self/ns/" + kind)
	}
	return ns
}

func look(dir string, c *libcontainer.Container, ours map[string]string) (View, error) {
	v, err := lookAt(dir)
	if err != nil {
		return v, err
	}
	v.ours, v.outerFilters = ours, v.filters()
	lim, err := os.ReadFile(v.proc("limits"))
	if err != nil {
		return v, fmt.Errorf("observe: %w", err)
	}
	mi, err := os.ReadFile(v.proc("mountinfo"))
	if err != nil {
		return v, fmt.Errorf("observe: %w", err)
	}
	st, err := c.State()
	if err != nil {
		return v, fmt.Errorf("observe: %w", err)
	}
	v.limits, v.mountinfo, v.cgroups = string(lim), string(mi), st.CgroupPaths
	return v, nil
}

// lookAt is what the kernel shows of one process.
func lookAt(dir string) (View, error) {
	v := View{dir: dir, status: map[string][]string{}}
	raw, err := os.ReadFile(v.proc("status"))
	if err != nil {
		return v, fmt.Errorf("observe: %w", err)
	}
	for sc := bufio.NewScanner(bytes.NewReader(raw)); sc.Scan(); {
		if key, value, ok := strings.Cut(sc.Text(), ":"); ok {
			v.status[key] = strings.Fields(value)
		}
	}
	return v, nil
}

// filters is the number of seccomp filters, or -1 on a kernel that does not say.
func (v View) filters() int {
	n, err := strconv.Atoi(strings.Join(v.status["Seccomp_filters"], ""))
	if err != nil {
		return -1
	}
	return n
}

func (v View) proc(name string) string { return v.dir + "/" + name }

func (v View) statusFields(key string) []string { return v.status[key] }

func (v View) statusIs(key, want string) (Strength, string) {
	if got := strings.Join(v.status[key], " "); got != want {
		return Off, fmt.Sprintf("%s is %q", key, got)
	}
	return Full, ""
}

// ownNamespace reports whether the box's namespace differs from the supervisor's.
func (v View) ownNamespace(kind string) (Strength, string) {
	theirs, err := os.Readlink(v.proc("ns/" + kind))
	if err != nil {
		return Off, err.Error()
	}
	if v.ours[kind] == "" || v.ours[kind] == theirs {
		return Off, "same namespace as the supervisor"
	}
	return Full, ""
}

func (v View) rlimit(name string) string {
	for line := range strings.Lines(v.limits) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			if f := strings.Fields(rest); len(f) > 1 {
				return f[1] // the hard limit
			}
		}
	}
	return "unknown"
}

// mounts checks that nothing is mounted that the plan does not name, and that what must be read-only is.
func (v View) mounts(s Spec) (Strength, string) {
	var planned []string // real paths: a bind's target may lead through links of a folder that is bound too
	for _, b := range s.Binds {
		planned = append(planned, filepath.Clean(b.Target))
		if real, err := filepath.EvalSymlinks(b.Target); err == nil {
			planned = append(planned, real)
		}
	}
	for _, m := range s.GPU.Mounts {
		planned = append(planned, m.Target)
		if real, err := filepath.EvalSymlinks(m.Target); err == nil {
			planned = append(planned, real)
		}
	}
	for line := range strings.Lines(v.mountinfo) {
		f := strings.Fields(line)
		if len(f) < 10 {
			return Partial, "mountinfo line not understood"
		}
		target, opts := unescapeMount(f[4]), strings.Split(f[5], ",")
		writable := slices.ContainsFunc(s.Binds, func(b Bind) bool { return b.Write && filepath.Clean(b.Target) == target })
		private := target == "/tmp" || target == "/dev" || target == "/proc" || slices.Contains(ownDevices, target) || strings.HasPrefix(target, "/proc/") ||
			slices.Contains(s.Masks, target) || // a mask is the box's /dev/null or an empty tmpfs
			slices.ContainsFunc(s.GPU.Nodes, func(n gpu.Node) bool { return n.Path == target }) // looked at by observeNodes
		known := private || target == "/" || target == pid1Path ||
			slices.ContainsFunc(planned, func(p string) bool { return under(target, p) })
		switch {
		case !known:
			return Partial, "unplanned mount on " + strconv.Quote(target)
		case !private && !writable && !slices.Contains(opts, "ro"):
			return Partial, strconv.Quote(target) + " is writable"
		case target != "/" && !strings.HasPrefix(target, "/dev") && !strings.HasPrefix(target, "/proc/") && !slices.Contains(s.Masks, target) && !slices.Contains(opts, "nosuid"):
			return Partial, strconv.Quote(target) + " is not nosuid"
		}
	}
	return Full, ""
}

func under(p, dir string) bool {
	return p == dir || strings.HasPrefix(p, strings.TrimSuffix(dir, "/")+"/")
}

// unescapeMount undoes the octal escapes of proc_pid_mountinfo(5).
func unescapeMount(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// cgroupNumber reads the first of the files that exists, in the folder of the controller (v1) or the group (v2).
func (v View) cgroupNumber(controller string, files ...string) int64 {
	for _, dir := range []string{v.cgroups[controller], v.cgroups[""]} {
		if dir == "" {
			continue
		}
		for _, f := range files {
			raw, err := os.ReadFile(filepath.Join(dir, f))
			if err != nil {
				continue
			}
			if n, err := strconv.ParseInt(strings.TrimSpace(string(raw)), 10, 64); err == nil {
				return n
			}
		}
	}
	return -1
}

func (v View) cgroupMemoryMax() int64 {
	return v.cgroupNumber("memory", "memory.limit_in_bytes", "memory.max")
}

func (v View) cgroupPidsMax() int64 { return v.cgroupNumber("pids", "pids.max") }

// deviceList is what is wrong with the list of devices that cgroup v1 shows, devices.list: it lets nobody make a node, and
// has the granted ones. Version 2 shows its program nowhere; there libcontainer fails when the kernel does not take it.
func (v View) deviceList(granted []gpu.Node) string {
	dir := v.cgroups["devices"]
	if dir == "" {
		return ""
	}
	raw, err := os.ReadFile(filepath.Join(dir, "devices.list"))
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	for _, line := range lines {
		if f := strings.Fields(line); len(f) != 3 || f[0] == "a" || strings.Contains(f[2], "m") {
			return "the list of devices has " + strconv.Quote(line)
		}
	}
	for _, n := range granted {
		if !slices.Contains(lines, fmt.Sprintf("c %d:%d rw", n.Major, n.Minor)) {
			return "the list of devices lacks " + n.Path
		}
	}
	return ""
}
