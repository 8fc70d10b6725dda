package runner

import (
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// makeFIFO needs no system call of ours: every system with a shell has mkfifo.
func makeFIFO(t *testing.T, path string) {
	t.Helper()
	if out, err := exec.Command("mkfifo", path).CombinedOutput(); err != nil {
		t.Skipf("needs mkfifo: %v %s", err, out)
	}
}

const uvPython = "/home/u/.local/share/uv/python/cpython-3.12.3-linux-x86_64-gnu"

func TestAVirtualEnvironmentBringsThePythonItWasMadeFrom(t *testing.T) {
	root := host(t, map[string]string{
		"/home/u/proj/load.py": "",
		// made from the system's Python
		"/home/u/proj/.venv/pyvenv.cfg": "home = /usr/bin\ninclude-system-site-packages = true\n", "/home/u/proj/.venv/bin/python": "-> python3",
		"/home/u/proj/.venv/bin/python3": "-> /usr/bin/python3", "/home/u/proj/.venv/lib/python3.11/site-packages/": "",
		"/home/u/proj/.venv/bin/tool": "x:#!/home/u/proj/.venv/bin/python3\n",
		// made by uv, through a link for the minor version
		"/srv/uv/pyvenv.cfg":  "HOME = /home/u/.local/share/uv/python/cpython-3.12-linux-x86_64-gnu/bin\r\n",
		"/srv/uv/bin/python3": "-> /home/u/.local/share/uv/python/cpython-3.12-linux-x86_64-gnu/bin/python3.12",
		"/home/u/.local/share/uv/python/cpython-3.12-linux-x86_64-gnu": "-> cpython-3.12.3-linux-x86_64-gnu",
		uvPython + "/bin/python3.12":                                   "x:" + elfFile(""), uvPython + "/lib/python3.12/os.py": "",
		// made with --copies
		"/srv/copy/pyvenv.cfg": "home = /opt/py/bin\n", "/srv/copy/bin/python": "x:" + elfFile(""),
		"/opt/py/bin/python3": "x:" + elfFile(""), "/opt/py/lib/python3.12/os.py": "",
		// in the home folder itself
		"/home/u/pyvenv.cfg": "home = /usr/bin\n", "/home/u/bin/python": "-> /usr/bin/python3", "/home/u/lib/python3.11/site-packages/": "",
		// of a Python that was removed
		"/srv/dead/pyvenv.cfg": "home = /opt/none/bin\n", "/srv/dead/bin/python": "-> /opt/none/bin/python", "/srv/dead/bin/kept": "x:" + elfFile(""),
		// whose home names what is no Python
		"/srv/liar/pyvenv.cfg": "home = /home/u/.ssh/bin\n", "/srv/liar/bin/python": "-> /usr/bin/python3", "/home/u/.ssh/bin/": "",
	})
	for _, c := range []struct {
		name, program string
		binds         []string
		links         []string
	}{
		{"of the system's Python", ".venv/bin/python", []string{"/home/u/proj", "/home/u/proj/.venv*"}, nil},
		{"through a program in it", ".venv/bin/tool", []string{"/home/u/proj/.venv*"}, nil},
		{"of a Python that uv manages", "/srv/uv/bin/python3", []string{uvPython + "*", "/home/u/proj", "/srv/uv*"},
			[]string{"/home/u/.local/share/uv/python/cpython-3.12-linux-x86_64-gnu"}},
		{"with a copied Python", "/srv/copy/bin/python", []string{"/home/u/proj", "/opt/py*", "/srv/copy*"}, nil},
		{"in the home folder", "/home/u/bin/python", []string{"/home/u/lib*", "/home/u/proj", "/home/u/pyvenv.cfg*"}, []string{"/home/u/bin/python"}},
		{"with a home that is no Python", "/srv/liar/bin/python", []string{"/home/u/proj", "/srv/liar*"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := typed(c.program, "load.py")
			in.Env = append(in.Env, "VIRTUAL_ENV=/home/u/proj/.venv")
			f := find(t, root, in)
			same(t, "binds", shown(f), c.binds)
			for _, link := range c.links {
				if f.Symlinks[link] == "" {
					t.Errorf("no link %s: %q", link, f.Symlinks)
				}
			}
			if inUse := slices.Contains(f.Env, "VIRTUAL_ENV=/home/u/proj/.venv"); inUse != strings.HasPrefix(c.program, ".venv") {
				t.Errorf("VIRTUAL_ENV passed: %v", inUse)
			}
		})
	}
	if f := find(t, root, typed(".venv/bin/python", "load.py")); f.Args[0] != "/home/u/proj/.venv/bin/python" {
		t.Errorf("%q does not start the environment's own Python", f.Args[0])
	}
	for program, code := range map[string]int{"/srv/dead/bin/python": 127, "/srv/dead/bin/kept": 126} {
		var ce *CommandError
		if _, err := discover(root, typed(program)); !errors.As(err, &ce) || ce.Code != code || !strings.Contains(ce.Hint, "virtual environment") {
			t.Errorf("%s: got %v, want %d and a hint", program, err, code)
		}
	}
}

func TestAPythonOutsideTheSystemBringsItsPrefix(t *testing.T) {
	root := host(t, map[string]string{
		"/home/u/proj/": "", "/home/u/conda/envs/e/conda-meta/": "", "/home/u/conda/envs/e/bin/python": "-> python3.12",
		"/home/u/conda/envs/e/bin/python3.12": "x:" + elfFile(""), "/home/u/conda/envs/e/.condarc": "", "/home/u/conda/pkgs/": "",
		"/home/u/.local/bin/python3.13": "x:" + elfFile(""), "/home/u/.local/lib/python3.13/os.py": "", "/home/u/.local/lib/libpython3.13.so": "",
		"/home/u/.local/share/keyrings/": "", "/home/u/bin/tool": "x:" + elfFile(""), "/home/u/bin/other": "x:" + elfFile(""),
		"/nix/store/abc-python/bin/python3": "x:" + elfFile(""), "/home/u/.nix-profile": "-> /nix/var/profile", "/nix/var/profile": "-> /nix/store/abc-python",
		"/nix/store/ld.so": "x:" + elfFile(""), "/home/u/proj/built": "x:" + elfFile("/nix/store/ld.so"), "/usr/bin/pypy3": "-> /opt/pypy/bin/pypy3",
		"/opt/pypy/bin/pypy3": "x:" + elfFile(""), "/opt/pypy/lib/pypy3.10/os.py": "", "/home/u/proj/broken": "x:\x7fELF",
	})
	for _, c := range []struct {
		name, program string
		binds         []string
		link, note    string
	}{
		{"conda", "/home/u/conda/envs/e/bin/python", []string{"/home/u/conda/envs/e*"}, "", ""},
		{"installed into the home folder", "/home/u/.local/bin/python3.13",
			[]string{"/home/u/.local/bin/python3.13*", "/home/u/.local/lib/libpython3.13.so*", "/home/u/.local/lib/python3.13*"}, "", "only the libraries"},
		{"any other program", "/home/u/bin/tool", []string{"/home/u/bin/tool*"}, "", "only the program itself"},
		{"from a store, through a profile", "/home/u/.nix-profile/bin/python3", []string{"/nix/store*"}, "/nix/var/profile", ""},
		{"linked against a store", "./built", []string{"/home/u/proj/built*", "/nix/store*"}, "", ""},
		{"linked into /usr", "pypy3", []string{"/opt/pypy*"}, "", ""},
		{"with a damaged header", "./broken", []string{"/home/u/proj/broken*"}, "", "damaged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := typed(c.program)
			in.Env = append(in.Env, "CONDA_PREFIX=/home/u/conda/envs/e")
			f := find(t, root, in)
			same(t, "binds", shown(f), c.binds)
			if c.link != "" && f.Symlinks[c.link] == "" {
				t.Errorf("no link %s: %q", c.link, f.Symlinks)
			}
			if !noted(f, c.note) && c.note != "" {
				t.Errorf("notes: %q", f.Notes)
			}
			if got := slices.Contains(f.Env, "CONDA_PREFIX=/home/u/conda/envs/e"); got != (c.name == "conda") {
				t.Errorf("CONDA_PREFIX passed: %v", got)
			}
		})
	}
}

func TestAPyenvShimIsTheVersionThatPyenvWouldStart(t *testing.T) {
	shim := "x:#!/usr/bin/env bash\nexec pyenv exec \"$program\"\n"
	files := map[string]string{"/usr/bin/tool": "x:" + elfFile(""), "/home/u/.pyenv/version": "3.11.7\n", "/other/.python-version": "3.12.1\n",
		"/evil/.python-version": "../../../../evil/fake\n# comment\n", "/evil/fake/bin/python3": "x:" + elfFile(""),
		"/two/.python-version": "\n# first\n3.12.1 rest\r\n3.11.7\n", "/sys/.python-version": "system\n", "/prefix/.python-version": "python-3.12\n",
		"/missing/.python-version": "3.9.1\n", "/env/.python-version": "myenv\n", "/other/deep/er/": "", "/home/u/proj/": "",
		"/home/u/.pyenv/versions/myenv": "-> 3.11.7/envs/myenv", "/home/u/.pyenv/versions/3.11.7/envs/myenv/pyvenv.cfg": "home = /home/u/.pyenv/versions/3.11.7/bin\n",
		"/home/u/.pyenv/versions/3.11.7/envs/myenv/bin/python3": "-> /home/u/.pyenv/versions/3.11.7/bin/python3",
		"/home/u/.pyenv/versions/3.12.10rc1/":                   "", "/home/u/.pyenv/versions/3.12-dev/": "", "/home/u/.pyenv/versions/3.13t/": ""}
	for _, name := range []string{"python3", "tool", "only311", "nowhere"} {
		files["/home/u/.pyenv/shims/"+name] = shim
	}
	for _, v := range []string{"3.11.7", "3.12.1", "3.12.9", "3.12.10"} {
		files["/home/u/.pyenv/versions/"+v+"/bin/python3"] = "x:" + elfFile("")
		files["/home/u/.pyenv/versions/"+v+"/lib/python"+v[:4]+"/os.py"] = ""
	}
	files["/home/u/.pyenv/versions/3.11.7/bin/only311"] = "x:#!/home/u/.pyenv/versions/3.11.7/bin/python3\n"
	root := host(t, files)
	const versions = "/home/u/.pyenv/versions/"
	for _, c := range []struct {
		name, dir, env, command, want string
		code                          int
	}{
		{name: "the global version", dir: "/home/u/proj", want: versions + "3.11.7/bin/python3"},
		{name: "a file above the working directory", dir: "/other/deep/er", want: versions + "3.12.1/bin/python3"},
		{name: "PYENV_VERSION before any file", dir: "/other", env: "PYENV_VERSION=3.11.7", want: versions + "3.11.7/bin/python3"},
		{name: "PYENV_DIR before the working directory", dir: "/home/u/proj", env: "PYENV_DIR=/other", want: versions + "3.12.1/bin/python3"},
		{name: "system", dir: "/sys", want: "/usr/bin/python3"},
		{name: "several versions, the first one that has it", dir: "/two", want: versions + "3.12.1/bin/python3"},
		{name: "several versions, the second has it", dir: "/two", command: "only311", want: versions + "3.11.7/bin/python3"},
		{name: "a prefix is the newest release", dir: "/prefix", want: versions + "3.12.10/bin/python3"},
		{name: "a virtual environment of pyenv", dir: "/env", want: versions + "myenv/bin/python3"},
		{name: "a program that only the system has", dir: "/home/u/proj", command: "tool", want: "/usr/bin/tool"},
		{name: "a version with separators is not read from a file", dir: "/evil", want: "/usr/bin/python3"},
		{name: "a version with separators is not installed", dir: "/tmp", env: "PYENV_VERSION=../../../../evil/fake", code: 127},
		{name: "a version that is not installed", dir: "/missing", code: 127},
		{name: "a program that nobody has", dir: "/home/u/proj", command: "nowhere", code: 127},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := typedIn(c.dir, "python3", "x")
			if c.command != "" {
				in.Args[0] = c.command
			}
			in.Env = []string{"PATH=/home/u/.pyenv/shims:/usr/bin", c.env}
			f, err := discover(root, in)
			var ce *CommandError
			if errors.As(err, &ce) && ce.Code == c.code {
				return
			}
			if err != nil || c.code != 0 || f.Args[0] != c.want {
				t.Fatalf("got %q, %v; want %q, %d", f.Args, err, c.want, c.code)
			}
			path := f.Env[slices.IndexFunc(f.Env, func(kv string) bool { return strings.HasPrefix(kv, "PATH=") })]
			if strings.Contains(path, "shims") || within(c.want, versions[:len(versions)-1]) && !strings.HasPrefix(path, "PATH="+versions) {
				t.Errorf("%s", path)
			}
			for _, b := range f.Binds {
				if within("/home/u/.pyenv/shims", b.Target) || b.Target == versions[:len(versions)-1] {
					t.Errorf("%s is bound", b.Target)
				}
			}
		})
	}
	in := typed("/home/u/.pyenv/shims/python3")
	in.Env = []string{"PYENV_ROOT=/home/u/.pyenv", "PATH=/usr/bin"}
	in.Home = ""
	if f := find(t, root, in); f.Args[0] != versions+"3.11.7/bin/python3" {
		t.Errorf("a shim by its path: %q", f.Args)
	}
}
