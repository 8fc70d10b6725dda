// Package pysource finds the Python code that comes with a model.
//
// It marks each such file as code, so that the policy decides whether it exists inside the sandbox, and checks
// that the bytes are what a reader sees. It does not yet analyse what the code does: a policy that allows
// remote code therefore gets an inconclusive verdict for it (validate/remote-code-not-cleared).
//
// # Security
//
// Code is recognised by name, because the interpreter finds modules by name, and by an interpreter line. Byte
// code and native libraries are not text; no scanner claims them, and the verdict is inconclusive.
// PEP 263 lets the first two lines choose an encoding under which the interpreter reads other code than a
// person does, so anything but UTF-8 and its subset is a finding.
package pysource

import (
	"bytes"
	"errors"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/loadlock/loadlock/validate"
)

var (
	remoteCode = &validate.Rule{ID: "pysource/remote-code", Title: "Python code that comes with the model", Severity: validate.Low,
		Why: "Libraries run such files when they are told to trust remote code; they can do all the process can.",
		Fix: "read it and install it as a local package, or keep it withheld (allow_remote_code: false)"}
	encoding = &validate.Rule{ID: "pysource/encoding", Title: "Python source that is not plain UTF-8", Severity: validate.Medium,
		Why:  "A declared or broken encoding makes the interpreter see other code than a reader or a scanner.",
		Fix:  "ask for the file in UTF-8 without an encoding declaration",
		Refs: []string{"PEP 263"}}
	pathFile = &validate.Rule{ID: "pysource/path-file", Title: "Python path file with an import line", Severity: validate.High,
		Why:  "The interpreter executes every line of a .pth file that begins with import, at start-up, before any program.",
		Fix:  "remove the file; a model has no use for it",
		Refs: []string{"Python documentation, module site"}}
)

var sourceExtensions = []string{".py", ".pyi", ".pyw", ".pyx", ".pxd", ".ipy"}

// Scanner finds Python code.
func Scanner() *validate.Scanner {
	return &validate.Scanner{
		Name: "pysource", Doc: "Python source files, scripts and path files", Version: 1,
		Rules: []*validate.Rule{remoteCode, encoding, pathFile}, Match: match, Scan: scan,
	}
}

func match(h validate.Head) bool {
	if isPathFile(h.Name) {
		return h.Text() // .pth is also what torch checkpoints are called; those are not text
	}
	return slices.Contains(sourceExtensions, validate.Ext(h.Name)) || pythonHead(h.Start)
}

func isPathFile(name string) bool { return validate.Ext(name) == ".pth" }

// pythonHead recognises an interpreter line that names Python.
func pythonHead(b []byte) bool {
	line, _, _ := bytes.Cut(b[:min(len(b), 256)], []byte("\n"))
	return bytes.HasPrefix(line, []byte("#!")) && bytes.Contains(line, []byte("python"))
}

func scan(p *validate.Pass) error {
	if isPathFile(p.Name) {
		return scanPathFile(p)
	}
	p.IsCode()
	var lines int64
	err := p.ReadText(func(off int64, chunk []byte) error {
		if off == 0 {
			checkDeclaration(p, chunk)
		}
		lines += int64(bytes.Count(chunk, []byte("\n")))
		if off+int64(len(chunk)) == p.Size && len(chunk) > 0 && chunk[len(chunk)-1] != '\n' {
			lines++
		}
		p.Clear(off, int64(len(chunk)), "Python source")
		return nil
	})
	what := "Python"
	switch path.Base(p.Name) {
	case "sitecustomize.py", "usercustomize.py":
		what = "Python that the interpreter imports by itself at start-up"
	}
	p.Report(remoteCode, 0, "%d lines of %s; withheld under allow_remote_code: false; local alternative: install it as a package", lines, what)
	var format *validate.FormatError
	if errors.As(err, &format) {
		p.Report(encoding, format.Offset, "%s", format.What)
	}
	return err
}

// declaration is the pattern of PEP 263, for the first two lines.
var declaration = regexp.MustCompile(`^[ \t\f]*#.*?coding[:=][ \t]*([-_.a-zA-Z0-9]+)`)

// The codecs under which the bytes mean what they mean in UTF-8. Python's own normalisation: case and
// underscores do not matter.
var plainCodecs = []string{"utf-8", "utf8", "utf-8-sig", "ascii", "us-ascii"}

func checkDeclaration(p *validate.Pass, start []byte) {
	start = start[:min(len(start), 4096)]
	start = bytes.TrimPrefix(start, []byte("\ufeff"))
	// The interpreter ends lines at \r too.
	lines := bytes.FieldsFunc(start, func(r rune) bool { return r == '\n' || r == '\r' })
	for _, line := range lines[:min(2, len(lines))] {
		m := declaration.FindSubmatch(line)
		if m == nil {
			continue
		}
		codec := strings.ReplaceAll(strings.ToLower(string(m[1])), "_", "-")
		if !slices.Contains(plainCodecs, codec) {
			p.Report(encoding, 0, "the source declares encoding %q", codec)
		}
	}
}

// scanPathFile judges a textual .pth file as the interpreter's site module reads it.
func scanPathFile(p *validate.Pass) error {
	atStart, pending, found := true, "", 0
	line := func(s string, off int64) {
		if s = strings.TrimPrefix(s, "\ufeff"); strings.HasPrefix(s, "import ") || strings.HasPrefix(s, "import\t") {
			if found++; found <= 8 {
				p.Report(pathFile, off, "%q", s)
			}
		}
	}
	err := p.ReadText(func(off int64, chunk []byte) error {
		for i, c := range string(chunk) {
			switch {
			case c == '\n' || c == '\r' || c == '\f' || c == '\v' || c == 0x85 || c == 0x2028 || c == 0x2029 || c >= 0x1c && c <= 0x1e:
				// str.splitlines, which site uses, splits at all of these
				line(pending, off+int64(i)-int64(len(pending)))
				atStart, pending = true, ""
			case atStart && len(pending) < 128:
				pending += string(c)
			default:
				atStart = false
			}
		}
		p.Clear(off, int64(len(chunk)), "path file")
		return nil
	})
	line(pending, max(0, p.Size-int64(len(pending))))
	return err
}
