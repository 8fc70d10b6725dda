package keras

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

// FuzzKeras checks what must hold for any bytes: no panic, the same report twice, places inside the file, and that no
// document is cleared in which another reader of JSON finds a name that is not on the list.
func FuzzKeras(f *testing.F) {
	for _, h := range hostile {
		f.Add([]byte(h.json))
	}
	for _, doc := range benign {
		f.Add([]byte(doc))
	}
	f.Add(saved(benign["Keras 2 saved"], lambda2()))
	f.Add(saved())
	l := limits()
	l.MaxExpandedMB, l.MaxHeaderSizeMB, l.MaxEntries = 4, 1, 1000
	f.Fuzz(func(t *testing.T, b []byte) {
		rep := scanAs("attrs/model_config", b, l)
		if again := scanAs("attrs/model_config", b, l); !reflect.DeepEqual(rep.Findings, again.Findings) || !reflect.DeepEqual(rep.Files, again.Files) {
			t.Fatalf("two scans differ\n%s%s", validatetest.Show(rep), validatetest.Show(again))
		}
		for _, finding := range rep.Findings {
			if finding.Offset < 0 || finding.Offset > int64(len(b)) {
				t.Fatalf("place outside the file\n%s", validatetest.Show(rep))
			}
			if finding.Rule == validate.Unparsable.ID && rep.Files[0].Cleared {
				t.Fatalf("cleared in spite of an error\n%s", validatetest.Show(rep))
			}
		}
		var doc any
		if json.Unmarshal(b, &doc) == nil && clean(rep) && slices.Contains(rep.Files[0].Scanners, "keras") {
			classes, _ := loadClasses()
			walk(t, doc, classes)
		}
	})
}

// walk looks for entries in the tree that encoding/json makes.
func walk(t *testing.T, v any, classes map[string]string) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			walk(t, x, classes)
		}
	case map[string]any:
		_, configured := v["config"]
		if name, ok := v["class_name"].(string); ok && configured {
			if name == "Lambda" || name == "__lambda__" || name == "TFSMLayer" {
				t.Fatalf("cleared with %s", name)
			}
			if module, ok := v["module"].(string); ok && module != "" && originOf(module) == foreign && name != "__typespec__" && name != "TypeSpec" && !strings.HasPrefix(name, "TFOp") && name != "SlicingOpLambda" {
				t.Fatalf("cleared with the module %s", module)
			}
		}
		for _, x := range v {
			walk(t, x, classes)
		}
	}
}

func BenchmarkKeras(b *testing.B) {
	var doc strings.Builder
	doc.WriteString(`{"class_name":"Sequential","config":{"layers":[{"class_name":"InputLayer","config":{}}`)
	for i := range 2000 {
		fmt.Fprintf(&doc, `,{"module":"keras.layers","class_name":"Dense","config":{"name":"dense_%d","kernel_initializer":{"module":"keras.initializers","class_name":"GlorotUniform","config":{"seed":null},"registered_name":null}},"registered_name":null}`, i)
	}
	doc.WriteString(`]}}`)
	data := []byte(doc.String())
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if rep := scanAs("config.json", data, limits()); !clean(rep) {
			b.Fatal(validatetest.Show(rep))
		}
	}
}
