package policy

// key is one row of the table: everything the product knows about one key of a policy file.
type key struct {
	name  string // "timeout_seconds"; "scan.max_files" is max_files inside the mapping scan
	doc   string // one sentence, for the schema and the manual
	value value
}

const (
	mib16TiB = 16 << 20       // MiB in 16 TiB: more memory than a machine has
	days30   = 30 * 24 * 3600 // seconds
)

// keys is the table. Its order is the order in which values are applied and printed: allow_remote_code before
// remote_code and sandbox_required before optional_layers, which refine them.
//
// Names up to memory_limit_mb are the seed's where the seed has one. Minima are one where zero would mean that
// nothing can run; where zero is a sensible "none of it", it is accepted.
var keys = []key{
	{"version", "Version of this format.", version{}},
	{"name", "Name of the policy in reports.", text{at: func(p *Policy) *string { return &p.Name }, check: checkName, pattern: namePattern}},
	{"description", "What the policy is for.", text{at: func(p *Policy) *string { return &p.Description }, check: anyText}},
	{"extends", "Template whose values hold for the keys that are not set; safe if absent.", extends{}},

	{"trusted_sources", "Model references that are trusted: org/name, or org/* for all of an organisation.",
		set{at: func(p *Policy) *[]string { return &p.TrustedSources }, sense: permits, what: "references", check: checkSource, covers: sourceCovers, pattern: sourcePattern,
			weak: func(s string) string { return "models from " + s + " count as trusted" }}},
	{"trusted_domains", "Hosts that models may come from; a domain covers what is below it.",
		set{at: func(p *Policy) *[]string { return &p.TrustedDomains }, sense: permits, what: "host names", check: checkDomain, covers: domainCovers, pattern: domainPattern,
			weak: func(s string) string { return "models from the host " + s + " count as trusted" }}},
	{"blocked_domains", "Hosts that models may never come from; beats trusted_domains.",
		set{at: func(p *Policy) *[]string { return &p.BlockedDomains }, sense: forbids, what: "host names", check: checkDomain, pattern: domainPattern}},

	{"allow_remote_code", "Whether Python that comes with a model may exist inside the sandbox, once scanned and cleared.", allowRemoteCode{}},
	{"remote_code", "What happens to Python that comes with a model when it is not allowed: refuse the model, or withhold the files.", remoteCode{}},
	{"unclaimed", "What happens to files that no scanner understands: inconclusive verdict, withhold inert kinds, or unsafe_admit.",
		word[Unclaimed]{at: func(p *Policy) *Unclaimed { return &p.Unclaimed }, words: []string{"inconclusive", "withhold", "unsafe_admit"},
			weak: []string{"", "inert files that no scanner understands are withheld instead of refused", "files that no scanner understands are visible inside"}}},
	{"allowed_file_extensions", "The only file extensions a model may have; empty: any, since content decides.",
		set{at: func(p *Policy) *[]string { return &p.AllowedExtensions }, sense: restrictsTo, what: "file extensions", check: checkExtension, pattern: extensionPattern}},
	{"allowed_globals", "Names that a model's own pickles may use, and what they may do with each.", allowedGlobals{}},
	{"waivers", "Findings that are accepted, each by rule and SHA-256 of the file.", waivers{}},
	{"unsafe_unknown_globals", "Admit pickle names that nobody vetted; known-dangerous ones stay refused.",
		boolean{at: func(p *Policy) *bool { return &p.UnsafeUnknownGlobals }, weak: "pickles may use names that nobody vetted"}},
	{"unsafe_admit_rejected", "Run the command although validation refused the model; the verdict is still reported.",
		boolean{at: func(p *Policy) *bool { return &p.UnsafeAdmitRejected }, weak: "the command runs although validation refused the model"}},
	{"require_model", "Refuse to run a command without --model.",
		boolean{at: func(p *Policy) *bool { return &p.RequireModel }, tight: true, weak: "a command runs without a model that was validated"}},
	{"scan_script", "Analyse the script that the command runs, and refuse it unless it is cleared.",
		boolean{at: func(p *Policy) *bool { return &p.ScanScript }, tight: true, weak: "the script that runs is not analysed"}},

	{"model_files", "What keeps the large files of a model from changing between the scan and the load: private copies of them, only what makes a change impossible, or the best there is for each file.",
		word[ModelFiles]{at: func(p *Policy) *ModelFiles { return &p.ModelFiles }, words: []string{"copied", "unchangeable", "held"},
			weak: []string{"", "", "large files of a model may be kept by an identity check only"}}},

	{"max_file_size_mb", "Largest file of a model, in MiB.", integer{at: func(p *Policy) *int64 { return &p.Scan.MaxFileSizeMB }, min: 1, max: mib16TiB}},
	{"scan.max_files", "Most entries of a model folder.", integer{at: func(p *Policy) *int64 { return &p.Scan.MaxFiles }, min: 1, max: 10_000_000}},
	{"scan.max_depth", "Deepest nesting of folders, and of archives.", integer{at: func(p *Policy) *int64 { return &p.Scan.MaxDepth }, min: 1, max: 1000}},
	{"scan.max_entries", "Most archive members over the whole model; 0: no archives.", integer{at: func(p *Policy) *int64 { return &p.Scan.MaxEntries }, max: 100_000_000}},
	{"scan.max_expanded_mb", "Most bytes produced by decompression over the whole model, in MiB; 0: no compression.", integer{at: func(p *Policy) *int64 { return &p.Scan.MaxExpandedMB }, max: mib16TiB}},
	{"scan.max_pickle_ops", "Most pickle opcodes over the whole model; 0: no pickles.", integer{at: func(p *Policy) *int64 { return &p.Scan.MaxPickleOps }, max: 1_000_000_000_000}},
	{"scan.max_scan_seconds", "Longest time for the whole scan, in seconds.", integer{at: func(p *Policy) *int64 { return &p.Scan.MaxScanSeconds }, min: 1, max: days30}},
	{"scan.max_private_mb", "Most bytes of small files copied for a run, in MiB.", integer{at: func(p *Policy) *int64 { return &p.Scan.MaxPrivateMB }, min: 1, max: 1 << 20}},
	{"scan.max_copied_mb", "Most bytes of large files copied for a run, where model_files or --copy-model asks for it, in MiB; 0: none.", integer{at: func(p *Policy) *int64 { return &p.Scan.MaxCopiedMB }, max: mib16TiB}},
	{"scan.max_header_size_mb", "Largest header or text file that is held in memory to be judged, in MiB.", integer{at: func(p *Policy) *int64 { return &p.Scan.MaxHeaderSizeMB }, min: 1, max: 16 << 10}},

	{"restricted_operations", "What the sandbox forbids; what is not listed is permitted.", restricted{}},
	{"sandbox_required", "Whether every layer of the sandbox must be in force; false: none has to be.", sandboxRequired{}},
	{"optional_layers", "Layers of the sandbox that may be missing.",
		optionalLayers{set{at: func(p *Policy) *[]string { return &p.Sandbox.UnsafeOptional }, sense: permits, what: "layers", words: layerNames,
			weak: func(s string) string { return "the layer " + s + " may be missing" }}}},
	{"network", "Network of the workload: none (loopback only), allow (the hosts in network_hosts through a proxy, TLS only), or host.",
		networkKind{word[Network]{at: func(p *Policy) *Network { return &p.Sandbox.Network }, words: []string{"none", "allow", "host"},
			weak: []string{"", "the workload speaks TLS to the hosts in network_hosts", "the workload shares the host's network: it reaches every service that this machine reaches"}}}},
	{"network_hosts", "Hosts that network: allow permits: HOST, *.DOMAIN for what is below it, each with :PORT unless that is 443.", networkHosts{hostSet}},
	{"network_upload_mb", "Most bytes that a run sends through the proxy, in MiB.", integer{at: func(p *Policy) *int64 { return &p.Sandbox.NetLimits.UploadMB }, min: 1, max: mib16TiB}},
	{"network_download_mb", "Most bytes that a run receives through the proxy, in MiB.", integer{at: func(p *Policy) *int64 { return &p.Sandbox.NetLimits.DownloadMB }, min: 1, max: mib16TiB}},
	{"network_connections", "Most connections through the proxy at the same time; more wait.", integer{at: func(p *Policy) *int64 { return &p.Sandbox.NetLimits.Connections }, min: 1, max: 1024}},
	{"network_idle_seconds", "Longest time that a connection through the proxy is silent, in seconds.", integer{at: func(p *Policy) *int64 { return &p.Sandbox.NetLimits.IdleSec }, min: 1, max: days30}},
	{"network_connection_seconds", "Longest life of a connection through the proxy, in seconds.", integer{at: func(p *Policy) *int64 { return &p.Sandbox.NetLimits.ConnectionSec }, min: 1, max: days30}},
	{"publish", "Where --publish may make a server inside reachable: none, loopback (this machine only), or any address of the host.",
		word[Publish]{at: func(p *Policy) *Publish { return &p.Sandbox.Publish }, words: []string{"none", "loopback", "any"},
			weak: []string{"", "servers inside may be reachable from this machine with --publish", "servers inside may be reachable from other machines with --publish"}}},
	{"terminal", "Control sequences of the command that reach the user's terminal: filtered (those that only draw) or passthrough (all).",
		word[Terminal]{at: func(p *Policy) *Terminal { return &p.Terminal }, words: []string{"filtered", "passthrough"},
			weak: []string{"", "the command's control sequences reach your terminal unfiltered: it can set the title, read and write the clipboard, and make the terminal type commands for the shell that comes after"}}},
	{"loopback_tcp", "Whether processes of the workload may talk TCP to each other on the box's own loopback, as torch.distributed does.",
		boolean{at: func(p *Policy) *bool { return &p.Sandbox.LoopbackTCP }, weak: "processes inside may talk TCP to each other on a loopback of their own"}},
	{"gpu.mode", "Whether a run gets a GPU without --gpu: none, optional (one that devices permits, or none if there is none), or required (one, or the run is refused).",
		gpuMode{word[GPUMode]{at: func(p *Policy) *GPUMode { return &p.Sandbox.GPU.Mode }, words: []string{"none", "optional", "required"}}}},
	{"gpu.devices", "GPUs that may be granted: all, or names as --gpu takes them (index, UUID, MIG instance, PCI address, CDI name); empty: none.",
		set{at: func(p *Policy) *[]string { return &p.Sandbox.GPU.Devices }, sense: permits, what: "GPUs", check: checkDevice, covers: deviceCovers, pattern: devicePattern,
			weak: func(s string) string { return "the GPU " + s + " may be granted" }}},
	{"gpu.memory_limit_mb", "Most memory of each granted GPU that a run may use, in MiB; 0: no limit of its own.", integer{at: func(p *Policy) *int64 { return &p.Sandbox.GPU.MemoryMB }, max: mib16TiB, open: true}},
	{"gpu.enforce", "What holds memory_limit_mb: require-hard (the kernel or the hardware, otherwise the run is refused), or best-effort (or else a watcher that ends the run afterwards).",
		word[GPUMemory]{at: func(p *Policy) *GPUMemory { return &p.Sandbox.GPU.Enforce }, words: []string{"require-hard", "best-effort"},
			weak: []string{"", "a limit of GPU memory may be kept by a watcher only, which acts after it was passed"}}},
	{"gpu.min_driver", "Oldest version of NVIDIA's driver with which a GPU is granted, in quotes; empty: any. The drivers of AMD and Intel have the kernel's version.",
		oldest{at: func(p *Policy) *string { return &p.Sandbox.GPU.MinDriver }}},
	{"gpu.ioctl_filter", "What happens to a driver's ioctl commands that its list does not name: strict (refused), log (carried out, and named in the report) or off (carried out).",
		word[GPUIoctls]{at: func(p *Policy) *GPUIoctls { return &p.Sandbox.GPU.Ioctls }, words: []string{"strict", "log", "off"},
			weak: []string{"", "every ioctl command of a GPU's driver is carried out, those that are not listed are named in the report", "every ioctl command of a GPU's driver is carried out"}}},
	{"gpu.sysfs", "What exists of /sys beside a GPU: minimal (what drivers' libraries read of the granted one) or full (all of the host's, read-only).",
		word[GPUSysfs]{at: func(p *Policy) *GPUSysfs { return &p.Sandbox.GPU.Sysfs }, words: []string{"minimal", "full"},
			weak: []string{"", "all of the host's /sys is visible beside a GPU"}}},
	{"gpu.extra_nodes", "Device nodes beside a GPU that the usual programs do not need.",
		set{at: func(p *Policy) *[]string { return &p.Sandbox.GPU.ExtraNodes }, sense: permits, what: "device nodes", words: extraNodes,
			weak: func(s string) string { return "/dev/" + s + " exists beside a GPU" }}},
	{"timeout_seconds", "Longest run, in seconds.", integer{at: func(p *Policy) *int64 { return &p.Sandbox.TimeoutSec }, min: 1, max: days30}},
	{"cpu_time_seconds", "Most CPU time of one process, in seconds; 0: bounded by timeout_seconds times cpus only.", integer{at: func(p *Policy) *int64 { return &p.Sandbox.CPUTimeSec }, max: days30, open: true}},
	{"memory_limit_mb", "Most memory of all processes together, in MiB; there is no swap.", integer{at: func(p *Policy) *int64 { return &p.Sandbox.MemoryMB }, min: 1, max: mib16TiB}},
	// PID_MAX_LIMIT of the kernel is 4 * 1024 * 1024 on 64-bit machines (include/linux/threads.h).
	{"pids_limit", "Most processes and threads.", integer{at: func(p *Policy) *int64 { return &p.Sandbox.Pids }, min: 1, max: 4 << 20}},
	// The kernel's shortest quota is 1 ms (min_cfs_quota_period) of a period of 100 ms.
	{"cpus", "Most processors' worth of CPU time; above the machine's count it bounds nothing.", decimal{at: func(p *Policy) *float64 { return &p.Sandbox.CPUs }, min: 0.01, max: 8192}},
	// tmpfs takes size=0 for "no limit" (tmpfs(5)), so zero is not a value here.
	{"tmp_size_mb", "Size of the private /tmp, in MiB.", integer{at: func(p *Policy) *int64 { return &p.Sandbox.TmpMB }, min: 1, max: mib16TiB}},
	{"shm_size_mb", "Size of the private /dev/shm, in MiB.", integer{at: func(p *Policy) *int64 { return &p.Sandbox.ShmMB }, min: 1, max: mib16TiB}},
	{"output", "Whether --output DIR may be given.", boolean{at: func(p *Policy) *bool { return &p.Sandbox.Output }, weak: "an output folder of the host may be written with --output"}},
	{"extra_read", "Whether --ro PATH may be given.", boolean{at: func(p *Policy) *bool { return &p.Sandbox.ExtraRead }, weak: "files of the host may be shown with --ro"}},
}

// groupDocs describe the keys that hold other keys.
var groupDocs = map[string]string{
	"scan": "What validation may spend on one model.",
	"gpu":  "Which GPUs a run may have and gets. Whether one may be used at all is restricted_operations.",
}

// layerNames are the layers of the sandbox, by the names that reports and optional_layers use, sorted.
var layerNames = []string{"capabilities", "cgroup", "ipc", "landlock", "limits", "mount", "net", "no_new_privs", "pid", "seccomp", "user", "uts"}

// LayerNames returns the layers of the sandbox that a policy can name, sorted.
func LayerNames() []string { return append([]string{}, layerNames...) }
