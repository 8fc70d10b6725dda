package isolate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/opencontainers/runc/libcontainer"
	"github.com/opencontainers/runc/libcontainer/configs"
	"github.com/opencontainers/runc/libcontainer/specconv"
	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"
)

// Box is one sandbox for one command. Start confines pid 1, which then waits; Release lets it start the
// workload; Wait tells how that ended; Close removes everything. One box, one command.
type Box struct {
	Enforced []Enforcement // after Start; Landlock is added by Release

	spec      Spec
	off       []string // optional layers this host does not give
	container *libcontainer.Container
	process   *libcontainer.Process
	control   control
	pid       int
	ours      map[string]string
	started   bool // the workload was executed
	grace     time.Duration
	alter     func(*specs.Spec) // tests take a second wall away to see the first one
	oom       atomic.Bool       // cgroup v1 told us that the memory limit was met
	back      func()            // out of the leaf of a delegated cgroup; see stepAside
	closeOnce sync.Once
	closeErr  error
}

// New plans a box. Layers that the host lacks and the policy calls optional are left out; a required one that
// is missing is a *LayerError.
func New(s Spec) (*Box, error) {
	logrus.SetOutput(io.Discard) // libcontainer warns there; stderr belongs to the command, and errors come back as errors
	b := &Box{spec: s, ours: ownNamespaces(), grace: grace}
	for _, l := range Layers() {
		err := l.Probe()
		if err == nil {
			continue
		}
		if !slices.Contains(s.Sandbox.UnsafeOptional, l.Name) {
			return nil, &LayerError{Layer: l.Name, Remedy: l.Remedy, Err: err}
		}
		b.off = append(b.off, l.Name)
	}
	if slices.Contains(b.off, "cgroup") {
		b.spec.Host.Cgroup = ""
	}
	return b, nil
}

// Plan is the OCI runtime spec of the box.
func (b *Box) Plan() (*specs.Spec, error) { return Bundle(b.spec, b.off) }

// Start creates the box and runs pid 1 in it, confined and waiting. No byte of the workload executes.
func (b *Box) Start(ctx context.Context) error {
	// The end of the thread that forks is the end of libcontainer's first stage (PR_SET_PDEATHSIG). A locked thread is
	// ours alone: no other goroutine can take it along when it ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := b.create(); err != nil {
		return err
	}
	if err := b.container.Exec(); err != nil {
		return fmt.Errorf("exec of pid 1: %w", err)
	}
	if m, err := b.hello(ctx); err != nil || m.Kind != msgHello {
		return fmt.Errorf("pid 1 did not answer (%q): %w", m.Kind, errors.Join(err, ctx.Err()))
	}
	return b.observe()
}

// create brings libcontainer's init to the point where it waits for the word to execute pid 1.
func (b *Box) create() error {
	oci, err := b.Plan()
	if err != nil {
		return err
	}
	if b.alter != nil {
		b.alter(oci)
	}
	if err := b.skeleton(); err != nil {
		return err
	}
	config, err := specconv.CreateLibcontainerConfig(&specconv.CreateOpts{
		CgroupName: b.spec.ID, Spec: oci, RootlessEUID: b.spec.Host.Rootless,
		// An ordinary user may not load a device list (BPF). That alone is forgiven here; observe sees the limits.
		RootlessCgroups: b.spec.Host.Cgroup == "" || b.spec.Host.Rootless, UseSystemdCgroup: b.spec.Host.Systemd,
	})
	if err != nil {
		return fmt.Errorf("libcontainer configuration: %w", err)
	}
	config.ParentDeathSignal = int(unix.SIGKILL)
	if b.spec.Host.Rootless && b.spec.Host.Cgroup != "" && !b.spec.Host.Systemd {
		if b.back, err = stepAside(filepath.Dir(b.spec.Host.Cgroup)); err != nil {
			return &LayerError{Layer: cgroupLayer.Name, Remedy: cgroupLayer.Remedy, Err: err}
		}
	}
	if b.container, err = libcontainer.Create(b.stateRoot(), b.spec.ID, config); err != nil {
		return fmt.Errorf("create: %w", err)
	}
	return b.startPid1(oci)
}

func (b *Box) stateRoot() string { return filepath.Join(b.spec.RunDir, "state") }

// skeleton makes the folders that Create needs.
func (b *Box) skeleton() error {
	root := filepath.Join(b.spec.RunDir, "rootfs")
	for _, dir := range []string{root, b.stateRoot()} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("run folder: %w", err)
		}
	}
	for link, target := range b.spec.Symlinks {
		at := filepath.Join(root, link)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			return fmt.Errorf("run folder: %w", err)
		}
		if err := os.Symlink(target, at); err != nil && !errors.Is(err, os.ErrExist) {
			return fmt.Errorf("run folder: %w", err)
		}
	}
	for name, text := range b.spec.Etc {
		at := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			return fmt.Errorf("run folder: %w", err)
		}
		if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
			return fmt.Errorf("run folder: %w", err)
		}
	}
	if !b.spec.Host.Rootless { // mount points are made by the box's own id 0
		return filepath.WalkDir(root, func(p string, _ os.DirEntry, err error) error {
			if err != nil {
				return err
			}
			return os.Lchown(p, int(b.spec.Host.IDBase), int(b.spec.Host.IDBase))
		})
	}
	return nil
}

func (b *Box) startPid1(oci *specs.Spec) error {
	ours, theirs, err := newControl()
	if err != nil {
		return err
	}
	defer theirs.Close()
	b.control = ours
	nnp := oci.Process.NoNewPrivileges
	b.process = &libcontainer.Process{
		Args: oci.Process.Args, Env: oci.Process.Env, Cwd: oci.Process.Cwd, Init: true,
		UID: int(oci.Process.User.UID), GID: int(oci.Process.User.GID),
		ExtraFiles: []*os.File{theirs}, NoNewPrivileges: &nnp,
		LogLevel: "2", // capabilities come with the container's configuration
	}
	// A nil *os.File in an interface is not nil: the descriptor would be closed, not /dev/null.
	if b.spec.Stdin != nil {
		b.process.Stdin = b.spec.Stdin
	}
	if b.spec.Stdout != nil {
		b.process.Stdout = b.spec.Stdout
	}
	if b.spec.Stderr != nil {
		b.process.Stderr = b.spec.Stderr
	}
	for _, l := range oci.Process.Rlimits {
		n, err := rlimitNumber(l.Type)
		if err != nil {
			return err
		}
		b.process.Rlimits = append(b.process.Rlimits, configs.Rlimit{Type: n, Soft: l.Soft, Hard: l.Hard})
	}
	if err := b.container.Start(b.process); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	if b.pid, err = b.process.Pid(); err != nil {
		return fmt.Errorf("pid: %w", err)
	}
	return nil
}

func (b *Box) hello(ctx context.Context) (message, error) {
	stop := context.AfterFunc(ctx, func() { b.kill() })
	defer stop()
	return b.control.receive()
}

// observe asks the kernel about every layer. A required layer that is not fully there ends the start.
func (b *Box) observe() error {
	v, err := look(b.pid, b.container, b.ours)
	if err != nil {
		return err
	}
	for _, l := range Layers() {
		e := Enforcement{Layer: l.Name}
		switch {
		case slices.Contains(b.off, l.Name):
			e.Why = "not available on this host; optional in the policy"
		case l.Name == landlockLayer.Name:
			e.Why = "enforced just before the command"
		default:
			e.Strength, e.Why = l.Observe(v, b.spec)
			shared := e.Strength == Off && l.Name == netLayer.Name && b.spec.Sandbox.Allow.NetworkAccess
			if e.Strength != Full && !shared && !slices.Contains(b.spec.Sandbox.UnsafeOptional, l.Name) {
				return &LayerError{Layer: l.Name, Remedy: l.Remedy, Err: fmt.Errorf("the kernel shows it as %s: %s", e.Strength, e.Why)}
			}
		}
		b.Enforced = append(b.Enforced, e)
	}
	return nil
}

// Root is the box's root directory as the supervisor sees it, valid between Start and Release.
func (b *Box) Root() string { return fmt.Sprintf("/proc/%d/root", b.pid) }

// Signal forwards a signal to the command.
func (b *Box) Signal(sig unix.Signal) error { return b.control.signal(sig) }

// grace is how long a command has between SIGTERM and SIGKILL, unless a test is in a hurry.
const grace = 5 * time.Second

// Wait waits for the command. It ends it when the time limit passes or ctx is over: SIGTERM, a grace period,
// SIGKILL to everything.
func (b *Box) Wait(ctx context.Context) (Exit, error) {
	var timedOut bool
	var mu sync.Mutex
	end := func(timeout bool) {
		mu.Lock()
		timedOut = timedOut || timeout
		mu.Unlock()
		_ = b.Signal(unix.SIGTERM)
	}
	limit := time.Duration(b.spec.Sandbox.TimeoutSec) * time.Second
	soft := time.AfterFunc(limit, func() { end(true) })
	hard := time.AfterFunc(limit+b.grace, b.kill)
	defer soft.Stop()
	defer hard.Stop()
	stop := context.AfterFunc(ctx, func() {
		end(false)
		time.AfterFunc(b.grace, b.kill)
	})
	defer stop()
	oomDone := b.killOnOOM()
	defer oomDone()

	m, err := b.control.receive()
	exit := Exit{Usage: b.usage()}
	mu.Lock()
	exit.TimedOut = timedOut
	mu.Unlock()
	exit.OOM = exit.Usage.OOMKills > 0 || b.oom.Load()
	switch {
	case errors.Is(err, io.EOF): // pid 1 was killed with everything else
		exit.Signal = int(unix.SIGKILL)
	case err != nil:
		return exit, fmt.Errorf("control socket: %w", err)
	default:
		ws := unix.WaitStatus(m.Value)
		if ws.Signaled() {
			exit.Signal = int(ws.Signal())
		} else {
			exit.Code = ws.ExitStatus()
		}
	}
	_, _ = b.process.Wait()
	return exit, nil
}

// kill ends everything in the box: the end of pid 1 is the end of the pid namespace (pid_namespaces(7)).
func (b *Box) kill() {
	if b.process != nil {
		_ = b.process.Signal(unix.SIGKILL)
	}
}

// Close ends what still runs and removes the cgroup and the run folder. It may be called more than once.
func (b *Box) Close() error {
	b.closeOnce.Do(func() {
		if b.control.file != nil {
			b.control.file.Close()
		}
		if b.container != nil {
			if b.pid != 0 {
				b.kill()
				_, _ = b.process.Wait()
			}
			b.closeErr = b.container.Destroy()
		}
		if b.back != nil {
			b.back()
		}
		b.closeErr = errors.Join(b.closeErr, os.RemoveAll(b.spec.RunDir))
	})
	return b.closeErr
}
