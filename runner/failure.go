package runner

import (
	"context"
	"errors"
	"io/fs"

	"github.com/loadlock/loadlock/isolate"
	"github.com/loadlock/loadlock/isolate/gpu/memory"
	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/validate"
	"golang.org/x/sys/unix"
)

// UsageError is a mistake in how loadlock was called.
type UsageError struct{ What, Hint string }

func (e *UsageError) Error() string { return e.What }

// SignalError is the cause of a context that a signal ended.
type SignalError unix.Signal

func (s SignalError) Error() string { return "ended by signal " + unix.Signal(s).String() }

// fail puts an error into the result: outcome, exit status and what to do next.
func (res *Result) fail(ctx context.Context, err error) {
	res.Error = &ErrorResult{Message: err.Error(), Hint: Hint(err)}
	if res.Exit != nil {
		return // the command ran; its status stays its own
	}
	res.Outcome, res.Status = Failed, 125
	var (
		command *CommandError
		execute *isolate.ExecError
		changed *validate.ChangedError
	)
	switch {
	case ctx.Err() != nil:
		res.Outcome, res.Status = Interrupted, 128+int(unix.SIGINT)
		var by SignalError
		if errors.As(context.Cause(ctx), &by) {
			res.Status = 128 + int(by)
		}
	case errors.As(err, &command):
		res.Outcome, res.Status = NotFound, command.Code
		if command.Code == 126 {
			res.Outcome = NotExecutable
		}
	case errors.As(err, &execute) && execute.Step == "exec":
		res.Outcome, res.Status = NotExecutable, 126
		if errors.Is(execute.Errno, unix.ENOENT) {
			res.Outcome, res.Status = NotFound, 127
		}
	case errors.As(err, &changed):
		res.Outcome, res.Status, res.Verdict = Inconclusive, 122, validate.Inconclusive
	}
}

// Hint is what the user does next about an error.
func Hint(err error) string {
	var (
		usage   *UsageError
		pin     *validate.PinError
		command *CommandError
		layer   *isolate.LayerError
		pol     *policy.Error
		changed *validate.ChangedError
		execute *isolate.ExecError
		kept    *KeepError
		ended   *EndedError
		noGPU   *GPUError
		limit   *memory.Refusal
		blind   *memory.BlindError
		stuck   *isolate.StuckError
	)
	switch {
	case errors.As(err, &usage):
		return usage.Hint
	case errors.As(err, &pin):
		return pin.Hint
	case errors.As(err, &noGPU):
		return noGPU.Hint
	case errors.As(err, &command):
		return command.Hint
	case errors.As(err, &layer):
		return layer.Remedy
	case errors.As(err, &pol):
		return pol.Hint
	case errors.As(err, &changed):
		return "make sure that nothing writes to the model (a download in progress?), then run again; --copy-model makes private copies first"
	case errors.As(err, &ended):
		return "find out who writes to the model; --copy-model makes private copies first"
	case errors.As(err, &limit):
		return limit.Remedy
	case errors.As(err, &blind):
		return "see why it does not answer outside the sandbox (nvidia-smi; dmesg); a limit that the kernel or the hardware holds needs nobody to look: loadlock doctor --gpu"
	case errors.As(err, &stuck):
		return "quarantine what it may hold: give a GPU that it had to no other run until the process is gone; a reset of the GPU, or of the machine, ends it. The next loadlock removes what is left"
	case errors.As(err, &kept):
		return "raise scan.max_copied_mb so that a copy can be made, store the model where this user owns its files, or name model_files: held in a policy file"
	case errors.As(err, &execute):
		return "see what exists inside with --dry-run; --ro PATH shows more of the host"
	case errors.Is(err, unix.ENOSPC):
		return "free space in the run folder, or point XDG_RUNTIME_DIR to a folder with room"
	case errors.Is(err, unix.EROFS), errors.Is(err, fs.ErrPermission):
		return "see what this host gives with: loadlock doctor"
	}
	return ""
}
