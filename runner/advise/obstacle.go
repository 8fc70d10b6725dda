package advise

// Obstacle is one thing that the command wanted and did not get. It names things, never values: a report must not
// carry secrets.
type Obstacle struct {
	Kind   Kind   `json:"kind"`
	What   string `json:"what,omitempty"`   // path, variable, module, library, host, or size
	Text   string `json:"text,omitempty"`   // the error's own words, without what follows them
	By     string `json:"by,omitempty"`     // "load.py line 3, through torch", when the message shows it
	Flag   string `json:"flag,omitempty"`   // the flag that set the limit that was met, when one did
	Show   string `json:"show,omitempty"`   // the path that a remedy takes, where it is not What: a file's folder
	Output string `json:"output,omitempty"` // the folder that --output can take the place of
	Extra  string `json:"extra,omitempty"`  // what the remedy would add: "the folder holds 214 entries"
}

// Kind says what was wanted, and how the host and the box compare.
type Kind string

// Files. "Outside" is on the host, not inside.
const (
	PathOutside  Kind = "path-outside"   // a file of the host that does not exist inside
	PathSecret   Kind = "path-secret"    // likewise, and it is where credentials are kept
	PathWithheld Kind = "path-withheld"  // a file of the model that validation did not admit
	PathNowhere  Kind = "path-nowhere"   // it exists neither inside nor on the host
	PathReadOnly Kind = "path-read-only" // to be written
	PathSystem   Kind = "path-system"    // to be written, and part of the system or of the user's settings
	PathNoExec   Kind = "path-noexec"    // to be started or mapped executable, in /tmp
	PathInert    Kind = "path-inert"     // likewise, in a folder of the host whose files are data inside
	PathForeign  Kind = "path-foreign"   // visible, and readable only for its owner, who is not the command's user
)

// Surroundings.
const (
	EnvNotPassed   Kind = "env-not-passed" // the caller has the variable
	EnvSecret      Kind = "env-secret"     // likewise, and it is a credential
	EnvRefused     Kind = "env-refused"    // likewise, and not even --env passes it
	EnvNowhere     Kind = "env-nowhere"    // the caller does not have it either
	ModuleOutside  Kind = "module-outside"
	ModuleNowhere  Kind = "module-nowhere"
	LibraryOutside Kind = "library-outside"
	LibraryNowhere Kind = "library-nowhere"
	Host           Kind = "host"        // a host of the network; what may be empty
	HostRefused    Kind = "host-policy" // a network there is, and it does not reach this host
	HostNever      Kind = "host-never"  // likewise, and it is no name of a public host
	Listen         Kind = "listen"      // a port to serve on; what may be empty
	Process        Kind = "process"     // another process
)

// GPUs. What is an entry of GPUErrors.
const (
	GPU        Kind = "gpu"         // none was asked for
	GPUAbsent  Kind = "gpu-absent"  // one was optional, and this host gives none
	GPUFailed  Kind = "gpu-failed"  // one is there, and its driver reported an error
	GPURefused Kind = "gpu-refused" // likewise, and the sandbox may be the cause
	GPUMemory  Kind = "gpu-memory"  // likewise, for lack of its memory
	GPUBuild   Kind = "gpu-build"   // the framework could not use one
	GPUWarning Kind = "gpu-warning" // the command warned and went on
)

// Limits that were met.
const (
	Memory  Kind = "memory"
	Pids    Kind = "pids"
	Shm     Kind = "shm"
	Tmp     Kind = "tmp"
	Space   Kind = "space" // /tmp or /dev/shm; the message does not say which
	Timeout Kind = "timeout"
	CPUTime Kind = "cpu-time"
	Files   Kind = "open-files"
)

// Allocation is one request for memory that the kernel refused outright.
const Allocation Kind = "allocation"

// ForeignABI is a call through the 32-bit or x32 gate.
const ForeignABI Kind = "foreign-abi"
