package isolate

import (
	"slices"
	"strings"
	"testing"
)

// denied finds the row of a call and argument.
func denied(list []Denial, call, arg string) Denial {
	i := slices.IndexFunc(list, func(d Denial) bool { return d.Call == call && d.Arg == arg })
	if i < 0 {
		return Denial{}
	}
	return list[i]
}

func counted(t *testing.T, b *Box) []Denial {
	t.Helper()
	list, why := b.Denials()
	if why != "" {
		t.Fatalf("not counted: %s", why)
	}
	return list
}

func TestRefusedCallsAreCountedByCallAndArgument(t *testing.T) {
	needBox(t)
	need(t, "python")
	s, out := boxed(t, py(`
import ctypes
c = ctypes.CDLL(None, use_errno=True)
def call(*a):
    return errno.errorcode.get(ctypes.get_errno(), "none") if c.syscall(*a) < 0 else "through"
for i in range(3):
    try: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    except OSError as e: print(errno.errorcode[e.errno])
try: socket.socket(socket.AF_INET)
except OSError as e: print(errno.errorcode[e.errno])
socket.socket(socket.AF_UNIX).close()
print(call(272, 0x10020000), call(157, 35), call(425, 1, 0), call(600))
`))
	_, text, b := runBox(t, s, out)
	if want := "EAFNOSUPPORT\nEAFNOSUPPORT\nEAFNOSUPPORT\nEAFNOSUPPORT\nEPERM EPERM ENOSYS ENOSYS\n"; text != want {
		t.Fatalf("inside: %q, want %q", text, want)
	}
	list := counted(t, b)
	for _, want := range []Denial{
		{Call: "socket", Arg: "AF_NETLINK", Errno: "EAFNOSUPPORT", Count: 3},
		{Call: "socket", Arg: "AF_INET", Errno: "EAFNOSUPPORT", Count: 1},
		{Call: "unshare", Arg: "CLONE_NEWNS|CLONE_NEWUSER", Errno: "EPERM", Count: 1},
		{Call: "prctl", Arg: "PR_SET_MM", Errno: "EPERM", Count: 1},
		{Call: "io_uring_setup", Errno: "ENOSYS", Count: 1},
		{Call: "unknown", Arg: "600", Errno: "ENOSYS", Count: 1},
	} {
		got := denied(list, want.Call, want.Arg)
		if got.Errno != want.Errno || got.Count != want.Count {
			t.Errorf("%+v, want %+v", got, want)
		}
		if !strings.HasPrefix(got.Program, "/usr/bin/python3") || !strings.Contains(got.Library, "libc.so") {
			t.Errorf("%s %s: by %q, in %q", got.Call, got.Arg, got.Program, got.Library)
		}
		if got.First <= 0 || got.Last < got.First {
			t.Errorf("%s %s: first %v, last %v", got.Call, got.Arg, got.First, got.Last)
		}
	}
	if d := denied(list, "socket", "AF_UNIX"); d.Count != 0 {
		t.Errorf("an allowed call is counted: %+v", d)
	}
	for _, d := range list {
		t.Logf("%+v", d)
	}
}
