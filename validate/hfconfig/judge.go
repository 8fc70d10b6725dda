package hfconfig

import (
	"bytes"
	"path"
	"strconv"
	"strings"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/jsonwalk"
	"github.com/loadlock/loadlock/validate/modelpath"
)

// judge looks at each key and scalar of one file.
type judge struct {
	p       *validate.Pass
	base    string // the file's name
	nb      bool   // notebook reported
	skops   bool   // classes and modules are judged by validate/skops
	count   int    // of auto-map notes, which an index could repeat without end
	objects []lang // by depth
	decoded int    // texts that hold bytes
	failed  error  // of judging those
}

func newJudge(p *validate.Pass) *judge { return &judge{p: p, base: path.Base(p.Name)} }

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

// open sees a container begin, with the key that it stands under.
func (j *judge) open(stack []jsonwalk.Frame, off int64) {
	j.objects = append(j.objects[:len(stack)-1], lang{})
	n := len(stack)
	if n < 2 || !stack[n-2].Object {
		return
	}
	if isPickled(stack[n-2].Key) {
		j.p.Report(object, off, "key %s", quote(stack[n-2].Key))
	}
	if key := string(stack[n-2].Key); !stack[n-1].Object && (key == "args" || key == "arguments") {
		j.objects[n-2].program.args = true
	}
}

// close sees a container end.
func (j *judge) close(stack []jsonwalk.Frame, off int64) {
	if n := len(stack) - 1; n < len(j.objects) && stack[n].Object {
		j.langchain(j.objects[n], off)
		if j.objects[n].program.starts() {
			j.p.Report(command, off, "an object with a command and its arguments")
		}
		if name := j.objects[n].program.function(); name != "" && !j.skops {
			j.p.Report(object, off, "an object with the words of %s", quote([]byte(name)))
		}
	}
}

// scalar judges one value by the keys above it.
func (j *judge) scalar(stack []jsonwalk.Frame, k jsonwalk.Kind, value []byte, off int64) {
	if len(stack) == 0 {
		return
	}
	j.note(stack, k, value)
	key := nearest(stack)
	if k == jsonwalk.Literal {
		if string(value) == "true" && string(key) == "trust_remote_code" {
			j.p.Report(trustRemoteCode, off, "trust_remote_code: true")
		}
		return
	}
	if k != jsonwalk.Text {
		return
	}
	j.listed(stack, string(value), off)
	for i := range stack {
		if stack[i].Object {
			j.under(stack[i].Key, value, off)
		}
	}
	j.named(key, value, off)
	j.object(key, value, off)
	j.file(key, value, off)
	j.anywhere(key, value, off)
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
	case "weightsManifest": // TensorFlow.js
		if why := leaves(string(value[:min(len(value), 4096)])); why != "" {
			j.p.Report(outsidePath, off, "weightsManifest: %s %s", quote(value), why)
		}
	case "custom_imports": // mmengine imports what stands here
		j.p.Report(foreignCode, off, "custom_imports: %s", quote(value))
	case "custom_pipeline", "custom_pipelines":
		j.p.Report(customPipeline, off, "%s: %s", key, quote(value))
	case "weight_map":
		if why := modelpath.Outside(string(value)); why != "" {
			j.p.Report(outsidePath, off, "weight_map: %s %s", quote(value), why)
		}
	case "mcpServers", "mcp_servers":
		if len(value) > 0 {
			j.p.Report(native, off, "a program for an agent: %s", quote(value))
		}
	}
	switch {
	case implementation(key) && !builtIn(value):
		j.p.Report(attnImplementation, off, "%s: %s", quote(key), quote(value))
	case bytes.Contains(key, []byte("chat_template")), bytes.Contains(key, []byte("template")) && bytes.Contains(value, []byte("{%")):
		templates.Judge(j.p, off, quote(key), value, false)
	}
}

// implementation reports whether a key chooses code for a layer: _attn_implementation, _attn_implementation_internal,
// _experts_implementation, kernel_config and what will be named like them.
func implementation(key []byte) bool {
	return bytes.HasSuffix(key, []byte("_implementation")) || bytes.HasSuffix(key, []byte("_implementation_internal")) || bytes.HasPrefix(key, []byte("kernel_")) ||
		bytes.HasPrefix(key, []byte("hub_kernel"))
}

// builtIn reports whether an implementation is one of the library: eager, sdpa, flash_attention_2, paged|sdpa. A name with
// a slash, a colon or an at sign is a repository.
func builtIn(value []byte) bool {
	return bytes.IndexFunc(value, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("_|-+. ", r))
	}) < 0
}

// quote shows a string of the model, shortened.
func quote(b []byte) string { return strconv.QuoteToASCII(string(b[:min(len(b), 120)])) }
