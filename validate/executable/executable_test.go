package executable

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

func scanAs(name string, b []byte) validate.Report {
	return validatetest.Kept(name, b, validate.ScanReader(context.Background(), []*validate.Scanner{Scanner()}, name, bytes.NewReader(b), int64(len(b)), validatetest.Policy().Scan))
}

func elf(mach uint16) string {
	b := make([]byte, 64)
	copy(b, "\x7fELF\x02\x01\x01")
	binary.LittleEndian.PutUint16(b[18:], mach)
	return string(b)
}

func pe() string {
	b := make([]byte, 128)
	copy(b, "MZ")
	b[60] = 64
	copy(b[64:], "PE\x00\x00")
	return string(b)
}

func dos() string {
	b := make([]byte, 64)
	copy(b, "MZ\x40\x00\x01\x00\x00\x00\x02\x00")
	b[24] = 0x1c
	return string(b)
}

// Programs by kind.
func programs() map[string]string {
	pad := strings.Repeat("\x00", 64)
	return map[string]string{
		"ELF": elf(62), "cubin": elf(190), "AppImage": elf(62)[:8] + "AI\x02" + elf(62)[11:], "PE": pe(), "DOS": dos(),
		"Mach-O": "\xcf\xfa\xed\xfe\x0c\x00\x00\x01" + pad, "Mach-O, big endian": "\xfe\xed\xfa\xce\x00\x00\x00\x12" + pad, "universal": "\xca\xfe\xba\xbe\x00\x00\x00\x02\x01\x00\x00\x07" + pad,
		"Java class": "\xca\xfe\xba\xbe\x00\x00\x00\x34" + pad, "dex": "dex\n035\x00" + pad, "wasm": "\x00asm\x01\x00\x00\x00" + pad, "bitcode": "BC\xc0\xde" + pad,
		"ar": "!<arch>\n" + pad, "fatbin": "\x50\xed\x55\xba" + pad, "Lua": "\x1bLuaS" + pad, "shortcut": "\x4c\x00\x00\x00\x01\x14\x02\x00\x00\x00\x00\x00\xc0\x00\x00\x00" + pad,
	}
}

func one(t *testing.T, name, content, rule string, worst validate.Severity) {
	t.Helper()
	rep := scanAs(name, []byte(content))
	if len(rep.Findings) == 0 || rep.Findings[0].Rule != rule || rep.Findings[0].Severity != worst {
		t.Errorf("%s: want %s first\n%s", name, rule, validatetest.Show(rep))
	}
}

func TestPrograms(t *testing.T) {
	for kind, content := range programs() {
		t.Run(kind, func(t *testing.T) {
			one(t, "tool", content, "executable/native", validate.Medium)
			one(t, "lib/libtool.so.1.2", content, "executable/native", validate.Medium)
			for _, name := range []string{"pytorch_model.bin", "model.safetensors", "m.gguf", "a/b.PT", "config.json"} {
				one(t, name, content, "executable/disguised", validate.High)
			}
		})
	}
	one(t, "m.llamafile", "MZqFpD='\n"+pe()[9:], "executable/engine", validate.Medium)
	one(t, "m.gguf", "MZqFpD='\n"+pe()[9:], "executable/engine", validate.Medium)
	one(t, "m.plan", "ptrt\x00\x01", "executable/engine", validate.Medium)
	one(t, "m.engine", "\x00\x01unknown", "executable/engine", validate.Medium)
	one(t, "m.so", "\x00\x01unknown", "executable/native", validate.Medium)
}

func TestScripts(t *testing.T) {
	for _, tt := range []struct{ name, text string }{{"run", "#!/bin/sh\nid\n"}, {"run.sh", "id\n"}, {"x.bat", "@echo off\r\n"}, {"run.txt", "#! /usr/bin/env perl\n"}, {"a.js", "1"}, {"a.desktop", "[Desktop Entry]"},
		{"a.sh", "#!/usr/bin/python\n"}, {"x", "#!/usr/bin/python -c x\n"}, {"y", "#!/bin/sh python\n"}, {"z", "#!/usr/bin/env -S sh -c python\n"}} {
		rep := scanAs(tt.name, []byte(tt.text))
		if !rep.Files[0].Cleared || !rep.Files[0].Code || len(rep.Findings) != 1 || rep.Findings[0].Rule != "executable/script" || rep.Findings[0].Severity != validate.Low {
			t.Errorf("%s\n%s", tt.name, validatetest.Show(rep))
		}
	}
	one(t, "pytorch_model.bin", "#!/bin/sh\nid\n", "executable/disguised", validate.High)
	one(t, "model.pt", "#!/usr/bin/python3\n", "executable/disguised", validate.High)
	one(t, "model.pt", "<?php system('id');", "executable/disguised", validate.High)
	one(t, "run.sh", "id\x00\n", "validate/unparsable", validate.Medium)
}

// What begins like a program and is none.
func TestLookAlikesAreLeftAlone(t *testing.T) {
	length := func(n uint64, rest string) string { return string(binary.LittleEndian.AppendUint64(nil, n)) + rest }
	for name, content := range map[string]string{
		"model.safetensors": length(0x5a4d, `{"a":1}`), "b.bin": length(0x464c457f, "{"), "c.bin": "MZ" + strings.Repeat("\xff", 100), "README.md": "#!important\n", "d.rs": "#![no_std]",
		"e.bin": "\xca\xfe\xba\xbe\xff\xff\xff\xff\xff\xff\xff\xff", "f.so.txt": "a list of libraries", "g.bin": "\x7fELF", "vocab.txt": "#version: 0.2\n", "h": "", "i.class": "text",
		"convert.py": "#!/usr/bin/env python3\n", "j": "#!/usr/bin/python3.11 -u\n", "k.py": "#! /opt/conda/bin/python\r\n", // Python is judged where Python is
	} {
		if rep := scanAs(name, []byte(content)); len(rep.Files[0].Scanners) != 0 {
			t.Errorf("%s\n%s", name, validatetest.Show(rep))
		}
	}
}

func TestARealProgram(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	one(t, "model.safetensors", string(b), "executable/disguised", validate.High)
}

func FuzzExecutable(f *testing.F) {
	for _, content := range programs() {
		f.Add("m.bin", []byte(content))
	}
	f.Add("a.sh", []byte("#!/bin/sh\n\xff"))
	f.Fuzz(func(t *testing.T, name string, b []byte) {
		rep, again := scanAs(name, b), scanAs(name, b)
		if !reflect.DeepEqual(rep.Findings, again.Findings) || !reflect.DeepEqual(rep.Files, again.Files) {
			t.Fatal("two scans differ")
		}
		for _, finding := range rep.Findings {
			if finding.Offset < 0 || finding.Offset > int64(len(b)) || finding.Rule == "validate/unparsable" && rep.Files[0].Cleared {
				t.Fatal(validatetest.Show(rep))
			}
		}
	})
}

func BenchmarkProgram(b *testing.B) {
	content := []byte(elf(62) + strings.Repeat("\x00", 1<<20))
	b.SetBytes(int64(len(content)))
	for b.Loop() {
		scanAs("model.bin", content)
	}
}
