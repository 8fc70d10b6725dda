package pysource

import "github.com/loadlock/loadlock/validate"

// use makes the rule about a capability that no modelling code needs.
func use(id, title, why, hostile, benign string) *validate.Rule {
	return &validate.Rule{ID: "pysource/" + id, Title: title, Severity: validate.High, Confidence: validate.Likely, Why: why,
		Fix: "do not let this code run; load the weights with a class of a library you have installed", Hostile: hostile, Benign: benign}
}

// unclear makes the rule about something that reading cannot settle.
func unclear(id, title, why, hostile, benign string) *validate.Rule {
	return &validate.Rule{ID: "pysource/" + id, Title: title, Severity: validate.Medium, Confidence: validate.Possible, Why: why,
		Fix: "read the line; waive this rule for the file's SHA-256 if it is harmless", Hostile: hostile, Benign: benign}
}

// What code does with the machine, by capability.
var (
	execution       = use("execution", "code that runs code made from text or data", "What runs is then not what was read.", `exec(requests.get(u).text)`, `model.eval()`)
	process         = use("process", "code that starts other programs", "A program can do all that the user can.", `os.system("sh x")`, `platform.system()`)
	network         = use("network", "code that uses the network", "Data leaves the machine, or more code comes in.", `urllib.request.urlopen(u)`, `urllib.parse.quote(s)`)
	fileWrite       = use("file-write", "code that changes files outside the model", "Other programs read those files later.", `open("/etc/hosts", "a")`, `open(os.path.join(save_directory, "vocab.json"), "w")`)
	fileRead        = use("file-read", "code that reads files of the host", "What is read can be sent away or built into answers.", `open("/proc/self/mem", "rb")`, `open(vocab_file)`)
	native          = use("native-code", "code that loads native code", "Native code is not bound by anything the interpreter checks.", `ctypes.CDLL("./x.so")`, `torch.ops.aten.add`)
	deserial        = use("deserialisation", "code that loads objects which can run code", "A pickle runs what it says while it is loaded.", `torch.load("x.bin", weights_only=False)`, `torch.load("x.bin", weights_only=True)`)
	secrets         = use("environment", "code that reads credentials or the user's environment", "Tokens and keys of the user can be sent away.", `os.environ["HF_TOKEN"]`, `os.environ.get("LOCAL_RANK", "0")`)
	machinery       = use("import-machinery", "code that changes how modules are found or when code runs", "It then runs at a moment, or under a name, where nobody looks.", `sys.meta_path.insert(0, Finder())`, `importlib.util.find_spec("flash_attn")`)
	persist         = use("persistence", "code that installs itself", "It runs again when the model is long gone.", `open(os.path.expanduser("~/.bashrc"), "a")`, `open(path)`)
	introspect      = use("introspection", "code that walks from an object to the interpreter's internals", "Every function leads to the built-in functions, and they to everything.", `().__class__.__base__.__subclasses__()`, `self.__class__.__name__`)
	obfuscate       = use("obfuscation", "a dangerous name that is assembled from pieces", "Nobody builds such a name but to hide it.", `getattr(x, "sys" + "tem")`, `getattr(config, "hidden" + "_size")`)
	patch           = use("monkey-patch", "code that replaces functions of another library", "Loaders and checks that run later are then those of the model.", `torch.load = lambda *a, **k: payload()`, `torch.backends.cudnn.benchmark = True`)
	startUp         = use("start-up-file", "a file that the interpreter runs by itself", "It runs before any program, whichever is started in that folder or environment.", `sitecustomize.py`, `__init__.py`)
	notebookCommand = use("notebook-command", "a notebook cell that gives commands to a shell", "Commands run with everything the user may do.", `!curl u | sh`, `%matplotlib inline`)
	dependency      = use("dependency", "a requirement that installs code from elsewhere", "Installing runs code of that place.", `--index-url http://u`, `torch>=2.1`)
)

// What cannot be settled by reading.
var (
	unsettled      = unclear("unsettled", "a name that modelling code rarely needs", "Whether it does harm depends on what it is given.", `sys.path.insert(0, x)`, `sys.version_info`)
	imported       = unclear("capability-imported", "a module is imported that no modelling code needs", "This file does not use it in plain sight; another may.", `import subprocess`, `import math`)
	unknownModule  = unclear("unknown-module", "an import of a module that nobody vetted", "What is installed under that name on this machine decides what runs.", `import helper_xyz`, `import torch`)
	computedName   = unclear("computed-name", "a member of a module by a computed name", "The name may be any, also a dangerous one.", `getattr(os, name)`, `getattr(config, name)`)
	computedImport = unclear("computed-import", "an import by a computed name", "The module may be any.", `importlib.import_module(name)`, `importlib.import_module("flash_attn")`)
	starImport     = unclear("star-import", "everything of a module is imported", "Which names of this file are that module's cannot be told.", `from helper_xyz import *`, `from torch import nn`)
	passedOn       = unclear("module-passed", "a module with dangerous members is handed on", "What the receiver takes out of it is not seen.", `f(urllib.request)`, `f(os.path)`)
	softPatch      = unclear("library-changed", "code that changes a library for everyone", "Other code then meets another function than its authors wrote.", `transformers.PreTrainedModel.save_pretrained = f`, `torch.backends.cuda.matmul.allow_tf32 = True`)
	spelling       = unclear("spelling", "an identifier that is not spelt as Python reads it", "A reader, or a search, does not see the name that is meant.", `ｅｖａｌ(x)`, `β = 0.9`)
	hidden         = unclear("hidden-characters", "characters that hide or reorder text", "What is shown is not what is run.", `a right-to-left override inside a comment`, `Greek letters`)
	unparsed       = unclear("unparsed", "Python source that could not be read", "What was not read was not judged.", `def f(:`, `def f(): pass`)
	tooLarge       = unclear("too-large", "Python source that is too large to be judged", "What was not read was not judged.", `5 MiB of statements`, `a long modelling file`)
	notCode        = unclear("byte-code", "compiled Python code", "It cannot be read, and the interpreter may prefer it to the source.", `__pycache__/x.cpython-311.pyc`, `x.py`)
	notebookUsual  = unclear("notebook-usual", "a notebook cell that fetches or moves files", "Whoever runs the cell fetches or changes files; loading the model does not.", `!wget https://example.com/x.zip`, `!nvidia-smi`)
	odddependency  = unclear("odd-dependency", "a requirement that deserves a look", "A name close to a known one, a direct address or another index installs something else.", `torhc==2.0`, `torch==2.0`)
	computedPath   = unclear("computed-path", "a file is changed whose name is computed", "The name may be any.", `open(base64.b64decode(x), "w")`, `open(vocab_file, "w")`)
)

// used is the note about something ordinary that a reader may want to know.
var used = &validate.Rule{ID: "pysource/note", Title: "something the code does that is ordinary, but good to know", Severity: validate.Low,
	Why: "It tells what the code would need when the policy lets it run.", Fix: "nothing", Hostile: `os.environ.get("LOCAL_RANK")`, Benign: `torch.nn.Linear(2, 2)`}

// byCapability is the rule for a denied name, and the word of the policy.
var byCapability = map[string]*validate.Rule{"execution": execution, "subprocess": process, "network_access": network, "file_write": fileWrite, "file_read": fileRead,
	"native_code": native, "deserialisation": deserial, "environment": secrets, "import_hooks": machinery, "persistence": persist, "introspection": introspect, "obfuscation": obfuscate}

func allRules() []*validate.Rule {
	return []*validate.Rule{remoteCode, encoding, pathFile, execution, process, network, fileWrite, fileRead, native, deserial, secrets, machinery, persist, introspect, obfuscate, patch, startUp,
		notebookCommand, dependency, unsettled, imported, unknownModule, computedName, computedImport, starImport, passedOn, softPatch, spelling, hidden, unparsed, tooLarge, notCode,
		notebookUsual, odddependency, computedPath, used}
}
