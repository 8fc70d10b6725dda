package pysource

// collection is a built-in function over the elements of a value.
func (m *module) collection(name string, g arguments, line uint32, v *env) value {
	list := func(x value) ([]value, bool) {
		a, ok := x.constant()
		var items []value
		if ok {
			ok = a.each(func(e value) { items = append(items, e) })
		}
		return items, ok && len(items) <= maxItems
	}
	x := g.at(0, "")
	items, ok := list(x)
	switch name {
	case "range":
		return ranged(g)
	case "map", "filter":
		return m.mapped(name, g, line, v, list)
	case "dict":
		return m.dictCall(g, x)
	case "zip", "enumerate":
		if name == "enumerate" && ok {
			for i := range items {
				items[i] = only(seq([]value{only(number(int64(i))), items[i]}))
			}
			return only(seq(items))
		}
		if name == "zip" && ok && len(g.pos) > 1 {
			return zipped(g, list)
		}
		return unknown
	case "next", "min", "max":
		return value{open: true, atoms: x.elements().atoms}
	case "slice":
		return unknown
	}
	if !ok {
		if name == "list" && len(g.pos) == 0 {
			return value{open: true}
		}
		e := x.elements()
		e.open = true
		return value{open: true, atoms: []*atom{seq([]value{e})}}
	}
	switch name {
	case "reversed":
		for i, j := 0, len(items)-1; i < j; i, j = i+1, j-1 {
			items[i], items[j] = items[j], items[i]
		}
	case "sorted", "set", "frozenset":
		return value{open: name == "sorted", atoms: []*atom{seq(items)}}
	}
	return only(seq(items))
}

func ranged(g arguments) value {
	from, ok1 := g.intArg(0, "", 0)
	to, ok2 := g.intArg(1, "", 0)
	by, ok3 := g.intArg(2, "", 1)
	if len(g.pos) == 1 {
		from, to = 0, from
	}
	if !ok1 || !ok2 || !ok3 || by == 0 || len(g.pos) == 0 {
		return unknown
	}
	items := []value{}
	for i := from; (by > 0 && i < to || by < 0 && i > to) && len(items) <= 4096; i += by {
		items = append(items, only(number(i)))
	}
	return value{open: len(items) > 4096, atoms: []*atom{seq(items)}}
}

func zipped(g arguments, list func(value) ([]value, bool)) value {
	var columns [][]value
	n := maxItems
	for _, x := range g.pos {
		items, ok := list(x)
		if !ok {
			return unknown
		}
		columns = append(columns, items)
		n = min(n, len(items))
	}
	rows := make([]value, n)
	for i := range rows {
		var row []value
		for _, c := range columns {
			row = append(row, c[i])
		}
		rows[i] = only(seq(row))
	}
	return only(seq(rows))
}

func (m *module) mapped(name string, g arguments, line uint32, v *env, list func(value) ([]value, bool)) value {
	if len(g.pos) < 2 {
		return unknown
	}
	items, ok := list(g.pos[1])
	if !ok || name == "filter" && len(g.pos[0].atoms) > 0 && g.pos[0].atoms[0].kind != isNone {
		e := g.pos[1].elements()
		if name == "map" {
			e = m.apply(g.pos[0], arguments{pos: []value{e}, named: map[string]value{}}, line, v)
		}
		return value{open: true, atoms: []*atom{seq([]value{e})}}
	}
	if name == "filter" {
		return only(seq(items))
	}
	var second []value
	if len(g.pos) > 2 {
		if second, ok = list(g.pos[2]); !ok {
			return unknown
		}
	}
	out := []value{}
	for i, x := range items {
		args := []value{x}
		if len(g.pos) > 2 {
			if i >= len(second) {
				break
			}
			args = append(args, second[i])
		}
		out = append(out, m.apply(g.pos[0], arguments{pos: args, named: map[string]value{}}, line, v))
	}
	return only(seq(out))
}

func (m *module) dictCall(g arguments, x value) value {
	d := &atom{kind: isDict}
	open := g.more
	if len(g.pos) > 0 {
		a, ok := x.constant()
		switch {
		case ok && a.kind == isDict:
			d.keys, d.items = append(d.keys, a.keys...), append(d.items, a.items...)
		case ok && a.kind == isNamespace:
			return only(a)
		case ok && a.kind == isSeq:
			for _, row := range a.items {
				for _, k := range m.unpack(row, []int{0}).atoms {
					d.keys, d.items = append(d.keys, k), append(d.items, m.unpack(row, []int{1}))
				}
			}
		default:
			open = true
		}
	}
	for _, k := range sortedKeys(g.named) {
		d.keys, d.items = append(d.keys, text(k)), append(d.items, g.named[k])
	}
	return value{open: open, atoms: []*atom{d}}
}
