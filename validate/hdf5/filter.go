package hdf5

import (
	"github.com/loadlock/loadlock/validate"
)

// filter is one step of a pipeline.
type filter struct{ id uint16 }

// The filters that are undone to look at the beginning of data.
const (
	filterDeflate = 1
	filterShuffle = 2
)

// builtIn are the filters of the library and of h5py; they load nothing.
var builtIn = map[uint16]string{1: "deflate", 2: "shuffle", 3: "fletcher32", 4: "szip", 5: "nbit", 6: "scaleoffset", 32000: "lzf"}

// registered are well-known plugins (HDF Group's list of registered filters). They run only if the host has them.
var registered = map[uint16]string{305: "lzo", 307: "bzip2", 32001: "blosc", 32004: "lz4", 32008: "bitshuffle", 32013: "zfp", 32015: "zstd",
	32017: "sz", 32018: "fcidecomp", 32019: "jpeg", 32026: "blosc2"}

// readFilters reads a pipeline (specification IV.A.2.l).
func (o *object) readFilters(c *cursor) error {
	version, n := c.u8(), int(c.u8())
	if version != 1 && version != 2 || n > 32 {
		return validate.Malformed(c.at, "a pipeline of version %d with %d filters", version, n)
	}
	if version == 1 {
		c.skip(6)
	}
	for range n {
		at := c.pos()
		id := c.u16()
		nameLen := 0
		if version == 1 || id >= 256 {
			nameLen = int(c.u16())
		}
		c.skip(2) // optional or not
		values := int(c.u16())
		name := c.take(nameLen)
		c.skip(4 * values)
		if version == 1 && values%2 != 0 {
			c.skip(4)
		}
		if err := c.ok("a filter pipeline"); err != nil {
			return err
		}
		o.filters = append(o.filters, filter{id})
		o.f.filter(at, id, name)
	}
	return nil
}

// filter reports what is not part of the library, once for each number.
func (f *file) filter(at int64, id uint16, name []byte) {
	if builtIn[id] != "" || f.filters[id] {
		return
	}
	f.filters[id] = true
	if known := registered[id]; known != "" {
		f.p.Report(pluginFilter, at, "filter %d (%s)", id, known)
		return
	}
	f.p.Report(unknownFilter, at, "filter %d, named %s", id, validate.Quote(name, 40))
}
