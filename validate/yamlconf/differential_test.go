package yamlconf

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

// The interpreter that has Debian's yaml.
const systemPython = "/usr/bin/python3"

// pyyaml says of each document whether PyYAML reads it, and whether a tag in it is not one of plain data.
const pyyaml = `
import json, sys, yaml
plain = {"str", "int", "float", "bool", "null", "map", "seq", "binary", "timestamp", "set", "omap", "pairs", "merge", "value"}
python = {"none", "bool", "str", "unicode", "bytes", "int", "long", "float", "complex", "list", "tuple", "dict"}
def harmful(tag):
    if not tag.startswith("tag:yaml.org,2002:"):
        return True
    rest = tag[len("tag:yaml.org,2002:"):]
    return rest not in plain and not (rest.startswith("python/") and rest[7:] in python)
out = []
for t in json.load(sys.stdin):
    loader = yaml.Loader(t)
    found = read = False
    seen = set()
    try:
        while loader.check_node():
            stack = [loader.get_node()]
            while stack:
                n = stack.pop()
                if id(n) in seen: continue
                seen.add(id(n))
                found = found or harmful(n.tag)
                if isinstance(n, yaml.MappingNode): stack += [x for kv in n.value for x in kv]
                elif isinstance(n, yaml.SequenceNode): stack += n.value
        read = True
    except (yaml.YAMLError, RecursionError, ValueError):
        pass
    out.append([read, found])
json.dump(out, sys.stdout)
`

// A tag that PyYAML acts on is never in a file that we clear without a finding.
func TestPyYAMLSeesNoTagThatWeDoNot(t *testing.T) {
	validatetest.Need(t, "yaml", exec.Command(systemPython, "-c", "import yaml").Run())
	tag := "!!python/name:os.system"
	var docs []string
	for _, around := range []string{"a: %s x\n", "a:\n  - b\n  - %s x\n", "{a: %s x, b: 1}", "# c\n%s {a: b}\n", "a: |\n  %s x\n", "a: '%s x'\n", "a: \"%s x\"\n", "a: b %s x\n", "a: b # %s x\n", "a: b#%s x\n",
		"? %s x\n: y\n", "- &a %s x\n", "- %s &a x\n", "a: >\n\n  t\n %s x\n", "a:\n%s x\n", "a: \u2028%s x\n", "a: b\u2028c: %s x\n", "a: b\u0085c: %s x\n", "# c\u2028a: %s x\n", "# c\u0085a: %s x\n", "# c\ra: %s x\n", "a: b\r\rc: %s x\n",
		"--- %s x\n", "%%YAML 1.1\n--- %s x\n", "a: 1\n...\n%s x\n", "a: [b, %s x]\n", "a: [b,%s x]\n", "a: [b %s x]\n", "a:\n\t%s x\n", "'a': %s x\n", "a : %s x\n", "a: *b %s x\n", "a: !<x> %s x\n", "[%s x: 1]\n", "\ufeffa: %s x\n", "a: %s\n", "a: b\n\n---\n%s x", "a: - %s x\n", "a: ,%s x\n"} {
		for _, t := range []string{tag, "!<tag:yaml.org,2002:python/name:os.system>", "!!%70ython/name:os.system", "!x", "!!python/tuple", "!!str"} {
			docs = append(docs, fmt.Sprintf(around, t), fmt.Sprintf("%%TAG ! tag:yaml.org,2002:\n---\n"+around, strings.Replace(t, "!!", "!", 1)))
		}
	}
	input, err := json.Marshal(docs)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(systemPython, "-c", pyyaml)
	cmd.Stdin = bytes.NewReader(input)
	raw, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var theirs [][2]bool
	if err := json.Unmarshal(raw, &theirs); err != nil || len(theirs) != len(docs) {
		t.Fatalf("%v, %d answers", err, len(theirs))
	}
	stricter := 0
	for i, doc := range docs {
		rep := scanAs("x.yaml", doc)
		quiet := rep.Files[0].Cleared && (len(rep.Findings) == 0 || rep.Findings[0].Severity < validate.Medium)
		switch {
		case theirs[i][1] && quiet:
			t.Errorf("PyYAML acts on a tag, we clear %q", doc)
		case theirs[i][0] && !theirs[i][1] && !quiet:
			stricter++
			if testing.Verbose() {
				t.Logf("PyYAML reads it without a tag, we do not clear %q\n%s", doc, validatetest.Show(rep))
			}
		}
	}
	if t.Logf("%d documents, %d of them PyYAML reads and we do not clear", len(docs), stricter); stricter > len(docs)/10 {
		t.Errorf("%d of %d", stricter, len(docs))
	}
}
