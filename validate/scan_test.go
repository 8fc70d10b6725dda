package validate_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

var (
	note    = &validate.Rule{ID: "test/note", Severity: validate.Low}
	doubt   = &validate.Rule{ID: "test/doubt", Severity: validate.Medium}
	hostile = &validate.Rule{ID: "test/hostile", Severity: validate.High}
)

// with is a scanner that matches everything.
func with(scan func(*validate.Pass) error) *validate.Scanner {
	return &validate.Scanner{Name: "with", Match: func(validate.Head) bool { return true }, Scan: scan}
}

func scanBytes(t testing.TB, content string, l policy.ScanLimits, scanners ...*validate.Scanner) validate.Report {
	t.Helper()
	return validate.ScanReader(t.Context(), scanners, "file", strings.NewReader(content), int64(len(content)), l)
}

func verdict(t testing.TB, content string, scanners ...*validate.Scanner) (validate.Report, validate.Verdict) {
	t.Helper()
	rep, d := validatetest.Run(t, scanners, "file", []byte(content))
	return rep, d.Verdict
}

func TestHoweverAScannerEndsNothingIsLost(t *testing.T) {
	tests := map[string]struct {
		scan func(*validate.Pass) error
		rule string
		at   int64
	}{
		"it panics":                    {func(*validate.Pass) error { panic("index out of range") }, "validate/unparsable", 0},
		"it divides by zero":           {func(p *validate.Pass) error { p.Clear(0, p.Size/(p.Depth), ""); return nil }, "validate/unparsable", 0},
		"it fails":                     {func(*validate.Pass) error { return errors.New("no") }, "validate/unparsable", 0},
		"the format is broken":         {func(*validate.Pass) error { return validate.Malformed(2, "bad") }, "validate/unparsable", 2},
		"it wraps a format error":      {func(*validate.Pass) error { return fmt.Errorf("x: %w", validate.Malformed(2, "bad")) }, "validate/unparsable", 2},
		"it reads outside":             {func(p *validate.Pass) error { _, err := p.Bytes(2, 3); return err }, "validate/unparsable", 2},
		"it reads before the start":    {func(p *validate.Pass) error { _, err := p.ReadAt(make([]byte, 1), -1); return err }, "validate/unparsable", -1},
		"it wants everything":          {func(p *validate.Pass) error { _, err := p.Bytes(0, 1<<62); return err }, "validate/unparsable", 0},
		"a budget is exhausted":        {func(p *validate.Pass) error { return p.Charge(validate.PickleOps, 1<<40) }, "validate/budget", 0},
		"it hides an exhausted budget": {func(p *validate.Pass) error { p.Charge(validate.Expanded, 1<<60); p.Clear(0, p.Size, ""); return nil }, "validate/budget", 0},
		"it charges less than nothing": {func(p *validate.Pass) error { return p.Charge(validate.Entries, -1) }, "validate/budget", 0},
		"it clears nothing":            {func(*validate.Pass) error { return nil }, "validate/unexplained", 0},
		"it clears half":               {func(p *validate.Pass) error { p.Clear(0, 2, ""); return nil }, "validate/unexplained", 2},
		"it clears twice":              {func(p *validate.Pass) error { p.Clear(0, 4, "a"); p.Clear(1, 2, "b"); return nil }, "validate/overlapping", 1},
		"it clears too much":           {func(p *validate.Pass) error { p.Clear(0, 5, ""); return nil }, "validate/overlapping", 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := with(func(p *validate.Pass) error {
				p.Report(note, 1, "seen before")
				return tt.scan(p)
			})
			rep, v := verdict(t, "abcd", s)
			if v != validate.Inconclusive || rep.Files[0].Cleared {
				t.Errorf("verdict %s, cleared %v", v, rep.Files[0].Cleared)
			}
			found := slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Rule == tt.rule && f.Offset == tt.at })
			if !found || !hasRule(rep.Findings, "test/note") {
				t.Errorf("want %s at %d\n%s", tt.rule, tt.at, validatetest.Show(rep))
			}
			s = with(func(p *validate.Pass) error { p.Report(hostile, 0, "seen before"); return tt.scan(p) })
			if _, v := verdict(t, "abcd", s); v != validate.Reject {
				t.Errorf("verdict %s after a hostile finding", v)
			}
		})
	}
}

func TestAPanicWhileLookingIsNotANo(t *testing.T) {
	s := &validate.Scanner{Name: "p", Match: func(validate.Head) bool { panic("no") }, Scan: anything.Scan}
	if rep, v := verdict(t, "abcd", s, anything); v != validate.Inconclusive || !hasRule(rep.Findings, "validate/unparsable") {
		t.Errorf("verdict %s\n%s", v, validatetest.Show(rep))
	}
}

func TestEveryScannerThatMatchesMustClearTheFile(t *testing.T) {
	half := func(from, n int64) *validate.Scanner {
		return with(func(p *validate.Pass) error { p.Clear(from, n, ""); return nil })
	}
	nobody := &validate.Scanner{Name: "nobody", Match: func(validate.Head) bool { return false }, Scan: anything.Scan}
	fallback := with(func(p *validate.Pass) error { p.Report(note, 0, "fallback"); p.Clear(0, p.Size, ""); return nil })
	fallback.Fallback = true
	tests := map[string]struct {
		scanners []*validate.Scanner
		want     validate.Verdict
		rule     string
	}{
		"one clears all":             {[]*validate.Scanner{anything}, validate.Admit, ""},
		"two clear all":              {[]*validate.Scanner{anything, half(0, 4)}, validate.Admit, ""},
		"one of two clears half":     {[]*validate.Scanner{anything, half(0, 2)}, validate.Inconclusive, "validate/unexplained"},
		"two halves are not a whole": {[]*validate.Scanner{half(0, 2), half(2, 2)}, validate.Inconclusive, "validate/unexplained"},
		"nobody matches":             {[]*validate.Scanner{nobody}, validate.Inconclusive, "validate/unclaimed"},
		"no scanners":                {nil, validate.Inconclusive, "validate/unclaimed"},
		"the fallback, alone":        {[]*validate.Scanner{nobody, fallback}, validate.Admit, "test/note"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			rep, v := verdict(t, "abcd", tt.scanners...)
			if v != tt.want || tt.rule != "" && !hasRule(rep.Findings, tt.rule) {
				t.Errorf("verdict %s, want %s %s\n%s", v, tt.want, tt.rule, validatetest.Show(rep))
			}
		})
	}
	if rep, _ := verdict(t, "abcd", anything, fallback); hasRule(rep.Findings, "test/note") {
		t.Error("the fallback ran beside another scanner")
	}
}

// box is a container: each byte after the first is the content of a member named by it.
var box = &validate.Scanner{Name: "box", Match: func(h validate.Head) bool { return bytes.HasPrefix(h.Start, []byte("[")) },
	Scan: func(p *validate.Pass) error {
		p.Clear(0, 1, "head")
		n, err := p.Descend("in!side\n", p.Section(1, p.Size-1), p.Size-1)
		if err != nil {
			return err
		}
		for _, f := range n.Facts {
			p.Report(note, 0, "fact %s", f.Key)
		}
		if n.Code {
			p.Report(note, 0, "code")
		}
		if n.Cleared {
			p.Clear(1, p.Size-1, "member")
		}
		return nil
	}}

func TestMembersTellTheirContainer(t *testing.T) {
	leaf := &validate.Scanner{Name: "leaf", Match: func(h validate.Head) bool { return !bytes.HasPrefix(h.Start, []byte("[")) },
		Scan: func(p *validate.Pass) error {
			if p.Depth > 0 {
				p.Fact(validate.Fact{Key: "key"})
				p.IsCode()
			}
			p.Report(note, 3, "leaf")
			p.Clear(0, p.Size, "")
			return nil
		}}
	rep := scanBytes(t, "[abcd", limits(), box, leaf)
	want := []validate.Finding{
		{Rule: "test/note", Severity: validate.Low, File: "file", Detail: "code"},
		{Rule: "test/note", Severity: validate.Low, File: "file", Detail: "fact key"},
		{Rule: "test/note", Severity: validate.Low, File: `file!"in\x21side\n"`, Offset: 3, Detail: "leaf"},
	}
	if !reflect.DeepEqual(rep.Findings, want) || !rep.Files[0].Cleared || rep.Files[0].Code {
		t.Errorf("%+v\n%s", rep.Findings, validatetest.Show(rep))
	}
	// What a member is not cleared of, its container is not either.
	if rep := scanBytes(t, "[abcd", limits(), box); rep.Files[0].Cleared || !hasRule(rep.Findings, "validate/unclaimed") {
		t.Error(validatetest.Show(rep))
	}
	l := limits()
	l.MaxDepth = 3
	if rep := scanBytes(t, "[[[a", l, box, leaf); !rep.Files[0].Cleared {
		t.Error(validatetest.Show(rep))
	}
	if rep := scanBytes(t, "[[[[a", l, box, leaf); rep.Files[0].Cleared || !hasRule(rep.Findings, "validate/budget") {
		t.Error(validatetest.Show(rep))
	}
	l.MaxDepth, l.MaxEntries = 8, 2
	if rep := scanBytes(t, "[[[a", l, box, leaf); rep.Files[0].Cleared || !hasRule(rep.Findings, "validate/budget") {
		t.Error(validatetest.Show(rep))
	}
}

func TestAFloodOfFindingsHidesNothing(t *testing.T) {
	flood := func(r *validate.Rule, n int, last *validate.Rule) *validate.Scanner {
		return with(func(p *validate.Pass) error {
			for i := range n {
				p.ReportGlobal(r, int64(i), validate.Global{Module: "a", Name: "b", Act: "call"}, "flood")
			}
			p.Report(last, 0, "last")
			p.Clear(0, p.Size, "")
			return nil
		})
	}
	unknown := &validate.Rule{ID: validate.UnknownGlobalID, Severity: validate.High}
	p := validatetest.Policy()
	p.AllowedGlobals = []policy.Global{{Module: "a", Name: "b", Call: true, Reason: "test"}}
	tests := map[string]struct {
		s    *validate.Scanner
		want validate.Verdict
	}{
		"notes, then a doubt":             {flood(note, 30_000, doubt), validate.Inconclusive},
		"notes, then a hostile one":       {flood(note, 30_000, hostile), validate.Reject},
		"waived ones, then a doubt":       {flood(unknown, 30_000, doubt), validate.Inconclusive},
		"waived ones, then a hostile one": {flood(unknown, 30_000, hostile), validate.Inconclusive},
		"a few notes":                     {flood(note, 100, note), validate.Admit},
		"a few waived ones":               {flood(unknown, 100, note), validate.Admit},
		"as many notes as are listed":     {flood(note, 9_999, note), validate.Admit},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			rep, d := validatetest.RunPolicy(t, p, []*validate.Scanner{tt.s}, map[string][]byte{"file": []byte("abcd")})
			if d.Verdict != tt.want || len(rep.Findings) > 20_001 {
				t.Errorf("verdict %s with %d findings, want %s", d.Verdict, len(rep.Findings), tt.want)
			}
		})
	}
}

func TestTimeIsABudget(t *testing.T) {
	l := limits()
	l.MaxScanSeconds = 0
	if rep := scanBytes(t, "abcd", l, anything); rep.Files[0].Cleared || !hasRule(rep.Findings, "validate/budget") {
		t.Errorf("zero seconds\n%s", validatetest.Show(rep))
	}
	l.MaxScanSeconds = 1
	busy := with(func(p *validate.Pass) error {
		for {
			if _, err := p.ReadAt(make([]byte, 1), 0); err != nil {
				return err
			}
		}
	})
	if rep := scanBytes(t, "abcd", l, busy); rep.Files[0].Cleared || !hasRule(rep.Findings, "validate/budget") {
		t.Errorf("an endless scanner\n%s", validatetest.Show(rep))
	}
}

func TestACancelledScanHasNoReportToDecideOn(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "a", "x")
	snap := pin(t, dir, "", limits())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := validate.Scan(ctx, []*validate.Scanner{anything}, snap, limits()); !errors.Is(err, context.Canceled) {
		t.Errorf("scan: %v", err)
	}
	if _, err := validate.Pin(ctx, dir, "", limits()); !errors.Is(err, context.Canceled) {
		t.Errorf("pin: %v", err)
	}
	if err := snap.Verify(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("verify: %v", err)
	}
}

func TestReportsAreInOneOrder(t *testing.T) {
	files := map[string][]byte{}
	for i := range 50 {
		files[fmt.Sprintf("%02d/file", i)] = []byte("abcd")
	}
	s := with(func(p *validate.Pass) error {
		p.Report(note, 1, "b")
		p.Report(note, 1, "a")
		p.Report(hostile, 0, "x")
		p.Clear(0, p.Size, "")
		return nil
	})
	first, _ := validatetest.RunPolicy(t, validatetest.Policy(), []*validate.Scanner{s}, files)
	for range 5 {
		again, _ := validatetest.RunPolicy(t, validatetest.Policy(), []*validate.Scanner{s}, files)
		if !reflect.DeepEqual(first.Findings, again.Findings) || !reflect.DeepEqual(first.Files, again.Files) {
			t.Fatal("two scans of the same files differ")
		}
	}
	if first.Findings[0].Severity != validate.High || first.Findings[149].Severity != validate.Low {
		t.Error("the worst does not come first")
	}
}

// short is a file that has fewer bytes than its size says: it was cut after it was listed.
type short struct{ io.ReaderAt }

func TestAFileThatIsShorterThanListedIsNotCleared(t *testing.T) {
	readers := map[string]func(*validate.Pass) error{
		"Bytes": func(p *validate.Pass) error { _, err := p.Bytes(0, p.Size); return err },
		"Section": func(p *validate.Pass) error {
			n, err := io.Copy(io.Discard, p.Section(0, p.Size))
			return errors.Join(err, whole(n, p.Size))
		},
		"ReadText": func(p *validate.Pass) error { return p.ReadText(func(int64, []byte) error { return nil }) },
	}
	for name, read := range readers {
		t.Run(name, func(t *testing.T) {
			s := with(func(p *validate.Pass) error { p.Clear(0, p.Size, ""); return read(p) })
			rep := validate.ScanReader(t.Context(), []*validate.Scanner{s}, "file", short{strings.NewReader("abc")}, 10, limits())
			if rep.Files[0].Cleared || len(rep.Findings) == 0 {
				t.Error(validatetest.Show(rep))
			}
		})
	}
}

func whole(n, want int64) error {
	if n != want {
		return validate.Malformed(n, "%d bytes of %d", n, want)
	}
	return nil
}

func TestALengthNeverSizesMemory(t *testing.T) {
	const size = 1 << 50
	var before, after runtime.MemStats
	s := with(func(p *validate.Pass) error { _, err := p.Bytes(0, p.Size); return err })
	runtime.ReadMemStats(&before)
	rep := validate.ScanReader(t.Context(), []*validate.Scanner{s}, "file", zeros{}, size, limits())
	runtime.ReadMemStats(&after)
	if !hasRule(rep.Findings, "validate/budget") || rep.Files[0].Cleared {
		t.Error(validatetest.Show(rep))
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
		t.Errorf("%d bytes were allocated for a length field", got)
	}
}

type zeros struct{}

func (zeros) ReadAt(b []byte, _ int64) (int, error) { clear(b); return len(b), nil }

func TestReadTextKeepsCharactersWhole(t *testing.T) {
	text := "a" + strings.Repeat("é€😀", 40_000)
	var got strings.Builder
	s := with(func(p *validate.Pass) error {
		return p.ReadText(func(off int64, chunk []byte) error {
			if off != int64(got.Len()) || !bytes.Equal(chunk, bytes.ToValidUTF8(chunk, nil)) {
				t.Errorf("chunk at %d after %d bytes", off, got.Len())
			}
			got.Write(chunk)
			return nil
		})
	})
	scanBytes(t, text, limits(), s)
	if got.String() != text {
		t.Errorf("%d bytes of %d arrived", got.Len(), len(text))
	}
}

func TestPrintableIsSafeAndUnambiguous(t *testing.T) {
	seen := map[string]string{}
	for _, s := range []string{"a", "a!b", `"a!b"`, `a\x21b`, `"a\x21b"`, "a\nb", "a\x1b[2J", "\xff", "ü", "a b", `a"b`, "", "\u202e", `"a"`} {
		got := validate.Printable(s)
		if strings.ContainsAny(got, "\x1b\n!\u202e") || !utf8.ValidString(got) {
			t.Errorf("%q becomes %q", s, got)
		}
		if other, twice := seen[got]; twice {
			t.Errorf("%q and %q both become %q", s, other, got)
		}
		seen[got] = s
	}
}
