// Package hfconfig judges the JSON configuration and the chat templates of Hugging Face style repositories.
//
// A file is cleared when it is one well-formed JSON value without a repeated key: then every reader sees the
// same configuration, and the keys that make libraries fetch, import, call or open are looked for in that one. For those
// keys the values decide: plain names and lists of known libraries pass, everything else is a finding.
//
// # Security
//
// The JSON reader is package jsonwalk: it streams (a tokenizer of a hundred megabytes needs no tree), it sees every
// key, and it accepts what Python's json module accepts, including NaN and Infinity, which published
// configurations contain. Python's reader takes the last of two equal keys and others the first, so a repeated
// key is a finding. Chat templates are judged by package jinja, dotted names by package pyname. Out of scope here: the
// meaning of Keras JSON, the classes that a skops schema names (validate/skops judges them), and keys that only programs of their own read.
package hfconfig

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/jinja"
	"github.com/loadlock/loadlock/validate/jsonwalk"
)

var (
	jsonExtensions  = []string{".json", ".ipynb"}
	jinjaExtensions = []string{".jinja", ".jinja2", ".j2"}
	// Names under which prompts and templates are kept.
	templateExtensions = []string{"", ".txt", ".tmpl", ".tpl", ".template", ".prompt", ".text"}
	// Text whose format allows a brace at the start; other names are judged by content.
	textExtensions = []string{".jsonl", ".ndjson", ".txt", ".md", ".rst", ".csv", ".tsv", ".yaml", ".yml", ".toml", ".cfg", ".ini", ".html"}
)

func match(h validate.Head) bool {
	ext := validate.Ext(h.Name)
	switch {
	case slices.Contains(jsonExtensions, ext), slices.Contains(jinjaExtensions, ext):
		return true
	case namesTemplate(h.Name), mayBeTemplate(h):
		return h.Text()
	case slices.Contains(textExtensions, ext):
		return false
	}
	return h.Text() && objectHead(h.Start)
}

// namesTemplate reports whether a name says that a program renders the file: chat_template, x.jinja.txt.
func namesTemplate(name string) bool {
	base := strings.ToLower(path.Base(name))
	return slices.Contains(templateExtensions, path.Ext(base)) && (strings.Contains(base, "chat_template") || strings.Contains(base, ".jinja") || strings.Contains(base, ".j2"))
}

// mayBeTemplate reports whether a text of no other format begins like a template, or has a name that a template could have.
func mayBeTemplate(h validate.Head) bool {
	base := strings.ToLower(path.Base(h.Name))
	known := slices.Contains(templateExtensions, path.Ext(base))
	named := known && strings.Contains(base, "prompt") || strings.Contains(base, "template") && (known || path.Ext(base) == ".md" || path.Ext(base) == ".html")
	return (named || known && jinja.IsTemplate(h.Start)) && h.Size <= jinja.MaxTemplate && !objectHead(h.Start)
}

// objectHead recognises the beginning of a JSON object with a key.
func objectHead(b []byte) bool {
	b = bytes.TrimLeft(bytes.TrimPrefix(b, mark), " \t\r\n")
	if len(b) == 0 || b[0] != '{' {
		return false
	}
	b = bytes.TrimLeft(b[1:], " \t\r\n")
	return len(b) > 0 && b[0] == '"'
}

// mark is the byte order mark that some editors put in front of UTF-8. Python's json refuses it, others skip it.
var mark = []byte("\ufeff")

func scan(p *validate.Pass) error {
	head, err := p.Bytes(0, min(headSize, p.Size))
	if err != nil {
		return err
	}
	switch {
	case slices.Contains(jinjaExtensions, validate.Ext(p.Name)), namesTemplate(p.Name):
		return scanJinja(p, templates.Judge)
	case mayBeTemplate(validate.Head{Name: p.Name, Size: p.Size, Start: head}):
		return scanJinja(p, templates.Suspect)
	}
	if validate.Ext(p.Name) == ".ipynb" {
		isNotebook(p)
	}
	if err := p.ReadText(func(int64, []byte) error { return nil }); err != nil {
		return err
	}
	var from int64
	if bytes.HasPrefix(head, mark) {
		from = int64(len(mark))
	}
	j := newJudge(p)
	j.skops = isSkops(p.Name, head)
	visitor := jsonwalk.Visitor{Key: j.key, Scalar: j.scalar, Open: j.open, Close: j.close, Repeated: j.repeated}
	if err := jsonwalk.Walk(p, from, p.Size-from, visitor); err != nil {
		return err
	}
	if j.failed != nil {
		return j.failed
	}
	p.Clear(0, p.Size, "JSON")
	return nil
}

// headSize is how much of a file a scanner may look at to recognise it.
const headSize = 4096

// isSkops recognises a schema of skops as validate/skops does, which judges every class and module that it names.
func isSkops(name string, head []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(head, " \t\r\n\ufeff"), []byte("{")) &&
		(path.Base(name) == "schema.json" || bytes.Contains(head, []byte(`"__loader__"`)) || bytes.Contains(head, []byte(`"_skops_version"`)))
}

func isNotebook(p *validate.Pass) {
	p.IsCode()
	p.Report(notebook, 0, "%d bytes of JSON with program cells", p.Size)
}

// scanJinja judges the whole file as one template.
func scanJinja(p *validate.Pass, judge func(*validate.Pass, int64, string, []byte, bool)) error {
	if err := p.ReadText(noControls); err != nil {
		return err
	}
	if p.Size > jinja.MaxTemplate {
		p.Report(templates.Broken, 0, "a template of %d bytes is not read", p.Size)
		return nil
	}
	text, err := p.Bytes(0, p.Size)
	if err != nil {
		return err
	}
	judge(p, 0, "template", text, true)
	p.Clear(0, p.Size, "Jinja template")
	return nil
}

// noControls refuses what text files do not have.
func noControls(off int64, chunk []byte) error {
	i := bytes.IndexFunc(chunk, func(r rune) bool { return r < ' ' && !strings.ContainsRune("\t\n\r\f", r) || r == 0x7f })
	if i >= 0 {
		return validate.Malformed(off+int64(i), "control character %#02x in text", chunk[i])
	}
	return nil
}
