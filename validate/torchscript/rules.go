package torchscript

import "github.com/loadlock/loadlock/validate"

const weightsOnly = "ask for a checkpoint of weights only (safetensors), or read the named line and waive the rule for the file's SHA-256"

var (
	outside = &validate.Rule{ID: "torchscript/outside-operator", Title: "program that reaches files, other processes or native code", Severity: validate.High,
		Why:     "torch runs the operator when the program is called, or already while the archive is loaded, with the rights of the process.",
		Fix:     weightsOnly,
		Hostile: `torch.save(x, "/home/user/.ssh/authorized_keys")`, Benign: `torch.add(x, 1)`,
		Refs: []string{"CVE-2025-32434", "torch/csrc/jit/runtime/register_special_ops.cpp: aten::save"}}
	unknownOperator = &validate.Rule{ID: "torchscript/unknown-operator", Title: "operator that nobody vetted", Severity: validate.Medium,
		Why:     "An operator of another library is native code that is loaded for it; what it does cannot be seen in the program.",
		Fix:     weightsOnly,
		Hostile: `ops.mylib.run("id")`, Benign: `ops.torchvision.nms(boxes, scores, 0.5)`}
	nativeClass = &validate.Rule{ID: "torchscript/native-class", Title: "class that a native library defines", Severity: validate.Medium,
		Why:     "Its state is read by native code when the archive is loaded.",
		Fix:     weightsOnly,
		Hostile: `__torch__.torch.classes.tensorrt.Engine`, Benign: `__torch__.torch.classes.quantized.LinearPackedParamsBase`}
	unresolved = &validate.Rule{ID: "torchscript/unresolved", Title: "TorchScript as its printer does not write it", Severity: validate.Medium,
		Why:     "A namespace in a variable or an attribute by its name hides which operator is called; other names are not TorchScript at all.",
		Fix:     "save the program again with torch.jit.save",
		Hostile: `f = getattr(x, "save")`, Benign: `_0 = getattr(self, "0")`}
	prints = &validate.Rule{ID: "torchscript/program", Title: "program in TorchScript", Severity: validate.Low,
		Why:     "It computes on tensors with torch's operators; it is a program all the same, and its answers may be wrong on purpose.",
		Fix:     "nothing, if the model is meant to be a program",
		Hostile: `class M(Module):`, Benign: "a state_dict"}
	exportTarget = &validate.Rule{ID: "torchscript/export-target", Title: "exported graph that names a function outside torch's operators", Severity: validate.High,
		Why:     "torch.export finds the target of a node by walking attributes from torch or operator, and calls it.",
		Fix:     weightsOnly,
		Hostile: `{"target": "torch.serialization.os.system"}`, Benign: `{"target": "torch.ops.aten.add.Tensor"}`,
		Refs: []string{"torch/_export/serde/serialize.py: deserialize_operator"}}
	exportExpression = &validate.Rule{ID: "torchscript/export-expression", Title: "size expression that is more than arithmetic", Severity: validate.High,
		Why:     "torch.export gives it to sympy.sympify, which evaluates it as Python; guards are compiled as Python.",
		Fix:     weightsOnly,
		Hostile: `{"expr_str": "__import__('os').system('id')"}`, Benign: `{"expr_str": "2*s0 + Mod(s1, 8)"}`,
		Refs: []string{"sympy documentation: sympify uses eval", "torch/_export/serde/serialize.py: _parse_sym_expr"}}
	executorch = &validate.Rule{ID: "torchscript/executorch", Title: "ExecuTorch program", Severity: validate.Medium,
		Why:     "The program and the data of its delegates run in native code, and this version does not read them.",
		Fix:     "look at the file with ExecuTorch's inspector, then waive this rule for its SHA-256",
		Hostile: "a delegate blob with native code", Benign: "a state_dict",
		Refs: []string{"executorch schema/program.fbs"}}
)

var rules = []*validate.Rule{outside, unknownOperator, nativeClass, unresolved, prints, exportTarget, exportExpression, executorch}
