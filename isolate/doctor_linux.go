package isolate

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// Check is one line of doctor.
type Check struct {
	Name   string      `json:"name"`
	Status CheckStatus `json:"status"`
	Detail string      `json:"detail"`
	Remedy string      `json:"remedy,omitempty"`
}

// CheckStatus says whether a host is fit in one respect.
type CheckStatus string

// The statuses: a missing layer keeps policy safe from running anything; a warning weakens nothing by itself.
const (
	Fine    CheckStatus = "ok"
	Warning CheckStatus = "warning"
	Missing CheckStatus = "missing"
)

// Doctor probes every layer and the host settings that matter around them.
func Doctor() []Check {
	var out []Check
	var refused *TrialError
	errors.As(TryNamespaces(), &refused)
	for _, l := range Layers() {
		c := Check{Name: l.Name, Status: Fine, Detail: l.Doc}
		err, remedy := l.Probe(), l.Remedy
		if err != nil {
			lack := l.lacking(err)
			err, remedy = lack.Err, lack.Remedy
		}
		if refused != nil && refused.Layer == l.Name {
			lack := refused.lack()
			err, remedy = lack.Err, lack.Remedy
		}
		if err != nil {
			c.Status, c.Detail, c.Remedy = Missing, err.Error(), remedy
		}
		out = append(out, c)
	}
	for _, check := range hostChecks {
		out = append(out, check())
	}
	return out
}

func cgroupKind() Check {
	cg, err := FindCgroup("doctor")
	c := Check{Name: "cgroup mode", Status: Fine, Detail: cg.Kind + " at " + cg.Path}
	if cg.Systemd {
		c.Detail += " through the user's systemd"
	}
	if err != nil {
		c.Status, c.Detail = Warning, cg.Kind+": "+err.Error()
	}
	return c
}

func landlockVersion() Check {
	abi, err := landlockABI()
	c := Check{Name: "landlock ABI", Status: Fine, Detail: fmt.Sprintf("version %d", abi)}
	switch {
	case err != nil:
		c.Status, c.Detail = Warning, err.Error()
	case abi < 3:
		c.Status, c.Detail, c.Remedy = Warning, fmt.Sprintf("version %d does not cover truncate", abi), "Linux 6.2 or later has version 3"
	}
	return c
}

func swapCheck() Check {
	switch {
	case !swapExists():
		return Check{Name: "swap", Status: Fine, Detail: "none"}
	case SwapAccounted():
		return Check{Name: "swap", Status: Fine, Detail: "present, and limited to nothing for the command"}
	}
	return Check{Name: "swap", Status: Warning, Detail: "present and not accounted", Remedy: "boot with swapaccount=1, or turn swap off"}
}

func corePattern() Check {
	raw, _ := os.ReadFile("/proc/sys/kernel/core_pattern")
	p := strings.TrimSpace(string(raw))
	if strings.HasPrefix(p, "|") {
		return Check{Name: "core pattern", Status: Warning, Detail: "crashes start a host program: " + p, Remedy: "loadlock sets RLIMIT_CORE to 1, which ends such dumps (core(5)); sysctl kernel.core_pattern=core removes the helper"}
	}
	return Check{Name: "core pattern", Status: Fine, Detail: p}
}

func tiocsti() Check {
	raw, err := os.ReadFile("/proc/sys/dev/tty/legacy_tiocsti")
	if err == nil && strings.TrimSpace(string(raw)) == "1" {
		return Check{Name: "TIOCSTI", Status: Warning, Detail: "the kernel lets programs type into their terminal", Remedy: "loadlock's filter refuses it; sysctl dev.tty.legacy_tiocsti=0 refuses it for everybody"}
	}
	return Check{Name: "TIOCSTI", Status: Fine, Detail: "off"}
}

func runAs() Check {
	if os.Geteuid() == 0 {
		if FindIdentity("doctor").Rootless {
			return Check{Name: "privileges", Status: Fine, Detail: "root of a user namespace with a single id: the command runs under that id"}
		}
		return Check{Name: "privileges", Status: Fine, Detail: "root: the command runs under an unprivileged id of its own"}
	}
	return Check{Name: "privileges", Status: Fine, Detail: "ordinary user: the command runs under the user's own id"}
}

func engineVersion() Check {
	return Check{Name: "engine", Status: Fine, Detail: "libcontainer " + engine()}
}
