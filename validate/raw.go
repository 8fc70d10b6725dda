package validate

import (
	"cmp"
	"errors"
	"io"
	"slices"
)

// rawPadding is the most that may lie between two ranges of raw numbers, or around them, and it must be zero. ONNX
// aligns to 4096 bytes for mmap, 64 KiB on Windows (onnx/onnx.proto, TensorProto.external_data).
const rawPadding = 64 << 10

// loaders are the names by which programs choose a reader that would make objects, load code or map the file: what no
// scanner recognises under such a name is not raw numbers, whatever another file says.
var loaders = map[string]bool{".pt": true, ".pth": true, ".pkl": true, ".pickle": true, ".pck": true, ".p": true, ".joblib": true, ".ckpt": true, ".npy": true, ".npz": true, ".h5": true, ".hdf5": true,
	".keras": true, ".safetensors": true, ".gguf": true, ".pyc": true, ".pyo": true, ".marshal": true, ".dill": true, ".mar": true, ".nemo": true, ".skops": true, ".msgpack": true, ".zip": true, ".tar": true,
	".so": true, ".dll": true, ".dylib": true, ".rds": true, ".rdata": true, ".rda": true, ".t7": true, ".ptl": true, ".pt2": true, ".pte": true, ".exe": true, ".json": true, ".py": true}

// clearRaw clears the files that no scanner understands but that other files of the model explain, range by range,
// as raw numbers. A file that looks like anything else was judged as that, and stays what it was judged to be.
func clearRaw(snap *Snapshot, files []FileReport, findings []Finding) []Finding {
	ranges := map[string]regions{}
	for _, f := range files {
		for _, fact := range f.Facts {
			if fact.Kind == FactRaw && fact.Size > 0 {
				ranges[fact.Key] = append(ranges[fact.Key], Region{fact.Offset, fact.Size, "raw numbers for " + f.Path})
			}
		}
	}
	linked := map[identity]regions{} // in the cache of a hub, the model's files are links to files named by digests
	for i, f := range files {
		if id := snap.Files[i].id; id.unique() && len(ranges[f.Path]) > 0 {
			linked[id] = append(linked[id], ranges[f.Path]...)
		}
	}
	for i := range files {
		f := &files[i]
		rs := ranges[f.Path]
		if len(rs) == 0 {
			rs = linked[snap.Files[i].id]
		}
		if len(rs) == 0 || len(f.Scanners) > 0 || f.Cleared || loaders[Ext(f.Path)] {
			continue
		}
		if !padded(snap.Files[i], rs) {
			continue // unclaimed, which has been reported
		}
		f.Cleared, f.Scanners = true, []string{"raw"}
		findings = slices.DeleteFunc(findings, func(x Finding) bool { return x.Rule == Unclaimed.ID && x.File == Printable(f.Path) })
	}
	return findings
}

// padded reports whether the ranges lie inside the file and leave only short runs of zeros.
func padded(f *File, rs regions) bool {
	slices.SortFunc(rs, func(a, b Region) int { return cmp.Compare(a.Offset, b.Offset) })
	data, done, err := f.open()
	if err != nil {
		return false
	}
	defer done()
	zeros := func(from, to int64) bool {
		if to <= from {
			return true
		}
		if to-from > rawPadding {
			return false
		}
		b := make([]byte, to-from)
		if n, err := data.ReadAt(b, from); n < len(b) && !errors.Is(err, io.EOF) {
			return false
		}
		return !slices.ContainsFunc(b, func(c byte) bool { return c != 0 })
	}
	var at int64
	for _, x := range rs {
		if x.Offset < 0 || x.Length < 0 || x.Length > f.Size-x.Offset || !zeros(at, x.Offset) {
			return false
		}
		at = max(at, x.Offset+x.Length)
	}
	return zeros(at, f.Size)
}
