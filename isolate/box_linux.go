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

	"github.com/loadlock/loadlock/policy"
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
	Enforced []Enforcement     // after Start; Landlock is added by Release
	Stopped  func(unix.Signal) // called by Wait when the command was stopped, before it takes notice of anything else
	// Portal is the box's end of NewPortal, set before Start; nil where nothing is reachable and nothing is published.
	Portal *os.File

	spec       Spec
	off        []string // optional layers this host does not give
	container  *libcontainer.Container
	process    *libcontainer.Process
	control    control
	first      *process // pid 1
	ours       map[string]string
	started    bool // the workload was executed
	grace      time.Duration
	dying      time.Duration // how long killed processes may take; see reap
	stuck      []Stuck
	filters    <-chan compiledFilters
	outer      int // seccomp filters of pid 1 at the start
	denials    *denials
	plain      bool   // tests compare with a box without a listener
	nodes      []node // of the GPUs, from New to Start
	watch      *watch
	uncounted  string // why denials is nil
	cgroup     View   // its folders, for CPUTime
	cgroupOnce sync.Once
	alter      func(*specs.Spec)     // tests take a second wall away to see the first one
	oom        atomic.Pointer[Usage] // what was counted when the cgroup told us that the memory limit was met
	back       func()                // out of the leaf of a delegated cgroup; see stepAside
	keeper     chan struct{}         // closed by Close; see Start
	closeOnce  sync.Once
	closeErr   error
}

// New plans a box. Layers that the host lacks and the policy calls optional are left out; a required one that
// is missing is a *LayerError.
func New(s Spec) (*Box, error) {
	logrus.SetOutput(io.Discard) // libcontainer warns there; stderr belongs to the command, and errors come back as errors
	b := &Box{spec: s, ours: ownNamespaces(), grace: grace, dying: dying, keeper: make(chan struct{})}
	if s.Watch {
		b.watch = &watch{lookups: map[string]*Lookup{}}
	}
	for _, l := range Layers() {
		err := l.Probe()
		if err == nil {
			continue
		}
		if !slices.Contains(s.Sandbox.UnsafeOptional, l.Name) {
			return nil, l.lacking(err)
		}
		b.off = append(b.off, l.Name)
	}
	if err := probeLog(s); err != nil {
		return nil, err
	}
	if slices.Contains(b.off, "cgroup") {
		b.spec.Host.Cgroup = ""
	}
	if err := b.takeNodes(); err != nil {
		b.dropNodes()
		return nil, err
	}
	return b, nil
}

// Plan is the OCI runtime spec of the box.
func (b *Box) Plan() (*specs.Spec, error) { return Bundle(b.spec, b.off) }

// Start creates the box and runs pid 1 in it, confined and waiting. No byte of the workload executes.
func (b *Box) Start(ctx context.Context) error {
	started := make(chan error)
	go func() {
		// The kernel ends pid 1, and libcontainer's stages before it, with the thread that forked them (PR_SET_PDEATHSIG,
		// prctl(2)): a locked thread is ours alone, and this one lives as long as the box.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		started <- b.diagnose(b.start(ctx))
		<-b.keeper
	}()
	return <-started
}

func (b *Box) start(ctx context.Context) error {
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
	for _, l := range Layers() {
		if err := b.indispensable(l); err != nil && slices.Contains(b.off, l.Name) {
			return err
		}
	}
	oci, err := b.Plan()
	if err != nil {
		return err
	}
	if b.alter != nil {
		b.alter(oci)
	}
	b.filters = compileFilters(oci.Linux.Seccomp, b.spec)
	oci.Linux.Seccomp = nil // see seccompLayer
	if err := b.skeleton(); err != nil {
		return err
	}
	if err := b.asLimited(); err != nil {
		return err
	}
	config, err := libcontainerConfig(&specconv.CreateOpts{
		CgroupName: b.spec.ID, Spec: oci, RootlessEUID: b.spec.Host.Rootless || b.spec.Host.Limited,
		// An ordinary user may not load a device list (BPF). That alone is forgiven here; observe sees the limits.
		RootlessCgroups: b.spec.Host.Cgroup == "" || b.spec.Host.Rootless, UseSystemdCgroup: b.spec.Host.Systemd,
		NoNewKeyring: keysRefused(),
	})
	if err != nil {
		return err
	}
	config.ParentDeathSignal = int(unix.SIGKILL)
	config.OomScoreAdj = new(workloadOOM())
	if (b.spec.Host.Rootless || unified() && isInnerRoot()) && b.spec.Host.Cgroup != "" && !b.spec.Host.Systemd {
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
	for _, gid := range oci.Process.User.AdditionalGids {
		b.process.AdditionalGroups = append(b.process.AdditionalGroups, int(gid))
	}
	if b.Portal != nil {
		b.process.ExtraFiles = append(b.process.ExtraFiles, b.Portal)
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
	pid, err := b.process.Pid()
	if err != nil {
		return fmt.Errorf("pid: %w", err)
	}
	b.first, err = hold(pid)
	return err
}

func (b *Box) hello(ctx context.Context) (message, error) {
	stop := context.AfterFunc(ctx, func() { b.kill() })
	defer stop()
	return b.control.receive()
}

// observe asks the kernel about every layer. A required layer that is not fully there ends the start.
func (b *Box) observe() error {
	v, err := look(b.first.dir(), b.container, b.ours)
	if err != nil {
		return err
	}
	b.outer = v.outerFilters
	for _, l := range Layers() {
		e := Enforcement{Layer: l.Name, Why: "put on by the command's process, just before it executes the command"}
		if l.Scope != ofCommand || slices.Contains(b.off, l.Name) {
			if e, err = b.enforcement(l, v); err != nil {
				return err
			}
		}
		b.Enforced = append(b.Enforced, e)
	}
	return b.observeNodes()
}

// enforcement is what the kernel shows of one layer; an error when that is not what the policy requires.
func (b *Box) enforcement(l Layer, v View) (e Enforcement, err error) {
	e.Layer = l.Name
	if slices.Contains(b.off, l.Name) {
		e.Why = "not available on this host; optional in the policy"
		return e, nil
	}
	e.Strength, e.Why = l.Observe(v, b.spec)
	shared := e.Strength == Off && l.Name == netLayer.Name && b.spec.Sandbox.Network == policy.NetworkHost && b.spec.Sandbox.Allow.NetworkAccess
	must := b.indispensable(l)
	if e.Strength != Full && must != nil {
		return e, must
	}
	if e.Strength != Full && !shared && !slices.Contains(b.spec.Sandbox.UnsafeOptional, l.Name) {
		return e, &LayerError{Layer: l.Name, Remedy: l.Remedy, Err: fmt.Errorf("the kernel shows it as %s: %s", e.Strength, e.Why)}
	}
	return e, nil
}

// indispensable is the error of a box that is without a layer which it must have, whatever the policy calls optional.
func (b *Box) indispensable(l Layer) error {
	var err error
	switch {
	case l.Name == netLayer.Name && b.hasInside():
		err = errNoNamespace
	case l.Name == userLayer.Name && b.spec.GPU.Granted():
		err = errHostRoot
	default:
		return nil
	}
	return &LayerError{Layer: l.Name, Remedy: l.Remedy, Err: err}
}

// hasInside reports whether the workload has TCP that must lead no further than the box: without a network namespace it
// would be the host's, whatever the policy calls optional.
func (b *Box) hasInside() bool {
	return b.Portal != nil || b.spec.Sandbox.LoopbackTCP && b.spec.Sandbox.Network != policy.NetworkHost
}

var errNoNamespace = errors.New("a proxy, published ports and loopback_tcp need a network namespace of the box's own")

// Root is the box's root directory as the supervisor sees it, valid between Start and Release.
func (b *Box) Root() string { return b.first.dir() + "/root" }
