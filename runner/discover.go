package runner

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/loadlock/loadlock/policy"
)

// Command is what the user typed, and the surroundings it was typed in.
type Command struct {
	Args    []string // the command and its arguments
	Dir     string   // the caller's working directory, absolute
	Env     []string // the caller's environment
	Home    string   // the caller's home folder; never mounted
	Vars    []string // --env, "K=V" or "K"
	Network policy.Network

	Models []string // absolute paths of the models: nothing inside one is bound from here
	Shown  []string // absolute paths the user shows (--ro, --rw): not bound from here, but not hidden either
}

// Found is the smallest part of the host that the command needs. Every Target is a real path (no
// component of it is a link); the links on the way to it are in Symlinks, so that the names the user and
// the interpreter know keep their meaning inside.
type Found struct {
	Args     []string          // what the box executes; Args[0] is absolute
	Dir      string            // working directory inside, the same as outside
	Binds    []Bind            // read-only, parents before children
	Symlinks map[string]string // path → target, outside every bind
	Env      []string          // the whole environment inside
	Script   string            // the script that the interpreter will run; may be empty
	Masks    []string          // paths inside binds to hide
	Shadows  []Shadow          // modules that are imported instead of the installed ones
	Notes    []string          // what the user may miss inside
}

// Bind is one file or folder of the host that is visible inside, read-only.
type Bind struct {
	Source string
	Target string
	Exec   bool // programs in it may be started and libraries mapped
	Why    string
}

// CommandError says why the command cannot be started. Code is the exit status that a shell would give.
type CommandError struct {
	Path string
	Code int
	What string
	Hint string
}

// The exit statuses of a CommandError.
const (
	codeUsage         = 125
	codeNotExecutable = 126
	codeNotFound      = 127
)

// Error names what and where; the hint is printed by the caller.
func (e *CommandError) Error() string {
	if e.Path == "" {
		return "command: " + e.What
	}
	return fmt.Sprintf("command %q: %s", e.Path, e.What)
}

// Discover finds out what the command needs by reading files; it executes nothing.
func Discover(in Command) (Found, error) { return discover("", in) }

// finder collects what one command needs.
type finder struct {
	tree
	in    Command
	env   map[string]string
	home  []string // the home folder, as named and as it really is
	found Found
	links map[string]string
	own   map[string]bool // bind targets that are the user's folders: secrets in them are masked
	keep  []string        // paths that no mask may hide
	first string          // folder that goes to the front of PATH
	venv  string          // the virtual environment in use, real path
	conda string          // the conda environment in use, real path
}

func discover(root tree, in Command) (Found, error) {
	f, err := newFinder(root, in)
	if err != nil {
		return Found{}, err
	}
	f.system()
	p, err := f.command()
	if err != nil {
		return Found{}, err
	}
	if err := f.interpreter(p.program); err != nil {
		return Found{}, err
	}
	f.scripts(p)
	f.hostSettings(p)
	f.beside(p)
	return f.finish(p)
}

func newFinder(root tree, in Command) (*finder, error) {
	switch {
	case len(in.Args) == 0:
		return nil, &CommandError{Code: codeUsage, What: "none given", Hint: "put it after --"}
	case in.Args[0] == "":
		return nil, &CommandError{Code: codeNotFound, What: "its name is empty"}
	case slices.ContainsFunc(in.Args, func(a string) bool { return strings.ContainsRune(a, 0) }):
		return nil, &CommandError{Code: codeUsage, What: "an argument contains a NUL byte"}
	case !filepath.IsAbs(in.Dir):
		return nil, fmt.Errorf("working directory %q: not an absolute path", in.Dir)
	}
	f := &finder{tree: root, in: in, env: environMap(in.Env), links: map[string]string{}, own: map[string]bool{}}
	if filepath.IsAbs(in.Home) {
		f.home = []string{filepath.Clean(in.Home)}
		if w, err := f.walk(in.Home); err == nil && w.real != f.home[0] {
			f.home = append(f.home, w.real)
		}
	}
	w, err := f.walk(in.Dir)
	if err != nil {
		return nil, fmt.Errorf("working directory: %w", err)
	}
	if !f.isDir(w.real) {
		return nil, fmt.Errorf("working directory %q: not a folder", in.Dir)
	}
	f.reveal(w)
	f.found.Dir = filepath.Clean(in.Dir)
	if back, err := f.walk(f.found.Dir); err != nil || back.real != w.real {
		f.found.Dir = w.real // ".." after a link: only the real path means the same folder
	}
	return f, nil
}

// absolute makes a path of the command line absolute without cleaning it: ".." after a link is the
// kernel's business.
func (f *finder) absolute(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	return f.in.Dir + "/" + p
}

// reveal keeps the links of a walk, so that the path that was walked also exists inside.
func (f *finder) reveal(w walked) { maps.Copy(f.links, w.links) }

// bind makes a real path visible, unless it already is as visible as asked.
func (f *finder) bind(real string, exec bool, why string) {
	if f.visible(real, exec) {
		return
	}
	f.found.Binds = append(f.found.Binds, Bind{Source: real, Target: real, Exec: exec, Why: why})
}

// bindOwn binds a folder that belongs to the user and may hold secrets.
func (f *finder) bindOwn(real string, exec bool, why string) {
	f.bind(real, exec, why)
	f.own[real] = true
}

// visible reports whether a real path exists inside; with exec, whether it may also be executed there.
func (f *finder) visible(real string, exec bool) bool {
	b := f.nearest(real)
	return b.Target != "" && (b.Exec || !exec)
}

// nearest is the bind that shows a real path; the zero Bind when none does.
func (f *finder) nearest(real string) (best Bind) {
	for _, b := range f.found.Binds {
		if within(real, b.Target) && len(b.Target) > len(best.Target) {
			best = b
		}
	}
	return best
}

func (f *finder) note(format string, args ...any) {
	if n := fmt.Sprintf(format, args...); !slices.Contains(f.found.Notes, n) {
		f.found.Notes = append(f.found.Notes, n)
	}
}

// finish derives what depends on everything that was found.
func (f *finder) finish(p launch) (Found, error) {
	if err := f.outsideModels(); err != nil {
		return Found{}, err
	}
	for _, p := range slices.Concat(f.in.Models, f.in.Shown) {
		if w, err := f.walk(p); filepath.IsAbs(p) && err == nil { // whoever mounts it reports a missing one
			f.reveal(w)
			f.keep = append(f.keep, w.real)
		}
	}
	slices.SortStableFunc(f.found.Binds, func(a, b Bind) int { return strings.Compare(a.Target, b.Target) })
	f.found.Symlinks = map[string]string{}
	for path, target := range f.links {
		if !f.visible(path, false) {
			f.found.Symlinks[path] = target
		}
	}
	f.masks()
	f.found.Args = p.argv
	env, err := f.environ()
	if err != nil {
		return Found{}, fmt.Errorf("environment: %w", err)
	}
	f.found.Env = env
	return f.found, nil
}

// outsideModels takes back what lies inside a model: there only admitted files exist, and a bind from
// here would bring back what validation withheld.
func (f *finder) outsideModels() error {
	for _, m := range f.in.Models {
		w, err := f.walk(m)
		if err != nil {
			continue
		}
		for _, b := range f.found.Binds {
			if b.Exec && within(b.Target, w.real) {
				return &CommandError{Path: b.Target, Code: codeNotExecutable, What: "lies inside the model " + m,
					Hint: "use an interpreter outside the model"}
			}
		}
		n := len(f.found.Binds)
		f.found.Binds = slices.DeleteFunc(f.found.Binds, func(b Bind) bool { return within(b.Target, w.real) })
		if len(f.found.Binds) < n {
			f.note("the script lies inside the model %q: it exists inside only when it is admitted with it", m)
		}
	}
	return nil
}

// within reports whether p is folder or lies below it; both are clean and absolute.
func within(p, folder string) bool {
	return p == folder || folder == "/" || strings.HasPrefix(p, folder+"/")
}
