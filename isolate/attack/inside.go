package attack

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Verb is the first argument of a payload: this very program, started inside a box.
const Verb = "selftest-payload"

// Task is what a payload is told, as JSON in its second argument.
type Task struct {
	Probes []string `json:"probes"` // keys, in order
	Canary Canary   `json:"canary"`
	Setup  Setup    `json:"setup"`
	Open   []string `json:"open"` // operations that the policy permits
}

// Inside is what a probe knows.
type Inside struct {
	Canary
	Setup Setup
	Open  []string
}

// Permits reports whether the policy permits an operation: "subprocess", "native_code", ….
func (in *Inside) Permits(operation string) bool { return slices.Contains(in.Open, operation) }

// line is what a payload writes: first that a probe begins, so that its end is known to be that probe's doing when it
// takes the payload along, then what was seen.
type line struct {
	Begin string `json:"begin,omitempty"`
	Probe string `json:"probe,omitempty"`
	Saw   string `json:"saw,omitempty"`
}

// IsPayload reports whether this process was started as a payload; then main calls Payload.
func IsPayload() bool { return len(os.Args) == 3 && os.Args[1] == Verb }

// probeTime is how long one probe may take before it counts as hanging: one makes a thousand processes.
const probeTime = time.Minute

// Payload tries the probes it was told to, and writes a line for each. It returns an exit status.
func Payload() int {
	var task Task
	if err := json.Unmarshal([]byte(os.Args[2]), &task); err != nil {
		fmt.Fprintln(os.Stderr, "selftest-payload:", err)
		return 2
	}
	in := &Inside{Canary: task.Canary, Setup: task.Setup, Open: task.Open}
	if len(task.Probes) == 0 { // the marker process: it is there to be found
		_, _ = io.Copy(io.Discard, os.Stdin)
		return 0
	}
	out := json.NewEncoder(os.Stdout)
	for _, key := range task.Probes {
		_, p, ok := Find(key)
		if !ok || p.Try == nil {
			fmt.Fprintln(os.Stderr, "selftest-payload: no probe", key)
			return 2
		}
		_ = out.Encode(line{Begin: key})
		_ = out.Encode(line{Probe: key, Saw: in.try(p)})
	}
	return 0
}

func (in *Inside) try(p Probe) string {
	saw := make(chan string, 1)
	go func() { saw <- p.Try(in) }()
	select {
	case s := <-saw:
		return s
	case <-time.After(probeTime):
		return "hangs"
	}
}

// Run tries probes in boxes that box starts: it gets the keys and returns what the payload wrote and how it ended. A
// probe that takes the payload along is observed by how its box ended, and the rest goes on in another one. A probe
// that is missing in the result did not report. The last box's end is returned, and the error that kept one from
// starting.
func Run(keys []string, box func(keys []string) ([]byte, Ended, error)) (all map[string]string, ended Ended, err error) {
	all = map[string]string{}
	for len(keys) > 0 {
		var output []byte
		output, ended, err = box(keys)
		saw, open := Report(output)
		maps.Copy(all, saw)
		at := slices.Index(keys, open)
		if at < 0 { // everything was tried, or nothing can be
			return all, ended, err
		}
		if ended.Word() != "exit-0" {
			all[open] = ended.Word()
		}
		keys = keys[at+1:]
	}
	return all, ended, err
}

// Report is what a payload's output says: what was seen by probe, and the probe that had begun and never ended.
func Report(output []byte) (saw map[string]string, open string) {
	saw = map[string]string{}
	for _, raw := range splitLines(output) {
		var l line
		if json.Unmarshal(raw, &l) != nil {
			continue
		}
		switch {
		case l.Begin != "":
			open = l.Begin
		case l.Probe != "" && l.Probe == open:
			saw[l.Probe], open = l.Saw, ""
		}
	}
	return saw, open
}

func splitLines(b []byte) (lines [][]byte) {
	start := 0
	for i, c := range b {
		if c == '\n' {
			lines, start = append(lines, b[start:i]), i+1
		}
	}
	return lines
}

// Errno is the observation for an error of package os: the errno's name, or "through" for none.
func Errno(err error) string {
	var errno unix.Errno
	switch {
	case err == nil:
		return "through"
	case errors.As(err, &errno):
		return word(errno)
	case errors.Is(err, fs.ErrNotExist):
		return "ENOENT"
	}
	return "error"
}

// Worst is the observation of several tries of one kind: the first that is not among ok, or the last.
func Worst(ok []string, saw ...string) string {
	for _, s := range saw {
		if !slices.Contains(ok, s) {
			return s
		}
	}
	if len(saw) == 0 {
		return "nothing-tried"
	}
	return saw[len(saw)-1]
}

// Read opens a file and reads a byte of it: "through" when it could, "empty" when there was nothing.
func Read(name string) string {
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return Errno(err)
	}
	defer f.Close()
	n, err := f.Read(make([]byte, 1))
	if n == 0 && (err == nil || errors.Is(err, io.EOF)) {
		return "empty"
	}
	return Errno(err)
}

// Write opens a file for writing and writes nothing, so that it does no harm where it gets through.
func Write(name string) string {
	f, err := os.OpenFile(name, os.O_WRONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return Errno(err)
	}
	f.Close()
	return "through"
}
