package validate

import (
	"cmp"
	"slices"
)

// Region is a range of bytes that a scanner explained and cleared.
type Region struct {
	Offset  int64  `json:"offset"`
	Length  int64  `json:"length"`
	Meaning string `json:"meaning"`
}

// regions accounts for the bytes of one file under one scanner.
type regions []Region

func (rs *regions) add(off, n int64, meaning string) {
	if n == 0 {
		return
	}
	if k := len(*rs); k > 0 { // merge runs of the same meaning so that memory stays small
		if last := &(*rs)[k-1]; last.Meaning == meaning && last.Offset+last.Length == off {
			last.Length += n
			return
		}
	}
	*rs = append(*rs, Region{off, n, meaning})
}

// gap is a range that nothing explains, or that was explained twice.
type gap struct {
	off, n  int64
	overlap bool
}

// check sorts the regions and returns what keeps them from tiling [0, size) exactly.
func (rs regions) check(size int64) (gaps []gap) {
	sorted := slices.Clone(rs)
	slices.SortFunc(sorted, func(a, b Region) int {
		return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Length, b.Length))
	})
	var at int64
	for _, r := range sorted {
		switch {
		case r.Offset < 0 || r.Length < 0 || r.Length > size-r.Offset:
			return append(gaps, gap{r.Offset, r.Length, true}) // outside the file: the scanner is wrong or was fooled
		case r.Offset < at:
			gaps = append(gaps, gap{r.Offset, min(at, r.Offset+r.Length) - r.Offset, true})
		case r.Offset > at:
			gaps = append(gaps, gap{at, r.Offset - at, false})
		}
		at = max(at, r.Offset+r.Length)
	}
	if at < size {
		gaps = append(gaps, gap{at, size - at, false})
	}
	return gaps
}
