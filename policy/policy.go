package policy

import "time"

// Policy is what the operator permits. The zero value permits nothing: it admits no model (it has no
// name), starts no box (every limit is zero, and zero means "nothing allowed", never "unlimited"),
// requires every layer and restricts every operation. Fields whose name begins with Unsafe weaken the
// product; Weakenings lists them in words.
//
// A Policy is a value: everyone reads it, nobody writes it after Load.
type Policy struct {
	Name        string
	Description string

	// Where a model may come from.
	TrustedSources []string // exact references or "org/*"
	TrustedDomains []string // host names, matched on label boundaries
	BlockedDomains []string // beats TrustedDomains

	// What a model may contain.
	AllowedExtensions []string   // lower case with the dot; empty slice: any (content decides anyway)
	RemoteCode        RemoteCode // Python that comes with the model
	Unclaimed         Unclaimed  // files that no scanner understands
	AllowedGlobals    []Global   // additions to the vetted pickle names
	Waivers           []Waiver
	Scan              ScanLimits

	// UnsafeUnknownGlobals admits pickle names that nobody vetted (known-dangerous ones stay refused).
	UnsafeUnknownGlobals bool
	// UnsafeAdmitRejected runs the command although validation refused the model. The verdict is still
	// computed and reported.
	UnsafeAdmitRejected bool

	// RequireModel refuses to run a command without a --model (nothing would be validated).
	RequireModel bool
	// ScanScript judges the script that the interpreter is told to run as code that comes with a model is judged, and
	// refuses to run it when it is not cleared. The script is the user's own, so no built-in policy does.
	ScanScript bool
	// ModelFiles says what must keep the large files of a model from changing while they are in use.
	ModelFiles ModelFiles

	// Terminal says what a command may make of the user's terminal.
	Terminal Terminal

	Sandbox Sandbox
}

// Terminal says which control sequences of the command reach the user's terminal.
type Terminal int

// The zero value passes what only draws.
const (
	TerminalFiltered    Terminal = iota
	TerminalPassthrough          // all: the title, the clipboard, what makes the terminal type back
)

// RemoteCode says what happens to Python files that come with a model.
type RemoteCode int

// The zero value refuses.
const (
	RemoteCodeRefuse   RemoteCode = iota // the model is refused
	RemoteCodeWithhold                   // the files do not exist inside the sandbox
	RemoteCodeAllow                      // allowed once scanned and cleared
)

// Unclaimed says what happens to files that no scanner understands.
type Unclaimed int

// The zero value makes the verdict inconclusive.
const (
	UnclaimedInconclusive Unclaimed = iota
	UnclaimedWithhold               // inert kinds (images, PDF, …) do not exist inside; anything else is inconclusive
	UnclaimedUnsafeAdmit            // visible inside, read-only
)

// ModelFiles says how large files of a model are kept between the scan and the load. (Small files are always copied.)
type ModelFiles int

// The zero value trusts no file of the host to stay as it is.
const (
	ModelFilesCopied       ModelFiles = iota // private copies, unless the kernel refuses every change of the file already
	ModelFilesUnchangeable                   // whatever makes a change impossible; the command ends when somebody opens a file for writing
	ModelFilesHeld                           // the best there is for each file, an identity check at least
)

// Global is a name that a model's own pickles may use, and what they may do with it.
type Global struct {
	Module string // "mypkg.model"
	Name   string // "Net"
	Import bool   // may be named
	Call   bool   // may be called (REDUCE, NEWOBJ, INST, OBJ)
	Build  bool   // an instance of it may be the target of BUILD
	Reason string
}

// Waiver accepts one finding in one file. It names a rule and a content digest, never a publisher.
type Waiver struct {
	Rule    string // "pickle/global-unknown"
	SHA256  string // 64 lower-case hex digits of the file's content
	Reason  string
	Expires string // "2027-01-31" (inclusive, UTC) or empty
}

// ScanLimits bounds what validation may spend on one model. Zero means nothing is allowed.
type ScanLimits struct {
	MaxFileSizeMB   int64 // size of one file, MiB
	MaxFiles        int64 // files in a model folder
	MaxDepth        int64 // nesting of archives and folders
	MaxEntries      int64 // archive members over the whole model
	MaxExpandedMB   int64 // bytes produced by decompression over the whole model, MiB
	MaxPickleOps    int64 // pickle opcodes over the whole model
	MaxScanSeconds  int64 // wall-clock time of the whole scan
	MaxPrivateMB    int64 // bytes of small files copied for the run, MiB
	MaxCopiedMB     int64 // bytes of large files copied for the run, MiB
	MaxHeaderSizeMB int64 // a single structured header or text file that must be held in memory, MiB
}

// Sandbox is what the box gives the workload.
type Sandbox struct {
	Allow   Operations
	Network Network
	// NetworkHosts are what NetworkAllow permits, see ParseHost; empty: nothing.
	NetworkHosts []string
	NetLimits    NetworkLimits
	LoopbackTCP  bool    // any TCP port on the box's own loopback
	Publish      Publish // --publish is permitted
	MemoryMB     int64   // MiB; the whole group is killed above it; swap is 0
	Pids         int64   // processes and threads
	CPUs         float64 // processors
	TimeoutSec   int64   // wall clock, seconds
	CPUTimeSec   int64   // CPU time per process (RLIMIT_CPU), seconds; 0: bounded by TimeoutSec × CPUs only
	TmpMB        int64   // private /tmp, MiB
	ShmMB        int64   // private /dev/shm, MiB
	Output       bool    // --output DIR is permitted
	ExtraRead    bool    // --ro PATH is permitted
	GPU          GPU

	// UnsafeOptional names layers whose absence is tolerated. Every layer not named here is required.
	UnsafeOptional []string
}

// Operations is the complement of the seed's restricted_operations: what is not restricted.
// The zero value restricts everything.
type Operations struct {
	NetworkAccess bool // sockets other than AF_UNIX, a network other than loopback
	Subprocess    bool // fork and execve of other programs
	FileWrite     bool // --rw PATH: host files may be written
	NativeCode    bool // files outside the interpreter and the system may be mapped executable
	GPU           bool // GPU device nodes
}

// Network is the kind of network the workload sees. The zero value is none.
type Network int

// NetworkAllow is loopback and a proxy to NetworkHosts. NetworkHost shares the host's network; it is unsafe and
// printed as such.
const (
	NetworkNone Network = iota
	NetworkAllow
	NetworkHost
)

// NetworkLimits bounds what goes through the proxy of NetworkAllow in one run. Zero means nothing.
type NetworkLimits struct {
	UploadMB      int64 // bytes to all hosts together, MiB
	DownloadMB    int64 // bytes from all hosts together, MiB
	Connections   int64 // at the same time; more wait
	IdleSec       int64 // without a byte in either direction, seconds
	ConnectionSec int64 // age of one connection, seconds
}

// Publish says at which addresses of the host a server inside may be made reachable. The zero value is none.
type Publish int

// PublishLoopback permits 127.0.0.0/8 and ::1 only.
const (
	PublishNone Publish = iota
	PublishLoopback
	PublishAny
)

// Expired reports whether the waiver no longer counts. A date that cannot be read counts as expired.
func (w Waiver) Expired(now time.Time) bool {
	if w.Expires == "" {
		return false
	}
	day, err := time.Parse(time.DateOnly, w.Expires)
	return err != nil || !now.UTC().Before(day.AddDate(0, 0, 1))
}
