package serve

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/carat-llm/carat/runtime/chat"
)

// pythonic reads calls written as Python: [f(a=1, b="x"), g()], or without brackets, or f.call(a=1). Names must be those of tools unless
// that is nil. None if anything is not as expected.
func pythonic(text string, known tools) (calls []chat.ToolCall) {
	p := &python{text: strings.TrimSpace(text)}
	list := p.accept("[")
	for {
		name := p.name()
		name = strings.TrimSuffix(name, ".call")
		if _, ok := known[name]; name == "" || known != nil && !ok || !p.accept("(") {
			return nil
		}
		arguments := p.members(")", "=", p.name)
		b, err := json.Marshal(arguments)
		if p.broken || err != nil {
			return nil
		}
		calls = append(calls, one(name, string(b))...)
		if !p.accept(",") && !p.accept(";") {
			break
		}
	}
	if list && !p.accept("]") || strings.TrimSpace(p.text) != "" {
		return nil
	}
	return calls
}

// python reads values of Python's notation.
type python struct {
	text   string
	depth  int
	broken bool
}

const deepest = 100 // of values in values

func (p *python) accept(mark string) bool {
	p.text = strings.TrimLeft(p.text, " \t\r\n")
	rest, found := strings.CutPrefix(p.text, mark)
	if found {
		p.text = rest
	}
	return found
}

// name reads letters, digits, underscores and dots.
func (p *python) name() string {
	p.accept("")
	n := strings.IndexFunc(p.text, func(c rune) bool {
		return c != '_' && c != '.' && c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
	})
	if n < 0 {
		n = len(p.text)
	}
	name := p.text[:n]
	p.text = p.text[n:]
	return name
}

// members reads key, sign and value of each, up to a closing bracket.
func (p *python) members(closing, sign string, key func() string) properties {
	out := properties{}
	for !p.broken && !p.accept(closing) {
		name := key()
		if name == "" || !p.accept(sign) {
			p.broken = true
			break
		}
		out = append(out, property{name, p.value()})
		if !p.accept(",") {
			p.broken = p.broken || !p.accept(closing)
			break
		}
	}
	return out
}

func (p *python) value() any {
	if p.depth++; p.depth > deepest {
		p.broken = true
		return nil
	}
	defer func() { p.depth-- }()
	switch p.accept(""); {
	case strings.HasPrefix(p.text, `"`), strings.HasPrefix(p.text, "'"):
		return p.string()
	case p.accept("{"):
		return p.members("}", ":", p.string)
	case strings.HasPrefix(p.text, "["), strings.HasPrefix(p.text, "("):
		closing := map[byte]string{'[': "]", '(': ")"}[p.text[0]]
		p.text = p.text[1:]
		out := []any{}
		for !p.broken && !p.accept(closing) {
			out = append(out, p.value())
			if !p.accept(",") {
				p.broken = p.broken || !p.accept(closing)
				break
			}
		}
		return out
	}
	sign := ""
	if p.accept("+") {
		sign = "+"
	}
	switch word := p.name(); word {
	case "True", "true":
		return true
	case "False", "false":
		return false
	case "None", "null":
		return nil
	default:
		if p.accept("+") { // 1e+5
			word += "+" + p.name()
		}
		if i, err := strconv.ParseInt(sign+word, 10, 64); err == nil {
			return i
		}
		f, err := strconv.ParseFloat(sign+word, 64)
		p.broken = p.broken || err != nil
		return f
	}
}

// string reads a string; what is no string breaks it.
func (p *python) string() string {
	p.accept("")
	if p.text == "" || p.text[0] != '"' && p.text[0] != '\'' {
		p.broken = true
		return ""
	}
	mark := p.text[0]
	var out strings.Builder
	for rest := p.text[1:]; rest != ""; {
		if rest[0] == mark {
			p.text = rest[1:]
			return out.String()
		}
		if len(rest) > 1 && rest[0] == '\\' && strings.IndexByte("\n\"'", rest[1]) >= 0 {
			out.WriteString(strings.TrimPrefix(rest[1:2], "\n"))
			rest = rest[2:]
			continue
		}
		c, multibyte, tail, err := strconv.UnquoteChar(rest, 0)
		switch {
		case err != nil && len(rest) > 1: // Python leaves what it does not know
			out.WriteString(rest[:2])
			rest = rest[2:]
		case err != nil:
			rest = ""
		case multibyte || c < 0x80:
			out.WriteRune(c)
			rest = tail
		default: // \xe9 is a character in Python
			out.WriteRune(c)
			rest = tail
		}
	}
	p.broken = true
	return ""
}
