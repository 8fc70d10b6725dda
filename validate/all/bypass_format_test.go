package all_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/loadlock/loadlock/validate"
)

// at says where in a text without lines the finding points.
func at(x technique, place string) technique { x.at = place; return x }

// textCase is a technique in a text; the near-miss is a text of the same name.
func textCase(row int, refs, how, file, content string, want validate.Verdict, rule string, line int, near string) technique {
	return technique{row: row, refs: refs, how: how, file: file, bytes: []byte(content), want: want, rule: rule, line: line, near: []byte(near)}
}

// npy is an array in version 1 of the format.
func npy(descr, shape, data string) []byte {
	h := "{'descr': " + descr + ", 'fortran_order': False, 'shape': " + shape + ", }\n"
	return append(append(append([]byte("\x93NUMPY\x01\x00"), byte(len(h)), byte(len(h)>>8)), h...), data...)
}

func arrays() []technique {
	evil, list := string(assembled("PROTO 2; "+system)), string(assembled("PROTO 2; EMPTY_LIST; BINUNICODE a; APPEND; STOP"))
	array := func(refs, how string, b []byte, want validate.Verdict, rule, at string) technique {
		return technique{row: 51, refs: refs, how: how, file: "array.npy", bytes: b, want: want, rule: rule, at: at, near: npy("'<f8'", "(1,)", "12345678")}
	}
	objects := array("CVE-2019-6446", "objects that call", npy("'|O'", "(1,)", evil), reject, denied, callAt)
	objects.near, objects.inner = npy("'|O'", "(1,)", list), []byte(evil)
	return []technique{
		objects,
		nested(array("CVE-2019-6446", "objects in a structure", npy("[('a', '<f4'), ('b', [('o', '|O')])]", "(1,)", evil), reject, denied, callAt), []byte(evil)),
		array("", "an expression as header", npy("__import__('os').system('id')", "(1,)", "12345678"), reject, "numpy/header-expression", "__import__"),
		array("", "a header of 4 GiB", []byte("\x93NUMPY\x02\x00\xff\xff\xff\xff{}"), unsure, "validate/unparsable", "\xff\xff\xff\xff"),
		array("", "a shape that overflows", npy("'<f8'", "(4611686018427387904, 4)", "12345678"), unsure, "numpy/size", "904, ^4)"),
		array("", "a tail", npy("'<f8'", "(1,)", "12345678PK"), unsure, "numpy/size", "\n^12345678PK"),
		{row: 51, refs: "CVE-2019-6446", how: "objects in an npz", file: "a.npz", bytes: holding("a.npy", string(npy("'|O'", "(1,)", evil))), want: reject, rule: denied, inner: []byte(evil), at: callAt, near: holding("a.npy", string(npy("'<f8'", "(1,)", "12345678")))},
	}
}

func tensorFiles() []technique {
	good := safetensors(`{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}`, []byte("1234"))
	odd := func(how, head, data, rule, at string) technique {
		return technique{row: 52, how: how, file: "model.safetensors", bytes: safetensors(head, []byte(data)), want: unsure, rule: rule, at: at, near: good}
	}
	list := []technique{
		odd("a key twice", `{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"\u0061":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}`, "1234", "safetensors/duplicate-key", `"\u0061"`),
		odd("tensors that overlap", `{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}`, "123456", "safetensors/offsets", `"b"`),
		odd("a hole", `{"a":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}`, "12345678", "safetensors/offsets", `"a"`),
		odd("trailing bytes", `{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}`, "1234PK", "safetensors/trailing", "PK"),
		odd("offsets outside", `{"a":{"dtype":"U8","shape":[9],"data_offsets":[0,9]}}`, "1234", "safetensors/offsets", `"a"`),
		odd("a shape that overflows", `{"a":{"dtype":"I64","shape":[4294967296,4294967296],"data_offsets":[0,4]}}`, "1234", "safetensors/shape", `"a"`),
		odd("metadata that is no text", `{"__metadata__":{"a":{}},"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}`, "1234", "safetensors/metadata", `{"a":^{}`),
		odd("a space first", ` {"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}`, "1234", "safetensors/header", ` {`),
		odd("an unknown type", `{"a":{"dtype":"F128","shape":[4],"data_offsets":[0,4]}}`, "1234", "safetensors/dtype", `"F128"`),
		odd("invalid UTF-8", "{\"\xff\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}", "1234", "safetensors/header", "\xff"),
		{row: 52, how: "a length above the file", file: "model.safetensors", bytes: append(le.AppendUint64(nil, 1<<40), "{}"...), want: unsure, rule: "safetensors/header", at: "^", near: good},
	}
	for _, length := range []int{0x2078, 0x8b1f, 0x0280} { // modelaudit issue 1854
		padded := func(head string) []byte {
			return safetensors(head+strings.Repeat(" ", length-len(head)), []byte("1234"))
		}
		list = append(list, technique{row: 53, how: fmt.Sprintf("a length of %#x with an unknown type", length), file: "model.safetensors", bytes: padded(`{"a":{"dtype":"F128","shape":[4],"data_offsets":[0,4]}}`),
			want: unsure, rule: "safetensors/dtype", at: `"F128"`, near: padded(`{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}`)})
	}
	return list
}

// ggml writes a GGUF file.
type ggml struct{ b []byte }

func ggmlFile(tensors, keys uint64) *ggml {
	return (&ggml{append([]byte("GGUF"), 3, 0, 0, 0)}).u64(tensors).u64(keys)
}
func (w *ggml) u32(v uint32) *ggml         { w.b = le.AppendUint32(w.b, v); return w }
func (w *ggml) u64(v uint64) *ggml         { w.b = le.AppendUint64(w.b, v); return w }
func (w *ggml) str(s string) *ggml         { w.u64(uint64(len(s))); w.b = append(w.b, s...); return w }
func (w *ggml) text(key, val string) *ggml { return w.str(key).u32(8).str(val) }
func (w *ggml) data(n int) *ggml {
	for len(w.b)%32 != 0 {
		w.b = append(w.b, 0)
	}
	w.b = append(w.b, make([]byte, n)...)
	return w
}

func (w *ggml) tensor(kind uint32, off uint64, dims ...uint64) *ggml {
	w.str("a").u32(uint32(len(dims)))
	for _, d := range dims {
		w.u64(d)
	}
	return w.u32(kind).u64(off).data(64)
}

func ggufs() []technique {
	good := ggmlFile(1, 0).tensor(0, 0, 16).b
	odd := func(refs, how string, w *ggml, rule, at string) technique {
		return technique{row: 54, refs: refs, how: how, file: "model.gguf", bytes: w.b, want: unsure, rule: rule, at: at, near: good}
	}
	template := func(refs, how string, w *ggml, rule string) technique {
		return technique{row: 55, refs: refs, how: how, file: "model.gguf", bytes: w.b, want: reject, rule: rule, near: ggmlFile(0, 1).text("tokenizer.chat_template", "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}{% endfor %}").b}
	}
	maybe := func(x technique) technique { x.want = unsure; return x }
	name := "tokenizer.chat_template"
	return []technique{
		odd("CVE-2024-21836", "2^60 tensors", ggmlFile(1<<60, 0), "gguf/header", "\x00\x00\x00\x00\x00\x00\x00\x10"),
		odd("CVE-2024-23605", "2^60 keys", ggmlFile(0, 1<<60), "gguf/header", "\x00\x00\x00\x00\x00\x00\x00\x10"),
		odd("CVE-2024-23496", "a key of 2^64-1 bytes", ggmlFile(0, 1).u64(1<<64-1).data(16), "gguf/value", "\xff\xff\xff\xff\xff\xff\xff\xff"),
		odd("CVE-2024-21825", "a type that does not exist", ggmlFile(0, 1).str("a").u32(13).data(16), "gguf/value", "a^\r\x00"),
		odd("CVE-2026-27940", "an array of 2^62 numbers", ggmlFile(0, 1).str("a").u32(9).u32(10).u64(1<<62).data(16), "gguf/value", "\x00\x00\x00\x00\x00\x00\x00\x40"),
		odd("CVE-2024-21802", "five dimensions", ggmlFile(1, 0).tensor(0, 0, 1, 1, 1, 1, 1), "gguf/tensor", "\x05\x00\x00\x00"),
		odd("CVE-2025-53630", "a size that overflows", ggmlFile(1, 0).tensor(0, 0, 1<<32, 1<<32), "gguf/tensor", "\x02\x00\x00\x00"),
		odd("CVE-2026-33298", "a size in bytes that overflows", ggmlFile(1, 0).tensor(0, 0, 1<<62), "gguf/tensor", "a^\x01\x00"),
		odd("CVE-2026-7482", "a tensor outside the file", ggmlFile(1, 0).tensor(0, 0, 4096), "gguf/offsets", "\x00^\x01\x00\x00\x00\x00\x00\x00\x00a\x01"),
		odd("", "alignment 0", ggmlFile(0, 1).str("general.alignment").u32(4).u32(0), "gguf/alignment", "alignment\x04\x00\x00\x00^"),
		odd("", "a key twice", ggmlFile(0, 2).text("k", "x").text("k", "x"), "gguf/duplicate", "x^\x01"),
		at(template("CVE-2024-34359", "a walk over dunders", ggmlFile(0, 1).text(name, "{{ ''.__class__.__mro__[1].__subclasses__() }}"), "gguf/template-escape"), "''.^__class__"),
		at(template("CVE-2026-5760", "a dunder in pieces", ggmlFile(0, 1).text(name, "{{ ''['__cla' ~ 'ss__'] }}"), "gguf/template-escape"), "~ 'ss__'"),
		at(template("", "a dunder in escapes", ggmlFile(0, 1).text(name, `{{ ''["\x5f\x5fclass\x5f\x5f"] }}`), "gguf/template-escape"), `"\x5f`),
		at(template("", "a second, named template", ggmlFile(0, 2).text(name, "ok").text(name+".tool_use", "{{ ''.__class__ }}"), "gguf/template-escape"), "''.^__class__"),
		at(maybe(template("", "the attr filter with a joined name", ggmlFile(0, 1).text(name, "{{ x | attr(['a', 'b'] | join) }}"), "gguf/template-unlisted")), "attr("),
		at(maybe(template("", "cycler", ggmlFile(0, 1).text(name, "{{ cycler('a') }}"), "gguf/template-unlisted")), "{{ ^cycler"),
		at(template("", "self.__init__", ggmlFile(0, 1).text(name, "{{ self.__init__ }}"), "gguf/template-escape"), "self.^__init__"),
		at(maybe(template("", "lipsum", ggmlFile(0, 1).text(name, "{{ lipsum }}"), "gguf/template-unlisted")), "{{ ^lipsum"),
		at(maybe(template("", "a template twice", ggmlFile(0, 2).text(name, "ok").text(name, "ok"), "gguf/duplicate")), "ok^\x17"),
	}
}

// words writes 32-bit numbers as XDR does.
func xdr(vs ...uint32) (b []byte) {
	for _, v := range vs {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return b
}

// rds is a serialization of R in version 2: kinds 5 promise, 6 call, 3 closure, 1 symbol, 9 characters, 13 integers, 254 NULL.
func rds(items ...[]byte) []byte {
	return slices.Concat([]byte("X\n"), xdr(2, 0x040202, 0x020300), slices.Concat(items...))
}

func serializations() []technique {
	symbol := append(xdr(1, 9, 6), "system"...)
	promise, call, good := rds(xdr(5, 254), symbol, xdr(254)), rds(xdr(6), symbol, xdr(254)), rds(xdr(13, 1, 7))
	return []technique{
		{row: 61, refs: "CVE-2024-27322", how: "a promise", file: "model.rds", bytes: promise, want: reject, rule: "rds/promise", at: string(xdr(5, 254)), near: good},
		{row: 61, refs: "CVE-2024-27322", how: "a promise, compressed", file: "model.rds", bytes: gzipped(string(promise)), inner: promise, want: reject, rule: "rds/promise", at: string(xdr(5, 254)), near: gzipped(string(good))},
		{row: 61, how: "a call of system", file: "model.rds", bytes: call, want: reject, rule: "rds/program", at: "\x02\x03\x00^\x00", near: good},
		{row: 61, how: "a function", file: "model.rda", bytes: append([]byte("RDX2\n"), rds(xdr(3, 254, 254, 254))...), want: reject, rule: "rds/program", at: "\x02\x03\x00^\x00", near: append([]byte("RDX2\n"), good...)},
	}
}

// formats are rows 51 to 55 and 60 to 63.
func formats() []technique {
	skops := func(module, class, loader string) string {
		return fmt.Sprintf(`{"__class__":"dict","__module__":"builtins","__loader__":"DictNode","content":{"x":{"__class__":%q,"__module__":%q,"__loader__":%q,"content":{}}},"protocol":2,"_skops_version":"0.11.0"}`, class, module, loader)
	}
	good := skops("collections", "OrderedDict", "DictNode")
	list := []technique{
		at(textCase(60, "CVE-2025-54412", "an operator under another name", "schema.json", skops("operator", "call", "OperatorFuncNode"), reject, "skops/dangerous-name", 0, good), `{"x":^{`),
		at(textCase(60, "CVE-2025-54413", "a method by a dotted name", "schema.json", strings.Replace(skops("sklearn.svm._classes", "method", "MethodNode"), `"content":{}}`, `"content":{"func":"predict.__globals__","obj":{}}}`, 1), reject, "skops/dangerous-name", 0, good), `"predict.`),
		at(textCase(60, "CVE-2025-54886", "a constructor of the host", "schema.json", skops("subprocess", "Popen", "ConstructorFromReduceNode"), reject, "skops/dangerous-name", 0, good), `{"x":^{`),
		at(textCase(60, "", "a class nobody vetted", "schema.json", skops("mylib", "Model", "ObjectNode"), unsure, "skops/unknown-name", 0, good), `{"x":^{`),
		textCase(62, "CVE-2025-23304", "_target_ of NeMo", "model_config.yaml", "encoder:\n  _target_: os.system\n  command: id\n", reject, "yamlconf/target", 2, "encoder:\n  _target_: torch.nn.Linear\n  in_features: 2\n"),
		textCase(62, "", "a walk through an import by Hydra", "config.yaml", "_target_: torch.nn.modules.os.system\n", reject, "yamlconf/target", 1, "_target_: torch.nn.modules.linear.Linear\n"),
		textCase(62, "", "a class of PMML", "m.pmml", `<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4"><Header/><Apply function="com.example.Evil"/></PMML>`, reject, "pmml/class-function", 1, `<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4"><Header/><Extension name="x" value="y"/></PMML>`),
		textCase(62, "", "a tag of PyYAML", "x.yaml", "a: 1\nb: !!python/object/apply:os.system [id]\n", reject, "yamlconf/object-tag", 2, "a: 1\nb: !!python/tuple [1, 2]\n"),
		at(textCase(62, "", "jsonpickle", "config.json", `{"py/object":"os.system"}`, reject, "hfconfig/object", 0, `{"py":"object"}`), `"os.system"`),
		textCase(62, "", "a loader of MLflow", "MLmodel", "flavors:\n  python_function:\n    loader_module: evil\n", unsure, "yamlconf/loader-module", 3, "flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n"),
		textCase(62, "", "an entity in PMML", "m.pmml", `<!DOCTYPE PMML [<!ENTITY x SYSTEM "file:///etc/passwd">]><PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4"><Header>&x;</Header></PMML>`, reject, "pmml/doctype", 1, `<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4"><Header/></PMML>`),
	}
	return slices.Concat(list, arrays(), tensorFiles(), ggufs(), serializations(), storages())
}
