package validate

import (
	"math/rand"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestRegionsMustTileTheFile(t *testing.T) {
	tests := map[string]struct {
		size    int64
		regions regions
		want    []gap
	}{
		"nothing of nothing":           {0, nil, nil},
		"nothing of something":         {5, nil, []gap{{0, 5, false}}},
		"the whole":                    {5, regions{{0, 5, "a"}}, nil},
		"two parts in any order":       {5, regions{{3, 2, "b"}, {0, 3, "a"}}, nil},
		"a hole in front":              {5, regions{{1, 4, "a"}}, []gap{{0, 1, false}}},
		"a hole between":               {5, regions{{0, 2, "a"}, {3, 2, "b"}}, []gap{{2, 1, false}}},
		"a tail":                       {5, regions{{0, 4, "a"}}, []gap{{4, 1, false}}},
		"an overlap":                   {5, regions{{0, 3, "a"}, {2, 3, "b"}}, []gap{{2, 1, true}}},
		"the same twice":               {5, regions{{0, 5, "a"}, {0, 5, "b"}}, []gap{{0, 5, true}}},
		"one inside another":           {5, regions{{0, 5, "a"}, {1, 2, "b"}}, []gap{{1, 2, true}}},
		"an overlap that hides a hole": {5, regions{{0, 2, "a"}, {1, 1, "b"}}, []gap{{1, 1, true}, {2, 3, false}}},
		"beyond the end":               {5, regions{{0, 6, "a"}}, []gap{{0, 6, true}}},
		"far beyond the end":           {5, regions{{0, 5, "a"}, {1 << 62, 1 << 62, "b"}}, []gap{{1 << 62, 1 << 62, true}}},
		"a sum that overflows":         {5, regions{{4, 1<<63 - 1, "a"}}, []gap{{0, 0, false}}},
		"before the beginning":         {5, regions{{-1, 6, "a"}}, []gap{{-1, 6, true}}},
		"a negative length":            {5, regions{{0, 5, "a"}, {2, -1, "b"}}, []gap{{2, -1, true}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := tt.regions.check(tt.size)
			if name == "a sum that overflows" {
				if len(got) == 0 {
					t.Error("accepted")
				}
				return
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestNeighboursOfOneMeaningAreMerged(t *testing.T) {
	var rs regions
	for i := range int64(100_000) {
		rs.add(i, 1, "text")
	}
	rs.add(100_000, 1, "other")
	rs.add(0, 0, "nothing")
	if want := (regions{{0, 100_000, "text"}, {100_000, 1, "other"}}); !slices.Equal(rs, want) {
		t.Errorf("%d regions, first %v", len(rs), rs[0])
	}
}

// Whatever the order of clearing, check agrees with counting bytes one by one.
func TestAccountingAgreesWithCounting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Int64Range(0, 40).Draw(t, "size")
		var rs regions
		if rapid.Bool().Draw(t, "tiled") { // random regions seldom tile
			for at := int64(0); at < size; {
				n := rapid.Int64Range(1, size-at).Draw(t, "part")
				rs = append(rs, Region{at, n, ""})
				at += n
			}
			rand.New(rand.NewSource(size)).Shuffle(len(rs), func(i, k int) { rs[i], rs[k] = rs[k], rs[i] })
		}
		var cleared regions
		for _, r := range rs {
			cleared.add(r.Offset, r.Length, "x")
		}
		for range rapid.IntRange(0, 4).Draw(t, "more") {
			off := rapid.Int64Range(0, max(0, size-1)).Draw(t, "offset")
			n := rapid.Int64Range(0, size-off).Draw(t, "length")
			rs = append(rs, Region{off, n, ""})
			cleared.add(off, n, "x")
		}
		count := make([]int, size)
		for _, r := range rs {
			for i := range r.Length {
				count[r.Offset+i]++
			}
		}
		want := !slices.ContainsFunc(count, func(n int) bool { return n != 1 })
		if got := len(cleared.check(size)) == 0; got != want {
			t.Fatalf("cleared %v, want %v: %v of %d", got, want, cleared, size)
		}
	})
}
