package policy

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// read decodes a text as the file p.yaml.
func read(text string) (written, error) {
	return decode(document{layer: layerFile, file: "p.yaml", data: []byte(text)})
}

const someDigest = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// anchorBomb is a text that grows to 9⁹ words where aliases are expanded.
func anchorBomb() string {
	text := "description: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n"
	for i := range 9 {
		alias := fmt.Sprintf("*a%d, ", i)
		text += fmt.Sprintf("k%d: &a%d [%s]\n", i, i+1, strings.TrimSuffix(strings.Repeat(alias, 9), ", "))
	}
	return text
}

// Each text must be refused with an error that begins with want and whose place is file:line:column.
var refusals = []struct{ name, text, want string }{
	{"an unknown key names the nearest", "timeout_seconds: 60\nmemry_limit_mb: 5\n", "p.yaml:2:1: memry_limit_mb: unknown key; the nearest is memory_limit_mb"},
	{"an unknown key inside scan names the nearest", "scan:\n  max_fils: 5\n", "p.yaml:2:3: scan.max_fils: unknown key; the nearest is scan.max_files"},
	{"a scan key at the top is led to scan", "max_depth: 5\n", "p.yaml:1:1: max_depth: unknown key; the nearest is scan.max_depth"},
	{"a key unlike every other gets no suggestion", "qqqqqqqqqqqqqqqqqqqq: 5\n", "p.yaml:1:1: qqqqqqqqqqqqqqqqqqqq: unknown key"},
	{"a key of another case is unknown", "Name: x\n", "p.yaml:1:1: Name: unknown key; the nearest is name"},
	{"a key with terminal escapes is quoted", "\"\\e[31mname\": x\n", `p.yaml:1:1: "\x1b[31mname": unknown key`},
	{"a key without end is cut", "? " + strings.Repeat("k", 100_000) + "\n: 1\n", "p.yaml:1:3: " + strings.Repeat("k", shownMax) + "…: unknown key"},
	{"a repeated key names the first line", "cpus: 1\nname: x\ncpus: 2\n", "p.yaml:3:1: cpus: is repeated; it was set on line 1"},
	{"an unknown key inside gpu names the nearest", "gpu:\n  mod: none\n", "p.yaml:2:3: gpu.mod: unknown key; the nearest is gpu.mode"},
	{"a word for the whole of gpu", "gpu: required\n", "p.yaml:1:6: gpu: wants a mapping with mode, devices"},
	{"a driver without quotes", "gpu: {min_driver: 535.104}\n", "p.yaml:1:19: gpu.min_driver: wants a version in quotes"},
	{"a driver that is none", "gpu: {min_driver: latest}\n", "p.yaml:1:19: gpu.min_driver: \"latest\" is not a version"},
	{"an index without quotes", "gpu: {devices: [0]}\n", "p.yaml:1:17: gpu.devices[0]: wants text, not the number 0"},
	{"none as a device", "gpu: {devices: [none]}\n", "p.yaml:1:17: gpu.devices[0]: \"none\" is no GPU; write [] for none"},
	{"a node as a device", "gpu: {devices: [/dev/nvidia0]}\n", "p.yaml:1:17: gpu.devices[0]: \"/dev/nvidia0\" names no GPU"},
	{"a node that is not known", "gpu: {extra_nodes: [mem]}\n", "p.yaml:1:21: gpu.extra_nodes[0]: \"mem\" is none of nvidia-uvm-tools"},
	{"a repeated key inside scan", "scan: {max_files: 1, max_files: 2}\n", "p.yaml:1:22: scan.max_files: is repeated"},
	{"a key that is a list", "? [a]\n: 1\n", "p.yaml:1:3: wants the name of a key, not a list"},
	{"a key without a value", "name:\ncpus: 1\n", "p.yaml:1:6: name: has no value"},
	{"a null value", "waivers: ~\n", "p.yaml:1:10: waivers: has no value"},

	{"text for a number", "memory_limit_mb: lots\n", `p.yaml:1:18: memory_limit_mb: wants a whole number, not the text "lots"`},
	{"a quoted number", "memory_limit_mb: \"4096\"\n", `p.yaml:1:18: memory_limit_mb: wants a whole number, not the text "4096"`},
	{"a unit", "memory_limit_mb: 4G\n", "p.yaml:1:18: memory_limit_mb: wants a whole number"},
	{"a fraction for a whole number", "pids_limit: 1.5\n", "p.yaml:1:13: pids_limit: wants a whole number, not the number 1.5"},
	{"an octal number", "pids_limit: 0100\n", "p.yaml:1:13: pids_limit: wants a whole number"},
	{"a hexadecimal number", "pids_limit: 0x10\n", "p.yaml:1:13: pids_limit: wants a whole number"},
	{"a number with underscores", "pids_limit: 1_000\n", "p.yaml:1:13: pids_limit: wants a whole number"},
	{"a mapping for a number", "pids_limit: {a: 1}\n", "p.yaml:1:13: pids_limit: wants a whole number, not a mapping"},
	{"a number for a truth value", "output: 1\n", "p.yaml:1:9: output: wants true or false, not the number 1"},
	{"yes for a truth value", "output: yes\n", `p.yaml:1:9: output: wants true or false, not the text "yes"`},
	{"a text for a list", "trusted_domains: example.com\n", "p.yaml:1:18: trusted_domains: wants a list of host names"},
	{"a list for scan", "scan: []\n", "p.yaml:1:7: scan: wants a mapping with max_files"},
	{"a number for a name", "name: 5\n", "p.yaml:1:7: name: wants text, not the number 5"},
	{"a list as the document", "- name\n", "p.yaml:1:1: wants a mapping, not a list"},
	{"a word as the document", "safe\n", `p.yaml:1:1: wants a mapping, not the text "safe"`},

	{"negative memory", "memory_limit_mb: -1\n", "p.yaml:1:18: memory_limit_mb: -1 is outside 1 to 16777216"},
	{"no memory", "memory_limit_mb: 0\n", "p.yaml:1:18: memory_limit_mb: 0 is outside"},
	{"memory above 16 TiB", "memory_limit_mb: 16777217\n", "p.yaml:1:18: memory_limit_mb: 16777217 is outside"},
	{"a number beyond 64 bits", "memory_limit_mb: 99999999999999999999\n", "p.yaml:1:18: memory_limit_mb: 99999999999999999999 is too large a number"},
	{"no time", "timeout_seconds: 0\n", "p.yaml:1:18: timeout_seconds: 0 is outside 1 to 2592000"},
	{"more than 30 days", "timeout_seconds: 2592001\n", "p.yaml:1:18: timeout_seconds: 2592001 is outside"},
	{"no processes", "pids_limit: 0\n", "p.yaml:1:13: pids_limit: 0 is outside"},
	{"no processor", "cpus: 0\n", "p.yaml:1:7: cpus: 0 is outside"},
	{"processors that are not a number", "cpus: .nan\n", "p.yaml:1:7: cpus: .nan is not a plain decimal number"},
	{"infinite processors", "cpus: .inf\n", "p.yaml:1:7: cpus: .inf is not a plain decimal number"},
	{"negative processors", "cpus: -2\n", "p.yaml:1:7: cpus: -2 is outside"},
	{"processors with an exponent", "cpus: 1e3\n", "p.yaml:1:7: cpus: 1e3 is not a plain decimal number"},
	{"a private /tmp of size 0, which tmpfs takes for unlimited", "tmp_size_mb: 0\n", "p.yaml:1:14: tmp_size_mb: 0 is outside"},
	{"no file", "scan: {max_files: 0}\n", "p.yaml:1:19: scan.max_files: 0 is outside"},
	{"another version", "version: 2\n", "p.yaml:1:10: version: version 2 is not known"},

	{"an unknown operation names the nearest", "restricted_operations: [gpu, network]\n", `p.yaml:1:30: restricted_operations[1]: "network" is none of network_access, subprocess, file_write, native_code, gpu`},
	{"an operation listed twice", "restricted_operations: [gpu, gpu]\n", `p.yaml:1:30: restricted_operations[1]: "gpu" is listed twice`},
	{"an unknown layer names the nearest", "optional_layers: [secomp]\n", `p.yaml:1:19: optional_layers[0]: "secomp" is none of`},
	{"an unknown network", "network: hots\n", `p.yaml:1:10: network: "hots" is none of none, allow, host; the nearest is host`},
	{"an unknown template", "extends: sfae\n", `p.yaml:1:10: extends: "sfae" is none of`},
	{"a file as extends", "extends: ./other.yaml\n", "p.yaml:1:10: extends: "},
	{"remote_code with allow_remote_code", "remote_code: withhold\nallow_remote_code: true\n", "p.yaml:1:14: remote_code: contradicts allow_remote_code: true"},
	{"remote_code with an inherited allow_remote_code", "extends: trust\nremote_code: refuse\n", "p.yaml:2:14: remote_code: contradicts allow_remote_code: true"},
	{"optional_layers with sandbox_required false", "optional_layers: [cgroup]\nsandbox_required: false\n", "p.yaml:1:1: optional_layers: contradicts sandbox_required: false"},
	{"the host's network with network_access restricted", "network: host\n", "p.yaml:1:1: network: network: host contradicts restricted_operations"},

	{"the name of a template", "name: safe\n", `p.yaml:1:7: name: "safe" is the name of a template`},
	{"the name of a template with a ceiling", "name: trust+corp\n", `p.yaml:1:7: name: "trust+corp" is the name of a template`},
	{"a name with a space", "name: a b\n", "p.yaml:1:7: name: is not a name"},
	{"an empty name", "name: ''\n", "p.yaml:1:7: name: is not a name"},
	{"a description with terminal escapes", "description: \"\\e[2J\"\n", "p.yaml:1:14: description: has a character that cannot be printed"},
	{"a description without end", "description: " + strings.Repeat("x", textMax+1) + "\n", "p.yaml:1:14: description: is longer than"},

	{"a wildcard domain", "trusted_domains: ['*.example.com']\n", `p.yaml:1:19: trusted_domains[0]: "*.example.com" has a wildcard`},
	{"an address as domain", "blocked_domains: ['https://example.com/']\n", "p.yaml:1:19: blocked_domains[0]: \"https://example.com/\" is an address"},
	{"an upper-case domain", "trusted_domains: [Example.com]\n", "p.yaml:1:19: trusted_domains[0]: \"Example.com\" has upper-case letters"},
	{"a domain with a port", "trusted_domains: ['example.com:80']\n", "p.yaml:1:19: trusted_domains[0]: \"example.com:80\" is not a host name"},
	{"an empty domain", "trusted_domains: ['']\n", `p.yaml:1:19: trusted_domains[0]: "" is not a host name`},
	{"hosts without a network", "network_hosts: [example.com]\n", "p.yaml:1:1: network_hosts: is for network: allow only, and the network is none"},
	{"a network of hosts without hosts", "network: allow\nrestricted_operations: []\n", "p.yaml:1:1: network: network: allow needs network_hosts"},
	{"hosts with network_access restricted", "network: allow\nnetwork_hosts: [example.com]\n", "p.yaml:1:1: network: network: allow contradicts restricted_operations"},
	{"a host that is listed twice in two spellings", "network: allow\nnetwork_hosts: [example.com, 'example.com:443']\n", `p.yaml:2:30: network_hosts[1]: "example.com" is listed twice`},
	{"a host that is an address", "network_hosts: [1.1.1.1]\n", `p.yaml:1:17: network_hosts[0]: "1.1.1.1" is an address, not a name`},
	{"every source", "trusted_sources: ['*']\n", `p.yaml:1:19: trusted_sources[0]: "*" is neither`},
	{"a source that climbs", "trusted_sources: [org/../other/x]\n", `p.yaml:1:19: trusted_sources[0]: "org/../other/x" has ..`},
	{"an extension without a dot", "allowed_file_extensions: [bin]\n", `p.yaml:1:27: allowed_file_extensions[0]: "bin" does not begin with a dot; write .bin`},
	{"an upper-case extension", "allowed_file_extensions: [.BIN]\n", `p.yaml:1:27: allowed_file_extensions[0]: ".BIN" has upper-case letters`},
	{"a double extension", "allowed_file_extensions: [.tar.gz]\n", `p.yaml:1:27: allowed_file_extensions[0]: ".tar.gz" has two dots`},

	{"a waiver without a digest", "waivers:\n  - {rule: a/b, reason: r}\n", "p.yaml:2:5: waivers[0]: has no sha256"},
	{"a waiver without a reason", "waivers:\n  - {rule: a/b, sha256: " + someDigest + "}\n", "p.yaml:2:5: waivers[0]: has no reason"},
	{"a waiver with an empty reason", "waivers:\n  - {rule: a/b, sha256: " + someDigest + ", reason: ''}\n", "p.yaml:2:99: waivers[0].reason: is empty"},
	{"a waiver for a publisher", "waivers:\n  - {rule: a/b, publisher: acme, reason: r}\n", "p.yaml:2:17: waivers[0].publisher: unknown key"},
	{"a short digest", "waivers:\n  - {rule: a/b, sha256: abc, reason: r}\n", "p.yaml:2:25: waivers[0].sha256: is not a SHA-256"},
	{"an upper-case digest", "waivers:\n  - {rule: a/b, sha256: " + strings.ToUpper(someDigest) + ", reason: r}\n", "p.yaml:2:25: waivers[0].sha256: is not a SHA-256"},
	{"a date that does not exist", "waivers:\n  - {rule: a/b, sha256: " + someDigest + ", reason: r, expires: 2027-02-30}\n", "p.yaml:2:111: waivers[0].expires: 2027-02-30 is not a date"},
	{"a date in words", "waivers:\n  - {rule: a/b, sha256: " + someDigest + ", reason: r, expires: never}\n", "p.yaml:2:111: waivers[0].expires: never is not a date"},
	{"a rule that is none", "waivers:\n  - {rule: everything, sha256: " + someDigest + ", reason: r}\n", `p.yaml:2:12: waivers[0].rule: "everything" is not a rule`},
	{"a rule with a pattern", "waivers:\n  - {rule: pickle/*, sha256: " + someDigest + ", reason: r}\n", `p.yaml:2:12: waivers[0].rule: "pickle/*" is not a rule`},
	{"the same waiver twice", "waivers:\n" + strings.Repeat("  - {rule: a/b, sha256: "+someDigest+", reason: r}\n", 2), "p.yaml:3:5: waivers[1]: a/b is waived twice"},
	{"a digest that is a list", "waivers:\n  - {rule: a/b, sha256: [], reason: r}\n", "p.yaml:2:25: waivers[0].sha256: is not a SHA-256"},

	{"a global without a module", "allowed_globals: [{name: Net, may: [call], reason: r}]\n", `p.yaml:1:26: allowed_globals[0].name: "Net" has no module`},
	{"a global with a pattern", "allowed_globals: [{name: mypkg.*, may: [call], reason: r}]\n", "p.yaml:1:26: allowed_globals[0].name: "},
	{"a global that may nothing", "allowed_globals: [{name: a.B, may: [], reason: r}]\n", "p.yaml:1:36: allowed_globals[0].may: is empty"},
	{"a global that may something unknown", "allowed_globals: [{name: a.B, may: [exec], reason: r}]\n", `p.yaml:1:37: allowed_globals[0].may[0]: "exec" is none of`},
	{"a global without a reason", "allowed_globals: [{name: a.B, may: [call]}]\n", "p.yaml:1:19: allowed_globals[0]: has no reason"},
	{"the same global twice", "allowed_globals: [{name: a.B, may: [call], reason: r}, {module: a, name: B, may: [import], reason: r}]\n", "p.yaml:1:56: allowed_globals[1]: a.B is listed twice"},
	{"an empty module", "allowed_globals: [{name: .B, may: [call], reason: r}]\n", "p.yaml:1:26: allowed_globals[0].name: "},

	{"an empty file", "", "p.yaml:1:1: is empty"},
	{"a file of comments", "# nothing\n\n", "p.yaml:1:1: is empty"},
	{"a second document", "name: a\n---\nname: b\n", "p.yaml:2:1: a second document begins here"},
	{"an anchor", "description: &a x\n", "p.yaml:1:14: anchor &a: a policy may not use anchors"},
	{"an alias", "description: &a x\nname: *a\n", "p.yaml:1:14: anchor &a"},
	{"an anchor bomb", anchorBomb(), "p.yaml:1:14: anchor &a0: a policy may not use anchors"},
	{"an anchor on a mapping", "scan: &s {max_files: 1}\n", "p.yaml:1:7: anchor &s: a policy may not use anchors"},
	{"an anchor on a key", "&k name: x\n", "p.yaml:1:1: anchor &k: a policy may not use anchors"},
	{"an alias to nothing", "name: *nobody\n", "p.yaml:1:1: is not YAML: "},
	{"a merge key that merges itself", "scan: &s\n  <<: *s\n", "p.yaml:1:7: anchor &s: a policy may not use anchors"},
	{"a repeated key, quoted once", "\"cpus\": 1\ncpus: 2\n", "p.yaml:2:1: cpus: is repeated; it was set on line 1"},
	{"a repeated key, escaped once", "\"cp\\u0075s\": 1\ncpus: 2\n", "p.yaml:2:1: cpus: is repeated; it was set on line 1"},
	{"a repeated key in flow style", "{cpus: 1, cpus: 2}\n", "p.yaml:1:11: cpus: is repeated; it was set on line 1"},
	{"a tag on a key", "!!str name: x\n", "p.yaml:1:1: tag !!str: a policy may not use tags"},
	{"a tag on the document", "!!map\nname: x\n", "p.yaml:1:1: tag !!map: a policy may not use tags"},
	{"a tag that makes a number of text", "pids_limit: !!int \"9\"\n", "p.yaml:1:13: tag !!int: a policy may not use tags"},
	{"a tag for binary data", "name: !!binary c2FmZQ==\n", "p.yaml:1:7: tag !!binary: a policy may not use tags"},
	{"a merge key, quoted, is a key", "\"<<\": {name: x}\n", "p.yaml:1:1: <<: unknown key"},
	{"a weakening with a look-alike letter", "sandb\u043ex_required: false\n", "p.yaml:1:1: "},
	{"a merge key", "<<: {name: x}\n", "p.yaml:1:1: a policy may not use merge keys"},
	{"a tag", "name: !!str x\n", "p.yaml:1:7: tag !!str: a policy may not use tags"},
	{"a private tag", "name: !exec x\n", "p.yaml:1:7: tag !exec: a policy may not use tags"},
	{"deep nesting", "name: " + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "\n", "p.yaml:1:23: is nested deeper than 16"},
	{"broken YAML", "name: x\n  bad: [\n", "p.yaml:2:1: is not YAML: "},
	{"a tab as indentation", "scan:\n\tmax_files: 3\n", "p.yaml:2:1: is not YAML: "},
	{"bytes that are not UTF-8", "name: x\ncpus: \xff\n", "p.yaml:2:7: is not UTF-8 text"},
	{"UTF-16", "\xff\xfen\x00", "p.yaml:1:1: is not UTF-8 text"},
	{"a directive", "%YAML 1.2\n---\nname: x\n", "p.yaml:1:1: a policy may not use directives"},
	{"a directive after an unusual line break", "name: x\u2028%TAG ! x\n", "p.yaml:2:1: a policy may not use directives"},
	{"a NUL byte", "name: a\x00b\n", "p.yaml:1:1: is not YAML: "},
}

func TestFaultsAreRefusedWithTheirPlace(t *testing.T) {
	for _, tt := range refusals {
		t.Run(tt.name, func(t *testing.T) {
			w, err := read(tt.text)
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want an *Error", err)
			}
			if !strings.HasPrefix(e.Error(), tt.want) {
				t.Errorf("got  %s\nwant %s", e, tt.want)
			}
			if want := fmt.Sprintf("p.yaml:%d:%d: ", e.Line, e.Column); e.Line < 1 || e.Column < 1 || !strings.HasPrefix(e.Error(), want) {
				t.Errorf("no place in %q", e)
			}
			if !printable(e.Error()) {
				t.Errorf("the message has unprintable characters: %q", e)
			}
			if w.policy.Name != "" || w.policy.Sandbox.MemoryMB != 0 {
				t.Error("a refused text left a policy behind")
			}
		})
	}
}

func TestNearMissesOfRefusalsAreRead(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		holds      func(p Policy) bool
	}{
		{"the largest memory", "memory_limit_mb: 16777216\n", func(p Policy) bool { return p.Sandbox.MemoryMB == 1<<24 }},
		{"thirty days", "timeout_seconds: 2592000\n", func(p Policy) bool { return p.Sandbox.TimeoutSec == 2592000 }},
		{"half a processor", "cpus: 0.5\n", func(p Policy) bool { return p.Sandbox.CPUs == 0.5 }},
		{"no pickles at all", "scan: {max_pickle_ops: 0}\n", func(p Policy) bool { return p.Scan.MaxPickleOps == 0 && p.Scan.MaxFiles == 10000 }},
		{"an empty mapping for scan", "scan: {}\n", func(p Policy) bool { return p.Scan.MaxFiles == 10000 }},
		{"TRUE, which YAML takes for true", "require_model: TRUE\n", func(p Policy) bool { return p.RequireModel }},
		{"everything restricted", "restricted_operations: [gpu, subprocess, native_code, file_write, network_access]\n", func(p Policy) bool { return p.Sandbox.Allow == Operations{} }},
		{"nothing restricted", "restricted_operations: []\n", func(p Policy) bool { return p.Sandbox.Allow == Operations{true, true, true, true, true} }},
		{"the host's network with network_access permitted", "network: host\nrestricted_operations: [gpu]\n", func(p Policy) bool { return p.Sandbox.Network == NetworkHost }},
		{"no sandbox", "sandbox_required: false\n", func(p Policy) bool { return len(p.Sandbox.UnsafeOptional) == len(LayerNames()) }},
		{"a required sandbox undoes inherited optional layers", "extends: development\nsandbox_required: true\n", func(p Policy) bool { return len(p.Sandbox.UnsafeOptional) == 0 }},
		{"forbidden remote code undoes an inherited permission", "extends: trust\nallow_remote_code: false\n", func(p Policy) bool { return p.RemoteCode == RemoteCodeWithhold }},
		{"forbidden remote code keeps an inherited refusal", "extends: strict\nallow_remote_code: false\n", func(p Policy) bool { return p.RemoteCode == RemoteCodeRefuse }},
		{"remote code refused under a template that allows it", "extends: trust\nremote_code: refuse\nallow_remote_code: false\n", func(p Policy) bool { return p.RemoteCode == RemoteCodeRefuse }},
		{"an unnamed file is named after itself", "cpus: 1\n", func(p Policy) bool { return p.Name == "p.yaml" && p.Description == "" }},
		{"a folded description is one line", "description: >\n  a\n  b\n", func(p Policy) bool { return p.Description == "a b" }},
		{"lists are sorted", "blocked_domains: [b.example, a.example]\n", func(p Policy) bool { return p.BlockedDomains[0] == "a.example" }},
		{"a list replaces the inherited one", "trusted_domains: []\n", func(p Policy) bool { return len(p.TrustedDomains) == 0 }},
		{"CRLF lines and a byte order mark", "\ufeffname: x\r\ncpus: 1\r\n", func(p Policy) bool { return p.Name == "x" && p.Sandbox.CPUs == 1 }},
		{"a digest of digits only, and a date", "waivers:\n  - rule: pickle/global-unknown\n    sha256: " + strings.Repeat("1", 64) + "\n    reason: r\n    expires: 2027-01-31\n",
			func(p Policy) bool {
				return p.Waivers[0].SHA256 == strings.Repeat("1", 64) && p.Waivers[0].Expires == "2027-01-31"
			}},
		{"a global by its dotted name", "allowed_globals: [{name: mypkg.model.Net, may: [import, build], reason: r}]\n",
			func(p Policy) bool {
				return p.AllowedGlobals[0] == Global{"mypkg.model", "Net", true, false, true, "r"}
			}},
		{"a nested class by module and name", "allowed_globals: [{module: mypkg, name: Outer.Inner, may: [call], reason: r}]\n",
			func(p Policy) bool {
				return p.AllowedGlobals[0] == Global{"mypkg", "Outer.Inner", false, true, false, "r"}
			}},
		{"a percent sign that begins no line", "description: 5 %\nname: x\n", func(p Policy) bool { return p.Description == "5 %" }},
		{"a document with its markers", "---\nname: x\n...\n", func(p Policy) bool { return p.Name == "x" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, err := read(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if !tt.holds(w.policy) {
				t.Errorf("not what the text says: %s", encode(w.policy.tree()))
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, tt := range refusals {
		f.Add([]byte(tt.text))
	}
	for _, name := range templateNames {
		data, err := templateFiles.ReadFile("templates/" + name + ".yaml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("waivers:\n  - {rule: a/b, sha256: " + someDigest + ", reason: r, expires: 2027-01-31}\n"))
	f.Add([]byte("allowed_globals: [{name: mypkg.model.Net, may: [import, build], reason: r}]\nsandbox_required: false\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > maxFileBytes {
			t.Skip()
		}
		w, err := decode(document{layer: layerFile, file: "p.yaml", data: data})
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Line < 1 || e.Column < 1 || !printable(e.Error()) || w.policy.Name != "" {
				t.Fatalf("not a clean refusal: %#v", err)
			}
			return
		}
		if reserved(w.policy.Name) != "" || checkName(w.policy.Name) != "" {
			t.Fatalf("accepted the name %q", w.policy.Name)
		}
		sameWhenPrinted(t, w.policy)
	})
}
