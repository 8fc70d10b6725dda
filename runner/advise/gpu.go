package advise

import (
	"slices"
	"strings"
)

// GPUError explains one error that the libraries of a GPU's driver report, as it is met in this sandbox.
type GPUError struct {
	ID     string   // what explain takes: "cuda-304"
	Names  string   // what the maker calls it, and its text
	Means  string   // what it says in general
	Causes []Cause  // the most likely in this sandbox first
	Checks []string // commands that tell the causes apart
	Says   []string // how programs print it; RE2, read in the tail of stderr
	Refs   []string // issue, pull request, manual
}

// Cause is one reason for an error, and what to do about it.
type Cause struct{ Why, Do string }

// Granted are the causes that remain where a GPU was granted; never none.
func (e GPUError) Granted() []Cause {
	rest := slices.DeleteFunc(slices.Clone(e.Causes), func(c Cause) bool { return strings.Contains(c.Why, "no GPU was granted") })
	if len(rest) == 0 {
		return e.Causes
	}
	return rest
}

// GPUErrors is the catalogue. It is made when it is asked for: a box that starts pays for every initialised variable.
func GPUErrors() []GPUError {
	return slices.Concat(cudaStart(), cudaWork(), nvml(), hip(), frameworks())
}

// MayBeOurs reports whether the sandbox is among the causes: what it leaves out of /sys, or commands that no list names.
func (e GPUError) MayBeOurs() bool {
	return slices.ContainsFunc(e.Causes, func(c Cause) bool { return c.Do == learnIoctls || c.Do == wholeSysfs })
}

// FindGPUError looks an entry up. CUDA's runtime and driver, and HIP, give the same number to the same thing, so that
// a number without an entry of its own in HIP is explained by CUDA's.
func FindGPUError(id string) (GPUError, bool) {
	id = strings.ReplaceAll(strings.ToLower(id), "--", "-") // some programs print -801
	for _, e := range GPUErrors() {
		if e.ID == id {
			return e, true
		}
	}
	if n, ok := strings.CutPrefix(id, "hip-"); ok && n != "" {
		return FindGPUError("cuda-" + n)
	}
	return GPUError{}, false
}

// gpuTexts are the rows of texts for the catalogue.
func gpuTexts() (rows []text) {
	for _, e := range GPUErrors() {
		if len(e.Says) > 0 {
			rows = append(rows, text{name: e.ID, want: WantGPU, says: e.Names, pattern: `(?:` + strings.Join(e.Says, `|`) + `)`})
		}
	}
	return rows
}

// gpuEntry is the entry that a message of a GPU's library leads to; empty: there is none.
func gpuEntry(row text, group func(string) (string, bool)) string {
	id := row.name
	for name, prefix := range map[string]string{"cuda": "cuda-", "cudart": "cuda-", "hip": "hip-"} {
		if n, ok := group(name); ok {
			id = prefix + n
		}
	}
	e, _ := FindGPUError(id)
	return e.ID
}

// warned reports whether the line that ends in text is a warning of Python's, or the line of source that Python shows
// below one: the program goes on.
func warned(text string) bool {
	const mark = "Warning: "
	above, line := "", text
	if i := strings.LastIndexByte(text, '\n'); i >= 0 {
		above, line = text[strings.LastIndexByte(text[:i], '\n')+1:i], text[i+1:]
	}
	return strings.Contains(line, mark) || strings.Contains(above, mark) && strings.HasPrefix(line, "  ")
}

// GPUOutOfMemory is the entry about a GPU's own memory.
const GPUOutOfMemory = "cuda-2"

// noGPU is what programs say when they see none, whatever the reason; a warning before it may know that.
const noGPU = "cuda-100"

// gpuReasons puts a warning's reason in the place of the error that follows from it: torch warns "Error 804: …" and then
// raises "No CUDA GPUs are available". What is both warned of and raised is an error.
func gpuReasons(found []Sighting) []Sighting {
	at := func(warning bool, id func(string) bool) int {
		return slices.IndexFunc(found, func(g Sighting) bool { return g.Want == WantGPU && g.Warning == warning && id(g.What) })
	}
	is := func(want string) func(string) bool { return func(id string) bool { return id == want } }
	if reason, result := at(true, func(id string) bool { return id != noGPU }), at(false, is(noGPU)); reason >= 0 && result >= 0 {
		found[reason].Warning, found[reason].By = false, found[result].By
		found = slices.Delete(found, result, result+1)
	}
	return slices.DeleteFunc(found, func(g Sighting) bool { return g.Warning && at(false, is(g.What)) >= 0 })
}

// Remedies that many entries share.
const (
	askDoctor   = "loadlock doctor --gpu says which piece is missing and what brings it back"
	sameVersion = "reboot, or unload and load the modules, so that the kernel's driver and its libraries are of one version"
	makeNodes   = "on the host, as root: nvidia-modprobe -u -c=0 loads nvidia-uvm and makes the nodes; loadlock loads no module"
	learnIoctls = "loadlock explain last names the command that was refused; gpu.ioctl_filter: log in the policy carries it out, and names it all the same"
	wholeSysfs  = "gpu.sysfs: full in the policy shows the host's /sys read-only (a named weakening); if that cures it, report it, so that the list can grow"
	reportIt    = "run testdata/gpu/selftest.sh and report what it wrote: it leaves one piece of the grant out after the other"
)
