package keras

import (
	"slices"
	"strings"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/jsonwalk"
	"github.com/loadlock/loadlock/validate/pyname"
)

// entry judges an object with a class_name.
func (j *judge) entry(o *frame, stack []jsonwalk.Frame) {
	if short := afterPackage(o.class.s); o.keys == 0 && short != "Lambda" && short != "__lambda__" && !slices.Contains(loaders, short) {
		return // a text under that key and nothing that a loader needs
	}
	if !o.class.text || !o.module.null() && !o.module.text || !o.name.null() && !o.name.text {
		j.report(shape, stack, o.off, "", "class_name, module or registered_name is no text")
		return
	}
	class := o.class.s
	switch short := afterPackage(class); {
	case class == "__lambda__":
		code := ""
		if o.config != nil {
			code = "a function of Python bytecode"
		}
		j.report(lambda, stack, o.off, code, "a marshalled function")
	case short == "Lambda":
		j.lambda(o, stack)
	case slices.Contains(loaders, short):
		j.report(loader, stack, o.off, "", "%s", class)
	case class == "function":
		j.function(o, stack)
	case class == "TypeSpec", class == "__typespec__":
		j.typeSpec(o, stack)
	case class == "TFOpLambda", class == "SlicingOpLambda":
		j.tensorOp(o, stack)
	default:
		j.name(o, stack, class)
	}
}

// afterPackage strips the package of a registered name.
func afterPackage(s string) string { return s[strings.LastIndexByte(s, '>')+1:] }

// lambda judges a Lambda layer. A function that is given by name is the author's code, which is not in the file.
func (j *judge) lambda(o *frame, stack []jsonwalk.Frame) {
	c := o.config
	switch {
	case c != nil && c.fnKind == 't' && !c.module.null() && pyname.Judge(c.module.s+"."+c.fn.s) == pyname.Harmful:
		j.report(module, stack, o.off, "", "Lambda of the function %s", validate.Quote(c.module.s+"."+c.fn.s, 120))
	case c != nil && c.fnKind == 't' && c.fnType == "function" && !isCode([]byte(c.fn.s)):
		j.report(custom, stack, o.off, "", "Lambda of the function %s", validate.Quote(c.fn.s, 80))
	case c != nil && c.fnKind == 'o' && c.fnOf == "function":
		j.report(custom, stack, o.off, "", "Lambda of a function that stands beside it")
	case c != nil && c.fnKind == 'l':
		j.report(lambda, stack, o.off, words([]byte(c.fn.s)), "Lambda with %d characters of code", len(c.fn.s))
	default:
		j.report(lambda, stack, o.off, "", "Lambda with code")
	}
}

// function judges an entry that names a function: class_name is "function", config its name.
func (j *judge) function(o *frame, stack []jsonwalk.Frame) {
	if !o.text.text || o.text.s == "" {
		j.report(shape, stack, o.off, "", "a function whose config is no name")
		return
	}
	j.name(o, stack, o.text.s)
}

// name judges a class or function with its module and registered name.
func (j *judge) name(o *frame, stack []jsonwalk.Frame, name string) {
	shown := validate.Quote(name, 100)
	if !o.module.null() {
		shown = validate.Quote(o.module.s, 100) + " " + shown
	}
	listed, harmful := j.classes[name] != "", slices.Contains(gadgets, afterPackage(name))
	whose := core
	if !o.module.null() {
		whose = originOf(o.module.s)
	} else if pkg, short, found := strings.Cut(name, ">"); found && slices.Contains(families, pkg) && className(short) {
		listed = true
	}
	switch {
	case harmful && (whose != foreign || strings.Contains(o.module.s, "keras")):
		j.report(gadget, stack, o.off, "", "%s", shown)
		return
	case whose == foreign, whose == family && !className(name):
		j.report(module, stack, o.off, "", "%s", shown)
		return
	case whose == own, whose == core && !listed:
		j.report(custom, stack, o.off, "", "%s", shown)
		return
	}
	j.registered(o, stack, name, whose)
}

// registered judges the registered name of an entry, which comes first when the program has registered it.
func (j *judge) registered(o *frame, stack []jsonwalk.Frame, name string, whose origin) {
	if o.name.null() || o.name.s == name || o.name.s == o.class.s {
		return
	}
	pkg, short, found := strings.Cut(o.name.s, ">")
	switch {
	case found && slices.Contains(families, pkg) && className(short):
	case !found && whose == core && j.classes[o.name.s] != "":
	default:
		j.report(custom, stack, o.off, "", "registered name %s", validate.Quote(o.name.s, 100))
	}
}

// specs are the type descriptions that TensorFlow itself registers.
var specs = []string{"TensorSpec", "RaggedTensorSpec", "SparseTensorSpec", "IndexedSlicesSpec", "VariableSpec", "KerasTensor"}

// typeSpec judges a description of a tensor's type: by registered name, or by module and class.
func (j *judge) typeSpec(o *frame, stack []jsonwalk.Frame) {
	short, tf := strings.CutPrefix(o.spec.s, "tf.")
	known := o.spec.text && slices.Contains(specs, short)
	switch {
	case known && tf && o.module.null():
	case known && !tf && strings.HasPrefix(o.module.s, "tensorflow.python.") && !strings.Contains(o.module.s, ".."):
	case !o.module.null() && originOf(o.module.s) == foreign:
		j.report(module, stack, o.off, "", "%s %s", validate.Quote(o.module.s, 100), validate.Quote(o.spec.s, 100))
	default:
		j.report(custom, stack, o.off, "", "type %s", validate.Quote(o.spec.s, 100))
	}
}

// tensorOp judges a layer that calls a function of TensorFlow.
func (j *judge) tensorOp(o *frame, stack []jsonwalk.Frame) {
	if o.config == nil || o.config.fnKind != 't' {
		j.report(shape, stack, o.off, "", "%s without the name of a function", o.class.s)
		return
	}
	if !tensorFunction(o.config.fn.s) {
		j.report(tfFunction, stack, o.off, "", "%s", validate.Quote(o.config.fn.s, 100))
	}
}
