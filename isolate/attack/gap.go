package attack

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// gap are attacks between the verdict and the load. The attacker is a process of the host, so they are driven from
// outside; the last probe of each race shows that reading a file twice, without us, loses it.
func gap() []Check {
	ours := []string{Ours}
	const bare = "the last probe shows it without us: a file that is looked at and then opened again"
	race := func(id, title string, refs []string, more ...Probe) Check {
		return Check{ID: id, Title: title, Refs: refs, Layers: ours, NoWithout: bare, Probes: more}
	}
	against := func(name string, change func(dir string) func()) []Probe {
		return []Probe{
			{Name: name, Drive: func(h *Host) string { return raceLoad(h, change) }, Want: Saw{"same-or-refused": Ours}},
			{Name: name + "-without-us", Drive: func(h *Host) string { return raceBare(h, change) }, Want: Saw{"differs": ""}, Benign: true},
		}
	}
	inside := Probe{Name: "inside", Try: listModel, Want: Saw{"listed": ""}, Benign: true}
	return []Check{
		race("V-01", "replaces the model between the verdict and the load", []string{"rename(2)", "symlink(2)"},
			append(slices.Concat(against("rename", renames), against("symlink", symlinks)), inside)...),
		race("V-02", "changes the model in place after the verdict", []string{"private copies, leases"}, against("in-place", writes)...),
		race("V-03", "adds a file to the model after the verdict", []string{"config.json, modeling_*.py"}, against("added", adds)...),
		{ID: "V-04", Title: "names data outside its folder", Refs: []string{"CVE-2022-25882", "CVE-2024-27318", "CVE-2026-27489"}, Layers: ours, NoWithout: "the second probe does it on the bare host", Probes: []Probe{
			{Name: "symlink", Drive: func(h *Host) string { return linked(h, false) }, Want: Saw{"nothing-of-the-host": Ours}},
			{Name: "on-the-bare-host", Drive: func(h *Host) string { return linked(h, true) }, Want: Saw{"secret": ""}, Benign: true},
		}},
		{ID: "V-05", Title: "replays an old verdict", NotHere: "there is none to replay: the verdict never leaves the process that starts the command, see clearance in runner/runner.go"},
		{ID: "V-06", Title: "edits the policy between the verdict and the start", NotHere: "in the test suite, on whose files it may write: runner/gap_linux_test.go, TestThePolicyThatHoldsIsTheOneThatWasRead"},
		{ID: "V-07", Title: "weakens the policy with what nobody reads", Refs: []string{"YAML 1.2, duplicate keys and aliases"}, Layers: ours, NoWithout: "it is the file that is refused", Probes: append([]Probe{
			{Name: "good", Drive: goodPolicy, Want: Saw{"read": ""}, Benign: true},
		}, badPolicies()...)},
		{ID: "V-08", Title: "attacks the scanner that reads it", NotHere: "in the test suite, in a scanner that is taken over: isolate/cell_linux_test.go, TestACellHasNothing"},
		{ID: "V-09", Title: "shadows a module of the script, plants bytecode beside it", NotHere: "in the test suite: runner/gap_linux_test.go, TestTheScriptThatRunsIsTheOneInTheReport, and testdata/script/run-script-folder.txtar"},
		{ID: "V-10", Title: "means two things to two readers", Refs: []string{"polyglots; testdata/script/run-archives.txtar has archives"}, Layers: ours, NoWithout: "it is the file that is refused", Probes: []Probe{
			{Name: "plain", Drive: func(h *Host) string { return withModel(h, model()) }, Want: Saw{"exit-0": ""}, Benign: true},
			{Name: "pickle-after-the-end", Drive: func(h *Host) string { return withModel(h, append(model(), "cposix\nsystem\n(S'true'\ntR."...)) }, Want: Saw{"exit-121": Ours, "exit-122": Ours}},
			{Name: "archive-after-the-end", Drive: func(h *Host) string {
				return withModel(h, append(model(), "PK\x05\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"...))
			}, Want: Saw{"exit-121": Ours, "exit-122": Ours}},
			{Name: "key-twice", Drive: func(h *Host) string {
				return withModel(h, framed(`{"__metadata__":{"a":"1"},"__metadata__":{"a":"2"}}`, 0))
			}, Want: Saw{"exit-121": Ours, "exit-122": Ours}},
		}},
		{ID: "V-11", Title: "executes code in a loader that was believed safe", Refs: []string{"CVE-2025-32434", "CVE-2025-1550", "CVE-2025-8747"}, NotHere: "what it then can do is what all other checks try"},
		{ID: "V-12", Title: "does harm and exits with 0", Layers: ours, NoWithout: "without us nobody counts", Probes: []Probe{
			{Name: "counted", Drive: func(h *Host) string { return counted(h.run(nil, h.payload("S-02/map")).Report) }, Want: Saw{"counted": Ours, "said-why-not": Ours}},
		}},
		{ID: "V-13", Title: "behaves well until it is deployed", NotHere: "no sandbox finds this; SECURITY.md says so"},
		{ID: "V-14", Title: "gets loadlock to work for somebody else: a set-user-ID copy of it", Refs: []string{"CVE-2021-26910"}, Layers: ours, Needs: []string{"root"}, NoWithout: "it is the start that is refused", Probes: []Probe{
			{Name: "set-user-id", Drive: setUserID, Want: Saw{"refused": Ours}},
		}},
		{ID: "V-15", Title: "starts on a host that lacks layers", Refs: []string{"NVIDIA/OpenShell#803"}, Layers: ours, NoWithout: "it is the start that is refused", Probes: []Probe{
			{Name: "no-user-namespaces", Drive: inABox, Want: Saw{"refused-by-name": Ours}},
		}},
	}
}

// linked has a link in the model lead to the secret of the host.
func linked(h *Host, bare bool) string {
	at, done, err := plantModel(h, model())
	if err != nil {
		return Errno(err)
	}
	defer done()
	if err := os.Symlink(h.Secret, filepath.Join(at.Model, "external.data")); err != nil {
		return Errno(err)
	}
	var d driven
	if bare {
		d = at.bare(nil, at.payload("V-01/inside"))
	} else {
		d = at.run(nil, at.payload("V-01/inside"), "--model", at.Model)
	}
	sum := sha256.Sum256([]byte(h.Mark + "\n"))
	return yes(bytes.Contains(d.Stdout, []byte(hex.EncodeToString(sum[:]))), "secret", "nothing-of-the-host")
}

func counted(r report) string {
	switch {
	case slices.ContainsFunc(r.Denials, func(d denial) bool { return d.Call == "bpf" }):
		return "counted"
	case r.DenialsNotCounted != "":
		return "said-why-not"
	}
	return "unseen"
}

// inABox starts loadlock inside a box, which is a host without user namespaces.
func inABox(h *Host) string {
	d := h.run(nil, []string{h.Program, "run", "--quiet", "--", h.Program, "version"})
	return yes(d.Report.Exit != nil && d.Report.Exit.Code == 125 && strings.Contains(d.Stderr, "user"), "refused-by-name", fmt.Sprintf("exit-%d", d.Code))
}

// setUserID has nobody start a copy of this program that belongs to root and has the bit set.
func setUserID(h *Host) string {
	raw, err := os.ReadFile(h.Program)
	if err != nil {
		return Errno(err)
	}
	name := filepath.Join(h.Dir, "set-user-id")
	defer os.Remove(name)
	if err := os.WriteFile(name, raw, 0o700); err != nil {
		return Errno(err)
	}
	if err := os.Chmod(name, 0o755|fs.ModeSetuid); err != nil {
		return Errno(err)
	}
	d := start(exec.Command(name, "run", "--", "/bin/true"), asNobody)
	for i := 0; i < 50 && d.Code == -1; i++ { // a child of another probe has the file still open for writing (ETXTBSY)
		time.Sleep(20 * time.Millisecond)
		d = start(exec.Command(name, "run", "--", "/bin/true"), asNobody)
	}
	return yes(d.Code == 125 && strings.Contains(d.Stderr, "set-user-ID"), "refused", fmt.Sprintf("exit-%d", d.Code))
}
