package hfconfig

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/loadlock/loadlock/validate/encoded"
	"github.com/loadlock/loadlock/validate/jsonwalk"
	"github.com/loadlock/loadlock/validate/lazyre"
	"github.com/loadlock/loadlock/validate/pyname"
)

// anywhere judges a string by itself: what is harmful under every key, because the keys of programs that nobody has
// listed make them import, evaluate, render and load as well. A vocabulary has its words as keys, not as values.
func (j *judge) anywhere(key, value []byte, off int64) {
	if len(value) < 5 && string(key) != ":serialized:" {
		return
	}
	templates.Suspect(j.p, off, quote(key), value, false)
	j.encoded(key, value, off)
	if len(value) > 4096 {
		return
	}
	text := string(value)
	switch {
	case plainKeys[string(key)]: // judged by the rules for these keys
	case pyname.Sink(text):
		j.p.Report(object, off, "%s: %s", quote(key), quote(value))
	case pyname.Expression(text):
		j.p.Report(expression, off, "%s: %s", quote(key), quote(value))
	case j.configuration() && library.MatchString(text) && !slices.Contains(loaded, string(key)) && !vendorLibrary.MatchString(path.Base(text)):
		j.p.Report(native, off, "%s: %s", quote(key), quote(value))
	}
}

// maxEncoded bounds how many texts of one file are decoded. Each is a file of its own to every scanner.
const maxEncoded = 256

// encoded judges bytes in a text as the file that they are: stable-baselines3 loads the pickles of its JSON.
func (j *judge) encoded(key, value []byte, off int64) {
	b, large := encoded.Decode(value)
	if string(key) == ":serialized:" { // stable_baselines3/common/save_util.py, json_to_data
		b, large = encoded.Loose(value), len(value) > encoded.Max/3*4
	}
	if b == nil && !large || j.failed != nil {
		return
	}
	if j.decoded++; large || j.decoded > maxEncoded {
		j.p.Report(bytesInText, off, "%s: %d characters of base64", quote(key), len(value))
		return
	}
	_, j.failed = j.p.Descend(path.Base(string(key[:min(len(key), 60)]))+".decoded", bytes.NewReader(b), int64(len(b)))
}

// plainKeys hold names that are judged elsewhere, or that a library only compares.
var plainKeys = map[string]bool{"__module__": true, "__class__": true, "_target_": true, "class_path": true}

var (
	// library is the name of a native library.
	library = lazyre.New(`(?i)^[^\s<>|"]+\.(so(\.\d+)*|dll|dylib|pyd)$`)
	// vendorLibrary are back ends that come with the runtime and are looked up there by their plain names (Qualcomm's in
	// configurations of onnxruntime-genai).
	vendorLibrary = lazyre.New(`^(lib)?Qnn\w+\.(so|dll)$`)
)

// program is what an object has of the description of a process: {"command": "sh", "args": ["-c", …]}, or a type that says
// that the command is to be started.
type program struct {
	command bool
	args    bool
	kind    string
	words   []string // short texts of the object: a module and a function may be among them
}

// Types under which programs start a command: agents (MCP and its relatives), hooks and tasks of editors.
var programKinds = []string{"stdio", "command", "shell", "process", "local"}

func (c program) starts() bool { return c.command && (c.args || slices.Contains(programKinds, c.kind)) }

// function is the harmful function that two texts of the object name as module and member, or "".
func (c program) function() string {
	for _, module := range c.words {
		for _, member := range c.words {
			if pyname.Pair(module, member) {
				return module + "." + member
			}
		}
	}
	return ""
}

// noteProgram remembers a scalar that belongs to such an object.
func (j *judge) noteProgram(f jsonwalk.Frame, value []byte) {
	c := &j.objects[len(j.objects)-1].program
	if len(value) > 0 && len(value) <= 40 && len(c.words) < 8 {
		c.words = append(c.words, string(value))
	}
	switch string(f.Key) {
	case "command", "cmd":
		c.command = c.command || len(value) > 0
	case "type", "transport", "transport_type":
		c.kind = strings.ToLower(string(value[:min(len(value), 64)]))
	}
}
