package tfops

import "testing"

func TestTheListIsStrict(t *testing.T) {
	for _, bad := range []string{"[pure] r\nA A\n", "A\n", "[nope] r\n", "[pure]\nA\n", "[pure] r\nA\n[file] r\nA\n"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q is accepted", bad)
				}
			}()
			read(bad)
		}()
	}
}

func TestTheListKnowsWhatMatters(t *testing.T) {
	ops := Read()
	for op, want := range map[string]Group{"MatMul": Pure, "SaveV2": Checkpoint, "ReadFile": File, "PyFunc": Python, "Rpc": Network, "PrintV2": Attribute, "Abort": Process, "Evil": ""} {
		if ops[op] != want {
			t.Errorf("%s is in group %q", op, ops[op])
		}
	}
	if len(ops) < 1000 {
		t.Errorf("only %d operators", len(ops))
	}
}
