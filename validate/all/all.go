// Package all is the explicit list of scanners.
package all

import (
	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/pickle"
)

// Scanners is every scanner of this build, in no particular order.
func Scanners() []*validate.Scanner {
	return []*validate.Scanner{
		pickle.Scanner(),
	}
}
