// Package hfconfig judges the JSON configuration and the chat templates of Hugging Face style repositories.
//
// A file is cleared when it is one well-formed JSON value without a repeated key: then every reader sees the
// same configuration, and the keys that make libraries fetch or run code are looked for in that one.
//
// # Security
//
// The JSON reader is our own: it streams (a tokenizer of a hundred megabytes needs no tree), it sees every
// key, and it accepts what Python's json module accepts, including NaN and Infinity, which published
// configurations contain. Python's reader takes the last of two equal keys and others the first, so a repeated
// key is a finding. Out of scope here: the meaning of Keras and skops JSON, and a full reading of Jinja (the
// check of templates looks for the ways out of its sandbox that are known, inside expressions only).
package hfconfig

import (
	"bytes"
	"slices"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/jsonwalk"
)

var (
	duplicateKey = &validate.Rule{ID: "hfconfig/duplicate-key", Title: "JSON object with a repeated key", Severity: validate.Medium,
		Why: "Readers disagree about which of the two counts, so one configuration is judged and another is used.",
		Fix: "ask for the file as its writer made it", Refs: []string{"RFC 8259 section 4"}}
	autoMap = &validate.Rule{ID: "hfconfig/auto-map", Title: "configuration names Python code of the model", Severity: validate.Low,
		Why: "With trust_remote_code the library imports the named file and runs it.",
		Fix: "nothing, while the code is withheld; else read the named file"}
	foreignCode = &validate.Rule{ID: "hfconfig/foreign-code", Title: "configuration names code outside the model", Severity: validate.Medium,
		Why: "Code of another repository, folder or package was not validated with this model.",
		Fix: "ask for a model whose code is its own, or install the code as a local package"}
	trustRemoteCode = &validate.Rule{ID: "hfconfig/trust-remote-code", Title: "configuration asks to trust remote code", Severity: validate.Low,
		Why: "A model should not choose whether its own code is trusted; some programs copy the key into the call.",
		Fix: "remove the key"}
	attnImplementation = &validate.Rule{ID: "hfconfig/attn-implementation", Title: "attention implementation from a hub repository", Severity: validate.High,
		Why:  "transformers 4.56 to 5.2 fetch the named repository and run it, even without trust_remote_code.",
		Fix:  "remove the key; choose the attention implementation in the loading program",
		Refs: []string{"CVE-2026-4372"}}
	customPipeline = &validate.Rule{ID: "hfconfig/custom-pipeline", Title: "pipeline or component that is not part of the library", Severity: validate.Medium,
		Why: "The library imports the named module, from the model or from another repository, to build the pipeline.",
		Fix: "load the components one by one with classes you know"}
	outsidePath = &validate.Rule{ID: "hfconfig/outside-path", Title: "configuration names a file outside the model", Severity: validate.Medium,
		Why: "The loader then reads a file that was not validated, or one of the host.",
		Fix: "correct the path in the configuration"}
	template = &validate.Rule{ID: "hfconfig/template", Title: "chat template that reaches for Python internals", Severity: validate.Medium,
		Why:  "A template that is rendered without a sandbox, or with an incomplete one, runs code this way.",
		Fix:  "use the chat template of the original model",
		Refs: []string{"CVE-2024-34359", "CVE-2026-5760"}}
	notebook = &validate.Rule{ID: "hfconfig/notebook", Title: "notebook that comes with the model", Severity: validate.Low,
		Why: "Notebooks are programs; opening one does not run it, running it does.",
		Fix: "read it before running it; it is withheld like other code"}
)

// Scanner judges JSON and Jinja files.
func Scanner() *validate.Scanner {
	return &validate.Scanner{
		Name: "hfconfig", Doc: "JSON configuration, shard indexes, tokenizers, chat templates", Version: 1,
		Rules: []*validate.Rule{duplicateKey, autoMap, foreignCode, trustRemoteCode, attnImplementation, customPipeline, outsidePath, template, notebook},
		Match: match, Scan: scan,
	}
}

var (
	jsonExtensions  = []string{".json", ".ipynb"}
	jinjaExtensions = []string{".jinja", ".jinja2", ".j2"}
	// Text whose format allows a brace at the start; other names are judged by content.
	textExtensions = []string{".jsonl", ".ndjson", ".txt", ".md", ".rst", ".csv", ".tsv", ".yaml", ".yml", ".toml", ".cfg", ".ini", ".html"}
)

func match(h validate.Head) bool {
	ext := validate.Ext(h.Name)
	switch {
	case slices.Contains(jsonExtensions, ext), slices.Contains(jinjaExtensions, ext):
		return true
	case slices.Contains(textExtensions, ext):
		return false
	}
	return h.Text() && objectHead(h.Start)
}

// objectHead recognises the beginning of a JSON object with a key.
func objectHead(b []byte) bool {
	b = bytes.TrimLeft(b, " \t\r\n")
	if len(b) == 0 || b[0] != '{' {
		return false
	}
	b = bytes.TrimLeft(b[1:], " \t\r\n")
	return len(b) > 0 && b[0] == '"'
}

func scan(p *validate.Pass) error {
	if slices.Contains(jinjaExtensions, validate.Ext(p.Name)) {
		return scanJinja(p)
	}
	if validate.Ext(p.Name) == ".ipynb" {
		isNotebook(p)
	}
	if err := p.ReadText(func(int64, []byte) error { return nil }); err != nil {
		return err
	}
	j := judge{p: p}
	if err := jsonwalk.Walk(p, 0, p.Size, jsonwalk.Visitor{Key: j.key, Scalar: j.scalar, Repeated: j.repeated}); err != nil {
		return err
	}
	p.Clear(0, p.Size, "JSON")
	return nil
}

func isNotebook(p *validate.Pass) {
	p.IsCode()
	p.Report(notebook, 0, "%d bytes of JSON with program cells", p.Size)
}

func scanJinja(p *validate.Pass) error {
	if err := p.ReadText(func(int64, []byte) error { return nil }); err != nil {
		return err
	}
	text, err := p.Bytes(0, p.Size)
	if err != nil {
		return err
	}
	if what := templateDanger(text); what != "" {
		p.Report(template, 0, "%s", what)
	}
	p.Clear(0, p.Size, "Jinja template")
	return nil
}
