package attack

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"
)

// code are attacks that bring code of their own.
func code() []Check {
	return []Check{
		{ID: "S-12", Title: "executes what never was a file of the host", Refs: []string{"memfd_create(2)", "NVIDIA/OpenShell#1696"},
			Layers: []string{"mount", "seccomp"}, Unless: "native_code", Probes: []Probe{
				{Name: "memory-file", Try: func(*Inside) string { return executeMemory() }, Want: Saw{"memfd-EPERM": "seccomp"}, Through: throughOnly},
				{Name: "tmp", Try: func(in *Inside) string { return dropped("/tmp", in.Mark, execute) }, Want: Saw{"EACCES": "mount"}, Through: throughOnly},
				{Name: "tmp-mapped", Try: func(in *Inside) string { return dropped("/tmp", in.Mark, mapExecutable) }, Want: Saw{"EPERM": "mount"}, Through: throughOnly},
			}},
		{ID: "S-13", Title: "executes a program that it dropped where only data belongs", Needs: []string{"subprocess"}, Refs: []string{"mount(2), MS_NOEXEC", "execveat(2)"},
			Layers: []string{"mount", "seccomp", "landlock"}, Probes: []Probe{
				{Name: "shm", Try: func(in *Inside) string { return dropped("/dev/shm", in.Mark, execute) }, Want: Saw{"EACCES": "mount"}, Also: []string{"landlock"}, Through: throughOnly},
				{Name: "shm-by-the-elf-interpreter", Try: func(in *Inside) string { return dropped("/dev/shm", in.Mark, interpret) }, Want: Saw{"not-mapped": "mount", "no-interpreter": "mount"}, Through: throughOnly},
				refused("by-descriptor", "EPERM", unix.SYS_EXECVEAT, -1, "", nil, nil, unix.AT_EMPTY_PATH),
			}},
		{ID: "S-14", Title: "maps a library that came with the model, or one it dropped", Refs: []string{"mmap(2), PROT_EXEC"},
			Layers: []string{"mount"}, Probes: []Probe{
				{Name: "shm", Try: func(in *Inside) string { return dropped("/dev/shm", in.Mark, mapExecutable) }, Want: Saw{"EPERM": "mount"}, Through: throughOnly},
				{Name: "shm-made-executable-later", Try: func(in *Inside) string { return dropped("/dev/shm", in.Mark, protectExecutable) }, Want: Saw{"EACCES": "mount"}, Through: throughOnly},
				{Name: "model", Try: func(in *Inside) string { return mapExecutable(in.modelFile()) }, Want: Saw{"EPERM": "mount"}, Through: throughOnly},
			}},
	}
}

var throughOnly = []string{"through"}

// exitZero is the smallest program of this processor: exit(0).
func exitZero() []byte {
	machine, code := uint16(62), []byte{0x6a, 0x3c, 0x58, 0x31, 0xff, 0x0f, 0x05} // push 60; pop rax; xor edi, edi; syscall
	if runtime.GOARCH == "arm64" {
		machine, code = 183, []byte{0xa8, 0x0b, 0x80, 0xd2, 0, 0, 0x80, 0xd2, 1, 0, 0, 0xd4} // mov x8, 93; mov x0, 0; svc 0
	}
	const base, headers = 0x400000, 64 + 56
	var b bytes.Buffer
	b.WriteString("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	size := uint64(headers + len(code))
	for _, field := range []any{
		uint16(2), machine, uint32(1), uint64(base + headers), uint64(64), uint64(0), uint32(0), uint16(64), uint16(56), uint16(1), uint16(0), uint16(0), uint16(0),
		uint32(1), uint32(5), uint64(0), uint64(base), uint64(base), size, size, uint64(4096), // one segment, read and execute
	} {
		_ = binary.Write(&b, binary.LittleEndian, field)
	}
	b.Write(code)
	return b.Bytes()
}

// dropped writes a program into dir and hands it to try.
func dropped(dir, mark string, try func(string) string) string {
	name := filepath.Join(dir, mark+"-program")
	defer os.Remove(name)
	if err := os.WriteFile(name, exitZero(), 0o755); err != nil {
		return "write-" + Errno(err)
	}
	return try(name)
}

// execute is "through" when the program ran.
func execute(name string) string { return Call(unix.SYS_EXECVE, name, nil, nil) }

func executeMemory() string {
	fd, err := unix.MemfdCreate("selftest", unix.MFD_CLOEXEC)
	if err != nil {
		return "memfd-" + Errno(err)
	}
	f := os.NewFile(uintptr(fd), fmt.Sprint("/proc/self/fd/", fd))
	defer f.Close()
	if _, err := f.Write(exitZero()); err != nil {
		return "write-" + Errno(err)
	}
	return execute(f.Name())
}

// interpret has the ELF interpreter start a copy of a program that lies at name, as if execve were not asked.
func interpret(name string) string {
	for _, ld := range []string{"/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"} {
		program, err := os.ReadFile("/usr/bin/true")
		if err != nil || !exists(ld) {
			continue
		}
		if err := os.WriteFile(name, program, 0o755); err != nil {
			return "write-" + Errno(err)
		}
		err = exec.Command(ld, name).Run()
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return "not-mapped"
		}
		return Errno(err)
	}
	return "no-interpreter"
}

func mapExecutable(name string) string {
	return mapped(name, unix.PROT_READ|unix.PROT_EXEC, func([]byte) error { return nil })
}

func protectExecutable(name string) string {
	return mapped(name, unix.PROT_READ, func(b []byte) error { return unix.Mprotect(b, unix.PROT_READ|unix.PROT_EXEC) })
}

func mapped(name string, protection int, then func([]byte) error) string {
	f, err := os.Open(name)
	if err != nil {
		return "open-" + Errno(err)
	}
	defer f.Close()
	b, err := unix.Mmap(int(f.Fd()), 0, 4096, protection, unix.MAP_PRIVATE)
	if err != nil {
		return Errno(err)
	}
	err = then(b)
	_ = unix.Munmap(b)
	return Errno(err)
}
