package isolate

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/opencontainers/runc/libcontainer"
	"github.com/opencontainers/runc/libcontainer/specconv"
	"golang.org/x/sys/unix"
)

// BenchmarkBox and BenchmarkLibcontainer run /bin/true with the same plan: namespaces, mounts, cgroup, limits and
// filter. The quotient of their ns/op is what our pid 1, the observation and the seal cost.
func BenchmarkBox(b *testing.B) {
	need(b, "root", "userns", "cgroup", "seccomp", "landlock")
	for range b.N {
		if err := wholeBox(trueSpec(b)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkBoxWithGPU is the same with a GPU's nodes, /proc/driver and /sys.
func BenchmarkBoxWithGPU(b *testing.B) {
	need(b, "root", "userns", "cgroup", "seccomp", "landlock")
	plan := shaped(fakeNode(b, "nvidia0", 195, 200, 0o666))
	for range b.N {
		s := trueSpec(b)
		s.GPU = plan
		if err := wholeBox(s); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLibcontainer(b *testing.B) {
	need(b, "root", "userns", "cgroup", "seccomp", "landlock")
	for range b.N {
		if err := bareLibcontainer(trueSpec(b)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkBoxOverLibcontainer alternates between the two, so that both meet the same noise, and reports medians
// in milliseconds and their quotient.
func BenchmarkBoxOverLibcontainer(b *testing.B) {
	need(b, "root", "userns", "cgroup", "seccomp", "landlock")
	var took [2][]time.Duration
	for range b.N {
		for i, f := range []func(Spec) error{wholeBox, bareLibcontainer} {
			s := trueSpec(b)
			at := time.Now()
			if err := f(s); err != nil {
				b.Fatal(err)
			}
			took[i] = append(took[i], time.Since(at))
		}
	}
	median := func(d []time.Duration) float64 {
		slices.Sort(d)
		return float64(d[len(d)/2].Microseconds()) / 1000
	}
	box, bare := median(took[0]), median(took[1])
	b.ReportMetric(box, "box-ms")
	b.ReportMetric(bare, "libcontainer-ms")
	b.ReportMetric(box/bare, "ratio")
}

// BenchmarkRelease tells, in milliseconds, the medians of bringing a box up and of letting it start the command: only
// the second is waited for when the models take longer to scan than the box to start.
func BenchmarkRelease(b *testing.B) {
	need(b, "root", "userns", "cgroup", "seccomp", "landlock")
	var took [2][]time.Duration
	for range b.N {
		box, err := New(trueSpec(b))
		if err != nil {
			b.Fatal(err)
		}
		for i, f := range []func() error{func() error { return box.Start(context.Background()) }, box.Release} {
			at := time.Now()
			if err := f(); err != nil {
				b.Fatal(err)
			}
			took[i] = append(took[i], time.Since(at))
			time.Sleep(10 * time.Millisecond) // what runs beside the start has ended
		}
		if _, err := box.Wait(context.Background()); err != nil {
			b.Fatal(err)
		}
		if err := box.Close(); err != nil {
			b.Fatal(err)
		}
	}
	for i, what := range []string{"start-ms", "release-ms"} {
		slices.Sort(took[i])
		b.ReportMetric(float64(took[i][len(took[i])/2].Microseconds())/1000, what)
	}
}

func wholeBox(s Spec) error {
	box, err := New(s)
	if err != nil {
		return err
	}
	defer box.Close()
	if err := box.Start(context.Background()); err != nil {
		return err
	}
	if err := box.Release(); err != nil {
		return err
	}
	exit, err := box.Wait(context.Background())
	if err != nil {
		return err
	}
	if exit.Code != 0 || exit.Signal != 0 {
		return fmt.Errorf("exit %+v", exit)
	}
	return box.Close()
}

func trueSpec(b *testing.B) Spec {
	b.Helper()
	s, err := plainSpec(filepath.Join(b.TempDir(), "run"), []string{"/usr/bin/true"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Stdin.Close() })
	for p := filepath.Dir(s.RunDir); p != "/" && p != os.TempDir(); p = filepath.Dir(p) {
		_ = os.Chmod(p, 0o711)
	}
	return s
}

// bareLibcontainer is create, start, wait and destroy as a caller of libcontainer does it: no pid 1 of ours, no
// observation, no Landlock, no seal.
func bareLibcontainer(s Spec) error {
	box, err := New(s)
	if err != nil {
		return err
	}
	if err := box.skeleton(); err != nil {
		return err
	}
	oci, err := box.Plan()
	if err != nil {
		return err
	}
	config, err := specconv.CreateLibcontainerConfig(&specconv.CreateOpts{CgroupName: s.ID, Spec: oci})
	if err != nil {
		return err
	}
	container, err := libcontainer.Create(box.stateRoot(), s.ID, config)
	if err != nil {
		return err
	}
	nnp := true
	p := &libcontainer.Process{
		Args: s.Args, Env: oci.Process.Env, Cwd: oci.Process.Cwd, Init: true, NoNewPrivileges: &nnp,
		UID: int(oci.Process.User.UID), GID: int(oci.Process.User.GID), Stdin: s.Stdin, LogLevel: "2",
	}
	if err := container.Run(p); err != nil {
		return err
	}
	state, err := p.Wait()
	if err != nil {
		return err
	}
	if ws, ok := state.Sys().(unix.WaitStatus); ok && ws.ExitStatus() != 0 {
		return fmt.Errorf("exit status %d", ws.ExitStatus())
	}
	if err := container.Destroy(); err != nil {
		return err
	}
	return os.RemoveAll(s.RunDir)
}
