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
	return identity{dev: uint64(st.Dev), ino: st.Ino, size: st.Size, mtime: st.Mtim, ctime: st.Ctim}
}

// changed is the time of the last change of any kind.
func (id identity) changed() time.Time { return time.Unix(id.ctime.Unix()) }

// openRegular opens without blocking on a FIFO that took the file's place; the caller checks what it got.
func openRegular(root *os.Root, name string) (*os.File, error) {
	return root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}
