package hdf5

import (
	"fmt"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

func TestLookup3IsJenkins(t *testing.T) {
	// The self test of lookup3.c: hashlittle("", 0) and of the sentence, both with seed 0.
	for text, sum := range map[string]uint32{"": 0xdeadbeef, "Four score and seven years ago": 0x17770551} {
		if got := lookup3([]byte(text)); got != sum {
			t.Errorf("lookup3(%q) is %08x, want %08x", text, got, sum)
		}
	}
}

func TestPlainFilesAreCleared(t *testing.T) {
	group := func(msgs ...msg) []byte {
		w := newWriter(0)
		return w.file(w.object(msgs...))
	}
	for name, b := range map[string][]byte{
		"an empty group":               group(),
		"a dataset":                    weights(100),
		"line ends behind it":          append(weights(100), "\n\n\n\n\n\n"...),
		"soft link":                    group(other(1, "s", "/nothing")),
		"a text":                       group(textAttr("note", "two\nlines.")),
		"text that is no pickle":       group(textAttr("note", "cost\nbenefit\n").keep()),
		"an opaque value":              group(attr("when", opaqueType(8), scalar, []byte("\x80\x96\x98\x00\x00\x00\x00\x00"))),
		"a pickle of plain data":       group(textAttr("axes", "(lp1\n(I1\n(lp2\nVvalues_block_0\np3\natp4\na.")),
		"a user block of zeros":        func() []byte { w := newWriter(512); return w.file(w.object(textAttr("a", "b"))) }(),
		"two hard links to one object": func() []byte { w := newWriter(0); g := w.object(); return w.file(w.object(link("a", g), link("b", g))) }(),
		"a hole of zeros":              func() []byte { w := newWriter(0); w.put(make([]byte, 300_000)); return w.file(w.object()) }(),
		"a hole with old metadata": func() []byte {
			w := newWriter(0)
			w.put([]byte("OHDR\x02\x02some_layer_name"))
			return w.file(w.object())
		}(),
	} {
		t.Run(name, func(t *testing.T) { wantClean(t, b) })
	}
}

// keep is m itself; it makes tables read evenly.
func (m msg) keep() msg { return m }

func TestLinksThatFormACycleAreVisitedOnce(t *testing.T) {
	w := newWriter(0)
	at := len(w.b)
	w.object(link("self", at), link("again", at))
	wantClean(t, w.file(at))
}

func TestWhatOpensOtherFilesIsRefused(t *testing.T) {
	w := newWriter(0)
	ext := w.object(other(64, "w", "\x00/etc/secrets.h5\x00/key\x00"))
	b := w.file(ext)
	want(t, b, "hdf5/external-link")

	t.Run("CVE-2026-1669 external raw data", func(t *testing.T) {
		w := newWriter(0)
		names := w.put([]byte("/etc/passwd\x00\x00\x00\x00\x00"))
		heap := w.put(cat([]byte("HEAP\x00\x00\x00\x00"), u64(16), u64(1), u64(names)))
		files := msg{kindExternal, cat([]byte{1, 0, 0, 0}, u16(1), u16(1), u64(heap), u64(0), u64(0), u64(64))}
		b := w.file(w.object(link("w", w.object(dataset(64, contiguous(-1, 64), files)...))))
		want(t, b, "hdf5/external-data")
		rep := scanBytes(b, limits())
		if !strings.Contains(validatetest.Show(rep), "/etc/passwd") {
			t.Errorf("the report does not name the file\n%s", validatetest.Show(rep))
		}
	})
	for source, rule := range map[string]string{"/srv/private.h5": "hdf5/virtual-dataset", ".": "hdf5/virtual-inside"} {
		t.Run("virtual dataset of "+source, func(t *testing.T) {
			w := newWriter(0)
			mapping := cat([]byte{0}, u64(1), []byte(source), []byte("\x00data\x00"), make([]byte, 32))
			mapping = append(mapping, make([]byte, 7-(len(mapping)+7)%8)...)
			heap := w.put(cat([]byte("GCOL\x01\x00\x00\x00"), u64(16+16+len(mapping)), u16(1), u16(1), u32(0), u64(len(mapping)), mapping))
			want(t, w.file(w.object(link("v", w.object(dataset(64, msg{kindLayout, cat([]byte{4, storeVirtual}, u64(heap), u32(1))})...)))), rule)
		})
	}
	t.Run("driver", func(t *testing.T) {
		w := newWriter(0)
		want(t, w.file(w.object(msg{kindDriver, cat([]byte{0}, []byte("NCSAfami"), u16(8), make([]byte, 8))})), "hdf5/driver")
	})
	t.Run("user-defined link", func(t *testing.T) {
		w := newWriter(0)
		want(t, w.file(w.object(other(70, "w", "anything"))), "hdf5/user-defined-link")
	})
}

func TestFiltersThatArePluginsAreReported(t *testing.T) {
	for id, rule := range map[int]string{31337: "hdf5/unknown-filter", 32001: "hdf5/plugin-filter", 1: "", 32000: ""} {
		w := newWriter(0)
		pipeline := cat([]byte{2, 1}, u16(id))
		if id >= 256 {
			pipeline = append(pipeline, u16(0)...)
		}
		pipeline = append(pipeline, cat(u16(1), u16(1), u32(5))...)
		rep := scanBytes(w.file(w.object(link("w", w.object(dataset(8, contiguous(-1, 8), msg{kindFilters, pipeline})...)))), limits())
		if rule == "" && len(rep.Findings) > 0 || rule != "" && !has(rep, rule) || clean(rep) == (rule == "hdf5/unknown-filter") {
			t.Errorf("filter %d, want %q\n%s", id, rule, validatetest.Show(rep))
		}
	}
}

const evil = "cposix\nsystem\n(S'true'\ntR."

func TestUnusedBytesHideNothing(t *testing.T) {
	for name, content := range map[string]string{
		"an archive": "PK\x03\x04 and so on", "the end of an archive": "PK\x05\x06\x00\x00", "a program": "\x7fELF\x02\x01", "a script": "#!/bin/sh\n",
		"a pickle of protocol 0": evil, "a pickle of protocol 4": "\x80\x04\x95\x19\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x8c\x06system\x93.",
		"a pickle without frames": "\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R.", "much of anything": strings.Repeat("stale ", 60_000),
	} {
		t.Run(name+" in a hole", func(t *testing.T) {
			w := newWriter(0)
			w.put([]byte(content))
			want(t, w.file(w.object()), "hdf5/hidden")
		})
		t.Run(name+" in a NIL message", func(t *testing.T) {
			if len(content) > 60_000 {
				content = content[:60_000] // as much as a message holds
				return
			}
			w := newWriter(0)
			want(t, w.file(w.object(msg{kindNil, []byte(content)})), "hdf5/hidden")
		})
		t.Run(name+" after the end", func(t *testing.T) { want(t, append(weights(9), content...), "validate/unexplained") })
		t.Run(name+" before the superblock", func(t *testing.T) {
			w := newWriter(1 << 19)
			copy(w.b, content)
			want(t, w.file(w.object()), "hdf5/user-block")
		})
	}
	t.Run("behind the numbers of a dataset", func(t *testing.T) {
		w := newWriter(0)
		at := w.put([]byte("12345678PK\x03\x04 and so on"))
		want(t, w.file(w.object(link("w", w.object(dataset(8, contiguous(at, 22))...)))), "hdf5/hidden")
	})
	t.Run("in a fill value", func(t *testing.T) {
		w := newWriter(0)
		fill := cat([]byte{3, 0x29}, u32(100), []byte(evil), make([]byte, 100-len(evil)))
		want(t, w.file(w.object(link("w", w.object(dataset(8, contiguous(-1, 8), msg{kindFill, fill})...)))), "hdf5/hidden")
	})
	t.Run("across two pieces", func(t *testing.T) {
		w := newWriter(0)
		w.put(make([]byte, 64<<10-50))
		w.put([]byte(evil))
		w.put(make([]byte, 100_000))
		want(t, w.file(w.object()), "hdf5/hidden")
	})
}

func TestStructuresThatShareBytesAreRefused(t *testing.T) {
	w := newWriter(0)
	data := w.put(make([]byte, 64))
	a, b := w.object(dataset(64, contiguous(data, 64))...), w.object(dataset(32, contiguous(data+32, 32))...)
	want(t, w.file(w.object(link("a", a), link("b", b))), "hdf5/overlap")
}

func TestRepeatedNamesAreRefused(t *testing.T) {
	w := newWriter(0)
	g := w.object()
	want(t, w.file(w.object(link("model_weights", g), link("model_weights", g))), "hdf5/duplicate-link")
	w = newWriter(0)
	want(t, w.file(w.object(textAttr("model_config", "{}"), textAttr("model_config", "{}"))), "hdf5/duplicate-attribute")
	w = newWriter(0)
	wantClean(t, w.file(w.object(link("a", w.object()), link("A", w.object()), textAttr("x", "1"), textAttr("X", "1"))))
}

// PyTables unpickles text attributes that end with a dot; pandas stores axes that way.
func TestPicklesInValuesAreJudged(t *testing.T) {
	for kind, content := range map[string]string{
		"protocol 0": evil, "protocol 2": "\x80\x02cposix\nsystem\nX\x04\x00\x00\x00true\x85R.",
		"protocol 4":                  "\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R.",
		"STACK_GLOBAL in protocol 0":  "Vposix\nVsystem\n\x93(Vtrue\ntR.",
		"behind other values":         "(lp1\nI1\naI2\na0" + evil,
		"behind much":                 "X\x00\x30\x00\x00" + strings.Repeat("x", 0x3000) + "0" + evil,
		"behind more than is seen":    "X\x00\x60\x00\x00" + strings.Repeat("x", 0x6000) + "0" + evil,
		"with letters beyond ASCII":   "\x80\x02c__builtin__\neval\nX\x02\x00\x00\x001\xc3\x85R.",
		"the extension registry next": "\x80\x02U\x05posixU\x06system\x93U\x04true\x85R.",
	} {
		value := []byte(content)
		files := map[string]func(w *writer) msg{
			"text":   func(*writer) msg { return attr("a", stringType(len(value)), scalar, value) },
			"opaque": func(*writer) msg { return attr("a", opaqueType(len(value)), scalar, value) },
			"bytes":  func(*writer) msg { return attr("a", fixedType(1), simple(len(value)), value) },
			"list of texts": func(*writer) msg {
				return attr("a", stringType(len(value)), simple(2), cat(make([]byte, len(value)), value))
			},
			"variable text": func(w *writer) msg {
				at := w.put(collectionOf(value))
				return attr("a", vlenString, scalar, cat(u32(len(value)), u64(at), u32(1)))
			},
			"dataset": func(w *writer) msg {
				return link("d", w.object(dataset(len(value), contiguous(w.put(value), len(value)))...))
			},
			"heap of a dataset": func(w *writer) msg { w.put(collectionOf(value)); return textAttr("x", "y") },
		}
		for place, make := range files {
			t.Run(kind+" as "+place, func(t *testing.T) {
				w := newWriter(0)
				m := make(w)
				b := w.file(w.object(m))
				rep := scanBytes(b, limits())
				high := false
				for _, f := range rep.Findings {
					high = high || f.Severity == validate.High && strings.HasPrefix(f.Rule, "pickle/")
				}
				if !high || clean(rep) {
					t.Errorf("the pickle is not refused\n%s", validatetest.Show(rep))
				}
			})
		}
	}
}

// collectionOf is a global heap collection with one object.
func collectionOf(value []byte) []byte {
	padded := append(value[:len(value):len(value)], make([]byte, 7-(len(value)+7)%8)...)
	return cat([]byte("GCOL\x01\x00\x00\x00"), u64(32+len(padded)), u16(1), u16(1), u32(0), u64(len(value)), padded)
}

func TestBrokenFilesAreNotCleared(t *testing.T) {
	whole := weights(100)
	for n := range len(whole) {
		if rep := scanBytes(whole[:n], limits()); clean(rep) {
			t.Errorf("cut to %d bytes it is cleared", n)
		}
	}
	bad := func(name string, msgs ...msg) {
		t.Run(name, func(t *testing.T) {
			w := newWriter(0)
			want(t, w.file(w.object(msgs...)), "validate/unparsable")
		})
	}
	bad("an unknown message", msg{0x1f, nil})
	for _, tail := range []string{strings.Repeat("\n", 17), "\nx", "\x00", "\x80\x02N."} {
		t.Run(fmt.Sprintf("%q behind it", tail), func(t *testing.T) { want(t, append(weights(100), tail...), "validate/unexplained") })
	}
	bad("two dataspaces", msg{kindDataspace, scalar}, msg{kindDataspace, scalar})
	bad("a link outside", link("a", 1<<40))
	bad("a continuation of itself", msg{kindContinuation, cat(u64(48), u64(64))})
	bad("a datatype in a datatype in …", msg{kindDatatype, []byte(strings.Repeat("\x19\x00\x00\x00\x10\x00\x00\x00", 100))})
	bad("dimensions whose product overflows", dataset(1, contiguous(48, 1<<40))...)
	bad("an attribute larger than its message", attr("a", fixedType(8), simple(1<<61), nil))
	bad("a shared message in a heap", msg{kindLayout, []byte{9}})
	t.Run("a file named .h5", func(t *testing.T) { want(t, []byte("not at all"), "validate/unparsable") })
}

func TestRulesAreWhole(t *testing.T) {
	for _, r := range rules {
		if r.Title == "" || r.Why == "" || r.Fix == "" || r.Severity == 0 || r.Hostile == "" || r.Benign == "" || !strings.HasSuffix(r.Why, ".") {
			t.Errorf("%s lacks a field", r.ID)
		}
	}
}

func ExampleScanner() {
	fmt.Println(Scanner().Name)
	// Output: hdf5
}
