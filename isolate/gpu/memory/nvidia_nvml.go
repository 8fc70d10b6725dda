//go:build nvml

package memory

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// nvmlPaths are where distributions put the driver's library. It becomes part of this process, so that its file must be
// one that only root can write, whatever LD_LIBRARY_PATH says.
var nvmlPaths = []string{"usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "usr/lib64", "usr/lib"}

// nvidia is who tells about NVIDIA's GPUs: NVML (the build tag nvml).
func nvidia(root string) (source, error) {
	for _, dir := range nvmlPaths {
		path := filepath.Join(root, dir, "libnvidia-ml.so.1")
		real, err := filepath.EvalSymlinks(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = errors.Join(rootsOnly(filepath.Dir(path)), rootsOnly(real))
		}
		if err != nil {
			return nil, err
		}
		lib := nvml.New(nvml.WithLibraryPath(real))
		if ret := lib.Init(); ret != nvml.SUCCESS {
			return nil, fmt.Errorf("%s: %s", real, ret)
		}
		return newLibrary(lib), nil // until the end of this process
	}
	return nil, errors.New("there is no libnvidia-ml.so.1 in the usual folders")
}

// library is NVML in this process. It knows no time limit, so that a question that is not answered stays; as long as it
// does there is no other.
type library struct {
	lib  nvml.Interface
	busy chan struct{}
}

func newLibrary(lib nvml.Interface) *library { return &library{lib, make(chan struct{}, 1)} }

func (*library) name() string         { return "NVML" }
func (*library) every() time.Duration { return time.Second / 5 }

func (l *library) read(ctx context.Context, _ []int) ([]use, error) {
	select {
	case l.busy <- struct{}{}:
	default:
		return nil, errors.New("NVML has not answered yet")
	}
	type answer struct {
		uses []use
		err  error
	}
	got := make(chan answer, 1)
	go func() {
		defer func() { <-l.busy }()
		uses, err := l.ask()
		got <- answer{uses, err}
	}()
	select {
	case a := <-got:
		return a.uses, a.err
	case <-ctx.Done():
		return nil, errors.New("NVML did not answer in time")
	}
}

// ask asks for the compute processes of every GPU.
func (l *library) ask() (uses []use, err error) {
	count, ret := l.lib.DeviceGetCount()
	if ret != nvml.SUCCESS {
		return nil, fmt.Errorf("NVML, number of GPUs: %s", ret)
	}
	for i := range count {
		d, ret := l.lib.DeviceGetHandleByIndex(i)
		if ret != nvml.SUCCESS {
			return nil, fmt.Errorf("NVML, GPU %d: %s", i, ret)
		}
		uuid, ret := d.GetUUID()
		if ret != nvml.SUCCESS {
			return nil, fmt.Errorf("NVML, UUID of GPU %d: %s", i, ret)
		}
		processes, ret := d.GetComputeRunningProcesses()
		if ret != nvml.SUCCESS {
			return nil, fmt.Errorf("NVML, processes of %s: %s", uuid, ret)
		}
		for _, p := range processes {
			u := use{pid: int(p.Pid), device: uuid, bytes: -1} // NVML_VALUE_NOT_AVAILABLE is the largest number
			if p.UsedGpuMemory <= math.MaxInt64 {
				u.bytes = int64(p.UsedGpuMemory)
			}
			uses = append(uses, u)
		}
	}
	return uses, nil
}
