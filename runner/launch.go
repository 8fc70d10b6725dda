package runner

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/loadlock/loadlock/isolate"
	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/validate"
	"golang.org/x/sys/unix"
)

// expected is the set of files that will be visible if nothing is withheld; withheld small files are removed
// from their private folder before release, so only a withheld large file makes a second box necessary.
func (r *run) expected() [][]*validate.File {
	var out [][]*validate.File
	for _, s := range r.snaps {
		out = append(out, s.Files)
	}
	return out
}

// prepare plans the box: what exists inside, and for --dry-run the OCI spec.
func (r *run) prepare(files [][]*validate.File) error {
	spec, err := r.boxSpec(files)
	if err != nil {
		return err
	}
	box, err := isolate.New(spec)
	if err != nil {
		return err
	}
	r.spec, r.box = spec, box
	for _, gid := range box.Groups() {
		weaker := fmt.Sprintf("the command is a member of the host's group %d, to which a granted device node belongs", gid)
		if !slices.Contains(r.res.Weakened, weaker) {
			r.res.Weakened = append(r.res.Weakened, weaker)
		}
	}
	if r.job.DryRun {
		plan, err := box.Plan()
		if err != nil {
			return err
		}
		r.res.Plan = plan
		if r.gpu.Granted() {
			r.res.GPU.Plan, r.res.GPU.Pieces = &r.gpu, r.gpu.Pieces()
		}
	}
	return nil
}

func (r *run) startBox(ctx context.Context) error {
	at := time.Now()
	defer func() { r.res.Timings.Box += time.Since(at) }()
	r.stopProxy(at) // of a box that was given up
	if err := r.startProxy(ctx); err != nil {
		return err
	}
	err := r.box.Start(ctx)
	r.res.Layers = r.box.Enforced
	if err != nil {
		return err
	}
	return r.memory.Confine(r.box.Group())
}

// launch cannot be called without clearance: the models were admitted, or there is none.
func (r *run) launch(ctx context.Context, c clearance) error {
	at := time.Now()
	if !c.given {
		return errors.New("launch without clearance")
	}
	if err := r.withhold(ctx, c); err != nil {
		return err
	}
	if err := r.sameInside(c); err != nil {
		return err
	}
	output, err := r.openOutput()
	if err != nil {
		return err
	}
	if output != nil {
		defer output.Close()
	}
	if err := r.release(ctx); err != nil {
		return err
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	stopWatch := r.watchLeases(ctx, func(f *validate.File) { r.aWriterCame(f, end) })
	defer stopWatch()
	r.res.Layers = r.box.Enforced
	r.res.Timings.Release = time.Since(at)
	r.stdio.started(r.box)

	r.tellPorts()
	began := time.Now()
	defer r.stopProxy(began)
	watched, limited := r.watchStall(), r.memory.Start(r.box, r.box.Group())
	exit, err := r.box.Wait(ctx)
	watched()
	unheld := r.heldGPUMemory(limited, &exit)
	r.denials()
	if err != nil {
		return err
	}
	stopWatch()
	r.stdio.drain()
	r.res.Notes = append(r.res.Notes, r.stdio.notes()...)
	r.res.Timings.Command = time.Since(began)
	r.res.Exit = &exit
	r.res.Outcome, r.res.Status = ofExit(exit)
	r.failOnDenial()
	r.lookBack()
	changed := r.changedMeanwhile(c)
	if output != nil {
		r.res.Skipped, err = copyOut(output, r.job.Output, r.policy.Sandbox.TmpMB<<20)
	}
	return errors.Join(unheld, changed, err)
}

// release starts the command, unless a signal came first.
func (r *run) release(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("interrupted: %w", err)
	}
	err := r.box.Release()
	r.running = err == nil
	return err
}

// withhold makes exactly the admitted files exist inside.
func (r *run) withhold(ctx context.Context, c clearance) error {
	var rebuild bool
	admitted := make([][]*validate.File, len(r.snaps))
	for i, s := range r.snaps {
		keep := c.models[i].Files()
		admitted[i] = keep
		for _, f := range s.Files {
			if slices.Contains(keep, f) {
				continue
			}
			if err := os.Remove(filepath.Join(r.copies(i), filepath.FromSlash(f.Path))); f.Copied && err != nil {
				return fmt.Errorf("withhold %s: %w", f.Path, err)
			}
			rebuild = rebuild || f.Large() || s.Single
		}
	}
	if !rebuild {
		return nil
	}
	if err := r.box.Close(); err != nil { // Close removes the box's folders, not the private copies
		return err
	}
	if err := r.prepare(admitted); err != nil {
		return err
	}
	return r.startBox(ctx)
}

func (r *run) copies(i int) string { return fmt.Sprintf("%s/model%d", r.dir.private(), i) }

// boxSpec says what exists inside.
func (r *run) boxSpec(files [][]*validate.File) (isolate.Spec, error) {
	cg, cgErr := isolate.FindCgroup(r.dir.id)
	if cgErr != nil {
		cg = isolate.Cgroup{}
	}
	ids := isolate.FindIdentity(r.dir.id)
	exe, err := os.Executable()
	if err != nil {
		return isolate.Spec{}, fmt.Errorf("own program: %w", err)
	}
	if r.stdio == nil {
		if r.stdio, err = newStdio(r.job.Stdin, r.job.Stdout, r.job.Stderr, r.policy.Terminal == policy.TerminalPassthrough, r.insist); err != nil {
			return isolate.Spec{}, err
		}
	}
	s := isolate.Spec{
		ID: r.dir.id, RunDir: filepath.Join(r.dir.path, "box"), Args: r.found.Args, Dir: r.found.Dir, Env: r.found.Env,
		Symlinks: r.found.Symlinks, Masks: r.found.Masks, Etc: etcFiles,
		Sandbox: r.policy.Sandbox, Ports: r.portsInside(), CountDenials: r.job.FailOnDenial, Watch: r.job.learn != nil, GPU: r.gpu,
		Host: isolate.Host{Rootless: ids.Rootless, Limited: ids.Limited, UID: os.Geteuid(), GID: os.Getegid(), IDBase: ids.Base,
			Program: exe, Cgroup: cg.Path, Systemd: cg.Systemd, SwapFile: isolate.SwapAccounted()},
		Stdin: r.stdio.In, Stdout: r.stdio.Out, Stderr: r.stdio.Err, Terminal: r.stdio.Terminal, Foreground: r.stdio.Foreground,
	}
	s.Host.Private = []string{r.dir.private()}
	if r.store != nil {
		s.Host.Private = append(s.Host.Private, r.store.private())
	}
	if r.job.Workdir != "" {
		s.Dir = r.job.Workdir
	}
	for _, b := range r.found.Binds {
		s.Binds = append(s.Binds, isolate.Bind{Source: b.Source, Target: b.Target, Exec: b.Exec, Why: b.Why})
	}
	if s.Binds, err = r.userBinds(s.Binds); err != nil {
		return s, err
	}
	for i, snap := range r.snaps {
		if !snap.Single {
			s.Binds = append(s.Binds, isolate.Bind{Source: r.copies(i), Target: snap.Path, Why: "model"})
		}
		for _, f := range files[i] {
			if f.Large() || snap.Single {
				s.Binds = append(s.Binds, isolate.Bind{Source: source(snap, f), Target: target(snap, f), Why: "model file"})
			}
		}
	}
	s.Binds = r.scriptBind(s.Binds)
	if err := r.owners(s.Binds, ids); err != nil {
		return s, err
	}
	return s, nil
}

// owners sets whose files the binds must show as the workload's own.
func (r *run) owners(binds []isolate.Bind, ids isolate.Identity) error {
	if ids.Rootless {
		return nil
	}
	for i := range binds {
		if binds[i].Fresh {
			continue
		}
		owner, err := owner(binds[i], r.found.Script)
		if err != nil {
			return err
		}
		switch {
		case ids.Owners:
			binds[i].Owner = owner
		case owner != nil:
			r.res.Notes = append(r.res.Notes, validate.Printable(binds[i].Target)+": only its owner may use it, which the command is not: a container's root cannot map owners (mount_setattr(2)); chmod o+rX helps")
		}
	}
	return nil
}

// owner says whose files a bind must show as the workload's own: as root, the workload has an id that owns
// nothing, so a file that only its owner may read (or that is to be written) would be out of its reach.
// A script that only its owner may read needs that for its folder.
func owner(b isolate.Bind, script string) (*isolate.Owner, error) {
	var st unix.Stat_t
	if script != "" && strings.HasPrefix(script, b.Target+"/") && unix.Stat(script, &st) == nil && st.Mode&0o004 == 0 {
		return &isolate.Owner{UID: st.Uid, GID: st.Gid}, nil
	}
	if err := unix.Stat(b.Source, &st); err != nil {
		return nil, fmt.Errorf("%s: %w", b.Source, err)
	}
	needed := uint32(0o004)
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		needed = 0o005
	}
	if !b.Write && st.Mode&needed == needed {
		return nil, nil
	}
	return &isolate.Owner{UID: st.Uid, GID: st.Gid}, nil
}

// userBinds adds what the user named: --ro, --rw, --output.
func (r *run) userBinds(binds []isolate.Bind) ([]isolate.Bind, error) {
	add := func(name string, write bool, why string) error {
		at, err := filepath.Abs(name)
		if err == nil {
			at, err = filepath.EvalSymlinks(at)
		}
		if err != nil {
			return &UsageError{What: why + " " + name + ": " + reason(err), Hint: "name an existing file or folder"}
		}
		binds = append(binds, isolate.Bind{Source: at, Target: at, Write: write, Why: why})
		return nil
	}
	for _, p := range r.job.Read {
		if err := add(p, false, "--ro"); err != nil {
			return nil, err
		}
	}
	for _, p := range r.job.Write {
		if err := add(p, true, "--rw"); err != nil {
			return nil, err
		}
	}
	if r.job.Output != "" {
		out, err := filepath.Abs(r.job.Output)
		if err != nil {
			return nil, err
		}
		binds = append(binds, isolate.Bind{Fresh: true, Target: out, Write: true, Why: "--output"})
	}
	return binds, nil
}

func reason(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

// etcFiles are written for every run: nothing of the host's accounts, names or resolvers exists inside.
var etcFiles = map[string]string{
	"/etc/passwd":        "root:x:0:0:root:/tmp:/bin/sh\nloadlock:x:1000:1000:loadlock:/tmp:/bin/sh\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n",
	"/etc/group":         "root:x:0:\nloadlock:x:1000:\nnogroup:x:65534:\n",
	"/etc/hosts":         "127.0.0.1 localhost loadlock\n::1 localhost loadlock\n",
	"/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
	"/etc/resolv.conf":   "",
}

func getenv(env []string) func(string) string {
	return func(key string) string {
		for _, kv := range slices.Backward(env) {
			if v, ok := strings.CutPrefix(kv, key+"="); ok {
				return v
			}
		}
		return ""
	}
}
