package gpu

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// userSpace are the driver's libraries that CUDA needs and their sonames; "" is one that carries the version. Wheels bring
// the rest (cuDNN, cuBLAS, NVRTC). libcudadebugger, graphics and video are left out.
var userSpace = []struct{ name, soname string }{
	{"libcuda", "libcuda.so.1"},
	{"libnvidia-ml", "libnvidia-ml.so.1"},
	{"libnvidia-ptxjitcompiler", "libnvidia-ptxjitcompiler.so.1"},
	{"libnvidia-nvvm", "libnvidia-nvvm.so.4"},
	{"libnvidia-nvvm70", "libnvidia-nvvm70.so.4"},
	{"libnvidia-gpucomp", ""},
	{"libnvidia-tileiras", ""},
}

// libraryFolders are searched where ld.so.cache does not name a library.
var libraryFolders = []string{
	"/usr/lib64", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/lib64", "/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu",
	"/usr/lib64/nvidia", "/usr/lib/x86_64-linux-gnu/nvidia/current", "/usr/lib/aarch64-linux-gnu/nvidia/current",
	"/usr/lib", "/run/opengl-driver/lib",
}

// libraries finds the driver's libraries as the loader would, all beside libcuda. What it finds of another version than
// the kernel module's is a problem, since user space and module only speak with their equals.
func (s *search) libraries(module string) []Library {
	var cache []cached
	if raw, err := s.text("/etc/ld.so.cache", maxCache); err == nil {
		if cache, err = parseCache([]byte(raw)); err != nil {
			s.problem(NVIDIA, "", err.Error(), "run ldconfig as root")
			return nil
		}
	}
	first := s.library("libcuda.so.1", cache)
	if first == "" {
		s.problem(NVIDIA, "", "libcuda.so.1 is not installed", fmt.Sprintf("install the driver's libraries of version %s, and run ldconfig", module))
		return nil
	}
	for _, soname := range []string{"libcuda.so.1", "libnvidia-ml.so.1"} {
		file := s.library(soname, cache)
		if file == "" {
			continue // NVML is not needed for CUDA
		}
		_, has, _ := strings.Cut(path.Base(file), ".so.")
		if has != module {
			s.problem(NVIDIA, "", fmt.Sprintf("the kernel module is version %s, but %s is %s", module, soname, plain(file)),
				"reboot, or load the module of the installed version: unload nvidia_uvm and nvidia, then modprobe nvidia")
			return nil
		}
	}
	var out []Library
	names, _ := s.list(path.Dir(first))
	for _, l := range userSpace {
		file := fmt.Sprintf("%s.so.%s", l.name, module)
		at := path.Join(path.Dir(first), file)
		if real, err := s.real(at); !slices.Contains(names, file) || err != nil || real != at {
			continue
		}
		soname := l.soname
		if soname == "" {
			soname = file
		}
		out = append(out, Library{Soname: soname, Path: at, Version: module})
	}
	return out
}

// library is the file that a soname leads to, without links; "" when there is none.
func (s *search) library(soname string, cache []cached) string {
	var candidates []string
	for _, c := range cache {
		if c.soname == soname {
			candidates = append(candidates, c.path)
		}
	}
	for _, dir := range libraryFolders {
		candidates = append(candidates, path.Join(dir, soname))
	}
	for _, c := range candidates {
		if file, err := s.real(c); err == nil {
			return file
		}
	}
	return ""
}
