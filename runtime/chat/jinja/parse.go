package jinja

import (
	"slices"
	"strings"
)

// parser reads the statements of a template; the expressions of a tag are in expressions.go.
type parser struct {
	pieces  []piece
	at      int
	toks    []token // of the tag that is read
	pos     int
	line    int
	nesting int
	special map[string]bool // names that say what a macro is given: varargs, kwargs
}

// block reads nodes up to a statement that begins with one of words, which is read up to what follows the word. Without words it reads to
// the end of the template.
func (p *parser) block(words ...string) (nodes []node) {
	defer p.deeper()()
	opened := p.line
	for ; p.at < len(p.pieces); p.at++ {
		piece := p.pieces[p.at]
		p.line = piece.line
		switch piece.kind {
		case 0:
			nodes = append(nodes, textNode(piece.text))
		case '{':
			p.open(piece.text)
			nodes = append(nodes, &output{p.line, p.tuple(p.expression)})
			p.close()
		case '%':
			p.open(piece.text)
			if p.peek().kind == 'n' && slices.Contains(words, p.peek().text) {
				p.at++
				return nodes
			}
			word := p.name()
			read, ok := statements[word]
			if !ok {
				if strings.HasPrefix(word, "end") || word == "else" || word == "elif" {
					fail("unexpected %s", word)
				}
				fail("the statement %q is not known", word)
			}
			p.at++
			nodes = append(nodes, read(p))
			p.at--
		}
	}
	if len(words) > 0 {
		p.line = opened
		fail("the block is unclosed: there is no %s", words[len(words)-1])
	}
	return nodes
}

// deeper counts nesting, until the function that it returns is called.
func (p *parser) deeper() func() {
	if p.nesting++; p.nesting > maxNesting {
		fail("%w: blocks and brackets are nested more than %d deep", ErrLimit, maxNesting)
	}
	return func() { p.nesting-- }
}

func (p *parser) open(tag string) { p.toks, p.pos = tokens(tag), 0 }

func (p *parser) close() {
	if t := p.peek(); t.kind != 0 {
		fail("unexpected %q", t.text)
	}
}

// end reads a word that ended a block, and the end of its tag.
func (p *parser) end(word string) {
	p.expect(word)
	p.close()
}

func (p *parser) peek() token { return p.toks[p.pos] }

// accept reads a name or operator if it is there.
func (p *parser) accept(text string) bool {
	if t := p.peek(); t.kind != 0 && t.kind != 'v' && t.text == text {
		p.pos++
		return true
	}
	return false
}

func (p *parser) expect(text string) {
	if !p.accept(text) {
		fail("expected %q (found %q)", text, p.peek().text)
	}
}

func (p *parser) name() string {
	t := p.peek()
	if t.kind != 'n' {
		fail("expected a name (found %q)", t.text)
	}
	p.pos++
	return t.text
}

// statements are by their first word; what reads one leaves the piece behind it.
var statements map[string]func(p *parser) node

func init() {
	statements = map[string]func(p *parser) node{
		"if": (*parser).ifElse, "for": (*parser).forLoop, "set": (*parser).set, "macro": (*parser).macro, "call": (*parser).call,
		"filter": (*parser).filterBlock, "with": (*parser).with,
		"break":    func(p *parser) node { p.close(); return jump(broken) },
		"continue": func(p *parser) node { p.close(); return jump(continued) },
		"generation": func(p *parser) node { // marks what is learned
			p.close()
			return &inner{body: p.body("endgeneration")}
		},
		"block": func(p *parser) node {
			p.name()
			p.close()
			b := &inner{body: p.block("endblock")}
			p.expect("endblock")
			if p.peek().kind == 'n' {
				p.name()
			}
			p.close()
			return b
		},
	}
}

// body is a block up to a word, and the tag of that.
func (p *parser) body(word string) []node {
	nodes := p.block(word)
	p.end(word)
	return nodes
}

func (p *parser) ifElse() node {
	n := &branches{line: p.line}
	for {
		n.conditions = append(n.conditions, p.tuple(p.expression))
		p.close()
		n.bodies = append(n.bodies, p.block("elif", "else", "endif"))
		if !p.accept("elif") {
			break
		}
	}
	if p.accept("else") {
		p.close()
		n.bodies = append(n.bodies, p.block("endif"))
	}
	p.end("endif")
	return n
}

func (p *parser) forLoop() node {
	n := &loopNode{line: p.line, target: p.targets()}
	p.expect("in")
	n.over = p.tuple(p.or)
	if p.accept("if") {
		n.condition = p.expression()
	}
	n.recursive = p.accept("recursive")
	p.close()
	n.body = p.block("else", "endfor")
	if p.accept("else") {
		p.close()
		n.none = p.block("endfor")
	}
	p.end("endfor")
	return n
}

// targets are what is set: names, in brackets or not, or an attribute of a namespace.
func (p *parser) targets() target {
	var t target
	for {
		if p.accept("(") || p.accept("[") {
			defer p.deeper()()
			t.parts = append(t.parts, p.targets())
			if !p.accept(")") {
				p.expect("]")
			}
		} else {
			one := target{name: p.name()}
			if p.accept(".") {
				one.attribute = p.name()
			}
			t.parts = append(t.parts, one)
		}
		if !p.accept(",") {
			break
		}
		t.several = true
		if k := p.peek(); k.kind != 'n' && k.text != "(" || k.text == "in" {
			break
		}
	}
	if len(t.parts) == 1 && !t.several {
		return t.parts[0]
	}
	return t
}

func (p *parser) set() node {
	n := &setNode{line: p.line, target: p.targets()}
	if p.accept("=") {
		n.value = p.tuple(p.expression)
		p.close()
		return n
	}
	if p.accept("|") {
		p.pos--
		n.filter = p.filters(blockText{})
	}
	p.close()
	n.body = p.body("endset")
	return n
}

func (p *parser) macro() node {
	m := &macro{line: p.line, name: p.name()}
	p.parameters(m)
	p.close()
	outside := p.special
	p.special = map[string]bool{}
	m.body = p.body("endmacro")
	m.varargs, m.kwargs, p.special = p.special["varargs"], p.special["kwargs"], outside
	return m
}

// parameters reads (a, b=1).
func (p *parser) parameters(m *macro) {
	p.expect("(")
	for !p.accept(")") {
		m.names = append(m.names, p.name())
		var value expr
		if p.accept("=") {
			value = p.expression()
		}
		m.defaults = append(m.defaults, value)
		if !p.accept(",") {
			p.expect(")")
			break
		}
	}
}

func (p *parser) call() node {
	caller := &macro{line: p.line, name: "caller"}
	if t := p.peek(); t.kind == 'o' && t.text == "(" {
		p.parameters(caller)
	}
	c, ok := p.expression().(*call)
	if !ok {
		fail("call wants a call of a macro")
	}
	p.close()
	caller.body = p.body("endcall")
	return &callNode{p.line, c, caller}
}

func (p *parser) filterBlock() node {
	n := &setNode{line: p.line}
	p.toks = slices.Insert(p.toks, p.pos, token{kind: 'o', text: "|"})
	n.filter = p.filters(blockText{})
	p.close()
	n.body = p.body("endfilter")
	return n
}

func (p *parser) with() node {
	n := &inner{scope: true}
	for p.peek().kind == 'n' {
		s := &setNode{line: p.line, target: p.targets()}
		p.expect("=")
		s.value = p.expression()
		n.sets = append(n.sets, s)
		if !p.accept(",") {
			break
		}
	}
	p.close()
	n.body = p.body("endwith")
	return n
}
