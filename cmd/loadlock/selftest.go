package main

import (
	"context"
	"os"
	"strings"

	"github.com/loadlock/loadlock/isolate/attack"
	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/runner"
	"github.com/spf13/cobra"
)

func selftestCommand() *cobra.Command {
	var asJSON, list bool
	var policyName, under string
	c := &cobra.Command{
		Use: "selftest [--json] [--policy NAME|FILE] [ID…]", Short: "Attack the sandbox on this very host, and say what stopped each attack",
		Long: "Every check runs a hostile payload inside the sandbox that `loadlock run` would make here, under the same policy.\n" +
			"An ID is one check (F-01) or all of a part (F: files, P: /proc, L: lifecycle, N: namespaces, S: system calls,\n" +
			"I: network, R: resources, D: descriptors, G: GPU, V: validation, H: this program).\n" +
			"Exit status: 0 all that can run here was stopped, 1 something got through, did not report or changed the host.",
		RunE: func(_ *cobra.Command, ids []string) error {
			if list {
				for _, c := range attack.All() {
					say(os.Stdout, "%s  %s\n", c.ID, c.Title)
				}
				return nil
			}
			home, _ := os.UserHomeDir()
			st, err := runner.RunSelftest(context.Background(), runner.SelftestJob{
				Policy: policy.Sources{Explicit: policyName}, IDs: ids, Under: strings.Fields(under), Env: os.Environ(), Home: home})
			if err != nil {
				return err
			}
			if asJSON {
				printJSON(os.Stdout, st)
			} else {
				runner.SelftestText(os.Stdout, st)
			}
			if !st.OK() {
				return status(1)
			}
			return nil
		}}
	c.Flags().BoolVar(&asJSON, "json", false, "machine-readable")
	c.Flags().BoolVar(&list, "list", false, "print the checks and run nothing")
	c.Flags().StringVar(&under, "under", "", "run the payloads below this command instead of in a box, to compare sandboxes (see testdata/peers/containment.py)")
	c.Flags().StringVar(&policyName, "policy", "", "policy template or file")
	return c
}
