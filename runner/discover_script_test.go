package runner

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheScriptIsTheFirstArgumentThatIsNotAnOption(t *testing.T) {
	for _, c := range []struct {
		name, program, words, script string
	}{
		{"plain", "python3", "a.py b.py", "a.py"},
		{"flags without value", "python3", "-u -I -OO a.py", "a.py"},
		{"-W with its value in the next word", "python3", "-W ignore a.py", "a.py"},
		{"-W with its value in the same word", "python3", "-Wignore a.py", "a.py"},
		{"-X behind other letters", "python3", "-uX dev a.py", "a.py"},
		{"a module", "python3", "-m a.py b.py", ""},
		{"a module behind other letters", "python3", "-um a.py", ""},
		{"code", "python3", "-c a.py", ""},
		{"standard input", "python3", "- a.py", ""},
		{"end of options", "python3", "-- a.py", "a.py"},
		{"long option with value", "python3", "--check-hash-based-pycs always a.py", "a.py"},
		{"versioned name", "python3.11", "a.py", "a.py"},
		{"PyPy", "pypy3.10", "a.py", "a.py"},
		{"shell code", "bash", "-ec a.py", ""},
		{"shell option with value", "bash", "-o pipefail +x a.py", "a.py"},
		{"shell script", "sh", "-e a.py x", "a.py"},
		{"node code", "node", "-e a.py", ""},
		{"node with a preload", "node", "--require x a.py", "a.py"},
		{"perl code", "perl", "-ne a.py", ""},
		{"perl module whose name contains e", "perl", "-MList::Time a.py", "a.py"},
		{"nothing", "python3", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			words := strings.Fields(c.words)
			got := ""
			if at, _ := familyOf(c.program).script(words); at >= 0 {
				got = words[at]
			}
			if got != c.script {
				t.Errorf("got %q, want %q", got, c.script)
			}
		})
	}
	for _, other := range []string{"true", "pythonic", "shred", "nodeps"} {
		if familyOf(other) != nil {
			t.Errorf("%s was taken for an interpreter", other)
		}
	}
}

func TestTheScriptFolderIsNeverMoreThanTheScriptsOwn(t *testing.T) {
	root := host(t, map[string]string{
		"/home/u/a.py": "", "/home/u/proj/a.py": "", "/home/u/proj/sub/a.py": "", "/home/a.py": "", "/home/v/a.py": "", "/a.py": "",
		"/tmp/a.py": "", "/tmp/x/a.py": "", "/root/a.py": "", "/etc/x/a.py": "", "/run/user/1/x/a.py": "", "/home/u/.ssh/a.py": "",
		"/home/u/proj/.git/hooks/a.py": "", "/usr/share/x/a.py": "", "/proc/a.py": "", "/home/u/.local/share/a.py": "",
		"/home/u/tools/a.py": "", "/srv/app/a.py": "", "/home/u/proj/pkg/__main__.py": "", "/home/u/proj/data/": "",
	})
	for _, c := range []struct {
		script string
		binds  []string
		note   string
	}{
		{"a.py", []string{"/home/u/proj"}, ""},
		{"sub/a.py", []string{"/home/u/proj/sub"}, ""},
		{"../proj/./sub/../a.py", []string{"/home/u/proj"}, ""},
		{"/tmp/x/a.py", []string{"/tmp/x"}, ""},
		{"/srv/app/a.py", []string{"/srv/app"}, ""},
		{"/usr/share/x/a.py", []string{}, ""},
		{"pkg", []string{"/home/u/proj/pkg"}, ""},
		{"data", []string{}, ""},
		{"missing.py", []string{}, ""},
		{"/home/u/a.py", []string{"/home/u/a.py"}, "home folder"},
		{"/home/a.py", []string{"/home/a.py"}, "home folder or above"},
		{"/a.py", []string{"/a.py"}, "home folder or above"},
		{"/home/v/a.py", []string{"/home/v/a.py"}, "a home folder"},
		{"/root/a.py", []string{"/root/a.py"}, "shared"},
		{"/tmp/a.py", []string{"/tmp/a.py"}, "shared"},
		{"/run/user/1/x/a.py", []string{"/run/user/1/x/a.py"}, "part of /run"},
		{"/home/u/.local/share/a.py", []string{"/home/u/.local/share/a.py"}, "shared"},
		{"/home/u/.ssh/a.py", []string{"/home/u/.ssh/a.py"}, "credentials"},
		{".git/hooks/a.py", []string{"/home/u/proj/.git/hooks/a.py"}, "credentials"},
		{"/home/u/tools/a.py", []string{"/home/u/tools/a.py"}, "folder of programs"},
		{"/proc/a.py", []string{}, "its own /proc"},
	} {
		t.Run(c.script, func(t *testing.T) {
			in := typed("python3", c.script)
			in.Env = []string{"PATH=/usr/bin:/home/u/tools"}
			f := find(t, root, in)
			same(t, "binds", shown(f), c.binds)
			if c.note == "" && len(f.Notes) > 0 || !noted(f, c.note) && c.note != "" {
				t.Errorf("notes %q, want %q", f.Notes, c.note)
			}
		})
	}
	f := find(t, root, typed("python3", "/etc/x/a.py"))
	if !noted(f, "part of /etc") {
		t.Errorf("a script in /etc: notes %q", f.Notes)
	}
}

func TestALinkedScriptBringsTheRealFolder(t *testing.T) {
	root := host(t, map[string]string{
		"/home/u/proj/run.py": "-> ../src/app/hop.py", "/home/u/src/app/hop.py": "-> /data/real/main.py",
		"/data/real/main.py": "", "/data/real/helper.py": "",
	})
	f := find(t, root, typed("python3", "run.py"))
	same(t, "binds", shown(f), []string{"/data/real", "/home/u/proj"})
	if f.Symlinks["/home/u/src/app/hop.py"] != "/data/real/main.py" || f.Script != "/home/u/proj/run.py" {
		t.Errorf("links %q, script %q", f.Symlinks, f.Script)
	}
}

func TestSecretsAtTheTopOfAFolderAreHidden(t *testing.T) {
	root := host(t, map[string]string{
		"/home/u/proj/load.py": "", "/home/u/proj/.ENV": "", "/home/u/proj/.env.local": "", "/home/u/proj/server.key": "",
		"/home/u/proj/id_rsa": "", "/home/u/proj/id_rsa.pub": "", "/home/u/proj/environment.py": "", "/home/u/proj/keys.py": "",
		"/home/u/proj/.netrc": "-> conf/netrc", "/home/u/proj/conf/netrc": "", "/home/u/proj/.aws": "-> /home/u/.aws", "/home/u/.aws/": "",
		"/home/u/proj/.hg": "-> .", "/home/u/proj/.svn": "-> /usr", "/home/u/proj/.docker": "-> nowhere", "/home/u/proj/.cargo": "-> .cargo",
	})
	f := find(t, root, typed("python3", "load.py"))
	same(t, "masks", f.Masks, []string{
		"/home/u/proj/.ENV", "/home/u/proj/.env.local", "/home/u/proj/conf/netrc", "/home/u/proj/id_rsa", "/home/u/proj/server.key"})
}

func TestWhatTheCommandNeedsIsNotHidden(t *testing.T) {
	root := host(t, map[string]string{
		"/home/u/proj/load.py": "", "/home/u/proj/.env/pyvenv.cfg": "home = /usr/bin\n", "/home/u/proj/.env/bin/python": "-> /usr/bin/python3",
		"/home/u/proj/.env/.git-credentials": "", "/home/u/proj/.config/models/m/": "", "/home/u/proj/.config/gh/": "",
		"/home/u/proj/.config/loop": "-> ../.config",
	})
	in := typed(".env/bin/python", "load.py")
	in.Models = []string{"/home/u/proj/.config/models/m"}
	f := find(t, root, in)
	same(t, "binds", shown(f), []string{"/home/u/proj", "/home/u/proj/.env*"})
	same(t, "masks", f.Masks, []string{"/home/u/proj/.config/gh", "/home/u/proj/.env/.git-credentials"})
}

func TestASocketBesideTheScriptIsHidden(t *testing.T) {
	root := host(t, map[string]string{"/p/load.py": ""})
	l, err := net.Listen("unix", filepath.Join(string(root), "p", "agent.sock"))
	if err != nil {
		t.Skipf("needs a short temporary folder for a socket: %v", err)
	}
	defer l.Close()
	same(t, "masks", find(t, root, typedIn("/p", "python3", "load.py")).Masks, []string{"/p/agent.sock"})
}

func typedIn(dir string, args ...string) Command {
	in := typed(args...)
	in.Dir = dir
	return in
}

func TestAScriptAsTheCommandIsStartedThroughItsInterpreter(t *testing.T) {
	long := "/home/u/a very long path/bin/python"
	root := host(t, map[string]string{
		"/home/u/proj/plain.py": "x:#!/usr/bin/python3\n", "/home/u/proj/arg.py": "x:#! /usr/bin/python3 -u -O \n",
		"/home/u/proj/env.py": "x:#!/usr/bin/env python3\n", "/home/u/proj/split.py": "x:#!/usr/bin/env -S python3 -u\n",
		"/home/u/proj/assign.py": "x:#!/usr/bin/env -S A=1 python3\n", "/home/u/proj/nested": "x:#!/home/u/tools/wrap\n",
		"/home/u/tools/wrap": "x:#!/bin/sh -e\n", "/home/u/proj/noend": "x:#!/bin/sh", "/home/u/tools/found": "x:#!/usr/bin/env python3\n",
		long: "x:" + elfFile(""), "/home/u/proj/tramp": "x:#!/bin/sh\n'''exec' \"" + long + "\" \"$0\" \"$@\"\n' '''\nimport sys\n",
		"/home/u/proj/beside": "x:#!/bin/sh\n'''exec' \"$(dirname -- \"$(realpath -- \"$0\")\")\"/'py' \"$0\" \"$@\"\n' '''\n",
		"/home/u/proj/py":     "x:" + elfFile(""), "/home/u/proj/trick": "x:#!/bin/sh\n'''exec' \"$(id)/python\" \"$0\" \"$@\"\n",
	})
	for _, c := range []struct{ name, arg, want string }{
		{"an absolute interpreter", "./plain.py", "/usr/bin/python3|./plain.py|x"},
		{"one argument however many words", "./arg.py", "/usr/bin/python3|-u -O|./arg.py|x"},
		{"env is looked up here", "./env.py", "/usr/bin/python3|./env.py|x"},
		{"env -S splits", "./split.py", "/usr/bin/python3|-u|./split.py|x"},
		{"env that does more runs inside", "./assign.py", "/usr/bin/env|-S A=1 python3|./assign.py|x"},
		{"an interpreter that is a script", "./nested", "/bin/sh|-e|/home/u/tools/wrap|./nested|x"},
		{"a first line without an end", "./noend", "/bin/sh|./noend|x"},
		{"a script from PATH becomes absolute", "found", "/usr/bin/python3|/home/u/tools/found|x"},
		{"pip's lines for a long path", "./tramp", long + "|./tramp|x"},
		{"uv's lines for a movable environment", "./beside", "/home/u/proj/py|./beside|x"},
		{"lines that only look like pip's", "./trick", "/bin/sh|./trick|x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := typed(c.arg, "x")
			in.Env = []string{"PATH=/usr/bin:/home/u/tools"}
			f := find(t, root, in)
			same(t, "arguments", f.Args, strings.Split(c.want, "|"))
			if base := filepath.Base(f.Script); base != filepath.Base(c.arg) {
				t.Errorf("script %q", f.Script)
			}
			if !showsFile(f, f.Script) {
				t.Errorf("the script %q is not visible: %q", f.Script, shown(f))
			}
		})
	}
}

func showsFile(f Found, name string) bool {
	for _, b := range f.Binds {
		if within(name, b.Target) {
			return true
		}
	}
	return false
}

func TestAFIFOIsNotOpened(t *testing.T) {
	root := host(t, map[string]string{"/home/u/proj/": ""})
	fifo := filepath.Join(string(root), "home/u/proj/pipe")
	makeFIFO(t, fifo)
	must(t, os.Chmod(fifo, 0o755))
	if _, err := discover(root, typed("./pipe")); err == nil {
		t.Error("a FIFO was taken for a program")
	}
	same(t, "binds for a FIFO as the script", shown(find(t, root, typed("python3", "pipe"))), []string{})
}

func TestAModuleOfTheWorkingDirectoryIsNoted(t *testing.T) {
	root := host(t, map[string]string{"/home/u/proj/train/__init__.py": ""})
	f := find(t, root, typed("python3", "-m", "train.main"))
	if !noted(f, "-m train.main") || len(shown(f)) != 0 {
		t.Errorf("notes %q, binds %q", f.Notes, shown(f))
	}
	if f := find(t, root, typed("python3", "-m", "json.tool")); len(f.Notes) != 0 {
		t.Errorf("a module of the library is noted: %q", f.Notes)
	}
}

func FuzzFirstLines(f *testing.F) {
	for _, seed := range []string{"/usr/bin/env python3\n", "/usr/bin/env -S python3 -u\n", "/bin/sh\n'''exec' \"/a b/python\" \"$0\" \"$@\"\n",
		"/bin/sh\n'''exec' \"$(dirname -- \"$(realpath -- \"$0\")\")\"/'py' \"$0\" \"$@\"\n", "python\r\n", "\t x \t y\n", "/bin/sh\n'''exec' \"\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		line, after, _ := strings.Cut(text, "\n")
		if line = strings.Trim(line, " \t"); line == "" {
			return
		}
		got := interpreterOf(program{path: "/p/x", found: walked{real: "/p/x"}}, line, after)
		if len(got) == 0 || got[0] == "" {
			t.Fatalf("%q names no interpreter: %q", text, got)
		}
		for _, fam := range families {
			words := strings.Fields(text)
			if at, _ := fam.script(words); at >= len(words) {
				t.Fatalf("%q: script %d of %d words", text, at, len(words))
			}
		}
		for _, v := range strings.Fields(text) {
			if safeVersion(v) && filepath.Dir(filepath.Join("/v", v)) != "/v" {
				t.Fatalf("version %q leaves its folder", v)
			}
		}
	})
}
