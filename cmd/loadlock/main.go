// Command loadlock runs a command that loads an untrusted model inside a sandbox, after validating the model.
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"

	"github.com/loadlock/loadlock/isolate"
	"github.com/loadlock/loadlock/isolate/attack"
	"github.com/loadlock/loadlock/runner"
	"github.com/loadlock/loadlock/runner/proxy"
	"github.com/spf13/cobra"
)

// version is set by the build (-ldflags -X main.version=…).
var version = "devel"

func main() { os.Exit(Main()) }

// memory is where the collector works harder, in bytes: reports of ten thousand findings are built in less than 64 MiB
// resident.
const memory = 40 << 20

// Main is main without the exit, for tests that run it as a command of a script.
func Main() int {
	if isolate.IsCell() {
		if err := runner.ServeCell(); err != nil {
			say(os.Stderr, "%v\n", err)
			return 1
		}
		return 0
	}
	if attack.IsPayload() {
		return attack.Payload()
	}
	if isolate.IsNetCell() {
		if err := proxy.Serve(nil); err != nil {
			say(os.Stderr, "%v\n", err)
			return 1
		}
		return 0
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memory)
	}
	root := &cobra.Command{
		Use: "loadlock", Short: "Load untrusted models behind a gate and inside a sandbox",
		Long: "loadlock validates a model and then runs the command that loads it inside a Linux sandbox.\n\n" +
			"  loadlock run --model ./model -- python load_model.py",
		SilenceUsage: true, SilenceErrors: true,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(runCommand(), scanCommand(), policyCommand(), explainCommand(), learnCommand(), doctorCommand(), selftestCommand(), versionCommand())
	err := root.Execute()
	var st status
	switch {
	case err == nil:
		return 0
	case errors.As(err, &st):
		return int(st)
	}
	if !sayError(withHint(err)) {
		say(os.Stderr, "  fix:  see loadlock %s --help\n", verb(root))
	}
	return 125
}

// withHint turns errors that know what to do next into one kind.
func withHint(err error) error {
	if h := runner.Hint(err); h != "" {
		return &runner.UsageError{What: err.Error(), Hint: h}
	}
	return err
}

// sayError prints an error and, when there is one, what to do next. It reports whether there was.
func sayError(err error) bool {
	say(os.Stderr, "loadlock: %s\n", runner.Plain(err.Error()))
	var usage *runner.UsageError
	if errors.As(err, &usage) && usage.Hint != "" {
		say(os.Stderr, "  fix:  %s\n", usage.Hint)
		return true
	}
	return false
}

// status ends a command with an exit status after everything has been said.
type status int

func (s status) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

func verb(root *cobra.Command) string {
	if len(os.Args) > 1 {
		for _, c := range root.Commands() {
			if c.Name() == os.Args[1] {
				return c.Name()
			}
		}
	}
	return ""
}

func versionCommand() *cobra.Command {
	return &cobra.Command{Use: "version", Short: "Print the version", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		say(os.Stdout, "loadlock %s\n", version)
		return nil
	}}
}
