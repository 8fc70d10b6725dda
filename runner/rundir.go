package runner

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/loadlock/loadlock/isolate"
	"golang.org/x/sys/unix"
)

// runDir is the private folder of one run. A lock held by its supervisor tells live runs from leftovers.
type runDir struct {
	id, path string
	lock     *os.File
}

// baseDir is where run folders live: /run/loadlock as root, the user's runtime folder otherwise.
func baseDir(env func(string) string) string {
	if os.Geteuid() == 0 {
		return "/run/loadlock"
	}
	if d := env("XDG_RUNTIME_DIR"); filepath.IsAbs(d) {
		return filepath.Join(d, "loadlock")
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("loadlock-%d", os.Getuid()))
}

// newRunDir makes a folder with a random name, and removes what earlier runs that were killed left behind.
func newRunDir(base string) (*runDir, error) {
	if err := os.MkdirAll(base, 0o711); err != nil {
		return nil, fmt.Errorf("run folder: %w", err)
	}
	if err := ours(base); err != nil {
		return nil, err
	}
	// A lock file exists before its lock is taken; without this another run's sweep would find it in between.
	turn, err := lockFolder(base)
	if err != nil {
		return nil, fmt.Errorf("run folder: %w", err)
	}
	defer turn.Close()
	sweep(base)
	raw := make([]byte, 8)
	rand.Read(raw)
	r := &runDir{id: hex.EncodeToString(raw)}
	r.path = filepath.Join(base, r.id)
	if r.lock, err = lockFile(r.path + ".lock"); err != nil { // first: it is what a sweep looks for
		return nil, fmt.Errorf("run folder: %w", err)
	}
	if _, err := r.lock.WriteString(bootID()); err != nil {
		return nil, errors.Join(fmt.Errorf("run folder: %w", err), r.remove())
	}
	if err := os.Mkdir(r.path, 0o711); err != nil {
		return nil, errors.Join(fmt.Errorf("run folder: %w", err), r.remove())
	}
	if err := os.Mkdir(r.private(), 0o700); err != nil {
		return nil, errors.Join(fmt.Errorf("run folder: %w", err), r.remove())
	}
	return r, nil
}

// private holds copies of model files; only the supervisor may enter it.
func (r *runDir) private() string { return filepath.Join(r.path, "private") }

func (r *runDir) remove() error {
	err := os.RemoveAll(r.path)
	if err == nil {
		err = os.Remove(r.lock.Name())
	}
	r.lock.Close()
	return err
}

// leave gives the folder up for the next call's sweep, without what is private.
func (r *runDir) leave() error {
	r.lock.Close()
	return os.RemoveAll(r.private())
}

// ours refuses a base folder that somebody else prepared (H-06: links and foreign owners in shared /tmp).
func ours(base string) error {
	info, err := os.Lstat(base)
	if err != nil {
		return fmt.Errorf("run folder: %w", err)
	}
	var st unix.Stat_t
	if err := unix.Lstat(base, &st); err != nil || !info.IsDir() || int(st.Uid) != os.Geteuid() || info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("run folder %s is not a folder of this user that only this user can write", base)
	}
	return nil
}

// lockFolder waits for the folder's own lock, which is held while a run begins.
func lockFolder(base string) (*os.File, error) {
	f, err := os.Open(base)
	if err != nil {
		return nil, err
	}
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// lockFile makes or opens a lock file and takes its lock without waiting.
func lockFile(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, err
	}
	if have, err := f.Stat(); err == nil { // a sweep may have removed the file between our two steps
		if named, err := os.Lstat(name); err != nil || !os.SameFile(have, named) {
			f.Close()
			return nil, fmt.Errorf("%s was removed by another run; run again", name)
		}
	}
	return f, nil
}

// bootID tells one boot of the machine from another, random(4).
func bootID() string {
	raw, _ := os.ReadFile("/proc/sys/kernel/random/boot_id") // without one, no two boots are told apart
	return strings.TrimSpace(string(raw))
}

// sweep removes the folders of runs whose supervisor is gone, with their processes and cgroups. What an earlier boot
// left has none, and the numbers in it mean processes of others: a run folder need not be on a file system that a boot
// empties.
func sweep(base string) {
	locks, _ := filepath.Glob(filepath.Join(base, "*.lock"))
	for _, name := range locks {
		lock, err := lockFile(name)
		if err != nil {
			continue // alive, or not ours to touch
		}
		dir := name[:len(name)-len(".lock")]
		boot, err := os.ReadFile(name)
		ended := err == nil && len(boot) > 0 && string(boot) != bootID()
		if !ended {
			ended = isolate.Remove(filepath.Join(dir, "box", "state"), filepath.Base(dir)) == nil
		}
		if ended && os.RemoveAll(dir) == nil {
			os.Remove(name) // last: while the lock file is there, the next call tries again
		}
		lock.Close()
	}
}
