package textconf

import (
	"strings"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/pyname"
)

// judge looks at each piece of one file.
type judge struct {
	p     *validate.Pass
	data  bool   // records of data, not configuration
	proto bool   // the text form of protocol buffers
	last  string // word
	count int    // of findings, which a file could repeat without end
}

const maxFindings = 64

func (j *judge) report(r *validate.Rule, at int64, line int, format string, args ...any) {
	if j.count++; j.count <= maxFindings {
		j.p.ReportAt(r, validate.Place{Offset: at, Line: line}, format, args...)
	}
}

// word judges a name without quotes.
func (j *judge) word(s string, at int64, line int) {
	if pyname.Sink(s) {
		j.report(target, at, line, "%s", validate.Quote(s, 120))
	}
	if j.proto {
		switch s {
		case "python_param":
			j.report(pythonLayer, at, line, "a layer in Python")
		case "op_library_filename":
			j.report(serverCode, at, line, "%s", s)
		}
	}
	j.last = s
}

// text judges a quoted text.
func (j *judge) text(s string, at int64, line int) {
	switch {
	case pyname.Sink(s):
		j.report(target, at, line, "%s", validate.Quote(s, 120))
	case !j.data && pyname.Expression(s):
		j.report(expression, at, line, "%s", validate.Quote(s, 120))
	case j.proto && s == "EXECUTION_ENV_PATH":
		j.report(serverCode, at, line, "%s", s)
	case j.proto && j.last == "type" && s == "Python":
		j.report(pythonLayer, at, line, "a layer of type %s", s)
	}
}

// value judges what stands behind the first sign that separates a key from its value, as one expression.
func (j *judge) value(line string, at int64, number int) {
	if j.data {
		return
	}
	i := strings.IndexAny(line, "=:")
	if i < 0 || strings.HasPrefix(strings.TrimSpace(line), "#") || strings.HasPrefix(strings.TrimSpace(line), ";") {
		return
	}
	if v := strings.TrimSpace(line[i+1:]); v != "" && v[0] != '"' && v[0] != '\'' && pyname.Expression(v) {
		j.report(expression, at+int64(i)+1, number, "%s", validate.Quote(v, 120))
	}
}
