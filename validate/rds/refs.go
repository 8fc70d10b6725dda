package rds

import (
	"strings"

	"github.com/loadlock/loadlock/validate"
)

// symbol reads the name that follows and remembers it.
func (r *reader) symbol() error {
	flags, err := r.int()
	if err != nil {
		return err
	}
	if flags&0xff != charSXP {
		return validate.Malformed(r.off, "a symbol whose name is an item of kind %d", flags&0xff)
	}
	n, err := r.int()
	if err != nil {
		return err
	}
	var name []byte
	if n != -1 {
		if name, err = r.str(n); err != nil {
			return err
		}
	}
	s := string(name[:min(len(name), maxSymbol)])
	r.named(s)
	return r.refer(s)
}

func (r *reader) named(s string) {
	r.symbolRead = s
	if r.naming != nil && len(r.naming) < 4 {
		r.naming = append(r.naming, s)
	}
}

func (r *reader) reference(flags int64) error {
	i := flags >> 8
	if i == 0 {
		var err error
		if i, err = r.int(); err != nil {
			return err
		}
	}
	if i < 1 || i > int64(len(r.refs)) {
		return validate.Malformed(r.off, "a reference to object %d of %d", i, len(r.refs))
	}
	r.named(r.refs[i-1])
	return nil
}

// names reads the strings that describe a namespace or package.
func (r *reader) names() error {
	zero, err := r.int()
	if err != nil {
		return err
	}
	n, err := r.int()
	if err != nil {
		return err
	}
	if zero != 0 || n < 0 || n > 16 {
		return validate.Malformed(r.off, "a description of %d strings", n)
	}
	if err := r.refer(""); err != nil {
		return err
	}
	return r.push(n)
}

// computed are R's own classes of vectors that are made from a state of plain values.
var computed = map[string]bool{"compact_intseq": true, "compact_realseq": true, "deferred_string": true, "wrap_real": true, "wrap_integer": true,
	"wrap_logical": true, "wrap_complex": true, "wrap_raw": true, "wrap_string": true, "wrap_list": true}

// altrep reads a description (class and package as symbols, and a number), a state, and attributes.
func (r *reader) altrep(at int64) error {
	if r.naming != nil {
		return validate.Malformed(at, "a computed vector in the description of another")
	}
	r.naming = []string{}
	judge := func(r *reader) error {
		if n := r.naming; len(n) < 2 || n[1] != "base" || !computed[n[0]] {
			r.report(altrep, at, "class "+validate.Quote(strings.Join(n, " of "), 80))
		}
		r.naming = nil
		return r.push(2)
	}
	r.todo = append(r.todo, step{do: judge})
	return r.push(1)
}
