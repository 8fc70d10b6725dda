// Package safetensors judges files in the safetensors format.
//
// The format (README of huggingface/safetensors, "Format"): eight bytes, the little-endian length N of the
// header; N bytes of JSON, beginning with "{" and possibly padded with spaces; then the tensors, which the
// header's data_offsets tile exactly. The whole specification is checked, and stricter than readers check it:
// a repeated key, an unknown member, a hole, an overlap or a trailing byte keeps the file from being cleared.
//
// # Security
//
// Tensor data is never read, and the header is read as a stream: a file of a hundred gigabytes costs what its header
// costs, and a header of a hundred megabytes costs no memory. The format carries no
// code. What can hide in it is a second file (behind the tensors, between them, in the header), and what can
// break a loader is a header that lies about sizes; both end as findings.
package safetensors

import (
	"encoding/binary"

	"github.com/loadlock/loadlock/validate"
)

var (
	header = &validate.Rule{ID: "safetensors/header", Title: "header that breaks the format", Severity: validate.Medium,
		Why:     "Readers differ in what they forgive; what is judged must be what is loaded.",
		Fix:     "write the file again with the safetensors library",
		Hostile: `{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4], "code": ""}}`, Benign: `a header padded with spaces`,
		Refs: []string{"safetensors format specification"}}
	duplicateKey = &validate.Rule{ID: "safetensors/duplicate-key", Title: "header with a repeated key", Severity: validate.Medium,
		Why:     "One reader takes the first of two tensors with a name, another the last.",
		Fix:     "write the file again with the safetensors library",
		Hostile: `{"a": …, "\u0061": …}`, Benign: `{"a": …, "A": …}`,
		Refs: []string{"safetensors format specification: duplicate keys are disallowed"}}
	metadata = &validate.Rule{ID: "safetensors/metadata", Title: "__metadata__ that is not a map of strings", Severity: validate.Medium,
		Why: "Structures where the format has none are how other formats are smuggled in.",
		Fix: "write the file again with string metadata only", Hostile: `{"__metadata__": {"a": [1]}}`, Benign: `{"__metadata__": {"format": "pt"}}`}
	dtype = &validate.Rule{ID: "safetensors/dtype", Title: "element type that the format does not have", Severity: validate.Medium,
		Why: "Without the size of an element the tensor's bytes cannot be accounted for.",
		Fix: "check whether a newer loadlock knows the type", Hostile: `"dtype": "F128"`, Benign: `"dtype": "F8_E8M0"`}
	shape = &validate.Rule{ID: "safetensors/shape", Title: "shape that does not fit the tensor's bytes", Severity: validate.Medium,
		Why: "A loader that trusts the shape reads or writes beyond the buffer.",
		Fix: "write the file again with the safetensors library", Hostile: `"shape": [4294967296, 4294967296]`, Benign: `"shape": [0, 7]`}
	offsets = &validate.Rule{ID: "safetensors/offsets", Title: "tensors that overlap, leave holes, or lie outside", Severity: validate.Medium,
		Why:     "Holes hide other content (polyglots), overlaps and outside ranges break loaders.",
		Fix:     "write the file again with the safetensors library",
		Hostile: `two tensors with data_offsets [0, 4]`, Benign: `tensors in another order than their bytes`,
		Refs: []string{"safetensors security audit, Trail of Bits 2023"}}
	trailing = &validate.Rule{ID: "safetensors/trailing", Title: "bytes after the last tensor", Severity: validate.Medium,
		Why: "Another file can be appended there: a zip archive is recognised by its end.",
		Fix: "write the file again with the safetensors library", Hostile: `a zip archive behind the last tensor`, Benign: `a file without tensors that ends with its header`}
)

// maxHeader is the reference reader's bound on the header.
const maxHeader = 100_000_000

// Scanner judges safetensors files.
func Scanner() *validate.Scanner {
	return &validate.Scanner{
		Name: "safetensors", Doc: "safetensors: header, types, shapes, and every byte of the data section", Version: 2,
		Rules: []*validate.Rule{header, duplicateKey, metadata, dtype, shape, offsets, trailing}, Match: match, Scan: scan,
	}
}

// match asks for a header that could be one, or for the name: two bytes decide nothing, because a header
// length may look like any magic number.
func match(h validate.Head) bool {
	if validate.Ext(h.Name) == ".safetensors" {
		return true
	}
	if len(h.Start) < 10 || h.Start[8] != '{' {
		return false
	}
	n := binary.LittleEndian.Uint64(h.Start)
	return n >= 2 && n <= maxHeader && int64(n) <= h.Size-8
}

func scan(p *validate.Pass) error {
	if p.Size < 8 {
		return validate.Malformed(0, "%d bytes are too few for a safetensors file", p.Size)
	}
	first, err := p.Bytes(0, 8)
	if err != nil {
		return err
	}
	n := binary.LittleEndian.Uint64(first)
	if n < 2 || n > maxHeader || int64(n) > p.Size-8 {
		p.Report(header, 0, "header length %d; the file has %d bytes and the format allows %d", n, p.Size, maxHeader)
		return nil
	}
	brace, err := p.Bytes(8, 1)
	if err != nil {
		return err
	}
	if brace[0] != '{' {
		p.Report(header, 8, "the header begins with %q, not with {", brace)
		return nil
	}
	h := reader{p: p}
	if err := h.read(8, int64(n)); err != nil {
		return err
	}
	if !h.bad { // else it is reported, and nothing is cleared
		h.account(8+int64(n), p.Size)
	}
	return nil
}
