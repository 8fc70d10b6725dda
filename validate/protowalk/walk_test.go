package protowalk

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/loadlock/loadlock/validate"
	"github.com/loadlock/loadlock/validate/protowalk/prototest"
	"github.com/loadlock/loadlock/validate/validatetest"
)

const table = `
# a table for the tests
message Root
1 int32 number
2 string text
3 bytes raw
4 Root child
5 Root* children
6 int64* many
7 float* floats
8 bool flag
9 enum a which
10 string b which
11 fixed64 wide
`

var walking = NewRules("proto", "test", "Root")

// scanner clears what the walk goes through.
func scanner(visit func(*Walker, Value) error) *validate.Scanner {
	schema := MustParse(table)
	return &validate.Scanner{Name: "proto", Rules: walking.All(), Match: func(validate.Head) bool { return true }, Scan: func(p *validate.Pass) error {
		w := New(p, walking)
		if visit != nil {
			w.On(schema["Root"], func(v Value) error {
				return w.Each(v, func(v Value) (bool, error) { return false, visit(w, v) })
			})
		}
		err := w.Walk(schema["Root"], 0, p.Size)
		if err == nil {
			p.Clear(0, p.Size, "message")
		}
		return err
	}}
}

func run(b []byte, visit func(*Walker, Value) error) validate.Report {
	return validate.ScanReader(context.Background(), []*validate.Scanner{scanner(visit)}, "m", bytes.NewReader(b), int64(len(b)), validatetest.Policy().Scan)
}

func nested(n int) (m prototest.M) {
	for range n {
		m = prototest.M{}.Msg(4, m)
	}
	return m
}

func TestWhatTheTableSaysIsCleared(t *testing.T) {
	for name, m := range map[string]prototest.M{
		"nothing":                   {},
		"one of each":               prototest.M{}.Int(1, 5).Str(2, "é").Str(3, "\xff").Msg(4, nil).Fixed64(11, 1),
		"a negative number":         prototest.M{}.Int(1, -1),
		"repeated messages":         prototest.M{}.Msg(5, nil).Msg(5, nil),
		"packed and single numbers": prototest.M{}.Packed(6, 1, -1).Int(6, 7).Str(7, "\x00\x00\x80\x3f").Fixed32(7, 0),
		"one member of a oneof":     prototest.M{}.Str(10, ""),
		"a long text":               prototest.M{}.Str(2, strings.Repeat("é€😀", 9000)),
		"nested as deep as allowed": nested(99),
	} {
		if rep := run(m, nil); len(rep.Findings) > 0 || len(m) > 0 && !rep.Files[0].Cleared {
			t.Errorf("%s\n%s", name, validatetest.Show(rep))
		}
	}
}

func TestWhatReadersDifferOnIsAFinding(t *testing.T) {
	const broken = "validate/unparsable"
	for name, tt := range map[string]struct {
		m    prototest.M
		rule string
		at   int64
	}{
		"an unknown field":              {prototest.M{}.Int(1, 1).Str(99, "PK"), "proto/unknown-field", 2},
		"an unknown field far inside":   {prototest.M{}.Msg(4, prototest.M{}.Msg(5, prototest.M{}.Int(77, 1))), "proto/unknown-field", 4},
		"a number twice":                {prototest.M{}.Int(1, 1).Int(1, 2), "proto/repeated-field", 2},
		"a message twice":               {prototest.M{}.Msg(4, nil).Msg(4, nil), "proto/repeated-field", 2},
		"two members of a oneof":        {prototest.M{}.Int(9, 1).Str(10, "x"), "proto/repeated-field", 2},
		"a number of 33 bits":           {prototest.M{}.Int(1, 1<<33|1), broken, 0},
		"a bool that is two":            {prototest.M{}.Int(8, 2), broken, 0},
		"a varint longer than needed":   {prototest.M{}.Tag(1, 0).Raw("\x81\x00"), broken, 1},
		"a tag longer than needed":      {prototest.M{}.Raw("\x88\x00\x01"), broken, 0},
		"a length longer than needed":   {prototest.M{}.Tag(2, 2).Raw("\x81\x00x"), broken, 1},
		"a varint without end":          {prototest.M{}.Tag(1, 0).Raw("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), broken, 1},
		"a varint of 65 bits":           {prototest.M{}.Tag(6, 0).Raw("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), broken, 1},
		"field zero":                    {prototest.M{}.Raw("\x00\x00"), broken, 0},
		"a field number above 29 bits":  {prototest.M{}.Int(1<<29, 1), broken, 0},
		"a length above the message":    {prototest.M{}.Tag(2, 2).Raw("\x05abc"), broken, 1},
		"a length above 63 bits":        {prototest.M{}.Tag(2, 2).Raw("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), broken, 1},
		"a child longer than its place": {prototest.M{}.Msg(4, prototest.M{}.Tag(2, 2).Raw("\x09")).Str(2, "12345678"), broken, 3},
		"a group":                       {prototest.M{}.Tag(4, 3).Tag(4, 4), broken, 0},
		"a wire type for another kind":  {prototest.M{}.Int(2, 1), broken, 0},
		"packed in a single field":      {prototest.M{}.Packed(1, 1, 2), broken, 0},
		"packed floats of three bytes":  {prototest.M{}.Str(7, "abc"), broken, 2},
		"packed numbers cut":            {prototest.M{}.Str(6, "\x01\x80"), broken, 3},
		"text that is not UTF-8":        {prototest.M{}.Str(2, "a\xff"), broken, 3},
		"text that ends in a rune":      {prototest.M{}.Str(2, "a\xe2\x82"), broken, 3},
		"a fixed number cut":            {prototest.M{}.Tag(11, 1).Raw("1234567"), broken, 1},
		"nested too deep":               {nested(101), broken, -1},
	} {
		rep := run(tt.m, nil)
		if !slices.ContainsFunc(rep.Findings, func(f validate.Finding) bool { return f.Rule == tt.rule && (tt.at < 0 || f.Offset == tt.at) }) {
			t.Errorf("%s: want %s at %d\n%s", name, tt.rule, tt.at, validatetest.Show(rep))
		}
	}
}

func TestTablesAreStrict(t *testing.T) {
	for _, bad := range []string{"1 int32 x", "message A\n1 nope x", "message A\n0 int32 x", "message A\n1 int32 x\n1 int32 y", "message A\nmessage A",
		"message A\n1 int32", "message A\n1 int32 x y z", "message A\nx int32 y", fmt.Sprintf("message A\n%d int32 y", 1<<29)} {
		if _, err := Parse(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func TestValuesAreReadAsTheyAre(t *testing.T) {
	long := strings.Repeat("x", 9000)
	var got []any
	rep := run(prototest.M{}.Packed(6, 1, math.MinInt64).Int(6, -7).Str(2, "short").Msg(4, prototest.M{}.Str(2, long)), func(w *Walker, v Value) error {
		switch v.Field.Number {
		case 6:
			xs, err := w.Ints(v, 2)
			got = append(got, xs)
			return err
		case 2:
			s, err := w.Text(v, 9000)
			got = append(got, s)
			return err
		}
		return nil
	})
	want := []any{[]int64{1, math.MinInt64}, []int64{-7}, "short", long}
	if !reflect.DeepEqual(got, want) || len(rep.Findings) > 0 {
		t.Errorf("got %v\n%s", got, validatetest.Show(rep))
	}
	for name, visit := range map[string]func(*Walker, Value) error{
		"text":    func(w *Walker, v Value) error { _, err := w.Text(v, 3); return err },
		"numbers": func(w *Walker, v Value) error { _, err := w.Ints(v, 1); return err },
	} {
		if rep := run(prototest.M{}.Packed(6, 1, 2, 3, 4), visit); rep.Files[0].Cleared {
			t.Errorf("%s above the bound is cleared", name)
		}
	}
}

func TestBytesAreNotRead(t *testing.T) {
	const size = 1 << 40
	head := prototest.M{}.Tag(3, 2)
	head = append(head, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20) // 1<<40
	src := &counting{head: head}
	rep := validate.ScanReader(context.Background(), []*validate.Scanner{scanner(nil)}, "m", src, int64(len(head))+size, validatetest.Policy().Scan)
	if !rep.Files[0].Cleared || src.read > 64<<10 {
		t.Errorf("%d bytes read\n%s", src.read, validatetest.Show(rep))
	}
}

// counting is a file of which only the beginning is not zero.
type counting struct {
	head []byte
	read int64
}

func (c *counting) ReadAt(b []byte, off int64) (int, error) {
	c.read += int64(len(b))
	clear(b)
	if off < int64(len(c.head)) {
		copy(b, c.head[off:])
	}
	return len(b), nil
}

// FuzzWalk checks that the walk is the same twice, stays inside the file, and clears nothing that the other reader
// here, which is ten lines long, cannot read.
func FuzzWalk(f *testing.F) {
	f.Add([]byte(prototest.M{}.Int(1, 5).Str(2, "é").Str(3, "\xff").Msg(4, prototest.M{}.Packed(6, 1, 2)).Fixed64(11, 1)))
	f.Add([]byte(nested(101)))
	f.Fuzz(func(t *testing.T, b []byte) {
		rep := run(b, nil)
		if again := run(b, nil); !reflect.DeepEqual(rep.Findings, again.Findings) {
			t.Fatal("two scans differ")
		}
		for _, x := range rep.Findings {
			if x.Offset < 0 || x.Offset > int64(len(b)) {
				t.Fatalf("place outside the file\n%s", validatetest.Show(rep))
			}
		}
		seen, ok := Top(validate.Head{Name: "m", Size: int64(len(b)), Start: b[:min(len(b), 4096)], ReaderAt: bytes.NewReader(b)}, func() *Message { return MustParse(table)["Root"] })
		if len(b) > 1 && rep.Files[0].Cleared && len(rep.Findings) == 0 && !ok {
			t.Fatalf("cleared, but not recognised: %v", seen)
		}
	})
}

func BenchmarkWalk(b *testing.B) {
	child := prototest.M{}.Int(1, 5).Str(2, "a/name/of/some/length").Packed(6, 1, 2, 3)
	var m prototest.M
	for range 10_000 {
		m = m.Msg(5, child)
	}
	b.SetBytes(int64(len(m)))
	for b.Loop() {
		if rep := run(m, nil); len(rep.Findings) > 0 {
			b.Fatal(validatetest.Show(rep))
		}
	}
}
