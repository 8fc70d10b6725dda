//go:build !unix

package policy

import "os"

func openRegular(name string) (*os.File, error) { return os.Open(name) }
