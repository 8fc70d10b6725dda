package trees

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

func scanAs(name string, b []byte) validate.Report {
	return validatetest.Kept(name, b, validate.ScanReader(context.Background(), []*validate.Scanner{Scanner()}, name, bytes.NewReader(b), int64(len(b)), validatetest.Policy().Scan))
}

func clean(rep validate.Report) bool { return rep.Files[0].Cleared && len(rep.Findings) == 0 }

func length(n int) string  { return "L" + string(binary.BigEndian.AppendUint64(nil, uint64(n))) }
func key(s string) string  { return length(len(s)) + s }
func text(s string) string { return "S" + key(s) }

// model has what XGBoost writes: typed arrays, objects, strings, numbers.
func model() string {
	return "{" + key("learner") + "{" + key("attributes") + "{}" + key("feature_names") + "[" + text("é") + "]" + key("trees") + "[{" + key("base_weights") + "[$d#" + length(2) + "\x00\x01\x02\x03\x00\x01\x02\x03" +
		key("left_children") + "[$l#" + length(1) + "\xff\xff\xff\xff" + key("empty") + "[$L#" + length(0) + "}]" + "}" + key("version") + "[#i\x03i\x01i\x07i\x06" + key("flags") + "[TFZ]}"
}

func TestModelsAreCleared(t *testing.T) {
	for _, name := range []string{"model.ubj", "model.bin"} {
		if rep := scanAs(name, []byte(model())); !clean(rep) {
			t.Error(validatetest.Show(rep))
		}
	}
	for n := 1; n < len(model()); n++ {
		if clean(scanAs("model.ubj", []byte(model()[:len(model())-n]))) {
			t.Fatalf("without %d bytes it is cleared", n)
		}
	}
	for _, text := range []string{"{L\x00\x00\x00\x00\x00\x00{\"a\":{}}", `{"learner":{}}`, "tree\nversion=v4\n", "binfmt_misc is", "CBM1 is a magic number"} {
		if rep := scanAs("model.txt", []byte(text)); len(rep.Files[0].Scanners) != 0 {
			t.Error("text is claimed")
		}
	}
}

func TestBrokenModelsAreNotCleared(t *testing.T) {
	for name, tt := range map[string]struct{ rule, text string }{
		"a byte behind the model":          {"validate/unexplained", model() + "x"},
		"a repeated key":                   {"trees/repeated-key", "{" + key("a") + "T" + key("a") + "F}"},
		"an unknown type":                  {"validate/unparsable", "{" + key("a") + "?}"},
		"an array longer than the file":    {"validate/unparsable", "{" + key("a") + "[$d#" + length(1<<40) + "}"},
		"an array whose size overflows":    {"validate/unparsable", "{" + key("a") + "[$D#" + length(1<<61) + "}"},
		"an endless array of nothing":      {"validate/unparsable", "{" + key("a") + "[$Z#" + length(1<<60) + "}"},
		"a negative length":                {"validate/unparsable", "{" + key("a") + "Si\xff}"},
		"a key longer than the file":       {"validate/unparsable", "{" + length(60000) + "a"},
		"a type without a count":           {"validate/unparsable", "{" + key("a") + "[$d]}"},
		"a length that is a fraction":      {"validate/unparsable", "{" + key("a") + "Sd\x00\x00\x00\x00}"},
		"text that is not UTF-8":           {"validate/unparsable", "{" + key("a") + text("\xff") + "}"},
		"deep nesting":                     {"validate/unparsable", "{" + key("a") + strings.Repeat("[", 100_000)},
		"CatBoost, which is not read":      {"trees/unread", "CBM1\x00\x00\x00\x00"},
		"XGBoost's old format, also":       {"trees/unread", "binf\x00\x00\x00\x3f\x00\x00"},
		"a name that promises UBJSON only": {"validate/unparsable", "\x80\x02N."},
	} {
		rep := scanAs("m.ubj", []byte(tt.text))
		if !slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Rule == tt.rule }) {
			t.Errorf("%s: want %s\n%s", name, tt.rule, validatetest.Show(rep))
		}
	}
}

func FuzzUBJ(f *testing.F) {
	f.Add([]byte(model()))
	f.Add([]byte("{" + key("a") + "{$T#i\x01" + key("b") + "}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		rep, again := scanAs("m.ubj", b), scanAs("m.ubj", b)
		if !reflect.DeepEqual(rep.Findings, again.Findings) || !reflect.DeepEqual(rep.Files, again.Files) {
			t.Fatal("two scans differ")
		}
		for _, finding := range rep.Findings {
			if finding.Offset < 0 || finding.Offset > int64(len(b)) || finding.Rule == "validate/unparsable" && rep.Files[0].Cleared {
				t.Fatal(validatetest.Show(rep))
			}
		}
		if clean(rep) && clean(scanAs("m.ubj", b[:len(b)-1])) {
			t.Fatal("cut, it is cleared too")
		}
	})
}

func BenchmarkUBJ(b *testing.B) {
	var s strings.Builder
	s.WriteString("{" + key("trees") + "[")
	for i := range 10_000 {
		s.WriteString("{" + key(fmt.Sprint("k", i)) + "[$d#" + length(64) + strings.Repeat("\x00", 256) + "}")
	}
	s.WriteString("]}")
	data := []byte(s.String())
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if rep := scanAs("m.ubj", data); !clean(rep) {
			b.Fatal(validatetest.Show(rep))
		}
	}
}
