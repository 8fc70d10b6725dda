package zipfile

import (
	"cmp"
	"compress/flate"
	"errors"
	"hash/crc32"
	"io"
	"slices"
	"strings"

	"github.com/loadlock/loadlock/validate"
)

// torch knows the raw storages of a torch archive. The member "<prefix>/data.pkl" refers to storages in
// "<prefix>/data/", TorchScript's "<prefix>/constants.pkl" to those in "<prefix>/constants/".
type torch struct {
	a     *archive
	roots map[string]bool  // folders of storages: "archive/data/"
	sizes map[string]int64 // declared size by member name
	seen  map[string]bool
}

func (a *archive) torch() *torch {
	t := &torch{a: a, roots: map[string]bool{}, sizes: map[string]int64{}, seen: map[string]bool{}}
	for _, e := range a.entries {
		if dir, ok := strings.CutSuffix(e.name, "/data.pkl"); ok && !strings.Contains(dir, "/") {
			t.roots[dir+"/data/"], t.roots[dir+"/constants/"] = true, true
		}
	}
	a.isTorch = t.exists()
	t.checkFolder()
	return t
}

func (t *torch) exists() bool { return len(t.roots) > 0 }

// checkFolder holds that an archive has one checkpoint. Torch takes the folder of the first record for the archive's
// and sees no other (caffe2/serialize/inline_container.cc, init); a reader that looks for data.pkl may find another.
// Torch compares names without case there, Python does not.
func (t *torch) checkFolder() {
	if !t.exists() {
		return
	}
	folder, _, _ := strings.Cut(t.a.entries[0].name, "/")
	for _, e := range t.a.entries {
		dir, rest, _ := strings.Cut(e.name, "/")
		if dir != folder || e.name != folder+"/data.pkl" && strings.EqualFold(rest, "data.pkl") {
			t.a.p.Report(torchFolder, e.header, "member %s, and the first is in %s", quote(e.name), quote(folder))
			return
		}
	}
}

// root is the folder of the storages that a pickle refers to, or "".
func (t *torch) root(e *entry) string {
	stem, ok := strings.CutSuffix(e.name, ".pkl")
	if ok && t.roots[stem+"/"] {
		return stem + "/"
	}
	return ""
}

// order puts the pickles that refer to storages first, and then small members before large ones: when a bomb ends the
// scan, everything else was judged.
func (t *torch) order(entries []*entry) []*entry {
	out := slices.Clone(entries)
	rank := func(e *entry) int64 {
		if len(t.roots) > 0 && t.root(e) != "" {
			return -1
		}
		return e.usize
	}
	slices.SortStableFunc(out, func(a, b *entry) int { return cmp.Compare(rank(a), rank(b)) })
	return out
}

// learn notes which storages a pickle refers to.
func (t *torch) learn(e *entry, facts []validate.Fact) {
	root := t.root(e)
	if root == "" {
		return
	}
	for _, f := range facts {
		if f.Kind != validate.FactStorage {
			continue
		}
		if f.Key == "" || strings.Trim(f.Key, "0123456789") != "" {
			// torch numbers its storages; another name could be one that another loader opens.
			t.a.p.Report(storage, e.header, "storage key %s is not a number", quote(f.Key))
			continue
		}
		name := root + f.Key
		if size, known := t.sizes[name]; known && size != f.Size {
			t.a.p.Report(storage, e.header, "storage %s is declared with %d and with %d bytes", quote(name), size, f.Size)
		}
		t.sizes[name] = f.Size
	}
}

// storage clears e if it is a raw storage; it reports whether e needs no more judging.
func (t *torch) storage(e *entry) (known bool, err error) {
	want, declared := t.sizes[e.name]
	if !declared {
		for root := range t.roots {
			if strings.HasPrefix(e.name, root) && !e.isFolder() {
				t.a.p.Report(storage, e.header, "no tensor refers to %s", quote(e.name))
				break
			}
		}
		return false, nil
	}
	t.seen[e.name] = true
	if e.usize != want {
		t.a.p.Report(storage, e.header, "storage %s has %d bytes, its tensors need %d", quote(e.name), e.usize, want)
		return false, nil
	}
	switch {
	case e.method == stored && e.csize == e.usize:
	case e.method == deflate:
		if whole, err := t.a.measure(e); err != nil || !whole {
			return true, err
		}
	default:
		return false, nil
	}
	t.a.clear(e, "tensor storage")
	return true, t.a.p.Charge(validate.Entries, 1)
}

// missing reports storages without a member.
func (t *torch) missing() {
	for name, size := range t.sizes {
		if !t.seen[name] {
			t.a.p.Report(storage, t.a.dir, "storage %s of %d bytes has no member", quote(name), size)
		}
	}
}

// measure decompresses a storage, of which nothing is held or judged, to see that its size is the declared one.
func (a *archive) measure(e *entry) (whole bool, err error) {
	in := newCounter(a.p.Section(e.data, e.csize))
	r := &capped{r: flate.NewReader(in), left: e.usize}
	sum := crc32.NewIEEE()
	ex := validate.Expansion{}
	for ex.Broken == nil {
		n, err := r.Read(a.chunk())
		if err := a.p.Charge(validate.Expanded, int64(n)); err != nil {
			return false, err
		}
		sum.Write(a.chunk()[:n])
		ex.Size += int64(n)
		if errors.Is(err, io.EOF) {
			break
		}
		ex.Broken = err
	}
	ex.CRC32 = sum.Sum32()
	a.compareContent(e, ex, in)
	return ex.Broken == nil && ex.Size == e.usize, nil
}
