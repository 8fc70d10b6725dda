package jinja

import (
	"bytes"

	"github.com/loadlock/loadlock/validate"
)

// Rules are the findings about templates of one format; each scanner that meets templates has its own.
type Rules struct{ Escape, Reach, Unlisted, Broken *validate.Rule }

// NewRules makes the rules of a format.
func NewRules(format string) Rules {
	return Rules{
		Escape: &validate.Rule{ID: format + "/template-escape", Title: "template that reaches for Python internals", Severity: validate.High,
			Why:     "Where a template is rendered without a sandbox, or with an incomplete one, these attributes lead to any function of the program.",
			Fix:     "use the chat template of the original model",
			Hostile: "{{ ''['__cla' ~ 'ss__'] }}", Benign: "{{ message['role'] }}",
			Refs: []string{"CVE-2024-34359", "CVE-2026-5760"}},
		Reach: &validate.Rule{ID: format + "/template-reads", Title: "template that reads another template", Severity: validate.Medium,
			Why:     "A chat template is one text; include, import and extends read files of the program that renders it.",
			Fix:     "use a template that stands alone",
			Hostile: "{% include '/etc/passwd' %}", Benign: "{% macro tool(t) %}{{ t.name }}{% endmacro %}"},
		Unlisted: &validate.Rule{ID: format + "/template-unlisted", Title: "template that uses what is not known to be harmless", Severity: validate.Medium,
			Why:     "Only listed functions, filters, tests and methods are cleared; others depend on the program that renders the template.",
			Fix:     "read the template; use the original model's if the name means nothing to you",
			Hostile: "{{ cycler }} or {{ config.items() }} or {{ run('id') }}", Benign: "{{ raise_exception('roles must alternate') }}",
			Refs: []string{"CVE-2024-34359"}},
		Broken: &validate.Rule{ID: format + "/template-unparsable", Title: "template that Jinja's grammar does not accept", Severity: validate.Medium,
			Why:     "What could not be parsed was not judged, and a forgiving renderer may run it.",
			Fix:     "use the chat template of the original model",
			Hostile: "{% if x %}{{ unfinished", Benign: "{% if x %}{{ x }}{% endif %}"},
	}
}

// List is all of them.
func (r Rules) List() []*validate.Rule {
	return []*validate.Rule{r.Escape, r.Reach, r.Unlisted, r.Broken}
}

// MaxTemplate is the size of a template that is judged. The longest published ones have forty thousand bytes.
const MaxTemplate = 512 << 10

// Judge reports what Check says about a template. off is where the template begins in the file; plain says that the
// file holds its bytes as they are, so that offsets and lines inside it are those of the file.
func (r Rules) Judge(p *validate.Pass, off int64, where string, src []byte, plain bool) {
	if len(src) > MaxTemplate {
		p.Report(r.Broken, off, "%s: a template of %d bytes is not read", where, len(src))
		return
	}
	text := string(src)
	for _, problem := range Check(text) {
		at := validate.Place{Offset: off, Line: problem.Line, Evidence: evidence(text, problem.Offset)}
		if plain {
			at.Offset += int64(problem.Offset)
		}
		rule := [...]*validate.Rule{Escape: r.Escape, Reach: r.Reach, Unlisted: r.Unlisted, Broken: r.Broken}[problem.Kind]
		p.ReportAt(rule, at, "%s: line %d: %s", where, problem.Line, problem.What)
	}
}

// Suspect reports only ways to Python's internals. It is for texts that some programs render and most do not: a prompt, a
// description, a text file.
func (r Rules) Suspect(p *validate.Pass, off int64, where string, src []byte, plain bool) {
	if !IsTemplate(src) || len(src) > MaxTemplate {
		return
	}
	text := string(src)
	for _, problem := range Check(text) {
		if problem.Kind != Escape {
			continue
		}
		at := validate.Place{Offset: off, Line: problem.Line, Evidence: evidence(text, problem.Offset)}
		if plain {
			at.Offset += int64(problem.Offset)
		}
		p.ReportAt(r.Escape, at, "%s: line %d: %s", where, problem.Line, problem.What)
	}
}

// IsTemplate reports whether a text has an expression or a statement of Jinja that could reach an attribute.
func IsTemplate(src []byte) bool {
	return len(src) > 8 && (bytes.Contains(src, []byte("{{")) || bytes.Contains(src, []byte("{%"))) && (bytes.Contains(src, []byte("}}")) || bytes.Contains(src, []byte("%}")))
}

// evidence is what stands around an offset, printable and short.
func evidence(text string, off int) string {
	from, to := max(0, off-24), min(len(text), off+40)
	return quote(text[from:to])
}
