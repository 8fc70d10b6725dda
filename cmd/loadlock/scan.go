package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/runner"
	"github.com/loadlock/loadlock/validate"
	"github.com/spf13/cobra"
)

type scanFlags struct {
	policy, format, fromFile, shard, baseline, writeBaseline, failOn string
	staged, quiet                                                    bool
}

func scanCommand() *cobra.Command {
	var f scanFlags
	c := &cobra.Command{
		Use: "scan [flags] REF…", Short: "Validate models without running anything",
		Long: "Validates models: files, folders, archives, snapshots of the Hugging Face cache, or - for standard input.\n\n" +
			"Exit status: 0 admit, 1 reject, 2 inconclusive or error, 3 nothing to scan; the worst of several.",
		RunE: func(_ *cobra.Command, args []string) error { return f.scan(args) },
	}
	fl := c.Flags()
	fl.StringVar(&f.policy, "policy", "", "policy template or file")
	fl.StringVar(&f.format, "format", "text", "text, json, sarif, junit or cyclonedx")
	fl.StringVar(&f.fromFile, "from-file", "", "read references from a file, one a line (or NUL-separated); - is standard input")
	fl.StringVar(&f.shard, "shard", "", "i/n: scan the i-th of n parts of the references")
	fl.BoolVar(&f.staged, "staged", false, "scan what is staged in the git repository of the working directory")
	fl.StringVar(&f.baseline, "baseline", "", "accept the findings that this file lists by rule and digest")
	fl.StringVar(&f.writeBaseline, "write-baseline", "", "write the findings of this scan to a baseline file")
	fl.StringVar(&f.failOn, "fail-on", "", "low, medium or high: the least severity that makes the exit status 1")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "text: print only models that are not admitted; no progress line")
	return c
}

// writers are the formats of scan, but text.
var writers = map[string]func(*os.File, runner.ScanReport) error{
	"json":      func(w *os.File, rep runner.ScanReport) error { return writeJSON(w, rep) },
	"sarif":     func(w *os.File, rep runner.ScanReport) error { return runner.WriteSARIF(w, rep, version) },
	"junit":     func(w *os.File, rep runner.ScanReport) error { return runner.WriteJUnit(w, rep) },
	"cyclonedx": func(w *os.File, rep runner.ScanReport) error { return runner.WriteBOM(w, rep, version, time.Now()) },
}

func (f *scanFlags) scan(args []string) error {
	debug.SetGCPercent(400) // a short life; the cell, which holds what is large, has a limit of its own
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if writers[f.format] == nil && f.format != "text" {
		return &runner.UsageError{What: "--format " + f.format + " is unknown", Hint: "use text, json, sarif, junit or cyclonedx"}
	}
	refs, cleanUp, err := f.refs(ctx, args)
	defer cleanUp()
	if err != nil {
		return err
	}
	job := runner.ScanJob{Refs: refs, FindingDigests: f.writeBaseline != "", AllDigests: f.format == "cyclonedx"}
	if job.Policy, _, err = policy.Load(policy.Sources{Explicit: f.policy}); err != nil {
		sayError(withHint(err))
		return status(runner.ScanInconclusive)
	}
	if f.baseline != "" {
		if job.Baseline, err = runner.ReadBaseline(f.baseline); err != nil {
			return err
		}
	}
	clearLine := func() {}
	if !f.quiet && isTerminal(os.Stderr) && len(refs) > 1 && os.Getenv("TERM") != "dumb" {
		job.Progress, clearLine = progress()
	}
	rep, err := runner.Scan(ctx, job)
	clearLine()
	if ctx.Err() != nil {
		say(os.Stderr, "loadlock: interrupted\n")
		return status(130)
	}
	if err != nil {
		say(os.Stderr, "loadlock: validate: %v\n", err)
	}
	if f.failOn != "" {
		if err := rep.FailOn(f.failOn); err != nil {
			return err
		}
	}
	return f.print(rep)
}

// print writes the report and ends with its status.
func (f *scanFlags) print(rep runner.ScanReport) error {
	st := rep.Status()
	for _, m := range rep.Models {
		if m.Error != nil {
			sayError(&runner.UsageError{What: m.Error.Message, Hint: m.Error.Hint})
		}
	}
	if write := writers[f.format]; write != nil {
		if err := write(os.Stdout, rep); err != nil {
			say(os.Stderr, "loadlock: report: %v\n", err)
			st = st.Worse(runner.ScanInconclusive)
		}
	} else {
		for _, m := range rep.Models {
			if m.Verdict != validate.Undecided && !(f.quiet && m.Verdict == validate.Admit) {
				runner.Verdict(os.Stdout, m.ModelResult, rep.Policy.Name, style())
			}
		}
	}
	if f.writeBaseline != "" {
		if err := f.saveBaseline(rep); err != nil {
			say(os.Stderr, "loadlock: %v\n", err)
			return status(runner.ScanInconclusive)
		}
		return nil // what was found is accepted from now on
	}
	if st != runner.ScanAdmit {
		return status(st)
	}
	return nil
}

func (f *scanFlags) saveBaseline(rep runner.ScanReport) error {
	b, err := runner.NewBaseline(rep)
	if err != nil {
		return fmt.Errorf("baseline: %w", err)
	}
	// Whole or not at all: a baseline that was cut short would accept less than it says.
	out, err := os.CreateTemp(filepath.Dir(f.writeBaseline), ".baseline-")
	if err != nil {
		return fmt.Errorf("baseline: %w", err)
	}
	err = errors.Join(writeJSON(out, b), out.Chmod(0o644), out.Close())
	if err == nil {
		err = os.Rename(out.Name(), f.writeBaseline)
	}
	if err != nil {
		os.Remove(out.Name())
		return fmt.Errorf("baseline: %w", err)
	}
	say(os.Stderr, "loadlock: %s accepts %d findings\n", f.writeBaseline, len(b.Accepted))
	return nil
}

// progress is a line on the terminal that is overwritten, at most ten times a second, and cleared at the end.
func progress() (func(done, total int), func()) {
	var last time.Time
	return func(done, total int) {
			if now := time.Now(); now.Sub(last) > 100*time.Millisecond {
				last = now
				say(os.Stderr, "\r\x1b[Kscanned %d of %d", done, total)
			}
		}, func() {
			if !last.IsZero() {
				say(os.Stderr, "\r\x1b[K")
			}
		}
}

var errNoRefs = &runner.UsageError{What: "nothing to scan was named", Hint: "name files or folders, - for standard input, --from-file LIST or --staged"}
