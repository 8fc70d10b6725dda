// Package pysource judges the Python code that comes with a model: what it does with the machine, before it runs.
//
// Each file is parsed (package syntax, Python 3.8 to 3.14) and analysed by itself. Names are resolved through imports,
// scopes and assignments without regard to their order, so that giving a name another value hides none; texts are
// folded through the operations and encodings that hide names; members are followed through getattr, dictionaries of
// modules, the import machinery and the modules through which other modules are reached. What a name then refers to is
// judged by a list, modules.txt, by default deny: what the list does not settle is a MEDIUM finding, and what modelling
// code never needs (processes, network, native code, pickles, credentials, import hooks, walks to the interpreter's
// internals) is a HIGH one, with the way from source to sink. References count, not only calls.
//
// # Security
//
// Code is recognised by name, because the interpreter finds modules by name, by an interpreter line, and by content.
// PEP 263 lets the first two lines choose an encoding under which the interpreter reads other code than a person does,
// so anything but UTF-8 and its subset is a finding. Code that does not parse, or is too large, is never clean.
//
// Not judged: what a vetted library does with harmless-looking arguments; values that come from outside the file
// (configuration, weights) and reach a plain object; the other files of the model, each of which is judged by itself;
// code that a policy lets run and that behaves badly as a model. Objects are not told apart: an attribute has every
// value that any object of the file was given under that name.
package pysource

import (
	"bytes"
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/jitsource"
	"github.com/loadlock/loadlock/validate/lazyre"
	"github.com/loadlock/loadlock/validate/pysource/syntax"
)

var (
	remoteCode = &validate.Rule{ID: "pysource/remote-code", Title: "Python code that comes with the model", Severity: validate.Low,
		Why:     "Libraries run such files when they are told to trust remote code; they can do all the process can.",
		Fix:     "read it and install it as a local package, or keep it withheld (allow_remote_code: false)",
		Hostile: `modeling_x.py`, Benign: `config.json`}
	encoding = &validate.Rule{ID: "pysource/encoding", Title: "Python source that is not plain UTF-8", Severity: validate.Medium,
		Why:     "A declared or broken encoding makes the interpreter see other code than a reader or a scanner.",
		Fix:     "ask for the file in UTF-8 without an encoding declaration",
		Hostile: `# coding: utf-7`, Benign: `# coding: utf-8`,
		Refs: []string{"PEP 263"}}
	pathFile = &validate.Rule{ID: "pysource/path-file", Title: "Python path file with an import line", Severity: validate.High,
		Why:     "The interpreter executes every line of a .pth file that begins with import, at start-up, before any program.",
		Fix:     "remove the file; a model has no use for it",
		Hostile: `import os; os.system("x")`, Benign: `some/folder`,
		Refs: []string{"Python documentation, module site"}}
)

var sourceExtensions = []string{".py", ".pyi", ".pyw", ".pyx", ".pxd", ".ipy"}

// Scanner judges Python code.
func Scanner() *validate.Scanner {
	return &validate.Scanner{
		Name: "pysource", Doc: "Python source, byte code, notebooks, path files, requirements", Version: 2,
		Rules: allRules(), Match: match, Scan: scan,
	}
}

func match(h validate.Head) bool {
	switch {
	case jitsource.Is(h):
		return false // no interpreter of Python runs it; validate/torchscript judges it
	case isPathFile(h.Name):
		return h.Text() // .pth is also what torch checkpoints are called; those are not text
	case slices.Contains(sourceExtensions, validate.Ext(h.Name)), isByteCode(h), isNotebook(h), isRequirements(h):
		return true
	}
	return pythonHead(h.Start) || pythonContent(h)
}

func isPathFile(name string) bool { return validate.Ext(name) == ".pth" }

// pythonHead recognises an interpreter line that names Python.
func pythonHead(b []byte) bool {
	line, _, _ := bytes.Cut(b[:min(len(b), 256)], []byte("\n"))
	return bytes.HasPrefix(line, []byte("#!")) && bytes.Contains(line, []byte("python"))
}

func scan(p *validate.Pass) error {
	head := validate.Head{Name: p.Name, Size: p.Size, ReaderAt: p}
	head.Start, _ = p.Bytes(0, min(p.Size, 4096))
	switch {
	case isPathFile(p.Name):
		return scanPathFile(p)
	case isByteCode(head):
		return scanByteCode(p)
	case isNotebook(head):
		return scanNotebook(p)
	case isRequirements(head):
		return scanRequirements(p)
	}
	return scanSource(p)
}

func scanSource(p *validate.Pass) error {
	p.IsJudgedCode()
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
		p.Report(startUp, 0, "%s", path.Base(p.Name))
	}
	p.Report(remoteCode, 0, "%d lines of %s; withheld under allow_remote_code: false; local alternative: install it as a package", lines, what)
	var format *validate.FormatError
	if errors.As(err, &format) {
		p.Report(encoding, format.Offset, "%s", format.What)
	}
	if err != nil {
		return err
	}
	if p.Size > MaxSource {
		p.Report(tooLarge, 0, "%d bytes; at most %d are analysed", p.Size, MaxSource)
		return nil
	}
	src, err := p.Bytes(0, p.Size)
	if err != nil {
		return err
	}
	analyseAt(p, src, 0, 0)
	return p.Charge(validate.Entries, 0)
}

// analyseAt analyses a text that stands at an offset and line of the file.
func analyseAt(p *validate.Pass, src []byte, off int64, line int) {
	analyse(src, p.Name, p.Sibling, func(r *validate.Rule, at validate.Place, detail string) {
		at.Offset = min(at.Offset+off, p.Size)
		if at.Line > 0 {
			at.Line += line
		}
		if at.Capability == "" && r != unparsed && r != tooLarge && r != hidden {
			at.Capability = unresolved
		}
		p.ReportAt(r, at, "%s", detail)
	})
}

// unresolved is the capability of code that was read and whose effect depends on what is not in it. A file that was
// not read as a whole has no capability: nobody knows what it is.
const unresolved = "unresolved"

// content is a line that only Python has; the whole file must then be Python as well.
var content = lazyre.New(`(?m)^[ \t]*(import [a-zA-Z_][\w.]*( as \w+)?[ \t]*(#.*|;.*|,.*)?\r?$|from [a-zA-Z_.][\w.]* import [\w(*]|(async )?def \w+\(|class \w+.*:|exec\(|eval\(|__import__\(|@\w+)`)

// beginnings are how a line begins that matches content.
var beginnings = []string{"import ", "from ", "async ", "def ", "class ", "exec(", "eval(", "__import__(", "@"}

// hasContent reports whether a line matches content.
func hasContent(b []byte) bool {
	for line := range bytes.Lines(b) {
		line = bytes.TrimRight(bytes.TrimLeft(line, " \t"), "\n")
		begins := func(s string) bool { return len(line) >= len(s) && line[0] == s[0] && string(line[:len(s)]) == s }
		if slices.ContainsFunc(beginnings, begins) && content.Match(line) {
			return true
		}
	}
	return false
}

// maxContent bounds what is read of a file without a telling name.
const maxContent = 256 << 10

// pythonContent recognises Python under any name.
func pythonContent(h validate.Head) bool {
	if h.Size > maxContent || !h.Text() || !hasContent(h.Start) {
		return false
	}
	src := h.Start
	if int64(len(src)) < h.Size {
		src = make([]byte, h.Size)
		if _, err := h.ReadAt(src, 0); err != nil {
			return false
		}
	}
	tree, err := syntax.Parse(src, bounds)
	return err == nil && len(tree.Body) > 0
}

// declaration is the pattern of PEP 263, for the first two lines.
var declaration = lazyre.New(`^[ \t\f]*#.*?coding[:=][ \t]*([-_.a-zA-Z0-9]+)`)

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
