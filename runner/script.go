package runner

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/pysource"
)

// The script given to run is the user's own: it is contained, and analysed only when the policy says so (scan_script).
// What it loads by a constant name is looked for always, so that nobody forgets --model.

// pinScript fixes the script, when it is to be judged.
func (r *run) pinScript(ctx context.Context) (err error) {
	if r.policy.ScanScript && r.found.Script != "" {
		r.script, err = validate.Pin(ctx, r.found.Script, "", r.policy.Scan)
	}
	return err
}

// judged is everything that is scanned: the models, then the script.
func (r *run) judged() []*validate.Snapshot {
	if r.script == nil {
		return r.snaps
	}
	return append(slices.Clone(r.snaps), r.script)
}

// decideScript judges the script as code that a policy allows once it is cleared.
func (r *run) decideScript(ctx context.Context, sr scanResult, c *clearance) error {
	if r.script == nil {
		return nil
	}
	p, rep := r.policy, sr.reports[len(r.snaps)]
	p.RemoteCode = policy.RemoteCodeAllow
	_, d := validate.Decide(p, r.script, rep, time.Now())
	m := ModelResult{Path: r.found.Script, Decision: d, Files: rep.Files}
	m.Digest, m.DigestFull = r.script.ManifestDigest()
	r.res.Script = &m
	r.res.Verdict = worse(r.res.Verdict, d.Verdict)
	c.given = c.given && d.Verdict == validate.Admit
	return r.script.Verify(ctx)
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
