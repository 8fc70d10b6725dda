// Package text judges plain text: vocabularies, merges, readmes, attributes, licences.
//
// # Security
//
// It is the scanner of last resort: it runs when no other scanner recognises a file. Text without control
// characters is not something a loader of weights executes, whatever its name. A format whose text is
// dangerous (pickle protocol 0, JSON configuration, Python) has a scanner of its own that claims the file
// first. What a program makes of the words in a text is out of scope.
package text

import (
	"bytes"
	"errors"
	"strings"

	"github.com/loadlock/loadlock/validate"
)

var script = &validate.Rule{ID: "text/script", Title: "a script for a command interpreter", Severity: validate.Low,
	Why:     "Nothing that loads weights runs it, but a person following the model's instructions may.",
	Fix:     "read it before running it by hand",
	Hostile: "#!/bin/sh",
	Benign:  "# A model: a heading, and text"}

// Scanner judges files that nobody else claims.
func Scanner() *validate.Scanner {
	return &validate.Scanner{
		Name: "text", Doc: "plain text without control characters", Version: 1,
		Rules: []*validate.Rule{script, foreign}, Match: match, Scan: scan, Fallback: true,
	}
}

func match(h validate.Head) bool {
	if !h.Text() {
		return matchForeign(h)
	}
	return control(h.Name, h.Start) < 0
}

// terminal are the control characters with which programs draw progress and colours; logs are full of them.
const terminal = "\a\b\x1b"

// control is the index of the first control character that text files do not have, or -1. C1 controls are let
// through: multilingual vocabularies list every character there is, and quoted output is the reports' duty.
func control(name string, b []byte) int {
	log := validate.Ext(name) == ".log"
	return bytes.IndexFunc(b, func(r rune) bool {
		if log && strings.ContainsRune(terminal, r) {
			return false
		}
		return r < ' ' && r != '\t' && r != '\n' && r != '\r' && r != '\f' || r == 0x7f
	})
}

// scan reads UTF-8, and what is not UTF-8 again as what it then must be, if its name allows that.
func scan(p *validate.Pass) error {
	var format *validate.FormatError
	err := p.ReadText(func(int64, []byte) error { return nil })
	if errors.As(err, &format) && isProse(p.Name) {
		return scanForeign(p)
	}
	if err != nil {
		return err
	}
	return p.ReadText(func(off int64, chunk []byte) error {
		if i := control(p.Name, chunk); i >= 0 {
			return validate.Malformed(off+int64(i), "control character %#02x in text", chunk[i])
		}
		if off == 0 && bytes.HasPrefix(chunk, []byte("#!")) {
			line, _, _ := bytes.Cut(chunk[:min(len(chunk), 128)], []byte("\n"))
			p.Report(script, 0, "%q", line)
		}
		p.Clear(off, int64(len(chunk)), "text")
		return nil
	})
}
