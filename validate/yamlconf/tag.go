package yamlconf

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/loadlock/loadlock/validate/modelpath"
	"github.com/loadlock/loadlock/validate/pyname"
)

// coreTags are those of plain data (https://yaml.org/type/), as the parser shortens them.
var coreTags = map[string]bool{"": true, "!": true, "!!str": true, "!!int": true, "!!float": true, "!!bool": true, "!!null": true, "!!map": true, "!!seq": true, "!!binary": true,
	"!!timestamp": true, "!!set": true, "!!omap": true, "!!pairs": true, "!!merge": true, "!!value": true}

// plainPython are PyYAML's tags of plain values; it writes them for tuples and the like.
var plainPython = map[string]bool{"none": true, "bool": true, "str": true, "unicode": true, "bytes": true, "int": true, "long": true, "float": true, "complex": true, "list": true, "tuple": true, "dict": true}

// hyperTags are HyperPyYAML's tags that refer to values of the file.
var hyperTags = map[string]bool{"!ref": true, "!copy": true, "!tuple": true, "!list": true, "!PLACEHOLDER": true}

const yamlOrg = "tag:yaml.org,2002:"

// tag judges a tag that is written out.
func (j *judge) tag(n *yaml.Node) {
	tag := n.Tag
	if rest, ok := strings.CutPrefix(tag, yamlOrg); ok {
		tag = "!!" + rest
	}
	if coreTags[tag] || hyperTags[tag] {
		return
	}
	if rest, ok := strings.CutPrefix(tag, "!!python/"); ok {
		if !plainPython[rest] {
			j.report(pythonTag, n, "tag %s", quote(tag))
		}
		return
	}
	for _, call := range []string{"!new:", "!name:", "!apply:", "!module:"} { // HyperPyYAML
		if name, ok := strings.CutPrefix(tag, call); ok {
			j.target(call, name, j.offset(n.Line, n.Column))
			return
		}
	}
	if name, ok := strings.CutPrefix(tag, "!include:"); ok {
		if why := modelpath.Outside(name); why != "" {
			j.report(outsidePath, n, "%s %s", quote(tag), why)
		}
		return
	}
	switch {
	case strings.HasPrefix(tag, "!!"), strings.HasPrefix(tag, "!ruby/"), strings.HasPrefix(tag, "!php/"):
		j.report(pythonTag, n, "tag %s", quote(tag))
	default:
		j.report(otherTag, n, "tag %s", quote(tag))
	}
}

// target judges a name that a library imports and calls.
func (j *judge) target(key, name string, off int64) {
	place := &yaml.Node{Line: j.line(off)}
	place.Column = int(off-j.lines[max(0, place.Line-1)]) + 1
	switch pyname.Judge(name) {
	case pyname.Harmful:
		j.report(object, place, "%s %s", key, quote(name))
	case pyname.Unknown:
		if !strings.Contains(name, "${") {
			j.report(unknown, place, "%s %s", key, quote(name))
			return
		}
		j.report(unknown, place, "%s %s, which is put together when it is read", key, quote(name))
	case pyname.Known:
	}
}
