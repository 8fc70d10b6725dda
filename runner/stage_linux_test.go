package runner

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/isolate"
	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
	"golang.org/x/sys/unix"
)

func init() { isolate.Init() } // this test binary is also the program that libcontainer re-executes

// modelBytes is a large model whose last bytes are the word that the command prints.
func modelBytes(word string) []byte {
	const n = 2 << 20
	header := fmt.Sprintf(`{"weight":{"dtype":"F32","shape":[%d],"data_offsets":[0,%d]}}`, n/4, n)
	header += strings.Repeat(" ", -len(header)&7)
	data := append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...)
	return append(append(data, make([]byte, n-4)...), word...)
}

func needBox(t *testing.T) {
	t.Helper()
	for _, c := range isolate.Doctor() {
		if c.Status == isolate.Missing && slices.Contains([]string{"user", "mount", "pid", "net", "seccomp", "landlock"}, c.Name) {
			validatetest.Need(t, c.Name, errors.New(c.Detail))
		}
	}
}

// needLease skips where the tests' own files cannot be leased, as on the overlay of a container.
func needLease(t *testing.T) {
	t.Helper()
	name := filepath.Join(folder(t), "x")
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var st unix.Statfs_t
	if err = unix.Fstatfs(int(f.Fd()), &st); err == nil && localOnly[int64(uint32(st.Type))] == "" {
		err = fmt.Errorf("the kind of file system (%#x) does not promise it", uint32(st.Type))
	}
	if err == nil {
		_, err = unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_RDLCK)
	}
	validatetest.Need(t, "lease", err)
}

func notRoot() error {
	if os.Geteuid() != 0 {
		return errors.New("not root")
	}
	return nil
}

// stage is a run that an attacker interferes with at chosen moments.
type stage struct {
	t     *testing.T
	r     *run
	dir   string // the user's folder, with the model in it
	model string // the large file
	out   string // stdout of the command
}

// folder is a temporary folder that the box's ids may enter, unlike that of testing.T. It is not below /tmp, which is
// the box's own inside, so that links on the way exist there as links.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "gap")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// newStage makes dir/sub/m with a large and a small file, dir/evil, and links to the model.
func newStage(t *testing.T) *stage {
	t.Helper()
	needBox(t)
	dir := folder(t)
	s := &stage{t: t, dir: dir, model: filepath.Join(dir, "sub", "m", "model.safetensors"), out: filepath.Join(t.TempDir(), "out")}
	s.must(os.MkdirAll(filepath.Dir(s.model), 0o755), os.WriteFile(s.model, modelBytes("GOOD"), 0o644), os.WriteFile(filepath.Join(dir, "sub/m/config.json"), []byte("{}"), 0o644),
		os.WriteFile(filepath.Join(dir, "evil"), modelBytes("EVIL"), 0o644), os.Symlink("sub/m", filepath.Join(dir, "relative")), os.Symlink(filepath.Join(dir, "sub", "m"), filepath.Join(dir, "link")))
	return s
}

// job is a run under a policy; without a command, one that prints the last word of the model.
func (s *stage) job(named string, keep policy.ModelFiles, command ...string) Job {
	s.t.Helper()
	named = filepath.Join(s.dir, named)
	if command == nil {
		command = []string{"/usr/bin/tail", "-c", "4", filepath.Join(named, "model.safetensors")}
	}
	out, err := os.Create(s.out)
	s.must(err)
	words := []string{"copied", "unchangeable", "held"}
	file := s.policyFile("model_files: " + words[keep] + "\n")
	absent := filepath.Join(s.t.TempDir(), "absent")
	return Job{Models: []string{named}, Command: command, Dir: s.dir, Home: s.t.TempDir(), Stdout: out, Policy: policy.Sources{Host: absent, User: absent, Explicit: file},
		Env: []string{"XDG_RUNTIME_DIR=" + folder(s.t), "XDG_CACHE_HOME=" + folder(s.t)}}
}

// policyFile is a policy with more lines.
func (s *stage) policyFile(lines string) string {
	file := filepath.Join(s.t.TempDir(), "p.yaml")
	s.must(os.WriteFile(file, []byte("name: gap\noptional_layers: [cgroup]\n"+lines), 0o600))
	return file
}

// start settles a job as Run does, up to the pinned model.
func (s *stage) start(job Job) {
	s.t.Helper()
	r := &run{job: job, res: &Result{}, opened: map[*validate.File]bool{}}
	s.r = r
	s.must(r.policyAndCommand())
	var err error
	r.dir, err = newRunDir(folder(s.t))
	s.must(err)
	s.t.Cleanup(func() {
		if err := r.clean(); err != nil {
			s.t.Error(err)
		}
	})
	s.must(r.pin(s.t.Context()), r.pinScript(s.t.Context()))
}

// judge scans and starts the box.
func (s *stage) judge() scanResult {
	s.t.Helper()
	sr := <-s.r.scan(s.t.Context())
	s.must(sr.err)
	return sr
}

func (s *stage) must(errs ...error) {
	s.t.Helper()
	if err := errors.Join(errs...); err != nil {
		s.t.Fatal(err)
	}
}

// identityOnly takes away the leases: what users have on files of others.
func (s *stage) identityOnly() {
	for _, f := range s.r.leased {
		_, err := unix.FcntlInt(f.Held().Fd(), unix.F_SETLEASE, unix.F_UNLCK)
		s.must(err)
		f.Keep(validate.Identity)
	}
	s.r.leased = nil
}

// seen is what the command printed.
func (s *stage) seen() string {
	s.t.Helper()
	b, err := os.ReadFile(s.out)
	s.must(err)
	return string(b)
}

// rename is what downloaders and attackers do alike.
func (s *stage) rename(from, to string) {
	s.must(os.Rename(filepath.Join(s.dir, from), filepath.Join(s.dir, to)))
}

// scribble writes into a file as it lies there, and gives it back the modification time. A writer that finds a lease
// does not wait.
func (s *stage) scribble(name string) {
	info, err := os.Stat(name)
	s.must(err)
	f, err := os.OpenFile(name, os.O_WRONLY|unix.O_NONBLOCK, 0)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return
	}
	s.must(err)
	_, err = f.WriteAt([]byte("EVIL"), info.Size()-4)
	s.must(err, f.Close(), os.Chtimes(name, info.ModTime(), info.ModTime()))
}
