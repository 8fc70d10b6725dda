package policy

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

// nowhere is Sources without a host or user file.
func nowhere(t testing.TB, explicit string) Sources {
	return Sources{Host: filepath.Join(t.TempDir(), "absent"), User: filepath.Join(t.TempDir(), "absent"), Explicit: explicit}
}

func load(t testing.TB, s Sources) (Policy, Provenance) {
	t.Helper()
	p, prov, err := Load(s)
	if err != nil {
		t.Fatal(err)
	}
	return p, prov
}

func effective(t testing.TB, p Policy, prov Provenance) string {
	t.Helper()
	var b bytes.Buffer
	if err := Effective(&b, p, prov); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// sameWhenPrinted checks that the effective policy, read again, is the same policy.
func sameWhenPrinted(t testing.TB, p Policy) {
	t.Helper()
	text := effective(t, p, Provenance{})
	again, err := decode(document{layer: builtin + "safe", file: "printed", data: []byte(text)}) // may carry a template's name
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if again.policy.Digest() != p.Digest() {
		t.Fatalf("printed and read again it is another policy:\n%s\n%s", encode(again.policy.tree()), encode(p.tree()))
	}
}

func TestTemplatesMeanWhatTheGoldenFilesSay(t *testing.T) {
	for _, name := range templateNames {
		t.Run(name, func(t *testing.T) {
			p, prov := load(t, nowhere(t, name))
			got := effective(t, p, prov)
			if w := p.Weakenings(); len(w) > 0 {
				got += "# weaker than safe:\n#   " + strings.Join(w, "\n#   ") + "\n"
			}
			golden := filepath.Join("testdata", "templates", name+".golden")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("effective policy differs from %s (go test -update writes it):\n%s", golden, got)
			}
			sameWhenPrinted(t, p)
		})
	}
}

func TestEveryKeyOfATemplateHasAComment(t *testing.T) {
	list, err := Templates()
	if err != nil || len(list) != len(templateNames) {
		t.Fatalf("%d templates, %v", len(list), err)
	}
	for _, info := range list {
		if info.Description == "" {
			t.Errorf("template %s has no description", info.Name)
		}
		for line := range strings.Lines(info.YAML) {
			key, _, _ := strings.Cut(strings.TrimSpace(line), ":")
			switch key {
			case "version", "name", "description", "extends", "scan", "gpu", "":
				continue
			}
			if !strings.Contains(line, "# ") {
				t.Errorf("template %s: no comment in %q", info.Name, line)
			}
		}
	}
}

func TestTheDefaultTemplateSetsEveryKey(t *testing.T) {
	w, err := template("safe")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		if _, ok := w.origins[k.name]; !ok && k.name != "extends" {
			t.Errorf("safe does not set %s, so that it would be whatever the zero value means", k.name)
		}
	}
}

// leaves calls visit with every field of a policy that is not a struct, after changing it.
func leaves(t *testing.T, v reflect.Value, name string, visit func(name string)) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			leaves(t, v.Field(i), name+"."+v.Type().Field(i).Name, visit)
		}
		return
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Int, reflect.Int64:
		v.SetInt(v.Int() + 1)
	case reflect.Float64:
		v.SetFloat(v.Float() + 1)
	case reflect.String:
		v.SetString("changed")
	case reflect.Slice:
		v.Set(reflect.Append(v, reflect.New(v.Type().Elem()).Elem()))
	default:
		t.Fatalf("%s has a kind that this test does not know: %s", name, v.Kind())
	}
	visit(name)
}

func TestEveryFieldOfAPolicyIsInTheDigest(t *testing.T) {
	var p Policy
	before := p.Digest()
	leaves(t, reflect.ValueOf(&p).Elem(), "Policy", func(name string) {
		after := p.Digest()
		if after == before {
			t.Errorf("%s is in no row of the table of keys", name)
		}
		before = after
	})
}

func TestTheDigestDependsOnMeaningOnly(t *testing.T) {
	a, err := read("name: x\nblocked_domains: [a.example, b.example]\ncpus: 2\n")
	if err != nil {
		t.Fatal(err)
	}
	b, err := read("# comment\ncpus: 2.0\nblocked_domains:\n  - b.example\n  - a.example\nname: \"x\"\n")
	if err != nil {
		t.Fatal(err)
	}
	if a.policy.Digest() != b.policy.Digest() {
		t.Error("two spellings of the same policy have two digests")
	}
	c, err := read("name: x\nblocked_domains: [a.example, b.example]\ncpus: 2.5\n")
	if err != nil {
		t.Fatal(err)
	}
	if a.policy.Digest() == c.policy.Digest() {
		t.Error("two policies have the same digest")
	}
}

func TestPathsInCommentsCannotForgeLines(t *testing.T) {
	p, _ := load(t, nowhere(t, "safe"))
	got := effective(t, p, Provenance{
		Layers: []Layer{{Name: "file", File: "x\nnetwork: host"}},
		Keys:   []Origin{{Key: "cpus", Layer: "file", File: "x\nnetwork: host", Line: 1}}})
	if strings.Contains(got, "\nnetwork: host") {
		t.Errorf("a file name became a line:\n%s", got)
	}
}

func TestAPolicyIsJSONWithTheNamesOfItsFile(t *testing.T) {
	p, _ := load(t, nowhere(t, "safe"))
	data, err := p.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"timeout_seconds":3600`, `"scan":{"max_copied_mb":102400,"max_depth":32`, `"remote_code":"withhold"`} {
		if !strings.Contains(string(data), want) {
			t.Errorf("%s is not in %s", want, data)
		}
	}
}
