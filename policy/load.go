package policy

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Sources are the places a policy is read from. The zero value is the normal case.
type Sources struct {
	Host     string // file of the host's administrator; empty: /etc/loadlock/policy.yaml. May be absent
	User     string // file of the user; empty: $XDG_CONFIG_HOME/loadlock/policy.yaml. May be absent
	Explicit string // template or file that the command line names; empty: none. Must exist
}

// DefaultSources are the usual places, resolved for this process, with what the command line names.
func DefaultSources(explicit string) Sources {
	return Sources{Host: hostFile, User: userFile(os.Getenv), Explicit: explicit}
}

const (
	layerHost = "host"
	layerUser = "user"
	layerFile = "file"
	layerFlag = "flag"
)

const hostFile = "/etc/loadlock/policy.yaml"

// Load reads the layers and returns the policy that holds. The least trusted layer that is there says what is
// asked for (without any: the template safe); every more trusted one is a ceiling. An error means that there is
// no policy: the first result is then the zero value, which permits nothing.
func Load(s Sources) (Policy, Provenance, error) {
	layers, err := s.layers()
	if err != nil {
		return Policy{}, Provenance{}, err
	}
	asked := layers[len(layers)-1]
	p, prov := asked.policy, provenanceOf(asked)
	for i := len(layers) - 2; i >= 0; i-- { // user before host: the report then names the nearer ceiling first
		if p, err = prov.clip(p, layers[i]); err != nil {
			return Policy{}, Provenance{}, err
		}
	}
	for _, l := range layers {
		prov.Layers = append(prov.Layers, Layer{Name: l.doc.layer, File: l.doc.file, Policy: l.policy.Name, Digest: l.doc.digest})
	}
	return p, prov, nil
}

// layers reads what is there, the most trusted first, at least one.
func (s Sources) layers() (layers []written, err error) {
	host, user := s.Host, s.User
	if host == "" {
		host = hostFile
	}
	if user == "" {
		user = userFile(os.Getenv)
	}
	// Another user who can write these files could loosen what they say. A group of one's own (umask 002) may
	// write the user's file.
	for _, f := range []struct {
		layer, name string
		forbidden   fs.FileMode
	}{{layerHost, host, 0o022}, {layerUser, user, 0o002}} {
		if f.name == "" {
			continue
		}
		doc, err := readFile(f.layer, f.name, f.forbidden)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		w, err := decode(doc)
		if err != nil {
			return nil, err
		}
		layers = append(layers, w)
	}
	if s.Explicit == "" && len(layers) > 0 {
		return layers, nil
	}
	w, err := explicit(s.Explicit)
	if err != nil {
		return nil, err
	}
	return append(layers, w), nil
}

// explicit reads what the command line names. A template never hides behind a file of the same name in the
// working directory, and a file never behind a template.
func explicit(name string) (written, error) {
	switch {
	case name == "":
		return template(templateNames[0])
	case strings.Contains(name, "/") || strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml"):
		doc, err := readFile(layerFile, name, 0)
		if err != nil {
			return written{}, err
		}
		return decode(doc)
	}
	for _, t := range templateNames {
		if t == name {
			return template(t)
		}
	}
	return written{}, unknownTemplate(name)
}

// userFile is $XDG_CONFIG_HOME/loadlock/policy.yaml, or "" when there is no absolute path for it: the XDG base
// directory specification tells to ignore relative ones, and they would lead into the working directory.
func userFile(getenv func(string) string) string {
	dir := getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(dir) {
		home := getenv("HOME")
		if !filepath.IsAbs(home) {
			return ""
		}
		dir = filepath.Join(home, ".config")
	}
	return filepath.Join(dir, "loadlock", "policy.yaml")
}
