package gpu

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate/validatetest"
)

// What the cache of this machine says is what ldconfig -p prints.
func TestTheLoadersCacheOfThisMachine(t *testing.T) {
	cmd := exec.Command("ldconfig", "-p")
	cmd.Env = []string{"PATH=/sbin:/usr/sbin:/bin:/usr/bin", "LC_ALL=C"}
	if cmd.Err != nil { // a user's PATH may lack /sbin
		cmd.Path, cmd.Err = "/sbin/ldconfig", nil
	}
	printed, err := cmd.Output()
	validatetest.Need(t, "ldconfig", err)
	raw, err := os.ReadFile("/etc/ld.so.cache")
	validatetest.Need(t, "ld.so.cache", err)
	marks := map[string]string{"amd64": "x86-64", "arm64": "AArch64"}
	if marks[runtime.GOARCH] == "" {
		t.Skip("needs amd64 or arm64: how ldconfig marks other machines' libraries is not known here")
	}
	var want []cached
	for line := range strings.Lines(string(printed)) {
		name, path, ok := strings.Cut(strings.TrimSpace(line), " => ")
		soname, kind, _ := strings.Cut(name, " (")
		if ok && strings.HasPrefix(kind, "libc6,"+marks[runtime.GOARCH]) {
			want = append(want, cached{soname, path})
		}
	}
	got, err := parseCache(raw)
	if err != nil || len(want) < 10 || !reflect.DeepEqual(got, want) {
		t.Errorf("%d libraries, ldconfig prints %d; %v", len(got), len(want), err)
	}
}

// cacheOf lays a cache out: the new layout, or the old one with or without the new behind it.
func cacheOf(layout string, libs ...cached) []byte {
	number := func(out []byte, n uint32) []byte { return binary.NativeEndian.AppendUint32(out, n) }
	text, at := []byte{}, map[string]int{}
	for _, l := range libs {
		for _, s := range []string{l.soname, l.path} {
			at[s] = len(text)
			text = append(append(text, s...), 0)
		}
	}
	fill := func(out []byte, base, size int) []byte {
		for _, l := range libs {
			start := len(out)
			out = number(number(number(out, abi), uint32(base+at[l.soname])), uint32(base+at[l.path]))
			out = append(out, make([]byte, size-(len(out)-start))...)
		}
		return out
	}
	var out []byte
	if layout != "new" {
		out = number(append([]byte(oldMagic), 0), uint32(len(libs)))
		out = fill(out, 0, oldEntry)
		if layout == "old" {
			return append(out, text...)
		}
		out = append(out, make([]byte, -len(out)&7)...)
	}
	second := number(number([]byte(newMagic), uint32(len(libs))), uint32(len(text)))
	second = append(second, make([]byte, newHeader-len(second))...)
	second = append(fill(second, newHeader+newEntry*len(libs), newEntry), text...)
	return append(out, second...)
}

var twoLibraries = []cached{{"libcuda.so.1", "/usr/lib/libcuda.so.1"}, {"libc.so.6", "/lib/libc.so.6"}, {"libm.so.6", "/lib/libm.so.6"}}

func TestLayoutsOfTheCache(t *testing.T) {
	for _, layout := range []string{"new", "old", "both"} {
		if got, err := parseCache(cacheOf(layout, twoLibraries...)); err != nil || !reflect.DeepEqual(got, twoLibraries) {
			t.Errorf("%s: %v, %v", layout, got, err)
		}
		if got, err := parseCache(cacheOf(layout)); err != nil || len(got) != 0 {
			t.Errorf("%s, empty: %v, %v", layout, got, err)
		}
	}
	other := cacheOf("new", twoLibraries...)
	binary.NativeEndian.PutUint32(other[newHeader:], 0x0003) // of 32-bit programs
	if got, err := parseCache(other); err != nil || !slices.Equal(got, twoLibraries[1:]) {
		t.Errorf("another machine's: %v, %v", got, err)
	}
}

// A cache that was cut or altered is an error, or holds strings that are in it.
func TestADamagedCache(t *testing.T) {
	for _, layout := range []string{"new", "old", "both"} {
		whole := cacheOf(layout, twoLibraries...)
		for n := range whole {
			checkCache(t, whole[:n])
		}
		for i := range whole {
			for _, b := range []byte{0, 1, 0x7f, 0xff} {
				checkCache(t, slices.Concat(whole[:i], []byte{b}, whole[i+1:]))
			}
		}
	}
	huge := cacheOf("new", twoLibraries...)
	binary.NativeEndian.PutUint32(huge[20:], 1<<32-1)
	if got, err := parseCache(huge); err == nil {
		t.Errorf("2³²-1 entries in %d bytes: %v", len(huge), got)
	}
}

func checkCache(t *testing.T, raw []byte) {
	t.Helper()
	got, err := parseCache(raw)
	if err != nil && got != nil {
		t.Fatalf("%q: %v and %v", raw, got, err)
	}
	for _, l := range got {
		if !bytes.Contains(raw, []byte(l.soname)) || !bytes.Contains(raw, []byte(l.path)) || strings.ContainsRune(l.path, 0) {
			t.Fatalf("%q: %q", raw, l)
		}
	}
}
