package cdi

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/isolate/gpu/gputest"
	"golang.org/x/sys/unix"
	"tags.cncf.io/container-device-interface/pkg/cdi"
)

// Each way of having a file that somebody else decides about, or that is none: what it defines does not exist, and the
// message about its name says why. The library of CDI reads most of them.
func TestFilesThatAreNotBelieved(t *testing.T) {
	const nobody = 65534
	text := spec("    env: [NVIDIA_VISIBLE_DEVICES=0]\n")
	write := func(t *testing.T, name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name    string
		root    bool
		make    func(t *testing.T, dir, file string) error // file is a good spec
		why     string                                     // empty: believed
		library bool                                       // it reads the file
	}{
		{"a good file", false, func(*testing.T, string, string) error { return nil }, "", true},
		{"read-only", false, func(_ *testing.T, _, f string) error { return os.Chmod(f, 0o444) }, "", true},
		{"for its owner only", false, func(_ *testing.T, d, f string) error { return errors.Join(os.Chmod(f, 0o600), os.Chmod(d, 0o700)) }, "", true},
		{"written by others", false, func(_ *testing.T, _, f string) error { return os.Chmod(f, 0o646) }, "may be written by its group or by others (mode 0646)", true},
		{"written by the group", false, func(_ *testing.T, _, f string) error { return os.Chmod(f, 0o664) }, "may be written by its group or by others (mode 0664)", true},
		{"another user's", true, func(_ *testing.T, _, f string) error { return os.Chown(f, nobody, 0) }, "belongs to user 65534", true},
		{"a link", false, func(t *testing.T, d, f string) error {
			write(t, filepath.Join(d, "elsewhere"), text)
			return errors.Join(os.Remove(f), os.Symlink("elsewhere", f))
		}, "is a symbolic link", true},
		{"a pipe", false, func(_ *testing.T, _, f string) error { return errors.Join(os.Remove(f), unix.Mkfifo(f, 0o644)) }, "is not a regular file", false},
		{"a folder", false, func(_ *testing.T, _, f string) error { return errors.Join(os.Remove(f), os.Mkdir(f, 0o755)) }, "is not a regular file", false},
		{"a socket", false, func(t *testing.T, _, f string) error {
			if err := os.Remove(f); err != nil {
				return err
			}
			l, err := net.ListenUnix("unix", &net.UnixAddr{Name: f})
			if err == nil {
				t.Cleanup(func() { l.Close() })
			}
			return err
		}, "no such device or address", false},
		{"a gibibyte", false, func(_ *testing.T, _, f string) error { return os.Truncate(f, 1<<30) }, "is larger than 1048576 bytes", false},
		{"rubbish", false, func(t *testing.T, _, f string) error { write(t, f, "{{{"); return nil }, "did not find expected", false},

		{"a folder written by others", false, func(_ *testing.T, d, _ string) error { return os.Chmod(d, 0o757) }, "the folder cdi may be written", true},
		{"a folder written by its group", false, func(_ *testing.T, d, _ string) error { return os.Chmod(d, 0o775) }, "the folder cdi may be written", true},
		{"a sticky folder", false, func(_ *testing.T, d, _ string) error { return os.Chmod(d, 0o777|os.ModeSticky) }, "the folder cdi may be written", true},
		{"another user's folder", true, func(_ *testing.T, d, _ string) error { return os.Chown(d, nobody, 0) }, "cdi belongs to user 65534", true},
		{"below a folder written by others", false, func(_ *testing.T, d, _ string) error { return os.Chmod(filepath.Dir(d), 0o777) }, "the folder etc may be written", true},
		{"below another user's folder", true, func(_ *testing.T, d, _ string) error { return os.Chown(filepath.Dir(d), nobody, 0) }, "etc belongs to user 65534", true},
		{"below a sticky folder", false, func(_ *testing.T, d, _ string) error { return os.Chmod(filepath.Dir(d), 0o777|os.ModeSticky) }, "", true},
		{"a folder by a link", false, func(_ *testing.T, d, _ string) error {
			return errors.Join(os.Rename(d, d+"-real"), os.Symlink("../etc/cdi-real", d))
		}, "", true},
		{"a folder by another user's link", true, func(_ *testing.T, d, _ string) error {
			return errors.Join(os.Rename(d, d+"-real"), os.Symlink("cdi-real", d), os.Lchown(d, nobody, 0))
		}, "cdi belongs to user 65534", true},
		{"a folder by a link to itself", false, func(_ *testing.T, d, _ string) error {
			return errors.Join(os.Rename(d, d+"-real"), os.Symlink("cdi", d))
		}, "too many levels of symbolic links", false},
		{"too many files", false, func(t *testing.T, d, _ string) error {
			for i := range filesMax {
				write(t, filepath.Join(d, fmt.Sprintf("%d.json", i)), "")
			}
			return nil
		}, "has 257 specs; 256 are allowed", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.root {
				needRoot(t)
			}
			root := gputest.H100(t, t.TempDir(), 1)
			root.Write("/etc/cdi/nvidia.yaml", text)
			dir, file := root.Path("/etc/cdi"), root.Path("/etc/cdi/nvidia.yaml")
			if err := tt.make(t, dir, file); err != nil {
				t.Fatal(err)
			}
			specs := load(t, root)
			_, offers, err := specs.Select(root.Discover(), []string{"nvidia.com/gpu=0"})
			if err == nil && (len(offers) != 1 || len(offers[0].Specs) != 1) {
				t.Errorf("it is not the spec that was believed: %+v", offers)
			}
			if (err != nil) != (tt.why != "") || err != nil && !strings.Contains(err.Error(), tt.why) {
				t.Errorf("%v, want %q", err, tt.why)
			}
			if tt.name == "a pipe" || tt.name == "a gibibyte" {
				return // the library waits for a writer, and reads the gibibyte
			}
			if theirs, err := cdi.ReadSpec(file, 0); (err == nil && theirs != nil) != tt.library {
				t.Errorf("the library: %v", err)
			}
		})
	}
}

// The folders in order: absent ones are nothing, later ones are stronger, and two files of one folder make a name nobody's.
func TestFolders(t *testing.T) {
	named := func(library string) string { return spec("    env: [NVIDIA_VISIBLE_DEVICES=" + library + "]\n") }
	root := gputest.H100(t, t.TempDir(), 1)
	host := root.Discover()
	offered := func(specs Specs) string {
		t.Helper()
		o, err := specs.Offer("nvidia.com/gpu=0", host)
		if err != nil {
			return err.Error()
		}
		return o.Specs[0].Path + " " + strings.Join(o.Env, " ") + " " + o.Note
	}
	want := func(got, part string) {
		t.Helper()
		if !strings.Contains(got, part) {
			t.Errorf("%q, want %q", got, part)
		}
	}
	want(offered(load(t, root)), "no spec in /etc/cdi, /var/run/cdi offers it")
	root.Write("/etc/cdi/a.yaml", named("etc"))
	want(offered(load(t, root)), "/etc/cdi/a.yaml NVIDIA_VISIBLE_DEVICES=etc")
	root.Write("/run/cdi/a.yaml", named("run"))
	root.Link("/var/run", "/run") // as on every distribution
	want(offered(load(t, root)), "/var/run/cdi/a.yaml NVIDIA_VISIBLE_DEVICES=run")
	root.Write("/home/user/cdi/a.json", named("own"))
	want(offered(load(t, root, "/home/user/cdi")), "/home/user/cdi/a.json NVIDIA_VISIBLE_DEVICES=own")
	root.Write("/run/cdi/b.yaml", named("second"))
	want(offered(load(t, root)), "both /var/run/cdi/a.yaml and /var/run/cdi/b.yaml define it")
	want(offered(load(t, root, "/home/user/cdi")), "NVIDIA_VISIBLE_DEVICES=own")
	root.Write("/run/cdi/b.yml", "not read: the library of CDI reads .yaml and .json")
	root.Write("/run/cdi/README", "neither")
	if specs := load(t, root); len(specs.Problems) > 0 {
		t.Error(specs.Problems)
	}
	root.Remove("/run/cdi/b.yaml")
	root.Write("/run/cdi/a.yaml", "{") // the weaker one holds, and that is said
	want(offered(load(t, root)), "/etc/cdi/a.yaml NVIDIA_VISIBLE_DEVICES=etc not read: /var/run/cdi/a.yaml: ")
	for dir, why := range map[string]string{"/home/user/none": "no such file", "/home/user/cdi/a.json": "not a directory"} {
		if _, err := Load(root.Dir, dir); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", dir, err)
		}
	}
}
