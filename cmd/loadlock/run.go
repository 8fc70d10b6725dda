package main

import (
	"context"
	"os"
	"os/signal"

	"github.com/loadlock/loadlock/policy"
	"github.com/loadlock/loadlock/runner"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

type runFlags struct {
	policy, gpuMemory, net, memory, timeout, shm, output, workdir, report string
	models, read, write, env, volumes, publish, gpu, gpus, cdi, without   []string
	cpus                                                                  float64
	pids                                                                  int64
	copyModel                                                             bool
	failOnDenial, json, dryRun, quiet, tty, remove                        bool
	cpusGiven, pidsGiven                                                  bool
}

func runCommand() *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "run [--model REF]… [flags] -- COMMAND [ARG…]",
		Short: "Validate the model, then run the command that loads it inside the sandbox",
		Args:  aCommand("run"),
		RunE:  func(_ *cobra.Command, args []string) error { return f.run(args) },
	}
	f.register(c)
	return c
}

// aCommand is the check that there is a command to run.
func aCommand(verb string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return &runner.UsageError{What: "no command to run", Hint: "loadlock " + verb + " --model ./model -- python load_model.py"}
		}
		return nil
	}
}

// register adds the flags of run to a verb that runs a command.
func (f *runFlags) register(c *cobra.Command) {
	c.PreRun = func(c *cobra.Command, _ []string) {
		changed := c.Flags().Changed
		f.cpusGiven, f.pidsGiven = changed("cpus"), changed("pids") || changed("pids-limit")
	}
	fl := c.Flags()
	fl.SetInterspersed(false)
	fl.StringArrayVar(&f.models, "model", nil, "model folder or file to validate and mount (repeatable)")
	fl.BoolVar(&f.copyModel, "copy-model", false, "make private copies of large model files too, so that nobody can change them")
	fl.StringVar(&f.policy, "policy", "", "policy template or file")
	fl.StringArrayVar(&f.gpu, "gpu", nil, "GPU to grant: none, all, an index (0,1), GPU-<uuid>, MIG-<uuid>, mig:<gpu>:<gi>:<ci>, or a CDI name (nvidia.com/gpu=0)")
	fl.StringArrayVar(&f.gpus, "gpus", nil, "as docker spells it: all, or device=0,1; a bare number counts GPUs there and is refused here")
	fl.StringArrayVar(&f.without, "gpu-without", nil, "leave a piece out of the grant, to find out what a driver needs (testdata/gpu/selftest.sh)")
	_ = fl.MarkHidden("gpu-without") // the flag was just made
	fl.StringVar(&f.gpuMemory, "gpu-memory", "", "limit of each GPU's memory, for example 20G")
	fl.StringArrayVar(&f.cdi, "cdi-dir", nil, "folder with CDI specs, beside /etc/cdi and /var/run/cdi (repeatable)")
	fl.StringVar(&f.net, "net", "", "network: none, allow:HOST[:PORT],… (TLS through a proxy, as far as the policy permits), or host (unsafe)")
	fl.StringVar(&f.net, "network", "", "same as --net")
	fl.StringArrayVarP(&f.publish, "publish", "p", nil, "[IP:]HOSTPORT:PORT: make a server inside reachable on this machine (repeatable)")
	fl.StringVar(&f.memory, "memory", "", "memory limit, for example 8G")
	fl.Float64Var(&f.cpus, "cpus", 0, "processors")
	fl.Int64Var(&f.pids, "pids", 0, "processes and threads")
	fl.Int64Var(&f.pids, "pids-limit", 0, "same as --pids")
	fl.StringVar(&f.shm, "shm-size", "", "size of /dev/shm")
	fl.StringVar(&f.timeout, "timeout", "", "wall-clock limit, for example 10m")
	fl.StringArrayVar(&f.read, "ro", nil, "host path visible read-only (repeatable)")
	fl.StringArrayVar(&f.write, "rw", nil, "host path writable, where the policy allows it (repeatable)")
	fl.StringArrayVarP(&f.volumes, "volume", "v", nil, "PATH:PATH[:ro] as docker writes it")
	fl.StringVar(&f.output, "output", "", "folder that the command may write results to")
	fl.StringArrayVarP(&f.env, "env", "e", nil, "K to pass, or K=V to set, a variable (repeatable)")
	fl.StringVarP(&f.workdir, "workdir", "w", "", "working directory inside")
	fl.StringVar(&f.report, "report", "", "write the JSON report to a file")
	fl.BoolVar(&f.failOnDenial, "fail-on-denial", false, "exit with 123 when the command ends with 0 but system calls were refused")
	fl.BoolVar(&f.json, "json", false, "print the JSON report to stderr instead of the summary")
	fl.BoolVar(&f.dryRun, "dry-run", false, "validate and print the plan (OCI runtime spec); run nothing")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "no summary after a run that was not refused")
	fl.BoolVar(&f.tty, "tty", false, "fail unless stdin is a terminal")
	fl.BoolVar(&f.remove, "rm", true, "accepted for docker's sake; nothing is ever left behind")
}

// notice prints a line while the command runs. The terminal may then be the command's, where a new line does not return
// to the left.
func notice(line string) {
	end := "\n"
	if isTerminal(os.Stderr) {
		end = "\r\n"
	}
	say(os.Stderr, "loadlock: %s%s", line, end)
}

func (f *runFlags) job(args []string) (job runner.Job, err error) {
	dir, err := os.Getwd()
	if err != nil {
		return job, err
	}
	home, _ := os.UserHomeDir()
	job = runner.Job{Models: f.models, Command: args, Dir: dir, Env: os.Environ(), Home: home, Policy: policy.Sources{Explicit: f.policy},
		Pass: f.env, Read: f.read, Write: f.write, Output: f.output, Workdir: f.workdir, DryRun: f.dryRun, FailOnDenial: f.failOnDenial,
		Notice: notice,
		Stdin:  os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	if job.GPU, err = f.gpuRequest(); err != nil {
		return job, err
	}
	if f.tty && !isTerminal(os.Stdin) {
		return job, &runner.UsageError{What: "--tty: stdin is not a terminal", Hint: "leave --tty out; a terminal is passed through when there is one"}
	}
	for _, v := range f.volumes {
		path, write, err := volume(v)
		if err != nil {
			return job, err
		}
		if write {
			job.Write = append(job.Write, path)
		} else {
			job.Read = append(job.Read, path)
		}
	}
	for _, s := range f.publish {
		p, err := runner.ParsePublish(s)
		if err != nil {
			return job, err
		}
		job.Publish = append(job.Publish, p)
	}
	job.Flags.CopyModel = f.copyModel
	return job, f.limits(&job.Flags)
}

func (f *runFlags) limits(to *policy.Flags) (err error) {
	if f.memory != "" {
		if to.MemoryMB, err = megabytes("memory", f.memory); err != nil {
			return err
		}
	}
	if f.gpuMemory != "" {
		if to.GPUMemoryMB, err = megabytes("gpu-memory", f.gpuMemory); err != nil {
			return err
		}
	}
	if f.shm != "" {
		if to.ShmMB, err = megabytes("shm-size", f.shm); err != nil {
			return err
		}
	}
	if f.timeout != "" {
		if to.TimeoutSec, err = seconds("timeout", f.timeout); err != nil {
			return err
		}
	}
	if f.net != "" {
		if to.Network, to.NetworkHosts, err = network(f.net); err != nil {
			return err
		}
	}
	if f.cpusGiven {
		to.CPUs = &f.cpus
	}
	if f.pidsGiven {
		to.Pids = &f.pids
	}
	return nil
}

// forwarded are the signals that reach the command.
var forwarded = []os.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2, unix.SIGWINCH}

func (f *runFlags) run(args []string) error {
	job, stop, err := f.prepared(args)
	if err != nil {
		return err
	}
	defer stop()
	res, _ := runner.Run(context.Background(), job) // the error is in the result, with what to do about it
	f.finish(&res, job)
	return status(res.Status)
}

// prepared is the job with the signals that it forwards, until stop is called.
func (f *runFlags) prepared(args []string) (job runner.Job, stop func(), err error) {
	if job, err = f.job(args); err != nil {
		return job, nil, err
	}
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, forwarded...)
	job.Signals = signals
	return job, func() { signal.Stop(signals) }, nil
}

// finish records, reports and prints a run.
func (f *runFlags) finish(res *runner.Result, job runner.Job) {
	state := runner.StateDir(os.Getenv, job.Home)
	if auditErr := runner.Record(state, *res); auditErr != nil {
		say(os.Stderr, "loadlock: %v\n", auditErr)
	}
	if f.report != "" {
		if reportErr := runner.WriteReport(f.report, *res); reportErr != nil {
			say(os.Stderr, "loadlock: %v\n", reportErr)
			if res.Status == 0 {
				res.Status = 125
			}
		}
	}
	f.print(*res)
}

func (f *runFlags) print(res runner.Result) {
	switch {
	case f.json:
		printJSON(os.Stderr, res)
	case f.dryRun && res.Plan != nil:
		printJSON(os.Stdout, res.Plan)
		runner.Summary(os.Stderr, res, style())
	case f.quiet && res.Exit != nil && len(res.Weakened) == 0 && (res.GPU == nil || res.GPU.Fallback == ""):
	default:
		runner.Summary(os.Stderr, res, style())
	}
}
