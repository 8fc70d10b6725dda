package runner

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
	"golang.org/x/sys/unix"
)

// mapped opens a file for writing, maps it, writes to it once and closes the descriptor: from then on the mapping changes
// bytes of that page without any trace in the file's times.
func mapped(t *testing.T, name string) []byte {
	t.Helper()
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	mem, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	t.Cleanup(func() { _ = unix.Munmap(mem) })
	mem[len(mem)-1] = 'D' // as it was
	return mem
}

// fileSystems are those that can be made here, each with what should keep a large file on it, by policy.
var fileSystems = []struct {
	name             string
	mkfs, options    string // program that makes it in an image, which root mounts
	seal             string // program that makes a file of it unchangeable
	mount            func(t *testing.T, at string) error
	held, copied     validate.Keeping
	writableToNobody bool
}{
	{name: "the tests' own", held: validate.Lease, copied: validate.FullCopy},
	{name: "tmpfs", mount: func(_ *testing.T, at string) error { return unix.Mount("tmpfs", at, "tmpfs", 0, "size=64m") }, held: validate.Lease, copied: validate.FullCopy},
	{name: "overlay", mount: overlay, held: validate.Identity, copied: validate.FullCopy},
	{name: "ext4", mkfs: "mkfs.ext4", held: validate.Lease, copied: validate.FullCopy},
	{name: "xfs", mkfs: "mkfs.xfs", held: validate.Lease, copied: validate.Reflink},
	{name: "btrfs", mkfs: "mkfs.btrfs", held: validate.Lease, copied: validate.Reflink},
	{name: "ext4 with fs-verity", mkfs: "mkfs.ext4", options: "-b 4096 -O verity", seal: "fsverity", held: validate.Verity, copied: validate.Verity, writableToNobody: true},
	{name: "squashfs", mkfs: "mksquashfs", held: validate.ReadOnly, copied: validate.ReadOnly, writableToNobody: true},
}

func overlay(t *testing.T, at string) error {
	d := folder(t)
	var errs []error
	for _, name := range []string{"lower", "upper", "work"} {
		errs = append(errs, os.Mkdir(filepath.Join(d, name), 0o755))
	}
	return errors.Join(append(errs, unix.Mount("overlay", at, "overlay", 0, fmt.Sprintf("lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work", d, d, d)))...)
}

// image makes a file system in a file and mounts it.
func image(t *testing.T, mkfs, options, kind, at string) error {
	img := filepath.Join(folder(t), "img")
	if kind == "squashfs" {
		src := folder(t)
		if err := os.WriteFile(filepath.Join(src, "model.safetensors"), modelBytes("GOOD"), 0o644); err != nil {
			return err
		}
		if out, err := exec.Command(mkfs, src, img, "-quiet", "-no-progress").CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
	} else {
		if err := errors.Join(os.WriteFile(img, nil, 0o600), os.Truncate(img, 320<<20)); err != nil { // the least that mkfs.xfs takes is 300 MiB; sparse
			return err
		}
		if out, err := exec.Command(mkfs, append(strings.Fields(options), "-q", img)...).CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
	}
	out, err := exec.Command("mount", "-o", "loop", img, at).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

func TestEveryLargeFileIsKeptInTheBestWayThatItsFileSystemHas(t *testing.T) {
	for _, fs := range fileSystems {
		t.Run(fs.name, func(t *testing.T) {
			at := folder(t)
			if fs.mkfs != "" || fs.mount != nil {
				validatetest.Need(t, "root", notRoot())
				var err error
				if fs.mkfs != "" {
					_, err = exec.LookPath(fs.mkfs)
					validatetest.Need(t, fs.mkfs, err)
					err = image(t, fs.mkfs, fs.options, fs.name, at)
				} else {
					err = fs.mount(t, at)
				}
				validatetest.Need(t, fs.name, err)
				t.Cleanup(func() {
					if err := unix.Unmount(at, 0); err != nil {
						t.Errorf("something still holds a file of %s: %v", fs.name, err)
					}
				})
			}
			model := filepath.Join(at, "model.safetensors")
			if !fs.writableToNobody || fs.seal != "" {
				if err := os.WriteFile(model, modelBytes("GOOD"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if fs.seal != "" {
				_, err := exec.LookPath(fs.seal)
				validatetest.Need(t, fs.seal, err)
				if out, err := exec.Command(fs.seal, "enable", model).CombinedOutput(); err != nil {
					validatetest.Need(t, "fs-verity", fmt.Errorf("%w: %s", err, out))
				}
			}
			if fs.mkfs == "" && fs.mount == nil {
				needLease(t)
			}
			if f, err := os.OpenFile(model, os.O_WRONLY, 0); (err != nil) != fs.writableToNobody {
				t.Errorf("opening the file for writing: %v", err)
			} else {
				f.Close()
			}
			for mode, want := range map[policy.ModelFiles]validate.Keeping{policy.ModelFilesHeld: fs.held, policy.ModelFilesUnchangeable: fs.held, policy.ModelFilesCopied: fs.copied} {
				got, err := kept(t, model, at, mode, nil)
				if want == validate.Identity && mode == policy.ModelFilesUnchangeable {
					want = validate.FullCopy
					var refused *KeepError
					if got, err := keptWithin(t, model, at, mode, 0, nil); !errors.As(err, &refused) || len(refused.Why) != len(ways[mode]) || Hint(err) == "" {
						t.Errorf("kept by %q where nothing but a comparison is possible and no copy permitted: %v", got, err)
					}
				}
				if err != nil || got != want {
					t.Errorf("mode %d: kept by %q, want %q (%v)", mode, got, want, err)
				}
			}
			if fs.writableToNobody {
				return
			}
			mem := mapped(t, model) // a writer that is not even open any more
			var changed *validate.ChangedError
			if fs.held == validate.Identity {
				return // nobody sees that writer, which is why the word is reported
			}
			switch got, err := kept(t, model, at, policy.ModelFilesHeld, nil); {
			case fs.copied == validate.Reflink && (err != nil || got != validate.Reflink):
				t.Errorf("a file that somebody writes to is kept by %q, want a reflink (%v)", got, err)
			case fs.copied != validate.Reflink && !errors.As(err, &changed):
				t.Errorf("a file that somebody writes to is kept by %q (%v)", got, err)
			}
			// What the identity check alone would say of that writer: nothing. This is why there are leases.
			_, err := kept(t, model, at, policy.ModelFilesCopied, func(f *validate.File) {
				before, err := os.Stat(model)
				if err != nil {
					t.Fatal(err)
				}
				mem[len(mem)-1] = 'X'
				if after, err := os.Stat(model); err != nil || !validate.SameState(before, after) {
					t.Log("here the times tell of a write through a mapping")
				}
				if b, err := os.ReadFile(f.Copy()); err != nil || string(b[len(b)-4:]) != "GOOD" {
					t.Errorf("the copy changed with the file: %q, %v", b[len(b)-4:], err)
				}
				mem[len(mem)-1] = 'D'
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// kept pins one file, with the store of copies on the file system of at, and says how it is kept.
func kept(t *testing.T, model, at string, mode policy.ModelFiles, with func(*validate.File)) (validate.Keeping, error) {
	t.Helper()
	return keptWithin(t, model, at, mode, 100, with)
}

func keptWithin(t *testing.T, model, at string, mode policy.ModelFiles, maxCopiedMB int64, with func(*validate.File)) (validate.Keeping, error) {
	t.Helper()
	p := validatetest.Policy()
	p.ModelFiles, p.Scan.MaxCopiedMB = mode, maxCopiedMB
	r := &run{job: Job{Env: []string{"XDG_CACHE_HOME=" + filepath.Join(at, "cache")}}, policy: p, opened: map[*validate.File]bool{}}
	snap, err := validate.Pin(t.Context(), model, folder(t), p.Scan)
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	defer func() {
		if r.store != nil {
			if err := r.store.remove(); err != nil {
				t.Error(err)
			}
		}
	}()
	if err := r.keep(t.Context(), snap); err != nil {
		return "", err
	}
	if with != nil {
		with(snap.Files[0])
	}
	return snap.Files[0].Kept, nil
}

// Only its owner, and root, can have a lease on a file.
func TestAFileOfSomebodyElseIsComparedOnly(t *testing.T) {
	if os.Geteuid() == 0 {
		validatetest.Need(t, "ordinary user", errors.New("root may have every lease"))
	}
	if got, err := kept(t, "/bin/bash", folder(t), policy.ModelFilesHeld, nil); err != nil || got != validate.Identity {
		t.Errorf("kept by %q, %v", got, err)
	}
}

func TestCopiesAreBounded(t *testing.T) {
	at := folder(t)
	model := filepath.Join(at, "model.safetensors")
	if err := os.WriteFile(model, modelBytes("GOOD"), 0o644); err != nil {
		t.Fatal(err)
	}
	p := validatetest.Policy()
	p.ModelFiles, p.Scan.MaxCopiedMB = policy.ModelFilesCopied, 1
	r := &run{job: Job{Env: []string{"XDG_CACHE_HOME=" + at}}, policy: p}
	snap, err := validate.Pin(t.Context(), model, folder(t), p.Scan)
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	var pin *validate.PinError
	if err := fullCopy(t.Context(), r, snap.Files[0]); !errors.As(err, &pin) || !strings.Contains(err.Error(), "scan.max_copied_mb (1)") {
		t.Error(err)
	}
	if err := room(snap.Files[0].Held(), 1<<60); !errors.Is(err, unix.ENOSPC) {
		t.Error(err)
	}
}

func TestAFullDiskIsSaidBeforeTheCopy(t *testing.T) {
	validatetest.Need(t, "root", notRoot())
	s := newStage(t)
	job := s.job("sub/m", policy.ModelFilesCopied)
	cache := folder(t)
	s.must(unix.Mount("tmpfs", cache, "tmpfs", 0, "size=1m"))
	t.Cleanup(func() {
		if err := unix.Unmount(cache, 0); err != nil {
			t.Error(err)
		}
	})
	job.Env = append(job.Env, "XDG_CACHE_HOME="+cache) // of two, the last counts
	res, err := Run(t.Context(), job)
	if !errors.Is(err, unix.ENOSPC) || res.Outcome != Failed || !strings.Contains(res.Error.Hint, "XDG_CACHE_HOME") || s.seen() != "" {
		t.Errorf("%v: %+v", err, res.Error)
	}
	left, _ := filepath.Glob(filepath.Join(cache, "loadlock/copies/*"))
	if len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// A writer that comes while the command runs waits; it is told of at once, and where the policy says so the command ends
// first.
func TestAWriterThatComesWhileTheCommandRuns(t *testing.T) {
	for mode, want := range map[policy.ModelFiles]struct {
		printed, note string
		ended         bool
	}{
		policy.ModelFilesHeld:         {"EVIL", "tainted: model.safetensors was written to while the command ran", false},
		policy.ModelFilesUnchangeable: {"", "", true},
		policy.ModelFilesCopied:       {"GOOD", "", false},
	} {
		t.Run(fmt.Sprint(mode), func(t *testing.T) {
			needLease(t)
			s := newStage(t)
			job := s.job("sub/m", mode, "/bin/sh", "-c", "echo started >&2; sleep 2; tail -c 4 "+s.model)
			pipe, began, err := os.Pipe()
			s.must(err)
			job.Stderr = began
			notices := make(chan string, 10)
			job.Notice = func(line string) { notices <- line }
			result := make(chan Result, 1)
			go func() { res, _ := Run(t.Context(), job); result <- res }()
			_, err = pipe.Read(make([]byte, 1))
			s.must(err)
			f, err := os.OpenFile(s.model, os.O_WRONLY, 0) // waits for the lease
			s.must(err)
			_, err = f.WriteAt([]byte("EVIL"), int64(len(modelBytes("EVIL")))-4)
			s.must(err, f.Close())
			wrote := time.Now()
			res := <-result
			if s.seen() != want.printed || want.ended != (res.Error != nil) {
				t.Errorf("printed %q, error %+v, notes %q", s.seen(), res.Error, res.Notes)
			}
			if strings.Contains(strings.Join(res.Notes, "\n"), "tainted") != (want.note != "") || !strings.Contains(strings.Join(res.Notes, "\n"), want.note) {
				t.Errorf("notes %q", res.Notes)
			}
			if mode != policy.ModelFilesCopied && len(notices) == 0 {
				t.Error("nothing was said while the command ran")
			}
			if want.ended && wrote.Before(res.Started.Add(res.Timings.Total-res.Timings.Clean)) {
				t.Error("the writer did not wait for the end of the command")
			}
			if want.ended && res.Outcome != Signaled {
				t.Errorf("outcome %s", res.Outcome)
			}
		})
	}
}
