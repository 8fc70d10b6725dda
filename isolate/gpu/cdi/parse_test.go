package cdi

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"tags.cncf.io/container-device-interface/pkg/cdi"
)

// Each text, whether we read it, and whether the library of CDI does: where it is more generous, that is on purpose.
func TestParse(t *testing.T) {
	const head = "cdiVersion: 0.6.0\nkind: nvidia.com/gpu\n"
	const device = "devices: [{name: '0', containerEdits: {deviceNodes: [{path: /dev/nvidia0}]}}]\n"
	fill := func(unit string) string { return strings.Repeat(unit, (fileMax-len(head)-len(device))/len(unit)) }
	for _, tt := range []struct {
		name, text string
		refused    string // a part of the reason; empty: read
		library    bool   // the library reads it
	}{
		{"a spec", head + device, "", true},
		{"JSON", `{"cdiVersion":"0.6.0","kind":"amd.com/gpu","devices":[{"name":"0","containerEdits":{"deviceNodes":[{"path":"/dev/kfd"}]}}]}`, "", true},
		{"JSON with tabs", "{\n\t\"cdiVersion\": \"0.6.0\",\n\t\"kind\": \"amd.com/gpu\",\n\t\"devices\": [\n\t\t{\"name\": \"0\", \"containerEdits\": {\"env\": [\"A=b\"]}}\n\t]\n}\n", "", true},
		{"a start of document", "---\n" + head + device, "", true},
		{"comments and annotations", "# written by hand\n" + head + "annotations: {by: hand}\n" + device, "", true},
		{"a percent sign in a value", head + "annotations: {load: '100%'}\n" + device, "", true},
		{"a hexadecimal number", head + "devices: [{name: '0', containerEdits: {deviceNodes: [{path: /dev/nvidia0, major: 0xc3}]}}]\n", "", true},

		{"nothing", "", "is empty", false},
		{"a comment only", "# nothing\n", "is empty", false},
		{"null", "null\n", "cdiVersion", true}, // its ReadSpec then refuses what its parser returned
		{"an unknown field", head + device + "mounts: []\n", "field mounts not found", false},
		{"an unknown field of a device", head + "devices: [{name: '0', devicenodes: []}]\n", "field devicenodes not found", false},
		{"a wrong case", strings.Replace(head, "kind", "Kind", 1) + device, "field Kind not found", false},
		{"a wrong type", head + "devices: 7\n", "cannot unmarshal", false},
		{"a number too large", head + "devices: [{name: '0', containerEdits: {additionalGids: [4294967296]}}]\n", "cannot unmarshal", false},
		{"a repeated key", head + "kind: amd.com/gpu\n" + device, "already defined", false},
		{"a repeated key in JSON", `{"cdiVersion":"0.6.0","kind":"a.b/c","kind":"amd.com/gpu","devices":[{"name":"0"}]}`, "already defined", false},
		{"a repeated device", head + "devices: [{name: a, containerEdits: {env: [A=b]}}, {name: a, containerEdits: {env: [A=c]}}]\n", "device a is there twice", true},
		{"two documents", head + device + "---\n" + head + device, "more than one document", true},
		{"rubbish after the document", head + device + "...\n}}}\n", "more than one document", true},
		{"an alias", head + "annotations: {a: &x one, b: *x}\n" + device, "alias or an anchor", true},
		{"an alias for a device", head + "devices:\n- &d {name: a, containerEdits: {env: [A=b]}}\n- *d\n", "alias or an anchor", true},
		{"a merge key", head + "devices: [{name: a, containerEdits: {<<: {env: [LD_PRELOAD=/x]}}}]\n", "merge key", true},
		{"a tag", head + "annotations: !!map {a: b}\n" + device, "has a tag", true},
		{"binary text", head + "annotations: {a: !!binary L2V0Yw==}\n" + device, "has a tag", true},
		{"a directive", "%YAML 1.1\n---\n" + head + device, "directive", true},
		{"not UTF-8", head + "annotations: {a: '\xff'}\n" + device, "UTF-8", false},
		{"UTF-16", "\xff\xfec\x00", "UTF-8", false},
		{"a bomb", "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n", "alias or an anchor", false},
		{"deep nesting", head + "annotations: {a: " + strings.Repeat("[", 60) + strings.Repeat("]", 60) + "}\n" + device, "nested deeper", false},
		{"a megabyte of one key", fill("a:\n"), "more than 256 keys", false},
		{"a megabyte of directives", fill("%TAG ! a\n"), "directive", false},
		{"a megabyte of brackets", fill("["), "exceeded max depth", false},
		{"more than a megabyte", head + device + strings.Repeat("#\n", fileMax/2), "larger than", true},
		{"a version to come", strings.Replace(head, "0.6.0", "9.0.0", 1) + device, "cdiVersion 9.0.0", true},
		{"no version", "kind: nvidia.com/gpu\n" + device, "cdiVersion", true},
		{"a version too old for its fields", strings.Replace(head, "0.6.0", "0.3.0", 1) + "devices: [{name: '0', containerEdits: {deviceNodes: [{path: /dev/a, hostPath: /dev/b}]}}]\n", "at least v0.5.0", true},
		{"no kind", "cdiVersion: 0.6.0\n" + device, "kind", true},
		{"a kind without a class", strings.Replace(head, "/gpu", "", 1) + device, "is not vendor/class", true},
		{"a kind that is a path", strings.Replace(head, "nvidia.com/gpu", "../gpu", 1) + device, "is not vendor/class", true},
		{"no devices", head, "has 0 devices", true},
		{"too many devices", head + "devices:\n" + strings.Repeat("- name: a\n", devicesMax+1), "has 1025 devices", true},
		{"a device's name with a slash", head + "devices: [{name: ../0}]\n", "is not a name", true},
		{"a device's name of a kilobyte", head + "devices: [{name: " + strings.Repeat("x", 1024) + "}]\n", "is not a name", true},
		{"a version of a kilobyte", "cdiVersion: " + strings.Repeat("0", 1024) + "\nkind: a.b/c\n" + device, "more than 128 bytes", true},
		{"a device's name that a terminal would obey", head + `devices: [{name: "0\e[2J"}]` + "\n", `"0\x1b[2J" is not a name`, true},
		{"an empty node", head + "devices: [{name: '0', containerEdits: {deviceNodes: [null]}}]\n", "empty item", true},
		{"an empty mount", head + "devices: [{name: '0', containerEdits: {mounts: [~]}}]\n", "empty item", true},
		{"an empty hook", head + device + "containerEdits: {hooks: [null]}\n", "empty item", true},
		{"an empty network device", head + device + "containerEdits: {netDevices: [null]}\n", "empty item", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse([]byte(tt.text))
			if (err != nil) != (tt.refused != "") || err != nil && !strings.Contains(err.Error(), tt.refused) {
				t.Errorf("%v, want %q", err, tt.refused)
			}
			if err != nil && shown(err.Error()) != err.Error() && strings.ContainsAny(err.Error(), "\x1b\n\x00") {
				t.Errorf("the message %q would be obeyed by a terminal", err)
			}
			if strings.HasPrefix(tt.name, "a megabyte") {
				return // the library takes its time with these
			}
			if _, err := cdi.ParseSpec([]byte(tt.text)); (err == nil) != tt.library {
				t.Errorf("the library: %v", err)
			}
		})
	}
}

// What we read, the library reads as the same.
func FuzzParse(f *testing.F) {
	for _, text := range append(specTexts(f), "a: *b", "{\"kind\":\"\\ud800\"}", "cdiVersion: 0.6.0\nkind: a.b/c\ndevices: [{name: 0}]\n") {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		spec, err := Parse(data)
		if err != nil {
			if !reflect.ValueOf(spec).IsZero() {
				t.Errorf("an error, and a spec: %v", spec)
			}
			return
		}
		theirs, err := cdi.ParseSpec(data)
		if err != nil || theirs == nil {
			t.Fatalf("the library does not read what we do: %v", err)
		}
		if diff := cmp.Diff(*theirs, spec); diff != "" {
			t.Errorf("the library reads something else (-library +ours):\n%s", diff)
		}
	})
}
