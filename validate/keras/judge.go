package keras

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/jsonwalk"
)

// judge collects what each open JSON object says until it is closed; then the object is judged. Its memory is that of
// the open objects, never of the document.
type judge struct {
	p       *validate.Pass
	classes map[string]string
	frames  []frame
	told    map[string]bool // findings about one name are given once
	lines   int
	failed  error
}

// frame is an open object or array.
type frame struct {
	off    int64
	object bool
	class  field
	module field
	name   field // registered_name
	text   field // "config", if it is a text
	config *frame
	keys   uint8  // of what a class entry has besides its name
	fn     field  // "function", if it is a text
	fnKind byte   // 't' text, 'l' list, 'o' object
	fnType string // function_type
	fnOf   string // class_name of the function
	spec   field  // type_spec or spec_name
	first  string // of an array: its first text
}

// field is a text member.
type field struct {
	set  bool
	text bool // it is a text
	s    string
}

// What besides a class_name makes an object an entry that some loader turns into a Python object.
const (
	hasConfig = 1 << iota
	hasModule
	hasRegistered
	hasItems
	hasSpec
	hasPassive
)

// keptText bounds a text that is kept until its object closes. Names are far shorter; code is only evidence.
const keptText = 8 << 10

func keep(k jsonwalk.Kind, value []byte) field {
	f := field{set: true, text: k == jsonwalk.Text}
	f.s = string(value[:min(len(value), keptText)])
	return f
}

// null reports a field that is absent, null or empty.
func (f field) null() bool { return !f.set || f.text && f.s == "" || !f.text && f.s == "null" }

func (j *judge) open(stack []jsonwalk.Frame, off int64) {
	if n := len(stack); n > 1 && j.frames[n-2].object {
		j.container(&j.frames[n-2], string(stack[n-2].Key), stack[n-1].Object)
	}
	j.frames = append(j.frames, frame{off: off, object: stack[len(stack)-1].Object})
	if err := j.p.Charge(validate.Entries, 0); err != nil && j.failed == nil {
		j.failed = err
	}
}

// container notes that a member of an object is an array or an object.
func (j *judge) container(o *frame, key string, object bool) {
	bad := field{set: true, s: "a container"}
	switch key {
	case "class_name":
		o.class = bad
	case "module":
		o.module, o.keys = bad, o.keys|hasModule
	case "registered_name":
		o.name, o.keys = bad, o.keys|hasRegistered
	case "config":
		o.keys |= hasConfig
		o.text = field{}
	case "items", "serialized", "tensors":
		o.keys |= hasItems
	case "function":
		if o.fnKind = 'l'; object {
			o.fnKind = 'o'
		}
	}
}

func (j *judge) scalar(stack []jsonwalk.Frame, k jsonwalk.Kind, value []byte, off int64) {
	if len(stack) == 0 {
		return
	}
	o := &j.frames[len(stack)-1]
	if k == jsonwalk.Text && isCode(value) {
		j.report(marshalled, stack, off, words(value), "%d characters of base64 that begin like a Python code object", len(value))
	}
	if !o.object {
		if stack[len(stack)-1].Index == 0 && k == jsonwalk.Text {
			o.first = keep(k, value).s
		}
		return
	}
	j.member(o, stack, string(stack[len(stack)-1].Key), k, value, off)
}

// member notes a scalar of an object.
func (j *judge) member(o *frame, stack []jsonwalk.Frame, key string, k jsonwalk.Kind, value []byte, off int64) {
	switch key {
	case "class_name", "__typename__":
		o.class = keep(k, value)
		if key != "class_name" {
			o.keys |= hasPassive
		}
	case "module":
		o.module, o.keys = keep(k, value), o.keys|hasModule
	case "registered_name", "package":
		if key == "registered_name" || o.name.null() {
			o.name, o.keys = keep(k, value), o.keys|hasRegistered
		}
	case "config":
		o.text, o.keys, o.config = keep(k, value), o.keys|hasConfig, nil
	case "type_spec", "spec_name":
		o.spec, o.keys = keep(k, value), o.keys|hasSpec
	case "__passive_serialization__":
		o.keys |= hasPassive
	case "function":
		if o.fn = keep(k, value); k == jsonwalk.Text {
			o.fnKind = 't'
		}
	case "function_type", "output_shape_type", "mask_type":
		if string(value) == "lambda" {
			j.report(lambda, stack, off, "", "%s is %s", key, validate.Quote(value, 20))
		}
		if key == "function_type" {
			o.fnType = keep(k, value).s
		}
	case "safe_mode", "allow_pickle", "trust_remote_code":
		if (string(value) == "false") == (key == "safe_mode") && k == jsonwalk.Literal {
			j.report(gadget, stack, off, "", "%s is %s", key, value)
		}
	}
	if k == jsonwalk.Text {
		j.path(stack, key, value, off)
	}
}

// close judges an object that is complete and hands what its parent must know upwards.
func (j *judge) close(stack []jsonwalk.Frame, _ int64) {
	n := len(stack)
	o := &j.frames[n-1]
	if o.object && o.class.set {
		j.entry(o, stack)
	}
	if n > 1 && j.frames[n-2].object {
		parent := &j.frames[n-2]
		switch string(stack[n-2].Key) {
		case "config":
			c := *o
			c.config = nil
			parent.config = &c
		case "function":
			if parent.fnOf = o.class.s; !o.object {
				parent.fn = field{set: true, text: true, s: o.first}
			}
		}
	}
	j.frames = j.frames[:n-1]
}

func (j *judge) repeated(stack []jsonwalk.Frame, off int64) {
	j.report(duplicateKey, stack, off, "", "key %s", validate.Quote(stack[len(stack)-1].Key, 80))
}

// maxTold bounds the names that are remembered to be told once.
const maxTold = 4096

// report states a finding with its line and its place in the document.
func (j *judge) report(r *validate.Rule, stack []jsonwalk.Frame, off int64, evidence, format string, args ...any) {
	detail := fmt.Sprintf(format, args...)
	if key := r.ID + detail; r.Severity != validate.High || len(j.told) >= maxTold {
		if j.told[key] {
			return
		}
		if len(j.told) < maxTold {
			j.told[key] = true
		}
	}
	at := validate.Place{Offset: off, Evidence: evidence}
	if j.lines++; j.lines <= 64 {
		at.Line = j.line(off)
	}
	j.p.ReportAt(r, at, "%s: %s", where(stack), detail)
}

// line counts line ends before an offset.
func (j *judge) line(off int64) int {
	line, buf := 1, make([]byte, min(32<<10, off))
	for at := int64(0); at < off; {
		n, err := j.p.ReadAt(buf[:min(int64(len(buf)), off-at)], at)
		line += bytes.Count(buf[:n], []byte("\n"))
		if err != nil || n == 0 {
			break
		}
		at += int64(n)
	}
	return line
}

// where writes the path to the last frame, shortened from the left.
func where(stack []jsonwalk.Frame) string {
	var parts []string
	for _, f := range slices.Backward(stack[:max(0, len(stack)-1)]) {
		if len(parts) == 12 {
			parts = append(parts, "…")
			break
		}
		if f.Object {
			parts = append(parts, strings.Trim(validate.Quote(f.Key, 40), `"`))
		} else {
			parts = append(parts, fmt.Sprint(f.Index))
		}
	}
	if len(parts) == 0 {
		return "top"
	}
	slices.Reverse(parts)
	return strings.Join(parts, ".")
}
