package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/loadlock/loadlock"

// edge forbids packages that match from to import packages that match to, with a reason. A pattern is a path
// below the module, or of somebody else's package; "/..." at the end is everything below it too.
type edge struct {
	from, to string
	reason   string
	except   []string // packages of ours that may, or "package: import"; each with its reason in a comment
}

const anybody = "..."

var forbidden = []edge{
	{from: "policy/...", to: module + "/...", reason: "policy is the leaf of the import graph: everybody reads it"},
	{from: "seccomp", to: module + "/...", reason: "tables know the policy and nothing else", except: []string{"seccomp: " + module + "/policy"}},
	{from: "isolate/...", to: module + "/validate/...", reason: "the box confines whatever it is given; it must not know what a model is"},
	{from: "isolate/...", to: module + "/runner/...", reason: "below the runner"},
	{from: "validate/...", to: module + "/isolate/...", reason: "validation is pure and portable"},
	{from: "validate/...", to: module + "/seccomp/...", reason: "validation is pure and portable"},
	{from: "validate/...", to: module + "/runner/...", reason: "below the runner"},
	{from: "validate", to: module + "/validate/...", reason: "the contract must not know the formats; validate/all lists them"},
	{from: anybody, to: module + "/cmd/...", reason: "the command line is the top"},
	{from: anybody, to: module + "/validate/validatetest", reason: "a helper of tests"},
	{from: anybody, to: module + "/isolate/gpu/gputest", reason: "a helper of tests"},
	{from: anybody, to: module + "/isolate/gpu/gputest", reason: "a helper of tests"},
	{from: "isolate/gpu", to: "os/exec", reason: "discovery starts no vendor's tool"},
	{from: "runner/...", to: module + "/seccomp/...", reason: "only isolate turns tables into a filter"},

	{from: anybody, to: "github.com/opencontainers/runc/...", reason: "one package knows libcontainer, whose API promises nothing", except: []string{"isolate"}},
	{from: anybody, to: "github.com/opencontainers/cgroups/...", reason: "as above", except: []string{"isolate"}},
	{from: anybody, to: "github.com/landlock-lsm/go-landlock/...", reason: "layers live in isolate", except: []string{"isolate"}},
	{from: anybody, to: "C", reason: "C only where a box needs it", except: []string{"isolate"}},
	// isolate/attack makes raw system calls, with pointers in registers.
	{from: anybody, to: "unsafe", reason: "memory safety is what the scanners stand on", except: []string{"isolate/attack"}},
	// The rest of that module applies what specs say to a container: hooks, any mount, any device (isolate/gpu/cdi/doc.go).
	{from: anybody, to: "tags.cncf.io/container-device-interface/pkg/cdi/...", reason: "specs of CDI are data: hooks never run, and nothing is mounted because one says so"},
	{from: "isolate/gpu/cdi", to: "os/exec", reason: "hooks never run, and no vendor's tool"},
	{from: anybody, to: "github.com/NVIDIA/...", reason: "loads libraries while the program runs, which a static one cannot; the build tag nvml"},
	{from: anybody, to: "net/http/...", reason: "nothing here talks to a network"},
	{from: anybody, to: "plugin", reason: "code that is not in this binary is not ours"},
	{from: anybody, to: "encoding/gob", reason: "decodes into more than it was asked for; ours is JSON"},
	{from: anybody, to: "math/rand/...", reason: "identifiers that can be guessed are no identifiers; crypto/rand"},

	{from: "isolate/attack", to: module + "/...", reason: "a table that the tests of isolate and the runner share"},
	{from: "isolate/attack", to: "github.com/...", reason: "its payload must be what it says and nothing else"},

	{from: "policy/...", to: "os/exec", reason: pure}, {from: "policy/...", to: "net/...", reason: pure},
	{from: "policy/...", to: "golang.org/x/sys/...", reason: pure},
	// policy/open_unix.go opens a policy without following into a FIFO: O_NONBLOCK is in package syscall only.
	{from: "policy/...", to: "syscall", reason: pure, except: []string{"policy"}},
	{from: "seccomp", to: "os/exec", reason: pure}, {from: "seccomp", to: "net/...", reason: pure},
	{from: "seccomp", to: "syscall", reason: pure}, {from: "seccomp", to: "golang.org/x/sys/...", reason: pure},
	{from: "validate/...", to: "os/exec", reason: pure}, {from: "validate/...", to: "net/...", reason: pure},
	{from: "validate/...", to: "golang.org/x/sys/...", reason: pure},
	// validate/identity_linux.go reads inode and change time, which os.FileInfo has in syscall.Stat_t only.
	{from: "validate/...", to: "syscall", reason: pure, except: []string{"validate"}},
}

const pure = "pure: reads bytes, decides, starts nothing, reaches nothing; builds without cgo everywhere"

type pkg struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Error      *struct{ Err string }
}

// ours asks the go command what the packages of this module import, without their tests.
func ours(t *testing.T) map[string]pkg {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("needs the go command")
	}
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Imports,Error", "-tags", "seccomp,osusergo,netgo", "./...")
	cmd.Dir = "../.."
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	raw, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	pkgs := map[string]pkg{}
	for dec := json.NewDecoder(bytes.NewReader(raw)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		if p.Error != nil {
			t.Errorf("%s: %s", p.ImportPath, p.Error.Err)
		}
		pkgs[p.ImportPath] = p
	}
}

func matches(pattern, name string) bool {
	if pattern == anybody {
		return true
	}
	dir, below := strings.CutSuffix(pattern, "/...")
	return name == dir || below && strings.HasPrefix(name, dir+"/")
}

// violations are the sentences that the graph breaks.
func violations(imports map[string][]string) (out []string) {
	for _, name := range slices.Sorted(maps.Keys(imports)) {
		short := strings.TrimPrefix(name, module+"/")
		for _, e := range forbidden {
			if !matches(e.from, short) || slices.Contains(e.except, short) {
				continue
			}
			for _, to := range imports[name] {
				if matches(e.to, to) && !slices.Contains(e.except, short+": "+to) {
					out = append(out, short+" imports "+to+": "+e.reason)
				}
			}
		}
		if kind, ok := strings.CutPrefix(short, "validate/"); ok && kind != "all" {
			for _, to := range imports[name] {
				// A scanner is what validate/all lists; the other packages are readers that scanners share.
				if sibling, ok := strings.CutPrefix(to, module+"/validate/"); ok && !shared(kind, sibling) && slices.Contains(imports[module+"/validate/all"], to) {
					out = append(out, short+" imports "+to+": a scanner must not import another; it descends, or both use a reader")
				}
			}
		}
	}
	return out
}

// shared reports whether one scanner's package lies below the other's.
func shared(kind, sibling string) bool {
	return strings.HasPrefix(sibling, kind+"/") || strings.HasPrefix(kind, sibling+"/")
}

func TestTheImportGraphIsTheOneInTheDesign(t *testing.T) {
	imports := map[string][]string{}
	for name, p := range ours(t) {
		imports[name] = p.Imports
	}
	for _, want := range []string{"policy", "seccomp", "isolate", "validate", "validate/all", "runner", "cmd/loadlock"} {
		if imports[path.Join(module, want)] == nil {
			t.Errorf("the graph has no %s: the rules hold of nothing", want)
		}
	}
	for _, v := range violations(imports) {
		t.Error(v)
	}
}

// The rules themselves: an import that each must refuse, and near misses that all must let through.
func TestTheRulesOfTheGraphRefuseWhatTheySay(t *testing.T) {
	for _, tt := range []struct {
		from, to string
		refused  bool
	}{
		{"policy", module + "/validate", true},
		{"policy", "os/exec", true},
		{"policy", "strings", false},
		{"seccomp", module + "/policy", false},
		{"seccomp", module + "/isolate", true},
		{"seccomp", "golang.org/x/net/bpf", false},
		{"seccomp", "syscall", true},
		{"validate/pickle", "unsafe", true},
		{"validate/pickle", "net", true},
		{"validate/pickle", "net/url", true},
		{"validate/pickle", "syscall", true},
		{"validate", "syscall", false},
		{"validate/pickle", module + "/validate", false},
		{"validate/pickle", module + "/validate/safetensors", true},
		{"validate/pickle", module + "/validate/jsonwalk", false},
		{"validate/pickle/torch", module + "/validate/pickle", false},
		{"validate/all", module + "/validate/safetensors", false},
		{"validate", module + "/validate/pickle", true},
		{"validate/pickled", module + "/isolate", true},
		{"isolate", "github.com/opencontainers/runc/libcontainer", false},
		{"runner", "github.com/opencontainers/runc/libcontainer", true},
		{"runner", "github.com/opencontainers/runtime-spec/specs-go", false},
		{"runner", "os/exec", false},
		{"cmd/loadlock", module + "/runner", false},
		{"runner", module + "/cmd/loadlock", true},
		{"isolate", module + "/validate/all", true},
		{"isolate", "C", false},
		{"runner", "C", true},
		{"isolate/gpu/cdi", "tags.cncf.io/container-device-interface/pkg/cdi", true},
		{"isolate/gpu/cdi", "tags.cncf.io/container-device-interface/specs-go", false},
		{"isolate/gpu/cdi", "os/exec", true},
	} {
		graph := map[string][]string{module + "/validate/all": {module + "/validate/pickle", module + "/validate/safetensors"}}
		graph[path.Join(module, tt.from)] = append(graph[path.Join(module, tt.from)], tt.to)
		got := violations(graph)
		if (len(got) > 0) != tt.refused {
			t.Errorf("%s imports %s: refused by %q", tt.from, tt.to, got)
		}
	}
}
