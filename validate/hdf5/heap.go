package hdf5

import (
	"cmp"
	"slices"

	"github.com/loadlock/loadlock/validate"
)

// collection is a global heap collection: values of variable length (specification III.E).
type collection struct {
	at, size int64
	objects  []heapObject
}

type heapObject struct {
	index   uint16
	at, len int64
}

const (
	maxHeapObjects = 100_000 // of one collection
	keptObjects    = 200_000 // of all collections that are remembered
)

// collection reads the collection at an address; it must end before end. Its objects must tile it.
func (f *file) collection(at, end int64) (*collection, error) {
	if c := f.collections[at]; c != nil {
		return c, nil
	}
	head, err := f.expect(at, int64(8+f.sl), "GCOL", 1)
	if err != nil {
		return nil, err
	}
	head.skip(3)
	c := &collection{at: at, size: head.length()}
	if c.size > end-at || c.size < int64(len(head.b)) {
		return nil, validate.Malformed(at, "a heap collection of %d bytes", c.size)
	}
	if err := f.p.Charge(validate.Expanded, c.size); err != nil {
		return nil, err
	}
	if err := f.heapObjects(c, at+int64(len(head.b))); err != nil {
		return nil, err
	}
	if f.kept += len(c.objects) + 1; f.kept > keptObjects {
		f.kept, f.collections = 0, map[int64]*collection{}
	}
	f.collections[at] = c
	return c, nil
}

func (f *file) heapObjects(c *collection, at int64) error {
	size := int64(8 + f.sl)
	end := c.at + c.size
	if at == end {
		return validate.Malformed(c.at, "an empty heap collection")
	}
	for end-at >= size {
		h, err := f.read(at, size)
		if err != nil {
			return err
		}
		o := heapObject{index: h.u16()}
		h.skip(6)
		n := h.length()
		if o.index == 0 { // free, header included
			if n < size || n > end-at {
				return validate.Malformed(at, "free space of %d bytes in a heap collection", n)
			}
			o.at, o.len = at+size, n-size
			at += n
		} else {
			if n > end-at-size {
				return validate.Malformed(at, "a heap object of %d bytes", n)
			}
			o.at, o.len = at+size, n
			at += size + (n+7)/8*8
		}
		if len(c.objects) >= maxHeapObjects {
			return tooMany(at, "objects of one heap collection", maxHeapObjects)
		}
		c.objects = append(c.objects, o)
		if err := f.p.Charge(validate.Entries, 0); err != nil {
			return err
		}
	}
	if at < end {
		c.objects = append(c.objects, heapObject{at: at, len: end - at})
	}
	slices.SortStableFunc(c.objects, func(a, b heapObject) int { return cmp.Compare(a.index, b.index) })
	for i, o := range c.objects[1:] {
		if o.index != 0 && o.index == c.objects[i].index {
			return validate.Malformed(c.at, "two heap objects %d in one collection", o.index)
		}
	}
	return nil
}

// value is the place of one value of variable length.
func (f *file) value(at int64, index uint16) (heapObject, error) {
	if at < f.base || at >= f.end {
		return heapObject{}, validate.Malformed(max(0, min(at, f.p.Size)), "a heap collection outside the file")
	}
	_, before := f.structures[at]
	c, err := f.collection(at, f.end)
	if err != nil {
		return heapObject{}, err
	}
	if !before {
		if err := f.structure(at); err != nil {
			return heapObject{}, err
		}
		if err := f.judgeCollection(c); err != nil {
			return heapObject{}, err
		}
	}
	i, found := slices.BinarySearchFunc(c.objects, index, func(o heapObject, index uint16) int { return cmp.Compare(o.index, index) })
	if found && index != 0 {
		return c.objects[i], nil
	}
	return heapObject{}, validate.Malformed(at, "heap object %d that the collection does not have", index)
}

// judgeCollection claims a collection, judges its free space, and descends into objects that begin like a file that
// somebody runs: values of datasets are numbers and text for everyone else.
func (f *file) judgeCollection(c *collection) error {
	f.claim(c.at, c.size)
	for _, o := range c.objects {
		if o.index == 0 {
			if err := f.unusedRange(o.at, o.len); err != nil {
				return err
			}
			continue
		}
		if err := f.peek("heap", o.at, o.len, false); err != nil {
			return err
		}
	}
	return nil
}
