package validate_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

func limits() policy.ScanLimits { return validatetest.Policy().Scan }

// put writes a file below dir.
func put(t testing.TB, dir, name, content string) string {
	t.Helper()
	target := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(target, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return target
}

func link(t testing.TB, target, dir, name string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

func pin(t testing.TB, name, copies string, l policy.ScanLimits) *validate.Snapshot {
	t.Helper()
	snap, err := validate.Pin(t.Context(), name, copies, l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(snap.Close)
	return snap
}

func paths(snap *validate.Snapshot) (out []string) {
	for _, f := range snap.Files {
		out = append(out, f.Path)
	}
	return out
}

// findings are the ones that pinning makes: a scan without scanners adds only its own.
func findings(t testing.TB, snap *validate.Snapshot) (out []validate.Finding) {
	t.Helper()
	rep, err := validate.Scan(t.Context(), []*validate.Scanner{anything}, snap, limits())
	if err != nil {
		t.Fatal(err)
	}
	return rep.Findings
}

// anything clears every file.
var anything = &validate.Scanner{Name: "anything", Match: func(validate.Head) bool { return true },
	Scan: func(p *validate.Pass) error { p.Clear(0, p.Size, "anything"); return nil }}

func TestPinListsWhatAModelConsistsOf(t *testing.T) {
	tests := map[string]struct {
		build func(t *testing.T, dir string)
		files []string
		rules []string
	}{
		"files and folders, in order": {func(t *testing.T, dir string) {
			put(t, dir, "b", "")
			put(t, dir, "a/x", "")
			put(t, dir, ".hidden", "")
		}, []string{".hidden", "a/x", "b"}, nil},
		"a link inside":                {func(t *testing.T, dir string) { put(t, dir, "a", "x"); link(t, "a", dir, "b") }, []string{"a", "b"}, nil},
		"a link to a folder inside":    {func(t *testing.T, dir string) { put(t, dir, "a/x", ""); link(t, "a", dir, "b") }, []string{"a/x", "b/x"}, nil},
		"a link to a host file":        {func(t *testing.T, dir string) { put(t, dir, "a", ""); link(t, "/etc/hostname", dir, "b") }, []string{"a"}, []string{"validate/link-outside"}},
		"a link that climbs out":       {func(t *testing.T, dir string) { put(t, dir, "a", ""); link(t, "../../etc", dir, "b") }, []string{"a"}, []string{"validate/link-outside"}},
		"a link to nothing":            {func(t *testing.T, dir string) { put(t, dir, "a", ""); link(t, "gone", dir, "b") }, []string{"a"}, []string{"validate/link-outside"}},
		"a link to itself":             {func(t *testing.T, dir string) { put(t, dir, "a", ""); link(t, "b", dir, "b") }, []string{"a"}, []string{"validate/link-outside"}},
		"two links to each other":      {func(t *testing.T, dir string) { put(t, dir, "a", ""); link(t, "b", dir, "c"); link(t, "c", dir, "b") }, []string{"a"}, []string{"validate/link-outside", "validate/link-outside"}},
		"a link to the folder above":   {func(t *testing.T, dir string) { put(t, dir, "s/a", ""); link(t, "..", dir, "s/up") }, []string{"s/a"}, []string{"validate/link-outside"}},
		"a link to its own folder":     {func(t *testing.T, dir string) { put(t, dir, "s/a", ""); link(t, ".", dir, "s/here") }, []string{"s/a"}, []string{"validate/link-outside"}},
		"a name with an escape":        {func(t *testing.T, dir string) { put(t, dir, "a", ""); put(t, dir, "\x1b[2Jb", "") }, []string{"a"}, []string{"validate/name"}},
		"a name that is not UTF-8":     {func(t *testing.T, dir string) { put(t, dir, "a", ""); put(t, dir, "\xff", "") }, []string{"a"}, []string{"validate/name"}},
		"a name that writes backwards": {func(t *testing.T, dir string) { put(t, dir, "a", ""); put(t, dir, "x\u202egpj.bin", "") }, []string{"a"}, []string{"validate/name"}},
		"a folder with a bad name":     {func(t *testing.T, dir string) { put(t, dir, "a", ""); put(t, dir, "\n/x", "") }, []string{"a"}, []string{"validate/name"}},
		"an empty folder":              {func(*testing.T, string) {}, nil, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			tt.build(t, dir)
			snap := pin(t, dir, t.TempDir(), limits())
			if got := paths(snap); !slices.Equal(got, tt.files) {
				t.Errorf("files %q, want %q", got, tt.files)
			}
			var rules []string
			for _, f := range findings(t, snap) {
				rules = append(rules, f.Rule)
				if strings.ContainsAny(f.File+f.Detail, "\x1b\n\u202e") || !utf8.ValidString(f.File+f.Detail) {
					t.Errorf("finding carries raw bytes: %+q", f.File+f.Detail)
				}
			}
			if !slices.Equal(rules, tt.rules) {
				t.Errorf("rules %q, want %q", rules, tt.rules)
			}
			if err := snap.Verify(t.Context()); err != nil {
				t.Errorf("nothing changed: %v", err)
			}
		})
	}
}

func TestPinIsBounded(t *testing.T) {
	t.Run("too many files", func(t *testing.T) {
		dir := t.TempDir()
		for i := range 2000 {
			put(t, dir, fmt.Sprintf("%04d", i), "")
		}
		l := limits()
		l.MaxFiles = 100
		snap := pin(t, dir, "", l)
		if len(snap.Files) > 100 || !hasRule(findings(t, snap), "validate/too-large") {
			t.Errorf("%d files, %v", len(snap.Files), findings(t, snap))
		}
	})
	t.Run("links that multiply", func(t *testing.T) {
		dir := t.TempDir()
		for i := range 20 { // 2^20 paths
			put(t, dir, fmt.Sprintf("d%02d/x", i), "")
			for _, name := range []string{"l", "r"} {
				link(t, fmt.Sprintf("../d%02d", i+1), dir, fmt.Sprintf("d%02d/%s", i, name))
			}
		}
		put(t, dir, "d20/x", "")
		l := limits()
		l.MaxFiles, l.MaxDepth = 1000, 64
		if snap := pin(t, dir, "", l); len(snap.Files) > 1000 || !hasRule(findings(t, snap), "validate/too-large") {
			t.Errorf("%d files", len(snap.Files))
		}
	})
	t.Run("ten thousand levels", func(t *testing.T) {
		dir := t.TempDir()
		deepen(t, dir, 10_000)
		snap := pin(t, dir, t.TempDir(), limits())
		if !hasRule(findings(t, snap), "validate/too-large") {
			t.Errorf("%v", findings(t, snap))
		}
	})
	t.Run("a large file", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.Truncate(put(t, dir, "a", ""), 3<<20); err != nil {
			t.Fatal(err)
		}
		l := limits()
		l.MaxFileSizeMB = 2
		if snap := pin(t, dir, "", l); !hasRule(findings(t, snap), "validate/too-large") {
			t.Error("no finding")
		}
	})
	t.Run("zero limits allow nothing", func(t *testing.T) {
		dir := t.TempDir()
		put(t, dir, "a", "x")
		if snap := pin(t, dir, "", policy.ScanLimits{}); len(snap.Files) != 0 || !hasRule(findings(t, snap), "validate/too-large") {
			t.Errorf("files %q", paths(snap))
		}
	})
}

// deepen makes folders in folders, and removes them again without a path as long as that.
func deepen(t *testing.T, dir string, levels int) {
	t.Helper()
	at, err := os.OpenRoot(dir)
	for i := 0; err == nil && i < levels; i++ {
		if err = at.Mkdir("d", 0o755); err == nil {
			var below *os.Root
			below, err = at.OpenRoot("d")
			at.Close()
			at = below
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	at.Close()
	t.Cleanup(func() {
		top, next := filepath.Join(dir, "d"), filepath.Join(dir, "next")
		for os.Rename(filepath.Join(top, "d"), next) == nil {
			if os.Remove(top) != nil || os.Rename(next, top) != nil {
				return
			}
		}
	})
}

func hasRule(list []validate.Finding, rule string) bool {
	return slices.ContainsFunc(list, func(f validate.Finding) bool { return f.Rule == rule })
}

func TestASingleFileIsAModel(t *testing.T) {
	dir := t.TempDir()
	name := put(t, dir, "m.bin", "x")
	put(t, dir, "other", "y")
	link(t, "m.bin", dir, "inside")
	link(t, "/etc/hostname", dir, "outside")
	for _, given := range []string{name, filepath.Join(dir, "inside")} {
		snap := pin(t, given, t.TempDir(), limits())
		if !snap.Single || !slices.Equal(paths(snap), []string{filepath.Base(given)}) {
			t.Errorf("%s: single %v, files %q", given, snap.Single, paths(snap))
		}
		put(t, dir, "other", "changed") // no part of the model
		if err := snap.Verify(t.Context()); err != nil {
			t.Error(err)
		}
	}
	bad := put(t, dir, "\x1b[2J", "x")
	if snap := pin(t, bad, "", limits()); !hasRule(findings(t, snap), "validate/name") {
		t.Error("a terminal escape as name is accepted")
	}
	for _, given := range []string{filepath.Join(dir, "outside"), filepath.Join(dir, "missing"), os.DevNull} {
		_, err := validate.Pin(t.Context(), given, "", limits())
		var pe *validate.PinError
		if !errors.As(err, &pe) || pe.Hint == "" {
			t.Errorf("%s: %v", given, err)
		}
	}
}

// hubCache builds the layout of the Hugging Face cache and returns the snapshot's folder.
func hubCache(t *testing.T) (cache, snapshot string) {
	cache = t.TempDir()
	repo := filepath.Join(cache, "models--org--name")
	put(t, repo, "blobs/aaaa", "weights")
	put(t, repo, "blobs/bbbb", "{}")
	put(t, repo, "refs/main", "c0ffee")
	link(t, "../../blobs/aaaa", repo, "snapshots/c0ffee/model.safetensors")
	link(t, "../../../blobs/bbbb", repo, "snapshots/c0ffee/sub/config.json")
	return cache, filepath.Join(repo, "snapshots", "c0ffee")
}

func TestTheHubCacheIsAModel(t *testing.T) {
	cache, dir := hubCache(t)
	put(t, cache, "models--org--other/blobs/x", "other")
	for given, want := range map[string][]string{
		dir:                                     {"model.safetensors", "sub/config.json"},
		filepath.Join(dir, "sub"):               {"config.json"},
		filepath.Join(dir, "model.safetensors"): {"model.safetensors"},
	} {
		snap := pin(t, given, t.TempDir(), limits())
		if !slices.Equal(paths(snap), want) || len(findings(t, snap)) != 0 {
			t.Errorf("%s: files %q, %v", given, paths(snap), findings(t, snap))
		}
	}
	link(t, "../../../models--org--other/blobs/x", dir, "stolen")
	snap := pin(t, dir, t.TempDir(), limits())
	if !hasRule(findings(t, snap), "validate/link-outside") {
		t.Error("a link into another repository is followed")
	}
	put(t, cache, "models--org--name/blobs/aaaa", "WEIGHTS")
	if err := snap.Verify(t.Context()); err == nil {
		t.Error("a changed blob is not noticed")
	}
}

func TestEveryChangeBetweenPinAndVerifyIsNoticed(t *testing.T) {
	large := strings.Repeat("large", 1<<20)
	changes := map[string]func(t *testing.T, dir string){
		"a small file is written":     func(t *testing.T, dir string) { put(t, dir, "small", "SMALL") },
		"a large file is written":     func(t *testing.T, dir string) { put(t, dir, "large", strings.ToUpper(large)) },
		"a byte of a large file":      func(t *testing.T, dir string) { poke(t, filepath.Join(dir, "large")) },
		"a file is added":             func(t *testing.T, dir string) { put(t, dir, "new", "") },
		"a file is added in a folder": func(t *testing.T, dir string) { put(t, dir, "sub/new", "") },
		"a file is removed":           func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, "small")) },
		"a file is swapped": func(t *testing.T, dir string) {
			os.Rename(put(t, t.TempDir(), "x", "small"), filepath.Join(dir, "small"))
		},
		"a large file is swapped":    func(t *testing.T, dir string) { os.Rename(put(t, dir+"/sub", "x", large), filepath.Join(dir, "large")) },
		"a file becomes a link":      func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, "small")); link(t, "sub/x", dir, "small") },
		"a link is turned":           func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, "link")); link(t, "sub/y", dir, "link") },
		"a hard link is written":     func(t *testing.T, dir string) { poke(t, dir+".hard") },
		"a hard link to a large one": func(t *testing.T, dir string) { poke(t, dir+".hardlarge") },
		"a folder is swapped": func(t *testing.T, dir string) {
			os.Rename(dir+"/sub", dir+"/old")
			put(t, dir, "sub/x", "x")
			put(t, dir, "sub/y", "y")
			os.RemoveAll(dir + "/old")
		},
		"the old time is set again": func(t *testing.T, dir string) {
			name := filepath.Join(dir, "small")
			info, _ := os.Stat(name)
			put(t, dir, "small", "SMALL")
			os.Chtimes(name, info.ModTime(), info.ModTime())
		},
	}
	for name, change := range changes {
		for _, private := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, private copies %v", name, private), func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "model")
				small, big := put(t, dir, "small", "small"), put(t, dir, "large", large)
				put(t, dir, "sub/x", "x")
				put(t, dir, "sub/y", "y")
				link(t, "sub/x", dir, "link")
				os.Link(small, dir+".hard")
				os.Link(big, dir+".hardlarge")
				copies := ""
				if private {
					copies = t.TempDir()
				}
				snap := pin(t, dir, copies, limits())
				if err := snap.Verify(t.Context()); err != nil {
					t.Fatalf("before the change: %v", err)
				}
				change(t, dir)
				var changed *validate.ChangedError
				if err := snap.Verify(t.Context()); !errors.As(err, &changed) {
					t.Errorf("not noticed: %v", err)
				}
			})
		}
	}
}

// poke writes one byte in place.
func poke(t *testing.T, name string) {
	t.Helper()
	h, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err == nil {
		_, err = h.WriteAt([]byte("!"), 0)
		h.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// What is scanned is what is mounted: private copies and held files, not what took their place.
func TestScannersReadWhatWasPinned(t *testing.T) {
	dir := t.TempDir()
	large := strings.Repeat("good", 1<<20)
	put(t, dir, "large", large)
	put(t, dir, "small", "good")
	copies := t.TempDir()
	snap := pin(t, dir, copies, limits())
	for _, name := range []string{"large", "small"} {
		os.Remove(filepath.Join(dir, name))
		put(t, dir, name, "evil")
	}
	rep, err := validate.Scan(t.Context(), []*validate.Scanner{{Name: "good", Match: func(h validate.Head) bool { return string(h.Start[:4]) == "good" },
		Scan: anything.Scan}}, snap, limits())
	if err != nil || !rep.Files[0].Cleared || !rep.Files[1].Cleared {
		t.Errorf("%v\n%s", err, validatetest.Show(rep))
	}
	if got, err := os.ReadFile(filepath.Join(copies, "small")); err != nil || string(got) != "good" {
		t.Errorf("the private copy holds %q, %v", got, err)
	}
	if snap.Files[0].Held() == nil || snap.Files[1].Held() != nil || !snap.Files[1].Copied {
		t.Error("the large file is not held, or the small one is")
	}
	if err := snap.Verify(t.Context()); err == nil {
		t.Error("the swap is not noticed")
	}
}

func TestWithoutCopiesASwappedFileIsNotRead(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "a", "good")
	snap := pin(t, dir, "", limits())
	os.Remove(filepath.Join(dir, "a"))
	put(t, dir, "a", "evil")
	if list := findings(t, snap); !hasRule(list, "validate/unreadable") {
		t.Errorf("%v", list)
	}
}

func TestPrivateCopiesAreBounded(t *testing.T) {
	dir := t.TempDir()
	for i := range 4 {
		put(t, dir, fmt.Sprint(i), strings.Repeat("x", 600<<10))
	}
	l := limits()
	l.MaxPrivateMB = 1
	snap := pin(t, dir, t.TempDir(), l)
	copied := 0
	for _, f := range snap.Files {
		if f.Copied == (f.Held() != nil) {
			t.Errorf("%s is both copied and held, or neither", f.Path)
		}
		if f.Copied {
			copied++
		}
	}
	if copied != 1 || len(findings(t, snap)) != 0 {
		t.Errorf("%d copies, %v", copied, findings(t, snap))
	}
}

func TestPinNamesAFullOrMissingFolderForCopies(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "a", "x")
	_, err := validate.Pin(t.Context(), dir, put(t, t.TempDir(), "file", ""), limits())
	var pe *validate.PinError
	if !errors.As(err, &pe) || pe.Hint == "" {
		t.Errorf("%v", err)
	}
}

func TestManifestDigestNamesTheContent(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "a", "x")
	one, full := pin(t, dir, t.TempDir(), limits()).ManifestDigest()
	if !full {
		t.Error("small files have digests")
	}
	time.Sleep(time.Millisecond)
	put(t, dir, "a", "y")
	if two, _ := pin(t, dir, t.TempDir(), limits()).ManifestDigest(); one == two {
		t.Error("another content has the same digest")
	}
}
