// Package compressed judges single compressed streams: gzip, zlib, bzip2, xz, LZMA alone, LZ4, Zstandard, and the
// "ZF" files of joblib before 0.10. joblib, numpy, pandas and tar write them, under any name.
//
// Theory of operation. The stream is decompressed in bounded memory and what comes out is judged like any other file
// (Pass.Expand). Readers of Python disagree on what may follow a stream: gzip, bz2 and lzma read all streams that
// stand one after the other, gzip skips zeros, bz2 and lzma ignore what they do not know, zlib stops at the first
// end. So streams one after the other are read as one, and anything else behind a stream, and anything that a format
// lets a writer hide beside it (skippable frames, extra fields, comments), is a finding.
//
// # Security
//
// A format is recognised by its magic; zlib, whose two bytes any file may have, and gzip where the bytes may be the
// length of a safetensors header, by an inflation that goes well; LZMA
// alone, which has no magic, by a plausible header and a first chunk that decodes. A dictionary is never allocated by
// what the stream declares: the memory of a decompressor is bounded, and halved at each level of nesting, so that
// streams inside streams stay below twice the bound. Every checksum that a format has is compared.
//
// Not read, and therefore never cleared: preset dictionaries, xz filters other than LZMA2, frames of the LZ4 of 2011.
//
// Formats: RFC 1950, 1951, 1952, 8878; the .xz file format 1.2.1; the LZ4 frame format 1.6.3; LZMA SDK lzma.txt.
package compressed

import (
	"errors"
	"io"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/loadlock/loadlock/validate"
)

const again = "ask for the file as its writer made it, or compress it again"

var (
	broken = &validate.Rule{ID: "compressed/broken", Title: "stream that does not decompress to its end", Severity: validate.Medium,
		Why: "Loaders use what came out before the break, and checksums that are wrong are noticed only then.",
		Fix: "download the file again", Hostile: "a gzip of a pickle whose CRC is 0", Benign: "the same with its CRC", Refs: []string{"CVE-2025-10156"}}
	trailing = &validate.Rule{ID: "compressed/trailing", Title: "bytes after the stream", Severity: validate.Medium,
		Why: "Some readers stop there, some go on, and some read the file from its end.", Fix: again,
		Hostile: "a zip archive behind a gzip stream", Benign: "two gzip streams one after the other"}
	hidden = &validate.Rule{ID: "compressed/hidden", Title: "data beside the stream that readers skip", Severity: validate.Medium,
		Why: "Skippable frames, extra fields and comments carry bytes that no reader shows.", Fix: again,
		Hostile: "a Zstandard skippable frame that holds a program", Benign: "a gzip stream with the name of its file"}
	badName = &validate.Rule{ID: "compressed/name", Title: "name of the original file that leads elsewhere", Severity: validate.Medium,
		Why: "gzip -N and others unpack under the name that the stream gives.", Fix: again,
		Hostile: "../../.bashrc in a gzip header", Benign: "weights.npy in a gzip header", Refs: []string{"CWE-22"}}
	unread = &validate.Rule{ID: "compressed/unread", Title: "compression that is not read", Severity: validate.Medium,
		Why: "What was not read was not judged.", Fix: "compress the file with gzip or xz",
		Hostile: "a zlib stream with a preset dictionary", Benign: "a zlib stream"}
	window = &validate.Rule{ID: "compressed/window", Title: "stream that needs more memory than a scan has", Severity: validate.Medium,
		Why: "A stream can ask its reader for gigabytes of memory.", Fix: "compress the file with a smaller dictionary (xz -6, zstd without --long)",
		Hostile: "an LZMA header with a dictionary of 4 GiB and no size", Benign: "a dictionary of 64 MiB for a file of 1 MiB"}
	codeInside = &validate.Rule{ID: "compressed/code-inside", Title: "program code, compressed", Severity: validate.Medium,
		Why: "Code inside a compressed file cannot be withheld.", Fix: "ask for the file uncompressed",
		Hostile: "modeling.py.gz", Benign: "vocab.txt.gz"}
	disguised = &validate.Rule{ID: "compressed/name-only", Title: "file that has the name of a compressed file and is none", Severity: validate.Medium,
		Why: "A reader that goes by the name fails, and one that goes by the content reads something else.", Fix: again,
		Hostile: "a pickle called model.gz", Benign: "a gzip stream called model.bin"}
)

// Scanner judges compressed streams.
func Scanner() *validate.Scanner {
	return &validate.Scanner{
		Name: "compressed", Doc: "gzip, zlib, bzip2, xz, LZMA, LZ4 and Zstandard streams, and what is in them", Version: 1,
		Rules: []*validate.Rule{broken, trailing, hidden, badName, unread, window, codeInside, disguised},
		Match: func(h validate.Head) bool { return find(h) != nil || named(h.Name) }, Scan: scan,
	}
}

// format is one way to compress.
type format struct {
	name  string
	exts  []string
	match func(validate.Head) bool
	// open begins to decompress. What it learns about the stream it notes in s.
	open func(s *stream) (io.Reader, error)
}

var formats = sync.OnceValue(func() []format {
	return []format{
		{"gzip", []string{".gz", ".gzip"}, matchGzip, openGzip},
		{"bzip2", []string{".bz2"}, matchBzip2, openBzip2},
		{"xz", []string{".xz"}, magic(xzMagic), openXZ},
		{"zstd", []string{".zst", ".zstd"}, matchFrames(zstdMagic), openZstd},
		{"lz4", []string{".lz4"}, matchFrames(lz4Magic), openLZ4},
		{"lz4 of 2011", nil, magic("\x02\x21\x4c\x18"), refuse("legacy LZ4 frames")},
		{"joblib ZF", nil, matchZF, openZF},
		{"zlib", nil, matchZlib, openZlib},
		{"lzma", []string{".lzma"}, matchLZMA, openLZMA},
	}
})

// cost is what a byte that comes out takes, see validate.Slow.
func (f *format) cost() int64 {
	switch f.name {
	case "bzip2", "xz", "lzma":
		return validate.Slow
	}
	return 1
}

func magic(m string) func(validate.Head) bool {
	return func(h validate.Head) bool { return strings.HasPrefix(string(h.Start[:min(len(h.Start), len(m))]), m) }
}

func find(h validate.Head) *format {
	list := formats()
	for i := range list {
		if list[i].match(h) {
			return &list[i]
		}
	}
	return nil
}

// named says that a name promises a compressed file.
func named(name string) bool {
	ext := validate.Ext(name)
	return ext != "" && slices.ContainsFunc(formats(), func(f format) bool { return slices.Contains(f.exts, ext) })
}

// inner is the name of what is in a compressed file: the name without the ending that compression added.
func inner(name string) string {
	ext := path.Ext(name)
	switch strings.ToLower(ext) {
	case ".tgz", ".tbz2", ".txz":
		return strings.TrimSuffix(name, ext) + ".tar"
	}
	if named(name) || strings.EqualFold(ext, ".z") {
		return strings.TrimSuffix(name, ext)
	}
	return name
}

func scan(p *validate.Pass) error {
	head, err := p.Bytes(0, min(p.Size, 4096))
	if err != nil {
		return err
	}
	f := find(validate.Head{Name: p.Name, Size: p.Size, Start: head, ReaderAt: p})
	if f == nil {
		p.Report(disguised, 0, "%s begins with %s", validate.Printable(path.Base(p.Name)), validate.Quote(head, 16))
		return nil
	}
	var first *stream
	ex, err := p.ExpandSlowly(f.cost(), inner(p.Name), func() (io.Reader, error) {
		s := newStream(p)
		if first == nil {
			first = s
		}
		return f.open(s)
	})
	if err != nil {
		return err
	}
	judge(p, f, first, ex)
	return nil
}

// judge reports what was found out about the stream, and clears the file when there is nothing to say against it.
func judge(p *validate.Pass, f *format, s *stream, ex validate.Expansion) {
	for _, n := range s.notes {
		p.Report(n.rule, min(n.off, p.Size), "%s: %s", f.name, n.text)
	}
	var need *windowError
	switch {
	case errors.As(ex.Broken, &need):
		p.Report(window, min(s.at(), p.Size), "%s: %v", f.name, ex.Broken)
	case errors.Is(ex.Broken, errUnread):
		p.Report(unread, min(s.at(), p.Size), "%s: %v", f.name, ex.Broken)
	case ex.Broken != nil:
		p.Report(broken, min(s.at(), p.Size), "%s: %v, after %d bytes", f.name, ex.Broken, ex.Size)
	case s.at() < p.Size:
		p.Report(trailing, s.at(), "%s: %d bytes", f.name, p.Size-s.at())
		p.Clear(0, s.at(), f.name+" stream") // what follows stays unexplained, so that the core looks into it
	}
	if ex.Code {
		p.Report(codeInside, 0, "%s", f.name)
	}
	if ex.Cleared && ex.Broken == nil && s.at() == p.Size && len(s.notes) == 0 {
		p.Clear(0, p.Size, f.name+" stream")
	}
}
