package main

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/signal"
	"time"

	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/runner"
	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/all"
	"github.com/spf13/cobra"
)

func scanCommand() *cobra.Command {
	var policyName, format string
	c := &cobra.Command{
		Use: "scan [--policy NAME|FILE] [--format text|json] REF…", Short: "Validate models without running anything",
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if format != "text" && format != "json" {
				return &runner.UsageError{What: "--format " + format + " is unknown", Hint: "use text or json"}
			}
			return scan(args, policyName, format)
		},
	}
	c.Flags().StringVar(&policyName, "policy", "", "policy template or file")
	c.Flags().StringVar(&format, "format", "text", "text or json")
	return c
}

// The exit statuses of scan.
const (
	scanAdmit, scanReject, scanInconclusive, scanNothing = 0, 1, 2, 3
)

func scan(refs []string, policyName, format string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	pol, _, err := policy.Load(policy.Sources{Explicit: policyName})
	if err != nil {
		sayError(withHint(err))
		return status(scanInconclusive)
	}
	results := []runner.ModelResult{}
	worst := scanAdmit
	for _, ref := range refs {
		m, code := scanOne(ctx, pol, ref)
		worst = worse(worst, code)
		results = append(results, m)
		if format == "text" && m.Verdict != validate.Undecided {
			runner.Verdict(os.Stdout, m, pol.Name, style())
		}
	}
	if format == "json" {
		printJSON(os.Stdout, map[string]any{"schema": runner.SchemaVersion, "policy": runner.PolicyResult{Name: pol.Name, Digest: pol.Digest()}, "models": results})
	}
	if worst != 0 {
		return status(worst)
	}
	return nil
}

func scanOne(ctx context.Context, pol policy.Policy, ref string) (runner.ModelResult, int) {
	m := runner.ModelResult{Path: ref}
	snap, err := validate.Pin(ctx, ref, "", pol.Scan)
	if err != nil {
		sayError(withHint(err))
		if _, statErr := os.Stat(ref); errors.Is(statErr, fs.ErrNotExist) {
			return m, scanNothing
		}
		return m, scanInconclusive
	}
	defer snap.Close()
	rep, err := validate.Scan(ctx, all.Scanners(), snap, pol.Scan)
	if err == nil {
		_, m.Decision = validate.Decide(pol, snap, rep, time.Now())
		err = snap.Verify(ctx)
	}
	m.Digest, m.DigestFull = snap.ManifestDigest()
	m.Files = rep.Files
	if err != nil {
		say(os.Stderr, "loadlock: %v\n", err)
		m.Verdict = validate.Inconclusive
	}
	switch {
	case err == nil && len(rep.Files) == 0 && len(m.Findings) == 1 && m.Findings[0].Rule == validate.Empty.ID:
		return m, scanNothing
	case m.Verdict == validate.Reject:
		return m, scanReject
	case m.Verdict != validate.Admit:
		return m, scanInconclusive
	}
	return m, scanAdmit
}

// worse orders exit statuses: reject, then inconclusive, then nothing, then admit.
func worse(a, b int) int {
	rank := [...]int{scanAdmit: 0, scanNothing: 1, scanInconclusive: 2, scanReject: 3}
	if cmp.Compare(rank[b], rank[a]) > 0 {
		return b
	}
	return a
}
