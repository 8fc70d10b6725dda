package skops

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

func scanAs(name string, b []byte) validate.Report {
	return validatetest.Kept(name, b, validate.ScanReader(context.Background(), []*validate.Scanner{Scanner()}, name, bytes.NewReader(b), int64(len(b)), validatetest.Policy().Scan))
}

func clean(rep validate.Report) bool { return rep.Files[0].Cleared && len(rep.Findings) == 0 }

func node(module, class, loader, content string) string {
	return fmt.Sprintf(`{"__class__":%q,"__module__":%q,"__loader__":%q,"content":%s,"__id__":1}`, class, module, loader, content)
}

func root(content string) []byte {
	s := node("sklearn.svm._classes", "SVC", "ObjectNode", node("builtins", "dict", "DictNode", fmt.Sprintf(`{"x":%s}`, content)))
	return []byte(strings.TrimSuffix(s, "}") + `,"protocol":2,"_skops_version":"0.11.0"}`)
}

func TestTreesOfKnownNamesAreCleared(t *testing.T) {
	for _, content := range []string{
		`null`, node("builtins", "str", "JsonNode", `"\"rbf\""`), node("numpy", "ndarray", "NdArrayNode", `null,"type":"numpy","file":"1402.npy"`),
		`{"__class__":"float64","__module__":"numpy","__loader__":"TypeNode"}`, `{"__class__":"f_classif","__module__":"sklearn.feature_selection._univariate_selection","__loader__":"FunctionNode"}`,
		node("sklearn.metrics._dist_metrics", "EuclideanDistance", "ConstructorFromReduceNode", `null`), node("numpy", "dtype", "DTypeNode", `{}`),
		node("sklearn.feature_selection._univariate_selection", "function", "FunctionNode", `{"module_path":"sklearn.feature_selection._univariate_selection","function":"f_classif"}`),
		node("functools", "partial", "PartialNode", `{}`), node("scipy.sparse._csr", "csr_matrix", "SparseMatrixNode", `null,"type":"scipy","file":"2.npz"`),
		node("sklearn.tree._tree", "Tree", "TreeNode", `{"args":[]}`), node("collections", "OrderedDict", "DictNode", `{}`),
		node("sklearn.linear_model._sgd_fast", "Hinge", "SGDNode", `{}`),
	} {
		if rep := scanAs("schema.json", root(content)); !clean(rep) {
			t.Errorf("%s\n%s", content, validatetest.Show(rep))
		}
	}
	if rep := scanAs("schema.json", []byte(`{"type":"object","properties":{}}`)); !clean(rep) {
		t.Error(validatetest.Show(rep))
	}
}

func TestHostileTrees(t *testing.T) {
	for name, tt := range map[string]struct{ rule, content string }{
		"reduce to a command":                              {"skops/dangerous-name", node("os", "system", "ReduceNode", `{"args":["id"]}`)},
		"a name below a dangerous module":                  {"skops/dangerous-name", node("os.path", "join", "ReduceNode", `{}`)},
		"CVE-2025-54412: operator.call under another name": {"skops/dangerous-name", node("operator", "call", "OperatorFuncNode", `{}`)},
		"CVE-2025-54412: the module is not operator":       {"skops/dangerous-name", node("builtins", "int", "OperatorFuncNode", `{}`)},
		"an operator that makes a callable":                {"skops/method", node("operator", "methodcaller", "OperatorFuncNode", `{}`)},
		"CVE-2025-54413: a method by a dotted name":        {"skops/dangerous-name", node("sklearn.svm._classes", "method", "MethodNode", `{"func":"predict.__globals__","obj":{}}`)},
		"a method":                                              {"skops/method", node("sklearn.svm._classes", "method", "MethodNode", `{"func":"predict","obj":{}}`)},
		"a function of the host":                                {"skops/dangerous-name", node("sklearn.svm", "function", "FunctionNode", `{"module_path":"os","function":"system"}`)},
		"a function nobody vetted":                              {"skops/unknown-name", node("sklearn.svm", "function", "FunctionNode", `{"module_path":"sklearn.utils","function":"shuffle"}`)},
		"a function that is named as a class":                   {"skops/unknown-name", node("numpy", "function", "ObjectNode", `{}`)},
		"a class nobody vetted":                                 {"skops/unknown-name", node("mylib", "Model", "ObjectNode", `{}`)},
		"a class of builtins that is none":                      {"skops/dangerous-name", node("builtins", "eval", "TypeNode", `{}`)},
		"a type in the content":                                 {"skops/dangerous-name", node("builtins", "type", "TypeNode", `{"__class__":"Popen","__module__":"subprocess"}`)},
		"a loader nobody knows":                                 {"skops/unknown-loader", node("builtins", "dict", "PickleNode", `{}`)},
		"a constructor of the host (ConstructorFromReduceNode)": {"skops/dangerous-name", node("subprocess", "Popen", "ConstructorFromReduceNode", `{}`)},
		"a constructor that opens files":                        {"skops/unknown-name", node("numpy", "memmap", "ConstructorFromReduceNode", `{}`)},
		"a call of a builtin":                                   {"skops/unknown-name", node("builtins", "bytes", "ConstructorFromReduceNode", `{}`)},
		"a function whose own name is a kind of function":       {"skops/unknown-name", node("mylib", "function", "FunctionNode", `{"module_path":"numpy","function":"mean"}`)},
		"a loader that is empty":                                {"skops/unknown-loader", node("builtins", "dict", "", `{}`)},
		"a module in a repeated key":                            {"skops/dangerous-name", `{"__module__":"os","__module__":"builtins","__class__":"dict","__class__":"system","__loader__":"ObjectNode"}`},
		"a key in escapes":                                      {"skops/dangerous-name", `{"__\u006dodule__":"os","__class__":"system","__loader__":"ObjectNode"}`},
		"a class without a module":                              {"skops/unknown-name", `{"__class__":"system","__loader__":"ObjectNode"}`},
		"a dunder in a module":                                  {"skops/dangerous-name", node("sklearn.__loader__", "x", "ObjectNode", `{}`)},
		"a file outside":                                        {"skops/file", node("numpy", "ndarray", "NdArrayNode", `null,"file":"../x.npy"`)},
		"a loader of other files":                               {"skops/dangerous-name", node("joblib.numpy_pickle", "load", "ReduceNode", `{}`)},
	} {
		t.Run(name, func(t *testing.T) {
			b := root(tt.content)
			rep := scanAs("schema.json", b)
			if !slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Rule == tt.rule }) {
				t.Errorf("want %s\n%s", tt.rule, validatetest.Show(rep))
			}
			if rep := scanAs("elsewhere", b); len(rep.Files[0].Scanners) == 0 {
				t.Error("not recognised under another name")
			}
		})
	}
	// The tree may begin far behind the head of the file.
	far := []byte(`{"pad":"` + strings.Repeat(" ", 10_000) + `",` + string(root(node("os", "system", "ReduceNode", `{}`)))[1:])
	if rep := scanAs("schema.json", far); len(rep.Findings) == 0 || rep.Findings[0].Severity != validate.High {
		t.Error(validatetest.Show(rep))
	}
}

func TestTheListsAreStrict(t *testing.T) {
	l, err := loadLists()
	if err != nil || len(l.allowed) < 1000 {
		t.Fatal(len(l.allowed), err)
	}
	for _, text := range []string{"a b", "a b c\na b d"} {
		seen := map[string]bool{}
		if read("x", text, 2, func(f []string) bool { twice := seen[f[0]+f[1]]; seen[f[0]+f[1]] = true; return !twice }) == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

func FuzzSkops(f *testing.F) {
	f.Add(root(node("os", "system", "ReduceNode", `{}`)))
	f.Add(root(node("builtins", "type", "TypeNode", `{"__class__":"float64","__module__":"numpy"}`)))
	f.Fuzz(func(t *testing.T, b []byte) {
		rep, again := scanAs("schema.json", b), scanAs("schema.json", b)
		if !reflect.DeepEqual(rep.Findings, again.Findings) || !reflect.DeepEqual(rep.Files, again.Files) {
			t.Fatal("two scans differ")
		}
		for _, finding := range rep.Findings {
			if finding.Offset < 0 || finding.Offset > int64(len(b)) || finding.Rule == "validate/unparsable" && rep.Files[0].Cleared {
				t.Fatal(validatetest.Show(rep))
			}
		}
		if clean(rep) && clean(scanAs("schema.json", b[:len(bytes.TrimRight(b, " \t\r\n"))-1])) {
			t.Fatal("cut, it is cleared too")
		}
	})
}

func BenchmarkSchema(b *testing.B) {
	s := root("[" + strings.Repeat(node("numpy", "ndarray", "NdArrayNode", `null,"file":"1.npy"`)+",", 20_000) + "null]")
	b.SetBytes(int64(len(s)))
	b.ReportAllocs()
	for b.Loop() {
		if rep := scanAs("schema.json", s); !clean(rep) {
			b.Fatal(validatetest.Show(rep))
		}
	}
}
