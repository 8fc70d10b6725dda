// Package gguf judges models in the GGUF format of llama.cpp, versions 1 to 3, of either byte order.
//
// The format (docs/gguf.md of ggml-org/ggml): a header with counts, key-value metadata, tensor descriptions, padding to
// general.alignment, then the tensors, each aligned. Every field is checked before it is used, and every byte of the
// file must belong to one of these.
//
// # Security
//
// The loader is C++ and has trusted counts, lengths, types and offsets before; here each of them is a finding where it
// does not fit the file. The metadata carries programs: chat templates, which are judged by package jinja. Tensor data
// is never read, and arrays (a vocabulary of 300,000 words) are read once, as a stream. Not judged: what a
// vocabulary, a grammar or the weights make a model say; the formats that came before GGUF, which are not cleared.
package gguf

import (
	"bytes"
	"encoding/binary"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/jinja"
)

var templates = jinja.NewRules("gguf")

// parserCVEs are memory errors of loaders that believed a field of this format.
var parserCVEs = []string{"CVE-2024-21802", "CVE-2024-21825", "CVE-2024-21836", "CVE-2024-23496", "CVE-2024-23605", "CVE-2025-53630", "CVE-2026-27940", "CVE-2026-33298", "CVE-2026-7482"}

const rewrite = "convert the original model again"

var (
	header = &validate.Rule{ID: "gguf/header", Title: "header that the format does not have", Severity: validate.Medium,
		Why: "A loader that believes a version or a count it cannot check allocates or reads beyond the file.",
		Fix: rewrite, Hostile: "GGUF, version 3, 2^60 tensors in a file of 100 bytes", Benign: "GGUF, version 3, no tensors (a vocabulary)", Refs: parserCVEs}
	old = &validate.Rule{ID: "gguf/old-format", Title: "model in a format from before GGUF", Severity: validate.Medium,
		Why: "GGML, GGMF, GGJT and GGLA files have no lengths to check; their loaders are no longer maintained.",
		Fix: "convert the model to GGUF", Hostile: "a file that begins with tjgg (GGJT)", Benign: "a file that begins with GGUF"}
	metadata = &validate.Rule{ID: "gguf/value", Title: "metadata that breaks the format", Severity: validate.Medium,
		Why: "Lengths beyond the file and types that do not exist are how loaders are made to read and write outside their buffers.",
		Fix: rewrite, Hostile: "a string of 2^63 bytes; a value of type 13; an array in an array in an array", Benign: "an array of 300,000 strings", Refs: parserCVEs}
	duplicate = &validate.Rule{ID: "gguf/duplicate", Title: "key or tensor name that stands twice", Severity: validate.Medium,
		Why: "One reader takes the first, another the last: one is judged and the other is used.",
		Fix: rewrite, Hostile: "tokenizer.chat_template twice", Benign: "tokenizer.chat_template and tokenizer.chat_template.tool_use"}
	alignment = &validate.Rule{ID: "gguf/alignment", Title: "alignment that is not a power of two, or unreasonable", Severity: validate.Medium,
		Why: "Loaders divide by it and round with it.",
		Fix: rewrite, Hostile: "general.alignment = 0", Benign: "general.alignment = 64", Refs: []string{"ggml docs/gguf.md: general.alignment"}}
	tensorRule = &validate.Rule{ID: "gguf/tensor", Title: "tensor whose description does not add up", Severity: validate.Medium,
		Why: "The size of a tensor is a product of its description; one that overflows is smaller than what is written to it.",
		Fix: rewrite, Hostile: "a tensor of 2^32 by 2^32 elements; five dimensions; type 4", Benign: "a tensor of 0 dimensions (one element)", Refs: parserCVEs}
	offsets = &validate.Rule{ID: "gguf/offsets", Title: "tensors that overlap, leave holes, or lie outside the file", Severity: validate.Medium,
		Why: "Outside ranges break loaders, and holes hide other content.",
		Fix: rewrite, Hostile: "a tensor at offset 2^63", Benign: "tensors in another order than their descriptions", Refs: parserCVEs}
	padding = &validate.Rule{ID: "gguf/padding", Title: "padding that is not zero", Severity: validate.Medium,
		Why: "What nobody reads is where other content hides.",
		Fix: rewrite, Hostile: "PK\\x03\\x04 between two tensors", Benign: "zeros up to the next multiple of general.alignment"}
	trailing = &validate.Rule{ID: "gguf/trailing", Title: "bytes after the last tensor", Severity: validate.Medium,
		Why: "Another file can be appended there: a zip archive is recognised by its end.",
		Fix: rewrite, Hostile: "a zip archive behind the last tensor", Benign: "zeros up to the alignment behind the last tensor"}
)

// Scanner judges GGUF files.
func Scanner() *validate.Scanner {
	return &validate.Scanner{
		Name: "gguf", Doc: "GGUF models: metadata, chat templates, tensor descriptions, and every byte of the file", Version: 1,
		Rules: append([]*validate.Rule{header, old, metadata, duplicate, alignment, tensorRule, offsets, padding, trailing}, templates.List()...),
		Match: match, Scan: scan,
	}
}

// The magic numbers of the formats before GGUF, as they stand in a file, and the versions they had.
var oldMagic = map[string]string{"lmgg": "GGML", "fmgg": "GGMF", "tjgg": "GGJT", "algg": "GGLA"}

// maxVersion is far above what exists. Text that begins with the four letters has a larger number behind them.
const maxVersion = 1 << 16

func match(h validate.Head) bool {
	if validate.Ext(h.Name) == ".gguf" {
		return true
	}
	if len(h.Start) < 8 {
		return false
	}
	_, ancient := oldMagic[string(h.Start[:4])]
	small := min(binary.LittleEndian.Uint32(h.Start[4:]), binary.BigEndian.Uint32(h.Start[4:])) < maxVersion
	return bytes.HasPrefix(h.Start, []byte("GGUF")) && small || ancient && !h.Text()
}

func scan(p *validate.Pass) error {
	first, err := p.Bytes(0, min(8, p.Size))
	if err != nil {
		return err
	}
	if name, ok := oldMagic[string(first[:min(4, len(first))])]; ok {
		p.Report(old, 0, "a %s file: convert it to GGUF, whose content can be judged", name)
		return nil
	}
	if len(first) < 8 || !bytes.HasPrefix(first, []byte("GGUF")) {
		return validate.Malformed(0, "the file does not begin with GGUF")
	}
	f := file{p: p, order: binary.LittleEndian}
	if binary.LittleEndian.Uint16(first[4:]) == 0 { // as llama.cpp decides it
		f.order = binary.BigEndian
	}
	if f.version = f.order.Uint32(first[4:]); f.version < 1 || f.version > 3 {
		p.Report(header, 4, "version %d", f.version)
		return nil
	}
	return f.scan()
}
