package seccomp

// Ioctls are the commands of ioctl(2) that granted devices need. The zero value is none.
type Ioctls struct {
	Profile string      `json:"profile,omitempty"` // the list's name: "nvidia-580"
	Digest  string      `json:"digest,omitempty"`  // SHA-256 of the list
	Mode    IoctlMode   `json:"mode,omitempty"`
	Words   []uint32    `json:"words,omitempty"`  // exact command words
	Masked  []IoctlWord `json:"masked,omitempty"` // commands of any size
}

// IoctlWord matches the command words that equal Value under Mask.
type IoctlWord struct {
	Mask  uint32 `json:"mask"`
	Value uint32 `json:"value"`
}

// IoctlMode is what happens to commands that are not listed.
type IoctlMode string

// The empty mode is strict.
const (
	IoctlStrict IoctlMode = "strict" // refused
	IoctlLog    IoctlMode = "log"    // carried out, and written to the kernel's log (SECCOMP_RET_LOG)
	IoctlOff    IoctlMode = "off"    // carried out
)
