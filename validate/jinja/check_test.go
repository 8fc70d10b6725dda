package jinja

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func kinds(ps []Problem) (out []Kind) {
	for _, p := range ps {
		if !slices.Contains(out, p.Kind) {
			out = append(out, p.Kind)
		}
	}
	return out
}

// Templates that lead to Python's internals, by technique. Each must be told as what it is, not only as unknown.
func TestEscapesAreFound(t *testing.T) {
	for name, src := range map[string]string{
		"CVE-2024-34359":                   `{% for x in ().__class__.__base__.__subclasses__() %}{% if "warning" in x.__name__ %}{{ x()._module.__builtins__['__import__']('os').popen("id").read() }}{% endif %}{% endfor %}`,
		"CVE-2026-5760":                    `{{ self._TemplateReference__context.cycler.__init__.__globals__.os.popen('id').read() }}`,
		"a subscript":                      `{{ ''['__class__'] }}`,
		"double quotes":                    `{{ ""["__class__"] }}`,
		"hexadecimal escapes":              `{{ ''["\x5f\x5fclass\x5f\x5f"] }}`,
		"octal escapes":                    `{{ ''["\137\137class\137\137"] }}`,
		"unicode escapes":                  `{{ ''["\u005f\U0000005fclass__"] }}`,
		"a named character":                `{{ ''["\N{LOW LINE}_class__"] }}`,
		"an escaped newline":               "{{ ''['\\\n__class__'] }}",
		"strings side by side":             `{{ ''['_' '_class_' '_'] }}`,
		"tilde":                            `{{ ''['__cla' ~ 'ss__'] }}`,
		"plus":                             `{{ ''['__cla' + 'ss__'] }}`,
		"times":                            `{{ ''['_'*2 ~ 'class' ~ 2*'_'] }}`,
		"percent":                          `{{ ''['%s%s' % ('__cla','ss__')] }}`,
		"percent of one":                   `{{ ''['__%s__' % 'class'] }}`,
		"format filter":                    `{{ ''['%s__'|format('__class')] }}`,
		"format method":                    `{{ ''['{}{}'.format('__cla','ss__')] }}`,
		"join filter":                      `{{ ''[['__cla','ss__']|join] }}`,
		"join filter with separator":       `{{ ''[['_','_class_','_']|join('')] }}`,
		"join method":                      `{{ ''[''.join(['__cla','ss__'])] }}`,
		"sum filter":                       `{{ ''[['__cla','ss__']|sum(start='')] }}`,
		"replace filter":                   `{{ ''['XXclassXX'|replace('X','_')] }}`,
		"replace method":                   `{{ ''['--class--'.replace('-','_')] }}`,
		"lower filter":                     `{{ ''['__CLASS__'|lower] }}`,
		"lower method":                     `{{ ''['__CLASS__'.lower()] }}`,
		"reverse filter":                   `{{ ''['__ssalc__'|reverse] }}`,
		"reverse slice":                    `{{ ''['__ssalc__'[::-1]] }}`,
		"reverse of a list":                `{{ ''[['ss__','__cla']|reverse|join] }}`,
		"a slice":                          `{{ ''['xx__class__yy'[2:-2]] }}`,
		"a character of a string":          `{{ ''['_x'[0] ~ '_class__'] }}`,
		"the first of a list":              `{{ ''[['__class__','x']|first] }}`,
		"trim":                             `{{ ''['  __class__ '|trim] }}`,
		"strip of letters":                 `{{ ''['xx__class__xx'.strip('x')] }}`,
		"split":                            `{{ ''['a,__class__'.split(',')[1]] }}`,
		"attr filter":                      `{{ ''|attr('__class__') }}`,
		"attr filter with join":            `{{ ''|attr(['__cla','ss__']|join) }}`,
		"attr by map":                      `{{ ['']|map('attr','__class__')|list }}`,
		"map attribute":                    `{{ ['']|map(attribute='__class__')|list }}`,
		"map attribute path":               `{{ ['']|map(attribute='x.__class__')|list }}`,
		"selectattr":                       `{{ x|selectattr('__class__') }}`,
		"rejectattr":                       `{{ x|rejectattr('a.__class__','equalto',1) }}`,
		"groupby":                          `{{ x|groupby('__class__') }}`,
		"sort attribute":                   `{{ x|sort(attribute='a,__class__') }}`,
		"sum attribute":                    `{{ x|sum('__len__') }}`,
		"unique attribute":                 `{{ x|unique(attribute='__class__') }}`,
		"max attribute":                    `{{ x|max(attribute='__class__') }}`,
		"join attribute":                   `{{ x|join(',', attribute='__class__') }}`,
		"str.format walks":                 `{{ '{0.__class__}'.format(x) }}`,
		"str.format walks an item":         `{{ '{0[__class__]}'.format(x) }}`,
		"str.format with a variable":       `{% set f = '{x.__init__.__globals__}' %}{{ f.format(x=x) }}`,
		"a variable":                       `{% set a = '__class__' %}{{ ''[a] }}`,
		"two variables":                    `{% set a = '__cla' %}{% set b = 'ss__' %}{{ ''[a ~ b] }}`,
		"a variable set later in a loop":   `{% for i in x %}{{ ''[k] }}{% set k = '__class__' %}{% endfor %}`,
		"a namespace":                      `{% set ns = namespace(k='__cla') %}{% set ns.k = ns.k ~ 'ss__' %}{{ ''[ns.k] }}`,
		"a namespace of a dict":            `{% set ns = namespace({'k':'__class__'}) %}{{ ''[ns.k] }}`,
		"a namespace by subscript":         `{% set ns = namespace(k='__class__') %}{{ ''[ns['k']] }}`,
		"a dict":                           `{% set d = {'k':'__class__'} %}{{ ''[d.k] }}`,
		"a dict's key":                     `{% set d = {'__class__':1} %}{% for k in d %}{{ ''[k] }}{% endfor %}`,
		"a dict's items":                   `{% for k, v in {'__class__':1}.items() %}{{ ''[k] }}{% endfor %}`,
		"dict()":                           `{% for k in dict(a='__class__').values() %}{{ ''[k] }}{% endfor %}`,
		"get":                              `{{ ''[{'a':'__class__'}.get('a')] }}`,
		"get with a default":               `{{ ''[{}.get('a','__class__')] }}`,
		"default filter":                   `{{ ''[nothing|default('__class__')] }}`,
		"or":                               `{{ ''[nothing or '__class__'] }}`,
		"inline if":                        `{{ ''['__class__' if 1 else 'x'] }}`,
		"a keyword of dict()":              `{% for k in dict(__class__=1) %}{{ ''[k] }}{% endfor %}`,
		"a keyword of a macro":             `{% macro f() %}{% for k in kwargs %}{{ x[k] }}{% endfor %}{% endmacro %}{{ f(__class__=1) }}`,
		"a keyword of update":              `{% set d = {} %}{% set _ = d.update(__class__=1) %}{% for k in d %}{{ x[k] }}{% endfor %}`,
		"a macro's own name":               `{% macro __class__() %}{% endmacro %}{{ x[__class__.name] }}`,
		"a parameter's name":               `{% macro f(__class__) %}{% endmacro %}{{ x[f.arguments[0]] }}`,
		"the item before":                  `{% for a in ['__class__','b'] %}{{ messages[loop.previtem] }}{% endfor %}`,
		"the item behind, by subscript":    `{% for a in ['__class__','b'] %}{{ messages[loop['nextitem']] }}{% endfor %}`,
		"the filling of a batch":           `{% for a in [1]|batch(2, '__class__') %}{{ x[a[1]] }}{% endfor %}`,
		"the start of a sum":               `{{ x[['_']|sum(start='__class_')] }}`,
		"append by another name":           `{% set l = [] %}{% set m = l %}{% set _ = m.append('__class__') %}{{ x[l[0]] }}`,
		"update by another name":           `{% set d = {} %}{% set e = d %}{% set _ = e.update({'a':'__class__'}) %}{{ x[d.a] }}`,
		"append in a macro":                `{% macro f(l) %}{% set _ = l.append('__class__') %}{% endmacro %}{% set q = [] %}{{ f(q) }}{{ x[q[0]] }}`,
		"update of the data":               `{% for m in messages %}{% set _ = m.update({'role':'__class__'}) %}{% endfor %}{{ x[messages[0].role] }}`,
		"a list and a loop":                `{% for k in ['role','__class__'] %}{{ m[k] }}{% endfor %}`,
		"append":                           `{% set l = [] %}{% do l.append('__class__') %}{{ ''[l[0]] }}`,
		"append in an expression":          `{% set l = [] %}{{ l.append('__class__') or '' }}{{ ''[l[0]] }}`,
		"update":                           `{% set d = {} %}{% set _ = d.update({'a':'__class__'}) %}{{ ''[d.a] }}`,
		"a macro's parameter":              `{% macro f(k) %}{{ ''[k] }}{% endmacro %}{{ f('__class__') }}`,
		"a macro's keyword":                `{% macro f(k) %}{{ ''[k] }}{% endmacro %}{{ f(k='__class__') }}`,
		"a macro's default":                `{% macro f(k='__class__') %}{{ ''[k] }}{% endmacro %}{{ f() }}`,
		"a macro's varargs":                `{% macro f() %}{{ ''[varargs[0]] }}{% endmacro %}{{ f('__class__') }}`,
		"a macro's kwargs":                 `{% macro f() %}{{ ''[kwargs.k] }}{% endmacro %}{{ f(k='__class__') }}`,
		"a macro with *":                   `{% macro f(a,k) %}{{ ''[k] }}{% endmacro %}{{ f(*['a','__class__']) }}`,
		"a macro by another name":          `{% macro f(k) %}{{ ''[k] }}{% endmacro %}{% set g = f %}{{ g('__class__') }}`,
		"a macro of the same name":         `{% macro f(k) %}{{ ''[k] }}{% endmacro %}{{ f('__class__') }}{% macro f(z) %}{% endmacro %}`,
		"a macro's name set to another":    `{% macro f(k) %}{{ ''[k] }}{% endmacro %}{% macro g(z) %}{% endmacro %}{% set g = f %}{{ g('__class__') }}`,
		"a macro in a list":                `{% macro f(k) %}{{ ''[k] }}{% endmacro %}{{ [f][0]('__class__') }}`,
		"a call block's parameter":         `{% macro f() %}{{ caller('__class__') }}{% endmacro %}{% call(k) f() %}{{ ''[k] }}{% endcall %}`,
		"with":                             `{% with k = '__class__' %}{{ ''[k] }}{% endwith %}`,
		"a block of text":                  `{% set k %}__class__{% endset %}{{ ''[k] }}`,
		"a block of raw text":              `{% set k %}{% raw %}__class__{% endraw %}{% endset %}{{ ''[k] }}`,
		"a filtered block":                 `{% set k | lower %}__CLASS__{% endset %}{{ ''[k] }}`,
		"tuples":                           `{% set a, b = 'x', '__class__' %}{{ ''[b] }}`,
		"several keys":                     `{% for a, b in [('x','__class__')] %}{{ ''[b] }}{% endfor %}`,
		"a set attribute":                  `{% set ns.__class__ = 1 %}`,
		"a call by subscript":              `{{ x['__subclasses__']() }}`,
		"mro":                              `{{ x.mro() }}`,
		"a frame's globals":                `{{ x.gi_frame.f_globals }}`,
		"a generator's frame":              `{{ (x|map('list'))['gi_frame'] }}`,
		"a method's attribute":             `{{ x.strip.__self__ }}`,
		"a function's globals":             `{{ raise_exception.__globals__ }}`,
		"namespace.__init__":               `{{ namespace.__init__.__globals__ }}`,
		"range":                            `{{ range['__class__'] }}`,
		"loop":                             `{{ loop.__init__.__globals__ }}`,
		"in a statement":                   `{% if x.__class__ %}{% endif %}`,
		"in a for":                         `{% for a in b.__class__ %}{% endfor %}`,
		"in a filter's argument":           `{{ x|default(x.__class__) }}`,
		"in a test's argument":             `{% if x is sameas(x.__class__) %}{% endif %}`,
		"in a filter block":                `{% filter replace(x.__class__, 'b') %}{% endfilter %}`,
		"in a call block":                  `{% call f(x.__class__) %}{% endcall %}`,
		"in an else":                       `{% if a %}{% else %}{{ x.__class__ }}{% endif %}`,
		"in a for's else":                  `{% for a in [] %}{% else %}{{ x.__class__ }}{% endfor %}`,
		"in a block":                       `{% block b %}{{ x.__class__ }}{% endblock b %}`,
		"in autoescape":                    `{% autoescape x.__class__ %}{% endautoescape %}`,
		"in generation":                    `{% generation %}{{ x.__class__ }}{% endgeneration %}`,
		"in a macro nobody calls":          `{% macro f() %}{{ x.__class__ }}{% endmacro %}`,
		"in a slice":                       `{{ x[x.__class__:] }}`,
		"in a dict":                        `{{ {'a':{'b':1}}.__class__ }}`,
		"behind braces in a literal":       `{{ '}}'.__class__ }}`,
		"behind an escaped quote":          `{{ '\'}}'.__class__ }}`,
		"behind a comment":                 `{# {{ #}{{ ''.__class__ }}`,
		"behind a lonely brace":            `{ {{ ''.__class__ }}`,
		"with white space control":         "{{- '' \n . \n __class__ -}}",
		"behind a raw block":               `{% raw %}{{ x }}{% endraw %}{{ x.__class__ }}`,
		"a raw block that is none":         `{% raw x %}{{ x.__class__ }}`,
		"unfinished":                       `{{ ''.__class__`,
		"a literal in a broken template":   `{{ x['__class__'] }}{% nonsense %}`,
		"in line two of a long one":        "text\n{{ x.__class__ }}",
		"a dict of many strings":           `{% set d = ['a','b','c','d','e','f','g','h','i','j','k','l','m','n','__class__'] %}{% for k in d %}{{ ''[k] }}{% endfor %}`,
		"strftime_now as it is":            `{{ ''[strftime_now('__class__')] }}`,
		"swapcase":                         `{{ ''['__CLASS__'.swapcase()] }}`,
		"removeprefix":                     `{{ ''['x__class__'.removeprefix('x')] }}`,
		"the characters of a string":       `{{ ''['__class__'|list|join] }}`,
		"a negative index":                 `{{ ''[['a','__class__'][-1]] }}`,
		"the end of split":                 `{{ ''['a b __class__'.split()[-1]] }}`,
		"an attribute with one underscore": `{{ x._private }}`,
	} {
		if ps := Check(src); !slices.Contains(kinds(ps), Escape) {
			t.Errorf("%s: %s: %+v", name, src, ps)
		}
	}
}

// What cannot be followed is stated: the template is not cleared.
func TestWhatIsNotKnownIsStated(t *testing.T) {
	for name, src := range map[string]string{
		"cycler": `{{ cycler }}`, "joiner": `{%- set a = joiner() -%}`, "lipsum": `{{ lipsum() }}`, "self": `{{ self.x() }}`,
		"cycler assigned elsewhere":              `{% if 0 %}{% set cycler = 1 %}{% endif %}{{ cycler }}`,
		"cycler in a list":                       `{% for a in [cycler] %}{{ a }}{% endfor %}`,
		"an unknown function":                    `{{ run('id') }}`,
		"a function of the data":                 `{{ messages[0]() }}`,
		"a function in the data":                 `{{ tools.run('id') }}`,
		"open":                                   `{{ open('/etc/passwd').read() }}`,
		"an unknown method":                      `{{ x.popen('id') }}`,
		"encode":                                 `{{ 'x'.encode('rot13') }}`,
		"format_map":                             `{{ '{a}'.format_map(x) }}`,
		"an unknown filter":                      `{{ x|shell }}`,
		"an unknown filter by map":               `{{ x|map('shell') }}`,
		"an unknown test":                        `{{ x is dangerous }}`,
		"an unknown test by select":              `{{ x|select('dangerous') }}`,
		"the attr filter":                        `{{ x|attr('role') }}`,
		"the attr filter with data":              `{{ x|attr(messages[0].role) }}`,
		"the attr filter with arguments":         `{{ x|attr(*a) }}`,
		"str.format of data":                     `{{ messages[0].content.format(x) }}`,
		"str.format that walks":                  `{{ '{0.a}'.format(x) }}`,
		"a name from characters of data":         `{{ ''[messages[0].keys()|string] }}`,
		"a name from a dict's text":              `{% set u = {}.keys()|string %}{{ ''[u[4] ~ u[4] ~ 'class'] }}`,
		"a name from a token":                    `{{ ''[bos_token] }}`,
		"a name from data and text":              `{{ x['a' ~ y] }}`,
		"a name from a macro":                    `{% macro f() %}__class__{% endmacro %}{{ ''[f()] }}`,
		"a name from caller":                     `{% macro f() %}{{ ''[caller()] }}{% endmacro %}{% call f() %}__class__{% endcall %}`,
		"a name from a block with an expression": `{% set k %}{{ '__cla' }}ss__{% endset %}{{ ''[k] }}`,
		"a name from JSON":                       `{{ ''[('"__class__"'|from_json)] }}`,
		"a name from tojson":                     `{{ ''[x|tojson] }}`,
		"a name from urlencode":                  `{{ ''['__class__'|urlencode] }}`,
		"a name from a loop":                     `{% set ns = namespace(k='') %}{% for c in 'abc' %}{% set ns.k = ns.k ~ c %}{% endfor %}{{ ''[ns.k] }}`,
		"a name from title":                      `{{ ''['abc'|title] }}`,
		"a path from data and text":              `{{ x|map(attribute='a' ~ y)|list }}`,
		"a list reversed in its place":           `{% set l = ['ss__','__cla'] %}{% set _ = l.reverse() %}{{ x[l|join] }}`,
		"a list reversed by another name":        `{% set l = ['ss__','__cla'] %}{% set m = l %}{% set _ = m.reverse() %}{{ x[l|join] }}`,
		"a path from data":                       `{{ x|map(attribute=messages[0].content)|list }}`,
		"a name from data on text":               `{{ ''[messages[0].content] }}`,
		"an attribute of a function":             `{{ range[messages[0].role] }}`,
		"an unknown named character":             `{{ ''["\N{DIGIT ONE}"] }}`,
		"url_for":                                `{{ url_for.x }}`,
		"a macro of another template":            `{% import 'x' as y %}{{ y.z() }}`,
		"what an expression gives":               `{{ (a or b)() }}`,
		"a method by a name from data":           `{{ x[y]() }}`,
	} {
		if ps := Check(src); !slices.Contains(kinds(ps), Unlisted) {
			t.Errorf("%s: %s: %+v", name, src, ps)
		}
	}
}

func TestOtherTemplatesAreNotRead(t *testing.T) {
	for _, src := range []string{`{% include 'x' %}`, `{% include x ignore missing with context %}`, `{% extends 'x' %}`, `{% import 'x' as y %}`, `{% from 'x' import a, b as c with context %}`} {
		if ps := Check(src); !slices.Contains(kinds(ps), Reach) {
			t.Errorf("%s: %+v", src, ps)
		}
	}
}

func TestWhatTheGrammarRefusesIsBroken(t *testing.T) {
	for _, src := range []string{`{{ x`, `{{ }}`, `{% if x %}`, `{% endif %}`, `{% for x %}{% endfor %}`, `{{ (x] }}`, `{{ 'x }}`, `{{ "\x4" }}`, `{% nonsense %}`,
		`{# x`, `{% raw %}`, `{{ x ! y }}`, `{% set x %}`, `{{ a b }}`, `{{ x.'y' }}`, `{{ ` + strings.Repeat("(", 500) + `}}`, `{{ a` + strings.Repeat("~a", 1000) + `}}`, strings.Repeat("{% if a %}", 500),
		strings.Repeat("{{a}}", maxTokens), `{% else %}`, `{% if a %}{% else %}{% elif b %}{% endif %}`, `{% call x %}{% endcall %}`, `{{ 1 is 2 }}`, `{{ x | }}`, `{{ f(a=) }}`, `{{ {1} }}`} {
		if ps := Check(src); !slices.Equal(kinds(ps), []Kind{Broken}) {
			t.Errorf("%.60s: %+v", src, ps)
		}
	}
}

func TestOrdinaryTemplatesAreQuiet(t *testing.T) {
	files, err := filepath.Glob("testdata/*.jinja")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d templates, %v", len(files), err)
	}
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if ps := Check(string(src)); len(ps) > 0 {
			t.Errorf("%s: %+v", f, ps)
		}
	}
	for _, src := range []string{
		`__init__ {# self.__class__ #} {{ x }} |attr`, `{{ 'the joiner of self.worth |attr __class__' }}`, `{{ myself.x }}{{ message.self.x }}`,
		`{{ messages[::-1] }}{{ messages[loop.index0 - 1].role }}{{ messages[(messages|length) - 1]['content'] }}{{ messages[-1] }}`,
		`{% for k in ['role','content'] %}{{ m[k] }}{% endfor %}`, `{% for k, v in tool.items() %}{{ tool[k] }}{% endfor %}`, `{% for key in message %}{{ message[key]|tojson }}{% endfor %}`,
		`{{ content.split('</think>')[-1].lstrip('\n') }}`, `{{ '%s: %d' % (a, 1) }}{{ '%s'|format(a) }}{{ '{}: {:.2f}'.format(a, b) }}`,
		`{% raw %}{{ x.__class__ }}{% endraw %}`, `{{ x if x is defined and x is not none else 'y' }}`, `{{ 1 if a is divisibleby 3 else 2 }}{{ a is not in [1] }}`,
		`{{ strftime_now("%d %b %Y") }}`, `{{ x['items'] }}{{ x['function'].name }}`, `{{ {'a': 1, 'b': [1, 2,],}['a'] }}`, `{{ messages | selectattr('role', 'equalto', 'user') | list | length }}`,
		`{{ tools | map(attribute='function.name') | join(', ') }}`, `{% set ns = namespace(found=false, i=0) %}{% set ns.i = ns.i + 1 %}{{ messages[ns.i].role }}{{ messages[ns.i + 1] }}`,
		`{% for i in range(messages|length) %}{{ messages[i].content }}{{ messages[i + 1] }}{% endfor %}`, `{{ x.y.0 }}{{ -1 ** 2 }}{{ a, b }}`, `{{ (args|from_json).items() }}`, ``, `{`, `{ {`, "{{\n'a'\n~\n'b'\n}}",
		`{% set d = {} %}{% set _ = d.update({'a': 1}) %}{% for k in d %}{{ d[k] }}{% endfor %}`, `{%+ if a -%}{%- endif +%}`, `{% for m in messages recursive %}{{ loop(m.children) }}{% endfor %}`, "{% for m in ['a' ~ b] %}{{ messages[loop.index0 + 1].role }}{% endfor %}",
	} {
		if ps := Check(src); len(ps) > 0 {
			t.Errorf("%s: %+v", src, ps)
		}
	}
}

func TestPlaces(t *testing.T) {
	src := "a\nb {{ x }}\n{{ x.__class__ }}"
	ps := Check(src)
	if len(ps) != 1 || ps[0].Line != 3 || ps[0].Offset != strings.Index(src, "__class__") {
		t.Errorf("%+v", ps)
	}
}

func TestNamesAreReadStrictly(t *testing.T) {
	for _, bad := range []string{"function x", "nonsense x y", "method a b\nmethod a c", "filter-same a b\nfilter-text a c"} {
		if _, err := readNames(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
	if len(names()["method"]) < 40 || len(names()["test"]) < 30 {
		t.Error("the list is short")
	}
}

func FuzzCheck(f *testing.F) {
	for _, s := range []string{`{{ x.y['a' ~ b] }}`, `{% for a, b in c.items() if d recursive %}{{ loop.index }}{% else %}{% endfor %}`, `{% macro f(a, b=1) %}{{ caller(a) }}{% endmacro %}{% call(x) f(*a, **b) %}{% endcall %}`,
		`{% set ns = namespace(a=1) %}{% set ns.a %}x{% endset %}`, `{{ "\x41\N{LOW LINE}"[1:2] is defined | join }}`, `{% raw %}{{{% endraw %}{# #}`} {
		f.Add("a ", s)
	}
	f.Fuzz(func(t *testing.T, before, behind string) {
		if len(before)+len(behind) > 4096 {
			return
		}
		ps := Check(before + behind)
		if again := Check(before + behind); !slices.Equal(ps, again) {
			t.Fatal("two checks differ")
		}
		for _, p := range ps {
			if p.Offset < 0 || p.Offset > len(before)+len(behind) || p.Line < 1 {
				t.Fatalf("place outside: %+v", p)
			}
		}
		if strings.Contains(before, "{") {
			return
		}
		if ps := Check(before + "{{ x.__class__ }}" + behind); !slices.Contains(kinds(ps), Escape) {
			t.Fatalf("hidden by %q and %q", before, behind)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	var src strings.Builder
	files, _ := filepath.Glob("testdata/*.jinja")
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			b.Fatal(err)
		}
		src.Write(text)
	}
	b.SetBytes(int64(src.Len()))
	b.ReportAllocs()
	for b.Loop() {
		Check(src.String())
	}
}
