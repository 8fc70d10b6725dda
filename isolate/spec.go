package isolate

import (
	"os"

	"github.com/loadlock/loadlock/isolate/gpu"
	"github.com/loadlock/loadlock/policy"
)

// Spec says what to run and what exists inside. It is plain data; Bundle turns it into an OCI runtime spec.
type Spec struct {
	ID     string // random, unique on this host
	RunDir string // private folder of this run; removed by Close

	Args []string // Args[0] is an absolute path inside
	Env  []string
	Dir  string // working directory inside

	Binds    []Bind
	Symlinks map[string]string // link inside → target
	Masks    []string          // paths inside that must look empty
	Etc      map[string]string // files written for this run, by path inside

	// CountDenials refuses to start the command where refused system calls cannot be counted.
	CountDenials bool

	Sandbox policy.Sandbox
	Host    Host // how the supervisor runs

	Stdin, Stdout, Stderr *os.File

	Watch bool // learn: note the paths that permitted calls name; see Lookup

	GPU gpu.Plan // the zero value: none

	Ports      []uint16 // that a server inside may bind, because they are published
	Terminal   bool     // the first of them that is a terminal becomes the command's controlling terminal
	Foreground bool     // and the command starts in its foreground
}

// Bind is one host file or folder that exists inside.
type Bind struct {
	Source string // on the host; the kernel refuses /proc/<pid>/fd links of another mount namespace (EINVAL)
	Fresh  bool   // no Source: an empty folder of the box's own, as large as /tmp, for whoever holds it as long as that
	Target string // absolute, inside
	Exec   bool   // may be executed and mapped executable
	Write  bool
	Owner  *Owner // its host owner is shown as the workload's id (an id-mapped mount, Linux 5.12)
	Why    string // for the plan
}

// Owner is a host user and group.
type Owner struct{ UID, GID uint32 }

// Host is what Bundle needs to know about the supervisor.
type Host struct {
	Rootless bool
	Limited  bool     // see Identity
	UID, GID int      // of the supervisor
	IDBase   uint32   // first host id of the mapped range when not rootless
	Program  string   // this program's own file: it is also pid 1 of the box
	Cgroup   string   // path of the new cgroup, empty for none
	Systemd  bool     // the cgroup is made by the user's systemd
	Private  []string // folders of the supervisor that the box's root must enter, when Limited
	SwapFile bool     // swap can be limited

	NodeGroups []uint32 // host groups that the command gets, to use granted device nodes; New finds them out
}

// inner ids: libcontainer needs 0 mapped to build the root; the workload runs as workID.
const workID = 1000

// pid1Path is where the supervisor's own binary is mounted read-only; see pid1_linux.c.
const pid1Path = "/.loadlock/pid1"

// Exit is the workload's story.
type Exit struct {
	Code      int    `json:"code"`             // exit status, when it exited
	Signal    int    `json:"signal,omitempty"` // the signal that ended it
	Survivors int    `json:"survivors"`        // processes that were left when it ended, and were ended
	OOM       bool   `json:"oom"`
	TimedOut  bool   `json:"timed_out"`
	Failed    string `json:"failed,omitempty"` // step that kept it from starting: "exec: no such file or directory"
	Errno     int    `json:"-"`
	Usage     Usage  `json:"usage"`
	// Stuck are processes that were there still, long after they had been killed: they hold whatever they had open.
	Stuck []Stuck `json:"stuck,omitempty"`
}

// Stuck is a process that SIGKILL has not ended.
type Stuck struct {
	Pid   int    `json:"pid"`
	Name  string `json:"name"`  // as it called itself
	State string `json:"state"` // of proc_pid_stat(5): "D" is a wait in the kernel that nothing interrupts
}

// Usage is what the cgroup counted.
type Usage struct {
	PeakMemory int64 `json:"peak_memory_bytes"` // -1: not known
	CPU        int64 `json:"cpu_ns"`
	PeakPids   int64 `json:"peak_pids"` // -1: not known
	OOMKills   int64 `json:"oom_kills"`
	PidsDenied int64 `json:"pids_denied"` // forks refused by the pids limit; -1: not known
	// PeakGPU is the most that was seen in use of one GPU's memory, by whoever limits that; 0: nobody looked, or none was.
	PeakGPU int64 `json:"peak_gpu_memory_bytes,omitempty"`
}
