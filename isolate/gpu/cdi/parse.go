package cdi

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
	"tags.cncf.io/container-device-interface/pkg/parser"
	specs "tags.cncf.io/container-device-interface/specs-go"
)

// Bounds of a spec. nvidia-ctk's for eight GPUs is about 20 KiB, for each way of naming them; MIG makes it seven times
// as many devices.
const (
	fileMax    = 1 << 20
	depthMax   = 12 // spec, devices, device, edits, hooks, hook, args, text: 8
	devicesMax = 1024
	nameMax    = 128 // a UUID and a kind have 40 and 20
	keysMax    = 256 // of one mapping: annotations; the decoder compares each key with every other
)

// Parse reads a spec strictly. YAML is read as the library of CDI reads it, JSON too, and then held to less than YAML
// allows: with aliases, tags and second documents, what a reviewer reads is not what is loaded.
func Parse(data []byte) (specs.Spec, error) {
	var spec specs.Spec
	if err := plain(data); err != nil {
		return spec, err
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(&spec); err != nil {
		return specs.Spec{}, errors.New(shown(strings.TrimPrefix(err.Error(), "yaml: ")))
	}
	if err := valid(spec); err != nil {
		return specs.Spec{}, err
	}
	return spec, nil
}

// plain refuses what is not one plain document.
func plain(data []byte) error {
	switch {
	case len(data) > fileMax:
		return fmt.Errorf("is larger than %d bytes", fileMax)
	case !utf8.Valid(data):
		return errors.New("is not UTF-8 text")
	case directive(string(data)):
		return errors.New("has a YAML directive (a line that begins with %)")
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return errors.New("is empty")
		}
		return errors.New(shown(strings.TrimPrefix(err.Error(), "yaml: ")))
	}
	if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
		return errors.New("has more than one document")
	}
	return plainNode(&doc, 0)
}

// directive looks for lines that begin with %, after each of the line breaks of YAML 1.1. The parser takes time quadratic
// in their number: a megabyte of %TAG lines costs it 20 s.
func directive(text string) bool {
	start := true
	for _, r := range text {
		switch {
		case r == '%' && start:
			return true
		case strings.ContainsRune("\r\n\u0085\u2028\u2029", r):
			start = true
		case r != '\ufeff':
			start = false
		}
	}
	return false
}

func plainNode(n *yaml.Node, depth int) error {
	switch {
	case depth > depthMax:
		return fmt.Errorf("line %d: is nested deeper than %d", n.Line, depthMax)
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		return fmt.Errorf("line %d: has an alias or an anchor", n.Line)
	case n.Style&yaml.TaggedStyle != 0:
		return fmt.Errorf("line %d: has a tag", n.Line)
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!merge":
		return fmt.Errorf("line %d: has a merge key", n.Line)
	case n.Kind == yaml.MappingNode && len(n.Content)/2 > keysMax:
		return fmt.Errorf("line %d: has a mapping of more than %d keys", n.Line, keysMax)
	}
	for _, c := range n.Content {
		if err := plainNode(c, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// valid checks what a spec says of itself; what it offers is judged when a name is resolved. Empty list items come first:
// the library does not expect them.
func valid(spec specs.Spec) error {
	all := []specs.ContainerEdits{spec.ContainerEdits}
	for _, d := range spec.Devices {
		all = append(all, d.ContainerEdits)
	}
	for _, e := range all {
		if slices.Contains(e.DeviceNodes, nil) || slices.Contains(e.Mounts, nil) || slices.Contains(e.Hooks, nil) || slices.Contains(e.NetDevices, nil) {
			return errors.New("has an empty item in a list")
		}
	}
	if len(spec.Version) > nameMax || len(spec.Kind) > nameMax {
		return fmt.Errorf("has a cdiVersion or kind of more than %d bytes", nameMax)
	}
	if err := specs.ValidateVersion(&spec); err != nil {
		return fmt.Errorf("cdiVersion %s: %w; known up to %s", shown(spec.Version), err, specs.CurrentVersion)
	}
	vendor, class := parser.ParseQualifier(spec.Kind)
	if parser.ValidateVendorName(vendor) != nil || parser.ValidateClassName(class) != nil {
		return fmt.Errorf("kind %s is not vendor/class", shown(spec.Kind))
	}
	if n := len(spec.Devices); n == 0 || n > devicesMax {
		return fmt.Errorf("has %d devices; 1 to %d are allowed", n, devicesMax)
	}
	seen := map[string]bool{}
	for _, d := range spec.Devices {
		if parser.ValidateDeviceName(d.Name) != nil || len(d.Name) > nameMax {
			return fmt.Errorf("%s is not a name of a device", shown(d.Name))
		}
		if seen[d.Name] {
			return fmt.Errorf("device %s is there twice", d.Name)
		}
		seen[d.Name] = true
	}
	return nil
}
