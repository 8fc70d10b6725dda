package runner

import (
	"context"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/loadlock/loadlock/isolate"
	"github.com/loadlock/loadlock/runner/advise"
	"github.com/loadlock/loadlock/runner/terminal"
)

// learning is what one run in learn mode saw. The run is confined as always; it permits nothing more.
type learning struct {
	seen      isolate.Watched
	obstacles []advise.Obstacle // paths that the command looked for or wanted to write
	hidden    []hiddenPath      // of those, what is never proposed
	common    int               // paths of the system that many programs probe and do without
	tail      func() []byte     // end of stderr, when it goes through us; nil otherwise
	native    bool              // code from /tmp was loaded
}

// hiddenPath is a path that learn does not propose, and why.
type hiddenPath struct{ path, why string }

// Learn runs a job once, in learn mode, and proposes the smallest change of its policy and command line with which it
// might work. It changes nothing by itself.
func Learn(ctx context.Context, job Job) (Result, Proposal, error) {
	l := &learning{}
	job.learn = l
	stderr, err := l.through(&job)
	if err != nil {
		return Result{}, Proposal{}, err
	}
	res, err := Run(ctx, job)
	stderr()
	return res, l.proposal(res), err
}

// through leads a pipe of stderr through us, so that its end can be read. The function waits for the copy.
func (l *learning) through(job *Job) (wait func(), err error) {
	info, err := statOf(job.Stderr)
	if err != nil || info.Mode().IsRegular() || info.Mode()&os.ModeCharDevice != 0 {
		return func() {}, nil // read anyway, or closed
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	to, tail, done := job.Stderr, terminal.NewTail(tailSize), make(chan struct{})
	job.Stderr = w
	go func() {
		defer close(done)
		_, _ = io.Copy(io.MultiWriter(to, tail), r) // a reader that is gone ends the copy, and the command by SIGPIPE
		r.Close()
	}()
	l.tail = func() []byte {
		w.Close() // everything that held the other copies has ended
		<-done
		return tail.Bytes()
	}
	return func() { l.tail() }, nil
}

// learned compares the paths that a command named with the host and the plan.
func (r *run) learned() {
	l := r.job.learn
	if l == nil {
		return
	}
	l.seen = r.box.Watched()
	for _, at := range l.seen.Lookups {
		l.native = l.native || (within(at.Path, "/tmp") || within(at.Path, "/dev/shm")) && (at.Exec || strings.Contains(at.Path, ".so"))
		r.lookup(l, at)
	}
}

// ownTrees are the box's own; what is missing there is missing for everybody.
var ownTrees = []string{"/proc", "/dev", "/sys"}

// lookup files one path.
func (r *run) lookup(l *learning, at isolate.Lookup) {
	if slices.ContainsFunc(ownTrees, func(t string) bool { return within(at.Path, t) }) {
		return
	}
	p := r.spotOf(at.Path)
	switch {
	case at.Write && !p.write && !at.Socket:
		if folder := r.spotOf(parent(p)); folder.host == nil {
			return // it would not exist outside either
		}
		if o := r.readOnly(p, advise.Obstacle{What: p.path}); o.Kind == advise.PathReadOnly {
			l.add(o)
		}
	case !at.Missing || p.host == nil || p.inside:
	case commonPath(p.real):
		l.common++
	case p.model:
		l.add(advise.Obstacle{Kind: advise.PathWithheld, What: p.path})
	case p.secret != "":
		l.hidden = append(l.hidden, hiddenPath{p.path, p.secret})
	case at.Exec:
		l.hidden = append(l.hidden, hiddenPath{p.path, "programs run only from the system's folders and the interpreter's environment; what --ro shows is noexec"})
	default:
		o := advise.Obstacle{Kind: advise.PathOutside, What: p.path}
		o.Show, o.Extra = p.show(r.job.Home)
		l.add(o)
	}
}

func parent(p spot) string {
	if i := strings.LastIndexByte(p.path, '/'); i > 0 {
		return p.path[:i]
	}
	return "/"
}

// add notes an obstacle, unless one already asks for the same.
func (l *learning) add(o advise.Obstacle) {
	if !slices.ContainsFunc(l.obstacles, func(x advise.Obstacle) bool {
		return x.Kind == o.Kind && x.Output == o.Output && (x.Show != "" && within(o.Show, x.Show) || x.What == o.What)
	}) {
		l.obstacles = append(l.obstacles, o)
	}
}

// commonPath reports whether a path that is not shown is one that C libraries, interpreters and tools probe on every
// start and do without.
func commonPath(path string) bool {
	for _, t := range []string{"/etc", "/run", "/var/run"} {
		if within(path, t) && !strings.HasSuffix(path, ".sock") && !slices.Contains([]string{"/etc/shadow", "/etc/gshadow", "/etc/sudoers"}, path) {
			return true
		}
	}
	return false
}
