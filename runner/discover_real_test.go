package runner

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// need skips loudly, unless REQUIRE says that this machine has it.
func need(t *testing.T, name string) string {
	t.Helper()
	at, err := exec.LookPath(name)
	if err == nil {
		return at
	}
	for _, required := range strings.Fields(strings.ReplaceAll(os.Getenv("REQUIRE"), ",", " ")) {
		if required == name {
			t.Fatalf("%s is required here: %v", name, err)
		}
	}
	t.Skipf("needs %s", name)
	return ""
}

// boxed runs what was found in a plain sandbox that shows nothing else: the proof that it is enough.
func boxed(t *testing.T, f Found) string {
	t.Helper()
	bwrap := need(t, "bwrap")
	args := []string{"--unshare-all", "--clearenv", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--dir", f.Dir}
	for _, b := range f.Binds {
		args = append(args, "--ro-bind", b.Source, b.Target)
	}
	for path, target := range f.Symlinks {
		args = append(args, "--symlink", target, path)
	}
	for _, m := range f.Masks {
		if info, err := os.Stat(m); err == nil && info.IsDir() {
			args = append(args, "--tmpfs", m)
		} else {
			args = append(args, "--ro-bind", "/dev/null", m)
		}
	}
	for _, kv := range f.Env {
		name, value, _ := strings.Cut(kv, "=")
		args = append(args, "--setenv", name, value)
	}
	args = append(append(args, "--chdir", f.Dir, "--"), f.Args...)
	cmd := exec.Command(bwrap, args...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		if strings.Contains(string(out), "amespace") || strings.Contains(string(out), "setting up uid map") {
			t.Skipf("needs user namespaces: %s", out)
		}
		t.Fatalf("%v: %s\nbinds %q", err, out, shown(f))
	}
	return string(out)
}

const load = `import sys, os, helper, json, ctypes
print(sys.prefix, sys.base_prefix, sys.executable, os.getcwd(), sys.argv, helper.word)
def see(f, *a):
    try: return f(*a)
    except OSError: return None
print("home", os.environ["HOME"], "secret", see(lambda: open(".env").read()), "history", see(os.listdir, ".git"), "root", os.listdir("/"))
`

// project is a script with a module beside it and a secret.
func project(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "proj")
	for name, content := range map[string]string{"load.py": load, "helper.py": "word = 'helped'\n", ".env": "PASSWORD=hunter2\n", ".git/config": "url = x\n"} {
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644))
	}
	real, err := filepath.EvalSymlinks(dir)
	must(t, err)
	return real
}

// sameInside compares the first line that the script prints inside with the one it prints outside.
func sameInside(t *testing.T, python, dir string) {
	t.Helper()
	in := Command{Args: []string{python, "load.py", "a b"}, Dir: dir, Env: os.Environ(), Home: os.Getenv("HOME")}
	f, err := Discover(in)
	must(t, err)
	plain := exec.Command(in.Args[0], in.Args[1:]...)
	plain.Dir = dir
	want, err := plain.Output()
	must(t, err)
	got := boxed(t, f)
	first := func(s string) string { line, _, _ := strings.Cut(s, "\n"); return line }
	if first(got) != first(string(want)) {
		t.Errorf("inside:\n%s\noutside:\n%s", first(got), first(string(want)))
	}
	if !strings.Contains(got, "home /tmp ") || strings.Contains(got, "hunter2") || strings.Contains(got, "'config'") || strings.Contains(got, "'home'") {
		t.Errorf("inside sees what it should not: %s", got)
	}
}

func TestTheRealSystemPythonStartsWithWhatWasFound(t *testing.T) {
	if _, err := os.Stat("/usr/bin/python3"); err != nil {
		t.Skip("needs /usr/bin/python3")
	}
	sameInside(t, "/usr/bin/python3", project(t))
}

func TestThePythonOfPATHStartsWithWhatWasFound(t *testing.T) {
	need(t, "python3")
	sameInside(t, "python3", project(t))
}

func TestARealVirtualEnvironmentStartsWithWhatWasFound(t *testing.T) {
	python := need(t, "python3")
	for _, options := range [][]string{{"--symlinks"}, {"--copies"}} {
		for _, name := range []string{".venv", ".env-for-tests", "../elsewhere"} {
			t.Run(options[0]+" "+name, func(t *testing.T) {
				dir := project(t)
				venv := filepath.Join(dir, name)
				make := exec.Command(python, append(append([]string{"-m", "venv", "--without-pip"}, options...), venv)...)
				if out, err := make.CombinedOutput(); err != nil {
					t.Skipf("needs the venv module: %s", out)
				}
				sameInside(t, filepath.Join(venv, "bin", "python"), dir)
			})
		}
	}
}

func TestAScriptWithAFirstLineStartsWithWhatWasFound(t *testing.T) {
	need(t, "python3")
	dir := project(t)
	must(t, os.WriteFile(filepath.Join(dir, "run"), []byte("#!/usr/bin/env python3\n"+load), 0o755))
	sameInside(t, "./run", dir)
}
