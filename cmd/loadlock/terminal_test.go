package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestEachStreamIsATerminalExactlyWhenTheUsersIs(t *testing.T) {
	for mask := range 8 {
		u := sitDown(t)
		cmd := u.loadlock("run", "-q", "--", "sh", "-c", "s=0; test -t 0 && s=1; test -t 1 && s=$((s+2)); test -t 2 && s=$((s+4)); exit $s")
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if mask&1 == 0 {
			cmd.Stdin = r
		}
		if mask&2 == 0 {
			cmd.Stdout = w
		}
		if mask&4 == 0 {
			cmd.Stderr = w
		}
		u.start(cmd)
		w.Close()
		if got := u.status(cmd); got != mask {
			t.Errorf("terminals %03b became %03b: %q", mask, got, u.sees())
		}
	}
}

func TestTheCommandHasNoDescriptorOfTheUsersTerminal(t *testing.T) {
	u := sitDown(t)
	var st unix.Stat_t
	if err := unix.Fstat(int(u.line.Fd()), &st); err != nil {
		t.Fatal(err)
	}
	const look = `import os
for n in sorted(os.listdir("/proc/self/fd")):
    try: print("fd", n, os.fstat(int(n)).st_rdev, flush=True)
    except OSError: pass
print("tty", os.fstat(os.open("/dev/tty", os.O_RDWR)).st_rdev != 0, "end")`
	cmd := u.start(u.loadlock("run", "-q", "--", "/usr/bin/python3", "-c", look))
	if got := u.status(cmd); got != 0 {
		t.Fatal(got, u.sees())
	}
	out := u.sees()
	if strings.Count(out, "fd ") < 3 || !strings.Contains(out, "tty True end") {
		t.Errorf("looked at too little: %q", out)
	}
	if strings.Contains(out, fmt.Sprint(" ", st.Rdev, "\r")) {
		t.Errorf("the user's terminal is device %d: %q", st.Rdev, out)
	}
}

func TestKeysReachTheCommandAsFromATerminal(t *testing.T) {
	for _, tt := range []struct {
		what, script, keys, shows string
		status                    int
	}{
		{"Ctrl-C", "trap 'echo got INT; exit 3' INT; while :; do sleep 0.05; done", "\x03", "^Cgot INT\r\n", 3},
		{"Ctrl-C without a handler", "exec sleep 100", "\x03", "^C", 130},
		{"Ctrl-backslash", "exec sleep 100", "\x1c", "^\\", 131},
		{"Ctrl-D", "cat; echo the end; exit 4", "line\n\x04", "line\r\nline\r\nthe end\r\n", 4},
		{"Backspace", "read x; echo \"=$x=\"; exit 5", "ax\x7fb\n", "=ab=\r\n", 5},
		{"a line without echo", "stty -echo; echo off; read x; echo \"=$x=\"; exit 6", "", "", 6},
		{"Ctrl-C of a program that takes keys as they are", "stty raw; head -c 1 | od -An -tx1; exit 7", "\x03", " 03", 7},
	} {
		t.Run(tt.what, func(t *testing.T) {
			u := sitDown(t)
			before := u.settings()
			cmd := u.ready(tt.script)
			if tt.keys == "" {
				u.waits("off\r\n")
				u.types("secret\n")
				tt.shows = "=secret=\r\n"
			} else {
				time.Sleep(200 * time.Millisecond) // the script sets its trap, or its terminal
				u.types(tt.keys)
			}
			u.waits(tt.shows)
			if got := u.status(cmd); got != tt.status {
				t.Errorf("status %d, want %d", got, tt.status)
			}
			u.isAsBefore(before)
		})
	}
}

func TestTheSizeOfTheWindowIsTheUsers(t *testing.T) {
	u := sitDown(t)
	cmd := u.ready("trap 'stty size; exit 8' WINCH; stty size; while :; do sleep 0.05; done")
	u.waits("24 80\r\n")
	time.Sleep(100 * time.Millisecond)
	if err := unix.IoctlSetWinsize(int(u.line.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 50, Col: 132}); err != nil {
		t.Fatal(err)
	}
	u.waits("50 132\r\n")
	if got := u.status(cmd); got != 8 {
		t.Error(got)
	}
}

func TestControlSequencesAreFilteredUnlessThePolicyPassesThem(t *testing.T) {
	const script = `printf 'a\033]0;title\007b\033[31mred\033[0m\033[6nc\033]52;c;YQ==\007d\n'`
	for _, tt := range []struct{ policy, shows string }{
		{"", "ab\x1b[31mred\x1b[0mcd\r\n"},
		{"terminal: passthrough\n", "a\x1b]0;title\ab\x1b[31mred\x1b[0m\x1b[6nc\x1b]52;c;YQ==\ad\r\n"},
	} {
		u := sitDown(t, tt.policy)
		cmd := u.start(u.loadlock("run", "--", "sh", "-c", script))
		u.waits(tt.shows)
		if u.status(cmd); strings.Contains(u.sees(), "(terminal: passthrough)") != (tt.policy != "") {
			t.Errorf("%q: %q", tt.policy, u.sees())
		}
	}
}

// stdin is no terminal, but what the command writes comes to one.
func TestOutputIsFilteredWithoutAKeyboardToo(t *testing.T) {
	u := sitDown(t)
	cmd := u.loadlock("run", "-q", "--", "sh", "-c", `cat; printf 'a\033]0;title\007b\n' >&2`)
	cmd.Stdin = strings.NewReader("x\x1b[cy\n")
	u.start(cmd)
	u.waits("xy\r\nab\r\n")
	if got := u.status(cmd); got != 0 {
		t.Error(got)
	}
}

func TestTheTerminalIsAsBefore(t *testing.T) {
	modes := `printf '\033[?1049h\033[?25l\033[?1000h\033[31m\033(0'; stty raw -echo; `
	const undone = "\x1b(B\x1b[m\x1b[?1000l\x1b[?25h\x1b[?1049l"
	for _, tt := range []struct {
		what, script string
		kill         syscall.Signal
	}{
		{"after the command ended", "exit 0", 0},
		{"after the command was killed", "kill -KILL $$", 0},
		{"after loadlock was told to end", "exec sleep 100", syscall.SIGTERM},
		{"after loadlock was killed", "exec sleep 100", syscall.SIGKILL},
	} {
		t.Run(tt.what, func(t *testing.T) {
			u := sitDown(t)
			before := u.settings()
			cmd := u.start(u.loadlock("run", "-q", "--", "sh", "-c", modes+"echo on; sleep 0.5; "+tt.script))
			u.waits("on\n") // output is raw, too
			u.isRaw()
			if tt.kill != 0 {
				if err := cmd.Process.Signal(tt.kill); err != nil {
					t.Fatal(err)
				}
			}
			u.waits(undone)
			u.isAsBefore(before)
			u.status(cmd)
		})
	}
}

// Everything that was written before the end is drawn, also when the time is over while the terminal is slow.
func TestNothingThatWasWrittenIsLost(t *testing.T) {
	for _, tt := range []struct {
		what, script string
		status       int
	}{
		{"the command ends", "seq 1 40000", 0},
		{"the command is killed", "seq 1 40000; kill -KILL $$", 137},
		{"the time is over", "seq 1 40000; trap '' TERM; while :; do sleep 1; done", 124},
	} {
		t.Run(tt.what, func(t *testing.T) {
			u := sitDown(t)
			cmd := u.loadlock("run", "-q", "--timeout", "3s", "--", "sh", "-c", tt.script)
			cmd.SysProcAttr = nil // the end of a session's leader throws away what nobody has read of its terminal yet
			u.start(cmd)
			if got := u.status(cmd); got != tt.status {
				t.Errorf("status %d, want %d", got, tt.status)
			}
			u.until(func() bool { return strings.Contains(u.sees(), "40000\r\n") }, "no end%s: %.100q", "")
			shown, _, _ := strings.Cut(u.sees(), "40000\r\n") // what comes then is our own
			if lines := strings.Count(shown, "\n"); lines != 39999 {
				t.Errorf("%d lines", lines)
			}
		})
	}
}

// A flood without a line end, to a terminal that takes nothing for a while: all of it arrives, and it is nowhere kept.
func TestAFloodTakesNoMemory(t *testing.T) {
	u := sitDown(t)
	cmd := u.loadlock("run", "-q", "--", "sh", "-c", "echo flood; head -c 20000000 /dev/zero | tr '\\0' x; echo end; sleep 100")
	cmd.SysProcAttr = nil
	u.start(cmd)
	u.waits("flood\r\n")
	u.looking.Lock()
	time.Sleep(time.Second)
	u.looking.Unlock()
	u.until(func() bool { return strings.HasSuffix(u.sees(), "end\r\n") }, "no end%s: %.100q", "")
	if n := strings.Count(u.sees(), "x"); n != 20000000 {
		t.Errorf("%d letters", n)
	}
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(raw), "VmHWM:")
	var most int
	if _, err := fmt.Sscan(rest, &most); err != nil || most > 100<<10 {
		t.Errorf("%d KiB: %v", most, err)
	}
	t.Logf("most memory of loadlock: %d KiB", most)
	if err := cmd.Process.Signal(unix.SIGTERM); err != nil {
		t.Error(err)
	}
	if got := u.status(cmd); got != 143 {
		t.Error(got)
	}
}
