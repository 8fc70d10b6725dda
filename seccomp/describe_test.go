//go:build cgo && linux

package seccomp

import "testing"

func TestArgumentsAreSpelledAsInTheManuals(t *testing.T) {
	for _, tt := range []struct {
		call string
		args [6]uint64
		want string
	}{
		{"socket", [6]uint64{16, 3, 0}, "AF_NETLINK"},
		{"socket", [6]uint64{45}, "AF_MCTP"},
		{"socket", [6]uint64{99}, "99"},
		{"socket", [6]uint64{hidden | 2}, "0xabcdef0100000002"},
		{"unshare", [6]uint64{0x10020000}, "CLONE_NEWNS|CLONE_NEWUSER"},
		{"unshare", [6]uint64{}, ""},
		{"clone", [6]uint64{0x10000011}, "CLONE_NEWUSER"},
		{"clone", [6]uint64{0x1200011}, ""},
		{"clone", [6]uint64{1<<33 | 17}, "0x200000000"},
		{"ioctl", [6]uint64{0, 0x5412}, "TIOCSTI"},
		{"ioctl", [6]uint64{0, hidden | 0x5412}, "TIOCSTI"},
		{"ioctl", [6]uint64{0, 0x4b01}, "0x4b01"},
		{"prctl", [6]uint64{22, 2}, "PR_SET_SECCOMP"},
		{"prctl", [6]uint64{0x59616d61}, "PR_SET_PTRACER"},
		{"personality", [6]uint64{0x440000}, "ADDR_NO_RANDOMIZE|READ_IMPLIES_EXEC"},
		{"setsockopt", [6]uint64{3, 1, 26}, "SOL_SOCKET, SO_ATTACH_FILTER"},
		{"setsockopt", [6]uint64{3, 6, 31}, "IPPROTO_TCP, TCP_ULP"},
		{"setsockopt", [6]uint64{3, 7, 8}, "7, 8"},
		{"chmod", [6]uint64{0, 0o4755}, "set-user-id"},
		{"futex", [6]uint64{0, 6 | 128}, "FUTEX_LOCK_PI"},
		{"bpf", [6]uint64{5}, ""},
	} {
		if got := ArgumentOf(tt.call, tt.args).Spell(tt.call); got != tt.want {
			t.Errorf("%s%#x: %q, want %q", tt.call, tt.args, got, tt.want)
		}
	}
}

// What is told apart must be what decides: two calls with one description get one answer.
func TestEveryDescribedCallExists(t *testing.T) {
	for name := range operands {
		if !exists(name, "amd64") {
			t.Errorf("%s is no call", name)
		}
	}
	for name := range usual {
		if !exists(name, "amd64") {
			t.Errorf("%s is no call", name)
		}
	}
}

func TestNumbersHaveTheNamesOfTheirCalls(t *testing.T) {
	if got := CallName(numberOf(t, "socket", Options{}.arch())); got != "socket" {
		t.Errorf("socket is called %q", got)
	}
	if got := CallName(100000); got != "" {
		t.Errorf("a number that is no call is called %q", got)
	}
}
