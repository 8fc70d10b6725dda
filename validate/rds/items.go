package rds

import "github.com/loadlock/loadlock/validate"

// The kinds of item, and the marks that stand for one (Rinternals.h, serialize.c).
const (
	symSXP      = 1
	listSXP     = 2
	cloSXP      = 3
	envSXP      = 4
	promSXP     = 5
	langSXP     = 6
	specialSXP  = 7
	builtinSXP  = 8
	charSXP     = 9
	lglSXP      = 10
	intSXP      = 13
	realSXP     = 14
	cplxSXP     = 15
	strSXP      = 16
	dotSXP      = 17
	vecSXP      = 19
	exprSXP     = 20
	bcodeSXP    = 21
	extptrSXP   = 22
	weakrefSXP  = 23
	rawSXP      = 24
	s4SXP       = 25
	altrepSXP   = 238
	attrlistSXP = 239
	attrlangSXP = 240
	baseEnv     = 241
	emptyEnv    = 242
	persistSXP  = 247
	packageSXP  = 248
	namespace   = 249
	baseSpace   = 250
	missingArg  = 251
	unbound     = 252
	globalEnv   = 253
	nilValue    = 254
	refSXP      = 255
)

const (
	maxPending = 100_000
	maxRefs    = 200_000
	maxSymbol  = 64 // bytes of a symbol's name that are kept
)

// reader walks the items. What is still to be read is a stack of steps, not a recursion: lists of pairs and nested
// lists may be as deep as they like.
type reader struct {
	*stream
	todo   []step
	refs   []string // names of symbols, "" for other things that are referred to
	naming []string // the symbols of an altrep's description, while it is read
	items  int64
	calls  map[string]verdict

	symbolRead string // the last symbol

	found map[string]bool
}

// step is something to read: n items, or what a function reads.
type step struct {
	n  int64
	do func(r *reader) error
}

func (r *reader) push(n int64) error {
	if n <= 0 {
		return nil
	}
	if len(r.todo) >= maxPending {
		return validate.Malformed(r.off, "objects nested deeper than %d", maxPending)
	}
	r.todo = append(r.todo, step{n: n})
	return nil
}

func (r *reader) walk() error {
	r.found = map[string]bool{}
	var err error
	if r.calls, err = loadCalls(); err != nil {
		return err
	}
	if err := r.push(1); err != nil {
		return err
	}
	for len(r.todo) > 0 {
		top := &r.todo[len(r.todo)-1]
		if do := top.do; do != nil {
			r.todo = r.todo[:len(r.todo)-1]
			if err := do(r); err != nil {
				return err
			}
			continue
		}
		if top.n--; top.n == 0 {
			r.todo = r.todo[:len(r.todo)-1]
		}
		if r.items++; r.items%1024 == 0 {
			if err := r.p.Charge(validate.Entries, 0); err != nil {
				return err
			}
		}
		if err := r.item(); err != nil {
			return err
		}
	}
	return nil
}

// report states each kind of finding once, where it is first met.
func (r *reader) report(rule *validate.Rule, off int64, what string) {
	if !r.found[what] && len(r.found) < 100 {
		r.found[what] = true
		r.p.Report(rule, off, "%s", what)
	}
}

func (r *reader) refer(name string) error {
	if len(r.refs) >= maxRefs {
		return validate.Malformed(r.off, "more than %d symbols and environments", maxRefs)
	}
	r.refs = append(r.refs, name)
	return nil
}

// item reads one item; what it consists of is pushed.
func (r *reader) item() error {
	at := r.off
	flags, err := r.int()
	if err != nil {
		return err
	}
	kind, attr, tag := flags&0xff, flags&(1<<9) != 0, flags&(1<<10) != 0
	switch kind {
	case nilValue, emptyEnv, baseEnv, globalEnv, unbound, missingArg, baseSpace:
		return nil
	case refSXP:
		return r.reference(flags)
	case symSXP:
		return r.symbol()
	case persistSXP, packageSXP, namespace:
		r.report(reference, at, map[int64]string{persistSXP: "an object that a hook of the reader supplies", packageSXP: "an attached package", namespace: "the namespace of a package, which loads it"}[kind])
		return r.names()
	case envSXP:
		r.report(reference, at, "an environment")
		if _, err := r.int(); err != nil {
			return err
		}
		if err := r.refer(""); err != nil {
			return err
		}
		return r.push(4)
	case listSXP, attrlistSXP, langSXP, attrlangSXP, cloSXP, promSXP, dotSXP:
		r.pair(kind, at)
		n := int64(0)
		if attr || kind == attrlistSXP || kind == attrlangSXP {
			n++
		}
		if tag {
			n++
		}
		if kind == langSXP || kind == attrlangSXP {
			return r.call(at, n)
		}
		return r.push(n + 2)
	case altrepSXP:
		return r.altrep(at)
	}
	if attr && kind != extptrSXP && kind != weakrefSXP {
		if err := r.push(1); err != nil {
			return err
		}
	}
	return r.vector(kind, at, attr)
}

// pair reports the kinds of pair that are programs.
func (r *reader) pair(kind, at int64) {
	switch kind {
	case promSXP:
		r.report(promise, at, "a promise")
	case cloSXP:
		r.report(program, at, "a function")
	case dotSXP:
		r.report(program, at, "arguments that are not evaluated yet")
	}
}

// vector reads what is not made of pairs. Attributes come after it and are pushed already.
func (r *reader) vector(kind, at int64, attr bool) error {
	switch kind {
	case charSXP:
		n, err := r.int()
		if err != nil || n == -1 {
			return err
		}
		_, err = r.str(n)
		return err
	case specialSXP, builtinSXP:
		r.report(reference, at, "a function of the interpreter")
		n, err := r.int()
		if err == nil {
			_, err = r.str(n)
		}
		return err
	case extptrSXP, weakrefSXP:
		r.report(reference, at, map[int64]string{extptrSXP: "a pointer of a native library", weakrefSXP: "a weak reference, which can have a finalizer"}[kind])
		n := map[int64]int64{extptrSXP: 2}[kind]
		if attr {
			n++
		}
		if err := r.refer(""); err != nil {
			return err
		}
		return r.push(n)
	case bcodeSXP:
		r.report(program, at, "byte code")
		return validate.Malformed(at, "byte code, which is not read")
	case s4SXP:
		return nil
	}
	return r.elements(kind, at)
}

func (r *reader) elements(kind, at int64) error {
	n, err := r.length()
	if err != nil {
		return err
	}
	switch kind {
	case lglSXP, intSXP:
		return r.numbers(n, 4, 1)
	case realSXP:
		return r.numbers(n, 8, 1)
	case cplxSXP:
		return r.numbers(n, 16, 2)
	case rawSXP:
		return r.numbers(n, 1, 1)
	case exprSXP:
		r.report(program, at, "a vector of expressions")
		return r.push(n)
	case strSXP, vecSXP:
		return r.push(n)
	}
	return validate.Malformed(at, "an item of kind %d", kind)
}

// length is that of a vector; -1 announces one of 64 bits.
func (r *reader) length() (int64, error) {
	n, err := r.int()
	if err == nil && n == -1 {
		var high, low int64
		if high, err = r.int(); err == nil {
			low, err = r.int()
		}
		n = high<<32 | low&0xffffffff
		if high < 0 || high > 65536 {
			n = -1
		}
	}
	if err == nil && (n < 0 || n > r.p.Size) {
		err = validate.Malformed(r.off, "a vector of %d elements in a file of %d bytes", n, r.p.Size)
	}
	return n, err
}
