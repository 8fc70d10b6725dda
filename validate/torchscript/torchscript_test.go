package torchscript

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

func worst(rep validate.Report) (s validate.Severity) {
	for _, f := range rep.Findings {
		s = max(s, f.Severity)
	}
	return s
}

func clean(rep validate.Report) bool { return rep.Files[0].Cleared && worst(rep) <= validate.Low }

// method wraps one line as the printer would write it.
func method(line string) string {
	return "class M(Module):\n  __parameters__ = []\n  training : bool\n  def forward(self: __torch__.M,\n    x: Tensor) -> Tensor:\n    " + line + "\n    return x\n"
}

func TestHostileSource(t *testing.T) {
	for name, tt := range map[string]struct {
		line, rule, at string
	}{
		"aten::save writes a file":                    {`_0 = torch.save(x, "/tmp/x")`, "torchscript/outside-operator", "torch.save"},
		"aten::from_file maps a file":                 {`y = torch.from_file("/etc/passwd", None, 10)`, "torchscript/outside-operator", "torch.from"},
		"the same through ops":                        {`y = ops.aten.from_file("/etc/passwd")`, "torchscript/outside-operator", "ops.aten"},
		"the same as a method of a value":             {`_0 = (x).save("/tmp/x")`, "torchscript/outside-operator", `save("`},
		"the same as a method of a string":            {`y = "/etc/passwd".from_file(None, 10)`, "torchscript/outside-operator", "from_file"},
		"the same as a method of a name":              {`_0 = x.save("/tmp/x")`, "torchscript/outside-operator", "x.save"},
		"a dot on another line":                       {"_0 = (torch\n   .save)(x, \"f\")", "torchscript/outside-operator", "torch\n"},
		"a comment between":                           {"_0 = (torch. # comment\n   save)(x, \"f\")", "torchscript/outside-operator", "torch. #"},
		"a type comment is source":                    {"# type: (torch.save)", "torchscript/outside-operator", "torch.save"},
		"a namespace in a variable":                   {`o = ops; y = o.aten.from_file("f")`, "torchscript/unresolved", "ops;"},
		"half a namespace in a variable":              {`o = ops.aten; y = o.cat([x])`, "torchscript/unresolved", "ops.aten"},
		"torch in a variable":                         {`t = torch`, "torchscript/unresolved", "torch\n"},
		"getattr by an identifier":                    {`_0 = getattr(x, "save")("f")`, "torchscript/unresolved", `"save"`},
		"getattr with an escape":                      {`_0 = getattr(x, "\x73ave")("f")`, "torchscript/unresolved", `"\x73`},
		"getattr with a decoy":                        {`_0 = getattr(f("0", x), "save")("f")`, "torchscript/unresolved", `"save"`},
		"a string in pieces":                          {`_0 = getattr(x, "0" "save")`, "torchscript/unresolved", `"0" `},
		"torchvision writes a file":                   {`_0 = ops.image.write_file("f", x)`, "torchscript/outside-operator", "ops.image"},
		"a remote call":                               {`_0 = ops.prim.rpc_sync("w", x)`, "torchscript/outside-operator", "ops.prim"},
		"a library of its own":                        {`_0 = ops.mylib.run("id")`, "torchscript/unknown-operator", "ops.mylib"},
		"an operator nobody knows":                    {`_0 = torch.frobnicate(x)`, "torchscript/unknown-operator", "torch.f"},
		"a native class":                              {`e = annotate(__torch__.torch.classes.tensorrt.Engine, x)`, "torchscript/native-class", "__torch__.torch.classes"},
		"Python: out of a builtin":                    {`_0 = (str).__class__`, "torchscript/unresolved", "__class__"},
		"Python: the same in a chain":                 {`_0 = int.__base__.__subclasses__()`, "torchscript/unresolved", "int."},
		"Python: import":                              {`import os`, "torchscript/unresolved", "os\n"},
		"Python: a module":                            {`_0 = os.system("id")`, "torchscript/unresolved", "os.system"},
		"Python: exec":                                {`exec("x")`, "torchscript/unresolved", "exec"},
		"Python: a lambda":                            {`f = lambda x: x`, "torchscript/unresolved", ""},
		"Python: a backquote":                         {"`x`", "validate/unparsable", "`x"},
		"a string that does not end":                  {`s = "abc`, "validate/unparsable", `"abc`},
		"a long string that does not end":             {`s = """abc`, "validate/unparsable", `"""`},
		"a save that hides behind a string with ends": {`s = 'a"b'; _0 = torch.save(x, "f")`, "torchscript/outside-operator", "torch.save"},
		"a save behind three quotes":                  {`s = """ " """; _0 = torch.save(x, "f")`, "torchscript/outside-operator", "torch.save"},
		"an escaped quote":                            {`s = "\""; _0 = torch.save(x, "f")`, "torchscript/outside-operator", "torch.save"},
	} {
		t.Run(name, func(t *testing.T) {
			src := method(tt.line)
			rep := scanAs("m/code/__torch__.py", []byte(src))
			at := int64(strings.Index(src, tt.at))
			ok := slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool {
				return f.Rule == tt.rule && (tt.at == "" || f.Offset == at && (f.Line > 0 || f.Rule == "validate/unparsable"))
			})
			if !ok || worst(rep) < validate.Medium {
				t.Errorf("want %s at %d\n%s", tt.rule, at, validatetest.Show(rep))
			}
		})
	}
}

func TestHarmlessSource(t *testing.T) {
	for _, line := range []string{
		`y = torch.add(x, 1)`, `y = ops.torchvision.nms(x, x, 0.5)`, `s = "torch.save(x)"`, `# torch.save(x)`, `_0 = getattr(self, "0")`,
		`p = annotate(__torch__.torch.classes.quantized.LinearPackedParamsBase, x)`, `_0 = (self).forward__1(x, )`, `y, z, = (x, 1.5e-05)`,
		"s = '\\'torch.save'", `_0 = uninitialized(Tensor)`, `y = CONSTANTS.c0`, `for i in range(3):` + "\n      y = i",
	} {
		if rep := scanAs("m/code/__torch__.py", []byte(method(line))); !clean(rep) {
			t.Errorf("%s\n%s", line, validatetest.Show(rep))
		}
	}
}

func TestLooseSourceIsCode(t *testing.T) {
	if rep := scanAs("code/__torch__.py", []byte(method("y = x"))); !rep.Files[0].Code || !clean(rep) {
		t.Error(validatetest.Show(rep))
	}
}

func TestBytecode(t *testing.T) {
	pickle := func(op string) []byte {
		return append(append([]byte("\x80\x02(X"), byte(len(op)), 0, 0, 0), op+"q\x00X\x00\x00\x00\x00t."...)
	}
	if rep := scanAs("m/bytecode.pkl", pickle("aten::linear")); !clean(rep) {
		t.Error(validatetest.Show(rep))
	}
	for op, rule := range map[string]string{"aten::save": "torchscript/outside-operator", "aten::from_file": "torchscript/outside-operator", "mylib::f": "torchscript/unknown-operator",
		"::": "torchscript/unknown-operator", "a::b(aten::add)": "torchscript/unknown-operator", "__torch__.torch.classes.tensorrt.Engine": "torchscript/native-class"} {
		rep := scanAs("m/bytecode.pkl", pickle(op))
		if !slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Rule == rule && f.Offset == 8 }) {
			t.Errorf("%s: want %s\n%s", op, rule, validatetest.Show(rep))
		}
	}
}

func exported(target, expr, guard string) []byte {
	return fmt.Appendf(nil, `{"graph_module":{"graph":{"inputs":[],"nodes":[{"target":%q,"inputs":[{"arg":{"as_expr":{"expr_str":%q,"hint":null}}}],"metadata":{}}]},
		"signature":{"output_specs":[{"parameter_mutation":{"target":"layers.0.weight"}}]}},"guards_code":[%q],"schema_version":{"major":8,"minor":1}}`, target, expr, guard)
}

func TestExportedPrograms(t *testing.T) {
	const target, expr, guard = "torch.ops.aten.add.Tensor", "2*s0 + Mod(s1, 8)", "L['x'].size()[0] <= 10"
	for _, b := range [][]byte{exported(target, expr, guard), exported("_operator.getitem", "Max(1, u0)", "L['args'][0].size()[1] % 8 == 0"), exported("torch.ops.higher_order.cond", "s27//2", guard),
		exported("torch.sym_max", "FloorDiv(s0 - 1, 2) + 1", guard)} {
		if rep := scanAs("m/models/model.json", b); !clean(rep) {
			t.Error(validatetest.Show(rep))
		}
	}
	for name, tt := range map[string]struct {
		b    []byte
		rule string
	}{
		"attributes down to a module":    {exported("torch.serialization.os.system", expr, guard), "torchscript/export-target"},
		"a resolver of operator":         {exported("_operator.methodcaller", expr, guard), "torchscript/export-target"},
		"a loader of libraries":          {exported("torch.ops.load_library", expr, guard), "torchscript/export-target"},
		"attributes behind an operator":  {exported("torch.ops.aten.add.__globals__", expr, guard), "torchscript/export-target"},
		"an operator on files":           {exported("torch.ops.aten.from_file.default", expr, guard), "torchscript/outside-operator"},
		"an operator of another library": {exported("torch.ops.mylib.run.default", expr, guard), "torchscript/unknown-operator"},
		"an expression that imports":     {exported(target, "__import__('os').system('id')", guard), "torchscript/export-expression"},
		"an expression with a lambda":    {exported(target, "(lambda: 0)()", guard), "torchscript/export-expression"},
		"an expression with attributes":  {exported(target, "s0.func", guard), "torchscript/export-expression"},
		"a power that does not end":      {exported(target, "9**9**9**9**9**9**9**9**9**9", guard), "torchscript/export-expression"},
		"a guard that calls":             {exported(target, expr, "__import__('os').system('id')"), "torchscript/export-expression"},
		"a guard with attributes":        {exported(target, expr, "L['x'].__class__"), "torchscript/export-expression"},
	} {
		if rep := scanAs("m/models/model.json", tt.b); !slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Rule == tt.rule }) {
			t.Errorf("%s: want %s\n%s", name, tt.rule, validatetest.Show(rep))
		}
	}
}

func TestExecutorchIsSaid(t *testing.T) {
	rep := scanAs("model.pte", []byte("\x20\x00\x00\x00ET12rest of the program"))
	if len(rep.Findings) != 1 || !slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Rule == "torchscript/executorch" && f.Offset == 4 }) {
		t.Error(validatetest.Show(rep))
	}
}

func TestTheListsAreStrict(t *testing.T) {
	if _, err := loadLists(); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"[a]\nx", "[a] why\nx x", "x", "[a] why\n[a] why"} {
		if _, err := readOperators(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
	for _, text := range []string{"a b", "a b c\na b d"} {
		if _, err := readDenied(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

func FuzzTorchscript(f *testing.F) {
	for i, s := range []string{method(`y = torch.add(x, 1)`), method("# type: (torch.save)"), string(exported("torch.ops.aten.add.Tensor", "s0", "L['x']")), "\x80\x02X\x0a\x00\x00\x00aten::save.", "class A:\n '''"} {
		f.Add(byte(i), []byte(s))
	}
	f.Fuzz(func(t *testing.T, kind byte, b []byte) {
		name := []string{"m/code/__torch__.py", "m/bytecode.pkl", "m/models/model.json"}[kind%3]
		rep, again := scanAs(name, b), scanAs(name, b)
		if !reflect.DeepEqual(rep.Findings, again.Findings) || !reflect.DeepEqual(rep.Files, again.Files) {
			t.Fatalf("two scans differ\n%s%s", validatetest.Show(rep), validatetest.Show(again))
		}
		for _, finding := range rep.Findings {
			if finding.Offset < 0 || finding.Offset > int64(len(b)) {
				t.Fatal(validatetest.Show(rep))
			}
			if finding.Rule == "validate/unparsable" && rep.Files[0].Cleared {
				t.Fatal("cleared in spite of an error")
			}
		}
	})
}

func BenchmarkSource(b *testing.B) {
	src := []byte(strings.Repeat(method("y = torch.add(torch.conv2d(x, (self).w, None, [1, 1]), 1.5e-05)"), 2000))
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if rep := scanAs("m/code/__torch__.py", src); !clean(rep) {
			b.Fatal(validatetest.Show(rep))
		}
	}
}
