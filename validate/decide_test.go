package validate_test

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

var today = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func digest(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

var unknownGlobal = &validate.Rule{ID: validate.UnknownGlobalID, Severity: validate.High}

// script is a scanner that does what the file's words say, one word a line.
var script = &validate.Scanner{Name: "script", Match: func(h validate.Head) bool { return strings.HasPrefix(string(h.Start), "do\n") },
	Scan: func(p *validate.Pass) error {
		b, err := p.Bytes(0, p.Size)
		if err != nil {
			return err
		}
		for _, word := range strings.Fields(string(b)) {
			rules := map[string]*validate.Rule{"note": note, "doubt": doubt, "hostile": hostile}
			switch {
			case rules[word] != nil:
				p.Report(rules[word], 0, "%s", word)
			case word == "code":
				p.IsCode()
			case word == "judged":
				p.IsJudgedCode()
			case strings.HasPrefix(word, "uses:"):
				p.ReportAt(doubt, validate.Place{Capability: word[5:]}, "%s", word)
			case strings.HasPrefix(word, "harms:"):
				p.ReportAt(hostile, validate.Place{Capability: word[6:]}, "%s", word)
			case word == "member":
				if _, err := p.Descend("b", strings.NewReader("do\ndoubt"), 8); err != nil {
					return err
				}
			case strings.HasPrefix(word, "global:"):
				parts := strings.Split(word, ":")
				p.ReportGlobal(unknownGlobal, 0, validate.Global{Module: parts[1], Name: parts[2], Act: parts[3]}, "%s", word)
			}
		}
		p.Clear(0, p.Size, "script")
		return nil
	}}

type decideTest struct {
	policy   func(*policy.Policy)
	files    map[string]string
	want     validate.Verdict
	admitted []string
	withheld []string
}

func TestDecide(t *testing.T) {
	one := func(content string) map[string]string { return map[string]string{"m": "do\n" + content} }
	waive := func(w ...policy.Waiver) func(*policy.Policy) { return func(p *policy.Policy) { p.Waivers = w } }
	allow := func(g ...policy.Global) func(*policy.Policy) { return func(p *policy.Policy) { p.AllowedGlobals = g } }
	doubtful := policy.Waiver{Rule: "test/doubt", SHA256: digest("do\ndoubt"), Reason: "looked at"}
	expires := func(w policy.Waiver, day string) policy.Waiver { w.Expires = day; return w }
	remote := func(r policy.RemoteCode) func(*policy.Policy) { return func(p *policy.Policy) { p.RemoteCode = r } }
	withCode := map[string]string{"m": "do\n", "x.py": "do\ncode"}
	unclaimed := func(u policy.Unclaimed) func(*policy.Policy) { return func(p *policy.Policy) { p.Unclaimed = u } }
	permits := func(p *policy.Policy) { p.RemoteCode, p.Sandbox.Allow.Subprocess = policy.RemoteCodeAllow, true }
	withPicture := map[string]string{"m": "do\n", "logo.PNG": "\x89PNG"}

	tests := map[string]decideTest{
		"a clean file":                  {nil, one(""), validate.Admit, []string{"m"}, nil},
		"the zero policy":               {func(p *policy.Policy) { *p = policy.Policy{} }, one(""), validate.Reject, nil, nil},
		"limits without a name":         {func(p *policy.Policy) { p.Name = "" }, one(""), validate.Reject, nil, nil},
		"a name without limits":         {func(p *policy.Policy) { *p = policy.Policy{Name: "x"} }, one(""), validate.Inconclusive, nil, nil},
		"no files":                      {nil, nil, validate.Inconclusive, nil, nil},
		"a note":                        {nil, one("note"), validate.Admit, []string{"m"}, nil},
		"a doubt":                       {nil, one("doubt"), validate.Inconclusive, []string{"m"}, nil},
		"a hostile finding":             {nil, one("hostile"), validate.Reject, []string{"m"}, nil},
		"a doubt and a hostile finding": {nil, one("doubt hostile"), validate.Reject, []string{"m"}, nil},
		"one bad file among good ones":  {nil, map[string]string{"a": "do\n", "b": "do\nhostile"}, validate.Reject, []string{"a", "b"}, nil},

		"a waiver":                                      {waive(doubtful), one("doubt"), validate.Admit, []string{"m"}, nil},
		"a waiver for another rule":                     {waive(policy.Waiver{Rule: "test/hostile", SHA256: doubtful.SHA256}), one("doubt"), validate.Inconclusive, []string{"m"}, nil},
		"a waiver for another content":                  {waive(policy.Waiver{Rule: "test/doubt", SHA256: digest("x")}), one("doubt"), validate.Inconclusive, []string{"m"}, nil},
		"a waiver without a digest":                     {waive(policy.Waiver{Rule: "test/doubt"}), one("doubt"), validate.Inconclusive, []string{"m"}, nil},
		"a waiver that ends today":                      {waive(expires(doubtful, "2026-11-23")), one("doubt"), validate.Admit, []string{"m"}, nil},
		"a waiver that ended yesterday":                 {waive(expires(doubtful, "2026-11-22")), one("doubt"), validate.Inconclusive, []string{"m"}, nil},
		"a waiver with a date nobody can read":          {waive(expires(doubtful, "soon")), one("doubt"), validate.Inconclusive, []string{"m"}, nil},
		"a waiver covers one rule only":                 {waive(doubtful, policy.Waiver{Rule: "test/note", SHA256: digest("do\ndoubt hostile")}), one("doubt hostile"), validate.Reject, []string{"m"}, nil},
		"a waiver reaches members":                      {waive(policy.Waiver{Rule: "test/doubt", SHA256: digest("do\nmember")}), one("member"), validate.Admit, []string{"m"}, nil},
		"a waiver for a member's own digest":            {waive(doubtful), one("member"), validate.Inconclusive, []string{"m"}, nil},
		"a waiver does not reach a name that continues": {waive(policy.Waiver{Rule: "test/doubt", SHA256: digest("do\nclean")}), map[string]string{"a": "do\nclean", "a!b": "do\ndoubt"}, validate.Inconclusive, []string{"a", "a!b"}, nil},
		"a waiver does not reach another file":          {waive(policy.Waiver{Rule: "test/doubt", SHA256: digest("do\n")}), map[string]string{"a": "do\n", "b": "do\ndoubt"}, validate.Inconclusive, []string{"a", "b"}, nil},

		"an unknown name":                     {nil, one("global:m:N:call"), validate.Reject, []string{"m"}, nil},
		"an allowed call":                     {allow(policy.Global{Module: "m", Name: "N", Call: true}), one("global:m:N:call"), validate.Admit, []string{"m"}, nil},
		"an allowed import, called":           {allow(policy.Global{Module: "m", Name: "N", Import: true}), one("global:m:N:call"), validate.Reject, []string{"m"}, nil},
		"an allowed call, built":              {allow(policy.Global{Module: "m", Name: "N", Import: true, Call: true}), one("global:m:N:build"), validate.Reject, []string{"m"}, nil},
		"an allowed build":                    {allow(policy.Global{Module: "m", Name: "N", Build: true}), one("global:m:N:build"), validate.Admit, []string{"m"}, nil},
		"an allowed import":                   {allow(policy.Global{Module: "m", Name: "N", Import: true}), one("global:m:N:import"), validate.Admit, []string{"m"}, nil},
		"an act nobody knows":                 {allow(policy.Global{Module: "m", Name: "N", Import: true, Call: true, Build: true}), one("global:m:N:other"), validate.Reject, []string{"m"}, nil},
		"another name of the module":          {allow(policy.Global{Module: "m", Name: "N", Call: true}), one("global:m:O:call"), validate.Reject, []string{"m"}, nil},
		"the name of another module":          {allow(policy.Global{Module: "m", Name: "N", Call: true}), one("global:m.n:N:call"), validate.Reject, []string{"m"}, nil},
		"an unknown name, admitted as unsafe": {func(p *policy.Policy) { p.UnsafeUnknownGlobals = true }, one("global:m:N:call"), validate.Admit, []string{"m"}, nil},
		"a hostile one beside unsafe names":   {func(p *policy.Policy) { p.UnsafeUnknownGlobals = true }, one("global:m:N:call hostile"), validate.Reject, []string{"m"}, nil},

		"code, refused by default":      {nil, withCode, validate.Reject, []string{"m", "x.py"}, nil},
		"code, withheld":                {remote(policy.RemoteCodeWithhold), withCode, validate.Admit, []string{"m"}, []string{"x.py"}},
		"code alone, withheld":          {remote(policy.RemoteCodeWithhold), map[string]string{"x.py": "do\ncode"}, validate.Admit, nil, []string{"x.py"}},
		"hostile code, withheld":        {remote(policy.RemoteCodeWithhold), map[string]string{"m": "do\n", "x.py": "do\ncode hostile"}, validate.Reject, []string{"m"}, []string{"x.py"}},
		"doubtful code, withheld":       {remote(policy.RemoteCodeWithhold), map[string]string{"m": "do\n", "x.py": "do\ncode doubt"}, validate.Inconclusive, []string{"m"}, []string{"x.py"}},
		"code, allowed but not cleared": {remote(policy.RemoteCodeAllow), withCode, validate.Inconclusive, []string{"m", "x.py"}, nil},
		"code, allowed and waived": {func(p *policy.Policy) {
			p.RemoteCode = policy.RemoteCodeAllow
			p.Waivers = []policy.Waiver{{Rule: "validate/remote-code-not-cleared", SHA256: digest("do\ncode")}}
		}, withCode, validate.Admit, []string{"m", "x.py"}, nil},
		"judged code, allowed":                      {remote(policy.RemoteCodeAllow), map[string]string{"x.py": "do\njudged"}, validate.Admit, []string{"x.py"}, nil},
		"judged code with a capability, withheld":   {remote(policy.RemoteCodeWithhold), map[string]string{"m": "do\n", "x.py": "do\njudged uses:subprocess"}, validate.Admit, []string{"m"}, []string{"x.py"}},
		"judged code with a restricted capability":  {remote(policy.RemoteCodeAllow), map[string]string{"x.py": "do\njudged uses:subprocess"}, validate.Inconclusive, []string{"x.py"}, nil},
		"judged code with a permitted capability":   {permits, map[string]string{"x.py": "do\njudged uses:subprocess"}, validate.Admit, []string{"x.py"}, nil},
		"judged code with another capability":       {permits, map[string]string{"x.py": "do\njudged uses:network_access"}, validate.Inconclusive, []string{"x.py"}, nil},
		"judged code with an unheard-of capability": {permits, map[string]string{"x.py": "do\njudged uses:levitation"}, validate.Inconclusive, []string{"x.py"}, nil},
		"judged code that harms, permitted":         {permits, map[string]string{"x.py": "do\njudged harms:subprocess"}, validate.Reject, []string{"x.py"}, nil},
		"judged code that harms, withheld":          {remote(policy.RemoteCodeWithhold), map[string]string{"m": "do\n", "x.py": "do\njudged harms:subprocess"}, validate.Reject, []string{"m"}, []string{"x.py"}},

		"version control data":             {nil, map[string]string{"m": "do\n", ".git/index": "DIRC\x00"}, validate.Admit, []string{"m"}, []string{".git/index"}},
		"hostile version control data":     {nil, map[string]string{"m": "do\n", ".git/x": "do\nhostile"}, validate.Reject, []string{"m"}, []string{".git/x"}},
		"a folder that is nearly .git":     {nil, map[string]string{"m": "do\n", "a.git/index": "DIRC\x00"}, validate.Inconclusive, []string{"a.git/index", "m"}, nil},
		"bookkeeping of a download":        {nil, map[string]string{"m": "do\n", ".cache/huggingface/x.lock": "\x00"}, validate.Admit, []string{"m"}, []string{".cache/huggingface/x.lock"}},
		"bookkeeping of an editor":         {nil, map[string]string{"m": "do\n", ".ipynb_checkpoints/x-checkpoint.bin": "\x00", "__MACOSX/._m": "\x00\x05", "._m": "\x00\x05", ".pre-commit-config.yaml": "\x00"}, validate.Admit, []string{"m"}, []string{"._m", ".ipynb_checkpoints/x-checkpoint.bin", ".pre-commit-config.yaml", "__MACOSX/._m"}},
		"nothing but version control data": {nil, map[string]string{".git/index": "DIRC\x00"}, validate.Admit, nil, []string{".git/index"}},

		"a picture":                     {nil, withPicture, validate.Inconclusive, []string{"logo.PNG", "m"}, nil},
		"a picture, withheld":           {unclaimed(policy.UnclaimedWithhold), withPicture, validate.Admit, []string{"m"}, []string{"logo.PNG"}},
		"a picture, admitted as unsafe": {unclaimed(policy.UnclaimedUnsafeAdmit), withPicture, validate.Admit, []string{"logo.PNG", "m"}, nil},
		"what trackers record":          {unclaimed(policy.UnclaimedWithhold), map[string]string{"m": "do\n", "runs/a/events.out.tfevents.1700000000.host.1.0": "\x18\x00", "run-1.wandb": "\x00", "data/train-00000.parquet": "PAR1\x00"}, validate.Admit, []string{"m"}, []string{"data/train-00000.parquet", "run-1.wandb", "runs/a/events.out.tfevents.1700000000.host.1.0"}},
		"no event of TensorBoard":       {unclaimed(policy.UnclaimedWithhold), map[string]string{"m": "do\n", "my.tfevents": "\x18\x00"}, validate.Inconclusive, []string{"m", "my.tfevents"}, nil},
		"unknown data is not withheld":  {unclaimed(policy.UnclaimedWithhold), map[string]string{"m": "do\n", "x.so": "\x7fELF"}, validate.Inconclusive, []string{"m", "x.so"}, nil},
		"unknown data, waived":          {waive(policy.Waiver{Rule: "validate/unclaimed", SHA256: digest("\x7fELF")}), map[string]string{"m": "do\n", "x.so": "\x7fELF"}, validate.Admit, []string{"m", "x.so"}, nil},

		"an extension that is allowed": {func(p *policy.Policy) { p.AllowedExtensions = []string{".bin"} }, map[string]string{"a.BIN": "do\n"}, validate.Admit, []string{"a.BIN"}, nil},
		"an extension that is not":     {func(p *policy.Policy) { p.AllowedExtensions = []string{".bin"} }, map[string]string{"a.pt": "do\n"}, validate.Inconclusive, []string{"a.pt"}, nil},
		"an extension that is waived": {func(p *policy.Policy) {
			p.AllowedExtensions = []string{".bin"}
			p.Waivers = []policy.Waiver{{Rule: "validate/extension", SHA256: digest("do\n")}}
		}, map[string]string{"a.pt": "do\n"}, validate.Admit, []string{"a.pt"}, nil},
		"a waiver for code does not cover its extension": {func(p *policy.Policy) {
			p.AllowedExtensions, p.RemoteCode = []string{".bin"}, policy.RemoteCodeAllow
			p.Waivers = []policy.Waiver{{Rule: "validate/remote-code-not-cleared", SHA256: digest("do\ncode")}}
		}, map[string]string{"x.py": "do\ncode"}, validate.Inconclusive, []string{"x.py"}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { tt.check(t) })
	}
}

func (tt decideTest) check(t *testing.T) {
	dir := t.TempDir()
	for name, content := range tt.files {
		put(t, dir, name, content)
	}
	p := validatetest.Policy()
	if tt.policy != nil {
		tt.policy(&p)
	}
	snap := pin(t, dir, "", p.Scan)
	rep, err := validate.Scan(t.Context(), []*validate.Scanner{script}, snap, p.Scan)
	if err != nil {
		t.Fatal(err)
	}
	admitted, d := validate.Decide(p, snap, rep, today)
	if d.Verdict != tt.want || !slices.Equal(d.Admitted, tt.admitted) {
		t.Errorf("verdict %s admits %q, want %s %q\n%+v", d.Verdict, d.Admitted, tt.want, tt.admitted, d.Findings)
	}
	var withheld []string
	for _, w := range d.Withheld {
		withheld = append(withheld, w.Path)
		if w.Why == "" {
			t.Errorf("%s is withheld for no reason", w.Path)
		}
	}
	if !slices.Equal(withheld, tt.withheld) {
		t.Errorf("withheld %q, want %q", withheld, tt.withheld)
	}
	if admitted.Valid() != (tt.want == validate.Admit && len(tt.admitted) > 0) || d.Unsafe != "" {
		t.Errorf("valid %v, unsafe %q under verdict %s", admitted.Valid(), d.Unsafe, d.Verdict)
	}
	if admitted.Valid() && len(admitted.Files()) != len(tt.admitted) {
		t.Errorf("%d files are admitted", len(admitted.Files()))
	}
	for i := 1; i < len(d.Findings); i++ {
		if d.Findings[i].Severity > d.Findings[i-1].Severity {
			t.Error("the worst finding does not come first")
		}
	}
}

func TestOnlyDecideAdmits(t *testing.T) {
	if (validate.Admitted{}).Valid() {
		t.Error("the zero value is an admission")
	}
	if v := validate.Verdict(0); v == validate.Admit || v.String() != "undecided" {
		t.Errorf("the zero verdict is %s", v)
	}
}

func TestARejectedModelRunsOnlyWhenThePolicySaysUnsafe(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "m", "do\nhostile")
	p := validatetest.Policy()
	p.UnsafeAdmitRejected = true
	snap := pin(t, dir, "", p.Scan)
	rep, err := validate.Scan(t.Context(), []*validate.Scanner{script}, snap, p.Scan)
	if err != nil {
		t.Fatal(err)
	}
	admitted, d := validate.Decide(p, snap, rep, today)
	if d.Verdict != validate.Reject || !admitted.Valid() || !strings.Contains(d.Unsafe, "reject") {
		t.Errorf("verdict %s, valid %v, unsafe %q", d.Verdict, admitted.Valid(), d.Unsafe)
	}
	p.Name = ""
	if admitted, _ := validate.Decide(p, snap, rep, today); admitted.Valid() {
		t.Error("a policy without a name admits")
	}
}

// A report that leaves something unsaid must not admit it.
func TestReportsThatDoNotFitTheSnapshot(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "a", "do\n")
	put(t, dir, "b", "do\n")
	p := validatetest.Policy()
	snap := pin(t, dir, "", p.Scan)
	cleared := func(name string, ok bool) validate.FileReport {
		return validate.FileReport{Path: name, Scanners: []string{"x"}, Cleared: ok}
	}
	tests := map[string]struct {
		rep      validate.Report
		want     validate.Verdict
		admitted []string
	}{
		"an empty report":                {validate.Report{}, validate.Inconclusive, nil},
		"a file that nobody looked at":   {validate.Report{Files: []validate.FileReport{cleared("a", true)}}, validate.Admit, []string{"a"}},
		"a file of another model":        {validate.Report{Files: []validate.FileReport{cleared("a", true), cleared("c", true)}}, validate.Inconclusive, []string{"a"}},
		"not cleared, without a finding": {validate.Report{Files: []validate.FileReport{cleared("a", false)}}, validate.Inconclusive, []string{"a"}},
		"not cleared, with only a note":  {validate.Report{Files: []validate.FileReport{cleared("a", false)}, Findings: []validate.Finding{{Rule: "x/y", Severity: validate.Low, File: "a"}}}, validate.Inconclusive, []string{"a"}},
		"a finding without a severity":   {validate.Report{Files: []validate.FileReport{cleared("a", true)}, Findings: []validate.Finding{{Rule: "x/y", File: "a"}}}, validate.Inconclusive, []string{"a"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			admitted, d := validate.Decide(p, snap, tt.rep, today)
			if d.Verdict != tt.want || !slices.Equal(d.Admitted, tt.admitted) || admitted.Valid() != (tt.want == validate.Admit) {
				t.Errorf("verdict %s admits %q, want %s %q\n%+v", d.Verdict, d.Admitted, tt.want, tt.admitted, d.Findings)
			}
		})
	}
}
