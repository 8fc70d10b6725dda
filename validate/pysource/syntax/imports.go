package syntax

import "strings"

func (p *parser) importNames() Statement {
	start := p.tok
	p.advance()
	n := &Import{}
	for {
		n.Names = append(n.Names, p.alias(p.dotted))
		if !p.eat(tComma) {
			break
		}
	}
	n.Pos = p.from(start)
	return n
}

// alias reads a name with its as.
func (p *parser) alias(name func() string) *Alias {
	start := p.tok
	a := &Alias{Name: name()}
	if p.eat(kAs) {
		a.Asname = p.ident()
	}
	a.Pos = p.from(start)
	p.charge(16)
	return a
}

// dotted reads the name of a module.
func (p *parser) dotted() string {
	first := p.ident()
	if p.tok.kind != tDot {
		return first
	}
	parts := []string{first}
	n := len(first)
	for p.eat(tDot) {
		parts = append(parts, p.ident())
		n += 1 + len(parts[len(parts)-1])
	}
	p.charge(n)
	return strings.Join(parts, ".")
}

func (p *parser) importFrom() Statement {
	start := p.tok
	p.advance()
	n := &ImportFrom{}
	for p.tok.kind == tDot || p.tok.kind == tEllipsis {
		n.Level += int(p.tok.end - p.tok.off)
		p.advance()
	}
	if n.Level == 0 || p.tok.kind != kImport {
		n.Module = p.dotted()
	}
	p.expect(kImport, "'import'")
	switch {
	case p.tok.kind == tStar:
		star := p.tok
		p.advance()
		n.Names = []*Alias{{Name: "*", Pos: p.from(star)}}
	case p.eat(tLPar):
		for {
			n.Names = append(n.Names, p.alias(p.ident))
			if !p.eat(tComma) || p.tok.kind == tRPar {
				break
			}
		}
		p.expect(tRPar, "')'")
	default:
		for {
			n.Names = append(n.Names, p.alias(p.ident))
			if !p.eat(tComma) {
				break
			}
		}
	}
	n.Pos = p.from(start)
	return n
}
