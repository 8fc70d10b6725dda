package memory

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// kfd tells what AMD's compute driver holds for each process, whatever became of the descriptors: a second look beside
// fdinfo, where the kernel has it (/sys/class/kfd/kfd/proc/<pid>/vram_<gpu_id>, bytes; drivers/gpu/drm/amd/amdkfd/kfd_process.c).
type kfd struct {
	proc string
	bus  map[string]string // of a GPU, by KFD's number for it
}

func (*kfd) name() string         { return "the kernel (/sys/class/kfd/kfd/proc)" }
func (*kfd) every() time.Duration { return time.Second / 5 }

// newKFD finds it: nil where it is not, or where process numbers are not the machine's, which it uses.
func newKFD(root string) *kfd {
	k := &kfd{proc: filepath.Join(root, "sys/class/kfd/kfd/proc"), bus: map[string]string{}}
	if _, err := os.Stat(k.proc); err != nil || !initialPidNamespace(root) {
		return nil
	}
	ids, _ := filepath.Glob(filepath.Join(root, "sys/class/kfd/kfd/topology/nodes/*/gpu_id"))
	for _, at := range ids {
		id, err := os.ReadFile(at)
		properties, err2 := os.ReadFile(filepath.Join(filepath.Dir(at), "properties"))
		if bus, ok := kfdBus(string(properties)); ok && err == nil && err2 == nil {
			k.bus[strings.TrimSpace(string(id))] = bus
		}
	}
	if len(k.bus) == 0 {
		return nil
	}
	return k
}

// kfdBus is the PCI address in a node's properties: location_id is bus << 8 | device << 3 | function.
func kfdBus(properties string) (string, bool) {
	var domain, location uint64
	found := false
	for line := range strings.Lines(properties) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, err := strconv.ParseUint(value, 10, 32)
		switch {
		case err != nil:
		case key == "domain":
			domain = n
		case key == "location_id":
			location, found = n, n != 0 // a processor's is 0
		}
	}
	return fmt.Sprintf("%04x:%02x:%02x.%x", domain, location>>8&0xff, location>>3&0x1f, location&7), found
}

func (k *kfd) read(ctx context.Context, pids []int) (uses []use, err error) {
	for _, pid := range pids {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		for id, bus := range k.bus {
			raw, err := readSome(filepath.Join(k.proc, strconv.Itoa(pid), "vram_"+id), 64)
			if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV) {
				continue // it does not use this one
			}
			if err != nil {
				return nil, err
			}
			n, err := strconv.ParseUint(strings.TrimSpace(string(raw)), 10, 63)
			if err != nil {
				return nil, fmt.Errorf("vram_%s of process %d: %w", id, pid, err)
			}
			uses = append(uses, use{pid: pid, device: bus, bytes: int64(n)})
		}
	}
	return uses, nil
}
