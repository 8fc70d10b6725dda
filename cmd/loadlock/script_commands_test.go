package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// commands are what the scripts have beside testscript's own.
var commands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"status":    wantStatus,
	"interrupt": interrupt,
	"writing":   writing,
	"make":      makeFile,
}

// wantStatus is "status N command…": runs a command that must end with exactly that status.
func wantStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N command…")
	}
	expect(ts, args[0], args[1:], ts.Exec(args[1], args[2:]...))
}

func expect(ts *testscript.TestScript, want string, argv []string, err error) {
	code := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.Exited():
		code = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%q: %v", argv, err)
	}
	if strconv.Itoa(code) != want {
		ts.Fatalf("%q: exit status %d, want %s", argv, code, want)
	}
}

// interrupt is "interrupt SIGNAL WHEN N command…": starts a command, sends it a signal once its stdout has
// the text WHEN (or after that duration), and wants exit status N. Leaves stdout and stderr in files.
func interrupt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 || unix.SignalNum(args[0]) == 0 {
		ts.Fatalf("usage: interrupt SIGNAL WHEN N command…")
	}
	cmd := command(ts, args[3:])
	out, err := os.Create(ts.MkAbs("stdout.txt"))
	ts.Check(err)
	defer out.Close()
	errf, err := os.Create(ts.MkAbs("stderr.txt"))
	ts.Check(err)
	defer errf.Close()
	r, w, err := os.Pipe()
	ts.Check(err)
	defer r.Close()
	cmd.Stdout, cmd.Stderr = w, errf
	ts.Check(cmd.Start())
	w.Close()
	stuck := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer stuck.Stop()

	if delay, err := time.ParseDuration(args[1]); err == nil {
		time.Sleep(delay)
		_ = cmd.Process.Signal(unix.SignalNum(args[0]))
	}
	var seen []byte
	buf := make([]byte, 4096)
	for sent := false; ; {
		n, err := r.Read(buf)
		seen = append(seen, buf[:n]...)
		if !sent && bytes.Contains(seen, []byte(args[1])) {
			sent = true
			_ = cmd.Process.Signal(unix.SignalNum(args[0]))
		}
		if err != nil {
			break
		}
	}
	_, err = out.Write(seen)
	ts.Check(err)
	err = cmd.Wait()
	if ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		if args[2] != ws.Signal().String() {
			ts.Fatalf("%q: ended by %v, want %s", args[3:], ws.Signal(), args[2])
		}
		return
	}
	expect(ts, args[2], args[3:], err)
}

func command(ts *testscript.TestScript, argv []string) *exec.Cmd {
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if path := filepath.Join(dir, argv[0]); unix.Access(path, unix.X_OK) == nil {
			cmd := exec.Command(path, argv[1:]...)
			cmd.Dir = ts.MkAbs(".")
			for _, name := range []string{"HOME", "PATH", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "OMP_NUM_THREADS"} {
				cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
			}
			return cmd
		}
	}
	ts.Fatalf("%s: not found", argv[0])
	return nil
}

// writing is "writing FILE N command…": somebody else keeps writing to a file while the command runs.
func writing(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: writing FILE N command…")
	}
	file := ts.MkAbs(args[0])
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-done:
				return
			default:
				now := time.Now()
				_ = os.Chtimes(file, now, now) // the bytes may stay; the status-change time does not
			}
		}
	}()
	err := ts.Exec(args[2], args[3:]...)
	close(done)
	<-stopped
	expect(ts, args[1], args[2:], err)
}

// makeFile is "make KIND PATH [N]": makes what a txtar cannot hold.
func makeFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || makers[args[0]] == nil {
		ts.Fatalf("usage: make KIND PATH [N]")
	}
	n := 0
	if len(args) > 2 {
		var err error
		n, err = strconv.Atoi(args[2])
		ts.Check(err)
	}
	ts.Check(makers[args[0]](ts.MkAbs(args[1]), n))
}

var makers = map[string]func(path string, n int) error{
	"safetensors": func(path string, n int) error {
		n = max(n, 4) &^ 3
		header := fmt.Sprintf(`{"weight":{"dtype":"F32","shape":[%d],"data_offsets":[0,%d]}}`, n/4, n)
		header += strings.Repeat(" ", -len(header)&7)
		data := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
		return write(path, append(append(data, header...), make([]byte, n)...))
	},
	// hostile: what a picked-up exploit looks like; the command leaves a marker in the working directory.
	"hostile": func(path string, _ int) error {
		return write(path, []byte("cposix\nsystem\n(S'touch pwned'\ntR."))
	},
	// unknown: a name that nobody vetted, neither good nor bad.
	"unknown": func(path string, _ int) error {
		return write(path, []byte("cmypackage.model\nNet\n)R."))
	},
	"pickle":  func(path string, _ int) error { return write(path, []byte("(dp0\nS'a'\nI1\ns.")) },
	"garbage": func(path string, _ int) error { return write(path, bytes.Repeat([]byte{0xf7, 0x00, 0x13}, 1000)) },
	"bytes": func(path string, _ int) error {
		all := make([]byte, 256)
		for i := range all {
			all[i] = byte(i)
		}
		return write(path, bytes.Repeat(all, 1000))
	},
	"fifo":    func(path string, _ int) error { return unix.Mkfifo(path, 0o600) },
	"sparse":  func(path string, n int) error { return errors.Join(write(path, nil), os.Truncate(path, int64(n)<<20)) },
	"badname": func(path string, _ int) error { return write(path+"-\xff\xfe.txt", []byte("text\n")) },
	"escape":  func(path string, _ int) error { return write(path+"-\x1b[31m.txt", []byte("text\n")) },
	"socket": func(path string, _ int) error {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return unix.Bind(fd, &unix.SockaddrUnix{Name: path})
	},
	// files: n small files in one folder.
	"files": func(path string, n int) error {
		for i := range n {
			if err := write(filepath.Join(path, fmt.Sprintf("f%06d.txt", i)), []byte("x\n")); err != nil {
				return err
			}
		}
		return nil
	},
	// levels: n folders inside each other, far beyond what one path may name.
	"levels": func(path string, n int) error {
		if err := os.MkdirAll(path, 0o755); err != nil {
			return err
		}
		at, err := unix.Open(path, unix.O_DIRECTORY, 0)
		for range n {
			if err != nil {
				return err
			}
			if err = unix.Mkdirat(at, "d", 0o755); err != nil {
				break
			}
			next, openErr := unix.Openat(at, "d", unix.O_DIRECTORY, 0)
			unix.Close(at)
			at, err = next, openErr
		}
		return err
	},
	// listener: a service of the host's loopback; its port is written to the path. It ends with the tests.
	"listener": func(path string, _ int) error {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		go func() {
			for {
				if c, err := l.Accept(); err == nil {
					c.Close()
				}
			}
		}()
		_, port, err := net.SplitHostPort(l.Addr().String())
		return errors.Join(err, write(path, []byte(port)))
	},
}

func write(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}
