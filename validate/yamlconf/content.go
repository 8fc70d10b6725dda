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
	if h.Size > maxContent && !slices.Contains(loose, ext) {
		return containsFar(h)
	}
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

// signs are what large files are searched for: bytes that YAML which calls can hardly be without.
var signs = [][]byte{[]byte("!!python/"), []byte("2002:python/"), []byte("_target_: ")}

// maxSearched bounds what is read of a large text.
const maxSearched = 64 << 20

// containsFar looks for signs in pieces.
func containsFar(h validate.Head) bool {
	const lap = 16
	buf := make([]byte, 64<<10)
	for at := int64(0); at < min(h.Size, maxSearched); at += int64(len(buf)) - lap {
		n, err := h.ReadAt(buf, at)
		for _, s := range signs {
			if bytes.Contains(buf[:n], s) {
				return true
			}
		}
		if bytes.IndexByte(buf[:n], 0) >= 0 || err != nil && !errors.Is(err, io.EOF) || n < len(buf) {
			return false
		}
	}
	return false
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
