package pickle

import (
	"slices"
	"strings"

	"github.com/loadlock/loadlock/validate/lazyre"
)

// Shapes of calls that scikit-learn, pandas, numpy's random generators and plain Python write.

// pyNumber is a number as str() writes it, short enough to convert at once. Fraction("1e999999999") computes a number
// of a billion digits; numbers with an exponent are for float and Decimal, which keep it.
var (
	pyNumber = lazyre.New(`^[+-]?[0-9]{1,200}(/[0-9]{1,200})?$`)
	pyFloat  = lazyre.New(`^[+-]?(([0-9]{1,200}(\.[0-9]{0,200})?|\.[0-9]{1,200})([eE][+-]?[0-9]{1,6})?|s?NaN[0-9]{0,20}|nan|inf(inity)?|Infinity)$`)
)

// shapeNumber: one or two numbers, or one as text.
func shapeNumber(c *call) string {
	const why = "only numbers, or one as short text, are vetted"
	if c.kw != nil || c.cut || len(c.args) > 2 {
		return why
	}
	for _, a := range c.args {
		s, ok := a.str()
		exponent := c.fn.g.module != "fractions"
		switch {
		case a.kind == kInt || a.kind == kBool || a.kind == kFloat || a.kind == kLong && a.n <= keepText:
		case ok && (pyNumber.MatchString(s) || exponent && pyFloat.MatchString(s)):
		default:
			return why
		}
	}
	return ""
}

// shapeCython: what Cython writes for a class of its own: (class of the same module, checksum, None or a state).
func shapeCython(j *judge, c *call, result *value) (string, error) {
	const why = "only (class, number, None or a tuple) is vetted"
	if len(c.args) != 3 || c.kw != nil || c.cut || c.args[0].kind != kImport || c.args[1].kind != kInt || c.args[2].kind != kNone && c.args[2].kind != kTuple {
		return why, nil
	}
	g := c.args[0].g
	package1, _, _ := strings.Cut(g.module, ".")
	package2, _, _ := strings.Cut(c.fn.g.module, ".")
	if g.entry == nil || package1 != package2 {
		return why, nil
	}
	result.kind, result.fn, result.items = kInstance, c.args[0], nil
	return "", nil
}

// shapeTree: sklearn.tree._tree.Tree(n_features, n_classes, n_outputs) copies n_outputs numbers out of n_classes.
func shapeTree(c *call) string {
	ok := c.op == opREDUCE && len(c.args) == 3 && c.kw == nil && c.args[0].kind == kInt && c.args[2].kind == kInt &&
		isArray(c.args[1]) && c.args[1].n == c.args[2].n && c.args[2].n >= 0 && c.args[0].n >= 0
	return want(ok, "only (number, array, number of its elements) is vetted")
}

// isArray reports an array whose state is set; n is the number of its elements.
func isArray(v *value) bool {
	return v.kind == kInstance && isArrayClass(v.fn) || v.kind == kCall && v.fn.kind == kImport && v.fn.g.name == "_frombuffer"
}

func isArrayClass(fn *value) bool {
	return fn.is("numpy", "ndarray") || fn.is("numpy", "matrix") || fn.is("numpy.matrixlib.defmatrix", "matrix")
}

// generators are numpy's BitGenerators (numpy/random/_pickle.py).
var generators = []string{"MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64"}

func isGenerator(v *value) bool {
	if v.kind == kImport {
		return strings.HasPrefix(v.g.module, "numpy.random._") && slices.Contains(generators, v.g.name)
	}
	s, ok := v.str()
	return ok && slices.Contains(generators, s)
}

// shapeBitGenerator: a constructor of numpy's, by name.
func shapeBitGenerator(c *call) string {
	return want(c.kw == nil && (len(c.args) == 0 || len(c.args) == 1 && isGenerator(c.args[0])), "only the name of a generator of numpy is vetted")
}

// shapeRandom: (name, constructor) or (generator). The constructor is called with the name.
func shapeRandom(c *call) string {
	made := len(c.args) > 0 && c.args[0].kind == kCall && c.args[0].fn.is("numpy.random._pickle", "__bit_generator_ctor")
	ok := c.kw == nil && len(c.args) <= 2 && (len(c.args) == 0 || made || isGenerator(c.args[0])) &&
		(len(c.args) < 2 || c.args[1].is("numpy.random._pickle", "__bit_generator_ctor"))
	return want(ok, "only numpy's own generator, by its own constructor, is vetted")
}

// randomState: a position outside the table of the Mersenne twister is read as it is. States are tables, since numpy 2
// in a tuple with the seed, or before 1.17 ("MT19937", table of numbers, position, …).
func randomState(state *value) string {
	switch {
	case state.kind == kTuple && len(state.items) > 2 && isText(state.items[0], "MT19937"):
		return want(state.items[1].class() != nil && position(state.items[2]), "a position outside the table")
	case state.kind == kTuple && len(state.items) == 2:
		state = state.items[0]
	}
	return randomTable(state, true)
}

func randomTable(state *value, nested bool) string {
	if state.kind != kDict || state.cut() {
		return "not the state of a generator"
	}
	for i := 0; i+1 < len(state.items); i += 2 {
		v := state.items[i+1]
		switch {
		case state.items[i].kind != kStr || state.items[i].cut():
			return "not the state of a generator"
		case isText(state.items[i], "pos") && !position(v):
			return "a position outside the table"
		case isText(state.items[i], "buffer_pos") && (v.kind != kInt || v.n < 0 || v.n > 4): // of Philox
			return "a position outside the buffer"
		case isText(state.items[i], "state") && nested && v.kind >= kTuple: // of PCG64 it has numbers, of SFC64 it is an array
			if isArray(v) {
				continue
			}
			if why := randomTable(v, false); why != "" {
				return why
			}
		}
	}
	return ""
}

func position(v *value) bool { return v.kind == kInt && v.n >= 0 && v.n <= 624 }

// shapeIndex: pandas makes an index of the class that is the first argument, with the rest as keywords.
func shapeIndex(c *call) string {
	ok := len(c.args) >= 2 && c.kw == nil && !c.cut && c.args[0].kind == kImport && strings.HasPrefix(c.args[0].g.module, "pandas.core.indexes.") &&
		c.args[0].g.entry != nil && (c.args[1].kind == kDict || c.args[1].kind == kTuple)
	return want(ok, "only an index class of pandas and a dictionary are vetted")
}

// shapeBlock: (values, place, dimensions).
func shapeBlock(c *call) string {
	ok := len(c.args) == 3 && c.kw == nil && c.args[0].class() != nil && c.args[2].kind == kInt && c.args[2].n >= 0 && c.args[2].n <= 2
	return want(ok, "only (array, place, dimensions) is vetted")
}

// zoneName keeps to names of time zones and units; dateutil takes the rest of such a name for the path of a file.
var zoneName = lazyre.New(`^[A-Za-z0-9_+\-./:\[\], ]{0,80}$`)

func shapeZone(c *call) string {
	for _, a := range c.args {
		if s, ok := a.str(); ok && (!zoneName.MatchString(s) || strings.HasPrefix(s, "dateutil") || strings.Contains(s, "..") || strings.HasPrefix(s, "/")) {
			return "only the name of a time zone or unit is vetted"
		}
		if g := a.class(); a.kind >= kImport && (g == nil || g.entry == nil) {
			return "only plain values and objects of vetted classes are vetted"
		}
	}
	return want(c.kw == nil && !c.cut, "too many arguments")
}
