package advise

import (
	"fmt"
	"slices"
	"strings"
)

// Policy is what advice needs to know of the effective policy. Its JSON names are those of a policy file, so that it
// can be read out of a report.
type Policy struct {
	Name       string   `json:"name"`
	Restricted []string `json:"restricted_operations"`
	Network    string   `json:"network"`
	Hosts      []string `json:"network_hosts"`
	Publish    string   `json:"publish"`
	Output     bool     `json:"output"`
	ExtraRead  bool     `json:"extra_read"`
	RemoteCode bool     `json:"allow_remote_code"`
	MemoryMB   int64    `json:"memory_limit_mb"`
	Pids       int64    `json:"pids_limit"`
	TmpMB      int64    `json:"tmp_size_mb"`
	ShmMB      int64    `json:"shm_size_mb"`
	TimeoutSec int64    `json:"timeout_seconds"`
	CPUTimeSec int64    `json:"cpu_time_seconds"`

	GPU struct {
		MemoryMB    int64  `json:"memory_limit_mb"`
		IoctlFilter string `json:"ioctl_filter"`
		Sysfs       string `json:"sysfs"`
	} `json:"gpu"`
}

// Option is one way to permit what was refused: flags of run, lines of a policy file, and what both together cost.
type Option struct {
	Flags  []string `json:"flags,omitempty"`
	Policy []string `json:"policy,omitempty"`
	Cost   string   `json:"cost"`
	Lift   string   `json:"lift,omitempty"` // the operation that Policy no longer restricts
	Open   bool     `json:"open,omitempty"` // a flag has a placeholder: nothing named the thing
}

// remedy is a row of the table.
type remedy struct {
	flag string                      // {} stands for the thing
	lift string                      // the operation that must not be restricted
	line func(Policy, string) string // another policy line that is needed, or ""
	cost string
}

// remedies maps the words that the other tables use.
func remedies() map[string]remedy {
	return map[string]remedy{
		"read": {flag: "--ro {}", line: truth("extra_read", func(p Policy) bool { return p.ExtraRead }),
			cost: "everything inside can read it, and what is read can leave through the command's output"},
		"module": {flag: "--ro {} --env PYTHONPATH={}", line: truth("extra_read", func(p Policy) bool { return p.ExtraRead }),
			cost: "Python modules of that folder run inside, before those of the same name elsewhere; compiled ones cannot be loaded (noexec)"},
		"write": {flag: "--rw {}", lift: "file_write",
			cost: "the command can change and delete what is there, at once and for good: also scripts and modules that you start yourself later. A library there cannot be loaded (noexec)"},
		"output": {flag: "--output {}", line: truth("output", func(p Policy) bool { return p.Output }),
			cost: "the least: it starts empty inside, and when the command has ended its regular files are copied out; treat them as untrusted"},
		"env": {flag: "--env {}",
			cost: "the value can be read by everything inside, and can leave through the command's output or a permitted host"},
		"set-tmpdir": {flag: "--env {}=/tmp", cost: "nothing: /tmp is the box's own and goes with it"},
		"host": {flag: "--net allow:{}", lift: "network_access", line: networkLine,
			cost: "everything that the command can read can be sent to that host, and what it downloads was not validated"},
		"host-net": {flag: "--net host", lift: "network_access", line: func(p Policy, _ string) string { return different(p.Network == "host", "network: host") },
			cost: "UNSAFE: every service that this machine reaches, its loopback and its cloud's metadata among them"},
		"publish": {flag: "--publish 127.0.0.1:{}:{}", line: func(p Policy, _ string) string {
			return different(p.Publish == "loopback" || p.Publish == "any", "publish: loopback")
		},
			cost: "programs of this machine can talk to the server, and a hostile server can answer what it likes; it gives no way out"},
		"process": {lift: "subprocess",
			cost: "shells, compilers and every other program of the system folders can be started, each inside the same box"},
		"native": {lift: "native_code",
			cost: "machine code that the command wrote itself (/tmp) or brought along can run; a hole in the kernel is easier to reach with it than from Python"},
		"gpu": {flag: "--gpu {}", lift: "gpu",
			cost: "the GPU's driver: a large part of the kernel's code, reached directly by the command"},
		"gpu-memory": {line: func(p Policy, _ string) string {
			return different(p.GPU.MemoryMB == 0, fmt.Sprintf("gpu: {memory_limit_mb: %d}", 2*p.GPU.MemoryMB))
		}, cost: "less of the GPU's memory for everything else on it"},
		"sysfs": {line: func(p Policy, _ string) string { return different(p.GPU.Sysfs == "full", "gpu: {sysfs: full}") },
			cost: "the whole of the host's /sys can be read: hardware, firmware, other devices"},
		"commands": {line: func(p Policy, _ string) string {
			return different(p.GPU.IoctlFilter == "log" || p.GPU.IoctlFilter == "off", "gpu: {ioctl_filter: log}")
		}, cost: "UNSAFE: every command of the GPU's driver is carried out, and those that are on no list are named in the report"},
		"model": {flag: "--model {}",
			cost: "nothing: the files are validated first, and exactly the admitted ones exist inside"},
		"remote-code": {line: truth("allow_remote_code", func(p Policy) bool { return p.RemoteCode }),
			cost: "Python that comes with the model runs, once scanned and cleared; no scanner understands every program"},
		"memory":  {line: limit("memory_limit_mb", 2, func(p Policy) int64 { return p.MemoryMB }), cost: "the command can take that much of this machine's memory"},
		"pids":    {line: limit("pids_limit", roomy, func(p Policy) int64 { return p.Pids }), cost: "a fork bomb goes on for longer before it meets the limit"},
		"tmp":     {line: limit("tmp_size_mb", roomy, func(p Policy) int64 { return p.TmpMB }), cost: "more memory for files: /tmp is memory, and counts towards memory_limit_mb"},
		"shm":     {line: limit("shm_size_mb", roomy, func(p Policy) int64 { return p.ShmMB }), cost: "more memory for shared tensors; it counts towards memory_limit_mb"},
		"timeout": {line: limit("timeout_seconds", 2, func(p Policy) int64 { return p.TimeoutSec }), cost: "a command that hangs, or mines, does so for longer"},
		"cpu":     {line: limit("cpu_time_seconds", 2, func(p Policy) int64 { return p.CPUTimeSec }), cost: "a command that computes without end does so for longer"},
	}
}

// option is a remedy for one thing under one policy.
func option(name, what string, p Policy) Option {
	r := remedies()[name]
	o := Option{Cost: r.cost, Open: what == "" && r.flag != "" && placeholders()[name] != ""}
	if r.flag != "" {
		o.Flags = []string{strings.ReplaceAll(r.flag, "{}", shellWord(what, name))}
	}
	if r.line != nil {
		if l := r.line(p, what); l != "" {
			o.Policy = append(o.Policy, strings.Split(l, "\n")...)
		}
	}
	if r.lift != "" && slices.Contains(p.Restricted, r.lift) {
		rest := slices.DeleteFunc(slices.Clone(p.Restricted), func(op string) bool { return op == r.lift })
		o.Lift = r.lift
		o.Policy = append(o.Policy, fmt.Sprintf("restricted_operations: [%s]", strings.Join(rest, ", ")))
	}
	return o
}

// placeholders stand for a thing that no message named.
func placeholders() map[string]string {
	return map[string]string{"host": "HOST", "publish": "PORT", "gpu": "0", "output": "DIR", "model": "PATH"}
}

func shellWord(what, remedy string) string {
	if what == "" {
		what = placeholders()[remedy]
	}
	if strings.Trim(what, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-+:@%,=*") == "" {
		return what
	}
	return "'" + strings.ReplaceAll(what, "'", `'\''`) + "'"
}

func different(same bool, line string) string {
	if same {
		return ""
	}
	return line
}

func truth(key string, at func(Policy) bool) func(Policy, string) string {
	return func(p Policy, _ string) string { return different(at(p), key+": true") }
}

// roomy is how far a limit on countable things is raised at once, so that one raise is likely enough.
const roomy = 4

// limit raises what the policy says.
func limit(key string, by int64, at func(Policy) int64) func(Policy, string) string {
	return func(p Policy, _ string) string { return fmt.Sprintf("%s: %d", key, max(1, by*at(p))) }
}

func networkLine(p Policy, host string) string {
	if host == "" {
		host = "HOST"
	}
	if p.Network == "host" || p.Network == "allow" && slices.Contains(p.Hosts, host) {
		return ""
	}
	hosts := append(slices.Clone(p.Hosts), host)
	slices.Sort(hosts)
	return fmt.Sprintf("network: allow\nnetwork_hosts: [%s]", strings.Join(slices.Compact(hosts), ", "))
}
