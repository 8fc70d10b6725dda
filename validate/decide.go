package validate

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/loadlock/loadlock/policy"
)

// Verdict concludes. The zero value admits nothing.
type Verdict int

// Undecided is what a Verdict is before Decide; it never lets anything run.
const (
	Undecided Verdict = iota
	Admit
	Reject
	Inconclusive
)

// String is the word that reports print.
func (v Verdict) String() string {
	return [...]string{"undecided", "admit", "reject", "inconclusive"}[v]
}

// MarshalText makes JSON reports carry the word.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// Withheld is a file of an admitted model that does not exist inside the sandbox.
type Withheld struct {
	Path string `json:"path"`
	Why  string `json:"why"`
}

// Decision is what a policy makes of a report.
type Decision struct {
	Verdict  Verdict    `json:"verdict"`
	Findings []Finding  `json:"findings"` // all of them, waived ones included, worst first
	Admitted []string   `json:"admitted"` // paths
	Withheld []Withheld `json:"withheld"`
	Unsafe   string     `json:"unsafe,omitempty"` // why a refused model is run all the same
}

// Admitted is the proof that a model may be started: only Decide makes one that Valid accepts.
type Admitted struct {
	snap  *Snapshot
	files []*File
}

// Valid reports whether Decide made this value.
func (a Admitted) Valid() bool { return a.snap != nil }

// Snapshot is the pinned model.
func (a Admitted) Snapshot() *Snapshot { return a.snap }

// Files are the files that may exist inside the sandbox, in lexical order.
func (a Admitted) Files() []*File { return a.files }

// inertExtensions are kinds of file that nothing executes and no loader of weights reads: pictures, sound, films, documents,
// fonts, shapes, tables of training data, what trackers of experiments record.
var inertExtensions = strings.Fields(`.png .jpg .jpeg .gif .webp .svg .ico .bmp .tif .tiff .heic .avif .psd .mp4 .webm .mov .avi .mkv .wav .mp3 .flac .ogg .m4a .aac .opus
	.pdf .doc .docx .ppt .pptx .xls .xlsx .odt .ttf .otf .woff .woff2 .eot .parquet .arrow .feather .wandb .log
	.glb .ply .stl .exr .hdr .mid .midi`)

// inert reports whether a file is of such a kind, by its name. TensorBoard's files end in the name of a machine.
func inert(name string) bool {
	return slices.Contains(inertExtensions, Ext(name)) || strings.HasPrefix(path.Base(name), "events.out.tfevents.")
}

// Decide judges a report under a policy. It is pure apart from hashing a file that a waiver names. The first
// result is usable only when the verdict is Admit, or when the policy admits rejected models and says so in
// Decision.Unsafe.
func Decide(p policy.Policy, snap *Snapshot, rep Report, now time.Time) (Admitted, Decision) {
	d := Decision{Verdict: Undecided, Admitted: []string{}, Withheld: []Withheld{}}
	if p.Name == "" {
		d.Verdict = Reject // the zero policy
		d.Findings = rep.Findings
		return Admitted{}, d
	}
	j := judge{policy: p, snap: snap, now: now, withheld: map[string]string{}}
	byPath := map[string]*File{}
	for _, f := range snap.Files {
		byPath[f.Path] = f
	}
	d.Findings = append([]Finding{}, rep.Findings...)
	for _, fr := range rep.Files {
		why, extra := j.dispose(fr)
		if d.Findings = append(d.Findings, extra...); why != "" {
			j.withheld[Printable(fr.Path)] = why
		}
	}
	for i := range d.Findings {
		j.judge(&d.Findings[i])
	}
	accused := accused(d.Findings)
	var files []*File
	for _, fr := range rep.Files {
		if !fr.Cleared && !accused[Printable(fr.Path)] || byPath[fr.Path] == nil {
			f := finding(Unexplained, fr, "not cleared, for no stated reason")
			j.judge(&f)
			d.Findings = append(d.Findings, f)
		}
		switch why := j.withheld[Printable(fr.Path)]; {
		case byPath[fr.Path] == nil:
		case why != "":
			d.Withheld = append(d.Withheld, Withheld{fr.Path, why})
		default:
			files = append(files, byPath[fr.Path])
			d.Admitted = append(d.Admitted, fr.Path)
		}
	}
	slices.SortStableFunc(d.Findings, func(a, b Finding) int { return cmp.Compare(b.Severity, a.Severity) })
	d.Verdict = j.verdict(d.Findings)
	if d.Verdict == Admit && len(files) == 0 && len(d.Withheld) == 0 {
		d.Empty()
	}
	if d.Verdict != Admit {
		if !p.UnsafeAdmitRejected {
			return Admitted{}, d
		}
		d.Unsafe = fmt.Sprintf("the verdict is %s; policy %s runs it all the same (unsafe_admit_rejected)", d.Verdict, p.Name)
	}
	if len(files) == 0 && d.Unsafe == "" {
		return Admitted{}, d // nothing is wrong with what is withheld, but there is nothing to start with either
	}
	return Admitted{snap: snap, files: files}, d
}

// Empty makes an admitted model without a file inconclusive: for whoever wants to load it, rather than know whether
// something is wrong with it.
func (d *Decision) Empty() {
	d.Verdict = Inconclusive
	d.Findings = append(d.Findings, Finding{Rule: Empty.ID, Severity: Empty.Severity, File: ".", Detail: "nothing is left to load"})
}

type judge struct {
	policy policy.Policy
	snap   *Snapshot
	now    time.Time

	withheld map[string]string // why a file does not exist inside, by printable path

	waivers map[string][]policy.Waiver // by rule
	files   map[string]*File           // by printable path
}

// judge applies the policy to one finding: waivers, vetted globals, and rules that a disposition replaces.
func (j *judge) judge(f *Finding) {
	if g := f.Global; g != nil && f.Rule == UnknownGlobalID {
		for _, a := range j.policy.AllowedGlobals {
			if a.Module == g.Module && a.Name == g.Name && allows(a, g.Act) {
				f.Waived = "allowed_globals: " + a.Reason
				return
			}
		}
		if j.policy.UnsafeUnknownGlobals {
			f.Waived = "unsafe_unknown_globals"
			return
		}
	}
	top, _, nested := strings.Cut(f.File, "!")
	if f.Rule == Unclaimed.ID && !nested && j.unclaimedIsHandled(top) {
		f.Waived = "see withheld files and policy key unclaimed"
		return
	}
	if f.Severity < High && j.outOfReach(*f, top) {
		f.Waived = "the file does not exist inside: " + j.withheld[top]
		return
	}
	if f.Severity < High && f.Capability != "" && j.policy.RemoteCode == policy.RemoteCodeAllow && j.policy.Sandbox.Allow.Permits(f.Capability) {
		f.Waived = "the policy does not restrict " + f.Capability
		return
	}
	if why, ok := j.waived(*f, top); ok {
		f.Waived = why
	}
}

// outOfReach reports whether a finding is about what a file could do, and the file does not exist inside. That a file
// could not be read or parsed stays: nobody knows what it is.
func (j *judge) outOfReach(f Finding, top string) bool {
	return j.withheld[top] != "" && (f.Capability != "" || bookkeeping(top) != "")
}

// bookkeeping says what tools keep in a folder of files that is no part of the model, by a component of the path.
func bookkeeping(path string) string {
	for part := range strings.SplitSeq(path, "/") {
		switch part {
		case ".git", ".hg", ".svn":
			return "version control data"
		case ".cache", ".locks", ".no_exist", ".huggingface":
			return "bookkeeping of a download"
		case ".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX":
			return "bookkeeping of a file manager"
		case ".ipynb_checkpoints", ".idea", ".vscode", ".devcontainer", ".github", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".pre-commit-config.yaml", ".gitlab-ci.yml", ".travis.yml":
			return "bookkeeping of a developer's tools"
		}
		if strings.HasPrefix(part, "._") {
			return "bookkeeping of a file manager" // AppleDouble
		}
	}
	return ""
}

// UnknownGlobalID is the rule about pickle names that nobody vetted; a policy may allow names by it.
const UnknownGlobalID = "pickle/global-unknown"

func allows(a policy.Global, act string) bool {
	switch act {
	case "import":
		return a.Import
	case "call":
		return a.Call
	case "build":
		return a.Build
	}
	return false
}

func (j *judge) unclaimedIsHandled(file string) bool {
	switch j.policy.Unclaimed {
	case policy.UnclaimedUnsafeAdmit:
		return true
	case policy.UnclaimedWithhold:
		return !j.snap.Single && inert(file)
	}
	return false
}

// waived says which waiver accepts a finding. Digests are computed only of files that a waiver could be about.
func (j *judge) waived(f Finding, top string) (string, bool) {
	if j.waivers == nil {
		j.waivers, j.files = map[string][]policy.Waiver{}, map[string]*File{}
		for _, w := range j.policy.Waivers {
			j.waivers[w.Rule] = append(j.waivers[w.Rule], w)
		}
		for _, file := range j.snap.Files {
			j.files[Printable(file.Path)] = file
		}
	}
	file := j.files[top]
	if file == nil {
		return "", false
	}
	for _, w := range j.waivers[f.Rule] {
		if w.Expired(j.now) {
			continue
		}
		if got, err := file.Digest(); err == nil && got == w.SHA256 {
			return "waiver: " + w.Reason, true
		}
	}
	return "", false
}

// dispose says why a file does not exist inside, or "" when it may, and states what the policy demands of it.
func (j *judge) dispose(fr FileReport) (withheld string, extra []Finding) {
	if len(j.policy.AllowedExtensions) > 0 && !slices.Contains(j.policy.AllowedExtensions, Ext(path.Base(fr.Path))) {
		extra = append(extra, finding(BadExtension, fr, fmt.Sprintf("extension %q", Ext(fr.Path))))
	}
	if what := bookkeeping(fr.Path); what != "" && !j.snap.Single {
		return what, extra
	}
	if fr.Code {
		switch j.policy.RemoteCode {
		case policy.RemoteCodeWithhold:
			return "remote code (allow_remote_code: false)", extra
		case policy.RemoteCodeAllow:
			if !fr.CodeJudged {
				extra = append(extra, finding(RemoteCodeNotCleared, fr, "program code"))
			}
			return "", extra
		default:
			return "", append(extra, finding(RemoteCodeRefused, fr, "program code"))
		}
	}
	if len(fr.Scanners) == 0 && !fr.Cleared && j.policy.Unclaimed == policy.UnclaimedWithhold && j.unclaimedIsHandled(fr.Path) {
		return "no scanner understands it", extra
	}
	return "", extra
}

func finding(r *Rule, fr FileReport, detail string) Finding {
	return Finding{Rule: r.ID, Severity: r.Severity, File: Printable(fr.Path), Detail: detail}
}

// accused is the set of files that some finding says something about that keeps them from being cleared. Scan
// leaves no uncleared file outside it; Decide's check is the net below that.
func accused(findings []Finding) map[string]bool {
	set := map[string]bool{}
	for _, f := range findings {
		if top, _, _ := strings.Cut(f.File, "!"); f.Severity != Low {
			set[top] = true
		}
	}
	return set
}

// verdict is the worst of what was not waived.
func (j *judge) verdict(findings []Finding) Verdict {
	v := Admit
	for _, f := range findings {
		switch {
		case f.Waived != "":
		case f.Severity == High:
			return Reject
		case f.Severity != Low:
			v = Inconclusive
		}
	}
	return v
}
