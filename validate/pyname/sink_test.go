package pyname

import "testing"

func TestSinksAreNamesOfFunctionsThatDoHarm(t *testing.T) {
	for _, s := range []string{"os.system", "subprocess.Popen", "builtins.eval", "posix:system", " os.system ", "torch.serialization.os.system", "runpy.run_path", "builtins.__import__", "numpy.f2py.os.popen"} {
		if !Sink(s) {
			t.Errorf("%q is no sink", s)
		}
	}
	for _, s := range []string{"os", "system", "os.path", "os.path.join", "os.name", "code.json", "io.open.txt", "socket.io", "platform.openai.com", "importlib.metadata", "chat.completion", "torch.nn.Linear", "os system", "os.system()", "", ".", "os.", ".system"} {
		if Sink(s) {
			t.Errorf("%q is a sink", s)
		}
	}
}

func TestPairs(t *testing.T) {
	if !Pair("os", "system") || !Pair("posix", "popen") || !Pair("__builtin__", "eval") || !Pair("subprocess", "run") || Pair("os", "load") || Pair("os", "run") || Pair("x", "system") || Pair("", "") {
		t.Error("a pair is missing, or one too many")
	}
}

func TestExpressionsThatLeadOut(t *testing.T) {
	for _, s := range []string{"__import__('os').system('id')", "$__import__ ('os')", "$os.system('id')", "().__class__.__base__", "''.__class__.__mro__[1].__subclasses__()", "${eval:\"os.popen('id')\"}", "lambda x: eval(x)",
		"nn.ReLU(__builtins__)"} {
		if !Expression(s) {
			t.Errorf("%q is not found", s)
		}
	}
	for _, s := range []string{"$torch.device('cuda' if torch.cuda.is_available() else 'cpu')", "$os.path.join(@dir, 'x')", "$list(range(3))", "nn.ReLU()", "call os.system(cmd) to start it", "__import__", "__class__", "a.__init__", "$100 (about)", "model.eval()",
		"$@network.eval()", "The compile( and exec( calls"} {
		if Expression(s) {
			t.Errorf("%q is an expression", s)
		}
	}
}
