package attack

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// proc are attacks on /proc, and on what the kernel tells there.
func proc() []Check {
	setting := Saw{"EACCES": "user", "EROFS": "mount"} // whose file it is, is asked first
	set := func(name, file string) Probe {
		return Probe{Name: name, Try: func(*Inside) string { return Write("/proc/" + file) }, Want: setting, Through: []string{"through"}}
	}
	masked := func(name string) Probe {
		return Probe{Name: name, Try: func(*Inside) string { return Read("/proc/" + name) }, Want: Saw{"empty": "mount", "ENOENT": "mount"}, Through: []string{"through"}}
	}
	return []Check{
		{
			ID: "P-01", Title: "changes settings of the kernel that start programs on the host", Layers: []string{"mount", "user"}, Refs: []string{"CVE-2022-0492"},
			Probes: []Probe{set("core-pattern", "sys/kernel/core_pattern"), set("hostname", "sys/kernel/hostname"), set("drop-caches", "sys/vm/drop_caches"),
				set("randomize", "sys/kernel/randomize_va_space")},
		},
		{
			ID: "P-02", Title: "reads what the kernel tells about itself and the hardware", Layers: []string{"mount"}, Refs: []string{"CVE-2020-8694"},
			Probes: []Probe{masked("kallsyms"), masked("interrupts"), masked("iomem"), masked("vmallocinfo"),
				{Name: "others", Try: maskedFiles, Want: Saw{"empty": "mount"}, Through: []string{"through"}},
				notThere("firmware", func(*Inside) string { return list("/sys/firmware") })},
		},
		{
			ID: "P-03", Title: "looks into processes of the host", Layers: []string{"pid"},
			Probes: []Probe{
				{Name: "environment", Try: func(in *Inside) string { return ofMarker(in, "environ") }, Want: Saw{"ENOENT": "pid", "another": "pid"}, Through: []string{"through"}},
				{Name: "command-line", Try: func(in *Inside) string { return ofMarker(in, "cmdline") }, Want: Saw{"ENOENT": "pid", "another": "pid"}, Through: []string{"through"}},
			},
		},
		{
			ID: "P-04", Title: "crashes, to leave a core file or to start the host's helper", Layers: []string{"limits"}, Needs: []string{"subprocess", "core-file"}, WithoutNeeds: []string{"core-limit"}, Refs: []string{"core(5)"},
			Probes: []Probe{{Name: "crash", Try: crash, Want: Saw{"no-core": "limits"}, Through: []string{"through"}}},
		},
		{
			ID: "P-05", Title: "has the host's OOM killer take others first", Layers: []string{"capabilities"}, Refs: []string{"proc_pid_oom_score_adj(5)"},
			WithoutNeeds: []string{"cap_sys_resource"},
			Probes:       []Probe{{Name: "oom-score", Try: lessOOM, Want: Saw{"EACCES": "capabilities"}, Through: []string{"through"}}},
		},
		{
			ID: "P-06", Title: "names its threads, as CUDA does, and maps ids", Layers: []string{"user"},
			NoWithout: "the map of the host's own user namespace is as closed as the box's (user_namespaces(7))",
			Probes: []Probe{
				{Name: "comm", Try: func(*Inside) string { return Errno(os.WriteFile("/proc/thread-self/comm", []byte("worker"), 0)) }, Want: Saw{"through": ""}, Benign: true},
				{Name: "setgroups", Try: func(*Inside) string { return Errno(os.WriteFile("/proc/self/setgroups", []byte("allow"), 0)) }, Want: Saw{"EPERM": "user", "EACCES": "user"}},
			},
		},
		{
			ID: "P-07", Title: "overwrites the program that runs as pid 1", Layers: []string{"user", "mount"}, Refs: []string{"CVE-2019-5736"},
			NoWithout: "a program that runs is not written to, with or without us (ETXTBSY)",
			Probes: []Probe{
				{Name: "own", Try: func(*Inside) string { return Write("/proc/self/exe") }, Want: Saw{"EACCES": "user", "EROFS": "mount", "ETXTBSY": "mount"}},
				{Name: "pid1", Try: func(*Inside) string { return Write("/.loadlock/pid1") }, Want: Saw{"EACCES": "user", "EROFS": "mount", "ETXTBSY": "mount"}},
				{Name: "beside", Try: func(in *Inside) string { return create("/.loadlock/" + in.Mark) }, Want: Saw{"EROFS": "mount", "EACCES": "user"}},
				{Name: "unchanged", Look: func(h *Host, _ Ended) string {
					if identity(h.Program) != h.state["program"] {
						return "changed"
					}
					return "same"
				}, Want: Saw{"same": ""}},
			},
		},
		{
			ID: "P-08", Title: "reads the kernel's log", Layers: []string{"seccomp", "mount"},
			Probes: []Probe{
				refused("syslog", "EPERM", unix.SYS_SYSLOG, 10, nil, 0),
				notThere("kmsg", func(*Inside) string { return there("/dev/kmsg") }),
			},
		},
	}
}

// maskedFiles reads what only some kernels have.
func maskedFiles(*Inside) string {
	for _, name := range []string{"acpi", "asound", "kcore", "keys", "latency_stats", "timer_list", "timer_stats", "sched_debug", "scsi", "ioports", "modules", "config.gz", "kpagecount", "kpageflags"} {
		saw := Read("/proc/" + name)
		if saw == "EISDIR" {
			saw = list("/proc/" + name)
		}
		if saw == "through" {
			return saw
		}
	}
	return "empty"
}

// ofMarker reads a file of the marker process. The box may have a process of that number too.
func ofMarker(in *Inside, name string) string {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", in.PID, name))
	switch {
	case err != nil:
		return Errno(err)
	case strings.Contains(string(raw), in.markerMark()):
		return "through"
	}
	return "another"
}

// markerMark is what only the marker process has in its environment and arguments.
func (c Canary) markerMark() string { return "marker-" + c.Mark }

// crash has a child die of a fault where it may write, and looks for the core file.
func crash(in *Inside) string {
	dir := filepath.Join("/tmp", in.Mark+"-crash")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return Errno(err)
	}
	defer os.RemoveAll(dir)
	cmd := exec.Command("/bin/sh", "-c", "ulimit -c unlimited 2>/dev/null; kill -SEGV $$")
	cmd.Dir = dir
	if err := cmd.Run(); cmd.ProcessState == nil {
		return Errno(err)
	}
	if left, _ := filepath.Glob(dir + "/core*"); len(left) > 0 {
		return "through"
	}
	return "no-core"
}

// lessOOM lowers the payload's own score by one, and restores it.
func lessOOM(*Inside) string {
	const file = "/proc/self/oom_score_adj"
	was, err := os.ReadFile(file)
	if err != nil {
		return Errno(err)
	}
	if err := os.WriteFile(file, []byte("-1000"), 0); err != nil {
		return Errno(err)
	}
	return Errno(os.WriteFile(file, was, 0))
}
