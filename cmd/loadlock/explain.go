package main

import (
	"os"

	"github.com/loadlock/loadlock/runner"
	"github.com/spf13/cobra"
)

func explainCommand() *cobra.Command {
	return &cobra.Command{Use: "explain last|REPORT|RULE|LAYER|CALL|GPU-ERROR", Short: "Explain what was refused in the last run or a report; a rule, a layer, a system call, an error of a GPU (cuda-304)", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			home, _ := os.UserHomeDir()
			return runner.Explain(os.Stdout, args[0], runner.StateDir(os.Getenv, home), style())
		}}
}
