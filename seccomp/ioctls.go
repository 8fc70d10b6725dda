package seccomp

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"slices"
)

// Ioctls are the commands of ioctl(2) that granted devices need. The zero value is none: all others are refused.
type Ioctls struct {
	Profile string      `json:"profile,omitempty"` // the list's name: "nvidia-580"
	Digest  string      `json:"digest,omitempty"`  // SHA-256 of the list, in hexadecimal
	Mode    IoctlMode   `json:"mode,omitempty"`
	Words   []uint32    `json:"words,omitempty"`  // exact command words, in ascending order
	Masked  []IoctlWord `json:"masked,omitempty"` // commands of any size
}

// IoctlWord matches the command words that equal Value under Mask.
type IoctlWord struct {
	Mask  uint32 `json:"mask"`
	Value uint32 `json:"value"`
}

// IoctlMode is what happens to commands that are on no list.
type IoctlMode string

// The empty mode is strict. In every mode the commands that type into a terminal are refused.
const (
	IoctlStrict IoctlMode = "strict" // refused
	IoctlLog    IoctlMode = "log"    // carried out, and noted: see doc.go
	IoctlOff    IoctlMode = "off"    // carried out
)

var (
	//go:embed ioctls/nvidia.txt
	nvidiaCommands string
	//go:embed ioctls/amd.txt
	amdCommands string
	//go:embed ioctls/intel.txt
	intelCommands string
)

// commandLists are the lists by vendor; what is in a line is said at their heads.
func commandLists() []struct{ vendor, text string } {
	return []struct{ vendor, text string }{{"nvidia", nvidiaCommands}, {"amd", amdCommands}, {"intel", intelCommands}}
}

// IoctlsFor returns the commands that a vendor's user-space driver needs of its kernel driver; vendor is "nvidia", "amd",
// "intel" or "wsl", version the kernel driver's ("580.95.05"; AMD and Intel have one list for all, and need none). The
// note, if there is one, says why the list may not be that driver's own. The mode is strict, but for WSL2, whose
// commands nobody has listed: off, with a note. Of an unknown vendor nothing is known, and nothing passes.
func IoctlsFor(vendor, version string) (list Ioctls, note string) {
	if vendor == "wsl" {
		return Ioctls{Profile: "wsl", Mode: IoctlOff}, "there is no list of ioctl commands for WSL2's /dev/dxg: every command passes"
	}
	for _, t := range commandLists() {
		if t.vendor == vendor {
			return parseCommands(t.text).list(vendor, version)
		}
	}
	return Ioctls{Profile: "none"}, fmt.Sprintf("there is no list of ioctl commands for %q: none of its own passes", vendor)
}

// Join is the list of both. Its mode is that of i.
func (i Ioctls) Join(other Ioctls) Ioctls {
	if i.Profile != "" && other.Profile != "" {
		i.Profile += "+"
	}
	i.Profile += other.Profile
	i.Words, i.Masked = slices.Concat(i.Words, other.Words), slices.Concat(i.Masked, other.Masked)
	return i.normal()
}

// normal sorts the list and signs it.
func (i Ioctls) normal() Ioctls {
	slices.Sort(i.Words)
	i.Words = slices.Compact(i.Words)
	h := sha256.New()
	for _, w := range i.Words {
		fmt.Fprintf(h, "%#08x\n", w)
	}
	for _, m := range i.Masked {
		fmt.Fprintf(h, "%#08x/%#08x\n", m.Value, m.Mask)
	}
	i.Digest = hex.EncodeToString(h.Sum(nil))
	return i
}
