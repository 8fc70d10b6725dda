//go:build unix

package policy

import (
	"os"
	"syscall"
)

// openRegular does not block on a FIFO that took the file's place (open(2), O_NONBLOCK); the caller checks
// what it got.
func openRegular(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}
