package jinja

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/loadlock/loadlock/validate/validatetest"
)

// The interpreter that has Debian's jinja2.
const systemPython = "/usr/bin/python3"

// reference says which of the templates on its input Jinja itself parses, with the extensions of chat templates.
const reference = `
import json, sys
from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.ext import Extension
class Generation(Extension):
    tags = {"generation"}
    def parse(self, parser):
        line = next(parser.stream).lineno
        return nodes.Scope(parser.parse_statements(["name:endgeneration"], drop_needle=True), lineno=line)
env = Environment(extensions=["jinja2.ext.loopcontrols", "jinja2.ext.do", Generation])
out = []
for t in json.load(sys.stdin):
    try:
        env.parse(t)
        out.append(True)
    except (TemplateSyntaxError, RecursionError, UnicodeError):
        out.append(False)
json.dump(out, sys.stdout)
`

// What Jinja parses, we parse: else an ordinary template would not be cleared. What we parse and Jinja does not is
// harmless as far as it goes, and is counted so that it stays rare.
func TestJinjaParsesWhatWeParse(t *testing.T) {
	validatetest.Need(t, "jinja2", exec.Command(systemPython, "-c", "import jinja2").Run())
	var templates []string
	files, _ := filepath.Glob(os.Getenv("LOADLOCK_TEMPLATES"))
	own, _ := filepath.Glob("testdata/*.jinja")
	for _, f := range slices.Concat(own, files) {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		src := string(bytes.ToValidUTF8(b, nil))
		templates = append(templates, src)
		for i := range 40 { // cut and shuffle, so that both kinds of answer are compared
			from, to := len(src)*i/41, len(src)*(i+1)/41
			templates = append(templates, src[:to], src[from:to], src[:from]+src[to:])
		}
	}
	templates = append(templates, `{{ 1 if a is divisibleby 3 else 2 }}`, `{{ a is b is c }}`, `{{ -1 ** 2 }}`, `{{ a.0.b[1:2:3, 4] }}`, `{{ (a, b), () }}`, `{{ 'a' 'b' }}`, `{% set a.b = 1 %}`,
		`{% set (a, b), c = 1 %}`, `{% if a, b %}{% endif %}`, `{% filter a|b %}{% endfilter %}`, `{% call(a, b=1) f(*c, **d) %}{% endcall %}`, `{% import 'a' as b with context %}`,
		`{{ 0x1f + 1_000 + 1e5 + 0b1 }}`, `{{ a if b }}`, `{{ a is defined if b else c }}`, `{{ not not a }}`, `{{ a not in b }}`, "{%-\nraw\n-%}{{{%- endraw +%}", `{{ "\q\x41" }}`, `{{+ a -}}`, `{{ a. b }}`,
		`{% block a scoped %}{% endblock a %}`, `{% macro a(b, c=1) %}{% endmacro %}`, `{% with %}{% endwith %}`, `{% for a in b if c recursive %}{% else %}{% endfor %}`, `{{ a | b.c(d) }}`, `{{ é.ü }}`)
	input, err := json.Marshal(templates)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(systemPython, "-c", reference)
	cmd.Stdin = bytes.NewReader(input)
	raw, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var theirs []bool
	if err := json.Unmarshal(raw, &theirs); err != nil || len(theirs) != len(templates) {
		t.Fatalf("%v, %d answers", err, len(theirs))
	}
	lenient := 0
	for i, src := range templates {
		_, _, err := parse(src)
		switch {
		case theirs[i] && err != nil:
			t.Errorf("Jinja parses, we do not (%v): %.300q", err, src)
		case !theirs[i] && err == nil:
			lenient++
			if testing.Verbose() {
				fmt.Printf("only we parse: %.200q\n", src)
			}
		}
	}
	if t.Logf("%d templates, %d of them only we parse", len(templates), lenient); lenient*50 > len(templates) {
		t.Errorf("%d of %d templates are parsed by us only", lenient, len(templates))
	}
}
