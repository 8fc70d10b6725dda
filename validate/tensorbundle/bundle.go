// Package tensorbundle judges the index of a TensorFlow checkpoint, variables.index or model.ckpt.index: a table in the
// form of LevelDB (https://github.com/google/leveldb/blob/main/doc/table_format.md) from tensor names to places in the
// data files (tensorflow/core/protobuf/tensor_bundle.proto).
//
// # Security
//
// The table is read block by block: footer, index, data blocks, checksums, prefixes of keys, order of keys, restart
// points; the blocks must lie one behind the other and fill the file. Each entry's size is held against its shape. The
// ranges of the data files are told to the core, which clears those files when they are covered. Data is not read:
// checksums of tensors, and what strings among them mean (the object graph of a checkpoint), are not judged.
package tensorbundle

import (
	_ "embed"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"path"
	"strings"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/protowalk"
)

//go:embed bundle.schema
var schemaText string

// Scanner judges indexes of checkpoints.
func Scanner() *validate.Scanner {
	schema := protowalk.MustParse(schemaText)
	return &validate.Scanner{
		Name: "tensorbundle", Doc: "indexes of TensorFlow checkpoints", Version: 1, Rules: rules(), Match: match,
		Scan: func(p *validate.Pass) error { return scan(p, schema) },
	}
}

const (
	footerSize  = 48
	handlesSize = 40
	magic       = 0xdb4775248b80fb57
	trailer     = 5 // compression type and checksum behind each block
)

// match asks for the magic number at the end of the file.
func match(h validate.Head) bool {
	if h.Size < footerSize {
		return false
	}
	var b [8]byte
	if _, err := h.ReadAt(b[:], h.Size-8); err != nil {
		return false
	}
	return binary.LittleEndian.Uint64(b[:]) == magic
}

// handle is the place of a block, without its trailer.
type handle struct{ off, size int64 }

// reader goes through one index.
type reader struct {
	p      *validate.Pass
	w      *protowalk.Walker
	schema protowalk.Schema
	crc    *crc32.Table
	end    int64 // of the data blocks so far
	last   string
	first  bool // no entry was met yet
	shards int64
	old    bool
	ranges map[int64]*validate.Fact
	facts  int
}

func scan(p *validate.Pass, schema protowalk.Schema) error {
	r := &reader{p: p, w: protowalk.New(p, walking), schema: schema, crc: crc32.MakeTable(crc32.Castagnoli), first: true, ranges: map[int64]*validate.Fact{}}
	footer, err := p.Bytes(p.Size-footerSize, footerSize)
	if err != nil {
		return err
	}
	meta, n := readHandle(footer)
	index, m := readHandle(footer[n:])
	if n == 0 || m == 0 || strings.Trim(string(footer[n+m:handlesSize]), "\x00") != "" {
		return validate.Malformed(p.Size-footerSize, "footer")
	}
	err = r.block(index, func(key string, off, n int64) error {
		b, err := p.Bytes(off, n)
		if err != nil {
			return err
		}
		h, used := readHandle(b)
		if used == 0 || used != len(b) {
			return validate.Malformed(off, "an entry of the index")
		}
		return r.data(h, key)
	})
	if err != nil || r.old {
		return err
	}
	for _, h := range []handle{meta, index} {
		if h.off != r.end {
			return validate.Malformed(p.Size-footerSize, "a block at %d where the one before ends at %d", h.off, r.end)
		}
		r.end = h.off + h.size + trailer
	}
	if err := r.block(meta, func(string, int64, int64) error {
		return validate.Malformed(meta.off, "a meta block that is not empty")
	}); err != nil {
		return err
	}
	if r.end != p.Size-footerSize {
		return nil // bytes before the footer, which are not cleared
	}
	for id := range r.shards {
		if f := r.ranges[id]; f != nil {
			p.Fact(*f)
		}
	}
	p.Clear(0, p.Size, "index of a checkpoint")
	return nil
}

// data reads a block of entries. limit is the key that the index gives it, which is not below its last key.
func (r *reader) data(h handle, limit string) error {
	if h.off != r.end {
		return validate.Malformed(min(h.off, r.p.Size), "a block at %d where the one before ends at %d", h.off, r.end)
	}
	r.end = h.off + h.size + trailer
	err := r.block(h, func(key string, off, n int64) error {
		if !r.first && key <= r.last {
			r.p.Report(table, off, "key %s is not above the one before", validate.Quote(key, 80))
		}
		first := r.first
		r.first, r.last = false, key
		if first {
			return r.header(key, off, n)
		}
		return r.entry(off, n)
	})
	if err == nil && !r.old && r.last > limit {
		r.p.Report(table, h.off, "key %s is above the index's %s", validate.Quote(r.last, 80), validate.Quote(limit, 80))
	}
	return err
}

// header is the first entry: how many data files there are. An old checkpoint has another message there.
func (r *reader) header(key string, off, n int64) error {
	if key != "" {
		return validate.Malformed(off, "the first key is not empty")
	}
	if b, err := r.p.Bytes(off, min(n, 1)); err == nil && len(b) == 1 && b[0] == 0x0a {
		r.p.Report(oldForm, off, "not read")
		r.old = true
		return nil
	}
	r.w.On(r.schema["BundleHeaderProto"], func(v protowalk.Value) error {
		return r.w.Each(v, func(v protowalk.Value) (bool, error) {
			switch v.Field.Name {
			case "num_shards":
				r.shards = v.Int()
			case "endianness":
				if v.Num != 0 {
					r.p.Report(entry, v.At, "numbers in big-endian order, which this machine does not load")
				}
			}
			return false, nil
		})
	})
	if err := r.w.Walk(r.schema["BundleHeaderProto"], off, n); err != nil {
		return err
	}
	if r.shards < 1 || r.shards > maxShards {
		return validate.Malformed(off, "%d data files", r.shards)
	}
	return nil
}

// maxShards is what five digits count.
const maxShards = 99_999

// shard is the path of a data file inside the model.
func (r *reader) shard(id int64) string {
	prefix := strings.TrimSuffix(path.Base(r.p.Name), ".index")
	return path.Join(path.Dir(r.p.Name), fmt.Sprintf("%s.data-%05d-of-%05d", prefix, id, r.shards))
}
