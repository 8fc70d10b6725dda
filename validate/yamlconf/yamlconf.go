// Package yamlconf judges YAML that comes with a model: NeMo and Hydra configurations, SpeechBrain's hyperparameters,
// MLflow's MLmodel and conda.yaml, and whatever else ends in .yaml.
//
// The grammar is YAML 1.1 and 1.2 as libyaml and its ports read it (https://yaml.org/spec/). A file is cleared when every
// document in it parses, no key stands twice in its mapping, and every tag is one of plain data.
//
// # Security
//
// YAML is data until a loader gives tags a meaning: PyYAML's python/ tags and HyperPyYAML's !new: call functions, Hydra
// and NeMo import and call what stands under _target_ (CVE-2025-23304), MLflow imports loader_module. Tags and such keys
// are judged by lists; the names by package pyname, templates by package jinja. Size, number of nodes and what aliases
// expand to are bounded before anything is built. Not judged: files for other programs (compose, workflows) beyond
// their tags, and keys that only a program of the user's reads.
package yamlconf

import (
	"path"
	"slices"
	"strings"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/jinja"
)

var templates = jinja.NewRules("yamlconf")

var (
	pythonTag = &validate.Rule{ID: "yamlconf/object-tag", Title: "YAML tag that makes a loader construct objects", Severity: validate.High,
		Why: "A loader that knows the tag imports the name in it and calls it with what follows.",
		Fix: "do not load the file", Hostile: "!!python/object/apply:os.system ['id']", Benign: "betas: !!python/tuple [0.9, 0.99]",
		Refs: []string{"CVE-2017-18342", "CVE-2020-14343", "CVE-2022-1471"}}
	otherTag = &validate.Rule{ID: "yamlconf/tag", Title: "YAML tag that is not one of plain data", Severity: validate.Medium,
		Why: "What a tag does is decided by the program that loads the file.",
		Fix: "look up what the loading program does with the tag", Hostile: "key: !ENV ${SECRET}", Benign: "key: !!str 5"}
	object = &validate.Rule{ID: "yamlconf/target", Title: "configuration that calls a function", Severity: validate.High,
		Why: "Hydra, NeMo and HyperPyYAML import the name and call it with the values beside it.",
		Fix: "do not load the file", Hostile: "_target_: os.system", Benign: "_target_: torch.nn.Linear", Refs: []string{"CVE-2025-23304"}}
	unknown = &validate.Rule{ID: "yamlconf/unknown-target", Title: "configuration that names a class which is not vetted", Severity: validate.Medium,
		Why: "The library that reads the file imports and calls the class; what that does is not known.",
		Fix: "look at the class, and load the file only if it is yours", Hostile: "_target_: project.models.Net", Benign: "_target_: nemo.collections.asr.modules.ConformerEncoder"}
	loader = &validate.Rule{ID: "yamlconf/loader-module", Title: "MLflow model with a loader that is not MLflow's own", Severity: validate.Medium,
		Why: "mlflow.pyfunc imports loader_module, from the code folder of the model if it has one, and calls it.",
		Fix: "read the loader before loading the model", Hostile: "loader_module: my_loader", Benign: "loader_module: mlflow.sklearn", Refs: []string{"CVE-2024-27132"}}
	codePath = &validate.Rule{ID: "yamlconf/code-path", Title: "MLflow model that brings code", Severity: validate.Medium,
		Why: "The folder is put in front of Python's search path, so that its modules replace others.",
		Fix: "read the code; load the model only if you trust it", Hostile: "code: code", Benign: "code: null"}
	requirement = &validate.Rule{ID: "yamlconf/requirement", Title: "package from outside the usual index", Severity: validate.Medium,
		Why: "Whoever restores the environment installs and runs what the address gives.",
		Fix: "install the package from an index you trust", Hostile: "- pip: [git+https://host/x]", Benign: "- pip: [torch==2.1.0]"}
	command = &validate.Rule{ID: "yamlconf/command", Title: "project with a command to run", Severity: validate.Low,
		Why: "mlflow run starts it; loading the model does not.",
		Fix: "read it before running the project", Hostile: "entry_points: {main: {command: sh x.sh}}", Benign: "an MLproject without entry points"}
	expression = &validate.Rule{ID: "yamlconf/expression", Title: "configuration with an expression that leads to programs", Severity: validate.High,
		Why: "Libraries that evaluate words of their configuration (operator lists of PaddleOCR and PaddleDetection, OmegaConf resolvers, YOLO) run it.",
		Fix: "do not load the file", Hostile: "type: __import__('os').system('id')", Benign: "type: NormalizeImage"}
	bytesInText = &validate.Rule{ID: "yamlconf/encoded", Title: "bytes in the text of a configuration that are not judged", Severity: validate.Medium,
		Why: "Libraries decode such texts and load what comes out, often as a pickle; these are too large or too many to be judged.",
		Fix: "ask for the model without objects in its configuration", Hostile: "blob: !!binary gASV… of more than a megabyte", Benign: "a: !!binary aGk="}
	duplicate = &validate.Rule{ID: "yamlconf/duplicate-key", Title: "mapping with a repeated key", Severity: validate.Medium,
		Why: "PyYAML takes the last of two equal keys, other readers the first or none.",
		Fix: "ask for the file as its writer made it", Hostile: "_target_: a\n_target_: os.system", Benign: "a: {k: 1}\nb: {k: 2}"}
	bomb = &validate.Rule{ID: "yamlconf/expansion", Title: "aliases that expand without end", Severity: validate.Medium,
		Why: "A small file becomes gigabytes in a reader that expands aliases.",
		Fix: "do not load the file", Hostile: "a: &a [x, x]; b: &b [*a, *a]; c: &c [*b, *b]; … twenty times", Benign: "base: &base {lr: 1}\nrun: {<<: *base}"}
	outsidePath = &validate.Rule{ID: "yamlconf/outside-path", Title: "configuration names a file outside the model", Severity: validate.Medium,
		Why: "The loader then reads a file that was not validated, or one of the host.",
		Fix: "correct the path in the configuration", Hostile: "python_model: ../../x.pkl", Benign: "python_model: python_model.pkl"}
	environment = &validate.Rule{ID: "yamlconf/resolver", Title: "configuration that evaluates text or reads the environment", Severity: validate.Low,
		Why: "OmegaConf replaces such values by variables of the host, or by what a function of the program gives.",
		Fix: "check what is done with the value", Hostile: "key: ${oc.env:SECRET}", Benign: "key: ${model.size}"}
)

// Scanner judges YAML files.
func Scanner() *validate.Scanner {
	return &validate.Scanner{
		Name: "yamlconf", Doc: "YAML configuration: tags, targets, loaders, templates", Version: 1,
		Rules: append([]*validate.Rule{pythonTag, otherTag, object, unknown, loader, codePath, requirement, command, expression, bytesInText, duplicate, bomb, outsidePath, environment}, templates.List()...),
		Match: match, Scan: scan,
	}
}

var (
	names = []string{"MLmodel", "MLproject", "hparams"}
	// Formats of their own, whose text may speak about YAML.
	others = []string{".md", ".rst", ".py", ".pyi", ".json", ".jsonl", ".ipynb", ".html", ".htm", ".js", ".ts", ".c", ".cc", ".cpp", ".h", ".sh", ".csv", ".tsv", ".jinja", ".jinja2", ".j2", ".xml", ".rb", ".go", ".rs", ".java"}
)

func match(h validate.Head) bool {
	ext, base := validate.Ext(h.Name), path.Base(h.Name)
	switch {
	case ext == ".yaml", ext == ".yml", slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, base) }): // macOS does not tell the cases apart
		return true
	case slices.Contains(others, ext), !h.Text():
		return false
	}
	return isContent(h, ext)
}
