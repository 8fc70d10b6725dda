package main

import (
	"context"
	"os"

	"github.com/loadlock/loadlock/isolate"
	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/runner"
	"github.com/spf13/cobra"
)

func doctorCommand() *cobra.Command {
	var asJSON, gpus, probe bool
	var policyName string
	c := &cobra.Command{Use: "doctor [--gpu [--probe]] [--json]", Short: "Say what this host gives, layer by layer, and what to do about the rest", Args: cobra.NoArgs,
		Long: "Without flags: every layer of the sandbox, and the settings of the host around them.\n" +
			"--gpu: the GPUs instead: drivers, libraries, nodes, memory limits, CDI specs; nothing is loaded or made.\n" +
			"--probe: and then a small Python program computes on one GPU of each vendor, inside the sandbox.\n" +
			"Exit status: 0 nothing is missing, 1 something is. A host without a GPU has one missing when --gpu asks for it.",
		RunE: func(*cobra.Command, []string) error {
			var checks []isolate.Check
			switch {
			case probe && !gpus:
				return &runner.UsageError{What: "--probe is about GPUs", Hint: "loadlock doctor --gpu --probe"}
			case policyName != "" && !probe:
				return &runner.UsageError{What: "--policy is about the run that --probe makes", Hint: "loadlock doctor --gpu --probe --policy " + policyName}
			case gpus:
				checks = isolate.DoctorGPU("/")
			default:
				checks = isolate.Doctor()
			}
			if probe {
				home, _ := os.UserHomeDir()
				dir, _ := os.Getwd()
				checks = append(checks, runner.ProbeGPUs(context.Background(), runner.Job{Dir: dir, Env: os.Environ(), Home: home, Policy: policy.Sources{Explicit: policyName}})...)
			}
			return printChecks(checks, asJSON)
		}}
	c.Flags().BoolVar(&asJSON, "json", false, "machine-readable")
	c.Flags().BoolVar(&gpus, "gpu", false, "look at GPUs, and what a grant of one needs")
	c.Flags().BoolVar(&probe, "probe", false, "with --gpu: compute something on a GPU, inside the sandbox")
	c.Flags().StringVar(&policyName, "policy", "", "with --probe: policy template or file")
	return c
}

func printChecks(checks []isolate.Check, asJSON bool) error {
	missing := false
	for _, c := range checks {
		missing = missing || c.Status == isolate.Missing
	}
	if asJSON {
		printJSON(os.Stdout, checks)
	} else {
		for _, c := range checks {
			say(os.Stdout, "%-8s %-14s %s\n", c.Status, runner.Plain(c.Name), runner.Plain(c.Detail))
			if c.Remedy != "" {
				say(os.Stdout, "         %-14s fix: %s\n", "", runner.Plain(c.Remedy))
			}
		}
	}
	if missing {
		return status(1)
	}
	return nil
}
