package isolate

import (
	"fmt"
	"net"
	"testing"
)

func tcpServer(t *testing.T, a *arena) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serve(t, l)
	a.target = fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
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
