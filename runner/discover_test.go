package runner

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// host builds a file system below a temporary folder. A name that ends in / is a folder; content that
// begins with "-> " makes a link, with "x:" an executable file.
func host(t *testing.T, files map[string]string) tree {
	t.Helper()
	root := t.TempDir()
	base := map[string]string{
		"/usr/bin/env": "x:" + elfFile(""), "/usr/bin/bash": "x:" + elfFile(""), "/usr/bin/sh": "-> bash",
		"/usr/bin/python3": "-> python3.11", "/usr/bin/python3.11": "x:" + elfFile("/lib64/ld.so"), "/usr/lib64/ld.so": "x:" + elfFile(""),
		"/usr/lib/python3.11/os.py": "", "/bin": "-> usr/bin", "/lib64": "-> usr/lib64", "/etc/ld.so.cache": "", "/home/u/": "",
		"/etc/passwd": "", "/tmp/": "",
	}
	for name, content := range files {
		base[name] = content
	}
	for name, content := range base {
		at := filepath.Join(root, name)
		must(t, os.MkdirAll(filepath.Dir(at), 0o755))
		link, isLink := strings.CutPrefix(content, "-> ")
		program, isProgram := strings.CutPrefix(content, "x:")
		switch {
		case strings.HasSuffix(name, "/"):
			must(t, os.MkdirAll(at, 0o755))
		case isLink:
			must(t, os.Symlink(link, at))
		case isProgram:
			must(t, os.WriteFile(at, []byte(program), 0o755))
		default:
			must(t, os.WriteFile(at, []byte(content), 0o644))
		}
	}
	return tree(root)
}

// elfFile is the smallest program with a header that can be read.
func elfFile(loader string) string {
	h := elf.Header64{Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: 1, Ehsize: 64, Phentsize: 56, Shentsize: 64}
	copy(h.Ident[:], "\x7fELF\x02\x01\x01")
	var out bytes.Buffer
	if loader == "" {
		_ = binary.Write(&out, binary.LittleEndian, h)
		return out.String()
	}
	h.Phoff, h.Phnum = 64, 1
	_ = binary.Write(&out, binary.LittleEndian, h)
	size := uint64(len(loader) + 1)
	_ = binary.Write(&out, binary.LittleEndian, elf.Prog64{Type: uint32(elf.PT_INTERP), Off: 120, Filesz: size, Memsz: size})
	return out.String() + loader + "\x00"
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// typed is a command line of user u in /home/u/proj.
func typed(args ...string) Command {
	return Command{Args: args, Dir: "/home/u/proj", Home: "/home/u", Env: []string{"PATH=/usr/bin:/bin"}}
}

func find(t *testing.T, root tree, in Command) Found {
	t.Helper()
	f, err := discover(root, in)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range f.Binds {
		for path := range f.Symlinks {
			if within(path, b.Target) {
				t.Errorf("link %s lies below the bind %s, which already has it", path, b.Target)
			}
		}
		if b.Why == "" {
			t.Errorf("bind %s without a reason", b.Target)
		}
	}
	return f
}

// shown lists the binds outside /usr and /etc; an executable one ends in *.
func shown(f Found) []string {
	out := []string{}
	for _, b := range f.Binds {
		if within(b.Target, "/usr") || within(b.Target, "/etc") {
			continue
		}
		name := b.Target
		if b.Exec {
			name += "*"
		}
		out = append(out, name)
	}
	return out
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

func noted(f Found, part string) bool {
	return slices.ContainsFunc(f.Notes, func(n string) bool { return strings.Contains(n, part) })
}

func TestTheCommandThatCannotBeStartedHasTheStatusOfAShell(t *testing.T) {
	root := host(t, map[string]string{
		"/home/u/proj/plain.py": "print()", "/home/u/proj/odd": "x:no header", "/home/u/proj/empty": "x:",
		"/home/u/proj/loop": "-> loop", "/home/u/proj/a": "-> b", "/home/u/proj/b": "-> a", "/home/u/proj/gone": "-> nowhere",
		"/home/u/proj/s1": "x:#!/home/u/proj/s2\n", "/home/u/proj/s2": "x:#!/home/u/proj/s1\n",
		"/home/u/proj/nointerp": "x:#!/no/such\n", "/home/u/proj/noenv": "x:#!/usr/bin/env nosuch\n",
		"/home/u/proj/crlf": "x:#!/usr/bin/python3\r\nprint()\r\n", "/opt/dir/python9/": "", "/opt/x/python9": "not executable",
		"/home/u/.asdf/shims/tool": "x:#!/usr/bin/env bash\nexec asdf exec tool\n",
	})
	for _, c := range []struct {
		name string
		arg  string
		code int
		says string
	}{
		{"a name that PATH does not have", "nosuch", 127, "PATH"},
		{"an empty name", "", 127, "empty"},
		{"a path that does not exist", "./nosuch", 127, "does not exist"},
		{"a link to nothing", "./gone", 127, "does not exist"},
		{"a file without the executable bit", "./plain.py", 126, "not executable"},
		{"a folder", "/usr", 126, "folder"},
		{"a file where a folder should be", "./plain.py/x", 126, "not a directory"},
		{"a link to itself", "./loop", 126, "too many symbolic links"},
		{"two links to each other", "./a", 126, "too many symbolic links"},
		{"neither program nor script", "./odd", 126, "neither"},
		{"an empty file", "./empty", 126, "neither"},
		{"two scripts that interpret each other", "./s1", 126, "and so on"},
		{"an interpreter that does not exist", "./nointerp", 126, "/no/such"},
		{"env with a name that PATH does not have", "./noenv", 127, "nosuch"},
		{"a first line that ends in a carriage return", "./crlf", 126, "does not exist"},
		{"a launcher that only its manager understands", "/home/u/.asdf/shims/tool", 126, "asdf"},
		{"a NUL byte", "a\x00b", 125, "NUL"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := discover(root, typed(c.arg))
			var ce *CommandError
			if !errors.As(err, &ce) {
				t.Fatalf("got %v, want a CommandError", err)
			}
			if ce.Code != c.code || !strings.Contains(ce.Error(), c.says) {
				t.Errorf("got %d %q, want %d with %q", ce.Code, ce, c.code, c.says)
			}
			if strings.Contains(ce.Error()+ce.Hint, string(root)) {
				t.Errorf("%q shows where the fake host lies", ce)
			}
		})
	}
	in := typed("python9")
	in.Env = []string{"PATH=/opt/dir:/opt/x:/opt/none"}
	_, err := discover(root, in)
	var ce *CommandError
	if !errors.As(err, &ce) || ce.Code != 126 {
		t.Errorf("a name that PATH has only as a file without the bit: got %v, want 126", err)
	}
	if _, err := discover(root, Command{Args: []string{"sh"}, Dir: "relative"}); err == nil {
		t.Error("a relative working directory was accepted")
	}
	if _, err := discover(root, Command{Dir: "/tmp"}); err == nil {
		t.Error("no command was accepted")
	}
}

func TestASystemPythonNeedsTheSystemAndTheScriptFolder(t *testing.T) {
	root := host(t, map[string]string{
		"/home/u/proj/load.py": "", "/home/u/proj/.env": "", "/home/u/proj/.git/": "", "/etc/python3.11/sitecustomize.py": "",
		"/etc/shadow": "", "/etc/ssl/certs/": "", "/etc/localtime": "-> /usr/share/zoneinfo/UTC", "/usr/share/zoneinfo/UTC": "",
		"/home/u/.ssh/id_rsa": "", "/home/u/proj/model/": "",
	})
	f := find(t, root, typed("python3", "-u", "-W", "ignore", "load.py", "model"))
	same(t, "arguments", f.Args, []string{"/usr/bin/python3", "-u", "-W", "ignore", "load.py", "model"})
	same(t, "binds", shown(f), []string{"/home/u/proj"})
	same(t, "masks", f.Masks, []string{"/home/u/proj/.env", "/home/u/proj/.git"})
	var etc []string
	for _, b := range f.Binds {
		if within(b.Target, "/etc") {
			etc = append(etc, b.Target)
		}
	}
	same(t, "settings", etc, []string{"/etc/ld.so.cache", "/etc/python3.11"})
	if f.Symlinks["/bin"] != "usr/bin" || f.Symlinks["/lib64"] != "usr/lib64" || f.Symlinks["/etc/localtime"] == "" || len(f.Symlinks) != 3 {
		t.Errorf("links: %q", f.Symlinks)
	}
	if f.Script != "/home/u/proj/load.py" || f.Dir != "/home/u/proj" || len(f.Notes) != 0 {
		t.Errorf("script %q, folder %q, notes %q", f.Script, f.Dir, f.Notes)
	}
}

func TestAHostWithoutMergedFoldersBindsThem(t *testing.T) {
	root := host(t, map[string]string{"/lib/x86_64-linux-gnu/libc.so.6": "", "/home/u/proj/": ""})
	same(t, "binds", shown(find(t, root, typed("python3", "-c", "1"))), []string{"/lib*"})
}

func TestALinkedWorkingDirectoryKeepsItsName(t *testing.T) {
	root := host(t, map[string]string{"/data/proj/load.py": "", "/home/u/proj": "-> /data/proj"})
	f := find(t, root, typed("python3", "load.py"))
	same(t, "binds", shown(f), []string{"/data/proj"})
	if f.Dir != "/home/u/proj" || f.Symlinks["/home/u/proj"] != "/data/proj" {
		t.Errorf("folder %q, links %q", f.Dir, f.Symlinks)
	}
}

func TestNothingInsideAModelIsBound(t *testing.T) {
	root := host(t, map[string]string{
		"/home/u/proj/model/tools/load.py": "", "/home/u/proj/model/bin/run": "x:" + elfFile(""), "/home/u/proj/load.py": "",
	})
	in := typed("python3", "model/tools/load.py")
	in.Models = []string{"/home/u/proj/model"}
	f := find(t, root, in)
	same(t, "binds", shown(f), []string{})
	if !noted(f, "inside the model") {
		t.Errorf("notes: %q", f.Notes)
	}
	in.Args = []string{"python3", "load.py"}
	same(t, "binds of a script beside the model", shown(find(t, root, in)), []string{"/home/u/proj"})
	in.Args = []string{"model/bin/run"}
	var ce *CommandError
	if _, err := discover(root, in); !errors.As(err, &ce) || ce.Code != 126 {
		t.Errorf("a program inside the model: %v", err)
	}
}
