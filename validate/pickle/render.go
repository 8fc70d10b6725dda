package pickle

import (
	"math"
	"strconv"
	"strings"
)

// maxRender is how much of a value a report shows.
const maxRender = 120

// render shows a value much as Python would, in ASCII.
func render(v *value) string {
	w := &renderer{}
	w.value(v, 0)
	return w.String()
}

// renderArgs shows the arguments of a call; a single literal stands alone.
func renderArgs(c *call) string {
	if len(c.args) == 1 && !c.cut && c.kw == nil && c.args[0].kind != kTuple {
		return render(c.args[0])
	}
	w := &renderer{}
	w.list("(", c.args, ")", c.cut, 0)
	if c.kw != nil {
		w.add(" and keywords ")
		w.value(c.kw, 0)
	}
	return w.String()
}

// renderCall shows a call as Python would write it.
func renderCall(c *call) string {
	w := &renderer{}
	w.value(c.fn, 0)
	w.list("(", c.args, ")", c.cut, 0)
	return w.String()
}

type renderer struct {
	strings.Builder
	full bool
}

func (w *renderer) add(s string) {
	if w.full {
		return
	}
	if room := maxRender - w.Len(); len(s) > room {
		s, w.full = s[:max(room, 0)]+" ...", true
	}
	w.WriteString(s)
}

// list shows items; "{:" opens pairs.
func (w *renderer) list(open string, items []*value, end string, cut bool, depth int) {
	w.add(open[:max(len(open)-1, 1)])
	for i, item := range items {
		if w.full {
			return
		}
		switch {
		case open == "{:" && i%2 == 1:
			w.add(": ")
		case i > 0:
			w.add(", ")
		}
		w.value(item, depth+1)
	}
	if cut {
		w.add(", ...")
	}
	w.add(end)
}

func (w *renderer) value(v *value, depth int) {
	if w.full || v == nil {
		return
	}
	if depth > 8 {
		w.add("...")
		return
	}
	switch v.kind {
	case kNone:
		w.add("None")
	case kBool:
		w.add([]string{"False", "True"}[v.n])
	case kInt:
		w.add(strconv.FormatInt(v.n, 10))
	case kFloat:
		w.add(strconv.FormatFloat(math.Float64frombits(uint64(v.n)), 'g', -1, 64))
	case kStr, kBytes, kByteArray:
		w.add(strings.Repeat("b", min(int(v.kind-kStr), 1)) + strconv.QuoteToASCII(v.text))
		if v.cut() || int64(len(v.text)) < v.n && v.flags&fEncoded == 0 {
			w.add("...(" + strconv.FormatInt(v.n, 10) + " bytes)")
		}
	case kTuple:
		w.list("(", v.items, ")", v.cut(), depth)
	case kList:
		w.list("[", v.items, "]", v.cut(), depth)
	case kDict:
		w.list("{:", v.items, "}", v.cut(), depth)
	case kSet:
		w.list("{", v.items, "}", v.cut(), depth)
	case kFrozen:
		w.add("frozenset")
		w.list("(", v.items, ")", v.cut(), depth)
	case kImport:
		w.add(showName(v.g))
	case kCall:
		w.value(v.fn, depth+1)
		w.list("(", v.items, ")", v.cut(), depth)
	case kInstance:
		w.add("<instance of ")
		w.value(v.fn, depth+1)
		w.add(">")
	case kPersist:
		w.add("<storage " + quote(v.text) + ">")
	default:
		w.add("<" + kindWords[v.kind] + ">")
	}
}

// showName is a global as reports print it: as it stands when it is plain, quoted when it could mislead.
func showName(g *global) string {
	s := g.String()
	if q := strconv.QuoteToASCII(s); len(s) <= 200 && q[1:len(q)-1] == s && !strings.ContainsAny(s, " ") {
		return s
	}
	return quote(s)
}
