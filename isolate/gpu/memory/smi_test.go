package memory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func timeFarAway() time.Time { return time.Now().Add(time.Hour) }

// standIn is a script in the place of nvidia-smi.
func standIn(t *testing.T, script string) smi {
	t.Helper()
	at := filepath.Join(t.TempDir(), "nvidia-smi")
	if err := os.WriteFile(at, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return smi{path: at}
}

const (
	uuidA = "GPU-5e7a81c0-0b1f-4b0d-9c6e-0123456789ab"
	uuidB = "GPU-6e7a81c0-0b1f-4b0d-9c6e-0123456789ab"
)

func TestNvidiaSmiAnswers(t *testing.T) {
	for _, tt := range []struct {
		what, script string
		want         string
	}{
		{"no process", "exit 0", "[]"},
		{"two processes", "echo '7, " + uuidA + ", 300'; echo '8, " + uuidB + ", 4'", "[{7 " + uuidA + "  314572800} {8 " + uuidB + "  4194304}]"},
		{"the driver does not say", "echo '7, " + uuidA + ", [N/A]'", "[{7 " + uuidA + "  -1}]"},
		{"nor this user", "echo '7, " + uuidA + ", [Insufficient Permissions]'", "[{7 " + uuidA + "  -1}]"},
		{"what is asked", "test \"$1\" = --query-compute-apps=pid,gpu_uuid,used_gpu_memory -a \"$2\" = --format=csv,noheader,nounits -a $# = 2", "[]"},
		{"a fixed environment, the root, nothing open", `test "$(env | grep -vE '^(PWD|SHLVL|_|LC_ALL=C$)')" = "" -a "$PWD" = / -a ! -e /proc/self/fd/77 -a "$(readlink /proc/$$/fd/0)" = /dev/null || { env; pwd; ls -l /proc/self/fd; exit 1; }`, "[]"},
	} {
		ours, err := unix.FcntlInt(0, unix.F_DUPFD, 77) // as from a caller, not closed at execve
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(ours)
		t.Setenv("SECRET_TOKEN", "of the supervisor")
		got, err := standIn(t, tt.script).read(context.Background(), nil)
		if err != nil || fmt.Sprint(got) != tt.want {
			t.Errorf("%s: %v, %v; want %s", tt.what, got, err, tt.want)
		}
	}
}

func TestNvidiaSmiThatDoesNotAnswerIsAnError(t *testing.T) {
	for _, tt := range []struct{ what, script, says string }{
		{"it fails", "echo 'NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver.'; exit 9", "could not communicate"},
		{"it fails after an answer", "echo '7, " + uuidA + ", 300'; exit 9", "exit status 9"},
		{"a header", "echo 'pid, gpu_uuid, used_gpu_memory [MiB]'", "printed"},
		{"units", "echo '7, " + uuidA + ", 300 MiB'", "printed"},
		{"words", "echo 'No devices were found'", "printed"},
		{"a process without a number", "echo 'x, " + uuidA + ", 300'", "printed"},
		{"pid 0", "echo '0, " + uuidA + ", 300'", "printed"},
		{"a GPU without a UUID", "echo '7, 0, 300'", "printed"},
		{"less than nothing", "echo '7, " + uuidA + ", -300'", "printed"},
		{"half a line", "printf '7, " + uuidA + "'", "printed"},
		{"a line with something behind", "echo '7, " + uuidA + ", 300, 4'", "printed"},
		{"more than an answer", "while :; do echo '7, " + uuidA + ", 300'; done | head -c 2000000", "more than"},
		{"it is killed", "kill -KILL $$", "killed"},
		{"there is none", "", ""},
	} {
		s := standIn(t, tt.script)
		if tt.script == "" {
			s.path += "-not"
		}
		got, err := s.read(context.Background(), nil)
		if err == nil || got != nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, %v", tt.what, got, err)
		}
	}
}

// Silence ends with the question's time, and with it everything that was started for it.
func TestNvidiaSmiThatHangsIsEnded(t *testing.T) {
	for what, script := range map[string]string{
		"it sleeps":                             "exec sleep 1000",
		"a child of it sleeps, with its stdout": "sleep 1000 & echo $! >$0.child; wait",
		"it ignores SIGTERM":                    "trap '' TERM; while :; do sleep 1; done",
	} {
		s := standIn(t, script)
		ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		got, err := s.read(ctx, nil)
		cancel()
		if err == nil || got != nil || !strings.Contains(err.Error(), "did not answer") {
			t.Errorf("%s: %v, %v", what, got, err)
		}
		left := true
		for i := 0; i < 500 && left; i++ {
			left = false
			for _, at := range must(filepath.Glob("/proc/[0-9]*/cmdline")) {
				raw, _ := os.ReadFile(at)
				left = left || bytes.Contains(raw, []byte(s.path))
			}
			if child, err := os.ReadFile(s.path + ".child"); err == nil {
				_, err := os.Stat("/proc/" + strings.TrimSpace(string(child)))
				left = left || err == nil
			}
			time.Sleep(10 * time.Millisecond)
		}
		if left {
			t.Errorf("%s: something is left", what)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Only a file that nobody but root can write, on a way that nobody else can change, runs with the supervisor's rights.
func TestOnlyRootsNvidiaSmiIsStarted(t *testing.T) {
	needRoot(t)
	// Not the usual temporary folder, which everybody can write.
	root, err := os.MkdirTemp("/run", "loadlock-smi-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	at := filepath.Join(root, smiPath)
	whole := func() {
		os.RemoveAll(filepath.Join(root, "usr"))
		if err := errors.Join(os.Chmod(root, 0o755), os.MkdirAll(filepath.Dir(at), 0o755), os.WriteFile(at, []byte("#!/bin/sh\n"), 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	elsewhere := filepath.Join(root, "elsewhere")
	for _, tt := range []struct {
		what   string
		damage func() error
		fine   bool
	}{
		{"root's own", func() error { return nil }, true},
		{"a link of root's to another of root's", func() error {
			return errors.Join(os.Rename(at, elsewhere), os.Symlink(elsewhere, at))
		}, true},
		{"its group can write it", func() error { return os.Chmod(at, 0o775) }, false},
		{"everybody can", func() error { return os.Chmod(at, 0o757) }, false},
		{"it is somebody's", func() error { return os.Chown(at, 1000, 0) }, false},
		{"its folder is somebody's", func() error { return os.Chown(filepath.Dir(at), 1000, 0) }, false},
		{"its folder can be written", func() error { return os.Chmod(filepath.Dir(at), 0o777) }, false},
		{"a folder above can", func() error { return os.Chmod(filepath.Join(root, "usr"), 0o1777) }, false},
		{"a link to somebody's", func() error {
			return errors.Join(os.Rename(at, elsewhere), os.Symlink(elsewhere, at), os.Chown(elsewhere, 1000, 0))
		}, false},
		{"a FIFO", func() error { return errors.Join(os.Remove(at), mkfifo(at)) }, false},
		{"none", func() error { return os.Remove(at) }, false},
	} {
		whole()
		if err := tt.damage(); err != nil {
			t.Fatal(err)
		}
		if s, err := findSmi(root); (err == nil) != tt.fine {
			t.Errorf("%s: %v, %v", tt.what, s, err)
		}
	}
}

func FuzzApps(f *testing.F) {
	f.Add("7, " + uuidA + ", 300\n8, " + uuidB + ", [N/A]\n")
	f.Add("No running processes found\n")
	f.Fuzz(func(t *testing.T, s string) {
		uses, err := parseApps([]byte(s))
		if err != nil && uses != nil {
			t.Fatalf("%q: %v with %v", s, uses, err)
		}
		for _, u := range uses {
			if u.pid <= 0 || u.bytes < -1 || !isUUID(u.device) {
				t.Fatalf("%q: %+v", s, u)
			}
		}
		if err == nil && len(uses) != strings.Count(strings.TrimSuffix(s, "\n")+"\n", "\n") && s != "" {
			t.Fatalf("%q: a line is left out: %+v", s, uses)
		}
	})
}
