package attack

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

// framed is a safetensors file: its header, and that many zero bytes.
func framed(header string, data int) []byte {
	return append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...), make([]byte, data)...)
}

// modelSize is what an attack's file holds: enough for a scan to take a moment, and little enough for the report to have
// the digest of the whole file. Larger ones: runner/gap_linux_test.go, TestARacingAttackerNeverWins.
const modelSize = 1 << 19

func model() []byte {
	return framed(fmt.Sprintf(`{"w":{"dtype":"U8","shape":[%d],"data_offsets":[0,%d]}}`, modelSize, modelSize), modelSize)
}

// plantModel makes a model of that content and a host whose payloads find it.
func plantModel(h *Host, content []byte) (at *Host, done func(), err error) {
	dir, err := os.MkdirTemp(h.Dir, "gap")
	if err != nil {
		return nil, nil, err
	}
	at = &Host{Canary: h.Canary, Loadlock: h.Loadlock}
	at.Model = filepath.Join(dir, "model")
	err = os.Mkdir(at.Model, 0o755)
	if err == nil {
		err = os.WriteFile(at.modelFile(), content, 0o644)
	}
	return at, func() { os.RemoveAll(dir) }, err
}

func withModel(h *Host, content []byte) string {
	at, done, err := plantModel(h, content)
	if err != nil {
		return Errno(err)
	}
	defer done()
	return fmt.Sprintf("exit-%d", at.run(nil, at.payload("V-01/inside"), "--model", at.Model).Code)
}

// listModel writes the digest of every file of the model that the payload finds.
func listModel(in *Inside) string {
	for name, digest := range digests(in.Model) {
		fmt.Printf("inside %s %s\n", digest, name)
	}
	return "listed"
}

func digests(dir string) map[string]string {
	all := map[string]string{}
	_ = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			raw, _ := os.ReadFile(name)
			sum := sha256.Sum256(raw)
			rel, _ := filepath.Rel(dir, name)
			all[rel] = hex.EncodeToString(sum[:])
		}
		return nil
	})
	return all
}

// during calls change over and over while do runs.
func during(dir string, change func(string) func(), do func()) {
	var done atomic.Bool
	ended := make(chan struct{})
	once := change(dir)
	go func() {
		defer close(ended)
		for !done.Load() {
			once()
		}
	}()
	do()
	done.Store(true)
	<-ended
}

const rounds = 5

// raceLoad changes a model while it is scanned and loaded. What the payload read must be what was scanned, file for
// file, or nothing must have run.
func raceLoad(h *Host, change func(string) func()) string {
	at, done, err := plantModel(h, model())
	if err != nil {
		return Errno(err)
	}
	defer done()
	for range rounds {
		var d driven
		during(at.Model, change, func() { d = at.run(nil, at.payload("V-01/inside"), "--model", at.Model) })
		if saw := compare(d); saw != "" {
			return saw
		}
	}
	return "same-or-refused"
}

func compare(d driven) string {
	if d.Code != 0 {
		return yes(d.Code == 121 || d.Code == 122, "", fmt.Sprintf("exit-%d", d.Code))
	}
	scanned := map[string]string{}
	for _, m := range d.Report.Models {
		for _, f := range m.Files {
			scanned[f.Path] = f.SHA256
		}
	}
	found := 0
	for l := range strings.Lines(string(d.Stdout)) {
		var digest, name string
		if n, _ := fmt.Sscanf(l, "inside %s %s", &digest, &name); n != 2 {
			continue
		}
		if scanned[name] != digest {
			return "differs"
		}
		found++
	}
	return yes(found > 0, "", "nothing-inside")
}

// raceBare is what a scanner beside a loader does.
func raceBare(h *Host, change func(string) func()) string {
	at, done, err := plantModel(h, model())
	if err != nil {
		return Errno(err)
	}
	defer done()
	saw := "same"
	during(at.Model, change, func() {
		for range 200 {
			scanned := digests(at.Model)
			time.Sleep(time.Millisecond)
			if loaded := digests(at.Model); fmt.Sprint(loaded) != fmt.Sprint(scanned) {
				saw = "differs"
				return
			}
		}
	})
	return saw
}

func renames(dir string) func() {
	name := filepath.Join(dir, "model.safetensors")
	other := bytes.Replace(model(), []byte{0}, []byte{1}, modelSize)
	contents := [][]byte{other, model()}
	return func() {
		for _, c := range contents {
			_ = os.WriteFile(dir+".new", c, 0o644)
			_ = os.Rename(dir+".new", name)
			time.Sleep(2 * time.Millisecond)
		}
	}
}

func symlinks(dir string) func() {
	name := filepath.Join(dir, "model.safetensors")
	_ = os.WriteFile(dir+".other", append(model()[:len(model())-1], 7), 0o644)
	return func() {
		_ = os.Symlink(dir+".other", dir+".new")
		_ = os.Rename(dir+".new", name)
		time.Sleep(2 * time.Millisecond)
		_ = os.WriteFile(dir+".new", model(), 0o644)
		_ = os.Rename(dir+".new", name)
		time.Sleep(2 * time.Millisecond)
	}
}

func writes(dir string) func() {
	n := byte(0)
	return func() {
		f, err := os.OpenFile(filepath.Join(dir, "model.safetensors"), os.O_WRONLY, 0)
		if err == nil {
			n++
			_, _ = f.WriteAt([]byte{n}, modelSize/2)
			f.Close()
		}
		time.Sleep(time.Millisecond)
	}
}

func adds(dir string) func() {
	name := filepath.Join(dir, "modeling_evil.py")
	return func() {
		_ = os.WriteFile(name, []byte("import os; os.system('true')\n"), 0o644)
		time.Sleep(3 * time.Millisecond)
		_ = os.Remove(name)
		time.Sleep(3 * time.Millisecond)
	}
}
