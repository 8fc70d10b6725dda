package pickle

// shape judges the arguments of a call of a vetted name. It returns what is wrong with them, or "", and may
// refine the result. An error ends the scan.
type shape func(j *judge, c *call, result *value) (why string, err error)

// shapes are the words of globals.txt after "call:".
var shapes = map[string]shape{
	"any":           pure(func(*call) string { return "" }),
	"none":          pure(func(c *call) string { return want(len(c.args) == 0 && c.kw == nil, "no arguments are expected") }),
	"new":           pure(shapeNew),
	"literals":      pure(shapeLiterals),
	"iterable":      pure(shapeIterable),
	"bytes":         pure(shapeBytes),
	"factory":       pure(shapeFactory),
	"latin1":        pure(shapeLatin1),
	"state":         pure(shapeState),
	"reconstructor": shapeReconstructor,
	"newobj":        shapeNewObj,
	"fromtype":      shapeFromType,
	"nested":        shapeNested,
	"tensor":        shapeTensor,
	"ndarray":       shapeNdarray,
	"dtype":         shapeDtype,
	"scalar":        shapeScalar,
	"frombuffer":    shapeFrombuffer,
	"masked":        shapeMasked,
	"size":          shapeSize,
	"number":        pure(shapeNumber),
	"cython":        shapeCython,
	"tree":          pure(shapeTree),
	"bitgen":        pure(shapeBitGenerator),
	"rng":           pure(shapeRandom),
	"index":         pure(shapeIndex),
	"block":         pure(shapeBlock),
	"zone":          pure(shapeZone),
	"parameter":     pure(shapeParameter),
}

// pure is a shape that only looks at the call.
func pure(f func(*call) string) shape {
	return func(_ *judge, c *call, _ *value) (string, error) { return f(c), nil }
}

func want(ok bool, why string) string {
	if ok {
		return ""
	}
	return why
}

// shapeNew: an instance without a constructor (NEWOBJ, or INST and OBJ without arguments).
func shapeNew(c *call) string {
	return want(c.op != opREDUCE && len(c.args) == 0 && c.kw == nil, "only instances without arguments are vetted")
}

// plain reports literals, and tuples and lists of them.
func plain(v *value, depth int) bool {
	if v.kind == kTuple || v.kind == kList || v.kind == kFrozen || v.kind == kSet {
		if v.cut() || depth > 3 {
			return false
		}
		for _, item := range v.items {
			if !plain(item, depth+1) {
				return false
			}
		}
		return true
	}
	return v.literal() || v.bytesLike() || v.class() != nil && v.class().module == "datetime"
}

func shapeLiterals(c *call) string {
	for _, a := range c.args {
		if !plain(a, 0) {
			return "only literal arguments are vetted"
		}
	}
	return want(c.kw == nil && !c.cut, "only literal arguments are vetted")
}

// shapeIterable: a container that is already there; what would be produced on the fly has no bound.
func shapeIterable(c *call) string {
	for i, a := range c.args {
		made := a.class() != nil && a.class().entry != nil && a.class().entry.acts&actItems != 0
		if a.literal() && (i > 0 || a.kind != kInt) || a.bytesLike() || made || i == 0 && a.kind >= kTuple && a.kind <= kFrozen {
			continue
		}
		return "only a container made of values in the stream is vetted"
	}
	return want(c.kw == nil && !c.cut, "too many arguments")
}

func shapeBytes(c *call) string {
	switch {
	case c.kw != nil || c.cut || len(c.args) > 2:
	case len(c.args) == 0, len(c.args) == 1 && c.args[0].bytesLike():
		return ""
	case len(c.args) == 1 && c.args[0].kind == kList && allInts(c.args[0]):
		return ""
	case len(c.args) == 2 && c.args[0].kind == kStr && latin1(c.args[1]):
		return ""
	}
	return "only literal bytes are vetted"
}

func allInts(v *value) bool {
	for _, item := range v.items {
		if item.kind != kInt {
			return false
		}
	}
	return !v.cut()
}

// shapeFactory: defaultdict. Its factory is an import that was judged as such, or None.
func shapeFactory(c *call) string {
	ok := c.kw == nil && len(c.args) <= 2 && (len(c.args) < 1 || c.args[0].kind == kImport || c.args[0].kind == kNone) &&
		(len(c.args) < 2 || c.args[1].kind == kDict)
	return want(ok, "only a named factory is vetted")
}

func latin1(v *value) bool { s, ok := v.str(); return ok && (s == "latin1" || s == "latin-1") }

// shapeLatin1: how bytes are written below protocol 3. Any other codec may decompress or look up names.
func shapeLatin1(c *call) string {
	return want(len(c.args) == 2 && c.kw == nil && c.args[0].kind == kStr && latin1(c.args[1]), "only (text, 'latin1') is vetted")
}

// shapeState: the last argument becomes attributes.
func shapeState(c *call) string {
	if len(c.args) != 4 || c.cut {
		return "four arguments are expected"
	}
	if what := specialState(c.args[3]); what != "" {
		return "the state sets " + what
	}
	if what := hookState(c.args[3]); what != "" {
		return "the state sets hooks: " + what
	}
	return want(c.args[3].kind == kDict || c.args[3].kind == kNone || c.args[3].kind == kTuple, "the state is not a dictionary")
}

// makes judges the creation of an instance of a class that is an argument.
func (j *judge) makes(c *call, class *value, args []*value, result *value) error {
	made, err := j.called(&call{op: opNEWOBJ, off: c.off, fn: class, args: args})
	if err == nil {
		*result = *made
	}
	return err
}

// shapeReconstructor: copyreg._reconstructor(cls, object, None) is object.__new__(cls) and nothing else. With dict or
// list as the base the instance is filled from the third argument.
func shapeReconstructor(j *judge, c *call, result *value) (string, error) {
	if len(c.args) == 3 && c.kw == nil && (c.args[1].is("builtins", "dict") && c.args[2].kind == kDict || c.args[1].is("builtins", "list") && c.args[2].kind == kList) {
		if g := c.args[0]; g.kind == kImport && g.g.entry != nil && g.g.entry.acts&actItems != 0 {
			err := j.makes(c, c.args[0], nil, result)
			if from := c.args[2]; from.flags&(fSpecial|fForgotten) != 0 {
				result.flags, result.text = result.flags|fSpecial, specialTable(from)
			}
			return "", err
		}
	}
	if len(c.args) != 3 || c.kw != nil || c.cut || !c.args[1].is("builtins", "object") || c.args[2].kind != kNone {
		return "only (class, object, None) is vetted", nil
	}
	return "", j.makes(c, c.args[0], nil, result)
}

func shapeNewObj(j *judge, c *call, result *value) (string, error) {
	if len(c.args) < 1 || c.kw != nil || c.cut {
		return "a class is expected", nil
	}
	return "", j.makes(c, c.args[0], c.args[1:], result)
}

// shapeFromType: torch._tensor._rebuild_from_type_v2(function, type, arguments, state) calls the function and
// sets the state as attributes of what it returns.
func shapeFromType(j *judge, c *call, result *value) (string, error) {
	if len(c.args) != 4 || c.kw != nil || c.cut || c.args[2].kind != kTuple {
		return "(function, type, arguments, state) is expected", nil
	}
	inner, err := j.called(&call{op: opREDUCE, off: c.off, fn: c.args[0], args: c.args[2].items, cut: c.args[2].cut()})
	if err != nil {
		return "", err
	}
	if t := c.args[1]; t.kind != kImport {
		return "the type is not an imported name", nil
	} else if t.g.entry == nil {
		if u := j.use(c.off, t.g); u != nil {
			u.calls, u.callOff, u.callText = u.calls+1, c.off, "a tensor"
		}
	}
	*result = *inner
	return shapeState(c), nil
}
