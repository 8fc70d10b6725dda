package coreml

import (
	"bytes"
	"path"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/jsonwalk"
	"github.com/loadlock/loadlock/validate/modelpath"
)

// manifest is the list of what an .mlpackage holds (ModelPackage.cpp of coremltools).
const manifest = "Manifest.json"

func isManifest(h validate.Head) bool {
	return path.Base(h.Name) == manifest && bytes.Contains(h.Start, []byte("rootModelIdentifier"))
}

// scanManifest judges the paths of the items. The JSON itself is also judged by the scanner of configurations.
func scanManifest(p *validate.Pass) error {
	err := jsonwalk.Walk(p, 0, p.Size, jsonwalk.Visitor{Scalar: func(stack []jsonwalk.Frame, k jsonwalk.Kind, value []byte, off int64) {
		if len(stack) == 0 || k != jsonwalk.Text || string(stack[len(stack)-1].Key) != "path" {
			return
		}
		if why := modelpath.Outside(string(value)); why != "" {
			p.Report(filePath, off, "item %s %s", validate.Quote(value, 120), why)
		}
	}})
	if err == nil {
		p.Clear(0, p.Size, "manifest of a Core ML package")
	}
	return err
}
