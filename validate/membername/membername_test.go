package membername

import "testing"

func TestFolded(t *testing.T) {
	for _, same := range [][]string{
		{"a/data.pkl", "A/DATA.PKL", "a/data.pkl.", "a/data.pkl ", "a /data.pkl", "a./data.pkl", "a/data.pkl::$DATA", `a\data.pkl`, "a/data.pkl/", "a/ｄata.pkl", "a/data.pＫl"},
		{"é", "e\u0301", "É"}, {"ss", "SS"}, {"k", "\u212a"}, {"s", "ſ"},
	} {
		for _, name := range same {
			if got, want := Folded(name), Folded(same[0]); got != want {
				t.Errorf("%q folds to %q, %q to %q", name, got, same[0], want)
			}
		}
	}
	seen := map[string]string{}
	for _, name := range []string{"a", "b", "a/b", "a.b", "a..b", ".a", "a b", "ä", "data/0", "data/00", "data/1"} {
		if other, twice := seen[Folded(name)]; twice {
			t.Errorf("%q and %q are taken for one", name, other)
		}
		seen[Folded(name)] = name
	}
}

func TestEscapes(t *testing.T) {
	for _, name := range []string{"/a", `\a`, "../a", "a/../b", `a\..\b`, "a/..", "..", ".. /a", "C:/a", "c:a", "a\x00b", "a\u202eb", "a\u2066b"} {
		if Escapes(name) == "" {
			t.Errorf("%q passes", name)
		}
	}
	for _, name := range []string{"a", "a/b", "a..b", "..a", "a..", "a/...", "1:a", "ä/ö", ".a/.b", "data/..0"} {
		if what := Escapes(name); what != "" {
			t.Errorf("%q: %s", name, what)
		}
	}
}

func TestProblem(t *testing.T) {
	for _, name := range []string{"", "a//b", "./a", "a/.", "a\x1b", "\xff", `a\b`, "a\u200bb", "a\n"} {
		if Problem(name) == "" {
			t.Errorf("%q passes", name)
		}
	}
	for _, name := range []string{"a", "a/", "a b", "ä", ".a"} {
		if what := Problem(name); what != "" {
			t.Errorf("%q: %s", name, what)
		}
	}
}

func TestLeadsOutside(t *testing.T) {
	for _, l := range [][2]string{{"a", "/etc"}, {"a", ".."}, {"d/a", "../../x"}, {"a", "x/../../y"}, {"a", `..\x`}, {"a", "C:x"}, {"a", "x\x00"}, {"a", ""}, {"a", "../root/x"}} {
		if !LeadsOutside(l[0], l[1]) {
			t.Errorf("%q to %q passes", l[0], l[1])
		}
	}
	for _, l := range [][2]string{{"a", "b"}, {"d/a", "../b"}, {"snapshots/1/a", "../../blobs/b"}, {"a", "d/../b"}} {
		if LeadsOutside(l[0], l[1]) {
			t.Errorf("%q to %q leads outside", l[0], l[1])
		}
	}
}
