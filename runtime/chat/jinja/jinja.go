// Package jinja renders chat templates: Jinja 3.1 as transformers' apply_chat_template sets it up, with trim_blocks, lstrip_blocks, loop
// controls, generation blocks and a sandbox in which no list or dict changes.
//
//	t, err := jinja.Parse("{% for m in messages %}{{ m.role }}: {{ m.content | trim }}\n{% endfor %}")
//	text, err := t.Render(map[string]any{"messages": messages}, jinja.DefaultLimits)
//
// Values are nil (None), bool, int64, float64, string, *List, *Dict and Func. From makes them of other Go values, FromJSON of JSON.
//
// Templates come with models, and models from strangers. So a rendering has a budget: each node that is evaluated and each value that is
// looked at costs a step, each text, list and dict that is made costs its bytes, before it is made. What is given back is not counted
// again, so that Limits.Bytes bounds the memory of a rendering whatever the garbage collector does, and Limits.Steps its time. Nesting of
// expressions, calls and values is bounded too, since Go ends a program whose stack overflows.
//
// Not there: inheritance, include and import, the filters that make HTML, and integers beyond 64 bits.
package jinja

import (
	"errors"
	"fmt"
	"strings"
)

// Limits of a rendering.
type Limits struct {
	Steps int // nodes evaluated, values looked at; a step takes some 50 ns
	Bytes int // of all that is made
}

// DefaultLimits are far above what templates of published models take for a short conversation: 3 thousand steps and 80 KB.
// For each byte of the values that are given PerByte is added to both.
var DefaultLimits = Limits{Steps: 4 << 20, Bytes: 64 << 20}

// PerByte are the steps and bytes that a rendering gets for each byte of the values that it is given.
const PerByte = 32

const (
	maxSource  = 256 << 10 // bytes of a template; those of published models have up to 60 KB
	maxNesting = 100       // of brackets, of blocks, and of values
	maxDepth   = 5000      // of evaluation: expressions in expressions, calls in calls
)

// ErrLimit is wrapped by errors of templates that cost more than they may.
var ErrLimit = errors.New("the template takes too much")

// Template is a parsed template. It may be used by several goroutines.
type Template struct{ nodes []node }

// Parse reads a template. Errors name the line.
func Parse(source string) (t *Template, err error) {
	if len(source) > maxSource {
		return nil, fmt.Errorf("%w: it has %d bytes, more than %d", ErrLimit, len(source), maxSource)
	}
	p := &parser{}
	defer caught(&err, &p.line)
	p.pieces = split(source, &p.line)
	nodes := p.block()
	return &Template{nodes}, nil
}

// Render returns the text that the template makes of variables. Errors name the line; ErrLimit is wrapped by those of a template that is
// beyond limits, and the errors of functions by theirs.
func (t *Template) Render(vars map[string]any, limits Limits) (text string, err error) {
	r := &run{steps: limits.Steps, bytes: limits.Bytes, limits: limits}
	defer caught(&err, &r.line)
	given := 0
	for _, v := range vars {
		given += size(v, 0)
	}
	given = min(given, 1<<30/PerByte)
	r.steps += PerByte * given
	r.bytes += PerByte * given
	r.limits = Limits{r.steps, r.bytes}
	var out strings.Builder
	r.exec(t.nodes, &scope{vars: vars, parent: globals, fixed: true}, &out)
	return out.String(), nil
}

// failure is the panic of what is wrong with a template: text/template does the same, for the same reason: an error may come of every
// value in every expression.
type failure struct{ err error }

func fail(format string, args ...any) { panic(failure{fmt.Errorf(format, args...)}) }

// caught makes an error of a failure.
func caught(err *error, line *int) {
	switch f := recover().(type) {
	case nil:
	case failure:
		*err = fmt.Errorf("line %d: %w", *line, f.err)
	default:
		panic(f)
	}
}

// run is a rendering: what it may still cost, and where it is.
type run struct {
	steps, bytes int
	limits       Limits
	depth        int
	line         int
}

// step counts n nodes or values.
func (r *run) step(n int) {
	if r.steps -= n; r.steps < 0 {
		fail("%w: more than %d steps", ErrLimit, r.limits.Steps)
	}
}

// read counts the bytes of a text that is searched or compared.
func (r *run) read(s string) { r.step(1 + len(s)/64) }

// alloc counts n bytes that are about to be made.
func (r *run) alloc(n int) {
	if r.bytes -= n; n < 0 || r.bytes < 0 {
		fail("%w: more than %d MiB of memory", ErrLimit, r.limits.Bytes>>20)
	}
}

// enter counts how deep evaluation is nested.
func (r *run) enter() {
	r.step(1)
	if r.depth++; r.depth > maxDepth {
		fail("%w: calls and expressions are nested more than %d deep", ErrLimit, maxDepth)
	}
}

func (r *run) eval(e expr, s *scope) any {
	r.enter()
	v := e.eval(r, s)
	r.depth--
	return v
}

// exec writes what nodes make; what it returns is how they ended.
func (r *run) exec(nodes []node, s *scope, out *strings.Builder) flow {
	r.enter()
	for _, n := range nodes {
		r.step(1)
		if f := n.exec(r, s, out); f != onward {
			r.depth--
			return f
		}
	}
	r.depth--
	return onward
}

// write adds to a text, which is copied as it grows.
func (r *run) write(out *strings.Builder, s string) {
	r.alloc(3 * len(s))
	out.WriteString(s)
}

// flow says how a list of nodes ended.
type flow int

const (
	onward flow = iota
	broken
	continued
)

// scope is a set of variables within another.
type scope struct {
	vars   map[string]any
	parent *scope
	fixed  bool // the map is not ours
}

func (s *scope) get(name string) (any, bool) {
	for ; s != nil; s = s.parent {
		if v, ok := s.vars[name]; ok {
			return v, true
		}
	}
	return nil, false
}

func (s *scope) set(r *run, name string, v any) {
	if s.fixed {
		vars := make(map[string]any, len(s.vars)+8)
		for k, v := range s.vars {
			vars[k] = v
		}
		s.vars, s.fixed = vars, false
	}
	if s.vars == nil {
		s.vars = make(map[string]any, 4)
	}
	r.alloc(entryBytes)
	s.vars[name] = v
}
