package validate

import (
	"io/fs"
	"os"
	"syscall"
	"time"
)

// identity tells one state of one file from another. The status-change time cannot be set by a program,
// unlike the modification time (inode(7)).
type identity struct {
	dev, ino     uint64
	size         int64
	mtime, ctime syscall.Timespec
}

func identify(info fs.FileInfo) identity {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return identity{}
	}
	return identityOf(st)
}

func identityOf(st *syscall.Stat_t) identity {
	return identity{dev: uint64(st.Dev), ino: st.Ino, size: st.Size, mtime: st.Mtim, ctime: st.Ctim}
}

// unique says that two equal identities are one file under two names.
func (id identity) unique() bool { return id.ino != 0 }

// changed is the time of the last change of any kind.
func (id identity) changed() time.Time { return time.Unix(id.ctime.Unix()) }

// openRegular opens without blocking on a FIFO that took the file's place; the caller checks what it got.
func openRegular(root *os.Root, name string) (*os.File, error) {
	return root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

// readHere reads a file that lies in an open folder, if it is still the one that is wanted. Ten thousand small files
// are read this way: with four calls each, and without a descriptor that the runtime's poller is asked about. false
// leaves it to the general way to read the file or to say what is wrong.
func readHere(folder *os.File, name string, want identity, b []byte) bool {
	fd, err := syscall.Openat(int(folder.Fd()), name, syscall.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer syscall.Close(fd)
	var st syscall.Stat_t
	if syscall.Fstat(fd, &st) != nil || identityOf(&st) != want {
		return false
	}
	n, err := syscall.Pread(fd, b, 0)
	return err == nil && n == len(b)
}
