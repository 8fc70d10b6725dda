package main

import (
	"os"

	"github.com/loadlock/loadlock/runner"
	"github.com/spf13/cobra"
)

func explainCommand() *cobra.Command {
	return &cobra.Command{Use: "explain RULE|LAYER|REPORT|last", Short: "Explain a rule, a layer, a report, or the last run", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			home, _ := os.UserHomeDir()
			return runner.Explain(os.Stdout, args[0], runner.StateDir(os.Getenv, home), style())
		}}
}
