package pickle

import (
	"errors"

	"github.com/loadlock/loadlock/validate"
)

// Scanner finds what a pickle would import, call and change.
func Scanner() *validate.Scanner {
	return &validate.Scanner{
		Name:    "pickle",
		Doc:     "Python pickles of protocols 0 to 5, and torch files of the format before 1.6",
		Version: 2,
		Rules:   rules(),
		Match:   match,
		Scan:    scanFile,
	}
}

// scan walks the pickles of one file.
type scan struct {
	p   *validate.Pass
	j   *judge
	r   *reader // shared by all streams, so that many short ones do not read a window each
	pos int64
}

func scanFile(p *validate.Pass) error {
	s := &scan{p: p, j: newJudge(p)}
	s.r = newReader(p, p.Size, s.charge)
	defer s.j.flush()
	if what, err := polyglot(p); err != nil {
		return err
	} else if what != "" {
		s.j.note(rulePolyglot, 0, "the file is also %s", what)
	}
	first, err := s.stream(keepItems)
	if err != nil || first == nil {
		return err
	}
	if isLegacyMagic(first) {
		defer s.j.facts(true)
		return s.legacy()
	}
	if member := tarMember(p, first); member != "" {
		return s.tarItems(member, first.n)
	}
	defer s.j.facts(false)
	for s.pos < p.Size {
		if !s.another() {
			s.j.note(ruleTrailing, s.pos, "%d bytes that are not another pickle", p.Size-s.pos)
			return nil
		}
		if v, err := s.stream(keepItems); err != nil || v == nil {
			return err
		}
	}
	return nil
}

func (s *scan) charge(n int64) error { return s.p.Charge(validate.PickleOps, n) }

// stream runs one pickle at pos and clears its bytes. It returns nil without an error when the pickle is
// broken, which has been reported; then nothing is cleared.
func (s *scan) stream(keep int) (*value, error) {
	s.r.pos, s.r.work = s.pos, s.charge
	m := newMachine(s.r, s.j, s.charge)
	m.keep = keep
	err := m.run()
	var b *broken
	if errors.As(err, &b) {
		s.j.note(ruleBroken, b.off, "%s", b.what)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	meaning := "pickle"
	if m.arrays > 0 {
		meaning = "pickle with arrays between its opcodes"
	}
	s.p.Clear(s.pos, s.r.pos-s.pos, meaning)
	s.pos = s.r.pos
	return m.result, nil
}

// another reports whether what follows the end of a pickle is one more.
func (s *scan) another() bool {
	s.r.pos = s.pos
	d := tryRun(s.r, fewOps)
	return d.stopped || d.enough || d.effect
}
