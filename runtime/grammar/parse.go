package grammar

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// parser compiles GBNF.
type parser struct {
	text  string
	at    int
	depth int
	g     *Grammar
	rules map[string]int
	known map[string]int // classes that have a rule, by their ranges
}

// Parse compiles a grammar. Errors name line and column.
func Parse(text string) (*Grammar, error) {
	if len(text) > MaxText {
		return nil, bad("grammar: %d bytes are more than %d", len(text), MaxText)
	}
	if !utf8.ValidString(text) {
		return nil, bad("grammar: it is not UTF-8")
	}
	p := &parser{text: text, g: &Grammar{}, rules: map[string]int{}, known: map[string]int{}}
	for p.space(true); p.at < len(p.text); p.space(true) {
		if err := p.rule(); err != nil {
			return nil, err
		}
	}
	for name, r := range p.rules {
		if !p.g.rules[r].defined {
			return nil, bad("grammar: rule %q is used, but there is no %s ::= …", name, name)
		}
	}
	root, ok := p.rules["root"]
	if !ok {
		return nil, bad("grammar: there is no rule root: the whole text is root ::= …")
	}
	p.g.root = root
	return p.g, p.g.check()
}

func (p *parser) fail(format string, args ...any) error {
	before := p.text[:min(p.at, len(p.text))]
	return bad("grammar: line %d, column %d: %s", 1+strings.Count(before, "\n"),
		1+utf8.RuneCountInString(before[1+strings.LastIndexByte(before, '\n'):]), fmt.Sprintf(format, args...))
}

// space goes over white space and comments, and over line ends if they mean nothing here.
func (p *parser) space(lines bool) {
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == '#':
			for p.at < len(p.text) && p.text[p.at] != '\n' {
				p.at++
			}
		case c == ' ' || c == '\t' || lines && (c == '\n' || c == '\r'):
			p.at++
		default:
			return
		}
	}
}

func (p *parser) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func nameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

func (p *parser) name() string {
	start := p.at
	for p.at < len(p.text) && nameByte(p.text[p.at]) {
		p.at++
	}
	return p.text[start:p.at]
}

// ruleOf is the number of the rule of that name.
func (p *parser) ruleOf(name string) int {
	r, ok := p.rules[name]
	if !ok {
		r = p.newRule(name)
		p.rules[name] = r
	}
	return r
}

func (p *parser) newRule(name string) int {
	p.g.rules = append(p.g.rules, rule{name: name})
	return len(p.g.rules) - 1
}

func (p *parser) rule() error {
	name := p.name()
	if name == "" {
		return p.fail("expected the name of a rule, found %q", p.rest())
	}
	p.space(false)
	if !strings.HasPrefix(p.text[p.at:], "::=") {
		return p.fail("expected ::= behind %q, found %q", name, p.rest())
	}
	p.at += 3
	r := p.ruleOf(name)
	if p.g.rules[r].defined {
		return p.fail("rule %q is there twice", name)
	}
	p.g.rules[r].defined = true
	p.space(true)
	if err := p.alternatives(r, false); err != nil {
		return err
	}
	if c := p.peek(); c != 0 && c != '\n' && c != '\r' {
		return p.fail("expected a new line, found %q", p.rest())
	}
	return nil
}

// rest shows what is next.
func (p *parser) rest() string {
	s := p.text[p.at:]
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		s = s[:i]
	}
	if r := []rune(s); len(r) > 20 {
		s = string(r[:20])
	}
	return s
}

// define gives a rule an alternative.
func (p *parser) define(r int, code []instruction) error {
	if len(p.g.code)+len(code)+1 > maxCode {
		return p.fail("the grammar is too large")
	}
	p.g.rules[r].alternatives = append(p.g.rules[r].alternatives, int32(len(p.g.code)))
	p.g.code = append(append(p.g.code, code...), instruction{op: opEnd})
	return nil
}

func (p *parser) alternatives(r int, nested bool) error {
	for {
		code, err := p.sequence(nested)
		if err != nil {
			return err
		}
		if err := p.define(r, code); err != nil {
			return err
		}
		end := p.at
		p.space(true) // the next alternative may be on a line of its own
		if p.peek() != '|' {
			if !nested {
				p.at = end
			}
			return nil
		}
		p.at++
		p.space(true)
	}
}

// sequence reads elements one behind the other.
func (p *parser) sequence(nested bool) ([]instruction, error) {
	var code []instruction
	for {
		element, err := p.element()
		if err != nil || element == nil {
			return code, err
		}
		if element, err = p.repeated(element); err != nil {
			return nil, err
		}
		if code = append(code, element...); len(code) > maxCode {
			return nil, p.fail("the grammar is too large")
		}
		p.space(nested)
	}
}

// element reads one; nil if there is none.
func (p *parser) element() ([]instruction, error) {
	switch c := p.peek(); {
	case c == '"':
		return p.literal()
	case c == '[':
		return p.class()
	case c == '.':
		p.at++
		return p.oneOf([]runes{{0, utf8.MaxRune}})
	case c == '(':
		if p.depth++; p.depth > maxNesting {
			return nil, p.fail("groups are nested more than %d deep", maxNesting)
		}
		p.at++
		p.space(true)
		r := p.newRule("")
		if err := p.alternatives(r, true); err != nil {
			return nil, err
		}
		if p.peek() != ')' {
			return nil, p.fail("expected ), found %q", p.rest())
		}
		p.at++
		p.depth--
		return []instruction{call(r)}, nil
	case c == '<' || c == '!':
		return nil, p.fail("rules about tokens (<…>) are not known")
	case nameByte(c):
		return []instruction{call(p.ruleOf(p.name()))}, nil
	}
	return nil, nil
}

func call(r int) instruction { return instruction{op: opCall, arg: int32(r)} }

func (p *parser) literal() ([]instruction, error) {
	code := []instruction{}
	for p.at++; p.peek() != '"'; {
		r, err := p.character("a literal")
		if err != nil {
			return nil, err
		}
		for _, b := range []byte(string(r)) {
			var s byteSet
			s.add(b, b)
			code = append(code, instruction{op: opByte, set: s})
		}
	}
	p.at++
	return code, nil
}

func (p *parser) class() ([]instruction, error) {
	p.at++
	not := p.peek() == '^'
	if not {
		p.at++
	}
	var ranges []runes
	for p.peek() != ']' {
		lo, err := p.character("a class")
		if err != nil {
			return nil, err
		}
		hi := lo
		if p.peek() == '-' && p.at+1 < len(p.text) && p.text[p.at+1] != ']' {
			p.at++
			if hi, err = p.character("a class"); err != nil {
				return nil, err
			}
			if hi < lo {
				return nil, p.fail("the range %q to %q is empty", lo, hi)
			}
		}
		ranges = append(ranges, runes{lo, hi})
	}
	p.at++
	if not {
		ranges = complement(ranges)
	}
	return p.oneOf(ranges)
}

// character reads one of a literal or class.
func (p *parser) character(of string) (rune, error) {
	if p.at >= len(p.text) || p.text[p.at] == '\n' {
		return 0, p.fail("%s has no end", of)
	}
	r, n := utf8.DecodeRuneInString(p.text[p.at:])
	p.at += n
	if r != '\\' {
		return r, nil
	}
	c := p.peek()
	p.at++
	switch c {
	case 'n':
		return '\n', nil
	case 't':
		return '\t', nil
	case 'r':
		return '\r', nil
	case '\\', '"', '[', ']', '-', '^':
		return rune(c), nil
	}
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
	if digits == 0 {
		p.at -= 2
		return 0, p.fail(`unknown escape %q; there are \n \t \r \\ \" \[ \] \xHH \uHHHH \UHHHHHHHH`, p.rest()[:min(2, len(p.rest()))])
	}
	var v rune
	for range digits {
		d := strings.IndexByte("0123456789abcdef", p.peek()|0x20)
		if d < 0 || p.peek() < '0' || v > utf8.MaxRune {
			return 0, p.fail(`\%c needs %d hexadecimal digits`, c, digits)
		}
		v = v<<4 | rune(d)
		p.at++
	}
	if !utf8.ValidRune(v) {
		return 0, p.fail("%#x is no character", v)
	}
	return v, nil
}

// oneOf is a character of the ranges: a set of bytes, or the call of a rule that has a sequence of sets for each length and beginning.
func (p *parser) oneOf(ranges []runes) ([]instruction, error) {
	key := fmt.Sprint(ranges)
	if r, ok := p.known[key]; ok {
		return []instruction{call(r)}, nil
	}
	var ascii byteSet
	var long [][]instruction
	for _, r := range ranges {
		sequences(r.lo, r.hi, func(s []span) {
			if len(s) == 1 {
				ascii.add(s[0].lo, s[0].hi)
				return
			}
			code := make([]instruction, len(s))
			for i, b := range s {
				code[i].op = opByte
				code[i].set.add(b.lo, b.hi)
			}
			long = append(long, code)
		})
	}
	one := []instruction{{op: opByte, set: ascii}}
	if len(long) == 0 {
		return one, nil // an empty set fits nothing
	}
	r := p.newRule("")
	p.known[key] = r
	if ascii != (byteSet{}) {
		long = append(long, one)
	}
	for _, code := range long {
		if err := p.define(r, code); err != nil {
			return nil, err
		}
	}
	return []instruction{call(r)}, nil
}

// repeated reads the signs behind an element that say how often it comes.
func (p *parser) repeated(element []instruction) ([]instruction, error) {
	for {
		least, most := 0, -1 // without end
		switch p.peek() {
		case '*':
		case '+':
			least = 1
		case '?':
			most = 1
		case '{':
			var err error
			if least, most, err = p.bounds(); err != nil {
				return nil, err
			}
		default:
			return element, nil
		}
		p.at++
		if len(element) != 1 {
			r := p.newRule("")
			if err := p.define(r, element); err != nil {
				return nil, err
			}
			element = []instruction{call(r)}
		}
		var err error
		if element, err = p.times(element[0], least, most); err != nil {
			return nil, err
		}
	}
}

// bounds reads {n}, {m,}, {m,n} or {,n}, up to its last bracket.
func (p *parser) bounds() (least, most int, err error) {
	number := func(otherwise int) int {
		p.space(false)
		start, n := p.at, 0
		for p.peek() >= '0' && p.peek() <= '9' {
			n = min(n*10+int(p.text[p.at]-'0'), maxRepeat+1)
			p.at++
		}
		if p.at == start {
			n = otherwise
		}
		p.space(false)
		return n
	}
	p.at++
	least = number(-1)
	most = least
	if p.peek() == ',' {
		p.at++
		least, most = max(0, least), number(-1)
	}
	switch {
	case p.peek() != '}' || least < 0:
		return 0, 0, p.fail("expected {n}, {m,}, {m,n} or {,n}")
	case max(least, most) > maxRepeat:
		return 0, 0, p.fail("more than %d repetitions", maxRepeat)
	case most >= 0 && most < least:
		return 0, 0, p.fail("{%d,%d}: the second number is smaller", least, most)
	}
	return least, most, nil
}

// times is an element from least to most times; most is negative for without end.
func (p *parser) times(element instruction, least, most int) ([]instruction, error) {
	code := make([]instruction, 0, least+1)
	for range least {
		code = append(code, element)
	}
	next := -1
	switch {
	case most < 0: // more ::= element more | nothing
		next = p.newRule("")
		if err := p.define(next, []instruction{element, call(next)}); err != nil {
			return nil, err
		}
		if err := p.define(next, nil); err != nil {
			return nil, err
		}
	default: // more2 ::= element more1 | nothing
		for range most - least {
			r := p.newRule("")
			once := []instruction{element}
			if next >= 0 {
				once = append(once, call(next))
			}
			if err := p.define(r, once); err != nil {
				return nil, err
			}
			if err := p.define(r, nil); err != nil {
				return nil, err
			}
			next = r
		}
	}
	if next >= 0 {
		code = append(code, call(next))
	}
	return code, nil
}
