package advise

// Want is what a message says was wanted.
type Want int

const (
	WantPath Want = iota
	WantEnv
	WantModule
	WantLibrary
	WantMapping // a file mapped executable
	WantHost
	WantSocket // TCP or UDP, to whatever end
	WantProcess
	WantTasks // processes or threads, beyond a limit
	WantMemory
	WantSpace
	WantShm
	WantGPU
	WantFiles
)

// text is one kind of message. The pattern's group "what" is the thing wanted (for a GPU it is an entry of GPUErrors, by number or
// by the name of the row); "why" is the errno: its number, name
// or message. A row without "why" has its errno in the row.
type text struct {
	name    string // of the example in testdata/texts.txtar
	want    Want
	errno   string
	says    string // what a report repeats of the message; nothing that the command chose
	pattern string // RE2; ^ and $ are at lines
}

const quotedPath = `b?['"](?P<what>[^'"\n]+)['"]`

// texts are tried in this order at every place of the tail; of two that match the same thing the first counts. Those of
// GPUErrors come after them.
var texts = []text{
	{"python errno 24", WantFiles, "", "OSError: [Errno 24] Too many open files", `OSError: \[Errno 24\] Too many open files`},
	{"python errno 28 with a path", WantSpace, "", "OSError: [Errno 28] No space left on device", `OSError: \[Errno 28\] No space left on device: ` + quotedPath},
	{"python errno 28", WantSpace, "", "OSError: [Errno 28] No space left on device", `OSError: \[Errno 28\] No space left on device`},
	{"python errno and path", WantPath, "", "", `^(?:\w+\.)*\w+(?:Error|Exception): \[Errno (?P<why>\d+)\] [A-Z][\w -]+: ` + quotedPath},
	{"python script not there", WantPath, "", "", `^\S*python\S*: can't open file ` + quotedPath + `: \[Errno (?P<why>\d+)\]`},
	{"hdf5", WantPath, "", "", `name = '(?P<what>[^'\n]+)', errno = (?P<why>\d+)`},
	{"torch.save", WantPath, "EROFS", "RuntimeError: File … cannot be opened.", `RuntimeError: File (?P<what>\S+) cannot be opened\.`},
	{"torch.save to a missing folder", WantPath, "ENOENT", "RuntimeError: Parent directory … does not exist.", `RuntimeError: Parent directory (?P<what>\S+) does not exist\.`},
	{"node errno and path", WantPath, "", "", `Error: (?P<why>ENOENT|EACCES|EROFS|EPERM): [^\n]+, \w+ '(?P<what>[^'\n]+)'`},
	{"linker output", WantPath, "", "", `^\S*ld(?:\.\w+)?: cannot open output file (?P<what>[^:\n]+): (?P<why>[A-Z][\w -]+)$`},
	{"dash redirection", WantPath, "", "", `^\S+: \d+: cannot (?:create|open) (?P<what>[^:\n]+): (?P<why>[A-Z][\w -]+)$`},
	{"shell line", WantPath, "", "", `^\S+: (?:line )?\d+: (?:exec: )?(?P<what>[^:\n]+): (?P<why>No such file or directory|Permission denied|Read-only file system)$`},
	{"tool and quoted path", WantPath, "", "", `^[\w./+-]+: [a-z' ]+ ['‘](?P<what>[^'’\n]+)['’](?: for reading)?: (?P<why>No such file or directory|Permission denied|Read-only file system)$`},
	{"tool and path", WantPath, "", "", `^[\w./+-]+: ['‘]?(?P<what>[^'’:\n ]+)['’]?: (?:Cannot open: )?(?P<why>No such file or directory|Permission denied|Read-only file system)$`},
	{"perl die", WantPath, "", "", `^[^:\n]*?(?P<what>/[^\s:]+): (?P<why>No such file or directory|Permission denied|Read-only file system) at \S+ line \d+`},

	{"python os.environ", WantEnv, "", "KeyError", `File "(?:<frozen os>|[^"\n]*/os\.py)", line \d+, in __getitem__\n(?:[^\n]*\n){0,3}?KeyError: '(?P<what>\w+)'`},
	{"shell variable", WantEnv, "", "unbound variable", `^\S+: (?:line )?\d+: (?P<what>\w+): (?:unbound variable|parameter not set)$`},

	{"python module", WantModule, "", "ModuleNotFoundError", `ModuleNotFoundError: No module named ['"](?P<what>[\w.]+)['"]`},
	{"python -m", WantModule, "", "No module named …", `^\S*python\S*: No module named (?P<what>[\w.]+)$`},

	{"library", WantLibrary, "", "cannot open shared object file", `(?P<what>[\w./+-]+\.so[\w.]*): cannot open shared object file`},
	{"linker library", WantLibrary, "", "cannot find -l…", `^\S*ld(?:\.\w+)?: cannot find (?P<what>-l\S+?):? No such file or directory$`},
	{"mapping", WantMapping, "", "failed to map segment from shared object", `(?P<what>/[^\s:'"]+): failed to map segment from shared object`},

	{"huggingface offline", WantHost, "", "OfflineModeIsEnabled", `Cannot reach https?://(?P<what>[\w.-]+)[^\n]*offline mode is enabled`},
	{"huggingface cache", WantHost, "", "outgoing traffic has been disabled", `outgoing traffic has been disabled`},
	{"transformers", WantHost, "", "We couldn't connect to …", `couldn't connect to 'https?://(?P<what>[\w.-]+)[^'\n]*' to load`},
	{"urllib3 pool", WantHost, "", "Max retries exceeded", `HTTPS?ConnectionPool\(host='(?P<what>[^'\n]+)', port=\d+\)`},
	{"curl and git", WantHost, "", "Could not resolve host", `Could not resolve host: (?P<what>[\w.-]+)`},
	{"wget", WantHost, "", "unable to resolve host address", `unable to resolve host address ['‘](?P<what>[\w.-]+)['’]`},
	{"node getaddrinfo", WantHost, "", "getaddrinfo ENOTFOUND", `getaddrinfo (?:ENOTFOUND|EAI_AGAIN) (?P<what>[\w.-]+)`},
	{"python gaierror", WantHost, "", "Name or service not known", `\[Errno -[235]\] (?:Name or service not known|Temporary failure in name resolution|No address associated with hostname)`},
	{"requests certificates", WantHost, "", "no TLS CA certificate bundle", `Could not find a suitable TLS CA certificate bundle`},
	{"python errno 97", WantSocket, "EAFNOSUPPORT", "[Errno 97] Address family not supported by protocol", `\[Errno 97\] Address family not supported by protocol`},
	{"node listen", WantSocket, "EAFNOSUPPORT", "listen EAFNOSUPPORT", `Error: listen EAFNOSUPPORT`},

	{"python fork", WantProcess, "EPERM", "PermissionError: [Errno 1] Operation not permitted", `(?:_fork_exec\(|os\.fork\(\)|posix_spawn\()[^\n]*\n(?:[ ^]+\n)?PermissionError: \[Errno 1\] Operation not permitted`},
	{"bash fork", WantProcess, "EPERM", "fork: Operation not permitted", `^\S+: fork: Operation not permitted`},
	{"dash fork", WantProcess, "", "Cannot fork", `^\S+: \d+: Cannot fork`},
	{"python thread", WantTasks, "", "RuntimeError: can't start new thread", `RuntimeError: can't start new thread`},
	{"python errno 11", WantTasks, "", "BlockingIOError: [Errno 11] Resource temporarily unavailable", `(?:fork|spawn|Popen|_launch)[^\n]*\n(?:[ ^]*\n)?BlockingIOError: \[Errno 11\]`},
	{"bash fork retry", WantTasks, "", "fork: Resource temporarily unavailable", `^\S+: fork: (?:retry: )?Resource temporarily unavailable`},
	{"libgomp", WantTasks, "", "libgomp: Thread creation failed", `libgomp: Thread creation failed`},

	{"dataloader", WantShm, "", "DataLoader worker is killed by signal: Bus error", `DataLoader worker \(pid \d+\) is killed by signal: Bus error`},
	{"torch shm", WantShm, "", "unable to write to file </torch_…", `unable to (?:write to file </torch_|allocate shared memory)`},
	{"tool space", WantSpace, "", "No space left on device", `^[a-z/][\w./+-]*: [^\n]*: No space left on device`},
	{"python memory", WantMemory, "", "MemoryError", `^(?:[\w.]+\.)?_?(?:Array)?MemoryError`},
	{"torch memory", WantMemory, "", "DefaultCPUAllocator: can't allocate memory", `DefaultCPUAllocator: can't allocate memory`},
	{"cuda by number", WantGPU, "", "an error of CUDA with a number", `(?:cudaGetDeviceCount\(\)[^\n]*Error|CUDA (?:driver |runtime )?(?:error|failure):?) -?\(?(?P<cuda>\d{1,4})\b|\bcode=(?P<cudart>\d{1,4})\(cuda`},
	{"hip by number", WantGPU, "", "an error of HIP with a number", `(?:hipGetDeviceCount\(\)[^\n]*Error|HIP error:?) -?\(?(?P<hip>\d{1,4})\b`},
}

// errnos are what messages call the errors that a sandbox causes (errno(3)).
func errnos() map[string]string {
	return map[string]string{
		"1": "EPERM", "2": "ENOENT", "13": "EACCES", "30": "EROFS",
		"No such file or directory": "ENOENT", "No such file": "ENOENT", "Directory nonexistent": "ENOENT",
		"Permission denied": "EACCES", "Read-only file system": "EROFS", "Operation not permitted": "EPERM",
		"ENOENT": "ENOENT", "EACCES": "EACCES", "EROFS": "EROFS", "EPERM": "EPERM",
	}
}

// spelt is how a report says an errno.
func spelt() map[string]string {
	return map[string]string{"EPERM": "Operation not permitted", "ENOENT": "No such file or directory", "EACCES": "Permission denied", "EROFS": "Read-only file system"}
}

// hostOf names the host that a library talks to, where its messages do not: a piece of a traceback → host.
var hostOf = []struct{ frame, host string }{
	{"/torch/hub.py", "github.com"},
	{"/huggingface_hub/", "huggingface.co"},
	{"/transformers/", "huggingface.co"},
	{"/diffusers/", "huggingface.co"},
	{"/datasets/", "huggingface.co"},
	{"/timm/", "huggingface.co"},
	{"outgoing traffic has been disabled", "huggingface.co"},
	{"/pip/", "pypi.org"},
	{"/nltk/", "raw.githubusercontent.com"},
}

// servers are pieces of a traceback that show a socket meant for listening.
var servers = []string{"socketserver.py", "http/server.py", "create_server", "start_server", "uvicorn", "gunicorn", "werkzeug", "listen EAFNOSUPPORT", ".bind(", ".listen("}
