package jsonwalk

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/validatetest"
)

// walk scans a text with a scanner that does nothing but walk, and gives the walk's error.
func walk(text string, visit Visitor) (err error) {
	s := &validate.Scanner{Name: "walk", Match: func(validate.Head) bool { return true }, Scan: func(p *validate.Pass) error {
		err = Walk(p, 0, p.Size, visit)
		return err
	}}
	validate.ScanReader(context.Background(), []*validate.Scanner{s}, "x.json", strings.NewReader(text), int64(len(text)), validatetest.Policy().Scan)
	return err
}

func TestWalkTellsWhatItMeets(t *testing.T) {
	var got []string
	path := func(stack []Frame) string {
		var b strings.Builder
		for _, f := range stack {
			if b.WriteByte('/'); f.Object {
				b.Write(f.Key)
			} else {
				b.WriteByte(byte('0' + f.Index))
			}
		}
		return b.String()
	}
	err := walk(`{"a":[1,"x",{"b":null}],"\u0061":true}`, Visitor{
		Key:      func(s []Frame, _ int64) { got = append(got, "key "+path(s)) },
		Scalar:   func(s []Frame, k Kind, v []byte, _ int64) { got = append(got, string(k)+" "+path(s)+"="+string(v)) },
		Open:     func(s []Frame, _ int64) { got = append(got, "open "+path(s[:len(s)-1])) },
		Close:    func(s []Frame, _ int64) { got = append(got, "close "+path(s[:len(s)-1])) },
		Repeated: func(s []Frame, _ int64) { got = append(got, "again "+path(s)) },
	})
	want := []string{"open ", "key /a", "open /a", "n /a/0=1", "s /a/1=x", "open /a/2", "key /a/2/b", "l /a/2/b=null", "close /a/2", "close /a", "again /a", "key /a", "l /a=true", "close "}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\ngot  %q\nwant %q", err, got, want)
	}
}

func TestStopEndsTheWalk(t *testing.T) {
	enough, n := errors.New("enough"), 0
	err := walk(`[1,2,3,4]`, Visitor{Scalar: func([]Frame, Kind, []byte, int64) { n++ }, Stop: func() error {
		if n == 2 {
			return enough
		}
		return nil
	}})
	if !errors.Is(err, enough) || n != 2 {
		t.Errorf("%v after %d values", err, n)
	}
}

func TestNothingLargeIsHeld(t *testing.T) {
	for name, text := range map[string]string{
		"a long string": `"` + strings.Repeat("x", maxString+1) + `"`,
		"a long key":    `{"` + strings.Repeat("x", maxKey+1) + `":1}`,
	} {
		if err := walk(text, Visitor{}); !errors.Is(err, validate.ErrBudget) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := walk(strings.Repeat("[", maxNesting+1), Visitor{}); err == nil || errors.Is(err, validate.ErrBudget) {
		t.Errorf("deep nesting: %v", err)
	}
}
