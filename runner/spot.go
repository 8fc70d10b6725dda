package runner

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/loadlock/loadlock/isolate"
)

// spot is how one path stands on the host and in a box that was planned.
type spot struct {
	path   string      // absolute
	real   string      // without links, as far as it exists on the host
	host   fs.FileInfo // nil: not on the host
	inside bool
	write  bool
	exec   bool
	model  bool   // in a folder of a model: what exists inside was admitted
	secret string // why it is never proposed; empty when it may be
}

// spotOf compares a path with the host and with the plan. Relative paths are the command's.
func (r *run) spotOf(name string) spot {
	if !filepath.IsAbs(name) {
		name = filepath.Join(r.spec.Dir, name)
	}
	p := spot{path: filepath.Clean(name)}
	p.host, _ = os.Stat(p.path)
	real := p.path
	if w, err := filepath.EvalSymlinks(p.path); err == nil {
		real = w
	} else if w, err := filepath.EvalSymlinks(filepath.Dir(p.path)); err == nil {
		real = filepath.Join(w, filepath.Base(p.path))
	}
	p.real, p.secret = real, secretPlace(real, r.job.Home)
	for _, s := range r.snaps {
		p.model = p.model || within(real, s.Path)
	}
	p.plan(r.spec, real)
	return p
}

// own are the folders of the box itself; nothing of the host is in them.
var own = []struct {
	path  string
	write bool
}{{"/tmp", true}, {"/dev/shm", true}, {"/dev", false}, {"/proc", false}}

// plan finds the longest part of the plan that shows the path.
func (p *spot) plan(s isolate.Spec, real string) {
	if _, ok := s.Etc[real]; ok {
		p.inside = true
		return
	}
	longest := -1
	for _, o := range own {
		if within(real, o.path) {
			write := o.write && !made(s, filepath.Dir(real), o.path)
			longest, p.inside, p.write, p.exec = len(o.path), false, write, write && s.Sandbox.Allow.NativeCode
		}
	}
	for _, b := range s.Binds {
		if !within(real, b.Target) || len(b.Target) < longest { // of two on one place the later one shows
			continue
		}
		longest = len(b.Target)
		p.write, p.exec = b.Write, b.Exec
		_, err := os.Lstat(filepath.Join(b.Source, strings.TrimPrefix(real, b.Target)))
		p.inside = err == nil && !b.Fresh
	}
	if slices.ContainsFunc(s.Masks, func(m string) bool { return within(real, m) }) {
		p.inside, p.secret = false, "it looks like a place of credentials, and is hidden inside"
	}
}

// made reports whether a folder of the box's own exists only on the way to something that is mounted: it is empty
// otherwise, and nobody may write to it.
func made(s isolate.Spec, folder, root string) bool {
	return folder != root && slices.ContainsFunc(s.Binds, func(b isolate.Bind) bool { return within(b.Target, folder) })
}

// secretPlace says why a path of the host is never proposed to be shown; empty when it may be.
func secretPlace(real, home string) string {
	if info, err := os.Lstat(real); err == nil && info.Mode()&special != 0 {
		return "it leads to another program or a device, not to data"
	}
	for part := range strings.SplitSeq(strings.Trim(real, "/"), "/") {
		if secretName(part) {
			return "it is in " + part + ", where credentials or settings are kept"
		}
	}
	for _, tree := range broadTrees {
		if within(real, tree) && !slices.ContainsFunc(openTrees, func(t string) bool { return within(real, t) }) {
			return "it is part of " + tree
		}
	}
	for _, f := range broadFolders {
		if real == f {
			return "it is shared by many programs"
		}
	}
	if home != "" && (within(home, real) || within(real, home) && strings.HasPrefix(strings.TrimPrefix(real, home+"/"), ".")) && !modelCache(real, home) {
		return "it is the home folder, or settings in it"
	}
	return ""
}

// openTrees are parts of the broad trees that hold no secrets.
var openTrees = []string{"/etc/ssl/certs", "/etc/fonts", "/etc/protocols", "/etc/services", "/etc/magic"}

// modelCache reports whether a path is in a place where libraries keep what they downloaded.
func modelCache(real, home string) bool {
	for _, c := range []string{".cache/huggingface/hub", ".cache/torch", ".cache/huggingface/datasets", ".keras"} {
		if within(real, filepath.Join(home, c)) && !strings.HasSuffix(real, "/token") {
			return true
		}
	}
	return false
}

// show is what --ro or --rw should name so that the path exists inside: the thing itself, or the folder that holds it
// when more of the folder is wanted and nothing secret is in it. Extra says what else becomes visible.
func (p spot) show(home string) (path, extra string) {
	folder := filepath.Dir(p.path)
	if p.host != nil && p.host.IsDir() {
		return p.path, entriesOf(p.path)
	}
	if secretPlace(folder, home) != "" || hidesSecrets(folder) {
		return p.path, ""
	}
	return folder, entriesOf(folder)
}

// hidesSecrets reports whether something at the top of a folder is never shown.
func hidesSecrets(folder string) bool {
	list, err := os.ReadDir(folder)
	return err != nil || slices.ContainsFunc(list, func(e fs.DirEntry) bool { return secretName(e.Name()) || e.Type()&special != 0 })
}

func entriesOf(folder string) string {
	list, err := os.ReadDir(folder)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%s holds %d entries now, and whatever is put there later", folder, len(list))
}
