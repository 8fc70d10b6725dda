package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/loadlock/loadlock/isolate"
	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/pysource"
)

// The script given to run is the user's own: it is contained, and analysed only when the policy says so (scan_script).
// What it loads by a constant name is looked for always, so that nobody forgets --model. It is pinned like a file of a
// model, so that the report can say which bytes ran.

// Code is what the interpreter was told to run.
type Code struct {
	Path    string           `json:"path"`    // real path of the script
	SHA256  string           `json:"sha256"`  // empty for one above 64 MiB
	HeldBy  validate.Keeping `json:"held_by"` // what keeps it from changing between this digest and its end
	Shadows []Shadow         `json:"shadows,omitempty"`
}

// pinScript fixes the script. A folder with __main__.py is pinned whole when it is to be judged; without that, only
// __main__.py is.
func (r *run) pinScript(ctx context.Context) error {
	if r.found.Script == "" {
		return nil
	}
	real, err := filepath.EvalSymlinks(r.found.Script)
	if err != nil {
		return r.notPinned(err)
	}
	copies := filepath.Join(r.dir.private(), "script")
	if err := os.Mkdir(copies, 0o755); err != nil {
		return fmt.Errorf("run folder: %w", err)
	}
	if info, err := os.Stat(real); err == nil && info.IsDir() {
		if r.policy.ScanScript {
			copies = ""
		} else {
			real = filepath.Join(real, "__main__.py")
		}
	}
	if r.script, err = validate.Pin(ctx, real, copies, r.policy.Scan); err != nil {
		return r.notPinned(err)
	}
	if copies == "" {
		return nil
	}
	f := r.script.Files[0]
	if f.Kept == "" {
		return r.notPinned(errors.New("it was replaced meanwhile, or cannot be read"))
	}
	if err := r.keep(ctx, r.script); err != nil {
		return err
	}
	r.res.Code = &Code{Path: real, HeldBy: f.Kept, Shadows: r.found.Shadows}
	if f.Size <= digestMax {
		r.res.Code.SHA256, err = f.Digest()
	}
	return err
}

// notPinned is an error where the script must be judged, and a note where the interpreter will say what is wrong.
func (r *run) notPinned(err error) error {
	if r.policy.ScanScript {
		return err
	}
	r.res.Notes = append(r.res.Notes, "the script was not pinned, so that it may change before it runs: "+err.Error())
	if r.script != nil {
		r.script.Close()
		r.script = nil
	}
	return nil
}

// where says what the command sees under the script's name.
type where int

const (
	notInside   where = iota // nothing, or what was admitted of a model
	onTheHost                // the file of the host
	privateCopy              // the private copy
)

// scriptBind shows the private copy of the script in its place, where the place is visible as it is on the host. A
// folder that the command may write to stays as it is, with the script in it.
func (r *run) scriptBind(binds []isolate.Bind) []isolate.Bind {
	r.scriptIs = notInside
	if r.script == nil {
		return binds
	}
	var shown isolate.Bind
	for _, b := range binds { // of two on one place the later one shows
		if within(r.script.Path, b.Target) && len(b.Target) >= len(shown.Target) {
			shown = b
		}
	}
	if shown.Target == "" || strings.HasPrefix(shown.Why, "model") {
		return binds
	}
	r.scriptIs = onTheHost
	f := r.script.Files[0]
	if !r.script.Single || f.Copy() == "" || shown.Write {
		if r.res.Code != nil && f.Copy() != "" {
			r.res.Code.HeldBy = validate.Identity
		}
		return binds
	}
	r.scriptIs = privateCopy
	if shown.Target == r.script.Path {
		binds = slices.DeleteFunc(binds, func(b isolate.Bind) bool { return b.Target == shown.Target })
	}
	return append(binds, isolate.Bind{Source: f.Copy(), Target: r.script.Path, Exec: shown.Exec, Why: "script"})
}

// sameScript is sameInside for the script.
func (r *run) sameScript(root int) error {
	switch {
	case r.scriptIs == notInside:
		return nil
	case r.scriptIs == privateCopy:
		return sameFile(root, r.script.Path, r.script.Files[0].Copy())
	}
	for _, f := range r.script.Files {
		at := target(r.script, f)
		if slices.ContainsFunc(r.found.Masks, func(m string) bool { return within(at, m) }) {
			continue
		}
		if err := samePinned(root, at, f); err != nil {
			return err
		}
	}
	return nil
}

// judged is everything that is scanned: the models, then the script where the policy says so.
func (r *run) judged() []*validate.Snapshot {
	if !r.policy.ScanScript || r.script == nil {
		return r.snaps
	}
	return append(slices.Clone(r.snaps), r.script)
}

// decideScript judges the script as code that a policy allows once it is cleared.
func (r *run) decideScript(ctx context.Context, sr scanResult, c *clearance) error {
	r.noteShadows(c)
	if !r.policy.ScanScript || r.script == nil {
		return nil
	}
	p, rep := r.policy, sr.reports[len(r.snaps)]
	for _, s := range r.found.Shadows {
		rep.Findings = append(rep.Findings, validate.Finding{Rule: validate.ShadowsModule.ID, Severity: validate.ShadowsModule.Severity,
			File: validate.Printable(s.Path), Detail: "it is imported instead of " + validate.Printable(s.Installed)})
	}
	p.RemoteCode = policy.RemoteCodeAllow
	_, d := validate.Decide(p, r.script, rep, time.Now())
	m := ModelResult{Path: r.found.Script, Decision: d, Files: rep.Files}
	m.Digest, m.DigestFull = r.script.ManifestDigest()
	r.res.Script = &m
	r.res.Verdict = worse(r.res.Verdict, d.Verdict)
	c.given = c.given && d.Verdict == validate.Admit
	return r.script.Verify(ctx)
}

// noteShadows names the modules that are imported from beside the script instead of the installed ones. Of a model
// only what is admitted exists inside.
func (r *run) noteShadows(c *clearance) {
	r.found.Shadows = slices.DeleteFunc(r.found.Shadows, func(s Shadow) bool {
		for _, m := range c.models {
			if m.Valid() && below(s.Path, m.Snapshot().Path) {
				return !slices.ContainsFunc(m.Files(), func(f *validate.File) bool { return below(target(m.Snapshot(), f), s.Path) })
			}
		}
		return false
	})
	for _, s := range r.found.Shadows {
		r.res.Notes = append(r.res.Notes, fmt.Sprintf("%s is imported instead of the installed %s: rename it, unless that is meant", s.Path, s.Installed))
	}
	if r.res.Code != nil {
		r.res.Code.Shadows = r.found.Shadows
	}
}

// scriptMax bounds what is read of a script to look for model names, in bytes.
const scriptMax = 1 << 20

// offerModels notes what the script loads by a constant name, when no --model covers it.
func (r *run) offerModels() {
	if r.found.Script == "" {
		return
	}
	f, err := os.Open(r.found.Script)
	if err != nil {
		return // its own error, later
	}
	defer f.Close()
	src, err := io.ReadAll(io.LimitReader(f, scriptMax))
	if err != nil {
		return
	}
	models := absolute(r.job.Models)
	for _, ref := range pysource.FindModels(src) {
		at := ref.Name
		if !filepath.IsAbs(at) {
			at = filepath.Join(r.job.Dir, at)
		}
		if _, err := os.Stat(at); err != nil || slices.ContainsFunc(models, func(m string) bool { return below(at, m) }) {
			continue
		}
		r.res.Notes = append(r.res.Notes, fmt.Sprintf("%s line %d loads %s, which was not validated: add --model %s", filepath.Base(r.found.Script), ref.Line, ref.Name, ref.Name))
	}
}

// below reports whether a path is the other one or inside it.
func below(path, folder string) bool {
	rel, err := filepath.Rel(folder, path)
	return err == nil && filepath.IsLocal(rel)
}
