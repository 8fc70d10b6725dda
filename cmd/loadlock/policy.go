package main

import (
	"os"

	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/runner"
	"github.com/spf13/cobra"
)

func policyCommand() *cobra.Command {
	c := &cobra.Command{Use: "policy", Short: "List, show and check policies"}
	c.AddCommand(policyList(), policyShow(), policyCheck(), policySchema())
	return c
}

func policyList() *cobra.Command {
	return &cobra.Command{Use: "list", Short: "List the built-in templates", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		list, err := policy.Templates()
		if err != nil {
			return err
		}
		for _, t := range list {
			say(os.Stdout, "%-12s %s\n", t.Name, t.Description)
		}
		return nil
	}}
}

func policyShow() *cobra.Command {
	var effective bool
	c := &cobra.Command{Use: "show [--effective] [NAME|FILE]", Short: "Print a policy, and with --effective which layer set each key", Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			name := ""
			if len(args) == 1 {
				name = args[0]
			}
			if !effective {
				if list, err := policy.Templates(); err == nil {
					for _, t := range list {
						if t.Name == name || name == "" && t.Name == "safe" {
							say(os.Stdout, "%s", t.YAML)
							return nil
						}
					}
				}
			}
			p, prov, err := policy.Load(policy.Sources{Explicit: name})
			if err != nil {
				return withHint(err)
			}
			if err := policy.Effective(os.Stdout, p, prov); err != nil {
				return err
			}
			say(os.Stdout, "# digest %s\n", p.Digest())
			for _, w := range p.Weakenings() {
				say(os.Stdout, "# weaker: %s\n", w)
			}
			return nil
		}}
	c.Flags().BoolVar(&effective, "effective", false, "after layering with the host's and the user's policy")
	return c
}

func policyCheck() *cobra.Command {
	return &cobra.Command{Use: "check FILE…", Short: "Check policy files", Args: cobra.MinimumNArgs(1), RunE: func(_ *cobra.Command, args []string) error {
		bad := false
		for _, name := range args {
			p, _, err := policy.Load(policy.Sources{Explicit: name})
			if err != nil {
				bad = true
				sayError(withHint(err))
				continue
			}
			say(os.Stdout, "%s: policy %s, %s\n", name, p.Name, p.Digest())
			for _, w := range p.Weakenings() {
				say(os.Stdout, "  weaker: %s\n", w)
			}
		}
		if bad {
			return status(125)
		}
		return nil
	}}
}

func policySchema() *cobra.Command {
	var report, scan bool
	c := &cobra.Command{Use: "schema [--report|--scan]", Short: "Print the JSON Schema of policies, of run's report, or of scan's", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		if report {
			printJSON(os.Stdout, runner.ReportSchema())
			return nil
		}
		if scan {
			printJSON(os.Stdout, runner.ScanSchema())
			return nil
		}
		say(os.Stdout, "%s\n", policy.Schema())
		return nil
	}}
	c.Flags().BoolVar(&report, "report", false, "schema of the JSON report of run")
	c.Flags().BoolVar(&scan, "scan", false, "schema of the JSON report of scan")
	return c
}
