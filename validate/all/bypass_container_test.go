package all_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// taped is a tar of one file.
func taped(name, data string) []byte { return tapedAs('0', name, "", data) }

func tapedAs(kind byte, name, target, data string) []byte {
	b := make([]byte, 512)
	copy(b, name)
	copy(b[100:], "0000644\x000000000\x000000000\x00")
	copy(b[124:], fmt.Sprintf("%011o\x00", len(data)))
	copy(b[136:], "00000000000\x00        ")
	b[156] = kind
	copy(b[157:], target)
	copy(b[257:], "ustar\x0000")
	sum := 0
	for _, c := range b {
		sum += int(c)
	}
	copy(b[148:], fmt.Sprintf("%06o\x00 ", sum))
	b = append(b, data...)
	return append(b, make([]byte, -len(data)&511+1024)...)
}

// squeezed writes data through a compressor of a library.
func squeezed(data string, open func(io.Writer) (io.WriteCloser, error)) []byte {
	var b bytes.Buffer
	w, err := open(&b)
	if err == nil {
		_, err = io.WriteString(w, data)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic(err) // writing to memory does not fail
	}
	return b.Bytes()
}

func gzipped(data string) []byte {
	return squeezed(data, func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil })
}

// containers are rows 36 to 50: archives, and names that say something else than the content.
func containers() []technique {
	evil, good := string(assembled("PROTO 2; "+system)), string(assembled(ordered))
	both := func(f func(*header)) func(l, c *header) { return func(l, c *header) { f(l); f(c) } }
	flags := func(n uint16) func(l, c *header) { return both(func(h *header) { h.flags = n }) }
	lie := func(row int, refs, how, name, data, rule string, change func(l, c *header)) technique {
		return technique{row: row, refs: refs, how: how, file: "model.zip", bytes: one(name, data, change), want: reject, rule: rule, at: "one\n^PK\x03\x04", near: one("m/second.txt", "two\n", nil)}
	}
	maybe := func(x technique) technique { x.want = unsure; return x }
	inside := func(x technique) technique { x.inner, x.at = []byte(evil), callAt; return x }
	list := []technique{
		maybe(lie(36, "CVE-2025-10156", "a wrong CRC", "m/a.txt", "two\n", "zip/crc", both(func(h *header) { h.crc++ }))),
		inside(lie(36, "CVE-2025-10156", "a wrong CRC over a payload", "m/data.pkl", evil, denied, both(func(h *header) { h.crc = 1 }))),
		inside(lie(37, "CVE-2025-1945", "flag 0x1 over a plain payload", "m/data.pkl", evil, denied, flags(1))),
		lie(37, "CVE-2025-1945", "flag 0x20 over a plain member", "m/a.txt", "two\n", "zip/false-flags", flags(0x20)),
		lie(37, "CVE-2025-1945", "flag 0x40 over a plain member", "m/a.txt", "two\n", "zip/false-flags", flags(0x40)),
		at(maybe(lie(37, "", "a member that is encrypted", "m/a.txt", "two\n", "zip/flags", func(l, c *header) { l.flags, c.flags, l.crc, c.crc = 1, 1, 7, 7; l.size, c.size = 9, 9 })), "first.txt^PK\x01\x02"),
		lie(38, "CVE-2025-1944", "another name in the local header", "m/data.txt", evil, "zip/two-names", func(l, c *header) { l.name = "m/data.pkl" }),
		lie(38, "", "another method in the directory", "m/a.txt", "two\n", "zip/two-contents", func(l, c *header) { c.method = 8 }),
		lie(38, "", "another size in the local header", "m/a.txt", "two\n", "zip/two-contents", func(l, c *header) { l.size, l.packed = 3, 3 }),
		maybe(lie(38, "", "another CRC in the local header", "m/a.txt", "two\n", "zip/mismatch", func(l, c *header) { l.crc++ })),
		maybe(lie(39, "", "two members of one name", "m/first.txt", "two\n", "zip/duplicate", nil)),
		maybe(lie(39, "", "two names that differ in case", "m/FIRST.txt", "two\n", "zip/duplicate", nil)),
		inside(lie(40, "", "a payload that the directory lacks", "m/data.pkl", evil, denied, func(l, c *header) { c.absent = true })),
		maybe(lie(40, "", "a member that the directory lacks", "m/a.txt", "two\n", "zip/hidden", func(l, c *header) { c.absent = true })),
		{row: 40, how: "no directory", file: "model.zip", bytes: archive{members: []member{{name: "m/data.pkl", data: evil}}, noEnd: true}.bytes(), want: reject, rule: denied, inner: []byte(evil), at: callAt, near: holding("m/data.txt", "two\n")},
		{row: 40, how: "an archive in the comment", file: "model.zip", bytes: archive{members: []member{{name: "a.txt", data: "x\n"}}, comment: string(holding("m/data.pkl", evil))}.bytes(), want: reject, rule: "zip/two-directories", at: "a.txt^PK\x05\x06", near: archive{members: []member{{name: "a.txt", data: "x\n"}}, comment: "a comment"}.bytes()},
		{row: 40, how: "bytes between members", file: "model.zip", bytes: archive{members: []member{{name: "a.txt", data: "x\n"}, {name: "b.txt", data: "y\n", gap: "junk"}}}.bytes(), want: unsure, rule: "zip/hidden", at: "junk", near: holding("a.txt", "x\n", "b.txt", "y\n")},
		maybe(lie(41, "", "a method that nobody has", "m/a.txt", "two\n", "zip/method", both(func(h *header) { h.method = 99 }))),
		{row: 41, how: "a payload in a deflated member", file: "model.zip", bytes: archive{members: []member{{name: "m/x", data: evil, deflated: true}}}.bytes(), want: reject, rule: denied, inner: []byte(evil), at: callAt, near: archive{members: []member{{name: "m/x", data: "text\n", deflated: true}}}.bytes()},
		{row: 41, how: "a payload in bzip2", file: "model.zip", bytes: one("m/x", bzipped, both(func(h *header) { h.method, h.size, h.crc = 12, uint32(len(evil)), crc32.ChecksumIEEE([]byte(evil)) })), want: reject, rule: denied, inner: []byte(evil), at: callAt, near: one("m/x", "text\n", nil)},
		{row: 42, how: "data.pkl is clean, constants.pkl is not", file: "model.pt", bytes: checkpoint(string(assembled(tensorOf2)), "12345678", "m/constants.pkl", evil), want: reject, rule: denied, inner: []byte(evil), at: callAt, near: checkpoint(string(assembled(tensorOf2)), "12345678")},
		{row: 42, how: "protocol 0 in a .txt of the archive", file: "model.zip", bytes: holding("m/readme.txt", "cposix\nsystem\n(S'id'\ntR."), want: reject, rule: denied, inner: []byte("cposix\nsystem\n(S'id'\ntR."), at: "t^R.", near: holding("m/readme.txt", "cposix and system are words\n")},
		lie(43, "", "..", "../../etc/x.txt", "two\n", "zip/slip", nil),
		lie(43, "", "a backslash", `..\x.txt`, "two\n", "zip/slip", nil),
		lie(43, "", "an absolute name", "/etc/x.txt", "two\n", "zip/slip", nil),
		lie(43, "", "a drive letter", "C:/x.txt", "two\n", "zip/slip", nil),
		lie(43, "", "a link that leads outside", "m/link", "/etc/passwd", "zip/special-file", func(l, c *header) { c.external = 0o120777 << 16 }),
		at(lie(43, "", "a device", "m/device", "", "zip/special-file", func(l, c *header) { c.external = 0o020666 << 16 }), "first.txt^PK\x01\x02"),
		{row: 43, how: "a link in a tar", file: "model.tar", bytes: tapedAs('2', "x", "/etc/passwd", ""), want: reject, rule: "tar/special-file", at: "^", near: taped("x.txt", "text\n")},
		{row: 43, how: ".. in a tar", file: "model.tar", bytes: taped("../../x", "text\n"), want: reject, rule: "tar/slip", at: "^", near: taped("x.txt", "text\n")},
		maybe(lie(44, "", "a member that expands to more than the policy allows", "m/bomb.txt", "", "validate/budget", nil)),
		lie(44, "", "overlapping members", "m/a.txt", "two\n", "zip/overlap", nil),
		{row: 45, how: "gzip", file: "model.pkl.gz", bytes: gzipped(evil), want: reject, rule: denied, inner: []byte(evil), at: callAt, near: gzipped(good)},
		{row: 45, how: "zlib", file: "model.z", bytes: squeezed(evil, zlibbed), want: reject, rule: denied, inner: []byte(evil), at: callAt, near: gzipped(good)},
		{row: 45, how: "xz", file: "model.xz", bytes: squeezed(evil, func(w io.Writer) (io.WriteCloser, error) { return xz.NewWriter(w) }), want: reject, rule: denied, inner: []byte(evil), at: callAt, near: squeezed(good, func(w io.Writer) (io.WriteCloser, error) { return xz.NewWriter(w) })},
		{row: 45, how: "zstandard", file: "model.zst", bytes: squeezed(evil, func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) }), want: reject, rule: denied, inner: []byte(evil), at: callAt, near: squeezed(good, func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) })},
		{row: 45, how: "bzip2", file: "model.bz2", bytes: []byte(bzipped), want: reject, rule: denied, inner: []byte(evil), at: callAt, nearFile: "model.gz", near: gzipped(good)},
		{row: 45, how: "LZMA without a container", file: "model.lzma", bytes: squeezed(evil, func(w io.Writer) (io.WriteCloser, error) { return lzma.NewWriter(w) }), want: reject, rule: denied, inner: []byte(evil), at: callAt, near: squeezed(good, func(w io.Writer) (io.WriteCloser, error) { return lzma.NewWriter(w) })},
		{row: 45, how: "LZ4", file: "model.lz4", bytes: lz4Frame(evil), want: reject, rule: denied, inner: []byte(evil), at: callAt, near: lz4Frame(good)},
		{row: 44, how: "archives in archives, nine deep", file: "model.zip", bytes: deep(9, "x", evil), want: unsure, rule: "validate/budget", near: deep(3, "x.txt", "text\n")},
		{row: 33, how: "a payload in a joblib file that zlib compressed", file: "model.joblib", bytes: squeezed(string(assembled(arrayHead+system)), zlibbed), want: reject, rule: denied, inner: assembled(arrayHead + system), at: callAt, near: squeezed(string(assembled(arrayHead+"STOP")), zlibbed)},
		{row: 40, how: "two archives in one file", file: "model.zip", bytes: append(holding("m/data.pkl", evil), holding("a.txt", "x\n")...), want: reject, rule: denied, inner: []byte(evil), at: callAt, near: holding("a.txt", "x\n")},
		{row: 44, how: "more members than the policy allows", file: "model.zip", bytes: many(20_000), want: unsure, rule: "validate/budget", near: many(1000)},
		{row: 45, how: "a zip in a tar in gzip", file: "model.tgz", bytes: gzipped(string(taped("m.zip", string(holding("x", evil))))), want: reject, rule: denied, inner: []byte(evil), at: callAt, near: gzipped(string(taped("m.zip", string(holding("x.txt", "text\n")))))},
		{row: 46, how: "7z under the name of a checkpoint (nullifAI)", file: "model.pt", bytes: sevenZipped("data.pkl", evil), want: reject, rule: denied, inner: []byte(evil), at: callAt, nearFile: "model.7z", near: sevenZipped("data.txt", "text\n")},
		{row: 46, how: "a member of 7z without extension", file: "model.7z", bytes: sevenZipped("data", evil), want: reject, rule: denied, inner: []byte(evil), at: callAt, near: sevenZipped("data", "text\n")},
		{row: 49, how: "a program inside an archive", file: "model.zip", bytes: holding("m/run.so", program), want: unsure, rule: "executable/native", inner: []byte(program), at: "^", near: holding("m/run.txt", "text\n")},
		{row: 49, how: "a program under the name of weights", file: "model.safetensors", bytes: []byte(program), want: reject, rule: "executable/disguised", at: "^", near: safetensors("{}", nil)},
		{row: 50, how: "a shard outside the model", file: "model.safetensors.index.json", bytes: []byte(`{"weight_map":{"a":"../../other/model.bin"}}`), want: unsure, rule: "hfconfig/outside-path", at: `"../..`, near: []byte(`{"weight_map":{"a":"model.safetensors"}}`), beside: []string{"model.safetensors", string(safetensors("{}", nil))}},
	}
	for i, x := range list {
		switch x.how {
		case "a member that expands to more than the policy allows":
			list[i].at = ""
			list[i].bytes = archive{members: []member{{name: "m/bomb.txt", data: strings.Repeat("a", 20<<20), deflated: true}}}.bytes()
		case "overlapping members":
			list[i].bytes, list[i].at = overlapping(), "^"
		}
	}
	return slices.Concat(list, disguises(evil), legacyCheckpoints())
}

func zlibbed(w io.Writer) (io.WriteCloser, error) { return zlib.NewWriter(w), nil }

// many is an archive of small members.
func many(n int) []byte {
	var a archive
	for i := range n {
		a.members = append(a.members, member{name: fmt.Sprintf("m/%d.txt", i), data: "x\n"})
	}
	return a.bytes()
}

// deep is an archive in an archive, and so on.
func deep(n int, name, data string) []byte {
	for range n {
		name, data = "in.zip", string(holding(name, data))
	}
	return []byte(data)
}

// lz4Frame is a frame with one block that is stored; the last byte of the descriptor is its checksum (LZ4 frame format).
func lz4Frame(data string) []byte {
	b := []byte("\x04\x22\x4d\x18\x60\x40\x82")
	b = append(le.AppendUint32(b, uint32(len(data))|1<<31), data...)
	return append(b, 0, 0, 0, 0)
}

// overlapping is an archive whose second entry leads to the first member again.
func overlapping() []byte {
	b := holding("m/a.txt", "one\n", "m/b.txt", "two\n")
	second := bytes.LastIndex(b, []byte("PK\x01\x02"))
	copy(b[second+42:], "\x00\x00\x00\x00")
	return b
}

// program begins as a library of Linux.
const program = "\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x03\x00\x3e\x00\x01\x00\x00\x00" + "\x00\x00\x00\x00\x00\x00\x00\x00\x40\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x40\x00\x38\x00\x01\x00\x40\x00\x00\x00\x00\x00"

// disguises are row 48: a pickle under every name that scanners skip.
func disguises(evil string) (list []technique) {
	for name, refs := range map[string]string{
		"model.safetensors": "CVE-2025-10155", "model.gguf": "CVE-2025-10155", "model.onnx": "", "model.h5": "", "config.json": "CVE-2025-10155", "README.md": "", "spiece.model": "", "array.npy": "",
		"MODEL.PKL": "CVE-2025-1889", "weights": "CVE-2025-1889", "vocab.txt": "",
	} {
		list = append(list, technique{row: 48, refs: refs, how: "a pickle as " + name, file: name, bytes: []byte(evil), want: reject, rule: denied, at: callAt, nearFile: "model.pkl", near: assembled(ordered)})
	}
	return list
}

// bzipped is the payload as bzip2 compresses it; Go's library only reads that.
const bzipped = "\x42\x5a\x68\x39\x31\x41\x59\x26\x53\x59\x96\x37\x53\x95\x00\x00\x0c\x53\xc0\x50\x10\x00\x01\x10\x40\x0e\x22\xcc\x60\x42\x00\x20\x00\x22\x9e\xa0\x34\xd1\xa6\x9e\x90\xa6\x4c\x4c\x83\x23\x00\x95\xce\xfc\x90\x88\xc5\x4b\x97\x30\xb8\xd0\x31\xf1\x77\x24\x53\x85\x09\x09\x63\x75\x39\x50"
