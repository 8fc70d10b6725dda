package attack

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Canary is what stands on the host for a payload to reach for. Everything a payload makes carries Mark, so that what
// it leaves on the host is known by it.
type Canary struct {
	Mark     string `json:"mark"`
	Dir      string `json:"dir"`      // folder of the host that nothing shows inside
	Secret   string `json:"secret"`   // file in it, readable by everybody
	Model    string `json:"model"`    // model folder that exists inside, with one file, model.safetensors
	Output   string `json:"output"`   // folder of --output, where a check asks for it
	PID      int    `json:"pid"`      // process of the host, of the same user
	TCP      int    `json:"tcp"`      // port of a listener on 127.0.0.1
	UDP      int    `json:"udp"`      // the same for datagrams
	Abstract string `json:"abstract"` // name of an abstract unix socket, without the zero byte
	Socket   string `json:"socket"`   // named unix socket in Dir
	ShmKey   int    `json:"shm_key"`  // System V shared memory that everybody may open; 0 when there is none
	Hostname string `json:"hostname"`
	Program  string `json:"program"` // loadlock itself
}

// Host is the outside of the suite: the canaries, and how to start loadlock.
type Host struct {
	Canary
	// Lacking says for what a check may need why this host has it not; see Lacks. Who runs the suite fills in
	// what only he knows.
	Lacking map[string]string
	// Loadlock starts this program with "run", the user's policy and more arguments; for probes with Drive.
	Loadlock func(args ...string) *exec.Cmd

	heard atomic.Int64 // connections and datagrams that reached the listeners
	stop  []func()
	state map[string]string
}

// Plant puts the canaries up, below /var/tmp where it can: what lies below /tmp would be inside the box's own /tmp,
// where Landlock lets a payload write. Close takes them away.
func Plant() (h *Host, err error) {
	h = &Host{Lacking: map[string]string{}}
	if IsPayload() { // the marker process would make a marker process, and so on
		return h, errors.New("canary: this program does not serve payloads: its main must call Payload where IsPayload says so")
	}
	dir := "/var/tmp"
	if unix.Access(dir, unix.W_OK) != nil {
		dir = os.TempDir()
	}
	defer func() {
		if err != nil {
			h.Close()
		}
	}()
	h.Mark = "loadlock-selftest-" + strings.ToLower(rand.Text())[:12]
	h.Dir = filepath.Join(dir, h.Mark)
	h.Secret, h.Model, h.Output, h.Socket = filepath.Join(h.Dir, "secret"), filepath.Join(h.Dir, "model"), filepath.Join(h.Dir, "output"), filepath.Join(h.Dir, "socket")
	h.Abstract = h.Mark
	if h.Hostname, err = os.Hostname(); err != nil {
		return h, err
	}
	if h.Program, err = os.Executable(); err != nil {
		return h, err
	}
	for _, step := range []func() error{h.plantFiles, h.plantDevices, h.plantListeners, h.plantProcess, h.plantMemory} {
		if err := step(); err != nil {
			return h, fmt.Errorf("canary: %w", err)
		}
	}
	h.state = h.hostState()
	return h, nil
}

func (h *Host) plantFiles() error {
	h.stop = append(h.stop, func() { os.RemoveAll(h.Dir) })
	header := []byte("{}      ") // a safetensors file with no tensor
	model := append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...)
	for _, d := range []string{h.Dir, h.Model, h.Output} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
		if err := os.Chmod(d, 0o755); err != nil {
			return err
		}
	}
	if err := errors.Join(os.WriteFile(h.Secret, []byte(h.Mark+"\n"), 0o644), os.WriteFile(filepath.Join(h.Model, "model.safetensors"), model, 0o644)); err != nil {
		return err
	}
	fd, err := unix.Open(h.Secret, unix.O_RDONLY, 0) // not close-on-exec: what a careless caller leaves open
	h.stop = append(h.stop, func() { unix.Close(fd) })
	return err
}

// Environ is what a caller may have in the environment that no payload may see, beside the caller's own.
func (h *Host) Environ() []string {
	return []string{"AWS_SECRET_ACCESS_KEY=" + h.Mark, "HF_TOKEN=" + h.Mark, "SSH_AUTH_SOCK=" + h.Socket, "LD_PRELOAD=" + h.Secret, "PYTHONSTARTUP=" + h.Secret, "CANARY=" + h.Mark}
}

// Task is what the payload of some probes is told.
func (h *Host) Task(probes []string, setup Setup, open []string) []string {
	raw, err := json.Marshal(Task{Probes: probes, Canary: h.Canary, Setup: setup, Open: open})
	if err != nil {
		panic(err) // strings and numbers
	}
	return []string{h.Program, Verb, string(raw)}
}

func (h *Host) plantListeners() error {
	for _, l := range []struct{ network, at string }{{"tcp", "127.0.0.1:0"}, {"unix", "@" + h.Abstract}, {"unix", h.Socket}} {
		listener, err := net.Listen(l.network, l.at)
		if err != nil {
			return err
		}
		if a, ok := listener.Addr().(*net.TCPAddr); ok {
			h.TCP = a.Port
		}
		h.stop = append(h.stop, func() { listener.Close() })
		go func() {
			for {
				c, err := listener.Accept()
				if err != nil {
					return
				}
				h.heard.Add(1)
				c.Close()
			}
		}()
	}
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	h.UDP = packets.LocalAddr().(*net.UDPAddr).Port
	h.stop = append(h.stop, func() { packets.Close() })
	go func() {
		for {
			if _, _, err := packets.ReadFrom(make([]byte, 64)); err != nil {
				return
			}
			h.heard.Add(1)
		}
	}()
	return os.Chmod(h.Socket, 0o777)
}

// plantProcess starts a process of this user that does nothing; the end of its standard input ends it.
func (h *Host) plantProcess() error {
	args := h.Task(nil, Setup{Alone: h.markerMark()}, nil)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = []string{"MARKER=" + h.markerMark()}
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	h.PID = cmd.Process.Pid
	h.stop = append(h.stop, func() { in.Close(); _ = cmd.Wait() })
	// Start returns in the midst of execve(2): for a moment the new program has no environment to be seen.
	for end := time.Now().Add(10 * time.Second); !h.markerIsThere(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			return errors.New("the marker process cannot be seen in /proc")
		}
	}
	return nil
}

func (h *Host) markerIsThere() bool {
	return strings.Contains(readSmall(fmt.Sprintf("/proc/%d/environ", h.PID)), h.Mark)
}

func (h *Host) plantMemory() error {
	var raw [4]byte
	rand.Read(raw[:])
	key := int(binary.LittleEndian.Uint32(raw[:])&0x3fffffff) + 1
	id, err := unix.SysvShmGet(key, 4096, unix.IPC_CREAT|unix.IPC_EXCL|0o666)
	if err != nil {
		h.Lacking["sysv"] = "no System V shared memory: " + err.Error()
		return nil
	}
	h.ShmKey = key
	h.stop = append(h.stop, func() { _, _ = unix.SysvShmCtl(id, unix.IPC_RMID, nil) })
	return nil
}

// Close takes the canaries away.
func (h *Host) Close() {
	for i := len(h.stop) - 1; i >= 0; i-- {
		h.stop[i]()
	}
	h.stop = nil
}

// Heard is how many connections and datagrams reached the host's listeners.
func (h *Host) Heard() int64 { return h.heard.Load() }

// Lacks says why this host cannot run a check that needs something; empty: it can.
func (h *Host) Lacks(need string) string {
	if why := h.Lacking[need]; why != "" {
		return why
	}
	look, ok := needs[need]
	if !ok {
		return "nobody knows how to look for " + need
	}
	return look()
}

// needs are what a check may need of the host. "" means that the host has it.
var needs = map[string]func() string{
	"root":             func() string { return unlessTrue(os.Geteuid() == 0, "not root") },
	"cgroup":           func() string { return "" }, // who runs the suite knows better
	"subprocess":       func() string { return "" }, // as above: the policy may permit none
	"sysv":             func() string { return "" },
	"amd64":            func() string { return unlessTrue(runtime.GOARCH == "amd64", "not an x86-64 machine") },
	"python":           func() string { return unlessTrue(exists("/usr/bin/python3"), "no /usr/bin/python3") },
	"gcc":              func() string { return unlessTrue(exists("/usr/bin/gcc"), "no gcc") },
	"nvidia":           func() string { return unlessTrue(exists("/dev/nvidiactl"), "no GPU of NVIDIA's") }, // the policy may permit none, too
	"cap_sys_resource": func() string { return unlessTrue(hasCapability(unix.CAP_SYS_RESOURCE), "without CAP_SYS_RESOURCE") },
	"setuid-program":   func() string { return unlessTrue(setuidProgram() != "", "no set-user-ID program among those known") },
	"core-limit": func() string {
		var l unix.Rlimit
		err := unix.Getrlimit(unix.RLIMIT_CORE, &l)
		return unlessTrue(err == nil && l.Max == unix.RLIM_INFINITY, fmt.Sprintf("the hard limit of core files is %d", l.Max))
	},
	"core-file": func() string {
		raw, _ := os.ReadFile("/proc/sys/kernel/core_pattern")
		pattern := strings.TrimSpace(string(raw))
		return unlessTrue(pattern != "" && !strings.ContainsAny(pattern[:1], "|/"), "core pattern is "+pattern)
	},
}

func unlessTrue(ok bool, why string) string {
	if ok {
		return ""
	}
	return why
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return !errors.Is(err, fs.ErrNotExist)
}

// hasCapability reads the effective set of this process.
func hasCapability(n int) bool {
	for line := range strings.Lines(readSmall("/proc/self/status")) {
		if set, ok := strings.CutPrefix(line, "CapEff:"); ok {
			v, err := strconv.ParseUint(strings.TrimSpace(set), 16, 64)
			return err == nil && v&(1<<n) != 0
		}
	}
	return false
}

// readSmall reads the beginning of a file of the kernel.
func readSmall(name string) string {
	f, err := os.Open(name)
	if err != nil {
		return ""
	}
	defer f.Close()
	raw, _ := io.ReadAll(io.LimitReader(f, 1<<20))
	return string(raw)
}
