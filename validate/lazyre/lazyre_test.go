package lazyre

import (
	"slices"
	"testing"
)

func TestAnExpressionWithAMistakeStopsTheTestsOfItsPackage(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("compiled")
		}
	}()
	New("(")
}

func TestMethodsAreThoseOfRegexp(t *testing.T) {
	r := New(`a(b*)`)
	if !r.Match([]byte("xab")) || r.MatchString("b") || r.FindString("xabb") != "abb" {
		t.Error("Match, MatchString, FindString")
	}
	if !slices.Equal(r.FindIndex([]byte("xabb")), []int{1, 4}) || !slices.Equal(r.FindStringIndex("xabb"), []int{1, 4}) {
		t.Error("FindIndex, FindStringIndex")
	}
	if !slices.Equal(r.FindAllString("ab a", -1), []string{"ab", "a"}) || !slices.Equal(r.FindStringSubmatch("abb"), []string{"abb", "bb"}) {
		t.Error("FindAllString, FindStringSubmatch")
	}
	if string(r.FindSubmatch([]byte("abb"))[1]) != "bb" || r.FindAllStringSubmatch("ab a", 1)[0][1] != "b" {
		t.Error("FindSubmatch, FindAllStringSubmatch")
	}
}
