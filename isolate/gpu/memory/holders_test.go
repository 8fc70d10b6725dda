package memory

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate/validatetest"
)

func TestHolders(t *testing.T) {
	me := strconv.Itoa(os.Getpid())
	root := proc(t, map[string][2]string{
		"7/3": {"/dev/nvidia0", ""}, "7/4": {"/dev/nvidia0", ""}, // once
		"8/3":       {"/dev/nvidia1", ""},
		"9/3":       {"/dev/nvidia0", ""},
		"10/3":      {"/dev/nvidia0", ""},
		me + "/3":   {"/dev/nvidia0", ""},
		"11/0":      {"/dev/null", ""},
		"12/3":      {"/home/x/dev/nvidia0", ""},
		"13/3":      {"/dev/nvidia00", ""},
		"thing/3":   {"/dev/nvidia0", ""},
		"14/notafd": {"/dev/nvidia1", ""},
	})
	if err := errors.Join(os.WriteFile(filepath.Join(root, "proc/7/comm"), []byte("python3\n"), 0o644),
		os.Symlink("/usr/bin/nvidia-persistenced", filepath.Join(root, "proc/9/exe")), // the driver's own
		os.WriteFile(filepath.Join(root, "proc/10/comm"), []byte("nvidia-persiste\n"), 0o644),
		os.Symlink("/tmp/nvidia-persistenced", filepath.Join(root, "proc/10/exe"))); err != nil { // says it is, and is not
		t.Fatal(err)
	}
	got, unseen := Holders(root, []string{"/dev/nvidia0"})
	if want := "[{7 python3 /dev/nvidia0} {10 nvidia-persiste /dev/nvidia0}]"; fmt.Sprint(got) != want || unseen != 0 {
		t.Errorf("%v, %d; want %s", got, unseen, want)
	}
	if got, _ := Holders(root, nil); got != nil {
		t.Errorf("%v", got)
	}
	crowd := map[string][2]string{}
	for pid := range 3 * maxHolders {
		crowd[fmt.Sprintf("%d/3", pid+100)] = [2]string{"/dev/nvidia0", ""}
	}
	if got, _ := Holders(proc(t, crowd), []string{"/dev/nvidia0"}); len(got) != maxHolders {
		t.Errorf("%d listed", len(got))
	}
}

// On this machine, with a node that is everywhere.
func TestHoldersAreSeenInTheRealProc(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p, err := os.StartProcess("/bin/cat", []string{"cat"}, &os.ProcAttr{Files: []*os.File{r, must(os.OpenFile("/dev/full", os.O_RDWR, 0)), nil}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { w.Close(); _, _ = p.Wait() }()
	got, _ := Holders("/", []string{"/dev/full"})
	for _, h := range got {
		if h.Pid == p.Pid && h.Name == "cat" {
			return
		}
	}
	t.Errorf("%v, without process %d", got, p.Pid)
}

func TestXids(t *testing.T) {
	const log = "6,1,1,-;Linux version 6.18\n" +
		"4,2,2,-;NVRM: Xid (PCI:0000:17:00): 79, pid=7, GPU has fallen off the bus.\n SUBSYSTEM=pci\n" +
		"3,3,3,-;NVRM: Xid (PCI:0000:2a:00): 31, pid=8, name=python\n" +
		"12,4,4,-;NVRM: Xid (PCI:0000:17:00): 79, written by a user\n" +
		"4,5,5,-;usb 1-1: Product: NVRM: Xid (PCI:0000:17:00): 79\n" +
		"4,6,6,-;NVRM: Xid (PCI:0000:17:00\n" +
		"x,7,7,-;NVRM: Xid (PCI:0000:17:00): 79\n"
	root := tree(t, map[string]string{"dev/kmsg": log})
	for _, tt := range []struct {
		ids  []string
		want int
	}{{[]string{"0000:17:00.0"}, 1}, {[]string{"00000000:17:00.0", "0000:2A:00.0"}, 2}, {[]string{"0000:18:00.0"}, 0}, {[]string{""}, 0}, {nil, 0}} {
		if n, known := Xids(root, tt.ids); n != tt.want || !known {
			t.Errorf("%v: %d, %v; want %d", tt.ids, n, known, tt.want)
		}
	}
	if _, known := Xids(t.TempDir(), []string{"0000:17:00.0"}); known {
		t.Error("a log that is not there is known")
	}
}

// The real log is read to its end, and not beyond.
func TestTheKernelsLogIsNotWaitedFor(t *testing.T) {
	f, err := os.OpenFile("/dev/kmsg", os.O_RDONLY, 0)
	validatetest.Need(t, "kmsg", err)
	f.Close()
	if n, known := Xids("/", []string{"ffff:ff:00.0"}); n != 0 || !known {
		t.Errorf("%d, %v", n, known)
	}
}

func FuzzXid(f *testing.F) {
	f.Add("4,2,2,-;NVRM: Xid (PCI:0000:17:00): 79, pid=7\n")
	f.Fuzz(func(t *testing.T, s string) {
		if isXid(s, []string{"0000:17:00.0"}) && !strings.Contains(s, ";NVRM: Xid (PCI:") {
			t.Fatalf("%q", s)
		}
	})
}
