package keras

import (
	_ "embed" // the list
	"fmt"
	"slices"
	"strings"
	"sync"
)

//go:embed classes.txt
var classesText string

// loadClasses reads the list on first use.
var loadClasses = sync.OnceValues(func() (map[string]string, error) { return readClasses(classesText) })

// readClasses gives the reason for every listed name.
func readClasses(text string) (map[string]string, error) {
	out := map[string]string{}
	reason, n := "", 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '=':
			if reason = strings.TrimSpace(line[1:]); reason == "" {
				return nil, fmt.Errorf("classes.txt:%d: a group without a reason", n)
			}
		case reason == "":
			return nil, fmt.Errorf("classes.txt:%d: names before the first group", n)
		default:
			for name := range strings.FieldsSeq(line) {
				if out[name] != "" {
					return nil, fmt.Errorf("classes.txt:%d: %s is listed twice", n, name)
				}
				out[name] = reason
			}
		}
	}
	return out, nil
}

// Public names of one library stand below several roots, depending on version and on who exports them.
var roots = []string{"tensorflow.python.keras.api._v2.keras", "tensorflow.python.keras.api._v1.keras", "tensorflow.python.keras", "tensorflow.keras", "tf.keras",
	"keras.api._v2.keras", "keras.api._v1.keras", "keras.api", "keras.src", "keras", "tf_keras.api._v2.keras", "tf_keras.src", "tf_keras", "keras_core.src", "keras_core"}

// parts are the subpackages that hold what networks are made of. "" is the root itself, which exports Model and others.
var parts = []string{"", "layers", "activations", "initializers", "regularizers", "constraints", "optimizers", "losses", "metrics", "models", "dtype_policies",
	"mixed_precision", "quantizers", "ops", "random", "engine", "trainers", "premade_models", "premade", "feature_column", "legacy", "_legacy"}

// families are public libraries of layers on top of Keras; Keras itself admits their classes.
var families = []string{"keras_hub", "keras_nlp", "keras_cv"}

// familyParts are their subpackages of classes; the others have functions that fetch and convert.
var familyParts = []string{"models", "layers", "tokenizers", "samplers", "metrics", "losses"}

type origin int

const (
	foreign origin = iota // any module: an import
	own                   // __main__: the program's own
	core                  // Keras
	family                // a vetted library on top of it
)

// originOf says whose a module is.
func originOf(module string) origin {
	switch module {
	case "builtins":
		return core // "a function that Keras knows by its name alone"
	case "__main__":
		return own
	}
	for _, root := range roots {
		rest, ok := strings.CutPrefix(module, root)
		if !ok || rest != "" && rest[0] != '.' {
			continue
		}
		first, _, _ := strings.Cut(strings.TrimPrefix(rest, "."), ".")
		if slices.Contains(parts, first) {
			return core
		}
		if root != "keras" && root != "tf_keras" && root != "keras_core" || first != "src" && first != "api" {
			return foreign
		}
	}
	for _, lib := range families {
		for _, root := range []string{lib + ".src.", lib + ".api.", lib + "."} {
			if rest, ok := strings.CutPrefix(module, root); ok {
				first, _, _ := strings.Cut(rest, ".")
				if slices.Contains(familyParts, first) {
					return family
				}
			}
		}
	}
	return foreign
}

// gadgets are functions of Keras and of Python that are known to harm. They only sharpen the words: what is not
// listed in classes.txt is not cleared anyway.
var gadgets = []string{"get_file", "load_model", "save_model", "load_weights", "save_weights", "model_from_json", "model_from_yaml", "model_from_config", "clone_model",
	"enable_unsafe_deserialization", "deserialize_keras_object", "deserialize", "load_img", "save_img", "image_dataset_from_directory", "text_dataset_from_directory",
	"audio_dataset_from_directory", "func_load", "eval", "exec", "compile", "open", "__import__", "getattr", "system", "popen", "run_module", "run_path", "import_module"}

// loaders are layers that load when they are made.
var loaders = []string{"TorchModuleWrapper", "TFSMLayer"}

// className reports whether a name is one that a class has in Python's style.
func className(s string) bool {
	if s == "" || s[0] < 'A' || s[0] > 'Z' || len(s) > 100 {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_')
	})
}

// arithmetic are the parts of TensorFlow whose functions compute on tensors and nothing else.
var arithmetic = []string{"math", "nn", "linalg", "image", "signal", "strings", "sparse", "ragged", "random", "bitwise", "dtypes", "__operators__", "sets"}

// plain are functions that TensorFlow exports at its root and that compute on tensors.
var plain = strings.Fields(`abs acos acosh add add_n argmax argmin argsort asin asinh atan atan2 atanh batch_to_space boolean_mask broadcast_to cast ceil clip_by_norm
	clip_by_value complex concat constant convert_to_tensor cos cosh cumsum divide div einsum ensure_shape equal exp expand_dims eye fill floor floordiv floormod gather gather_nd
	greater greater_equal identity less less_equal linspace log logical_and logical_not logical_or matmul maximum meshgrid minimum multiply negative norm not_equal
	one_hot ones ones_like pad pow range rank real realdiv reduce_all reduce_any reduce_logsumexp reduce_max reduce_mean reduce_min reduce_prod reduce_sum repeat
	reshape reverse roll round rsqrt scatter_nd searchsorted sequence_mask shape shape_n sigmoid sign sin sinh size slice sort space_to_batch split sqrt square squeeze
	stack stop_gradient strided_slice subtract tan tanh tensordot tensor_scatter_nd_update tile to_float to_int32 to_int64 to_double transpose truediv truncatediv unique unstack where zeros zeros_like
	compat.v1.transpose compat.v1.gather compat.v1.shape compat.v1.size compat.v1.squeeze compat.v1.reduce_sum compat.v1.reduce_mean compat.v1.reduce_max compat.v1.reduce_min
	compat.v1.concat compat.v1.expand_dims compat.v1.ones_like compat.v1.zeros_like compat.v1.argmax compat.v1.argmin compat.v1.where compat.v1.pad compat.v1.space_to_depth
	compat.v1.depth_to_space compat.v1.nn.depth_to_space compat.v1.nn.space_to_depth compat.v1.nn.softmax compat.v1.nn.relu compat.v1.nn.max_pool compat.v1.nn.conv2d compat.v1.image.resize_bilinear
	compat.v1.image.resize_nearest_neighbor compat.v1.image.resize_images compat.v1.to_float compat.v1.to_int32 compat.v1.cast`)

// tensorFunction reports whether a symbol of TensorFlow computes on tensors.
func tensorFunction(name string) bool {
	if slices.Contains(plain, name) {
		return true
	}
	first, rest, dotted := strings.Cut(strings.TrimPrefix(name, "experimental.numpy."), ".")
	return dotted && slices.Contains(arithmetic, first) && rest != "" && !strings.Contains(rest, "py_func") && strings.Count(rest, ".") <= 1
}
