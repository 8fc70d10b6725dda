package yamlconf

import (
	"bytes"
	"errors"
	"io"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/lazyre"
)

// calling is a tag, or a key that calls, where a line can have it.
var calling = lazyre.New(`(?m)(^|[\s\[{,:?-])(!!python/|!<tag:yaml\.org,2002:python/|!(new|name|apply):\w)|^[ \t-]*["']?(_target_|class_path|_component_)["']?[ \t]*:[ \t]|^%(YAML|TAG) `)

// loose are names of text that is seldom YAML: only what parses as a whole is claimed.
var loose = []string{".txt", ".cfg", ".ini", ".toml", ".log"}

// maxContent bounds what is read of a file whose name does not say YAML.
const maxContent = 256 << 10

// isContent recognises YAML that calls under any name.
func isContent(h validate.Head, ext string) bool {
	text := h.Start
	if int64(len(text)) < h.Size {
		text = make([]byte, min(h.Size, maxContent))
		if n, err := h.ReadAt(text, 0); err != nil && !errors.Is(err, io.EOF) || n < len(text) {
			return false
		}
	}
	if !calling.Match(text) {
		return false
	}
	return !slices.Contains(loose, ext) || int64(len(text)) == h.Size && parses(text)
}

// parses reports whether a text is a mapping or a list as a whole.
func parses(text []byte) bool {
	if marks(text) > maxMarks || bytes.Count(text, []byte("*")) > maxAliases {
		return false
	}
	var doc yaml.Node
	err := yaml.NewDecoder(bytes.NewReader(text)).Decode(&doc)
	return err == nil && len(doc.Content) == 1 && doc.Content[0].Kind != yaml.ScalarNode
}
