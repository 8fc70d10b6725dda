package memory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// smiPath is where the driver's packages put nvidia-smi; no other file is started, whatever PATH says.
const smiPath = "usr/bin/nvidia-smi"

// smi is the host's nvidia-smi, run anew for each question: its answer is complete when it exits with 0. (With -lms it
// prints nothing while no process uses a GPU, which nobody can tell from a hang.) It runs as the supervisor, outside the
// box, and reads nothing of it.
type smi struct{ path string }

func (smi) name() string         { return "nvidia-smi" }
func (smi) every() time.Duration { return time.Second / 2 }

func (s smi) read(ctx context.Context, _ []int) ([]use, error) {
	out, err := s.ask(ctx, "--query-compute-apps=pid,gpu_uuid,used_gpu_memory", "--format=csv,noheader,nounits")
	if err != nil {
		return nil, err
	}
	return parseApps(out)
}

const (
	maxSmi      = 1 << 20 // bytes of an answer: thousands of processes
	maxSmiWords = 300     // bytes of what it says when it fails
)

// ask runs it: no environment but the language, the root as working directory, no descriptor of ours, and it ends with the
// calling thread. Its file must be one that only root can write (findSmi).
func (s smi) ask(ctx context.Context, args ...string) ([]byte, error) {
	var out, words limited
	out.most, words.most = maxSmi, maxSmiWords
	inheritNothing()
	c := exec.CommandContext(ctx, s.path, args...)
	c.Env, c.Dir, c.Stdout, c.Stderr = []string{"LC_ALL=C"}, "/", &out, &words
	c.SysProcAttr = &unix.SysProcAttr{Pdeathsig: unix.SIGKILL, Setpgid: true} // a ^C at the terminal is not for it
	c.Cancel = func() error { return unix.Kill(-c.Process.Pid, unix.SIGKILL) }
	c.WaitDelay = time.Second
	err := c.Run()
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("%s did not answer in time", s.path)
	case err != nil:
		return nil, fmt.Errorf("%s: %w: %q", s.path, err, bytes.TrimSpace(append(out.first(maxSmiWords), words.text...)))
	case out.over:
		return nil, fmt.Errorf("%s printed more than %d bytes", s.path, maxSmi)
	}
	return out.text, nil
}

// inheritNothing makes the kernel close at execve(2) what this process was itself started with. What Go opens is so anyway.
func inheritNothing() {
	fds, _ := os.ReadDir("/proc/self/fd")
	for _, e := range fds {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
}

// limited keeps the first bytes that are written to it.
type limited struct {
	text []byte
	most int
	over bool
}

func (l *limited) Write(p []byte) (int, error) {
	room := l.most - len(l.text)
	l.over = l.over || len(p) > room
	l.text = append(l.text, p[:min(room, len(p))]...)
	return len(p), nil
}

func (l *limited) first(n int) []byte { return bytes.Clone(l.text[:min(n, len(l.text))]) }

// parseApps reads "pid, uuid, MiB" lines. A number that the driver does not give ("[N/A]", "[Insufficient Permissions]")
// is -1. Anything else is an error.
func parseApps(out []byte) (uses []use, err error) {
	for line := range strings.Lines(string(out)) {
		line = strings.TrimRight(line, "\r\n")
		f := strings.Split(line, ", ")
		if len(f) != 3 {
			return nil, fmt.Errorf("nvidia-smi printed %.80q", line)
		}
		pid, err := strconv.ParseInt(f[0], 10, 32)
		if err != nil || pid <= 0 || !isUUID(f[1]) {
			return nil, fmt.Errorf("nvidia-smi printed %.80q", line)
		}
		mib, err := strconv.ParseInt(f[2], 10, 32)
		switch {
		case strings.HasPrefix(f[2], "[") && strings.HasSuffix(f[2], "]"):
			uses = append(uses, use{pid: int(pid), device: f[1], bytes: -1})
			continue
		case err != nil || mib < 0:
			return nil, fmt.Errorf("nvidia-smi printed %.80q", line)
		}
		uses = append(uses, use{pid: int(pid), device: f[1], bytes: mib << 20})
	}
	return uses, nil
}

// isUUID reports whether s is a word as NVIDIA names GPUs and instances: "GPU-" or "MIG-", then hexadecimal and dashes.
func isUUID(s string) bool {
	rest, gpu := strings.CutPrefix(s, "GPU-")
	if !gpu {
		var mig bool
		if rest, mig = strings.CutPrefix(s, "MIG-"); !mig {
			return false
		}
	}
	return len(rest) > 0 && len(rest) <= 64 && strings.Trim(rest, "0123456789abcdef-") == ""
}

// findSmi finds nvidia-smi below root. It is started with our privileges, so every folder on the way to it must be root's
// and nobody else's to write, with and without links.
func findSmi(root string) (smi, error) {
	path := filepath.Join(root, smiPath)
	real, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return smi{}, fmt.Errorf("there is no %s", path)
	}
	if err == nil {
		err = errors.Join(rootsOnly(filepath.Dir(path)), rootsOnly(real))
	}
	return smi{path: real}, err
}

// rootsOnly checks a file and the folders above it.
func rootsOnly(path string) error {
	for at := path; ; at = filepath.Dir(at) {
		var st unix.Stat_t
		if err := unix.Stat(at, &st); err != nil {
			return &os.PathError{Op: "stat", Path: at, Err: err}
		}
		if at == path && st.Mode&unix.S_IFMT != unix.S_IFREG && st.Mode&unix.S_IFMT != unix.S_IFDIR {
			return fmt.Errorf("%s is no ordinary file", at)
		}
		if st.Uid != 0 || st.Mode&0o022 != 0 {
			return fmt.Errorf("%s is not root's alone to write (owner %d, mode %#o), so nvidia-smi is not started: chown root, chmod go-w", at, st.Uid, st.Mode&0o7777)
		}
		if at == "/" {
			return nil
		}
	}
}
