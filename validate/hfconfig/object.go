package hfconfig

import (
	"bytes"
	"strings"

	"github.com/loadlock/loadlock/validate/jsonwalk"
	"github.com/loadlock/loadlock/validate/pyname"
)

// Keys of jsonpickle that hold plain data (jsonpickle/tags.py); the others name or call Python objects.
var pickledData = []string{"py/id", "py/tuple", "py/set", "py/iterator", "py/b64", "py/b85", "py/bytes"}

func isPickled(key []byte) bool {
	if !bytes.HasPrefix(key, []byte("py/")) {
		return false
	}
	for _, k := range pickledData {
		if string(key) == k {
			return false
		}
	}
	return true
}

// object judges a string whose key makes a library import and call it. In a vocabulary such keys have numbers.
func (j *judge) object(key, value []byte, off int64) {
	if isPickled(key) {
		j.p.Report(object, off, "%s: %s", quote(key), quote(value))
		return
	}
	switch k := string(key); k {
	case "_target_", "class_path", "__target__", "$target", "_partial_target_":
	case "$type": // Json.NET: "Namespace.Class, Assembly"
		if bytes.ContainsAny(value, ".,") {
			j.p.Report(object, off, "$type: %s", quote(value))
		}
		return
	case "__class__", "__type__", "__reduce__", "__module__", "__import__", "__object__", "@class":
		if j.skops && (k == "__class__" || k == "__module__") {
			return
		}
		if bytes.Contains(value, []byte(".")) || pyname.Judge(string(value)) == pyname.Harmful {
			j.target(key, value, off)
		}
		return
	default:
		return
	}
	j.target(key, value, off)
}

func (j *judge) target(key, value []byte, off int64) {
	switch pyname.Judge(string(value)) {
	case pyname.Harmful:
		j.p.Report(object, off, "%s: %s", quote(key), quote(value))
	case pyname.Unknown:
		j.p.Report(target, off, "%s: %s", quote(key), quote(value))
	case pyname.Known:
	}
}

// lang is what an object has of a program to start, and of LangChain's serialization: {"lc": 1, "type": "constructor", "id": ["langchain", …]}.
type lang struct {
	lc   bool
	kind string
	root string // the first element of id

	program program
}

// note remembers a scalar that belongs to such an object.
func (j *judge) note(stack []jsonwalk.Frame, k jsonwalk.Kind, value []byte) {
	top := len(stack) - 1
	if stack[top].Object && k == jsonwalk.Text {
		j.noteProgram(stack[top], value)
	}
	switch {
	case stack[top].Object && k == jsonwalk.Number && string(stack[top].Key) == "lc":
		j.objects[top].lc = true
	case stack[top].Object && k == jsonwalk.Text && string(stack[top].Key) == "type":
		j.objects[top].kind = string(value[:min(len(value), 64)])
	case !stack[top].Object && top > 0 && stack[top].Index == 0 && stack[top-1].Object && string(stack[top-1].Key) == "id" && k == jsonwalk.Text:
		j.objects[top-1].root = string(value[:min(len(value), 64)])
	}
}

func (j *judge) langchain(o lang, off int64) {
	switch {
	case !o.lc || o.kind == "" || o.kind == "not_implemented":
	case o.kind == "constructor" && (o.root == "langchain" || strings.HasPrefix(o.root, "langchain_")):
		j.p.Report(target, off, "an object of LangChain")
	default:
		j.p.Report(object, off, "an object of LangChain: %s of %s", quote([]byte(o.kind)), quote([]byte(o.root)))
	}
}
