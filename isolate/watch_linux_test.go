package isolate

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func lookedUp(list []Lookup, path string) (Lookup, bool) {
	i := slices.IndexFunc(list, func(l Lookup) bool { return l.Path == path })
	if i < 0 {
		return Lookup{}, false
	}
	return list[i], true
}

// Learn mode sees the paths of calls that the filter allows, and changes no answer: what is allowed happens, what is
// refused is refused with its own errno.
func TestWatchingSeesPathsAndPermitsNothingMore(t *testing.T) {
	needBox(t)
	need(t, "python")
	s, out := boxed(t, py(`
def attempt(f):
    try: return str(f())
    except OSError as e: return errno.errorcode[e.errno]
open("/tmp/here", "w").write("inside")
print(open("/tmp/here").read(), attempt(lambda: open("/srv/nothing")), attempt(lambda: open("/tmp/new/x", "w")))
os.chdir("/tmp")
d = os.open("/usr", os.O_RDONLY)
print(attempt(lambda: os.stat("nothing-relative")), attempt(lambda: os.stat("nothing-at-usr", dir_fd=d)), os.stat("here").st_size)
print(attempt(lambda: os.open("/tmp/suid", os.O_CREAT | os.O_WRONLY, 0o4755)), attempt(lambda: os.chmod("/tmp/here", 0o4755)))
print(attempt(lambda: socket.socket(socket.AF_INET)), attempt(lambda: socket.socket(socket.AF_UNIX).connect("/run/docker.sock")))
pid = os.fork()
if pid == 0:
    os.execv("/bin/echo", ["echo", "child"])
os.waitpid(pid, 0)
print(attempt(lambda: open("/" + "a/" * 3000)))
`))
	s.Watch = true
	_, text, b := runBox(t, s, out)
	want := "child\ninside ENOENT ENOENT\nENOENT ENOENT 6\nEPERM EPERM\nEAFNOSUPPORT ENOENT\nENAMETOOLONG\n"
	if text != want && text != "inside ENOENT ENOENT\nENOENT ENOENT 6\nEPERM EPERM\nEAFNOSUPPORT ENOENT\nchild\nENAMETOOLONG\n" {
		t.Fatalf("inside: %q", text)
	}
	seen := b.Watched()
	list := seen.Lookups
	if seen.More != 0 || !seen.Processes || seen.Memfd {
		t.Errorf("%+v", seen)
	}
	for _, w := range []Lookup{
		{Path: "/tmp/here", Missing: true, Write: true}, // when it was first named, to be made
		{Path: "/srv/nothing", Missing: true},
		{Path: "/tmp/new/x", Missing: true, Write: true},
		{Path: "/tmp/nothing-relative", Missing: true},
		{Path: "/usr/nothing-at-usr", Missing: true},
		{Path: "/run/docker.sock", Missing: true, Socket: true},
		{Path: "/bin/echo", Exec: true},
	} {
		got, ok := lookedUp(list, w.Path)
		if !ok || got.Missing != w.Missing || got.Write != w.Write || got.Exec != w.Exec || got.Socket != w.Socket {
			t.Errorf("%+v, want %+v", got, w)
		}
	}
	counts := counted(t, b)
	if d := denied(counts, "socket", "AF_INET"); d.Count != 1 {
		t.Errorf("refused calls are not counted: %+v", counts)
	}
	if d := denied(counts, "openat", "set-user-id"); d.Count != 1 || d.Errno != "EPERM" {
		t.Errorf("a watched call that the filter refuses: %+v", counts)
	}
}

// Without learn nothing is looked at.
func TestNothingIsWatchedUnlessAsked(t *testing.T) {
	needBox(t)
	s, out := boxed(t, "test -e /srv/nothing; echo done")
	_, text, b := runBox(t, s, out)
	if seen := b.Watched(); text != "done\n" || len(seen.Lookups) != 0 || seen.More != 0 {
		t.Errorf("%q: %+v", text, seen)
	}
}

// A path may end just before memory that does not exist, and an address may be nonsense.
func TestTextOfStopsWhereMemoryStops(t *testing.T) {
	if _, err := textOf(os.Getpid(), 8); err == nil {
		t.Error("read at address 8")
	}
	if _, err := textOf(os.Getpid(), 1<<63+4096); err == nil {
		t.Error("read at an address of the kernel")
	}
	missing, err := missingInside(os.Getpid(), filepath.Join(t.TempDir(), "..", "..", "no-such-thing"))
	if err != nil || !missing {
		t.Errorf("%v, %v", missing, err)
	}
}
