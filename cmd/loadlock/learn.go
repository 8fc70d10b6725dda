package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/loadlock/loadlock/runner"
	"github.com/spf13/cobra"
)

func learnCommand() *cobra.Command {
	var f runFlags
	var file string
	c := &cobra.Command{
		Use:   "learn [--write FILE] [flags of run] -- COMMAND [ARG…]",
		Short: "Run the command once, confined as always, and propose the smallest policy with which it works",
		Long: "learn runs the command once under the policy that holds, sees which calls, paths and hosts it was refused, and prints a\n" +
			"difference to that policy with what each line costs. It permits nothing by itself; --write puts the proposal into a new file.",
		Args: aCommand("learn"),
		RunE: func(_ *cobra.Command, args []string) error { return f.learn(args, file) },
	}
	f.register(c)
	c.Flags().StringVar(&file, "write", "", "write the proposed policy to a new file")
	return c
}

func (f *runFlags) learn(args []string, file string) error {
	if f.dryRun {
		return &runner.UsageError{What: "learn runs the command", Hint: "leave --dry-run out"}
	}
	if f.json {
		return &runner.UsageError{What: "learn prints a proposal, for a person", Hint: "--report FILE writes the JSON report, --write FILE the proposed policy"}
	}
	if _, err := os.Lstat(file); file != "" && !errors.Is(err, fs.ErrNotExist) {
		return &runner.UsageError{What: "--write " + file + ": exists already, or cannot be looked at", Hint: "name a new file; a policy that holds is never changed"}
	}
	job, stop, err := f.prepared(args)
	if err != nil {
		return err
	}
	defer stop()
	res, proposal, _ := runner.Learn(context.Background(), job) // the error is in the result, with what to do about it
	f.finish(&res, job)
	if res.Exit == nil {
		return status(res.Status) // nothing ran, nothing was learned
	}
	proposal.Text(os.Stderr, style())
	if file != "" {
		if err := writePolicy(file, proposal); err != nil {
			return err
		}
	}
	return status(res.Status)
}

// writePolicy puts a proposal into a new file, which must then be a policy.
func writePolicy(file string, p runner.Proposal) error {
	out, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("learn: %w", err)
	}
	_, err = out.WriteString(p.YAML())
	if err := errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("learn: %w", err)
	}
	clipped, err := p.Check(file)
	if err != nil {
		return fmt.Errorf("learn: the proposal is no policy: %w", err)
	}
	say(os.Stderr, "loadlock: wrote %s; look at it, then use it with --policy %s\n", file, file)
	for _, o := range clipped {
		say(os.Stderr, "loadlock: %s is a ceiling for %s and takes the proposed value back\n", o.Layer, o.Key)
	}
	return nil
}
