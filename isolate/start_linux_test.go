package isolate

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

func TestTheCommandThatCannotBeExecuted(t *testing.T) {
	needBox(t)
	for _, tt := range []struct {
		what, program string
		alter         func(*Spec)
		want          unix.Errno
	}{
		{"is not there", "/usr/bin/no-such-program", nil, unix.ENOENT},
		{"is a folder", "/usr/lib", nil, unix.EACCES},
		{"has no permission to be executed", "/usr/lib/os-release", nil, unix.EACCES},
		{"lies on a mount that is not for programs", "/usr/bin/true", func(s *Spec) { s.Binds[0].Exec = false }, unix.EACCES},
		{"lies in a file that leads through itself", "/usr/bin/true/x", nil, unix.ENOTDIR},
		{"is no program", "/data/text", func(s *Spec) {
			dir := filepath.Dir(s.RunDir)
			if err := os.WriteFile(filepath.Join(dir, "text"), []byte("no program"), 0o755); err != nil {
				t.Fatal(err)
			}
			s.Binds = append(s.Binds, Bind{Source: dir, Target: "/data", Exec: true})
		}, unix.ENOEXEC},
	} {
		t.Run(tt.what, func(t *testing.T) {
			s, _ := boxed(t, "")
			s.Args = []string{tt.program, "x"}
			if tt.alter != nil {
				tt.alter(&s)
			}
			b, err := New(s)
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			if err := b.Start(context.Background()); err != nil {
				t.Fatal(err)
			}
			err = b.Release()
			var failed *ExecError
			if !errors.As(err, &failed) || failed.Step != "exec" || failed.Path != tt.program || !errors.Is(err, tt.want) {
				t.Errorf("%v, want exec: %v", err, tt.want)
			}
			if err := b.Close(); err != nil {
				t.Error(err)
			}
			wantNothingLeft(t, s)
		})
	}
}

func TestAStartThatFailsLeavesNothing(t *testing.T) {
	needBox(t)
	for _, tt := range []struct {
		what  string
		spec  func(*Spec)
		alter func(*specs.Spec)
		want  string
	}{
		{"the folder to bind is missing", func(s *Spec) {
			s.Binds = append(s.Binds, Bind{Source: "/no/such/folder", Target: "/data"})
		}, nil, "no such file"},
		{"the bind is not absolute", func(s *Spec) { s.Binds[0].Source = "usr" }, nil, "layer mount: .*not absolute"},
		{"pid 1's program is missing", func(s *Spec) { s.Host.Program = "/no/such/program" }, nil, "no such file"},
		{"pid 1 is another program", func(s *Spec) { s.Host.Program = "/usr/bin/true" }, nil, "pid 1 did not answer"},
		{"memory and processes are not limited", func(s *Spec) {
			s.Host.Cgroup, s.Sandbox.UnsafeOptional = "", nil
		}, nil, "layer cgroup: "},
		{"the run folder is a file", func(s *Spec) { os.WriteFile(s.RunDir, nil, 0o600) }, nil, "run folder"},
		{"the kernel shows a mount nobody planned", nil, func(oci *specs.Spec) {
			oci.Mounts = append(oci.Mounts, specs.Mount{Destination: "/extra", Type: "bind", Source: "/usr", Options: []string{"bind", "ro", "nosuid", "nodev"}})
		}, "layer mount: .*partial: unplanned mount"},
		{"the kernel shows a writable mount", nil, without("ro", "/usr"), "layer mount: .*writable"},
		{"the kernel shows a capability", nil, func(oci *specs.Spec) {
			oci.Process.Capabilities = &specs.LinuxCapabilities{Bounding: []string{"CAP_CHOWN"}}
		}, "layer capabilities: .*CapBnd"},
		{"the kernel shows no filter", nil, func(oci *specs.Spec) { oci.Linux.Seccomp = nil }, "layer seccomp"},
		{"the kernel shows another limit", nil, func(oci *specs.Spec) { oci.Process.Rlimits = nil }, "layer limits"},
		{"the kernel shows the host's network", nil, func(oci *specs.Spec) {
			oci.Linux.Namespaces = slices.DeleteFunc(oci.Linux.Namespaces, func(n specs.LinuxNamespace) bool { return n.Type == specs.NetworkNamespace })
		}, "layer net"},
	} {
		t.Run(tt.what, func(t *testing.T) {
			s, _ := boxed(t, "true")
			if tt.spec != nil {
				tt.spec(&s)
			}
			b, err := New(s)
			if err != nil { // the host has no cgroup for us, and the policy asks for one
				if !regexp.MustCompile("(?s)" + tt.want).MatchString(err.Error()) {
					t.Errorf("%v, want %s", err, tt.want)
				}
				return
			}
			b.alter = tt.alter
			if err = b.Start(context.Background()); err == nil {
				err = b.Release() // some layers are the command's process's own
			}
			if err == nil || !regexp.MustCompile("(?s)"+tt.want).MatchString(err.Error()) {
				t.Errorf("%v, want %s", err, tt.want)
			}
			if b.started {
				t.Error("the workload runs")
			}
			if err := b.Close(); err != nil {
				t.Error(err)
			}
			wantNothingLeft(t, s)
		})
	}
}

func TestACancelledStartEnds(t *testing.T) {
	needBox(t)
	s, _ := boxed(t, "true")
	b, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := b.Start(ctx); err == nil {
		t.Log("pid 1 answered before it could be ended")
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if err := b.Close(); err != nil {
		t.Errorf("closed again: %v", err)
	}
	wantNothingLeft(t, s)
}
