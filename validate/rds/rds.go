// Package rds judges R's serializations: what saveRDS writes, and the workspace images of save.
//
// References: R Internals, section "Serialization Formats"; R's src/main/serialize.c and saveload.c. Compressed files
// are opened by another scanner, which descends into the content.
//
// # Security
//
// Reading a serialization makes R objects, and some kinds of object run code by being looked at: a promise evaluates its
// expression (CVE-2024-27322), byte code and closures run when they are called, bindings of environments can be active. An expression runs when a
// function of R evaluates it, as predict does with those of a formula; so what it calls must be one of the functions in
// calls.txt, by name.
// Data is vectors, lists, attributes and symbols. Every item of the stream is walked, in the three encodings, and every
// kind of item that is not data is a finding. Numbers in binary encodings are not read. Objects of S4 classes are data
// whose class must be installed; what their methods do is out of scope.
package rds

import (
	"bytes"
	"encoding/binary"

	"github.com/loadlock/loadlock/validate"
)

const plainData = "ask for the model in a format of plain data (matrices, data frames), or read the object in an R without access to anything"

var (
	promise = &validate.Rule{ID: "rds/promise", Title: "promise in a serialization", Severity: validate.High,
		Why:     "R evaluates the expression of a promise as soon as its value is needed, so that using the loaded object runs it.",
		Fix:     "do not load this file; R before 4.4.0 runs the promise",
		Hostile: `PROMSXP of quote(system("id"))`, Benign: "VECSXP, a list", Refs: []string{"CVE-2024-27322"}}
	program = &validate.Rule{ID: "rds/program", Title: "function, expression or byte code in a serialization", Severity: validate.High,
		Why:     "The object is a program that the model brings; printing or predicting with the object runs it.",
		Fix:     plainData,
		Hostile: `CLOSXP of function(x) system("id")`, Benign: "VECSXP, a list", Refs: []string{"CVE-2024-27322"}}
	expression = &validate.Rule{ID: "rds/expression", Title: "expression that calls a function nobody vetted", Severity: validate.Medium,
		Why:     "Predicting with a model evaluates the expressions of its formula, and updating it evaluates the call that made it.",
		Fix:     plainData,
		Hostile: `quote(fetch("x"))`, Benign: "quote(lm(formula = y ~ log(x)))"}
	reference = &validate.Rule{ID: "rds/reference", Title: "environment, namespace or pointer in a serialization", Severity: validate.Medium,
		Why:     "Environments can hold active bindings and finalizers, a namespace loads an installed package, and pointers come back as null.",
		Fix:     plainData,
		Hostile: "ENVSXP with a binding", Benign: "GLOBALENV_SXP, a mention of the workspace"}
	altrep = &validate.Rule{ID: "rds/altrep", Title: "vector of a class that a package computes", Severity: validate.Medium,
		Why:     "The package's native code makes the vector from a state in the file; some read other files.",
		Fix:     plainData,
		Hostile: "ALTREP_SXP of class mmap_real, which maps a file", Benign: "ALTREP_SXP of class compact_intseq, the numbers 1 to n"}
)

// Scanner judges R serializations.
func Scanner() *validate.Scanner {
	return &validate.Scanner{
		Name: "rds", Doc: "R serializations and workspace images, item by item", Version: 1,
		Rules: []*validate.Rule{promise, program, expression, reference, altrep}, Match: match, Scan: scan,
	}
}

func match(h validate.Head) bool { _, ok := header(h.Start); return ok }

// header is the size of what precedes the serialization: nothing, or the magic of a workspace image.
func header(b []byte) (image int, ok bool) {
	if len(b) >= 5 && b[0] == 'R' && b[1] == 'D' && (b[2] == 'X' || b[2] == 'A' || b[2] == 'B') && (b[3] == '2' || b[3] == '3') && b[4] == '\n' {
		return 5, true
	}
	if len(b) < 4 || b[1] != '\n' {
		return 0, false
	}
	switch b[0] {
	case 'X':
		return 0, len(b) >= 14 && small(binary.BigEndian.Uint32(b[2:]))
	case 'B':
		return 0, len(b) >= 14 && small(binary.LittleEndian.Uint32(b[2:]))
	case 'A':
		rest := b[2:min(len(b), 40)]
		version, more, _ := bytes.Cut(rest, []byte("\n"))
		writer, _, ok := bytes.Cut(more, []byte("\n"))
		return 0, ok && len(version) == 1 && (version[0] == '2' || version[0] == '3') && len(writer) >= 5 && bytes.Trim(writer, "0123456789") == nil
	}
	return 0, false
}

func small(version uint32) bool { return version == 2 || version == 3 }

func scan(p *validate.Pass) error {
	head := make([]byte, min(64, p.Size))
	if _, err := p.ReadAt(head, 0); err != nil {
		return err
	}
	image, ok := header(head)
	if !ok {
		return validate.Malformed(0, "the file changed while it was looked at")
	}
	r := &reader{stream: newStream(p, int64(image))}
	if err := r.prologue(); err != nil {
		return err
	}
	if err := r.walk(); err != nil {
		return err
	}
	if r.ascii { // a line end is all that may follow
		if rest, err := p.Bytes(r.off, min(p.Size-r.off, 16)); err != nil || len(bytes.TrimSpace(rest)) > 0 || p.Size-r.off > 16 {
			return validate.Malformed(r.off, "bytes after the object")
		}
		r.off = p.Size
	}
	p.Clear(0, r.off, "R serialization")
	return nil
}

// prologue reads encoding, versions, and the name of the character set.
func (r *reader) prologue() error {
	b, err := r.bytes(2)
	if err != nil {
		return err
	}
	switch string(b) {
	case "X\n":
	case "B\n":
		r.order = binary.LittleEndian
	case "A\n":
		r.ascii = true
	default:
		return validate.Malformed(r.off-2, "encoding %s", validate.Quote(b, 2))
	}
	var version int64
	for i := range 3 {
		v, err := r.int()
		if err != nil {
			return err
		}
		if i == 0 {
			version = v
		}
	}
	if version != 2 && version != 3 {
		return validate.Malformed(2, "version %d", version)
	}
	if version == 3 {
		n, err := r.int()
		if err != nil {
			return err
		}
		if n < 0 || n > 64 {
			return validate.Malformed(r.off, "a character set of %d characters", n)
		}
		_, err = r.str(n)
		return err
	}
	return nil
}
