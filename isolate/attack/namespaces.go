package attack

import "golang.org/x/sys/unix"

// namespaces are attacks on namespaces, ids, capabilities and cgroups.
func namespaces() []Check {
	return []Check{
		{
			ID: "N-01", Title: "makes or joins a namespace", Layers: []string{"seccomp"},
			Refs: []string{"CVE-2022-0185"},
			Probes: []Probe{
				{Name: "unshare-mount", Try: func(*Inside) string { return Call(unix.SYS_UNSHARE, unix.CLONE_NEWNS) }, Want: Saw{"EPERM": "seccomp"}, Through: []string{"through"}},
				{Name: "unshare-user", Try: func(*Inside) string { return Call(unix.SYS_UNSHARE, unix.CLONE_NEWUSER) }, Want: Saw{"EPERM": "seccomp"}, Through: []string{"through"}},
				{Name: "clone3", Try: func(*Inside) string { return Call(unix.SYS_CLONE3, nil, 0) }, Want: Saw{"ENOSYS": "seccomp"}},
			},
		},
	}
}
