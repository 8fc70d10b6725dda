package advise

// page explains a kind of obstacle. {} stands for the thing.
type page struct {
	tried   string
	layer   string
	why     string
	options []string // names of remedies, what costs least first; none: nothing permits it
	instead string   // what else to do, or why nothing permits it
	weight  int      // how likely it is the reason for a failure, compared with other obstacles
}

// pages has a row for every Kind; a test holds that.
func pages() map[Kind]page {
	return map[Kind]page{
		PathOutside: {tried: "use {}", layer: "mount", why: "it is on the host and does not exist inside: only what the command needs is visible",
			options: []string{"read"}, instead: "a model is better named with --model: it is validated first", weight: 80},
		PathSecret: {tried: "use {}", layer: "mount", why: "it is on the host, where credentials or the user's own affairs are kept",
			instead: "not proposed: give the command a copy of the one file it needs, from a folder of its own, with --ro", weight: 80},
		PathWithheld: {tried: "use {}", layer: "validation", why: "it belongs to the model, and validation did not admit it: inside, exactly the admitted files exist",
			options: []string{"remote-code"}, instead: "the report's findings and the withheld files say why; code of a model is safer replaced by a library's own class", weight: 90},
		PathNowhere: {tried: "use {}", layer: "none", why: "it exists neither inside nor on the host",
			instead: "this is no work of the sandbox: look at the command's own arguments", weight: 20},
		PathReadOnly: {tried: "write {}", layer: "mount", why: "everything of the host is read-only inside",
			options: []string{"output", "write"}, instead: "/tmp and /dev/shm are writable, and go with the box", weight: 80},
		PathSystem: {tried: "write {}", layer: "mount", why: "it is part of the system or of the user's settings, and everything of the host is read-only inside",
			instead: "not proposed: what is written there is run by others. Let the command write to /tmp, or below --output DIR", weight: 80},
		PathNoExec: {tried: "run or load {} as native code", layer: "mount", why: "/tmp is noexec under this policy",
			options: []string{"native"}, weight: 85},
		PathInert: {tried: "run or load {} as native code", layer: "mount", why: "only the interpreter's, the environment's and the system's folders hold native code inside (noexec, Landlock)",
			instead: "install it into the virtual environment that the command uses; give a script to its interpreter (sh run.sh); or copy it to /tmp, where native_code permits it", weight: 85},
		PathForeign: {tried: "use {}", layer: "user", why: "it is visible, and its permission bits keep it to its owner; the command runs as another user",
			instead: "chmod it, or name it itself with --ro: what is named is shown as the command's own", weight: 70},
		EnvNotPassed: {tried: "read the variable {}", layer: "environment", why: "the caller has it, and it is not on the list of names that pass",
			options: []string{"env"}, weight: 80},
		EnvSecret: {tried: "read the variable {}", layer: "environment", why: "the caller has it, and its name says that it is a credential: no list passes those",
			options: []string{"env"}, instead: "THIS IS A SECRET: a hostile model would take it. Give a token that can read one thing and expires soon, or do the download outside", weight: 80},
		EnvRefused: {tried: "read the variable {}", layer: "environment", why: "it steers what every program inside loads, or which GPU it uses; not even --env passes it",
			instead: "install the library where the loader finds it, or set the variable in the command: -- env NAME=… command", weight: 80},
		EnvNowhere: {tried: "read the variable {}", layer: "none", why: "the caller does not have it either",
			instead: "--env {}=VALUE sets it", weight: 60},
		ModuleOutside: {tried: "import {}", layer: "mount", why: "the caller's Python has it in a folder that is not visible inside",
			options: []string{"module"}, instead: "a virtual environment is found and mounted whole", weight: 80},
		ModuleNowhere: {tried: "import {}", layer: "none", why: "it was found in none of the folders that the caller's Python would search, as far as can be told without running it",
			instead: "install it into the interpreter or the virtual environment that the command uses", weight: 60},
		LibraryOutside: {tried: "load the library {}", layer: "mount", why: "the host has it outside the folders that are visible inside",
			instead: "what --ro shows cannot be loaded (noexec): install the library into the system's folders or the environment's", weight: 80},
		LibraryNowhere: {tried: "load the library {}", layer: "none", why: "it was not found on the host's usual folders either",
			instead: "install the package that has it", weight: 50},
		Host: {tried: "reach {} over the network", layer: "net", why: "the box has no network but its own loopback",
			options: []string{"model", "host"}, instead: "download the model outside, name it with --model, and give its path to the command", weight: 85},
		HostRefused: {tried: "reach {} over the network", layer: "net", why: "the proxy permits only the hosts that the policy and --net allow: name",
			options: []string{"host"}, weight: 85},
		HostNever: {tried: "reach {} over the network", layer: "net", why: "the proxy permits public hosts by name only",
			instead: "addresses, this machine's own services and private networks are never permitted through the proxy", weight: 85},
		Listen: {tried: "serve on port {}", layer: "seccomp", why: "sockets other than AF_UNIX are refused in a box without a network",
			options: []string{"publish"}, weight: 85},
		Process: {tried: "start another process", layer: "seccomp", why: "the policy restricts subprocess",
			options: []string{"process"}, instead: "a DataLoader with num_workers=0 needs none", weight: 90},

		GPU: {tried: "use a GPU", layer: "mount", why: "no GPU was asked for, so that none exists inside",
			options: []string{"gpu"}, instead: "run on the CPU: device='cpu', map_location='cpu'; loadlock explain {} explains the message", weight: 75},
		GPUAbsent: {tried: "use a GPU", layer: "none", why: "it was asked for as optional, and this host has none that can be granted",
			instead: "loadlock doctor --gpu says what is missing; gpu.mode: required in the policy refuses such a run before it starts", weight: 75},
		GPUFailed: {tried: "use the GPU that was granted ({})", layer: "none", why: "the driver's own library reported it",
			instead: "loadlock explain {} has the causes, the most likely first; loadlock doctor --gpu --probe looks for them", weight: 75},
		GPURefused: {tried: "use the GPU that was granted ({})", layer: "seccomp or mount", why: "the driver's own library reported it, as it does where it lacks a command of ioctl or a file of /sys",
			options: []string{"sysfs", "commands"}, instead: "first loadlock explain {}, and loadlock doctor --gpu --probe: other causes are more likely", weight: 75},
		GPUMemory: {tried: "have more of the GPU's memory", layer: "none", why: "the GPU, or its limit for this run, was full",
			options: []string{"gpu-memory"}, instead: "a smaller batch or half precision needs less; loadlock explain {}", weight: 85},
		GPUBuild: {tried: "use a GPU with a framework that was built without", layer: "none", why: "this PyTorch has no code for any GPU: no flag and no policy changes that",
			instead: "install a build with CUDA or ROCm into the command's virtual environment, or run on the CPU; loadlock explain {}", weight: 85},
		GPUWarning: {tried: "use a GPU", layer: "none", why: "the command warned of it and went on without",
			instead: "loadlock explain {} explains the warning", weight: 40},

		Memory: {tried: "use more memory than {}", layer: "cgroup", why: "the kernel ended it at the limit",
			options: []string{"memory"}, weight: 100},
		Pids: {tried: "have more than {} processes and threads", layer: "cgroup", why: "the kernel refused forks at the limit",
			options: []string{"pids"}, instead: "OMP_NUM_THREADS=1 or fewer workers need fewer threads", weight: 95},
		Shm: {tried: "put more than {} into /dev/shm", layer: "mount", why: "shared memory is limited; a write beyond it is a bus error",
			options: []string{"shm"}, instead: "smaller batches, fewer workers or a smaller prefetch_factor need less", weight: 95},
		Tmp: {tried: "put more than {} into /tmp", layer: "mount", why: "/tmp inside is memory, and limited",
			options: []string{"tmp"}, instead: "write large results to --output DIR", weight: 90},
		Space: {tried: "write more than {} hold", layer: "mount", why: "/tmp and /dev/shm inside are memory, and limited; the message does not say which was full",
			options: []string{"tmp", "shm"}, instead: "write large results to --output DIR", weight: 90},
		Timeout: {tried: "run for more than {}", layer: "time limit", why: "the time limit passed",
			options: []string{"timeout"}, instead: "a command that waits for something refused looks like this, too: see the refused calls", weight: 70},
		CPUTime: {tried: "compute for more than {}", layer: "limits", why: "the kernel ended it when its CPU time was used up",
			options: []string{"cpu"}, weight: 100},
		Files: {tried: "have more open files", layer: "limits", why: "RLIMIT_NOFILE is at most 65536 inside, and never more than the caller's",
			instead: "raise the caller's own: ulimit -n", weight: 60},
		Allocation: {tried: "allocate memory", layer: "none", why: "the kernel refused one allocation outright: it is larger than this machine could ever give; no limit of the box was met",
			instead: "look for a size that a file decides", weight: 60},
		ForeignABI: {tried: "make a 32-bit or x32 system call", layer: "seccomp", why: "only the native ABI has a filter that can be checked; any other call ends the process",
			instead: "nothing permits it: a program for x86-64 or arm64 never does this by itself", weight: 100},
	}
}
