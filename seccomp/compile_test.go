//go:build cgo && linux

package seccomp

import (
	"encoding/binary"
	"fmt"
	"os"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	libseccomp "github.com/seccomp/libseccomp-golang"
	"golang.org/x/net/bpf"
)

var (
	scmpArchs  = map[string]libseccomp.ScmpArch{"amd64": libseccomp.ArchAMD64, "arm64": libseccomp.ArchARM64}
	auditArchs = map[string]uint32{"amd64": auditAMD64, "arm64": auditARM64}
	operators  = map[specs.LinuxSeccompOperator]libseccomp.ScmpCompareOp{
		specs.OpEqualTo:     libseccomp.CompareEqual,
		specs.OpNotEqual:    libseccomp.CompareNotEqual,
		specs.OpGreaterThan: libseccomp.CompareGreater,
		specs.OpMaskedEqual: libseccomp.CompareMaskedEqual,
	}
)

// build gives the profile to libseccomp the way libcontainer does (binary tree, one rule per name).
func build(t testing.TB, p *specs.LinuxSeccomp, arch string) *libseccomp.ScmpFilter {
	t.Helper()
	must := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	filter, err := libseccomp.NewFilter(libseccomp.ActErrno.SetReturnCode(int16(*p.DefaultErrnoRet)))
	must(err)
	t.Cleanup(filter.Release)
	native, err := libseccomp.GetNativeArch()
	must(err)
	if scmpArchs[arch] != native {
		must(filter.AddArch(scmpArchs[arch]))
		must(filter.RemoveArch(native))
	}
	must(filter.SetOptimize(2))
	for _, s := range p.Syscalls {
		action := libseccomp.ActAllow
		if s.Action == specs.ActErrno {
			action = libseccomp.ActErrno.SetReturnCode(int16(*s.ErrnoRet))
		}
		var conds []libseccomp.ScmpCondition
		for _, a := range s.Args {
			c, err := libseccomp.MakeCondition(a.Index, operators[a.Op], a.Value, a.ValueTwo)
			must(err)
			conds = append(conds, c)
		}
		for _, name := range s.Names {
			number, err := libseccomp.GetSyscallFromName(name)
			must(err)
			if conds == nil {
				must(filter.AddRule(number, action))
			} else {
				must(filter.AddRuleConditional(number, action, conds))
			}
		}
	}
	return filter
}

// compiled is a profile as the kernel would get it.
type compiled struct {
	machine
	arch    string
	size    int
	highest uint32 // the highest number the profile names
}

func compile(t testing.TB, p *specs.LinuxSeccomp, arch string) compiled {
	t.Helper()
	mem := exported(t, build(t, p, arch))
	var raw []bpf.RawInstruction
	for ; len(mem) >= 8; mem = mem[8:] {
		raw = append(raw, bpf.RawInstruction{
			Op: binary.NativeEndian.Uint16(mem), Jt: mem[2], Jf: mem[3], K: binary.NativeEndian.Uint32(mem[4:]),
		})
	}
	prog, ok := bpf.Disassemble(raw)
	if !ok {
		t.Fatal("libseccomp's program cannot be disassembled")
	}
	c := compiled{machine: newMachine(t, prog), arch: arch, size: len(prog)}
	for _, s := range p.Syscalls {
		for _, name := range s.Names {
			c.highest = max(c.highest, number(t, name, arch))
		}
	}
	return c
}

// exported returns libseccomp's program. Through a file: libseccomp 2.5 cannot export to memory.
func exported(t testing.TB, filter *libseccomp.ScmpFilter) []byte {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "filter")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := filter.ExportBPF(file); err != nil {
		t.Fatal(err)
	}
	mem, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return mem
}

// run answers like libcontainer's program: libseccomp's, preceded by ENOSYS for native numbers above
// the highest one named (runc libcontainer/seccomp/patchbpf; a model of it, because only loading is exported).
func (c compiled) run(t testing.TB, e event) string {
	t.Helper()
	x32 := c.arch == "amd64" && e.number&x32Bit != 0
	if e.audit == auditArchs[c.arch] && !x32 && e.number > c.highest {
		return "ENOSYS"
	}
	return c.machine.run(t, e)
}

func (c compiled) call(t testing.TB, name string, args ...uint64) string {
	t.Helper()
	e := event{audit: auditArchs[c.arch], number: number(t, name, c.arch)}
	copy(e.args[:], args)
	return c.run(t, e)
}

// number resolves a call's name. libseccomp 2.5 answers a call that an architecture lacks with a
// negative number of its own.
func number(t testing.TB, name, arch string) uint32 {
	t.Helper()
	n, err := libseccomp.GetSyscallFromNameByArch(name, scmpArchs[arch])
	if err != nil || n < 0 {
		t.Fatalf("%s is no call of %s: %v", name, arch, fmt.Sprint(n, err))
	}
	return uint32(n)
}

func exists(name, arch string) bool {
	n, err := libseccomp.GetSyscallFromNameByArch(name, scmpArchs[arch])
	return err == nil && n >= 0
}
