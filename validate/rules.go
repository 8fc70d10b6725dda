package validate

// Rules of the core itself.
var (
	Unclaimed = &Rule{ID: "validate/unclaimed", Title: "no scanner understands this file", Severity: Medium,
		Why:     "A file that nothing could judge may be anything, and a loader may read it.",
		Fix:     "remove the file, or waive this rule for its SHA-256 after looking at it",
		Hostile: "weights.dat: 64 bytes of no known format",
		Benign:  "notes.txt: UTF-8 text without control characters"}
	Unexplained = &Rule{ID: "validate/unexplained", Title: "bytes that belong to no structure of the format", Severity: Medium,
		Why:     "Holes, tails and hidden members are where a second file hides (polyglots, appended payloads).",
		Fix:     "ask for a file as its writer made it, without additions",
		Hostile: "20 bytes between two tensors of a file, which no header mentions",
		Benign:  "zeros that align the next tensor, as the format prescribes"}
	Overlapping = &Rule{ID: "validate/overlapping", Title: "bytes that two structures of the format claim", Severity: Medium,
		Why:     "Readers that walk the file in another order see other content.",
		Fix:     "ask for a file as its writer made it",
		Hostile: "two structures that both say: bytes 100 to 200 are mine",
		Benign:  "two structures that meet at byte 100"}
	Unparsable = &Rule{ID: "validate/unparsable", Title: "the file is not what its format promises", Severity: Medium,
		Why:     "Loaders tolerate different damage; what a scanner could not read may still run.",
		Fix:     "download the file again; a file that stays broken is not one to load",
		Hostile: `config.json: {"hidden_size": 768,`,
		Benign:  `config.json: {"hidden_size": 768}`}
	Exhausted = &Rule{ID: "validate/budget", Title: "judging the file costs more than the policy allows", Severity: Medium,
		Why:     "Bombs and endless structures hide what comes after them.",
		Fix:     "raise the named scan limit in the policy if the model is really that large, or unpack it first",
		Hostile: "42.zip: 42 KB that expand to petabytes",
		Benign:  "an archive that expands to what the policy allows"}
	Stopped = &Rule{ID: "validate/stopped", Title: "the scanner ended before the file was judged", Severity: Medium,
		Why:     "A file that makes its scanner fail was not judged, and may be made to do just that.",
		Fix:     "do not load the file; if you can share it, report it as a bug of loadlock",
		Hostile: "a file on which the process that scans it runs out of memory",
		Benign:  "a file that the scanner reads to its end"}
	Unreadable = &Rule{ID: "validate/unreadable", Title: "the file could not be read", Severity: Medium,
		Why:     "What was not read was not judged.",
		Fix:     "check permissions and links, then run again",
		Hostile: "model.bin that shrinks while it is read",
		Benign:  "model.bin that can be read to its end"}
)

// CoreRules are the rules that belong to no scanner.
var CoreRules = []*Rule{Unclaimed, Unexplained, Overlapping, Unparsable, Exhausted, Stopped, Unreadable, BadName, BadKind, LinkOut, TooLarge, BadExtension, Empty, ShadowsModule, RemoteCodeRefused, RemoteCodeNotCleared}

// Rules about the files as such.
var (
	BadName = &Rule{ID: "validate/name", Title: "file name that is not printable UTF-8", Severity: Medium,
		Why:     "Names with control characters or broken encodings forge terminal output and reports.",
		Fix:     "rename the file",
		Hostile: `"ok.txt\x1b[2K\rcleared.bin"`,
		Benign:  `"Übersicht 模型.bin": printable characters of any script`}
	BadKind = &Rule{ID: "validate/kind", Title: "not a regular file", Severity: Medium,
		Why:     "A FIFO blocks the loader, a socket or a device reaches outside the model.",
		Fix:     "remove it from the model folder",
		Hostile: "mkfifo model/weights.bin",
		Benign:  "an ordinary file of the same name"}
	LinkOut = &Rule{ID: "validate/link-outside", Title: "symbolic link that leaves the model, or leads nowhere", Severity: Medium,
		Why:     "What the link points to can be swapped, and may be a file of the host.",
		Fix:     "replace the link by the file, or name the folder that holds both with --model",
		Hostile: "model.bin -> /etc/passwd",
		Benign:  "model.bin -> ../blobs/0123abcd, in the cache folder that was given as the model"}
	TooLarge = &Rule{ID: "validate/too-large", Title: "larger than the policy allows", Severity: Medium,
		Why:     "Files and folders without bound exhaust the disk, the scan and the loader.",
		Fix:     "raise max_file_size_mb or the scan limits in the policy if the model is really that large",
		Hostile: "model.bin of 200 GB, where the policy says max_file_size_mb: 100000",
		Benign:  "a file of exactly the size that the policy allows"}
	BadExtension = &Rule{ID: "validate/extension", Title: "file extension that the policy does not allow", Severity: Medium,
		Why:     "The operator listed the kinds of file a model may have.",
		Fix:     "remove the file, or add its extension to allowed_file_extensions",
		Hostile: "setup.sh, where the policy lists .safetensors and .json",
		Benign:  "config.json under the same policy"}
)

// ShadowsModule is the rule about what lies beside a script that is judged.
var ShadowsModule = &Rule{ID: "validate/shadows-module", Title: "a file beside the script is imported instead of an installed module", Severity: Medium,
	Why:     "Python looks beside the script first; the script was judged, and what it imports from there was not.",
	Fix:     "rename the file or folder; where it is meant, run Python with -P, or judge the whole folder by giving it a __main__.py",
	Hostile: "torch.py beside load.py",
	Benign:  "helpers.py beside load.py, where no installed module has that name",
	Refs:    []string{"https://docs.python.org/3/library/sys.html#sys.path"}}

// Empty is the rule about a model without a file to load.
var Empty = &Rule{ID: "validate/empty", Title: "no file of the model can be loaded", Severity: Medium,
	Why:     "A folder without model files is usually the wrong path; what the command then loads was not judged.",
	Fix:     "check the path given to --model",
	Hostile: "a folder with nothing but logo.png",
	Benign:  "a folder with model.safetensors"}

// RemoteCodeRefused is the rule of policies that refuse models with Python files.
var RemoteCodeRefused = &Rule{ID: "validate/remote-code-refused", Title: "the model brings code, and the policy refuses such models", Severity: High,
	Why:     "Code that comes with a model runs with everything the loading process may do.",
	Fix:     "install the code yourself as a local package after reading it, and remove it from the model folder",
	Hostile: "modeling_x.py, where the policy says remote_code: refuse",
	Benign:  "the same file under remote_code: withhold: the sandbox has no such file"}

// RemoteCodeNotCleared is the rule for allowed but not yet judged code.
var RemoteCodeNotCleared = &Rule{ID: "validate/remote-code-not-cleared", Title: "the model brings code that was not analysed", Severity: Medium,
	Why:     "Shell scripts and code in other languages are found but not judged; allowed code must have been cleared.",
	Fix:     "read the file, then waive this rule for its SHA-256 with a reason",
	Hostile: "install.sh, where the policy says allow_remote_code: true",
	Benign:  "modeling_x.py that was analysed, without findings"}
