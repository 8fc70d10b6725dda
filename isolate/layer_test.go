package isolate

import (
	"slices"
	"testing"

	"github.com/loadlock/loadlock/policy"
)

// optional_layers in a policy names layers of this package; the two lists must not drift.
func TestThePolicyKnowsExactlyTheseLayers(t *testing.T) {
	var names []string
	for _, l := range Layers() {
		if l.Doc == "" || l.Probe == nil || l.Configure == nil || l.Observe == nil {
			t.Errorf("layer %s is incomplete", l.Name)
		}
		names = append(names, l.Name)
	}
	want := slices.Clone(policy.LayerNames())
	slices.Sort(names)
	slices.Sort(want)
	if !slices.Equal(names, want) {
		t.Errorf("layers %v, policy %v", names, want)
	}
}
