package pickle

import "strings"

// A layer of torch calls what its hook dictionaries hold, and an attribute can stand before a method of its class. So
// hooks must be empty, no attribute may take a method's name, and hooks stay as they were when they were set.

// layerMethods are methods that a program calls on a layer it has loaded (torch/nn/modules/module.py).
var layerMethods = map[string]bool{"forward": true, "eval": true, "train": true, "to": true, "cpu": true, "cuda": true, "half": true, "float": true, "double": true,
	"bfloat16": true, "state_dict": true, "load_state_dict": true, "parameters": true, "named_parameters": true, "modules": true, "named_modules": true,
	"children": true, "named_children": true, "buffers": true, "named_buffers": true, "apply": true, "requires_grad_": true, "zero_grad": true, "_call_impl": true,
	"_wrapped_call_impl": true, "_slow_forward": true, "_apply": true, "_load_from_state_dict": true, "_save_to_state_dict": true, "extra_repr": true, "share_memory": true,
	"register_buffer": true, "register_parameter": true, "add_module": true, "append": true, "extend": true, "insert": true, "get_extra_state": true, "set_extra_state": true}

// maxStacked bounds the loops that recurrent layers run in __setstate__.
const maxStacked = 4096

// layerState judges what BUILD sets on a layer.
func layerState(state *value) string {
	if state.kind != kDict {
		return want(state.kind == kNone, "not a dictionary of attributes")
	}
	if state.cut() {
		return "more attributes than any layer has"
	}
	for i := 0; i+1 < len(state.items); i += 2 {
		key, ok := state.items[i].str()
		v := state.items[i+1]
		switch {
		case !ok:
			return "an attribute whose name is no text"
		case layerMethods[key]:
			return "attribute " + quote(key) + " takes the place of a method"
		case hookKey(key) && !noHooks(v):
			return "hooks are set: " + quote(key)
		case key == "num_layers" && (v.kind != kInt || v.n < 0 || v.n > maxStacked):
			return "the number of stacked layers"
		}
	}
	return ""
}

// hookKey reports the names of tables of hooks.
func hookKey(key string) bool {
	return strings.HasSuffix(strings.TrimSuffix(strings.TrimSuffix(key, "_always_called"), "_with_kwargs"), "_hooks")
}

// hookState names the first table of hooks in the state of a tensor that is not empty.
func hookState(state *value) string {
	tables := []*value{state}
	if state.kind == kTuple {
		tables = state.items
	}
	for _, table := range tables {
		for i := 0; table.kind == kDict && i+1 < len(table.items); i += 2 {
			if key, ok := table.items[i].str(); ok && hookKey(key) && !noHooks(table.items[i+1]) {
				return quote(key)
			}
		}
		if table.kind == kDict && table.cut() {
			return "among more attributes than any tensor has"
		}
	}
	return ""
}

// noHooks reports an empty table of hooks, and keeps it that way.
func noHooks(v *value) bool {
	switch {
	case v.kind == kNone:
		return true
	case v.flags&fForgotten != 0:
		return false
	case v.kind == kDict && v.n > 0, v.kind == kCall && (v.flags&fFilled != 0 || !emptyArguments(v)):
		return false
	case v.kind == kDict, v.kind == kCall && v.fn.is("collections", "OrderedDict"):
		v.flags |= fSettled
		return true
	}
	return false
}

// shapeParameter: torch._utils._rebuild_parameter(data, requires_grad, hooks).
func shapeParameter(c *call) string {
	ok := len(c.args) >= 3 && len(c.args) <= 4 && c.kw == nil && !c.cut && c.args[0].kind >= kCall && c.args[1].kind == kBool
	if !ok {
		return "only (tensor, bool, no hooks) is vetted"
	}
	if !noHooks(c.args[2]) {
		return "hooks are set on a tensor: " + render(c.args[2])
	}
	if len(c.args) == 4 {
		return shapeState(c)
	}
	return ""
}

// tensorHooks is where the functions that make tensors take their hooks.
var tensorHooks = map[string]int{"_rebuild_tensor_v2": 5, "_rebuild_tensor_v3": 5, "_rebuild_qtensor": 6}

// hooked says what is wrong with the hooks and the metadata of a tensor, or "".
func hooked(c *call) string {
	at, known := tensorHooks[c.fn.g.name]
	if !known || len(c.args) <= at {
		return ""
	}
	if !noHooks(c.args[at]) {
		return "hooks are set on a tensor: " + render(c.args[at])
	}
	if c.fn.g.name == "_rebuild_tensor_v2" && len(c.args) > at+1 {
		return want(metadata(c.args[at+1]), "metadata of a tensor that is no table of truth values")
	}
	return ""
}

// metadata: {"conj": True, …} (torch/_utils.py, set_tensor_metadata).
func metadata(v *value) bool {
	if v.kind == kNone {
		return true
	}
	for i := 0; i+1 < len(v.items); i += 2 {
		if v.items[i].kind != kStr || v.items[i+1].kind != kBool {
			return false
		}
	}
	return v.kind == kDict && !v.cut()
}
