//go:build cgo && linux

package seccomp

import (
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	libseccomp "github.com/seccomp/libseccomp-golang"
)

var (
	archs      = map[string]libseccomp.ScmpArch{"amd64": libseccomp.ArchAMD64, "arm64": libseccomp.ArchARM64}
	auditArchs = map[string]uint32{"amd64": auditAMD64, "arm64": auditARM64}
)

// compiled is a profile as the kernel gets it.
type compiled struct {
	Program
	machine
	arch    string
	size    int
	highest uint32 // the highest number the profile names
}

func compile(t testing.TB, p *specs.LinuxSeccomp, arch string) compiled {
	t.Helper()
	prog, err := Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	c := compiled{Program: prog, machine: newMachine(t, prog.Plain), arch: arch, size: len(prog.Plain)}
	for _, s := range p.Syscalls {
		for _, name := range s.Names {
			c.highest = max(c.highest, numberOf(t, name, arch))
		}
	}
	return c
}

func (c compiled) call(t testing.TB, name string, args ...uint64) string {
	t.Helper()
	d := Data{Arch: auditArchs[c.arch], Number: numberOf(t, name, c.arch)}
	copy(d.Args[:], args)
	return c.run(d)
}

func numberOf(t testing.TB, name, arch string) uint32 {
	t.Helper()
	n, err := number(name, archs[arch])
	if err != nil {
		t.Fatalf("%s is no call of %s: %v", name, arch, err)
	}
	return n
}

func exists(name, arch string) bool {
	_, err := number(name, archs[arch])
	return err == nil
}
