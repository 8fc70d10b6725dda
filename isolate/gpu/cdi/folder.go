package cdi

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// filesMax bounds the specs of a folder: a vendor's tool writes one for each kind of device.
const filesMax = 256

// readFolder reads the specs of a folder. The error is about the folder; files that may not be believed are problems.
func readFolder(root, dir string) ([]*file, []Problem, error) {
	folder, err := openFolder(root, dir)
	if err != nil {
		return nil, nil, err
	}
	defer folder.Close()
	names, err := folder.Readdirnames(-1)
	if err != nil {
		return nil, nil, err
	}
	names = slices.DeleteFunc(names, func(name string) bool { // as the library of CDI chooses
		ext := path.Ext(name)
		return ext != ".json" && ext != ".yaml"
	})
	if len(names) > filesMax {
		return nil, nil, fmt.Errorf("has %d specs; %d are allowed", len(names), filesMax)
	}
	slices.Sort(names)
	var files []*file
	var problems []Problem
	for _, name := range names {
		f := &file{Source: Source{Path: path.Join(dir, name)}}
		data, err := readFile(folder, name)
		if err == nil {
			f.spec, err = Parse(data)
		}
		if err != nil {
			problems = append(problems, Problem{f.Path, err.Error()})
			continue
		}
		digest := sha256.Sum256(data)
		f.Digest = hex.EncodeToString(digest[:])
		files = append(files, f)
	}
	return files, problems, nil
}

// readFile reads a regular file of a folder from the descriptor that it checks. O_NONBLOCK: a FIFO does not hold us.
func readFile(folder *os.File, name string) ([]byte, error) {
	fd, err := unix.Openat(int(folder.Fd()), name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ELOOP) {
		return nil, errors.New("is a symbolic link; put the file itself there")
	}
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, errors.New("is not a regular file")
	}
	if err := ours(st); err != nil {
		return nil, err
	}
	if st.Mode&othersWrite != 0 {
		return nil, fmt.Errorf("may be written by its group or by others (mode %#o): chmod go-w", st.Mode&0o7777)
	}
	return io.ReadAll(io.LimitReader(f, fileMax+1)) // Parse refuses what is larger
}

const (
	othersWrite = 0o022
	linksMax    = 40 // as the kernel's MAXSYMLINKS, path_resolution(7)
)

// openFolder opens a folder of which nobody but root and the caller decides what is in it: so it is with the folder,
// with each one above it, and with each link on the way. A sticky folder above, as /tmp, does no harm: what is in it and
// belongs to us, nobody else can replace.
func openFolder(root, dir string) (*os.File, error) {
	top, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	chain := []int{top} // from the root down
	defer func() {
		for _, fd := range chain {
			unix.Close(fd)
		}
	}()
	rest, links := strings.Split(dir, "/"), 0
	for len(rest) > 0 {
		name := rest[0]
		rest = rest[1:]
		if name == ".." && len(chain) > 1 {
			unix.Close(chain[len(chain)-1])
			chain = chain[:len(chain)-1]
		}
		if name == "" || name == "." || name == ".." {
			continue
		}
		fd, st, err := openAt(chain[len(chain)-1], name)
		if err != nil {
			return nil, err
		}
		switch st.Mode & unix.S_IFMT {
		case unix.S_IFDIR:
			chain = append(chain, fd)
			if st.Mode&othersWrite != 0 && (st.Mode&unix.S_ISVTX == 0 || len(rest) == 0) {
				return nil, fmt.Errorf("the folder %s may be written by its group or by others (mode %#o): chmod go-w", shown(name), st.Mode&0o7777)
			}
		case unix.S_IFLNK:
			target, err := readlink(fd)
			unix.Close(fd)
			if links++; err != nil || links > linksMax {
				return nil, fmt.Errorf("the link %s: %w", shown(name), errors.Join(err, unix.ELOOP))
			}
			if path.IsAbs(target) {
				for _, fd := range chain[1:] {
					unix.Close(fd)
				}
				chain = chain[:1]
			}
			rest = append(strings.Split(target, "/"), rest...)
		default:
			unix.Close(fd)
			return nil, fmt.Errorf("%s: %w", shown(name), unix.ENOTDIR)
		}
	}
	fd, err := unix.Openat(chain[len(chain)-1], ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), dir), nil
}

// openAt opens what is there without following it, if it is root's or the caller's.
func openAt(folder int, name string) (int, unix.Stat_t, error) {
	var st unix.Stat_t
	fd, err := unix.Openat(folder, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, st, fmt.Errorf("%s: %w", shown(name), err)
	}
	if err = unix.Fstat(fd, &st); err == nil {
		err = ours(st)
	}
	if err != nil {
		unix.Close(fd)
		return -1, st, fmt.Errorf("%s %w", shown(name), err)
	}
	return fd, st, nil
}

func ours(st unix.Stat_t) error {
	if st.Uid != 0 && int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("belongs to user %d: only root's, or your own, are believed", st.Uid)
	}
	return nil
}

func readlink(fd int) (string, error) {
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(fd, "", buf)
	return string(buf[:max(n, 0)]), err
}

func absent(err error) bool { return errors.Is(err, fs.ErrNotExist) }
