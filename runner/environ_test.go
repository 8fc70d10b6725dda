package runner

import (
	"path"
	"slices"
	"strings"
	"testing"
)

func get(environ []string, name string) (string, bool) {
	for _, kv := range environ {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			return v, true
		}
	}
	return "", false
}

func TestOnlyListedVariablesPass(t *testing.T) {
	caller := []string{"LANG=de_DE.UTF-8", "LC_ALL=C", "TZ=UTC", "OMP_NUM_THREADS=3", "TOKENIZERS_PARALLELISM=false", "PYTHONHASHSEED=0",
		"EDITOR=vi", "HF_TOKEN=h", "AWS_SECRET_ACCESS_KEY=a", "https_proxy=p", "HTTPS_PROXY=p", "SSH_AUTH_SOCK=s", "DBUS_SESSION_BUS_ADDRESS=d",
		"LD_PRELOAD=l", "PYTHONPATH=p", "PYTHONSTARTUP=p", "BASH_ENV=b", "GODEBUG=g", "HOME=/home/u", "USER=u", "XDG_RUNTIME_DIR=/run/user/1",
		"LC_SECRET_KEY=s", "PATH=/home/u/bin", "BASH_FUNC_x%%=() { :; }", "LANG=second", "=odd", "broken"}
	got, err := Environ(environAllowed, caller, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Concat(environFixed, []string{"LANG=de_DE.UTF-8", "LC_ALL=C", "TZ=UTC", "OMP_NUM_THREADS=3", "TOKENIZERS_PARALLELISM=false", "PYTHONHASHSEED=0"})
	slices.Sort(want)
	same(t, "environment", got, want)

	got, err = Environ(nil, caller, nil)
	if err != nil {
		t.Fatal(err)
	}
	want = slices.Clone(environFixed)
	slices.Sort(want)
	same(t, "environment of the zero allow-list", got, want)
}

func TestASecretDoesNotPassEvenWhenTheListWouldAllowIt(t *testing.T) {
	for _, name := range []string{"HF_TOKEN", "GITHUB_TOKEN", "token", "OPENAI_API_KEY", "DB_PASSWORD", "PGPASSWORD", "MY_SECRET", "AWS_PROFILE",
		"GOOGLE_APPLICATION_CREDENTIALS", "NO_PROXY", "all_proxy", "SSH_AGENT_PID", "LD_LIBRARY_PATH", "LD_AUDIT", "PYTHONHOME", "PYTHONINSPECT",
		"NODE_OPTIONS", "PERL5OPT", "GLIBC_TUNABLES", "KUBECONFIG", "DOCKER_HOST", "SENTRY_DSN", "ENV"} {
		got, err := Environ([]string{"*"}, []string{name + "=x"}, nil)
		if v, ok := get(got, name); ok || err != nil {
			t.Errorf("%s=%s passed (%v)", name, v, err)
		}
	}
	for _, name := range []string{"TOKENIZERS_PARALLELISM", "LANG", "CUDA_VISIBLE_DEVICES", "PYTHONHASHSEED", "EDITOR"} {
		got, err := Environ([]string{"*"}, []string{name + "=x"}, nil)
		if _, ok := get(got, name); !ok || err != nil {
			t.Errorf("%s did not pass (%v)", name, err)
		}
	}
}

func TestTheUserMayNameWhatPasses(t *testing.T) {
	got, err := Environ(nil, []string{"HF_TOKEN=h", "A=1=2"}, []string{"HF_TOKEN", "A", "UNSET", "B=x=y", "EMPTY=", "HOME=/home/u", "B=last"})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"HF_TOKEN": "h", "A": "1=2", "B": "last", "EMPTY": "", "HOME": "/home/u"} {
		if v, ok := get(got, name); !ok || v != want {
			t.Errorf("%s is %q, want %q", name, v, want)
		}
	}
	if got, err := Environ(nil, nil, []string{"CUDA_LAUNCH_BLOCKING=1", "CUDA_VISIBLE_DEVICES=0"}); err != nil || len(got) != len(environFixed)+2 {
		t.Errorf("variables of CUDA that steer a program and no loader: %v, %v", got, err)
	}
	if _, ok := get(got, "UNSET"); ok {
		t.Error("a variable that the caller does not have was made up")
	}
	for _, bad := range []string{"", "=x", "1A=x", "A B=x", "A-B", "LD_PRELOAD=/x", "LD_LIBRARY_PATH", "ld_preload=x", "GLIBC_TUNABLES=x",
		"_LIBCONTAINER_INITPIPE=3", "CUDA_INJECTION64_PATH=/x.so", "CUDA_MPS_PIPE_DIRECTORY=/x", "NVIDIA_VISIBLE_DEVICES=all", "nvidia_driver_capabilities=all", "A=x\x00y", "Ä=x"} {
		if got, err := Environ(nil, nil, []string{bad}); err == nil || got != nil {
			t.Errorf("--env %q was accepted", bad)
		}
	}
}

func TestEveryPatternOfTheTablesCanBeRead(t *testing.T) {
	patterns := slices.Concat(environAllowed, environSecret, secretNames)
	for _, r := range environRefused {
		patterns = append(patterns, r.name)
	}
	for _, p := range patterns {
		if _, err := path.Match(p, "x"); err != nil {
			t.Errorf("%q: %v", p, err)
		}
	}
	for _, p := range secretNames {
		if p != strings.ToLower(p) {
			t.Errorf("%q is not in lower case, so it never matches", p)
		}
	}
	for _, name := range environAllowed {
		if matches(environSecret, name) {
			t.Errorf("%s is allowed and secret", name)
		}
	}
}

func TestPATHKeepsOnlyFoldersThatExistInside(t *testing.T) {
	root := host(t, map[string]string{"/home/u/proj/load.py": "", "/home/u/tools/x": "x:" + elfFile(""), "/usr/games/": "", "/usr/local/bin/": "",
		"/home/u/proj/bin/": "", "/alias": "-> /usr/games"})
	in := typed("python3", "load.py")
	for _, c := range []struct{ name, path, want string }{
		{"host folders are dropped", "/home/u/tools:/usr/bin:/bin:/nowhere:/usr/games", "/usr/bin:/bin:/usr/games"},
		{"relative ones too", "/usr/bin::.:bin", "/usr/bin"},
		{"and where nothing may be executed", "/home/u/proj/bin:/usr/bin", "/usr/bin"},
		{"a link is replaced, a repetition dropped", "/usr/bin:/alias:/usr/games:/usr/bin", "/usr/bin:/usr/games"},
	} {
		in.Env = []string{"PATH=" + c.path}
		if got, _ := get(find(t, root, in).Env, "PATH"); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	in.Args, in.Env = []string{"/usr/bin/python3"}, []string{"PATH=/home/u/tools"}
	if got, _ := get(find(t, root, in).Env, "PATH"); got != "/usr/local/bin:/usr/bin:/bin" {
		t.Errorf("nothing left: got %q", got)
	}
	in.Vars = []string{"PATH=/opt/mine"}
	if got, _ := get(find(t, root, in).Env, "PATH"); got != "/opt/mine" {
		t.Errorf("--env PATH: got %q", got)
	}
	in.Vars = []string{"LD_PRELOAD=x"}
	if _, err := discover(root, in); err == nil {
		t.Error("--env LD_PRELOAD was accepted")
	}
}

func TestWhatTheCallersPythonSeesIsNoted(t *testing.T) {
	root := host(t, map[string]string{"/home/u/proj/": "", "/home/u/.local/lib/python3.11/site-packages/": ""})
	in := typed("python3", "-c", "1")
	in.Env = append(in.Env, "PYTHONPATH=/home/u/lib")
	f := find(t, root, in)
	if !noted(f, "PYTHONPATH") || !noted(f, "pip --user") {
		t.Errorf("notes: %q", f.Notes)
	}
	if _, ok := get(f.Env, "PYTHONPATH"); ok {
		t.Error("PYTHONPATH was passed")
	}
}
