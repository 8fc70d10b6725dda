package runner

import (
	"os"
	"time"

	"github.com/loadlock/loadlock/isolate"
	"github.com/loadlock/loadlock/isolate/gpu"
	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/runner/advise"
	"github.com/loadlock/loadlock/validate"
)

// Job is what one call of run is asked to do.
type Job struct {
	Models  []string // paths
	Command []string
	Dir     string   // the caller's working directory, absolute
	Env     []string // the caller's environment; an allow-list decides what the command sees
	Home    string
	Policy  policy.Sources
	Flags   policy.Flags
	Pass    []string // --env K or K=V
	Read    []string // --ro PATH
	Write   []string // --rw PATH
	Output  string   // --output DIR, or empty
	Workdir string   // --workdir, or empty
	Publish []Publish
	GPU     GPURequest

	Stdin, Stdout, Stderr *os.File
	Signals               <-chan os.Signal
	DryRun                bool
	// Notice is told, in one line, what the caller may want to know while the command runs; it may be nil. It is
	// called from another goroutine, one call at a time.
	Notice func(line string)
	// FailOnDenial makes a run that ends with 0 a failure when unusual system calls were refused, and keeps the command
	// from starting where they cannot be counted.
	FailOnDenial bool

	stall time.Duration            // how long without progress after a denial is a stall; 0: the usual
	gpus  func() (gpu.Host, error) // this host's; nil: gpu.Discover("/"). Tests have a folder
	learn *learning                // what learn mode sees; nil otherwise
	waive []string                 // layers that selftest does without, on a host that does not give them
}

// Result is the JSON report: what was found, decided, enforced and used. Its schema has a version.
type Result struct {
	Schema   int                   `json:"schema"`
	ID       string                `json:"id"`
	Started  time.Time             `json:"started"`
	Command  []string              `json:"command"`
	Policy   PolicyResult          `json:"policy"`
	Weakened []string              `json:"weakened"`
	Models   []ModelResult         `json:"models"`
	Scanner  []string              `json:"scanner,omitempty"` // how the process was confined that parsed the models, as the kernel shows it
	Script   *ModelResult          `json:"script,omitempty"`  // the script of the command, where the policy has it analysed
	Code     *Code                 `json:"code,omitempty"`    // which script ran, when the interpreter was given one
	Verdict  validate.Verdict      `json:"verdict"`           // the worst of the models'; undecided when there is none
	Layers   []isolate.Enforcement `json:"layers"`
	GPU      *GPUResult            `json:"gpu,omitempty"`
	Exit     *isolate.Exit         `json:"exit,omitempty"` // absent when the command did not run
	Denials  []isolate.Denial      `json:"denials"`        // refused system calls, by call and argument
	// DenialsNotCounted says why Denials is empty or not complete, when it is not.
	DenialsNotCounted string   `json:"denials_not_counted,omitempty"`
	Published         []string `json:"published,omitempty"` // "127.0.0.1:8000 to 8000": addresses of the host that led to ports inside
	// Network are the connections through the proxy and to published ports.
	Network   []NetworkDecision `json:"network,omitempty"`
	Proxy     []string          `json:"proxy,omitempty"`     // how the process was confined that passed them on, as the kernel shows it
	Obstacles []advise.Obstacle `json:"obstacles,omitempty"` // what a failed command seems to have lacked; names, never values
	// StderrUnread: nothing is known of what a failed command wrote, because its stderr was a pipe of its own.
	StderrUnread bool         `json:"stderr_unread,omitempty"`
	Outcome      Outcome      `json:"outcome"`
	Status       int          `json:"status"` // exit status of loadlock
	Error        *ErrorResult `json:"error,omitempty"`
	Timings      Timings      `json:"timings"`
	Notes        []string     `json:"notes,omitempty"`
	Skipped      []string     `json:"output_skipped,omitempty"` // left in --output but not copied out
	Plan         any          `json:"plan,omitempty"`           // --dry-run: the OCI runtime spec
}

// SchemaVersion changes when a field of Result changes its meaning or goes away.
const SchemaVersion = 1

// PolicyResult names the effective policy.
type PolicyResult struct {
	Name      string `json:"name"`
	Digest    string `json:"digest"`
	Effective any    `json:"effective,omitempty"` // every key, as in a policy file
}

// ModelResult is what became of one model.
type ModelResult struct {
	Path       string `json:"path"`
	Digest     string `json:"digest"`      // of the manifest: SHA-256 over "sha256-or-dash size path" lines
	DigestFull bool   `json:"digest_full"` // every file's content went into it
	validate.Decision
	Files []validate.FileReport `json:"files"`
}

// ErrorResult is what kept loadlock from doing its work.
type ErrorResult struct {
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// Timings are wall-clock durations of the stages, nanoseconds.
type Timings struct {
	Policy   time.Duration `json:"policy_ns"`
	Discover time.Duration `json:"discover_ns"`
	GPU      time.Duration `json:"gpu_ns,omitempty"` // finding and planning one
	Pin      time.Duration `json:"pin_ns"`
	Scan     time.Duration `json:"scan_ns"` // runs beside Box
	Box      time.Duration `json:"box_ns"`
	Release  time.Duration `json:"release_ns"`
	Command  time.Duration `json:"command_ns"`
	Clean    time.Duration `json:"clean_ns"`
	Total    time.Duration `json:"total_ns"`
}

// Ours is the time loadlock added: everything but the command itself.
func (t Timings) Ours() time.Duration { return t.Total - t.Command }
