//go:build cgo && linux

package seccomp

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/loadlock/loadlock/policy"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// everyList calls f with each list there is: every vendor, every driver branch, and two vendors at once.
func everyList(f func(Ioctls)) {
	for _, b := range parseCommands(nvidiaCommands).branches {
		f(commandsOf("nvidia", fmt.Sprint(b)))
	}
	amd, intel := commandsOf("amd", ""), commandsOf("intel", "")
	f(amd)
	f(intel)
	f(commandsOf("nvidia", "580").Join(amd).Join(intel))
	f(Ioctls{})
}

// ordinary are the commands that pass beside every list, spelled here a second time, from the kernel's headers.
var ordinary = []uint32{
	unix.TCGETS, unix.TCSETS, unix.TCSETSW, unix.TCSETSF, unix.TCGETS2, unix.TCSETS2, unix.TCSETSW2, unix.TCSETSF2,
	unix.TCSBRK, unix.TCXONC, unix.TCFLSH, unix.TCSBRKP, unix.TIOCSCTTY, unix.TIOCNOTTY, unix.TIOCGPGRP, unix.TIOCSPGRP, unix.TIOCGSID,
	unix.TIOCGWINSZ, unix.TIOCSWINSZ, unix.TIOCGPTN, unix.TIOCSPTLCK, unix.TIOCGPTPEER,
	0x5450, 0x5451, 0x5421, 0x5452, unix.TIOCINQ, unix.TIOCOUTQ,
	unix.FICLONE, unix.FICLONERANGE, ioc(3, 'f', 11, 32), unix.FS_IOC_GETFLAGS,
	unix.SIOCGIFNAME, unix.SIOCGIFCONF, unix.SIOCGIFFLAGS, unix.SIOCGIFADDR, unix.SIOCGIFDSTADDR, unix.SIOCGIFBRDADDR, unix.SIOCGIFNETMASK,
	unix.SIOCGIFMTU, unix.SIOCGIFHWADDR, unix.SIOCGIFINDEX, unix.SIOCATMARK,
}

// hostile are commands that no list and no mode but off lets through.
var hostile = map[string]uint32{
	"the transfer command":           ioc(3, 'F', 211, 16),
	"the transfer command, longer":   ioc(3, 'F', 211, 24),
	"reading memory of processes":    62,
	"writing memory of processes":    63,
	"the tools' event queue":         56,
	"a profiler's table of GPUs":     77,
	"control, of another type":       ioc(3, 'G', 0x2a, 32),
	"control, of another size":       ioc(3, 'F', 0x2a, 40),
	"control, one way":               ioc(1, 'F', 0x2a, 32),
	"the card's bus":                 ioc(3, 'F', 0x39, 40),
	"registry":                       ioc(3, 'F', 0x4d, 48),
	"export of objects":              ioc(3, 'F', 0x5c, 128),
	"GPU memory for other devices":   ioc(3, 'F', 217, 2600),
	"display: modeset":               ioc(3, 'd', 0xa2, 104),
	"display: dumb buffers":          ioc(3, 'd', 0xb2, 32),
	"KFD's debugger":                 ioc(3, 'K', 0x26, 32),
	"KFD's checkpoints":              ioc(3, 'K', 0x22, 56),
	"KFD's copies between processes": ioc(3, 'K', 0x83, 48),
	"setting flags of files":         unix.FS_IOC_SETFLAGS,
	"ethtool":                        unix.SIOCETHTOOL,
	"setting an interface":           unix.SIOCSIFADDR,
	"freezing a file system":         ioc(3, 'X', 119, 4),
	"a block device's table":         unix.BLKRRPART,
	"a console's map":                0x4b46,
	"line disciplines":               unix.TIOCSETD,
	"a serial line's state":          unix.TIOCGSERIAL,
	"the smallest":                   0,
	"the largest":                    0xffffffff,
}

func listed(o Options, word uint32) bool {
	return slices.Contains(ordinary, word) || slices.Contains(o.Ioctls.Words, word) ||
		slices.ContainsFunc(o.Ioctls.Masked, func(m IoctlWord) bool { return word&m.Mask == m.Value })
}

func pusher(word uint32) bool {
	return slices.Contains([]uint32{0x5412, 0x541c, 0x541d, 0x5423}, word) || word>>8 == 0x4b || word>>8 == 0x56
}

// Any word that is not in a list is refused, or logged; what lies above its 32 bits changes nothing. The neighbours of
// listed words, every word of 16 bits and many random ones, for every list and mode, on both processors.
func TestOnlyListedCommandsPass(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	largest := 0
	for arch := range archs {
		nr := numberOf(t, "ioctl", arch)
		everyList(func(list Ioctls) {
			for mode, unlisted := range map[IoctlMode]string{"": "EPERM", IoctlStrict: "EPERM", IoctlLog: "log", IoctlOff: "allow", "an unknown mode": "EPERM"} {
				list.Mode = mode
				o := Options{Arch: arch, GPU: true, Ioctls: list, Ops: optionSets["everything"].Ops, Network: policy.NetworkHost}
				c := compile(t, Profile(o), arch)
				notify := newMachine(t, c.Notify)
				largest = max(largest, c.size)
				try := func(word uint32) {
					want := unlisted
					switch {
					case pusher(word):
						want = "EPERM"
					case listed(o, word):
						want = "allow"
					}
					above := []uint64{0, 0xffffffff << 32, 1 << 32, uint64(r.Uint32()) << 32}[r.IntN(4)]
					d := Data{Arch: auditArchs[arch], Number: nr, Args: [6]uint64{r.Uint64(), above | uint64(word), r.Uint64()}}
					if got := c.run(d); got != want {
						t.Fatalf("%s %s %q: ioctl %#x: %s, want %s", arch, list.Profile, mode, d.Args[1], got, want)
					}
					told := map[string]string{"EPERM": "notify", "log": "notify", "allow": "allow"}[want]
					if got := notify.run(d); got != told {
						t.Fatalf("%s %s %q: with a listener ioctl %#x: %s, want %s", arch, list.Profile, mode, d.Args[1], got, told)
					}
					if c.Allows(d) == (want == "EPERM") || c.Logs(d) != (want == "log") {
						t.Fatalf("%s %s %q: ioctl %#x is answered %s, allowed: %v", arch, list.Profile, mode, d.Args[1], want, c.Allows(d))
					}
				}
				near := func(word uint32) {
					try(word)
					try(word + 1)
					try(word - 1)
					for bit := range 32 {
						try(word ^ 1<<bit)
					}
				}
				for _, w := range slices.Concat(list.Words, ordinary) {
					near(w)
				}
				for _, m := range list.Masked {
					near(m.Value)
					near(m.Value | r.Uint32()&^m.Mask)
				}
				for _, w := range hostile {
					try(w)
				}
				for _, w := range []uint32{0x5412, 0x541c, 0x541d, 0x5423, 0x4b00, 0x4bff, 0x5600, 0x56ff, 0x80000000, 0x7fffffff} {
					near(w)
				}
				for range 1000 {
					try(r.Uint32())
					try(r.Uint32() & 0xffff)
				}
			}
		})
	}
	t.Logf("the largest program has %d instructions", largest)
	if largest > unix.BPF_MAXINSNS/2 {
		t.Errorf("a program of %d instructions: the kernel takes %d, and learn puts some in front", largest, unix.BPF_MAXINSNS)
	}
}

// What is hostile must be known to be: in mode off it passes, so the test above does not refuse words that cannot pass.
func TestHostileCommandsPassWithoutTheList(t *testing.T) {
	list := commandsOf("nvidia", "580").Join(commandsOf("amd", "")).Join(commandsOf("intel", ""))
	strict := compile(t, Profile(Options{Arch: "amd64", GPU: true, Ioctls: list}), "amd64")
	list.Mode = IoctlOff
	off := compile(t, Profile(Options{Arch: "amd64", GPU: true, Ioctls: list}), "amd64")
	for what, word := range hostile {
		if got := strict.call(t, "ioctl", 3, uint64(word), 0); got != "EPERM" {
			t.Errorf("%s (%#x) with the list: %s", what, word, got)
		}
		if got := off.call(t, "ioctl", 3, uint64(word), 0); got != "allow" && !pusher(word) {
			t.Errorf("%s (%#x) without: %s", what, word, got)
		}
	}
}

// A grant changes ioctl(2) for all; without one nothing of a list is looked at.
func TestAListWithoutAGPUChangesNothing(t *testing.T) {
	for _, mode := range []IoctlMode{IoctlStrict, IoctlLog, IoctlOff} {
		list := commandsOf("nvidia", "580")
		list.Mode = mode
		for _, ops := range []policy.Operations{{}, {GPU: true}} {
			if got, want := lines(t, Profile(Options{Arch: "amd64", Ops: ops, Ioctls: list})), lines(t, Profile(Options{Arch: "amd64"})); got != want {
				t.Errorf("%s, %+v: another profile", mode, ops)
			}
		}
	}
}

func TestChoosingIsTheFirstThatMatches(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	mask := func() uint32 { return ^uint32(0) << r.IntN(33) }
	for range 300 {
		var choices []choice
		for range r.IntN(40) {
			c := choice{mask: mask(), answer: uint32(r.IntN(3))}
			c.value = r.Uint32() & 0x3ff << (r.IntN(3) * 11) & c.mask
			choices = append(choices, c)
		}
		prog, err := choose(dataArg0, choices, 77)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := bpf.Assemble(prog)
		if err != nil {
			t.Fatal(err)
		}
		e, err := NewEvaluator(raw)
		if err != nil {
			t.Fatal(err)
		}
		for range 300 {
			n := r.Uint32() & 0x7ff << (r.IntN(3) * 11)
			if len(choices) > 0 && r.IntN(2) == 0 {
				n = choices[r.IntN(len(choices))].value + uint32(r.IntN(3)) - 1
			}
			want := uint32(77)
			if i := slices.IndexFunc(choices, func(c choice) bool { return c.matches(n) }); i >= 0 {
				want = choices[i].answer
			}
			if got := e.Answer(Data{Args: [6]uint64{uint64(n)}}); got != want {
				t.Fatalf("%#x: %d, want %d of %+v", n, got, want, choices)
			}
		}
	}
	// A rule that leaves out bits in the middle is looked at before the others, so it must not come after one that differs.
	before, after := choice{mask: 0xffffff00, value: 0x4600, answer: 1}, choice{mask: 0xc000ffff, value: 0x46c8, answer: 2}
	if _, err := choose(dataArg0, []choice{before, after}, 0); err == nil {
		t.Error("a rule that can never count is no error")
	}
	if _, err := choose(dataArg0, []choice{after, before}, 0); err != nil {
		t.Error(err)
	}
}
