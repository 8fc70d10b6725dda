package isolate

import (
	"os"
	"strings"
	"testing"
)

func TestTheFileOfAnInstructionIsFoundInTheMappings(t *testing.T) {
	const maps = `00400000-00452000 r-xp 00000000 08:02 173521      /usr/bin/dbus-daemon
00e03000-00e24000 rw-p 00000000 00:00 0           [heap]
7f0000000000-7f0000001000 r-xp 00000000 00:00 0
7f0000002000-7f0000003000 r-xp 00001000 00:21 77   /tmp/a name with  blanks (deleted)
7ffd0a1c0000-7ffd0a1c2000 r-xp 00000000 00:00 0           [vdso]
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0   [vsyscall]
`
	for _, tc := range []struct {
		ip   uint64
		want string
	}{
		{0x400000, "/usr/bin/dbus-daemon"},
		{0x451fff, "/usr/bin/dbus-daemon"},
		{0x452000, ""}, // behind it
		{0x1000, ""},   // before all
		{0x7f0000000800, "memory without a file"},
		{0x7f0000002800, "/tmp/a name with  blanks (deleted)"},
		{0x7ffd0a1c0010, "[vdso]"},
		{0xffffffffff600400, "[vsyscall]"},
	} {
		if got := mappingOf(strings.NewReader(maps), tc.ip); got != tc.want {
			t.Errorf("%#x: %q, want %q", tc.ip, got, tc.want)
		}
	}
	for _, broken := range []string{"", "\n", "rubbish", "00400000-", "00400000-00452000", strings.Repeat("x", 1<<17)} {
		if got := mappingOf(strings.NewReader(broken), 0x400000); got != "" && got != "memory without a file" {
			t.Errorf("%.20q: %q", broken, got)
		}
	}
}

func TestACallerIsNamedAndItsNamesAreBounded(t *testing.T) {
	program, _ := whoCalled(os.Getpid(), 0)
	if want, err := os.Readlink("/proc/self/exe"); err != nil || program != clip(want) {
		t.Errorf("%q, want %q (%v)", program, want, err)
	}
	if program, library := whoCalled(1<<22+1, 0); program != "" || library != "" { // above PID_MAX_LIMIT
		t.Errorf("nobody is %q in %q", program, library)
	}
	if got := clip(strings.Repeat("x", 5000)); len(got) != maxName || !strings.HasSuffix(got, "…") {
		t.Errorf("%d bytes", len(got))
	}
}
