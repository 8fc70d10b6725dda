package isolate

import (
	"os"
	"testing"
)

// Without no_new_privs libcontainer installs the filter early, before calls that the filter refuses.
var besideSeccomp = []string{"no_new_privs"}

// attacks are those that only a test can make: they need a folder of root's that no user shows. All others are in
// package attack.
var attacks = []scripted{
	{
		name: "reads a file that only root may read", layer: "user",
		prep:    func(t *testing.T, a *arena) { mustChmod(t, a.secret, 0o600) },
		spec:    bindArena(Bind{Target: "/data"}),
		payload: func(*arena) string { return "cat /data/secret" },
		through: "host secret", stopped: "Permission denied",
	},
	{
		name: "leaves a file of root in a folder it may write", layer: "user",
		prep: func(t *testing.T, a *arena) { worldWritable(t, a.dir) },
		spec: bindArena(Bind{Target: "/data", Write: true}),
		payload: func(*arena) string {
			return `cp /bin/true /data/left && [ "$(stat -c %u /data/secret)" = "$(stat -c %u /data/left)" ] && echo "as root"; ls /data`
		},
		through: "^as root", stopped: `\Aleft`,
	},
}

func bindArena(b Bind) func(*Spec, *arena) {
	return func(s *Spec, a *arena) {
		b := b
		b.Source = a.dir
		if b.Target == "" {
			b.Target = a.dir
		}
		s.Binds = append(s.Binds, b)
	}
}

func worldWritable(t *testing.T, paths ...string) {
	for _, p := range paths {
		mode := os.FileMode(0o666)
		if info, err := os.Stat(p); err == nil && info.IsDir() {
			mode = 0o777
		}
		mustChmod(t, p, mode)
	}
}

func mustChmod(t testing.TB, p string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(p, mode); err != nil {
		t.Fatal(err)
	}
}
