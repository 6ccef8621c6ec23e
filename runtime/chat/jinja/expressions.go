package jinja

// The grammar of expressions, from what binds least: tuple, a if b else c, or, and, not, comparisons, + -, ~, * / // %, **, signs,
// attributes and calls, filters and tests.

// tuple reads one expression, or several with commas, which are a tuple.
func (p *parser) tuple(one func() expr) expr {
	first := one()
	if !p.accept(",") {
		return first
	}
	l := &listExpr{items: []expr{first}, tuple: true}
	for t := p.peek(); t.kind != 0 && (t.kind != 'o' || t.text != ")") && (t.kind != 'n' || t.text != "if" && t.text != "recursive"); t = p.peek() {
		l.items = append(l.items, one())
		if !p.accept(",") {
			break
		}
	}
	return l
}

func (p *parser) expression() expr {
	defer p.deeper()()
	e := p.or()
	for p.accept("if") {
		c := &choice{yes: e, condition: p.or()}
		if p.accept("else") {
			c.no = p.expression()
		}
		e = c
	}
	return e
}

func (p *parser) or() expr {
	e := p.and()
	for p.accept("or") {
		e = &logic{e, p.and(), true}
	}
	return e
}

func (p *parser) and() expr {
	e := p.not()
	for p.accept("and") {
		e = &logic{e, p.not(), false}
	}
	return e
}

func (p *parser) not() expr {
	if p.accept("not") {
		defer p.deeper()()
		return &not{p.not()}
	}
	return p.comparison()
}

func (p *parser) comparison() expr {
	first := p.binary(0)
	c := &comparison{first: first}
	for {
		t := p.peek()
		op := t.text
		switch {
		case t.kind == 'o' && (op == "==" || op == "!=" || op == "<" || op == "<=" || op == ">" || op == ">="):
			p.pos++
		case t.kind == 'n' && op == "in":
			p.pos++
		case t.kind == 'n' && op == "not" && p.toks[p.pos+1].kind == 'n' && p.toks[p.pos+1].text == "in":
			op = "not in"
			p.pos += 2
		case len(c.ops) == 0:
			return first
		default:
			return c
		}
		c.ops = append(c.ops, op)
		c.rest = append(c.rest, p.binary(0))
	}
}

// levels are the operators of two values, from those that bind least.
var levels = [][]string{{"+", "-"}, {"~"}, {"*", "/", "//", "%"}, {"**"}}

func (p *parser) binary(level int) expr {
	if level == len(levels) {
		return p.unary(true)
	}
	e := p.binary(level + 1)
again:
	for _, op := range levels[level] {
		if p.accept(op) {
			e = &binary{op, e, p.binary(level + 1)}
			goto again
		}
	}
	return e
}

func (p *parser) unary(filters bool) (e expr) {
	if minus := p.accept("-"); minus || p.accept("+") {
		defer p.deeper()()
		e = &sign{p.unary(false), minus}
	} else {
		e = p.postfix(p.primary())
	}
	if filters {
		e = p.filters(e)
	}
	return e
}

func (p *parser) primary() expr {
	t := p.peek()
	p.pos++
	switch {
	case t.kind == 'v':
		return &literal{t.value}
	case t.kind == 'n':
		switch t.text {
		case "true", "True":
			return &literal{true}
		case "false", "False":
			return &literal{false}
		case "none", "None":
			return &literal{nil}
		}
		if p.special != nil {
			p.special[t.text] = true
		}
		return name(t.text)
	case t.kind == 'o' && t.text == "(":
		if p.accept(")") {
			return &listExpr{tuple: true}
		}
		e := p.tuple(p.expression)
		p.expect(")")
		return e
	case t.kind == 'o' && t.text == "[":
		l := &listExpr{}
		p.items("]", func() { l.items = append(l.items, p.expression()) })
		return l
	case t.kind == 'o' && t.text == "{":
		d := &dictExpr{}
		p.items("}", func() {
			d.keys = append(d.keys, p.expression())
			p.expect(":")
			d.values = append(d.values, p.expression())
		})
		return d
	}
	p.pos--
	fail("unexpected %q", t.text)
	return nil
}

// items reads what is between brackets, with commas.
func (p *parser) items(closing string, item func()) {
	for !p.accept(closing) {
		item()
		if !p.accept(",") {
			p.expect(closing)
			return
		}
	}
}

func (p *parser) postfix(e expr) expr {
	for {
		switch t := p.peek(); {
		case t.kind != 'o':
			return e
		case t.text == ".":
			p.pos++
			if t := p.peek(); t.kind == 'v' {
				if i, ok := t.value.(int64); ok {
					p.pos++
					e = &item{e, &literal{i}}
					continue
				}
			}
			e = &attribute{e, p.name()}
		case t.text == "[":
			p.pos++
			e = p.subscript(e)
			p.expect("]")
		case t.text == "(":
			e = p.arguments(e)
		default:
			return e
		}
	}
}

func (p *parser) subscript(e expr) expr {
	var bounds [3]expr
	n := 0
	for ; n < 3; n++ {
		if t := p.peek(); t.kind != 'o' || t.text != ":" && t.text != "]" {
			bounds[n] = p.expression()
		}
		if !p.accept(":") {
			break
		}
	}
	if n == 0 {
		if bounds[0] == nil {
			fail("a subscript is empty")
		}
		return &item{e, bounds[0]}
	}
	return &slice{e, bounds}
}

func (p *parser) arguments(f expr) *call {
	p.expect("(")
	c := &call{f: f}
	p.items(")", func() { p.argument(c) })
	return c
}

func (p *parser) argument(c *call) {
	switch {
	case p.accept("**"):
		c.dict = p.expression()
	case p.accept("*"):
		c.list = p.expression()
	case p.peek().kind == 'n' && p.toks[p.pos+1].kind == 'o' && p.toks[p.pos+1].text == "=":
		c.names = append(c.names, p.name())
		p.pos++
		c.named = append(c.named, p.expression())
	default:
		if len(c.names) > 0 {
			fail("an argument without a name follows one with a name")
		}
		c.args = append(c.args, p.expression())
	}
}

// filters reads | filters, is tests, and calls behind a value.
func (p *parser) filters(e expr) expr {
	for {
		t := p.peek()
		switch {
		case t.kind == 'o' && t.text == "|":
			p.pos++
			name := p.dotted()
			c := &call{}
			if t := p.peek(); t.kind == 'o' && t.text == "(" {
				c = p.arguments(nil)
			}
			e = &filter{e, name, c}
		case t.kind == 'n' && t.text == "is":
			p.pos++
			negated := p.accept("not")
			e = &test{e, p.dotted(), p.testArguments(), negated}
		case t.kind == 'o' && t.text == "(":
			e = p.arguments(e)
		default:
			return e
		}
	}
}

func (p *parser) dotted() string {
	name := p.name()
	for p.accept(".") {
		name += "." + p.name()
	}
	return name
}

// testArguments are in brackets, or one value behind the test.
func (p *parser) testArguments() *call {
	t := p.peek()
	switch {
	case t.kind == 'o' && t.text == "(":
		return p.arguments(nil)
	case t.kind == 'v', t.kind == 'o' && (t.text == "[" || t.text == "{"),
		t.kind == 'n' && t.text != "else" && t.text != "or" && t.text != "and" && t.text != "if" && t.text != "in" && t.text != "not" && t.text != "is" && t.text != "recursive":
		return &call{args: []expr{p.postfix(p.primary())}}
	}
	return &call{}
}
