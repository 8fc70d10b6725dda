package attack

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// driven is what came of one call of loadlock that a probe made from outside.
type driven struct {
	Code   int // exit status; -1 when it did not start
	Saw    map[string]string
	Stdout []byte
	Stderr string
	Report report
}

// report is what probes read of a run's report.
type report struct {
	ID      string
	Outcome string
	Status  int
	Models  []struct {
		Files []struct{ Path, SHA256 string }
	}
	Exit *struct { // nil: the command did not run
		Code, Signal int
		OOM          bool
		TimedOut     bool `json:"timed_out"`
	}
	Denials           []denial
	DenialsNotCounted string `json:"denials_not_counted"`
}

type denial struct{ Call, Errno string }

func (h *Host) run(change func(*exec.Cmd), command []string, flags ...string) (d driven) {
	dir, err := os.MkdirTemp("", h.Mark) // others are driven beside this one
	if err != nil {
		return driven{Code: -1}
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "report.json")
	args := append([]string{"--report", file}, flags...)
	cmd := h.Loadlock(append(append(args, "--"), command...)...)
	d = start(cmd, change)
	if raw, err := os.ReadFile(file); err == nil {
		_ = json.Unmarshal(raw, &d.Report)
	}
	return d
}

// bare starts a command as nobody should: on the host, with nothing around it.
func (h *Host) bare(change func(*exec.Cmd), command []string) driven {
	return start(exec.Command(command[0], command[1:]...), change)
}

func start(cmd *exec.Cmd, change func(*exec.Cmd)) (d driven) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if change != nil {
		change(cmd)
	}
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		d.Code = exit.ExitCode()
	case err != nil:
		d.Code = -1
	}
	d.Saw, _ = Report(stdout.Bytes())
	d.Stdout, d.Stderr = stdout.Bytes(), stderr.String()
	return d
}

// word is what the payload saw, or how loadlock ended when it saw nothing.
func (d driven) word(key string) string {
	if saw := d.Saw[key]; saw != "" {
		return saw
	}
	return fmt.Sprintf("exit-%d", d.Code)
}

// payload is the command that makes one probe.
func (h *Host) payload(key string) []string { return h.Task([]string{key}, Setup{}, nil) }

// yes is the observation for a question that has two answers.
func yes(is bool, word, otherwise string) string {
	if is {
		return word
	}
	return otherwise
}
