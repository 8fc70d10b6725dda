package torchscript

import (
	"strings"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/jsonwalk"
)

// scanExport judges the JSON of an exported program: what its nodes call, and what is evaluated.
func scanExport(p *validate.Pass) error {
	j, err := newJudge(p)
	if err != nil {
		return err
	}
	if err := p.ReadText(func(int64, []byte) error { return nil }); err != nil {
		return err
	}
	if err := jsonwalk.Walk(p, 0, p.Size, jsonwalk.Visitor{Scalar: j.exported}); err != nil {
		return err
	}
	p.Report(prints, 0, "%d bytes of a graph of torch.export", p.Size)
	p.Clear(0, p.Size, "exported program")
	return nil
}

func (j *judge) exported(stack []jsonwalk.Frame, k jsonwalk.Kind, value []byte, off int64) {
	if k != jsonwalk.Text || len(stack) == 0 {
		return
	}
	switch top := stack[len(stack)-1]; {
	case top.Object && string(top.Key) == "target" && under(stack, 1, "nodes"):
		j.target(off, string(value))
	case top.Object && (string(top.Key) == "expr_str" || string(top.Key) == "expr"):
		j.expression(off, string(value), false)
	case under(stack, 0, "guards_code"):
		j.expression(off, string(value), true)
	case top.Object && string(top.Key) == "class_fqn":
		j.class(validate.Place{Offset: off}, string(value))
	}
}

// under reports whether the array that is depth levels above the innermost frame is the value of key.
func under(stack []jsonwalk.Frame, depth int, key string) bool {
	i := len(stack) - 1 - depth
	return i >= 1 && !stack[i].Object && stack[i-1].Object && string(stack[i-1].Key) == key
}

// functions are the ones besides operators that the exporter writes as targets of nodes.
var functions = set(`_operator.add _operator.sub _operator.mul _operator.truediv _operator.floordiv _operator.mod _operator.pow _operator.neg _operator.pos
	_operator.abs _operator.eq _operator.ne _operator.lt _operator.le _operator.gt _operator.ge _operator.and_ _operator.or_ _operator.xor _operator.not_
	_operator.invert _operator.lshift _operator.rshift _operator.getitem _operator.is_ _operator.is_not _operator.index _operator.contains
	math.trunc math.ceil math.floor math.sqrt math.pow round builtins.round
	torch.sym_int torch.sym_float torch.sym_max torch.sym_min torch.sym_not torch.sym_ite torch.sym_sum torch._sym_sqrt torch.sym_sqrt torch.sym_fresh_size`)

func (j *judge) target(off int64, name string) {
	at := validate.Place{Offset: off}
	parts := strings.Split(name, ".")
	switch {
	case functions[name]:
	case (len(parts) == 4 || len(parts) == 5) && parts[0] == "torch" && parts[1] == "ops" && !strings.HasPrefix(parts[len(parts)-1], "__"):
		j.operator(at, parts[2], parts[3])
	case len(j.seen) > maxReported:
	default:
		if key := name[:min(len(name), maxWord)]; !j.seen[key] {
			j.seen[key] = true
			j.p.ReportAt(exportTarget, at, "a node calls %s", validate.Quote(name, 80))
		}
	}
}

// arithmetic are the functions that sizes are computed with (torch/utils/_sympy/functions.py) and sympy's own that it prints.
var arithmetic = set(`FloorDiv ModularIndexing Where PythonMod Mod CleanDiv CeilToInt FloorToInt CeilDiv LShift RShift PowByNatural FloatPow FloatTrueDiv
	IntTrueDiv IsNonOverlappingAndDenseIndicator TruncToFloat TruncToInt RoundToInt RoundDecimal ToFloat Identity Max Min Abs Eq Ne Ge Gt Le Lt And Or Not
	floor ceiling sqrt log exp Pow Add Mul Symbol Integer Float Rational Piecewise OpaqueUnaryFn_sqrt OpaqueUnaryFn_log OpaqueUnaryFn_log2 OpaqueUnaryFn_exp
	BitwiseFn_bitwise_and BitwiseFn_bitwise_or oo int_oo nan zoo True False and or not`)

// guardWords stand in guards besides: the inputs by name and what is asked of them.
var guardWords = set(`L size stride storage_offset shape dtype device math sym_min sym_max torch`)

const maxPowers, maxDigits = 8, 20

func (j *judge) expression(off int64, text string, guard bool) {
	if what := notArithmetic(text, guard); what != "" && len(j.seen) < maxReported {
		key := "=" + text[:min(len(text), maxWord)]
		if j.seen[key] {
			return
		}
		j.seen[key] = true
		j.p.ReportAt(exportExpression, validate.Place{Offset: off, Evidence: validate.Quote(text, 120)}, "%s", what)
	}
}

// notArithmetic says what in an expression is more than arithmetic on numbers and symbols, or "".
func notArithmetic(text string, guard bool) string {
	if len(text) > 64<<10 {
		return "an expression of more than 64 KiB"
	}
	powers := strings.Count(text, "**")
	if powers > maxPowers {
		return "powers of powers"
	}
	for i := 0; i < len(text); {
		c := text[i]
		start := i
		switch {
		case isLetter(c):
			for i < len(text) && (isLetter(text[i]) || isDigit(text[i])) {
				i++
			}
			if w := text[start:i]; !arithmetic[w] && !symbol(w) && !(guard && guardWords[w]) {
				return "the name " + validate.Quote(w, 40)
			}
		case isDigit(c):
			for i < len(text) && (isDigit(text[i]) || text[i] == '.') {
				i++
			}
			if i-start > maxDigits {
				return "a number of more than 20 digits"
			}
		case guard && c == '\'':
			n := strings.IndexByte(text[i+1:], '\'')
			if n < 0 || strings.ContainsAny(text[i+1:i+1+n], "\\_\"") && strings.Contains(text[i+1:i+1+n], "__") {
				return "a string in a guard"
			}
			i += n + 2
		case strings.IndexByte(" +-*/%()<>=!&|~,", c) >= 0, guard && strings.IndexByte("[].", c) >= 0:
			i++
		default:
			return "the character " + validate.Quote(string(c), 8)
		}
	}
	return ""
}

// symbol is a name as shape environments make them: letters and a number.
func symbol(w string) bool {
	n := len(w)
	for n > 0 && isDigit(w[n-1]) {
		n--
	}
	return n > 0 && n < len(w) && n <= 6 && strings.Trim(w[:n], "abcdefghijklmnopqrstuvwxyz") == ""
}
