package pysource

import (
	"bytes"
	"strings"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/jsonwalk"
	"github.com/loadlock/loadlock/validate/lazyre"
)

// isNotebook recognises Jupyter notebooks: JSON with cells and a version of the format (nbformat 4).
func isNotebook(h validate.Head) bool {
	if validate.Ext(h.Name) == ".ipynb" {
		return true
	}
	start := bytes.TrimLeft(h.Start, " \t\r\n")
	return len(start) > 0 && start[0] == '{' && (bytes.Contains(h.Start, []byte(`"cell_type"`)) || bytes.Contains(h.Start, []byte(`"nbformat"`)))
}

// maxCells bounds the source that is collected of one notebook.
const maxCells = 1 << 20

// scanNotebook analyses the code cells, one after the other as one program: names of a cell are known in the next.
func scanNotebook(p *validate.Pass) error {
	p.IsJudgedCode()
	if err := p.ReadText(func(int64, []byte) error { return nil }); err != nil {
		return err
	}
	c := &cells{p: p}
	err := jsonwalk.Walk(p, 0, p.Size, jsonwalk.Visitor{Scalar: c.scalar, Close: c.close})
	if err != nil {
		return err
	}
	if c.full {
		p.Report(tooLarge, 0, "a notebook of more than %d bytes of code", maxCells)
	}
	analyseAt(p, c.program(), 0, 0)
	p.Clear(0, p.Size, "notebook")
	return nil
}

// cells collects the code of a notebook.
type cells struct {
	p    *validate.Pass
	cell bytes.Buffer // of the cell that is read
	kind string
	all  bytes.Buffer
	full bool
	hits int

	begun string  // a command that goes on in the next line
	given []given // commands of the cell
}

func (c *cells) scalar(stack []jsonwalk.Frame, k jsonwalk.Kind, v []byte, off int64) {
	if len(stack) == 3 && string(stack[0].Key) == "metadata" && k == jsonwalk.Text {
		c.language(string(stack[1].Key)+"."+string(stack[2].Key), string(v), off)
	}
	if len(stack) < 3 || string(stack[0].Key) != "cells" || k != jsonwalk.Text {
		return
	}
	switch key := string(stack[2].Key); {
	case key == "cell_type" && len(stack) == 3:
		c.kind = string(v)
	case key == "source" || key == "input":
		if c.cell.Len()+c.all.Len()+len(v) > maxCells {
			c.full = true
			return
		}
		c.cell.Write(v)
		c.commands(string(v), off)
	}
}

// language judges the language of all cells: what they say to a shell is commands.
func (c *cells) language(key, name string, off int64) {
	if key != "kernelspec.language" && key != "language_info.name" && key != "kernelspec.name" {
		return
	}
	switch strings.ToLower(name) {
	case "bash", "sh", "zsh", "fish", "powershell", "pwsh", "calysto_bash", "batch", "cmd", "perl", "php", "javascript", "typescript", "deno", "ijavascript", "node":
		c.p.ReportAt(notebookCommand, validate.Place{Offset: off, Evidence: quote(name), Capability: "subprocess"}, "the cells are in the language %s", quoted(name))
	}
}

// timed is a magic whose argument is code that it runs.
var timed = lazyre.New(`^[ \t]*%(time|timeit|prun|memit|mprun|lprun|snakeviz|scalene)\b([ \t]+-\w+([ \t]*\d+)?\b)*[ \t]*`)

// close ends a cell.
func (c *cells) close(stack []jsonwalk.Frame, _ int64) {
	if len(stack) != 3 || string(stack[0].Key) != "cells" {
		return
	}
	if c.kind == "code" || c.kind == "" {
		for _, g := range c.given {
			c.command(g.line, g.off)
		}
		if !foreignCell(c.cell.String()) {
			c.all.Write(c.cell.Bytes())
			c.all.WriteByte('\n')
		}
	}
	c.cell.Reset()
	c.kind, c.begun, c.given = "", "", nil
}

// foreignCell reports whether a cell is in another language, or text for a file; its first line was reported.
func foreignCell(s string) bool {
	s = strings.TrimSpace(s)
	return strings.HasPrefix(s, "%%") && !strings.HasPrefix(s, "%%time") && !strings.HasPrefix(s, "%%capture") && !strings.HasPrefix(s, "%%prun")
}

// program is the code of all cells, with the lines that are not Python blanked as comments.
func (c *cells) program() []byte {
	var out bytes.Buffer
	goesOn := false // a command of several lines
	for _, line := range strings.Split(c.all.String(), "\n") {
		t := strings.TrimSpace(line)
		wasCommand := goesOn
		goesOn = (wasCommand || shellValue.MatchString(line) || strings.HasPrefix(t, "!") || strings.HasPrefix(t, "%")) && strings.HasSuffix(t, `\`)
		switch {
		case !wasCommand && timed.MatchString(line):
			indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
			if line = indent + line[len(timed.FindStringSubmatch(line)[0]):]; strings.TrimSpace(line) == "" {
				line = indent + "pass"
			}
		case wasCommand:
			out.WriteString("# ")
		case strings.HasPrefix(t, "%%"):
			out.WriteString("# ")
		case strings.HasPrefix(t, "!"), strings.HasPrefix(t, "%"), shellValue.MatchString(line):
			indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
			out.WriteString(indent + "pass # ")
		case strings.HasSuffix(t, "?") && !strings.ContainsAny(t, "'\"#"):
			out.WriteString("# ")
		}
		out.WriteString(line)
		out.WriteByte('\n')
	}
	return out.Bytes()
}
