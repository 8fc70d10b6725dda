package torchscript

import (
	"fmt"
	"strings"

	"github.com/loadlock/loadlock/validate"
)

// maxSource bounds one member of source; the largest published ones have a few megabytes.
const maxSource = 8 << 20

// maxNames bounds the names of one member that are remembered; what is defined beyond them is reported as unknown.
const maxNames = 100_000

// judge reads one member.
type judge struct {
	p     *validate.Pass
	lists *lists
	seen  map[string]bool // reported operators and names

	lex     lexer
	prev    token
	depth   int            // of brackets
	getattr []int          // depths at which a getattr waits for its comma
	used    map[string]int // names that were used, with the place of the first use in places
	known   map[string]bool
	places  []validate.Place
}

func newJudge(p *validate.Pass) (*judge, error) {
	l, err := loadLists()
	return &judge{p: p, lists: l, seen: map[string]bool{}, used: map[string]int{}, known: map[string]bool{}}, err
}

func scanSource(p *validate.Pass) error {
	if p.Size > maxSource {
		return fmt.Errorf("%w: TorchScript of more than %d bytes", validate.ErrBudget, maxSource)
	}
	j, err := newJudge(p)
	if err != nil {
		return err
	}
	b, err := p.Bytes(0, p.Size)
	if err != nil {
		return err
	}
	j.lex = lexer{b: b, line: 1}
	if err := j.source(); err != nil {
		return err
	}
	j.strangers()
	if p.Depth == 0 {
		p.IsCode() // torch reads it from archives only, so as a file of its own it is something that Python can import
	}
	p.Report(prints, 0, "%d lines of TorchScript", j.lex.line)
	p.Clear(0, p.Size, "TorchScript")
	return nil
}

func place(t token) validate.Place { return validate.Place{Offset: t.off, Line: t.line} }

func (j *judge) source() error {
	t, err := j.lex.next()
	for n := 0; err == nil && t.kind != tEnd; n++ {
		if n%1024 == 0 {
			if err := j.p.Charge(validate.Entries, 0); err != nil {
				return err
			}
		}
		var next token
		if next, err = j.lex.next(); err != nil {
			break
		}
		if t.kind == tName && !j.prev.is(".") {
			if next, err = j.root(t, next); err != nil {
				break
			}
		} else {
			j.other(t, next)
		}
		t = next
	}
	return err
}

// other judges a token that begins no chain of names.
func (j *judge) other(t, next token) {
	switch {
	case t.kind == tName: // an attribute of an expression: "(x).save"
		j.attribute(t, string(t.text))
	case t.is("(") || t.is("[") || t.is("{"):
		j.depth++
	case t.is(")") || t.is("]") || t.is("}"):
		j.depth--
	case t.is(",") && len(j.getattr) > 0 && j.getattr[len(j.getattr)-1] == j.depth:
		j.getattr = j.getattr[:len(j.getattr)-1]
		j.byName(next)
	case t.kind == tString && next.kind == tString && j.prev.is(","):
		j.p.ReportAt(unresolved, place(t), "a string in pieces")
	}
	j.prev = t
}

// byName judges the second argument of getattr. The printer writes getattr for names that are no identifiers only.
func (j *judge) byName(t token) {
	text := string(t.text)
	if t.kind != tString || strings.ContainsRune(text, '\\') || isIdentifier(text) {
		j.p.ReportAt(unresolved, place(t), "getattr with %s", validate.Quote(text, 60))
	}
}

func isIdentifier(s string) bool {
	for i := range len(s) {
		if !isLetter(s[i]) && (i == 0 || !isDigit(s[i])) {
			return false
		}
	}
	return s != ""
}

// attribute judges a name behind a dot. Any operator can be called as a method of its first argument
// (torch/csrc/jit/frontend/sugared_value.cpp, SimpleValue::attr).
func (j *judge) attribute(t token, name string) {
	what := j.lists.denied["aten "+name]
	inside := strings.HasPrefix(name, "__") && strings.HasSuffix(name, "__") && !magic[name]
	if what == "" && !inside || j.seen["."+name] || len(j.seen) > maxReported {
		return
	}
	j.seen["."+name] = true
	if what != "" {
		j.p.ReportAt(outside, place(t), "method %s %s", validate.Quote(name, 60), what)
		return
	}
	j.p.ReportAt(unresolved, place(t), "attribute %s, which no TorchScript class has", validate.Quote(name[:min(len(name), maxWord)], 60))
}

// magic are the methods with a special name that classes of TorchScript can have.
var magic = set(`__init__ __new__ __len__ __getitem__ __setitem__ __delitem__ __contains__ __neg__ __not__ __add__ __sub__ __mul__ __matmul__ __truediv__
	__floordiv__ __mod__ __pow__ __eq__ __ne__ __lt__ __gt__ __le__ __ge__ __and__ __or__ __xor__ __lshift__ __rshift__ __iter__ __next__ __bool__ __int__
	__float__ __complex__ __str__ __repr__ __hash__ __abs__ __invert__ __call__ __getstate__ __setstate__ __enter__ __exit__ __copy__ __deepcopy__
	__is__ __isnot__ __constants__ __parameters__ __buffers__ __annotations__`)

// root judges a name that no dot precedes, with the attributes that follow it, and returns the token after them.
func (j *judge) root(t, next token) (token, error) {
	chain := []string{string(t.text)}
	last := t
	for next.is(".") {
		name, err := j.lex.next()
		if err != nil {
			return name, err
		}
		if name.kind != tName {
			j.p.ReportAt(unresolved, place(name), "a dot without a name")
			j.prev = next
			return name, nil
		}
		last = name
		if chain = append(chain, string(name.text)); len(chain) > 64 {
			return name, validate.Malformed(t.off, "a name of more than 64 parts")
		}
		if next, err = j.lex.next(); err != nil {
			return next, err
		}
	}
	j.chain(t, chain, next)
	j.prev = last
	return next, nil
}

func (j *judge) chain(t token, chain []string, next token) {
	switch first := chain[0]; {
	case j.prev.kind == tName && string(j.prev.text) == "import":
		if first != "__torch__" {
			j.p.ReportAt(unresolved, place(t), "import of %s", validate.Quote(strings.Join(chain, "."), 80))
		}
	case first == "torch" && len(chain) == 2:
		j.operator(place(t), "aten", chain[1])
	case first == "ops" && len(chain) == 3:
		j.operator(place(t), chain[1], chain[2])
	case first == "torch" || first == "ops":
		j.p.ReportAt(unresolved, place(t), "%s is no operator", validate.Quote(strings.Join(chain, "."), 80))
	case first == "__torch__":
		j.class(place(t), strings.Join(chain, "."))
	case first == "getattr" && next.is("("):
		j.getattr = append(j.getattr, j.depth+1)
	default:
		for _, name := range chain[1:] {
			j.attribute(t, name)
		}
		j.name(t, first, next)
	}
}

// native are the namespaces of classes that torch itself defines and that hold numbers.
var native = map[string]bool{"quantized": true, "rnn": true, "xnnpack": true, "mkldnn": true, "sparse": true, "profiler": true}

func (j *judge) class(at validate.Place, name string) {
	rest, ok := strings.CutPrefix(name, "__torch__.torch.classes.")
	if !ok {
		return
	}
	if ns, _, _ := strings.Cut(rest, "."); !native[ns] && !j.seen[name[:min(len(name), maxWord)]] && len(j.seen) < maxReported {
		j.seen[name[:min(len(name), maxWord)]] = true
		j.p.ReportAt(nativeClass, at, "class %s", validate.Quote(name, 80))
	}
}

// The names of the language (lexer.h, ir_emitter.cpp, import_source.cpp).
var words = set(`and or not is in def class return if elif else for while pass assert raise True False None break continue import as with del
	print tuple float int complex bool str hasattr isinstance range zip enumerate list dict rangelist sorted min max abs all any divmod hash hex id
	len oct ord chr bin round annotate unchecked_cast uninitialized fork awaitable inf nan infj nanj CONSTANTS op_version_set __annotations__ __parameters__ __buffers__
	Tensor List Dict Tuple Optional Union Future Await RRef Final NoneType Device Generator Stream number Any Scalar AnyClassType AnyEnumType Layout
	ScalarType QScheme Storage Capsule Module ModuleInterface Interface NamedTuple Enum object super self Exception`)

func set(text string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(text) {
		out[w] = true
	}
	return out
}

// name notes a plain name: where it is defined it is known from then on, anywhere else it must be.
func (j *judge) name(t token, name string, next token) {
	if words[name] || j.known[name] {
		return
	}
	defined := next.is("=") || next.is(":") || next.is(",") || next.is(")") && !j.prev.is("(") || next.kind == tName && string(next.text) == "in" ||
		j.prev.kind == tName && (string(j.prev.text) == "def" || string(j.prev.text) == "class" || string(j.prev.text) == "for" || string(j.prev.text) == "as")
	if defined && len(j.known) < maxNames {
		j.known[name] = true
		return
	}
	if _, twice := j.used[name]; !twice && len(j.places) < maxReported {
		j.used[name] = len(j.places)
		j.places = append(j.places, place(t))
	}
}

// strangers reports names that nothing in the member defines.
func (j *judge) strangers() {
	for name, i := range j.used {
		if !j.known[name] {
			j.p.ReportAt(unresolved, j.places[i], "name %s is not defined", validate.Quote(name, 60))
		}
	}
}
