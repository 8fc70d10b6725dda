package runner

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/runner/advise"
	"golang.org/x/sys/unix"
)

// lookBack notes in the report what a command that failed seems to have lacked.
func (r *run) lookBack() {
	r.learned()
	if !r.res.Failed() {
		return
	}
	tail := r.stdio.tail()
	if r.job.learn != nil && r.job.learn.tail != nil {
		tail = r.job.learn.tail()
	}
	r.res.Obstacles = r.postmortem(tail)
	info, err := statOf(r.job.Stderr)
	r.res.StderrUnread = len(tail) == 0 && err == nil && info.Mode()&fs.ModeNamedPipe != 0
}

// postmortem finds out what stood in a command's way, once it has ended: limits that the kernel says were met, then
// what the end of its stderr says, compared with the host and with the plan. It is called for failures only.
func (r *run) postmortem(tail []byte) []advise.Obstacle {
	found := r.limitsMet()
	for _, g := range advise.Read(tail) {
		if o, ok := r.obstacle(g); ok && !slices.ContainsFunc(found, func(x advise.Obstacle) bool { return x.Kind == o.Kind && x.What == o.What }) {
			found = append(found, o)
		}
	}
	return found[:min(len(found), maxObstacles)]
}

// maxObstacles bounds what a report holds of messages that hostile code can write at will.
const maxObstacles = 20

// limitsMet are the limits that the kernel itself says were met.
func (r *run) limitsMet() (found []advise.Obstacle) {
	e, s := r.res.Exit, r.policy.Sandbox
	for _, l := range []struct {
		met        bool
		kind       advise.Kind
		what, flag string
		given      bool
	}{
		{r.res.GPU.exceeded(), advise.GPUMemory, advise.GPUOutOfMemory, "", false},
		{e.OOM && (e.Usage.OOMKills > 0 || !r.res.GPU.exceeded()), advise.Memory, fmt.Sprintf("%d MiB", s.MemoryMB), "--memory", r.job.Flags.MemoryMB != nil},
		{e.Usage.PidsDenied > 0, advise.Pids, fmt.Sprint(s.Pids), "--pids", r.job.Flags.Pids != nil},
		{r.spent(), advise.CPUTime, fmt.Sprintf("%d s", s.CPUTimeSec), "", false},
		{e.Signal == int(unix.SIGBUS), advise.Shm, fmt.Sprintf("%d MiB", s.ShmMB), "--shm-size", r.job.Flags.ShmMB != nil},
		{e.Signal == int(unix.SIGSYS), advise.ForeignABI, "", "", false},
		{e.TimedOut, advise.Timeout, fmt.Sprintf("%d s", s.TimeoutSec), "--timeout", r.job.Flags.TimeoutSec != nil},
	} {
		if l.met {
			o := advise.Obstacle{Kind: l.kind, What: l.what}
			if l.given {
				o.Flag = l.flag
			}
			found = append(found, o)
		}
	}
	return found
}

// spent reports whether the CPU time of a process was used up: the soft and the hard limit are the same, and the kernel
// then sends SIGKILL instead of SIGXCPU (setrlimit(2)). The cgroup counts a little less than the process.
func (r *run) spent() bool {
	e, limit := r.res.Exit, r.policy.Sandbox.CPUTimeSec*int64(time.Second)
	used := limit > 0 && e.Usage.CPU >= limit/4*3
	return e.Signal == int(unix.SIGXCPU) || e.Signal == int(unix.SIGKILL) && !e.OOM && !e.TimedOut && used
}

// obstacle compares one message with what is known. It reports false for what the sandbox has nothing to do with.
func (r *run) obstacle(g advise.Sighting) (o advise.Obstacle, ok bool) {
	o = advise.Obstacle{What: g.What, Text: g.Text, By: g.By}
	s := r.policy.Sandbox
	switch g.Want {
	case advise.WantPath, advise.WantMapping:
		return r.pathObstacle(g, o)
	case advise.WantEnv:
		o.Kind = r.variable(g.What)
	case advise.WantModule:
		o.Kind = advise.ModuleNowhere
		if at := r.moduleOnHost(g.What); at != "" {
			o.Kind, o.Show = advise.ModuleOutside, at
		}
	case advise.WantLibrary:
		o.Kind = advise.LibraryNowhere
		if at := r.libraryOnHost(g.What); at != "" {
			o.Kind, o.Show = advise.LibraryOutside, at
		}
	case advise.WantHost:
		o.Kind = advise.Host
		if s.Network != 0 {
			o.Kind = advise.HostRefused
		}
	case advise.WantSocket:
		o.Kind = advise.Host
		if port, listen := strings.CutPrefix(g.What, "listen"); listen {
			o.Kind, o.What = advise.Listen, strings.TrimSpace(port)
		}
	case advise.WantProcess:
		o.Kind = advise.Process
		if s.Allow.Subprocess {
			return o, false // the limit on processes tells
		}
	case advise.WantTasks:
		o.Kind, o.What = advise.Pids, fmt.Sprint(s.Pids)
	case advise.WantMemory:
		o.Kind = advise.Allocation
	case advise.WantShm:
		o.Kind, o.What = advise.Shm, fmt.Sprintf("%d MiB", s.ShmMB)
		if r.job.Flags.ShmMB != nil {
			o.Flag = "--shm-size"
		}
	case advise.WantSpace:
		o = r.space(o)
	case advise.WantGPU:
		o.Kind = r.gpuObstacle(g)
	case advise.WantFiles:
		o.Kind = advise.Files
	}
	return o, o.Kind != ""
}

// gpuObstacle says what a message of a GPU's libraries means in this run.
func (r *run) gpuObstacle(g advise.Sighting) advise.Kind {
	switch {
	case g.What == advise.NoCUDABuild:
		return advise.GPUBuild
	case g.Warning:
		return advise.GPUWarning
	case !r.spec.GPU.Granted() && r.policy.Sandbox.GPU.Mode == policy.GPUOptional:
		return advise.GPUAbsent
	case !r.spec.GPU.Granted():
		return advise.GPU
	case g.What == advise.GPUOutOfMemory:
		return advise.GPUMemory
	}
	if e, ok := advise.FindGPUError(g.What); ok && e.MayBeOurs() {
		return advise.GPURefused
	}
	return advise.GPUFailed
}

// pathObstacle says why a path could not be used.
func (r *run) pathObstacle(g advise.Sighting, o advise.Obstacle) (advise.Obstacle, bool) {
	if !strings.Contains(g.What, "/") && g.Errno == "ENOENT" && r.spotOf(g.What).host == nil {
		return o, false // a program's name; the shell or Python looked in PATH, and so do the system's folders inside
	}
	p := r.spotOf(g.What)
	o.What = p.path
	writing := g.Errno == "EROFS" || g.Errno == "EACCES" && !p.inside
	switch {
	case g.Want == advise.WantMapping:
		o.Kind = native(p)
	case p.model && p.host != nil && !p.inside:
		o.Kind = advise.PathWithheld
	case writing && !p.write:
		return r.readOnly(p, o), true
	case p.secret != "" && p.host != nil && !p.inside:
		o.Kind, o.Extra = advise.PathSecret, p.secret
	case p.host != nil && !p.inside:
		o.Kind = advise.PathOutside
		o.Show, o.Extra = p.show(r.job.Home)
	case p.inside && g.Errno == "EACCES" && !p.exec && p.host != nil && p.host.Mode()&0o111 != 0 && !p.host.IsDir(),
		g.Errno == "EACCES" && p.write && !p.exec:
		o.Kind = native(p)
	case p.inside && g.Errno == "EACCES" && p.host != nil && p.host.Mode()&0o004 == 0:
		o.Kind, o.Show = advise.PathForeign, p.path
	case p.host == nil && g.Errno == "ENOENT":
		o.Kind = advise.PathNowhere
		if folder := r.spotOf(filepath.Dir(p.path)); folder.host != nil && !folder.inside && folder.secret == "" {
			return r.readOnly(p, o), true // a new file in a folder that exists outside only
		}
	default:
		return o, false
	}
	return o, true
}

// native says which folder's native code was refused.
func native(p spot) advise.Kind {
	if within(p.path, "/tmp") && p.write {
		return advise.PathNoExec
	}
	return advise.PathInert
}

// readOnly proposes where a write could go: the folder itself, and where that can be replaced by an empty one, --output.
func (r *run) readOnly(p spot, o advise.Obstacle) advise.Obstacle {
	folder := filepath.Dir(p.path)
	if p.host != nil && p.host.IsDir() {
		folder = p.path
	}
	for folder != "/" { // the nearest folder that exists
		if info, err := os.Stat(folder); err == nil && info.IsDir() {
			break
		}
		o.Output = folder
		folder = filepath.Dir(folder)
	}
	o.Kind, o.Show = advise.PathReadOnly, folder
	if why := secretPlace(folder, r.job.Home); why != "" || slices.ContainsFunc(systemRoots, func(s string) bool { return within(folder, s) }) {
		o.Kind, o.Show = advise.PathSystem, ""
	} else if list, err := os.ReadDir(folder); o.Output == "" && err == nil && len(list) == 0 {
		o.Output = folder
	}
	return o
}

// systemRoots are never proposed to be written.
var systemRoots = []string{"/usr", "/etc", "/boot", "/lib", "/lib64", "/bin", "/sbin", "/opt"}

// variable says why a variable was not there.
func (r *run) variable(name string) advise.Kind {
	_, have := environMap(r.job.Env)[name]
	switch {
	case !have:
		return advise.EnvNowhere
	case refusedName(name) != "":
		return advise.EnvRefused
	case matches(environSecret, strings.ToUpper(name)):
		return advise.EnvSecret
	}
	return advise.EnvNotPassed
}

// space says which of the box's own file systems was full.
func (r *run) space(o advise.Obstacle) advise.Obstacle {
	s := r.policy.Sandbox
	switch {
	case within(o.What, "/dev/shm"):
		o.Kind, o.What = advise.Shm, fmt.Sprintf("%d MiB", s.ShmMB)
		if r.job.Flags.ShmMB != nil {
			o.Flag = "--shm-size"
		}
	case within(o.What, "/tmp"):
		o.Kind, o.What = advise.Tmp, fmt.Sprintf("%d MiB", s.TmpMB)
	default:
		o.Kind, o.What = advise.Space, ""
	}
	return o
}

// moduleOnHost finds a Python module where the caller's interpreter would look and the one inside does not: PYTHONPATH,
// the working directory (for -c and -m), the user's own site-packages.
func (r *run) moduleOnHost(name string) string {
	top, _, _ := strings.Cut(name, ".")
	env := environMap(r.job.Env)
	folders := append(filepath.SplitList(env["PYTHONPATH"]), r.job.Dir)
	user, _ := filepath.Glob(filepath.Join(r.job.Home, ".local/lib/python3*/site-packages"))
	for _, f := range append(folders, user...) {
		if !filepath.IsAbs(f) {
			continue
		}
		for _, form := range []string{top, top + ".py"} {
			if info, err := os.Stat(filepath.Join(f, form)); err == nil && (info.Mode().IsRegular() || info.IsDir()) {
				return f
			}
		}
	}
	return ""
}

// libraryOnHost finds a library in the caller's LD_LIBRARY_PATH and the usual folders that are not visible inside.
func (r *run) libraryOnHost(name string) string {
	if l, short := strings.CutPrefix(name, "-l"); short {
		name = "lib" + l + ".so"
	}
	folders := append(filepath.SplitList(environMap(r.job.Env)["LD_LIBRARY_PATH"]), "/usr/local/lib", "/opt/cuda/lib64", "/usr/local/cuda/lib64")
	if dir := filepath.Dir(name); filepath.IsAbs(dir) {
		folders, name = []string{dir}, filepath.Base(name)
	}
	for _, f := range folders {
		at := filepath.Join(f, filepath.Base(name))
		if info, err := os.Stat(at); err == nil && info.Mode().Type()&fs.ModeType == 0 && !r.spotOf(at).inside {
			return f
		}
	}
	return ""
}
