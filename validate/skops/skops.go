// Package skops judges the schema of skops archives: a tree of nodes, each of which names a class or function.
//
// Reference: skops/io (docs/persistence.rst; _general.py, _numpy.py, _scipy.py, _sklearn.py). The archive is a zip; its
// "schema.json" is the tree, its other members are arrays and bytes that nodes refer to by name.
//
// # Security
//
// Every name in the tree, whatever node it stands in, is looked up in a list of vetted names (names.txt), in all the
// combinations that repeated keys allow; a name that is not there is at best inconclusive. A node whose loader this
// version does not know is not cleared, because its loader decides what is done with the names. Methods and functions of
// the operator module are resolved by text when the file is loaded and are refused. The members are judged by the
// scanners of their formats.
package skops

import (
	"bytes"
	"path"
	"strings"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/jsonwalk"
)

const useWeights = "ask for a file whose types are known, or look at the name, and waive the rule for the file's SHA-256"

var (
	dangerous = &validate.Rule{ID: "skops/dangerous-name", Title: "skops node that names code", Severity: validate.High,
		Why:     "Loading the node imports the name, and depending on the node calls it.",
		Fix:     "do not load this file",
		Hostile: `{"__module__": "os", "__class__": "system", "__loader__": "ReduceNode"}`, Benign: `{"__module__": "sklearn.svm._classes", "__class__": "SVC", "__loader__": "ObjectNode"}`,
		Refs: []string{"CVE-2025-54412", "CVE-2025-54413"}}
	unknownName = &validate.Rule{ID: "skops/unknown-name", Title: "skops node with a class or function that nobody vetted", Severity: validate.Medium,
		Why:     "The name is imported, and its class decides what is done with the state.",
		Fix:     useWeights,
		Hostile: `{"__module__": "mylib", "__class__": "Model", "__loader__": "ObjectNode"}`, Benign: `{"__module__": "numpy", "__class__": "ndarray", "__loader__": "NdArrayNode"}`}
	unknownLoader = &validate.Rule{ID: "skops/unknown-loader", Title: "skops node of a kind that this version does not know", Severity: validate.Medium,
		Why:     "The loader decides what is done with the names in the node.",
		Fix:     "check whether a newer loadlock knows the loader",
		Hostile: `{"__loader__": "PickleNode"}`, Benign: `{"__loader__": "DictNode"}`}
	method = &validate.Rule{ID: "skops/method", Title: "skops node that takes an attribute by its name", Severity: validate.Medium,
		Why:     "The attribute is looked up on an object that the file makes; earlier versions showed another name to the user than they used.",
		Fix:     useWeights,
		Hostile: `{"__loader__": "MethodNode", "content": {"func": "__class__.__init__", "obj": {}}}`, Benign: `{"__loader__": "TypeNode"}`,
		Refs: []string{"CVE-2025-54413", "CVE-2025-54412"}}
	outsideFile = &validate.Rule{ID: "skops/file", Title: "skops node whose file is not a plain member name", Severity: validate.Medium,
		Why:     "A reader that unpacks the archive would open another file.",
		Fix:     "save the file again with skops",
		Hostile: `{"file": "../../etc/passwd"}`, Benign: `{"file": "140213.npy"}`}
)

// Scanner judges skops schemas.
func Scanner() *validate.Scanner {
	return &validate.Scanner{
		Name: "skops", Doc: "skops: every class, function and loader in the tree", Version: 1,
		Rules: []*validate.Rule{dangerous, unknownName, unknownLoader, method, outsideFile}, Match: match, Scan: scan,
	}
}

// match goes by the one name that skops reads, and by the key that only its nodes have.
func match(h validate.Head) bool {
	if !h.Text() || !bytes.HasPrefix(bytes.TrimLeft(h.Start, " \t\r\n\ufeff"), []byte("{")) {
		return false
	}
	return path.Base(h.Name) == "schema.json" || bytes.Contains(h.Start, []byte(`"__loader__"`)) || bytes.Contains(h.Start, []byte(`"_skops_version"`))
}

// The loaders of skops up to 0.14, by what is special about them.
const (
	plain     = iota + 1
	attribute // takes an attribute by name
	operators // calls a function of the operator module
	function  // names a function, by its module and its own name, or by the kind of function and, in the content, its names
	construct // calls the class with arguments from the file
)

var loaders = map[string]int{
	"DictNode": plain, "DefaultDictNode": plain, "ListNode": plain, "BytesNode": plain, "BytearrayNode": plain, "SetNode": plain, "TupleNode": plain, "PartialNode": plain,
	"TypeNode": plain, "SliceNode": plain, "ObjectNode": plain, "JsonNode": plain, "NdArrayNode": plain, "MaskedArrayNode": plain, "RandomStateNode": plain,
	"RandomGeneratorNode": plain, "DTypeNode": plain, "SparseMatrixNode": plain, "TreeNode": plain, "CachedNode": plain, "QuantileForestNode": plain,
	"LossNode": plain, "_DictWithDeprecatedKeysNode": plain, "DatetimeTimedeltaNode": plain,
	"MethodNode": attribute, "OperatorFuncNode": operators, "FunctionNode": function,
	"ConstructorFromReduceNode": construct, "ReduceNode": construct, "SGDNode": construct,
}

// object is what one JSON object says, with every value of a repeated key.
type object struct {
	off                                         int64
	modules, classes, loaders, paths, functions []string
}

type tree struct {
	p       *validate.Pass
	lists   *lists
	open    []object
	seen    map[string]bool
	nodes   int64
	spent   error
	flooded bool
}

func scan(p *validate.Pass) error {
	l, err := loadLists()
	if err != nil {
		return err
	}
	if err := p.ReadText(func(int64, []byte) error { return nil }); err != nil {
		return err
	}
	t := &tree{p: p, lists: l, seen: map[string]bool{}}
	if err := jsonwalk.Walk(p, 0, p.Size, jsonwalk.Visitor{Open: t.opened, Close: t.closed, Scalar: t.scalar}); err != nil {
		return err
	}
	if t.spent != nil {
		return t.spent
	}
	p.Clear(0, p.Size, "skops schema")
	return nil
}

func (t *tree) opened(_ []jsonwalk.Frame, off int64) {
	t.open = append(t.open, object{off: off})
	if t.nodes++; t.nodes%1024 == 0 && t.spent == nil {
		t.spent = t.p.Charge(validate.Entries, 0)
	}
}

// maxRepeats bounds the values of one key that are kept; more of them are repeated keys, which are findings elsewhere.
const maxRepeats = 8

// maxName is where names are cut; no vetted one is so long.
const maxName = 500

func (t *tree) scalar(stack []jsonwalk.Frame, k jsonwalk.Kind, value []byte, off int64) {
	if len(stack) == 0 || !stack[len(stack)-1].Object {
		return
	}
	o := &t.open[len(t.open)-1]
	var list *[]string
	switch key := string(stack[len(stack)-1].Key); key {
	case "__module__":
		list = &o.modules
	case "__class__":
		list = &o.classes
	case "__loader__":
		list = &o.loaders
	case "module_path":
		list = &o.paths
	case "function":
		list = &o.functions
	case "func":
		if k == jsonwalk.Text && !plainName(string(value)) {
			t.report(dangerous, off, "method %s", string(value))
		}
		return
	case "file":
		if s := string(value); k == jsonwalk.Text && (s == "" || strings.ContainsAny(s, "/\\:\x00") || strings.HasPrefix(s, ".")) {
			t.report(outsideFile, off, "file %s", s)
		}
		return
	default:
		return
	}
	if len(*list) < maxRepeats {
		*list = append(*list, string(value[:min(len(value), maxName)]))
		return
	}
	t.report(unknownName, off, "the key of %s stands here too often", string(value[:min(len(value), maxName)]))
}

func plainName(s string) bool {
	return s != "" && s[0] != '_' && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == ""
}

func (t *tree) closed(_ []jsonwalk.Frame, _ int64) {
	o := t.open[len(t.open)-1]
	t.open = t.open[:len(t.open)-1]
	kind := plain
	for _, name := range o.loaders {
		switch kind = loaders[name]; kind {
		case 0:
			t.report(unknownLoader, o.off, "loader %s", name)
		case attribute:
			t.report(method, o.off, "node of loader %s", name)
		case operators:
			t.operator(o)
		}
	}
	t.pairs(o, o.modules, o.classes, kind)
	t.pairs(o, o.paths, o.functions, plain)
}

// pairs judges every name that the object can mean. One half without the other is not a name that skops writes.
func (t *tree) pairs(o object, modules, names []string, kind int) {
	for _, m := range modules {
		for _, n := range names {
			t.name(o.off, m, n, kind)
		}
		if len(names) == 0 {
			t.name(o.off, m, "", kind)
		}
	}
	if len(modules) == 0 {
		for _, n := range names {
			t.name(o.off, "", n, kind)
		}
	}
}

// kindsOfFunction are the classes that the first protocol wrote into function nodes, beside the module of the function;
// the function itself stands in the node's content.
var kindsOfFunction = map[string]bool{"function": true, "builtin_function_or_method": true, "ufunc": true}

// uncalled are modules whose vetted names must not be called with arguments from the file: builtins make anything of any
// size, functools wraps calls, numpy opens files.
var uncalled = map[string]bool{"builtins": true, "functools": true, "numpy": true}

func (t *tree) name(off int64, module, name string, kind int) {
	if t.lists.allowed[[2]string{module, name}] {
		if kind == construct && uncalled[module] {
			t.report(unknownName, off, "call of %s with arguments from the file", module+"."+name)
		}
		return
	}
	if danger(t.lists, module) {
		t.report(dangerous, off, "name %s", module+"."+name)
		return
	}
	if kind == operators || kind == function && kindsOfFunction[name] && t.lists.modules[module] {
		return // judged by itself
	}
	t.report(unknownName, off, "name %s", module+"."+name)
}

// operator judges a function of the operator module. Three of them make callables, the others are called at once.
func (t *tree) operator(o object) {
	ok := len(o.modules) == 1 && o.modules[0] == "operator" && len(o.classes) == 1
	switch {
	case ok && (o.classes[0] == "attrgetter" || o.classes[0] == "itemgetter" || o.classes[0] == "methodcaller"):
		t.report(method, o.off, "operator.%s", o.classes[0])
	default:
		t.report(dangerous, o.off, "function %s of the operator module", strings.Join(o.classes, " or "))
	}
}

// danger reports modules of which no name belongs in a model.
func danger(l *lists, module string) bool {
	for m := module; m != ""; {
		if l.denied[m] {
			return true
		}
		i := strings.LastIndexByte(m, '.')
		if i < 0 {
			break
		}
		m = m[:i]
	}
	return strings.Contains(module, "__")
}

const maxReported = 500

func (t *tree) report(r *validate.Rule, off int64, format, what string) {
	what = what[:min(len(what), 2*maxName)]
	key := r.ID + " " + what
	if t.seen[key] {
		return
	}
	if len(t.seen) >= maxReported {
		if !t.flooded {
			t.flooded = true
			t.p.Report(unknownName, off, "more than %d names; the rest is not listed", maxReported)
		}
		if r != dangerous {
			return
		}
	} else {
		t.seen[key] = true
	}
	t.p.ReportAt(r, validate.Place{Offset: off, Evidence: validate.Quote(what, 80)}, format, validate.Quote(what, 80))
}
