package policy

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"strings"
)

//go:embed templates/*.yaml
var templateFiles embed.FS

// templateNames are the built-in policies, the default first, then from tight to loose.
var templateNames = []string{"safe", "strict", "ci", "inference", "development", "trust"}

const builtin = "builtin:"

func (d document) builtin() bool { return strings.HasPrefix(d.layer, builtin) }

// TemplateInfo describes a built-in policy.
type TemplateInfo struct {
	Name        string
	Description string
	YAML        string // the text, with a comment per key
}

// Templates returns the built-in policies, the default first.
func Templates() ([]TemplateInfo, error) {
	var infos []TemplateInfo
	for _, name := range templateNames {
		w, err := template(name)
		if err != nil {
			return nil, err
		}
		infos = append(infos, TemplateInfo{Name: name, Description: w.policy.Description, YAML: string(w.doc.data)})
	}
	return infos, nil
}

// Template is the built-in policy of that name, without any ceiling.
func Template(name string) (Policy, error) {
	w, err := template(name)
	return w.policy, err
}

// template reads a built-in policy. An error would be a fault of this build; a test reads them all.
func template(name string) (written, error) {
	data, err := templateFiles.ReadFile("templates/" + name + ".yaml")
	if err != nil {
		return written{}, fmt.Errorf("template %s: %w", name, err)
	}
	sum := sha256.Sum256(data)
	return decode(document{layer: builtin + name, file: builtin + name, digest: "sha256:" + hex.EncodeToString(sum[:]), data: data})
}

// unknownTemplate is the error about a name that is neither a template nor looks like a file.
func unknownTemplate(name string) error {
	return &Error{What: fmt.Sprintf("no template is named %q%s", shown(name), suggestion(name, templateNames)),
		Hint: "templates are " + strings.Join(templateNames, ", ") + "; a file is given with a slash or with .yaml, for example ./" + shown(name)}
}
