package isolate

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// cellAttack is something a compromised parser would try. It returns nil when it got through.
type cellAttack struct {
	name string
	try  func() error
}

var cellAttacks = []cellAttack{
	{"read a file", func() error { _, err := os.ReadFile("/etc/passwd"); return err }},
	{"write a file", func() error { return os.WriteFile("/tmp/loadlock-cell-test", nil, 0o600) }},
	{"list a folder", func() error { _, err := os.ReadDir("/"); return err }},
	{"open a socket", func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		if err == nil {
			unix.Close(fd)
		}
		return err
	}},
	{"listen on a path", func() error {
		l, err := net.Listen("unix", "@loadlock-cell-test")
		if err == nil {
			l.Close()
		}
		return err
	}},
	{"start a program", func() error { return exec.Command("/bin/true").Run() }},
	{"see its own program", func() error { _, err := os.Open("/proc/self/exe"); return err }},
	{"signal its parent", func() error { return unix.Kill(os.Getppid(), 0) }},
	{"trace its parent", func() error { return unix.PtraceAttach(os.Getppid()) }},
	{"make a namespace", func() error { return unix.Unshare(unix.CLONE_NEWUSER) }},
	// A GPU's node is as /dev/null is: everybody's. Validation gets none, whatever a run is granted.
	{"open a device node", func() error {
		fd, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
		if err == nil {
			unix.Close(fd)
		}
		return err
	}},
	{"command a device", func() error { _, err := unix.IoctlGetInt(4, unix.TIOCINQ); return err }},
	{"make anonymous executable memory", func() error {
		fd, err := unix.MemfdCreate("x", 0)
		if err == nil {
			unix.Close(fd)
		}
		return err
	}},
}

// attackFromCell is the child: it tries everything twice, before and after it confined itself.
func attackFromCell() {
	try := func(to io.Writer, stage string) {
		for _, a := range cellAttacks {
			if a.name == "trace its parent" && stage == "open" {
				continue // it would stop the test
			}
			if err := a.try(); err == nil {
				fmt.Fprintf(to, "%s through: %s\n", stage, a.name)
			}
		}
	}
	early := os.NewFile(4, "answers")
	try(early, "open")
	requests, answers, err := CellInit()
	if err != nil {
		fmt.Fprintln(early, err)
		os.Exit(1)
	}
	try(answers, "confined")
	done := make(chan bool)
	go func() { // another thread is as confined
		_, err := os.ReadFile("/etc/passwd")
		fmt.Fprintln(answers, "other thread:", err != nil)
		close(done)
	}()
	<-done
	fmt.Fprintln(answers, "hello")
	_, _ = io.Copy(io.Discard, requests) // until the parent closes
	os.Exit(0)
}

func TestACellHasNothing(t *testing.T) {
	c, err := StartCell(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var lines []string
	for s := bufio.NewScanner(c.Answers); s.Scan() && s.Text() != "hello"; {
		lines = append(lines, s.Text())
	}
	if err := c.Observe(); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 && !singleID() && !slices.Contains(c.Confinement, "uid 65534") {
		t.Errorf("the cell of root is %v", c.Confinement)
	}
	_, noLandlock := landlockABI()
	for _, a := range cellAttacks {
		open, confined := slices.Contains(lines, "open through: "+a.name), slices.Contains(lines, "confined through: "+a.name)
		if needsFiles := a.name == "read a file" || a.name == "write a file" || a.name == "list a folder" || a.name == "see its own program"; needsFiles && noLandlock != nil {
			continue // openat is refused by seccomp too; nothing weaker to compare with
		}
		if confined {
			t.Errorf("%s gets through", a.name)
		}
		if !open && a.name != "trace its parent" && a.name != "make a namespace" && os.Geteuid() == 0 {
			t.Errorf("%s does not get through without confinement, so it proves nothing", a.name)
		}
	}
	if !slices.Contains(lines, "other thread: true") {
		t.Errorf("another thread is not confined\n%s", strings.Join(lines, "\n"))
	}
}

func TestACellEndsWithItsParentsSocket(t *testing.T) {
	c, err := StartCell(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(c.Answers, 1))
	if err := c.Close(); err != nil && !strings.Contains(err.Error(), "broken pipe") {
		t.Error(err)
	}
	if err := unix.Kill(c.cmd.Process.Pid, 0); err != unix.ESRCH {
		t.Errorf("the child is still there: %v", err)
	}
}
