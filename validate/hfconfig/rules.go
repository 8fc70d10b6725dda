package hfconfig

import (
	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/jinja"
)

var templates = jinja.NewRules("hfconfig")

var (
	duplicateKey = &validate.Rule{ID: "hfconfig/duplicate-key", Title: "JSON object with a repeated key", Severity: validate.Medium,
		Why: "Readers disagree about which of the two counts, so one configuration is judged and another is used.",
		Fix: "ask for the file as its writer made it", Hostile: `{"auto_map": {}, "auto\u005fmap": {"AutoModel": "x.X"}}`, Benign: `{"a": 1, "A": 2, "b": {"a": 3}}`, Refs: []string{"RFC 8259 section 4"}}
	autoMap = &validate.Rule{ID: "hfconfig/auto-map", Title: "configuration names Python code of the model", Severity: validate.Low,
		Why: "With trust_remote_code the library imports the named file and runs it.",
		Fix: "nothing, while the code is withheld; else read the named file", Hostile: `{"auto_map": {"AutoModel": "modeling_x.XModel"}}`, Benign: `{"architectures": ["LlamaForCausalLM"]}`}
	foreignCode = &validate.Rule{ID: "hfconfig/foreign-code", Title: "configuration names code outside the model", Severity: validate.Medium,
		Why: "Code of another repository, folder or package was not validated with this model.",
		Fix: "ask for a model whose code is its own, or install the code as a local package", Hostile: `{"auto_map": {"AutoModel": "org/repo--modeling_x.XModel"}}`, Benign: `{"auto_map": {"AutoModel": "modeling_x.XModel"}}`}
	trustRemoteCode = &validate.Rule{ID: "hfconfig/trust-remote-code", Title: "configuration asks to trust remote code", Severity: validate.Low,
		Why: "A model should not choose whether its own code is trusted; some programs copy the key into the call.",
		Fix: "remove the key", Hostile: `{"trust_remote_code": true}`, Benign: `{"trust_remote_code": false}`}
	attnImplementation = &validate.Rule{ID: "hfconfig/attn-implementation", Title: "implementation of a layer from a hub repository", Severity: validate.High,
		Why: "transformers 4.56 to 5.2 fetch the named repository and run it, even without trust_remote_code.",
		Fix: "remove the key; choose the implementation in the loading program", Hostile: `{"_attn_implementation_internal": "org/kernel"}`, Benign: `{"_attn_implementation": "flash_attention_2"}`,
		Refs: []string{"CVE-2026-4372"}}
	customPipeline = &validate.Rule{ID: "hfconfig/custom-pipeline", Title: "pipeline or component that is not part of the library", Severity: validate.Medium,
		Why: "The library imports the named module, from the model or from another repository, to build the pipeline.",
		Fix: "load the components one by one with classes you know", Hostile: `{"unet": ["my_unet", "UNet"]} in model_index.json`, Benign: `{"unet": ["diffusers", "UNet2DConditionModel"]}`}
	className = &validate.Rule{ID: "hfconfig/class-name", Title: "class that is not named plainly", Severity: validate.Medium,
		Why: "Libraries look the class up among their own by its plain name; a path, a module or a repository there is an import.",
		Fix: "compare with the configuration of the original model", Hostile: `{"tokenizer_class": "org/repo--tok.Tok"}`, Benign: `{"tokenizer_class": "LlamaTokenizerFast"}`}
	object = &validate.Rule{ID: "hfconfig/object", Title: "JSON that a library turns into Python objects", Severity: validate.High,
		Why: "jsonpickle, Hydra, LangChain and others import the name in the JSON and call it with what stands beside it.",
		Fix: "do not load the file", Hostile: `{"py/reduce": [{"py/function": "os.system"}, {"py/tuple": ["id"]}]}`, Benign: `{"py/object": 50256} in a vocabulary`,
		Refs: []string{"CVE-2020-22083", "CVE-2025-23304", "CVE-2025-68664"}}
	target = &validate.Rule{ID: "hfconfig/target", Title: "JSON that names a class which is not vetted", Severity: validate.Medium,
		Why: "The library that reads the file imports and calls the class; what that does is not known.",
		Fix: "look at the class, and load the file only if it is yours", Hostile: `{"_target_": "project.models.Net"}`, Benign: `{"_target_": "torch.nn.Linear"}`}
	native = &validate.Rule{ID: "hfconfig/native-code", Title: "configuration names a native library or a command", Severity: validate.High,
		Why: "The loader loads the library, or starts the command, with all rights of the program.",
		Fix: "remove the key; install the library yourself", Hostile: `{"custom_ops_library": "libops.so"}; {"mcpServers": {"x": {"command": "sh"}}}`, Benign: `{"custom_ops_library": ""}`}
	expression = &validate.Rule{ID: "hfconfig/expression", Title: "configuration with an expression that leads to programs", Severity: validate.High,
		Why: "Libraries that evaluate the strings of their configuration (MONAI, OmegaConf resolvers, operator lists of PaddleDetection) run it.",
		Fix: "do not load the file", Hostile: `{"x": "$__import__('os').system('id')"}`, Benign: `{"x": "$torch.device('cpu')"}`}
	bytesInText = &validate.Rule{ID: "hfconfig/encoded", Title: "bytes in the text of a configuration that are not judged", Severity: validate.Medium,
		Why: "Libraries decode such texts and load what comes out, often as a pickle; these are too large or too many to be judged.",
		Fix: "ask for the model without objects in its configuration", Hostile: `{":serialized:": "gASV…"} of more than a megabyte`, Benign: `{":serialized:": "gAR9lC4="}`}
	command = &validate.Rule{ID: "hfconfig/command", Title: "configuration names a command to start", Severity: validate.Medium,
		Why: "Agents, editors and servers that read such a file start the command.",
		Fix: "remove the file, or look at the command", Hostile: `{"servers": [{"type": "stdio", "command": "sh", "args": ["-c", "id"]}]}`, Benign: `{"command": "train", "lr": 0.1}`}
	outsidePath = &validate.Rule{ID: "hfconfig/outside-path", Title: "configuration names a file outside the model", Severity: validate.Medium,
		Why: "The loader then reads a file that was not validated, or one of the host.",
		Fix: "correct the path in the configuration", Hostile: `{"vocab_file": "/etc/passwd"}`, Benign: `{"_name_or_path": "/home/user/llama"}`}
	notebook = &validate.Rule{ID: "hfconfig/notebook", Title: "notebook that comes with the model", Severity: validate.Low,
		Why: "Notebooks are programs; opening one does not run it, running it does.",
		Fix: "read it before running it; it is withheld like other code", Hostile: `{"cells": [{"cell_type": "code", "source": "!id"}], "nbformat": 4}`, Benign: `{"cells": 4}`}
)

// Scanner judges JSON and Jinja files.
func Scanner() *validate.Scanner {
	return &validate.Scanner{
		Name: "hfconfig", Doc: "JSON configuration, shard indexes, tokenizers, chat templates", Version: 2,
		Rules: append([]*validate.Rule{duplicateKey, autoMap, foreignCode, trustRemoteCode, attnImplementation, customPipeline, className, object, target,
			native, expression, command, bytesInText, outsidePath, notebook}, templates.List()...),
		Match: match, Scan: scan,
	}
}
