package syntax

import (
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strings"
)

// dumper writes a tree as testdata/dump.py writes CPython's.
type dumper struct {
	b     strings.Builder
	src   string
	lines []int // offsets of the beginnings of lines
	words int
	bare  bool // without positions
}

func dump(src []byte, m *Module, bare bool) string {
	d := &dumper{src: string(src), bare: bare}
	begin := 0
	if m.Facts.BOM {
		begin = len(bom)
	}
	d.lines = append(d.lines, begin)
	for i := 0; i < len(src); i++ {
		if src[i] == '\n' || src[i] == '\r' {
			if src[i] == '\r' && i+1 < len(src) && src[i+1] == '\n' {
				i++
			}
			d.lines = append(d.lines, i+1)
		}
	}
	d.put("(Module")
	d.value(reflect.ValueOf(m.Body), false)
	d.put(")")
	return d.b.String()
}

func (d *dumper) put(s string) {
	if d.words > 0 {
		d.b.WriteByte(' ')
	}
	d.words++
	d.b.WriteString(s)
}

// place is the position of a node; the end is turned into a line and a column.
func (d *dumper) place(n Node, inside bool) string {
	switch n.(type) {
	case *Arguments, *Comprehension, *WithItem, *MatchCase:
		return ""
	}
	if inside || d.bare {
		return ""
	}
	p := n.Position()
	lo, hi := 0, len(d.lines)
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; d.lines[mid] <= int(p.End) {
			lo = mid
		} else {
			hi = mid
		}
	}
	return fmt.Sprintf("@%d:%d-%d:%d", p.Line, p.Col, lo+1, int(p.End)-d.lines[lo])
}

func (d *dumper) value(v reflect.Value, inside bool) {
	switch v.Kind() {
	case reflect.Slice:
		if ops, ok := v.Interface().([]CmpOp); ok {
			d.put("[")
			for _, o := range ops {
				d.put("(" + o.String())
				d.put(")")
			}
			d.put("]")
			return
		}
		d.put("[")
		for i := range v.Len() {
			if c, ok := v.Index(i).Interface().(*Constant); ok && inside && c.Kind == Str && c.Text == "" {
				continue
			}
			d.value(v.Index(i), inside)
		}
		d.put("]")
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() {
			d.put("-")
			return
		}
		d.node(v.Interface().(Node), inside)
	case reflect.String:
		d.put("'" + hex.EncodeToString([]byte(v.String())))
	default:
		switch x := v.Interface().(type) {
		case Operator:
			d.put("(" + x.String())
			d.put(")")
		case UnaryOperator:
			d.put("(" + x.String())
			d.put(")")
		default:
			d.put(fmt.Sprint(x))
		}
	}
}

func (d *dumper) node(n Node, inside bool) {
	if c, ok := n.(*Constant); ok {
		d.put("(Constant" + d.place(n, inside) + " " + constantText(c) + ")")
		return
	}
	v := reflect.ValueOf(n).Elem()
	name := strings.ToLower(v.Type().Name())
	switch n.(type) {
	case *Arguments, *Arg, *Keyword, *Alias, *WithItem, *MatchCase, *Comprehension:
		if name == "matchcase" {
			name = "match_case"
		}
	default:
		name = v.Type().Name()
	}
	d.put("(" + name + d.place(n, inside))
	if c := v.FieldByName("Ctx"); c.IsValid() {
		d.put([...]string{"Load", "Store", "Del"}[c.Uint()])
	}
	_, joined := n.(*JoinedStr)
	for i := 1; i < v.NumField(); i++ {
		d.field(n, v.Type().Field(i).Name, v.Field(i), inside || joined)
	}
	d.put(")")
}

// field writes one field, where the trees differ in form.
func (d *dumper) field(n Node, name string, v reflect.Value, inside bool) {
	switch n := n.(type) {
	case *BoolOp:
		if name == "And" {
			d.put(map[bool]string{true: "(And", false: "(Or"}[n.And])
			d.put(")")
			return
		}
	case *BinOp:
		switch name { // CPython's order is left, op, right
		case "Op":
			return
		case "Left":
			d.value(v, inside)
			d.value(reflect.ValueOf(n.Op), inside)
			return
		}
	case *AnnAssign:
		if name == "Simple" {
			d.put(map[bool]string{true: "1", false: "0"}[n.Simple])
			return
		}
	case *Comprehension:
		if name == "IsAsync" {
			d.put(map[bool]string{true: "1", false: "0"}[n.IsAsync])
			return
		}
	case *MatchSingleton:
		d.put(map[ConstantKind]string{None: "-", True: "True", False: "False"}[n.Kind])
		return
	}
	switch name {
	case "Ctx", "Respelled":
		return
	case "TypeParams", "DefaultValue":
		if v.IsZero() {
			return
		}
	case "Name", "Asname", "Module", "Rest", "Arg":
		optional := map[string]bool{"ExceptHandler": true, "Alias": name == "Asname", "ImportFrom": true, "MatchMapping": true,
			"MatchStar": true, "MatchAs": true, "Keyword": true}[reflect.TypeOf(n).Elem().Name()]
		if optional && v.String() == "" {
			d.put("-")
			return
		}
	}
	d.value(v, inside)
}

func constantText(c *Constant) string {
	switch c.Kind {
	case Str:
		u := ""
		if c.U {
			u = "u"
		}
		return u + "str:" + hex.EncodeToString([]byte(c.Text))
	case Bytes:
		return "bytes:" + hex.EncodeToString([]byte(c.Text))
	case Int:
		n := new(big.Int)
		if strings.Trim(c.Text, "0") != "" {
			if _, ok := n.SetString(c.Text, 0); !ok {
				return "bad int " + c.Text
			}
		}
		return "int:" + n.Text(16)
	case Float, Complex:
		f, ok := c.Float64()
		return fmt.Sprintf("%s:%016x", c.Kind, math.Float64bits(f)) + map[bool]string{true: "", false: "bad"}[ok]
	}
	return c.Kind.String()
}
