package isolate

import (
	"errors"
	"fmt"
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// Strength is how far a layer is in force.
type Strength int

// The zero value is off.
const (
	Off Strength = iota
	Partial
	Full
)

// String is the word that reports print.
func (s Strength) String() string { return [...]string{"off", "partial", "full"}[s] }

// MarshalText makes JSON reports carry the word.
func (s Strength) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word that MarshalText wrote.
func (s *Strength) UnmarshalText(b []byte) error {
	for _, v := range []Strength{Off, Partial, Full} {
		if v.String() == string(b) {
			*s = v
			return nil
		}
	}
	return fmt.Errorf("strength %q", b)
}

// Enforcement is what the kernel showed about one layer of a started box.
type Enforcement struct {
	Layer    string   `json:"layer"`
	Strength Strength `json:"strength"`
	Why      string   `json:"why,omitempty"` // what is missing, when it is not full
}

// ErrUnsupported is wrapped by errors that say conclusively that this host lacks a feature. Any other error
// of a probe means "could not tell"; both keep a required layer from being taken for granted.
var ErrUnsupported = fmt.Errorf("isolate: %w", errors.ErrUnsupported)

// scope is what a layer is a property of, and so where it can be observed.
type scope int

const (
	ofBox     scope = iota // the box: observed on pid 1
	ofProcess              // each process, from pid 1 on: observed on pid 1 and on the one that becomes the command
	ofCommand              // the command's process, and what comes from it: observed there
)

// Layer is one independent reason why the workload cannot get out.
type Layer struct {
	Name   string
	Doc    string
	Remedy string // what to do when Probe fails
	Scope  scope

	Probe     func() error                        // nil, ErrUnsupported, or "could not tell"
	Configure func(*specs.Spec, Spec) error       // pure; writes its own part of the OCI spec
	Observe   func(View, Spec) (Strength, string) // does the kernel agree?
}

// LayerError says which layer kept the box from being established.
type LayerError struct {
	Layer, Remedy string
	Err           error
}

// lacking is the error of a layer whose probe or plan failed, with that one's own remedy when it has one.
func (l Layer) lacking(err error) *LayerError {
	var known *LayerError
	if errors.As(err, &known) {
		return known
	}
	return &LayerError{Layer: l.Name, Remedy: l.Remedy, Err: err}
}

func (e *LayerError) Error() string { return fmt.Sprintf("layer %s: %v", e.Layer, e.Err) }
func (e *LayerError) Unwrap() error { return e.Err }

// Layers is every layer, outermost first: the order of the report.
func Layers() []Layer {
	return []Layer{userLayer, mountLayer, pidLayer, netLayer, ipcLayer, utsLayer, cgroupLayer,
		limitsLayer, capabilitiesLayer, noNewPrivsLayer, landlockLayer, seccompLayer}
}

// Bundle is the OCI runtime spec of a box: what libcontainer is asked to do. Layers named in off are left out.
func Bundle(s Spec, off []string) (*specs.Spec, error) {
	oci := &specs.Spec{
		Version: specs.Version,
		Root:    &specs.Root{Path: s.RunDir + "/rootfs", Readonly: true},
		Process: &specs.Process{Env: s.Env, Cwd: s.Dir},
		Linux:   &specs.Linux{},
	}
	oci.Process.Args = append([]string{pid1Path}, s.Args...)
	for _, l := range Layers() {
		if slices.Contains(off, l.Name) {
			continue
		}
		if err := l.Configure(oci, s); err != nil {
			return nil, l.lacking(err)
		}
	}
	return oci, nil
}
