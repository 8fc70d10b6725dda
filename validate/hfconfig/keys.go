package hfconfig

import (
	"bytes"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/jsonwalk"
)

// judge looks at each key and scalar of one file.
type judge struct {
	p     *validate.Pass
	nb    bool // notebook reported
	count int  // of auto-map notes, which an index could repeat without end
}

// key sees each object key before its value.
func (j *judge) key(stack []jsonwalk.Frame, _ int64) {
	if len(stack) == 1 && string(stack[0].Key) == "nbformat" && !j.nb && validate.Ext(j.p.Name) != ".ipynb" {
		j.nb = true
		isNotebook(j.p)
	}
}

// repeated sees a key that its object has already.
func (j *judge) repeated(stack []jsonwalk.Frame, off int64) {
	j.p.Report(duplicateKey, off, "key %s", quote(stack[len(stack)-1].Key))
}

// scalar judges one value by the keys above it.
func (j *judge) scalar(stack []jsonwalk.Frame, k jsonwalk.Kind, value []byte, off int64) {
	if k == jsonwalk.Literal {
		if string(value) == "true" && string(nearest(stack)) == "trust_remote_code" {
			j.p.Report(trustRemoteCode, off, "trust_remote_code: true")
		}
		return
	}
	if k != jsonwalk.Text || len(stack) == 0 {
		return
	}
	if base := path.Base(j.p.Name); base == "model_index.json" || base == "modules.json" {
		j.listed(base, stack, string(value), off)
	}
	for i := range stack {
		if stack[i].Object {
			j.under(stack[i].Key, value, off)
		}
	}
	j.named(nearest(stack), value, off)
}

// nearest is the innermost key above a value.
func nearest(stack []jsonwalk.Frame) []byte {
	for i := len(stack) - 1; i >= 0; i-- {
		if stack[i].Object {
			return stack[i].Key
		}
	}
	return nil
}

// under judges a string by a key at any height above it.
func (j *judge) under(key, value []byte, off int64) {
	switch string(key) {
	case "auto_map":
		j.code(string(value), off)
	case "_attn_implementation_internal", "_attn_implementation", "attn_implementation":
		// The names that are built in (eager, sdpa, flash_attention_2, paged|sdpa) have no slash.
		if strings.Contains(string(value), "/") {
			j.p.Report(attnImplementation, off, "%s: %s", key, quote(value))
		}
	case "custom_pipeline", "custom_pipelines":
		j.p.Report(customPipeline, off, "%s: %s", key, quote(value))
	case "weight_map":
		if outside(string(value)) || strings.Contains(string(value), `\`) || strings.Contains(string(value), ":") {
			j.p.Report(outsidePath, off, "weight_map: %s", quote(value))
		}
	case "chat_template":
		if what := templateDanger(value); what != "" {
			j.p.Report(template, off, "chat_template: %s", what)
		}
	}
}

// Where a configuration's writer leaves the path it happened to have; no loader opens these.
var informational = []string{"_name_or_path", "name_or_path", "base_model_name_or_path", "model_name_or_path", "tokenizer_name_or_path", "special_tokens_map_file"}

var (
	pathKeys     = []string{"file", "filename", "path", "folder"}
	pathSuffixes = []string{"_file", "_files", "_filename", "_path", "_dir", "_folder"}
	// Libraries whose classes an adapter may extend. A name below transformers_modules is code of a model.
	adapterLibraries = []string{"transformers", "diffusers", "torch", "timm", "sentence_transformers", "peft"}
)

// pathMax is what a kernel accepts as a path (PATH_MAX of Linux).
const pathMax = 4096

// named judges a string by the key next to it.
func (j *judge) named(key, value []byte, off int64) {
	if string(key) == "parent_library" {
		if top, _, _ := bytes.Cut(value, []byte(".")); !slices.Contains(adapterLibraries, string(top)) {
			j.p.Report(foreignCode, off, "parent_library: %s", quote(value))
		}
	}
	if isPathKey(key) && outside(string(value[:min(len(value), pathMax)])) {
		j.p.Report(outsidePath, off, "%s: %s", quote(key), quote(value))
	}
}

func isPathKey(key []byte) bool {
	if slices.Contains(informational, string(key)) {
		return false
	}
	for _, suffix := range pathSuffixes {
		if bytes.HasSuffix(key, []byte(suffix)) {
			return true
		}
	}
	return slices.Contains(pathKeys, string(key))
}

// code judges a reference "file.Class", "repository--file.Class".
func (j *judge) code(ref string, off int64) {
	if repo, rest, foreign := strings.Cut(ref, "--"); foreign {
		j.p.Report(foreignCode, off, "auto_map: %s of repository %s", quote([]byte(rest)), quote([]byte(repo)))
		return
	}
	if outside(ref) || strings.ContainsAny(ref, `/\`) {
		j.p.Report(foreignCode, off, "auto_map: %s", quote([]byte(ref)))
		return
	}
	if j.count++; j.count <= 16 {
		file, class, _ := strings.Cut(ref, ".")
		j.p.Report(autoMap, off, "class %s in %s", quote([]byte(class)), quote([]byte(file+".py")))
	}
}

// The first name of a component in diffusers' model_index.json: a library, or one of the library's own
// pipeline packages (loading_utils and pipelines/ of diffusers).
var componentLibraries = []string{"diffusers", "transformers", "onnxruntime.training", "stable_diffusion", "stable_diffusion_safe",
	"latent_diffusion", "paint_by_example", "unclip", "versatile_diffusion", "alt_diffusion", "audioldm2", "deepfloyd_if",
	"wuerstchen", "kandinsky", "shap_e", "spectrogram_diffusion", "stable_cascade", "flux", "wan"}

// listed judges the two indexes whose entries are import paths: diffusers' components and
// sentence-transformers' modules.
func (j *judge) listed(base string, stack []jsonwalk.Frame, value string, off int64) {
	switch {
	case base == "model_index.json" && len(stack) == 2 && !stack[1].Object && stack[1].Index == 0:
		if !slices.Contains(componentLibraries, value) {
			j.p.Report(customPipeline, off, "%s comes from module %s", quote(stack[0].Key), quote([]byte(value)))
		}
	case base == "modules.json" && string(nearest(stack)) == "type" && !strings.HasPrefix(value, "sentence_transformers."):
		j.p.Report(foreignCode, off, "module type %s", quote([]byte(value)))
	}
}

// outside reports whether a path leaves the folder that it is relative to, on any system.
func outside(s string) bool {
	slashed := strings.ReplaceAll(s, `\`, "/")
	drive := len(s) >= 2 && s[1] == ':' && ('a' <= s[0]|0x20 && s[0]|0x20 <= 'z')
	return strings.HasPrefix(slashed, "/") || strings.HasPrefix(s, "~") || drive || strings.HasPrefix(strings.ToLower(s), "file:") ||
		slices.Contains(strings.Split(slashed, "/"), "..")
}

// quote shows a string of the model, shortened.
func quote(b []byte) string { return strconv.QuoteToASCII(string(b[:min(len(b), 120)])) }
