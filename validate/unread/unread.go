// Package unread names formats that this version recognises and does not read.
//
// References: the identifiers of onnxruntime/core/flatbuffers/schema/ort.fbs, Apache Parquet and Arrow, SQLite's file
// header, mxnet/src/ndarray/ndarray.cc (kMXAPINDArrayListMagic), CNTK's model reader (BCNTK), RKNN toolkit.
//
// # Security
//
// A finding, so that the verdict is at best inconclusive and says why; nothing in such a file is judged. Kinds that the
// policy withholds by their names (documents, sound, films, tables) are not claimed here.
package unread

import (
	"bytes"

	"github.com/loadlock/loadlock/validate"
)

var unread = &validate.Rule{ID: "unread/format", Title: "format that this version does not read", Severity: validate.Medium,
	Why:     "What was not read was not judged, and the library of the format is native code that reads it.",
	Fix:     "convert the file to a format that is read (safetensors, ONNX, JSON, text), remove it, or waive the rule for its SHA-256",
	Hostile: "model.ort with a custom operator", Benign: "model.onnx, which is read"}

// Scanner recognises formats that are not read.
func Scanner() *validate.Scanner {
	return &validate.Scanner{
		Name: "unread", Doc: "formats that are recognised and not read", Version: 1,
		Rules: []*validate.Rule{unread}, Match: match, Scan: scan,
	}
}

// format is a magic number at a place, and the words for it.
type format struct {
	at    int
	magic string
	words string
	ext   string // under which the policy withholds it by its name
}

var formats = []format{
	{4, "ORTM", "ONNX Runtime's own format (ORT): a graph of operators in a flatbuffer", ""},
	{4, "PTMF", "bytecode of torch's mobile interpreter in a flatbuffer", ""},
	{0, "RKNN", "RKNN: a network compiled for a processor of Rockchip", ""},
	{0, "\x12\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", "MXNet's list of arrays", ""},
	{0, "B\x00C\x00N\x00T\x00K\x00", "CNTK model of version 1", ""},
	{0, "PAR1", "Parquet table: data, no code", ".parquet"},
	{0, "ARROW1\x00\x00", "Arrow table: data, no code", ".arrow"},
	{0, "FEA1", "Feather table: data, no code", ".feather"},
	{0, "mmap lm http://kheafield.com/code", "KenLM: n-grams of a language model", ""},
	{0, "IxFI", "index of FAISS", ""},
	{0, "IxF2", "index of FAISS", ""},
	{0, "IwFl", "index of FAISS", ""},
	{0, "IHNf", "index of FAISS", ""},
	{0, "ftrt", "TensorRT: a network compiled for a processor of NVIDIA", ""},
	{0, "SQLite format 3\x00", "SQLite database", ""},
	{0, "hsqs", "file system image (squashfs)", ""},
}

func find(b []byte) (format, bool) {
	for _, f := range formats {
		if len(b) >= f.at+len(f.magic) && bytes.HasPrefix(b[f.at:], []byte(f.magic)) {
			return f, true
		}
	}
	return format{}, false
}

// match asks that the file is more than the magic number, and no text that happens to begin with its letters.
func match(h validate.Head) bool {
	f, ok := find(h.Start)
	return ok && !h.Text() && (f.ext == "" || f.ext != validate.Ext(h.Name))
}

func scan(p *validate.Pass) error {
	head := make([]byte, min(64, p.Size))
	if _, err := p.ReadAt(head, 0); err != nil {
		return err
	}
	f, ok := find(head)
	if !ok {
		return validate.Malformed(0, "the file changed while it was looked at")
	}
	p.Report(unread, int64(f.at), "%s", f.words)
	p.Clear(0, p.Size, f.words) // that it was not read has been said, once
	return nil
}
