package pickle

import "github.com/loadlock/loadlock/validate"

const fixSafetensors = "ask for a safetensors copy of the weights"

// The rules of this package, most severe first.
var (
	ruleDenied = &validate.Rule{ID: "pickle/global-denied", Severity: validate.High,
		Title:   "a name that is known to be dangerous",
		Why:     "Unpickling this file calls or fetches something that runs programs, reaches files or network, or runs code.",
		Fix:     fixSafetensors + "; do not load this file anywhere",
		Hostile: `GLOBAL posix system, BINUNICODE "id", TUPLE1, REDUCE`,
		Benign:  "GLOBAL collections OrderedDict, EMPTY_TUPLE, REDUCE",
		Refs:    []string{"https://docs.python.org/3/library/pickle.html"}}
	ruleUnknown = &validate.Rule{ID: validate.UnknownGlobalID, Severity: validate.High,
		Title:   "a name that nobody vetted",
		Why:     "Importing runs the module's code, calling runs the function or the constructor, building runs __setstate__.",
		Fix:     fixSafetensors + ", or read that code and list the name under allowed_globals with the acts it needs",
		Hostile: "GLOBAL mypkg.nets Net, EMPTY_TUPLE, NEWOBJ",
		Benign:  "GLOBAL torch.nn.modules.linear Linear, EMPTY_TUPLE, NEWOBJ"}
	ruleComputedCall = &validate.Rule{ID: "pickle/call-of-computed-value", Severity: validate.High,
		Title:   "a call of something that is not a plainly imported name",
		Why:     "The callee is the result of earlier steps, so its name says nothing about what runs.",
		Fix:     fixSafetensors,
		Hostile: `the result of builtins.getattr called with "id"`,
		Benign:  "torch._utils._rebuild_tensor_v2 called by its own name"}
	ruleBuildImport = &validate.Rule{ID: "pickle/build-on-import", Severity: validate.High,
		Title:   "state or items are set on something that the pickle did not construct",
		Why:     "Changing a module, class or function changes what the whole process does later.",
		Fix:     fixSafetensors,
		Hostile: "GLOBAL sys modules, then SETITEM on it",
		Benign:  "SETITEM on an OrderedDict that the pickle made"}
	ruleDunder = &validate.Rule{ID: "pickle/dunder-state", Severity: validate.High,
		Title:   "state that sets a special attribute",
		Why:     "Attributes such as __setstate__ or __class__ turn later steps, or later use, into calls.",
		Fix:     fixSafetensors,
		Hostile: `BUILD with {"__setstate__": os.system}`,
		Benign:  `BUILD with {"_modules": {}, "training": True}`}
	ruleComputedName = &validate.Rule{ID: "pickle/computed-name", Severity: validate.High,
		Title:   "an import whose name is not a literal",
		Why:     "The name is put together at load time to hide it from readers of the file.",
		Fix:     fixSafetensors,
		Hostile: "STACK_GLOBAL over what bytes.decode returned",
		Benign:  "STACK_GLOBAL over two literal strings"}
	ruleDotted = &validate.Rule{ID: "pickle/dotted-name", Severity: validate.High,
		Title:   "an import that walks through attributes",
		Why:     "A harmless module leads to a dangerous one through its attributes (torch.serialization.os).",
		Fix:     fixSafetensors,
		Hostile: "GLOBAL torch.serialization os.system",
		Benign:  "GLOBAL torch.nn.modules.linear Linear"}
	ruleExtension = &validate.Rule{ID: "pickle/extension", Severity: validate.High,
		Title:   "an object named by a number of the extension registry",
		Why:     "What the number means depends on the loading process, not on the file.",
		Fix:     fixSafetensors,
		Hostile: "EXT1 1, EMPTY_TUPLE, REDUCE",
		Benign:  "GLOBAL builtins set, EMPTY_TUPLE, REDUCE",
		Refs:    []string{"PEP 307"}}
	ruleShape = &validate.Rule{ID: "pickle/argument-shape", Severity: validate.High,
		Title:   "a vetted name is used in a way that nobody vetted",
		Why:     "Functions that are harmless with the arguments their own library writes can corrupt memory or call others with different ones.",
		Fix:     fixSafetensors,
		Hostile: `_codecs.encode("...", "zlib")`,
		Benign:  `_codecs.encode("...", "latin1")`}
	rulePolyglot = &validate.Rule{ID: "pickle/polyglot", Severity: validate.High,
		Title:   "a pickle that is an archive as well",
		Why:     "Another loader, or the same one first, reads the archive and runs what is in there.",
		Fix:     "ask for a file as its writer made it",
		Hostile: "a pickle with a literal that holds the end record of a zip archive",
		Benign:  "a pickle with a literal that holds the letters PK"}
	ruleDesync = &validate.Rule{ID: "pickle/frame-desync", Severity: validate.High,
		Title:   "a frame that makes unpicklers lose their place",
		Why:     "Reading from a file, the C unpickler drops what is left of a frame when an argument crosses its end, and so runs another program than one that reads from memory.",
		Fix:     fixSafetensors,
		Hostile: "FRAME 10 around an argument of 50 bytes",
		Benign:  "a frame that ends with an opcode",
		Refs:    []string{"PEP 3154", "cpython issue 154848"}}
	ruleNumbersRun = &validate.Rule{ID: "pickle/numbers-that-run", Severity: validate.High,
		Title:   "numbers of a joblib array that are a program for plain unpicklers",
		Why:     "pickle.load does not know joblib's arrays and runs what joblib.load skips.",
		Fix:     fixSafetensors,
		Hostile: "NumpyArrayWrapper BUILD, then the bytes \"cposix\\nsystem\\n...\" as an array of bytes",
		Benign:  "NumpyArrayWrapper BUILD, then doubles",
		Refs:    []string{"https://joblib.readthedocs.io/en/stable/persistence.html"}}
	ruleNative = &validate.Rule{ID: "pickle/native-state", Severity: validate.Low,
		Title:   "state that compiled code takes as it comes",
		Why:     "Indices inside it are not checked by the library, so a hostile file can make later use read outside an array.",
		Fix:     "nothing needs to be done for a file whose origin is known; the box holds what a crash could reach",
		Hostile: "sklearn.tree._tree.Tree whose nodes name a child far outside the table",
		Benign:  "a linear model, which is made of arrays alone",
		Refs:    []string{"https://scikit-learn.org/stable/model_persistence.html"}}
	ruleScript = &validate.Rule{ID: "pickle/torchscript-class", Severity: validate.Low,
		Title:   "classes of TorchScript, which the archive around this pickle defines",
		Why:     "Their methods run in torch's own interpreter; what they do is judged where their code is, not here.",
		Fix:     "see what is found in the archive's code folder",
		Hostile: "__torch__.Net in a pickle that is not part of a TorchScript archive, beside a file __torch__.py",
		Benign:  "data.pkl of an archive that torch.jit.save wrote",
		Refs:    []string{"CVE-2025-32434"}}
	ruleArrayFile = &validate.Rule{ID: "pickle/array-in-other-file", Severity: validate.Low,
		Title:   "an array that is kept in a file beside the pickle",
		Why:     "joblib before 0.10 loads that file with numpy, which unpickles it when it holds objects.",
		Fix:     "see the findings about that file",
		Hostile: "NDArrayWrapper with the file ../../x.npy, which is refused",
		Benign:  "NDArrayWrapper with the file model.pkl_01.npy, which is judged by itself",
		Refs:    []string{"CVE-2019-6446"}}
	rulePersistent = &validate.Rule{ID: "pickle/persistent-id", Severity: validate.Medium,
		Title:   "a persistent id that is not a torch storage",
		Why:     "What it stands for is decided by the loader and was not judged.",
		Fix:     fixSafetensors,
		Hostile: `BINPERSID of ("module", "x")`,
		Benign:  `BINPERSID of ("storage", FloatStorage, "0", "cpu", 4)`}
	ruleTensor = &validate.Rule{ID: "pickle/tensor-outside-storage", Severity: validate.Medium,
		Title:   "a tensor that reaches outside its storage",
		Why:     "Reading or writing such a tensor touches memory that belongs to something else.",
		Fix:     "ask for a file as torch.save made it",
		Hostile: "a tensor of 1000 elements over a storage of 4",
		Benign:  "a view of rows 1 to 3 of a storage of 12 elements",
		Refs:    []string{"CVE-2026-24747"}}
	ruleNested = &validate.Rule{ID: "pickle/nested-not-cleared", Severity: validate.Medium,
		Title:   "a pickle inside a literal that was not cleared",
		Why:     "The call loads the literal as a pickle of its own.",
		Fix:     "see the findings inside the literal",
		Hostile: "_load_from_bytes of bytes that are no pickle",
		Benign:  "_load_from_bytes of what torch.save wrote"}
	ruleTrailing = &validate.Rule{ID: "pickle/trailing-bytes", Severity: validate.Medium,
		Title:   "bytes after the end of the pickle",
		Why:     "Loaders that read on see more than the scanner of one stream does.",
		Fix:     "ask for a file as its writer made it",
		Hostile: "STOP, then the bytes ff ff",
		Benign:  "STOP, then another whole pickle"}
	ruleDivergence = &validate.Rule{ID: "pickle/divergence", Severity: validate.Medium,
		Title:   "an argument that unpicklers read differently",
		Why:     "No serializer writes such an argument; it hides from one reader what another one does.",
		Fix:     "ask for a file as its writer made it",
		Hostile: "INT 0x1f",
		Benign:  "INT 31"}
	ruleProtocol = &validate.Rule{ID: "pickle/protocol", Severity: validate.Medium,
		Title:   "protocol opcode missing, late, repeated or unknown",
		Why:     "The protocol decides how names are mapped; changing it midway misleads readers.",
		Fix:     "ask for a file as its writer made it",
		Hostile: "STACK_GLOBAL in a stream that declares protocol 2",
		Benign:  "STACK_GLOBAL in a stream that declares protocol 4"}
	ruleFrame = &validate.Rule{ID: "pickle/frame", Severity: validate.Medium,
		Title:   "frame longer than the file",
		Why:     "Some unpicklers read on where others stop.",
		Fix:     "ask for a file as its writer made it",
		Hostile: "FRAME 1000000 in a file of 60 bytes",
		Benign:  "FRAME 49 in a file of 60 bytes",
		Refs:    []string{"PEP 3154"}}
	ruleBroken = &validate.Rule{ID: "pickle/broken", Severity: validate.Medium,
		Title:   "the pickle cannot be read to its end",
		Why:     "Everything before the error has already happened when a loader meets it.",
		Fix:     "download the file again; a file that stays broken is not one to load",
		Hostile: "a call, then a byte that is no opcode",
		Benign:  "the same stream with STOP at its end"}
	ruleExcessive = &validate.Rule{ID: "pickle/excessive", Severity: validate.Medium,
		Title:   "a pickle made to exhaust the loader",
		Why:     "A few bytes make the unpickler allocate or compute without end.",
		Fix:     fixSafetensors,
		Hostile: "BINPUT chains that double a tuple 40 times and use it as a key",
		Benign:  "a dictionary of a million words"}
)

func rules() []*validate.Rule {
	return []*validate.Rule{ruleDenied, ruleUnknown, ruleComputedCall, ruleBuildImport, ruleDunder, ruleComputedName, ruleDotted,
		ruleExtension, ruleShape, ruleDesync, rulePolyglot, rulePersistent, ruleTensor, ruleNested, ruleTrailing, ruleDivergence, ruleProtocol, ruleFrame,
		ruleBroken, ruleExcessive, ruleNumbersRun, ruleArrayFile, ruleNative, ruleScript}
}
