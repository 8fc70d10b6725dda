package pysource

import "testing"

// A program that is not part of a model has no files beside it that FindModels knows of.
func TestModelsAreFoundBesideImportsOfUnknownModules(t *testing.T) {
	got := FindModels([]byte("import helpers, nothing.at_all\nfrom mine import *\nimport torch\nx = torch.load('m.pt')\n"))
	if len(got) != 1 || got[0].Name != "m.pt" || got[0].Line != 4 {
		t.Errorf("%v", got)
	}
}
