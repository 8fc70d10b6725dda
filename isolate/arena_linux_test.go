package isolate

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"net"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

// victim is a process of the host.
func victim(t *testing.T, a *arena) {
	cmd := exec.Command("sleep", "600")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	a.target = fmt.Sprint(cmd.Process.Pid)
}

func tcpServer(t *testing.T, a *arena) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serve(t, l)
	a.target = fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
}

func abstractServer(t *testing.T, a *arena) {
	a.target = "loadlock-" + rand.Text()
	l, err := net.Listen("unix", "@"+a.target)
	if err != nil {
		t.Fatal(err)
	}
	serve(t, l)
}

func serve(t *testing.T, l net.Listener) {
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
}

// sharedMemory is a System V segment that everybody on the host may open.
func sharedMemory(t *testing.T, a *arena) {
	n, err := rand.Int(rand.Reader, big.NewInt(1<<30))
	if err != nil {
		t.Fatal(err)
	}
	id, err := unix.SysvShmGet(int(n.Int64())+1, 4096, unix.IPC_CREAT|unix.IPC_EXCL|0o666)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = unix.SysvShmCtl(id, unix.IPC_RMID, nil) })
	a.target = fmt.Sprint(n.Int64() + 1)
}

func forkHere() error { return exec.Command("/bin/true").Run() }
