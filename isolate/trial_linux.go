package isolate

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// TrialError says which step towards a box this host refuses.
type TrialError struct {
	Layer string // the layer that needs the step
	Step  string
	Errno unix.Errno
}

func (e *TrialError) Error() string { return fmt.Sprintf("%s: %v", e.Step, e.Errno) }
func (e *TrialError) Unwrap() error { return e.Errno }

// Is makes a refused step count as a conclusive lack.
func (e *TrialError) Is(target error) bool { return target == ErrUnsupported }

// trialSteps are the steps of trial_linux.c, by its numbers; 0 is the making of the namespaces.
var trialSteps = []TrialError{
	{Layer: "user", Step: "new user namespace, and the others in it"},
	{Layer: "mount", Step: "making the mounts private"},
	{Layer: "mount", Step: "mounting a new /proc"},
	{Layer: "mount", Step: "mounting a tmpfs"},
	{Layer: "mount", Step: "making it the root (pivot_root)"},
}

// TryNamespaces makes the namespaces of a box in a child, and mounts there what a box mounts. It costs a process, a few
// milliseconds. A *TrialError says what was refused.
func TryNamespaces() error {
	var out bytes.Buffer
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = []string{"/.loadlock/trial"} // trial_linux.c ends it before anything of this program runs
	cmd.Stdout = &out
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET |
			syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS | unix.CLONE_NEWCGROUP,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
	}
	err := cmd.Run()
	var errno syscall.Errno
	switch {
	case errors.As(err, &errno):
		return trialError(0, errno)
	case err != nil:
		return fmt.Errorf("trial: %w", err)
	}
	var answer struct{ Step, Errno int32 }
	if err := binary.Read(&out, binary.NativeEndian, &answer); err != nil {
		return fmt.Errorf("trial: %w", err)
	}
	if answer.Step == 0 {
		return nil
	}
	return trialError(int(answer.Step), syscall.Errno(answer.Errno))
}

func trialError(step int, errno unix.Errno) error {
	if step >= len(trialSteps) {
		return fmt.Errorf("trial: step %d: %w", step, errno)
	}
	e := trialSteps[step]
	e.Errno = errno
	return &e
}
