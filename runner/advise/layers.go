package advise

// LayerPage is what a person wants to know about a layer beside its one sentence.
type LayerPage struct {
	Stops    string // what gets through without it
	See      string // how to see it at work
	Weakened string // how a policy weakens it, and what that costs
}

// Layers has a page for every layer of package isolate, by its name; a test holds that.
func Layers() map[string]LayerPage {
	return map[string]LayerPage{
		"user": {"root inside being root outside: the command's user and its id 0 are ids of the host that own nothing",
			"loadlock run -- cat /proc/self/uid_map", "optional_layers: [user]: what runs as root stays root where it touches the host"},
		"mount": {"reading your home folder, keys and other models; changing the files of the host; running programs it brought",
			"loadlock run -- cat /proc/self/mounts; loadlock run --dry-run -- COMMAND prints the plan", "--ro PATH shows one path more, --rw PATH (restricted_operations without file_write) makes it writable; native_code makes /tmp executable"},
		"pid": {"seeing, signalling and tracing the processes of the host; surviving the end of the box",
			"loadlock run -- ls /proc", "optional_layers: [pid]: processes of the host are visible, and a survivor must be found by its cgroup"},
		"net": {"reaching any host, this machine's own services and the cloud's metadata",
			"loadlock run -- cat /proc/net/dev", "network: allow with network_hosts reaches these hosts through a proxy; network: host removes the layer: the command can send everything it reads to anybody"},
		"ipc": {"reading other programs' System V shared memory and queues", "loadlock run -- ls -l /proc/self/ns/ipc", "optional_layers: [ipc]: shared memory of the host's databases and desktops is in reach"},
		"uts": {"learning and changing the host's name", "loadlock run -- uname -n", "optional_layers: [uts]: the host's name is visible; little is lost"},
		"cgroup": {"taking all memory, all processes, all CPU time of the machine; it also counts what was used",
			"the summary's peak memory; loadlock run --memory 64M -- COMMAND", "larger memory_limit_mb, pids_limit and cpus; optional_layers: [cgroup]: a bomb takes the machine down"},
		"limits": {"core dumps (which start a program of the host where kernel.core_pattern says so), locked memory, queues, descriptors, endless computing",
			"loadlock run -- cat /proc/self/limits", "cpu_time_seconds; optional_layers: [limits]: a crash may start the host's crash handler on the command's memory"},
		"capabilities": {"every call of the kernel that asks for a capability: mounting, raw sockets, loading modules",
			"loadlock run -- grep Cap /proc/self/status", "no policy gives a capability; optional_layers: [capabilities] tolerates a host that cannot drop them"},
		"no_new_privs": {"gaining privileges from a set-user-id program", "loadlock run -- grep NoNewPrivs /proc/self/status", "optional_layers: [no_new_privs]: a set-user-id program inside would run with its owner's rights in the box"},
		"landlock": {"reading, writing and executing outside the plan even where a mount would let it: a second wall with code of its own",
			"loadlock run -- sh -c 'cp /bin/true /dev/shm; /dev/shm/true'", "optional_layers: [landlock]: one mistake in the mounts is then enough"},
		"seccomp": {"some 250 system calls that a model load does not need: most published escapes from containers begin with one of them",
			"loadlock run -- grep Seccomp /proc/self/status; loadlock explain CALL for one call", "restricted_operations without network_access, subprocess or native_code adds the calls of that block; optional_layers: [seccomp]: the whole kernel is in reach"},
	}
}
