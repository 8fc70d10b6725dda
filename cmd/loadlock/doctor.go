package main

import (
	"os"

	"github.com/loadlock/loadlock/isolate"
	"github.com/spf13/cobra"
)

func doctorCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{Use: "doctor", Short: "Say what this host gives, layer by layer, and what to do about the rest", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			checks := isolate.Doctor()
			missing := false
			for _, c := range checks {
				missing = missing || c.Status == isolate.Missing
			}
			if asJSON {
				printJSON(os.Stdout, checks)
			} else {
				for _, c := range checks {
					say(os.Stdout, "%-8s %-14s %s\n", c.Status, c.Name, c.Detail)
					if c.Remedy != "" {
						say(os.Stdout, "         %-14s fix: %s\n", "", c.Remedy)
					}
				}
			}
			if missing {
				return status(1)
			}
			return nil
		}}
	c.Flags().BoolVar(&asJSON, "json", false, "machine-readable")
	return c
}
