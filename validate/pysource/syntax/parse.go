package syntax

import (
	"math"
	"strings"
)

// Parse reads a whole source file. The error is a *SyntaxError.
func Parse(src []byte, limits Limits) (m *Module, err error) {
	limits = limits.orDefault()
	if len(src) > min(limits.Bytes, math.MaxInt32) {
		return nil, &SyntaxError{Offset: int64(limits.Bytes), Line: 1, What: "the source is too large", Limit: true}
	}
	m = &Module{}
	p := &parser{lexer: lexer{src: string(src), line: 1, limits: limits, lineBegin: true, facts: &m.Facts}, chars: &charNames{}, respelled: map[string]string{}}
	defer func() {
		if e := caught(recover()); e != nil {
			p.locate(e)
			m, err = nil, e
		}
	}()
	p.examine()
	p.tok = p.next()
	start := p.tok
	m.Body = p.statements(tEOF)
	m.Pos = p.from(start)
	p.checkHeight(m)
	return m, nil
}

// parser reads the tokens by recursive descent, along the grammar of the language reference. An error is a panic
// with a *SyntaxError, which Parse catches.
type parser struct {
	lexer
	tok     token // the current token
	peeked  bool
	peek    token  // the token behind it, if peeked
	lastEnd uint32 // the end of the last token passed, without white space
	nested  int
	nodes   int
	chars   *charNames

	respelled map[string]string // NFKC forms of the identifiers that are not ASCII

	// Lists under construction share their memory, so that each ends up with the size it needs.
	exprs []Expression
	stmts []Statement
}

// caught is the error that a panic carries; other panics go on.
func caught(r any) *SyntaxError {
	if r == nil {
		return nil
	}
	e, ok := r.(*SyntaxError)
	if !ok {
		panic(r)
	}
	return e
}

// locate gives an error its line. The lexer may have been further on when it was found.
func (p *parser) locate(e *SyntaxError) {
	e.Offset = min(max(e.Offset, 0), int64(len(p.src)))
	head := p.src[:e.Offset]
	e.Line = 1 + strings.Count(head, "\n") + strings.Count(head, "\r") - strings.Count(head, "\r\n")
	e.Col = len(head) - 1 - strings.LastIndexAny(head, "\r\n")
}

// attempt runs f at the beginning of a statement and returns to its begin if f fails, but not if a limit is exceeded.
func (p *parser) attempt(f func()) (ok bool) {
	lex, facts, tok, peeked, peek, lastEnd, nested := p.lexer, *p.facts, p.tok, p.peeked, p.peek, p.lastEnd, p.nested
	exprs, stmts := len(p.exprs), len(p.stmts)
	defer func() {
		e := caught(recover())
		if e == nil {
			return
		}
		if e.Limit {
			panic(e)
		}
		mem, tokens := p.mem, p.tokens
		p.lexer, p.tok, p.peeked, p.peek, p.lastEnd, p.nested = lex, tok, peeked, peek, lastEnd, nested
		*p.facts, p.mem, p.tokens = facts, mem, tokens
		p.exprs, p.stmts = p.exprs[:exprs], p.stmts[:stmts]
		ok = false
	}()
	f()
	return true
}

// advance goes to the next token.
func (p *parser) advance() {
	if k := p.tok.kind; k != tNewline && k != tIndent && k != tDedent && k != tEOF {
		p.lastEnd = p.tok.end
	}
	if p.peeked {
		p.tok, p.peeked = p.peek, false
		return
	}
	p.tok = p.next()
}

// ahead is the kind of the token behind the current one. It is asked only where that token is part of the same
// expression or statement, because the lexer must not run into the text of an f-string.
func (p *parser) ahead() token {
	if !p.peeked {
		p.peek, p.peeked = p.next(), true
	}
	return p.peek
}

// eat passes a token if it is of kind k.
func (p *parser) eat(k kind) bool {
	if p.tok.kind != k {
		return false
	}
	p.advance()
	return true
}

func (p *parser) expect(k kind, what string) {
	if p.tok.kind != k {
		p.unexpected("expected " + what)
	}
	p.advance()
}

// soft tells whether the current token is the soft keyword w.
func (p *parser) soft(w string) bool {
	return p.tok.kind == tName && p.src[p.tok.off:p.tok.end] == w
}

// ident passes a NAME.
func (p *parser) ident() string {
	t := p.tok
	p.expect(tName, "a name")
	id, _ := p.identifier(t)
	return id
}

// from is the position of a node that begins with the token start and ends with the last one passed. Every node gets
// its position here, so that this is where they are counted.
func (p *parser) from(start token) Pos {
	if p.nodes++; p.nodes > p.limits.Nodes {
		p.exceed(int(start.off), "more than %d nodes", p.limits.Nodes)
	}
	p.charge(nodeCost)
	return Pos{Off: start.off, End: max(p.lastEnd, start.off), Line: start.line, Col: start.col}
}

const nodeCost = 64 // bytes; nodes take 32 to 144, most of them 48

// enter and leave bound the recursion.
func (p *parser) enter() {
	if p.nested++; p.nested > p.limits.Depth {
		p.exceed(int(p.tok.off), "constructs nested more than %d deep", p.limits.Depth)
	}
}

func (p *parser) leave() { p.nested-- }

func (p *parser) failAt(off int, what string)  { p.fail(off, "%s", what) }
func (p *parser) failTok(t token, what string) { p.fail(int(t.off), "%s", what) }
func (p *parser) unexpected(what string)       { p.fail(int(p.tok.off), "%s", what) }

// newer notes a construct that not all versions read.
func (p *parser) newer(t token, what, since string) {
	for _, n := range p.facts.NewerThan {
		if n.What == what {
			return
		}
	}
	p.facts.NewerThan = append(p.facts.NewerThan, NewerThan{Pos: t.pos(), What: what, Since: since})
}

func (p *parser) checkHeight(m *Module) {
	walkDepth(m, func(n Node, depth int) bool {
		if depth > p.limits.Height {
			p.exceed(int(n.Position().Off), "a tree more than %d high", p.limits.Height)
		}
		return true
	})
}

func (p *parser) takeExprs(mark int) []Expression {
	list := p.exprs[mark:]
	p.exprs = p.exprs[:mark]
	if len(list) == 0 {
		return nil
	}
	p.charge(16 * len(list))
	return append(make([]Expression, 0, len(list)), list...)
}

func (p *parser) takeStmts(mark int) []Statement {
	list := p.stmts[mark:]
	p.stmts = p.stmts[:mark]
	p.charge(16 * len(list))
	return append(make([]Statement, 0, len(list)), list...)
}
