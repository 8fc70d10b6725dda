package yamlconf

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/loadlock/loadlock/validate/encoded"
	"github.com/loadlock/loadlock/validate/lazyre"
	"github.com/loadlock/loadlock/validate/modelpath"
	"github.com/loadlock/loadlock/validate/pyname"
)

// scalar judges a value by the keys above it.
func (j *judge) scalar(n *yaml.Node, keys []string) {
	j.resolvers(n)
	j.anywhere(n, keys)
	if len(keys) == 0 || n.Value == "" || n.Tag == "!!null" {
		return
	}
	key := keys[len(keys)-1]
	switch {
	case key == "_target_", key == "class_path", key == "_cls_", key == "_class_path_":
		j.target(key, n.Value, j.offset(n.Line, n.Column))
	case strings.Contains(key, "chat_template"), strings.Contains(key, "template") && strings.Contains(n.Value, "{%"):
		templates.Judge(j.p, j.offset(n.Line, n.Column), quote(key), []byte(n.Value), false)
	case slices.Contains(evaluated, keys[0]) && !evaluates(n.Value):
		j.report(object, n, "%s: %s is evaluated as Python", keys[0], quote(n.Value))
	case key == "pip" || strings.HasSuffix(key, "dependencies") || slices.Contains(keys, "pip"):
		j.requirement(n)
	case key == "channels" && strings.Contains(n.Value, "://"):
		j.report(requirement, n, "channel %s", quote(n.Value))
	}
	switch j.base {
	case "MLmodel":
		j.mlmodel(n, keys)
	case "MLproject":
		if key == "command" {
			j.report(command, n, "command %s", quote(n.Value))
		}
	}
}

// anywhere judges a text by itself, under every key: names of functions that do harm, expressions, templates.
func (j *judge) anywhere(n *yaml.Node, keys []string) {
	key := ""
	if len(keys) > 0 {
		key = keys[len(keys)-1]
	}
	if len(n.Value) <= 4096 {
		switch {
		case pyname.Sink(n.Value):
			j.report(object, n, "%s %s", quote(key), quote(n.Value))
		case pyname.Expression(n.Value):
			j.report(expression, n, "%s: %s", quote(key), quote(n.Value))
		}
	}
	templates.Suspect(j.p, j.offset(n.Line, n.Column), quote(key), []byte(n.Value), false)
	j.encoded(n, key)
	switch {
	case slices.Contains(keys, "custom_imports"): // mmengine imports what stands here
		j.report(unknown, n, "custom_imports: %s", quote(n.Value))
	case key == "_BASE_" && leavesByBase(n.Value): // detectron2 and Paddle read the file as if it stood here
		j.report(outsidePath, n, "_BASE_: %s", quote(n.Value))
	}
}

// maxEncoded bounds how many texts of one file are decoded. Each is a file of its own to every scanner.
const maxEncoded = 256

// encoded judges bytes in a text as the file that they are; !!binary values are such texts.
func (j *judge) encoded(n *yaml.Node, key string) {
	b, large := encoded.Decode([]byte(n.Value))
	if b == nil && !large || j.failed != nil {
		return
	}
	if j.decoded++; large || j.decoded > maxEncoded {
		j.report(bytesInText, n, "%s: %d characters of base64", quote(key), len(n.Value))
		return
	}
	_, j.failed = j.p.Descend(path.Base(key[:min(len(key), 60)])+".decoded", bytes.NewReader(b), int64(len(b)))
}

// leavesByBase reports whether a configuration that another is based on lies elsewhere. Repositories of training code
// have their own above.
func leavesByBase(s string) bool {
	return strings.HasPrefix(s, "/") || strings.HasPrefix(s, "~") || strings.Contains(s, "://")
}

// Keys of the descriptions of YOLO networks whose words the library evaluates as Python (parse_model of yolov5 and
// ultralytics).
var evaluated = []string{"backbone", "head", "neck", "activation", "act"}

// layer is what such a word may be: a class, a number, a mode, or an activation with plain arguments.
var layer = lazyre.New(`^[\w.+-]*$|^(torch\.)?nn\.[A-Z]\w*\([\w=., +-]*\)$`)

// evaluates reports whether evaluating the words of a value calls nothing but a layer. A description in words is no
// expression.
func evaluates(s string) bool {
	return layer.MatchString(s) && !strings.Contains(s, "__") || !strings.ContainsAny(s, "([") && !strings.Contains(s, "__")
}

// Loaders that MLflow itself has: each reads a format that is judged as a file of the model.
var loaders = []string{"mlflow.sklearn", "mlflow.pytorch", "mlflow.xgboost", "mlflow.lightgbm", "mlflow.catboost", "mlflow.tensorflow", "mlflow.keras", "mlflow.keras.load", "mlflow.onnx", "mlflow.spacy",
	"mlflow.statsmodels", "mlflow.prophet", "mlflow.pmdarima", "mlflow.diviner", "mlflow.transformers", "mlflow.sentence_transformers", "mlflow.openai", "mlflow.fastai", "mlflow.h2o", "mlflow.spark",
	"mlflow.paddle", "mlflow.gluon", "mlflow.pyfunc.model", "mlflow.pyfunc.loaders.chat_model", "mlflow.pyfunc.loaders.responses_agent"}

// Keys of MLmodel whose value is opened below the model's folder.
var mlmodelPaths = []string{"data", "model_path", "python_model", "pickled_model", "model_data", "env", "conda", "virtualenv", "config", "model_binary", "path", "saved_input_example_info"}

func (j *judge) mlmodel(n *yaml.Node, keys []string) {
	key := keys[len(keys)-1]
	switch {
	case key == "loader_module" && !slices.Contains(loaders, n.Value):
		if pyname.Judge(n.Value) == pyname.Harmful {
			j.report(object, n, "loader_module %s", quote(n.Value))
		}
		j.report(loader, n, "loader_module %s", quote(n.Value))
	case key == "code" || key == "code_path" || key == "code_paths" || key == "model_code_path":
		j.report(codePath, n, "%s: %s", key, quote(n.Value))
	case slices.Contains(mlmodelPaths, key):
		if why := modelpath.Outside(strings.TrimSuffix(n.Value, "/")); why != "" {
			j.report(outsidePath, n, "%s: %s %s", key, quote(n.Value), why)
		}
	}
}

// usualPlace is an index or a project that everybody installs from. Of a project it is the default branch or a release:
// another revision may be a fork's, which can be had under the address of the original.
var usualPlace = lazyre.New(`^(-i|--index-url|--extra-index-url|-f|--find-links)[ =]https://(download\.pytorch\.org/|pypi\.org/simple\b|pypi\.nvidia\.com/?$|data\.pyg\.org/)[\w./+-]*$|` +
	`^([\w\[\].-]+ ?@ ?)?git\+https://github\.com/(huggingface|pytorch|dao-ailab|openai|facebookresearch|lightning-ai)/[\w.-]+?(\.git)?(@(main|master|v?\d{1,4}(\.\d+)+))?$`)

// requirement judges a line as pip and conda read it.
func (j *judge) requirement(n *yaml.Node) {
	v := strings.ToLower(strings.TrimSpace(n.Value))
	if file, ok := strings.CutPrefix(v, "-r "); ok && modelpath.Outside(strings.TrimSpace(file)) == "" {
		return
	}
	switch {
	case usualPlace.MatchString(v):
	case strings.Contains(v, "://"), strings.HasPrefix(v, "file:"), strings.HasPrefix(v, "git+"), strings.HasPrefix(v, "/"), strings.HasPrefix(v, "../"), strings.HasPrefix(v, "-"):
		if v != "-" {
			j.report(requirement, n, "%s", quote(n.Value))
		}
	}
}

var (
	interpolation = lazyre.New(`\$\{([A-Za-z_][\w.]*):`)
	// Resolvers that give parts of the configuration or the time.
	quietResolvers = []string{"oc.select", "oc.create", "oc.decode", "oc.deprecated", "oc.dict.keys", "oc.dict.values", "now", "hydra"}
)

// resolvers notes interpolations of OmegaConf that leave the file.
func (j *judge) resolvers(n *yaml.Node) {
	for _, m := range interpolation.FindAllStringSubmatch(n.Value[:min(len(n.Value), 4096)], 4) {
		if !slices.Contains(quietResolvers, m[1]) {
			j.report(environment, n, "%s", quote(m[0]+"…}"))
		}
	}
}
