package runner

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loadlock/loadlock/isolate"
	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
	"golang.org/x/sys/unix"
)

// A meddling is what an attacker does at one of two moments: before the mounts are made, or when they are made and the
// verdict is in.
type meddling struct {
	name   string
	named  string       // how the command line names the model; sub/m if empty
	before func(*stage) // the scan is over, nothing is mounted
	during string       // in dir: where the name leads to in the instant of the mount, and at no other time
	after  func(*stage) // everything is mounted, and the model was compared with what was pinned once more
	needs  func() error
	evil   string // what the command prints without the check; EVIL if empty
}

var meddlings = []meddling{
	{name: "another file takes the name, and gives it back", before: func(s *stage) {
		s.rename("sub/m/model.safetensors", "good")
		s.rename("evil", "sub/m/model.safetensors")
	},
		after: func(s *stage) {
			s.rename("sub/m/model.safetensors", "evil")
			s.rename("good", "sub/m/model.safetensors")
		}},
	{name: "a hard link to another file takes the name, and gives it back",
		before: func(s *stage) {
			s.rename("sub/m/model.safetensors", "good")
			s.must(os.Link(filepath.Join(s.dir, "evil"), s.model))
		},
		after: func(s *stage) { s.must(os.Remove(s.model)); s.rename("good", "sub/m/model.safetensors") }},
	{name: "written to in place, modification time restored", after: func(s *stage) { s.scribble(s.model) }},
	{name: "written to through another hard link", before: func(s *stage) { s.must(os.Link(s.model, filepath.Join(s.dir, "other"))) },
		after: func(s *stage) { s.scribble(filepath.Join(s.dir, "other")) }},
	{name: "an absolute link on the way leads elsewhere for an instant", named: "link", during: "evil"},
	{name: "a relative link on the way leads elsewhere for an instant", named: "relative", during: "evil"},
	{name: "a folder on the way becomes a link, and a folder again",
		before: func(s *stage) {
			s.elsewhere()
			s.rename("sub/m", "sub/good")
			s.must(os.Symlink("../elsewhere", filepath.Join(s.dir, "sub/m")))
		},
		after: func(s *stage) { s.must(os.Remove(filepath.Join(s.dir, "sub/m"))); s.rename("sub/good", "sub/m") }},
	{name: "a mount over the file", needs: notRoot,
		before: func(s *stage) {
			s.must(unix.Mount(filepath.Join(s.dir, "evil"), s.model, "", unix.MS_BIND, ""))
			s.t.Cleanup(func() { _ = unix.Unmount(s.model, unix.MNT_DETACH) })
		},
		after: func(s *stage) { s.must(unix.Unmount(s.model, unix.MNT_DETACH)) }},
	{name: "cut short", after: func(s *stage) { s.cut() }, evil: "\x00\x00\x00\x00"},
	{name: "a small file takes the name", before: func(s *stage) {
		s.rename("sub/m/model.safetensors", "good")
		s.must(os.WriteFile(s.model, []byte("EVIL"), 0o644))
	}, after: func(s *stage) { s.rename("good", "sub/m/model.safetensors") }},
}

// elsewhere is a folder with another model.
func (s *stage) elsewhere() {
	s.must(os.Mkdir(filepath.Join(s.dir, "elsewhere"), 0o755))
	s.rename("evil", "elsewhere/model.safetensors")
}

// cut truncates the file without waiting for a lease to be given back.
func (s *stage) cut() {
	f, err := os.OpenFile(s.model, os.O_WRONLY|unix.O_NONBLOCK, 0)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return
	}
	s.must(err, f.Truncate(1<<20), f.Close())
}

// play brings a run to the moment before the command starts, under attack.
func (a meddling) play(s *stage) clearance {
	s.t.Helper()
	sr := s.judge()
	if a.before != nil {
		a.before(s)
	}
	s.must(s.r.prepare(s.r.expected()))
	if a.during != "" {
		i := slices.IndexFunc(s.r.spec.Binds, func(b isolate.Bind) bool { return filepath.Base(b.Source) == filepath.Base(s.model) })
		if i >= 0 {
			s.r.spec.Binds[i].Source = filepath.Join(s.dir, a.during)
		}
		var err error
		s.r.box, err = isolate.New(s.r.spec)
		s.must(err)
	}
	err := s.r.startBox(s.t.Context())
	if err != nil && strings.Contains(err.Error(), "MOUNT_ATTR_IDMAP") { // overlayfs; tmpfs before Linux 6.3
		validatetest.Need(s.t, "id-mapped mounts", err)
	}
	s.must(err)
	c := s.r.decideWithoutAnotherLook(s.t, sr)
	if a.after != nil {
		a.after(s)
	}
	return c
}

// decideWithoutAnotherLook is decide as an attacker finds it who swapped back in time, or was faster than it.
func (r *run) decideWithoutAnotherLook(t *testing.T, sr scanResult) (c clearance) {
	c.given = true
	for i, s := range r.snaps {
		model, d := validate.Decide(r.policy, s, sr.reports[i], time.Now())
		if d.Verdict != validate.Admit {
			t.Fatalf("%s: %v", d.Verdict, d.Findings)
		}
		c.models = append(c.models, model)
	}
	return c
}

func TestWhatIsLoadedIsWhatWasScanned(t *testing.T) {
	for _, a := range meddlings {
		if a.named == "" {
			a.named = filepath.Join("sub", "m")
		}
		if a.evil == "" {
			a.evil = "EVIL"
		}
		play := func(t *testing.T, keep policy.ModelFiles, lease bool) (*stage, clearance) {
			if a.needs != nil {
				validatetest.Need(t, "root", a.needs())
			}
			s := newStage(t)
			s.start(s.job(a.named, keep))
			if !lease {
				s.identityOnly()
			}
			c := a.play(s)
			return s, c
		}
		refused := func(t *testing.T, s *stage, c clearance) {
			var changed *validate.ChangedError
			if err := s.r.launch(t.Context(), c); !errors.As(err, &changed) {
				t.Errorf("the launch ended with %v, and the command printed %q", err, s.seen())
			}
		}
		t.Run(a.name+"/identity check", func(t *testing.T) {
			s, c := play(t, policy.ModelFilesHeld, false)
			refused(t, s, c)
		})
		t.Run(a.name+"/lease", func(t *testing.T) {
			needLease(t)
			s, c := play(t, policy.ModelFilesHeld, true)
			refused(t, s, c)
		})
		t.Run(a.name+"/private copy", func(t *testing.T) {
			s, c := play(t, policy.ModelFilesCopied, true)
			if err := s.r.launch(t.Context(), c); err != nil || s.seen() != "GOOD" {
				t.Errorf("%v, and the command printed %q", err, s.seen())
			}
		})
		t.Run(a.name+"/without the check it gets through", func(t *testing.T) {
			s, c := play(t, policy.ModelFilesHeld, false)
			s.must(s.r.withhold(t.Context(), c), s.r.release(t.Context()))
			s.r.stdio.started(s.r.box)
			_, err := s.r.box.Wait(t.Context())
			s.r.stdio.drain()
			if err != nil || s.seen() != a.evil {
				t.Errorf("%v, and the command printed %q, not %q: this attack tests nothing", err, s.seen(), a.evil)
			}
		})
	}
}

// The comparison must resolve links as the box does. Through /proc/<pid>/root an absolute link leads to the host's
// file, which the attacker swapped back in time.
func TestTheComparisonIsNotLedToTheHostsFile(t *testing.T) {
	i := slices.IndexFunc(meddlings, func(a meddling) bool { return strings.HasPrefix(a.name, "an absolute link") })
	s := newStage(t)
	s.start(s.job(meddlings[i].named, policy.ModelFilesHeld))
	s.identityOnly()
	meddlings[i].play(s)
	f := s.r.snaps[0].Files[1]
	if info, err := os.Stat(s.r.box.Root() + target(s.r.snaps[0], f)); err != nil || !f.Is(info) {
		t.Fatalf("the naive look is not fooled (%v): this test shows nothing", err)
	}
	root, err := unix.Open(s.r.box.Root(), unix.O_PATH, 0)
	s.must(err)
	defer unix.Close(root)
	if err := samePinned(root, target(s.r.snaps[0], f), f); err == nil {
		t.Error("the comparison was led out of the box")
	}
}

func TestAFIFOInALargeFilesPlaceDoesNotBlock(t *testing.T) {
	s := newStage(t)
	s.start(s.job("sub/m", policy.ModelFilesHeld))
	a := meddling{before: func(s *stage) { s.must(os.Remove(s.model), unix.Mkfifo(s.model, 0o644)) }}
	c := a.play(s)
	done := make(chan error, 1)
	go func() { done <- s.r.launch(t.Context(), c) }()
	select {
	case err := <-done:
		var changed *validate.ChangedError
		if !errors.As(err, &changed) {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("the launch waits for a writer")
	}
}

// What is added after the scan is not there, and what is removed is: inside are the files of the verdict.
func TestTheFolderInsideIsTheOneOfTheVerdict(t *testing.T) {
	s := newStage(t)
	s.start(s.job("sub/m", policy.ModelFilesHeld, "/bin/ls", filepath.Join(s.dir, "sub/m")))
	a := meddling{before: func(s *stage) {
		s.must(os.WriteFile(filepath.Join(s.dir, "sub/m/sitecustomize.py"), []byte("evil"), 0o644))
	}, after: func(s *stage) {
		s.must(os.WriteFile(filepath.Join(s.dir, "sub/m/modeling_evil.py"), []byte("evil"), 0o644), os.Remove(filepath.Join(s.dir, "sub/m/config.json")))
	}}
	c := a.play(s)
	if err := s.r.launch(t.Context(), c); err != nil || s.seen() != "config.json\nmodel.safetensors\n" {
		t.Errorf("%v, inside are:\n%s", err, s.seen())
	}
}

// A real attacker that never rests: it swaps the file while runs go by. Each run is refused or loads what was scanned.
func TestARacingAttackerNeverWins(t *testing.T) {
	s := newStage(t)
	job := s.job("sub/m", policy.ModelFilesHeld)
	sh := exec.Command("/bin/sh", "-c", `while :; do mv sub/m/model.safetensors good; mv evil sub/m/model.safetensors; mv sub/m/model.safetensors evil; mv good sub/m/model.safetensors; sleep 0.4; done`)
	sh.Dir = s.dir
	s.must(sh.Start())
	t.Cleanup(func() { _ = sh.Process.Kill(); _ = sh.Wait() })
	ran := map[string]int{}
	for range 12 {
		out, err := os.Create(s.out)
		s.must(err)
		job.Stdout = out
		res, _ := Run(t.Context(), job)
		out.Close()
		saw := s.seen()
		if saw != "" && saw != "GOOD" {
			t.Fatalf("the command read %q (%s)", saw, res.Outcome)
		}
		ran[string(res.Outcome)+" "+saw]++
	}
	t.Log(ran)
}

// The script that runs is the one whose digest is in the report, whatever happens to its name meanwhile.
func TestTheScriptThatRunsIsTheOneInTheReport(t *testing.T) {
	for _, tt := range []struct {
		name  string
		evil  func(s *stage, script string)
		write bool // the folder is shown with --rw, so that the script stays where it is
	}{
		{"replaced", func(s *stage, script string) {
			s.must(os.Rename(script, script+".old"), os.WriteFile(script, []byte("echo EVIL\n"), 0o755))
		}, false},
		{"written to in place", func(s *stage, script string) { s.must(os.WriteFile(script, []byte("echo EVIL\n"), 0o755)) }, false},
		{"replaced in a folder that may be written to", func(s *stage, script string) {
			s.must(os.Rename(script, script+".old"), os.WriteFile(script, []byte("echo EVIL\n"), 0o755))
		}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, checked := range []bool{true, false} {
				s := newStage(t)
				script := filepath.Join(s.dir, "load.sh")
				s.must(os.WriteFile(script, []byte("echo GOOD\n"), 0o755))
				job := s.job("sub/m", policy.ModelFilesHeld, "/bin/sh", script)
				if tt.write {
					job.Write = []string{s.dir}
					job.Policy.Explicit = s.policyFile("restricted_operations: [network_access, gpu]\n")
				}
				s.start(job)
				if !checked {
					s.r.script.Close()
					s.r.script = nil
				}
				m := meddling{before: func(s *stage) { tt.evil(s, script) }}
				err := s.r.launch(t.Context(), m.play(s))
				var changed *validate.ChangedError
				switch {
				case !checked && (err != nil || s.seen() != "EVIL\n"):
					t.Errorf("without the check: %v, printed %q: this attack tests nothing", err, s.seen())
				case checked && tt.write && !errors.As(err, &changed):
					t.Errorf("%v, printed %q", err, s.seen())
				case checked && !tt.write && (err != nil || s.seen() != "GOOD\n" || s.r.res.Code.HeldBy != validate.PrivateCopy):
					t.Errorf("%v, printed %q, report %+v", err, s.seen(), s.r.res.Code)
				}
			}
		})
	}
}

// V-06: the policy is what was read, once, whatever becomes of its file.
func TestThePolicyThatHoldsIsTheOneThatWasRead(t *testing.T) {
	s := newStage(t)
	job := s.job("sub/m", policy.ModelFilesHeld)
	link, file := filepath.Join(s.dir, "policy.yaml"), job.Policy.Explicit
	s.must(os.Symlink(file, link))
	job.Policy.Explicit = link
	s.start(job)
	digest := s.r.policy.Digest()
	m := meddling{before: func(s *stage) {
		s.must(os.WriteFile(file, []byte("extends: trust\nname: evil\n"), 0o644), os.Remove(link), os.Symlink(filepath.Join(s.dir, "evil.yaml"), link))
		s.must(os.WriteFile(filepath.Join(s.dir, "evil.yaml"), []byte("extends: trust\nname: evil\nsandbox_required: false\n"), 0o644))
	}}
	if err := s.r.launch(t.Context(), m.play(s)); err != nil || s.seen() != "GOOD" {
		t.Errorf("%v, printed %q", err, s.seen())
	}
	if s.r.res.Policy.Digest != digest || s.r.res.Policy.Name != "gap" || s.r.policy.UnsafeUnknownGlobals {
		t.Errorf("the policy became %+v", s.r.res.Policy)
	}
}

// The script's folder is visible as it is on the host at any moment. Who moves it, or a link in it, while the command runs
// can lead the model's name elsewhere; that is noticed at the end. Files that come and go beside the model are no change.
func TestAPathThatIsMovedWhileTheCommandRunsTaints(t *testing.T) {
	for _, tt := range []struct {
		name, named string
		do          func(s *stage)
		tainted     string
	}{
		{"the model's folder is moved away", "sub/m", func(s *stage) { s.rename("sub", "moved"); s.must(os.Mkdir(filepath.Join(s.dir, "sub"), 0o755)) }, "/sub was replaced"},
		{"the model's folder is moved away and back", "sub/m", func(s *stage) { s.rename("sub/m", "m"); s.rename("m", "sub/m") }, "/sub/m was replaced"},
		{"a link is swapped and swapped back", "relative", func(s *stage) { s.rename("relative", "x"); s.rename("x", "relative") }, "/relative was replaced"},
		{"files come and go beside the model", "relative", func(s *stage) {
			s.must(os.WriteFile(filepath.Join(s.dir, "sub/new"), nil, 0o644), os.WriteFile(filepath.Join(s.dir, "new"), nil, 0o644), os.Remove(filepath.Join(s.dir, "evil")))
		}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t)
			script := filepath.Join(s.dir, "load.sh")
			s.must(os.WriteFile(script, []byte("echo started >&2; while [ ! -e ${0%/*}/go ]; do sleep 0.05; done\n"), 0o755))
			job := s.job(tt.named, policy.ModelFilesHeld, "/bin/sh", script)
			pipe, stderr, err := os.Pipe()
			s.must(err)
			job.Stderr = stderr
			s.start(job)
			c := meddling{}.play(s)
			ended := make(chan error, 1)
			go func() { ended <- s.r.launch(t.Context(), c) }()
			_, err = pipe.Read(make([]byte, 1))
			s.must(err)
			tt.do(s)
			s.must(os.WriteFile(filepath.Join(s.dir, "go"), nil, 0o644), <-ended)
			if got := strings.Join(s.r.res.Notes, "\n"); (tt.tainted != "") != strings.Contains(got, "tainted") || !strings.Contains(got, tt.tainted) {
				t.Errorf("notes %q", got)
			}
		})
	}
}
