package attack

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// sysctls are values of the kernel that payloads try to change.
var sysctls = []string{
	"kernel/core_pattern", "kernel/modprobe", "kernel/hostname", "kernel/domainname", "kernel/sysrq", "kernel/yama/ptrace_scope",
	"kernel/randomize_va_space", "vm/overcommit_memory", "vm/drop_caches", "fs/suid_dumpable", "user/max_user_namespaces",
}

// hostState is what must be the same before and after, by name. It holds what the payloads try to change, and nothing
// that changes on a busy machine by itself.
func (h *Host) hostState() map[string]string {
	s := map[string]string{}
	for _, name := range sysctls {
		s["sysctl "+name] = readSmall("/proc/sys/" + name)
	}
	s["marker file"] = readSmall(h.Secret)
	s["model file"] = readSmall(filepath.Join(h.Model, "model.safetensors"))
	s["program"] = identity(h.Program)
	s["marker process"] = fmt.Sprint(h.markerIsThere())
	s["connections to the listeners"] = fmt.Sprint(h.Heard())
	s["mounts that carry the mark"] = withMark(readSmall("/proc/self/mountinfo"), h.Mark)
	s["names in /dev/shm that carry the mark"] = named("/dev/shm/*", h.Mark)
	s["names in /tmp that carry the mark"] = named("/tmp/*", h.Mark)
	s["names in the canary folder"] = named(h.Dir+"/*", "")
	return s
}

// identity is what changes when somebody writes to a file.
func identity(name string) string {
	var st unix.Stat_t
	if err := unix.Stat(name, &st); err != nil {
		return err.Error()
	}
	return fmt.Sprint(st.Dev, st.Ino, st.Size, st.Mtim, st.Ctim)
}

func withMark(text, mark string) string {
	var out []string
	for l := range strings.Lines(text) {
		if strings.Contains(l, mark) {
			out = append(out, l)
		}
	}
	return strings.Join(out, "")
}

func named(pattern, mark string) string {
	list, _ := filepath.Glob(pattern)
	return withMark(strings.Join(list, "\n")+"\n", mark)
}

// Changed says what on the host is not as it was when the canaries were put up.
func (h *Host) Changed() (out []string) {
	after := h.hostState()
	for name, before := range h.state {
		if now := after[name]; now != before {
			out = append(out, fmt.Sprintf("%s: %q, was %q", name, now, before))
		}
	}
	return append(out, h.survivors(h.Mark)...)
}

// survivors are processes that have the words in their arguments and are neither the marker nor ours: a payload's task
// is there, with the mark, and what it forks has the same ones.
func (h *Host) survivors(words ...string) (out []string) {
	list, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, name := range list {
		pid := filepath.Base(filepath.Dir(name))
		args := readSmall(name)
		if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(args, w) }) && pid != fmt.Sprint(os.Getpid()) && pid != fmt.Sprint(h.PID) {
			out = append(out, "process "+pid+" of a payload is still there")
		}
	}
	return out
}
