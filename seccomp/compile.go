//go:build cgo && linux

package seccomp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"
	libseccomp "github.com/seccomp/libseccomp-golang"
	"golang.org/x/net/bpf"
)

var scmpArchs = map[specs.Arch]struct {
	name string
	arch libseccomp.ScmpArch
}{
	specs.ArchX86_64:  {"amd64", libseccomp.ArchAMD64},
	specs.ArchAARCH64: {"arm64", libseccomp.ArchARM64},
}

var operators = map[specs.LinuxSeccompOperator]libseccomp.ScmpCompareOp{
	specs.OpEqualTo:     libseccomp.CompareEqual,
	specs.OpNotEqual:    libseccomp.CompareNotEqual,
	specs.OpGreaterThan: libseccomp.CompareGreater,
	specs.OpMaskedEqual: libseccomp.CompareMaskedEqual,
}

// Compile makes the filter of a profile of this package, for the one architecture that the profile names. A call
// that libseccomp does not know is an error: the tables name none that the architecture lacks.
func Compile(p *specs.LinuxSeccomp) (Program, error) {
	if len(p.Architectures) != 1 {
		return Program{}, fmt.Errorf("%w: a profile for %q", ErrArchitecture, p.Architectures)
	}
	target, ok := scmpArchs[p.Architectures[0]]
	if !ok {
		return Program{}, fmt.Errorf("%w: %s", ErrArchitecture, p.Architectures[0])
	}
	prog, err := assemble(p, target.name, target.arch)
	if err != nil {
		return Program{}, fmt.Errorf("seccomp: compile: %w", err)
	}
	return prog, nil
}

func assemble(p *specs.LinuxSeccomp, name string, arch libseccomp.ScmpArch) (out Program, err error) {
	var with parts
	if with.ioctl, err = number("ioctl", arch); err != nil {
		return out, err
	}
	calls, commands, err := apart(p)
	if err != nil {
		return out, err
	}
	if len(commands) > 0 {
		otherwise, err := answer(p.DefaultAction, p.DefaultErrnoRet)
		if err != nil {
			return out, err
		}
		if with.command, err = choose(dataArg0+8, commands, otherwise); err != nil {
			return out, fmt.Errorf("ioctl: %w", err)
		}
	}
	filter, err := build(p, calls, arch)
	if err != nil {
		return out, err
	}
	defer filter.Release()
	if with.body, err = export(filter); err != nil {
		return out, err
	}
	if p.DefaultAction != specs.ActErrno { // whoever runs under it makes no call by mistake
		return join(name, with)
	}
	var highest uint32
	for _, s := range p.Syscalls {
		for _, name := range s.Names {
			n, err := number(name, arch)
			if err != nil {
				return out, err
			}
			highest = max(highest, n)
		}
	}
	with.highest = &highest
	for _, q := range quiet {
		n, err := number(q.name, arch)
		if err != nil {
			return out, err
		}
		with.silent = append(with.silent, n)
	}
	return join(name, with)
}

// apart takes the rules of ioctl(2) out of a profile. They are about its command alone, the low half of a register.
func apart(p *specs.LinuxSeccomp) (calls []specs.LinuxSyscall, commands []choice, err error) {
	for _, s := range p.Syscalls {
		if !slices.Contains(s.Names, "ioctl") {
			calls = append(calls, s)
			continue
		}
		if len(s.Names) != 1 || len(s.Args) != 1 || s.Args[0].Index != 1 || s.Args[0].Op != specs.OpMaskedEqual || s.Args[0].Value > low32 {
			return nil, nil, fmt.Errorf("a rule of ioctl that is not about its command alone: %v", s.Args)
		}
		ret, err := answer(s.Action, s.ErrnoRet)
		if err != nil {
			return nil, nil, err
		}
		if a := s.Args[0]; a.ValueTwo&^a.Value == 0 { // else it matches nothing
			commands = append(commands, choice{mask: uint32(a.Value), value: uint32(a.ValueTwo), answer: ret})
		}
	}
	return calls, commands, nil
}

// build gives these calls of the profile to libseccomp.
func build(p *specs.LinuxSeccomp, calls []specs.LinuxSyscall, arch libseccomp.ScmpArch) (*libseccomp.ScmpFilter, error) {
	byDefault, err := action(p.DefaultAction, p.DefaultErrnoRet)
	if err != nil {
		return nil, err
	}
	filter, err := libseccomp.NewFilter(byDefault)
	if err != nil {
		return nil, err
	}
	err = errors.Join(only(filter, arch), filter.SetBadArchAction(libseccomp.ActKillProcess))
	if len(calls) > 32 { // libseccomp 2.5.4 makes a wrong tree of few rules
		err = errors.Join(err, filter.SetOptimize(2))
	}
	for _, s := range calls {
		err = errors.Join(err, addRules(filter, s))
	}
	if err != nil {
		filter.Release()
		return nil, err
	}
	return filter, nil
}

// only leaves one architecture in the filter.
func only(filter *libseccomp.ScmpFilter, arch libseccomp.ScmpArch) error {
	native, err := libseccomp.GetNativeArch()
	if err != nil || native == arch {
		return err
	}
	return errors.Join(filter.AddArch(arch), filter.RemoveArch(native))
}

func addRules(filter *libseccomp.ScmpFilter, s specs.LinuxSyscall) error {
	act, err := action(s.Action, s.ErrnoRet)
	if err != nil {
		return err
	}
	var conds []libseccomp.ScmpCondition
	for _, a := range s.Args {
		op, ok := operators[a.Op]
		if !ok {
			return fmt.Errorf("operator %s", a.Op)
		}
		c, err := libseccomp.MakeCondition(a.Index, op, a.Value, a.ValueTwo)
		if err != nil {
			return err
		}
		conds = append(conds, c)
	}
	for _, name := range s.Names {
		// The native number: libseccomp translates it to the filter's architecture, pseudo numbers included.
		n, err := libseccomp.GetSyscallFromName(name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if conds == nil {
			err = filter.AddRule(n, act)
		} else {
			err = filter.AddRuleConditional(n, act, conds)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func action(a specs.LinuxSeccompAction, errno *uint) (libseccomp.ScmpAction, error) {
	switch {
	case a == specs.ActAllow:
		return libseccomp.ActAllow, nil
	case a == specs.ActKillProcess:
		return libseccomp.ActKillProcess, nil
	case a == specs.ActErrno && errno != nil:
		return libseccomp.ActErrno.SetReturnCode(int16(*errno)), nil
	}
	return 0, fmt.Errorf("action %s", a)
}

// answer is what a filter returns for an action. SECCOMP_RET_LOG is for commands of ioctl(2) alone.
func answer(a specs.LinuxSeccompAction, errno *uint) (uint32, error) {
	switch {
	case a == specs.ActAllow:
		return retAllow, nil
	case a == specs.ActLog:
		return retLog, nil
	case a == specs.ActKillProcess:
		return retKillProcess, nil
	case a == specs.ActErrno && errno != nil:
		return retErrno | uint32(*errno), nil
	}
	return 0, fmt.Errorf("action %s", a)
}

// export returns libseccomp's program. Through a pipe: libseccomp 2.5 cannot export to memory.
func export(filter *libseccomp.ScmpFilter) (prog []bpf.RawInstruction, err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	exported := make(chan error, 1)
	go func() {
		defer w.Close()
		exported <- filter.ExportBPF(w)
	}()
	raw, err := io.ReadAll(r)
	if err := errors.Join(err, <-exported); err != nil {
		return nil, err
	}
	for ; len(raw) >= 8; raw = raw[8:] {
		prog = append(prog, bpf.RawInstruction{
			Op: binary.NativeEndian.Uint16(raw), Jt: raw[2], Jf: raw[3], K: binary.NativeEndian.Uint32(raw[4:]),
		})
	}
	return prog, nil
}

// number resolves a call's name. libseccomp 2.5 answers a call that an architecture lacks with a negative number
// of its own.
func number(name string, arch libseccomp.ScmpArch) (uint32, error) {
	n, err := libseccomp.GetSyscallFromNameByArch(name, arch)
	if err == nil && n < 0 {
		err = errors.New("not a call of the architecture")
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	return uint32(n), nil
}

// CallName is the name of a native call, or empty when libseccomp knows none.
func CallName(n uint32) string {
	name, err := libseccomp.ScmpSyscall(n).GetName()
	if err != nil {
		return ""
	}
	return name
}

// IsCall reports whether libseccomp knows a call of that name.
func IsCall(name string) bool {
	_, err := libseccomp.GetSyscallFromName(name)
	return err == nil
}
