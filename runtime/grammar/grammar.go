// Package grammar makes a model write what a grammar allows: JSON of a schema, a date, the moves of a game.
//
//	g, err := grammar.Parse(`root ::= "yes" | "no"`)   // or grammar.FromSchema(schema)
//	c := g.Constrain(grammar.NewVocabulary(tok))
//	generate.Run(ctx, session, vocab, tok, prompt, generate.Options{Constraint: c, …}, emit)
//
// Grammars are in GBNF, llama.cpp's format: rules name ::= alternative | alternative of "literals", [a-z] [^0-9] classes, . for any
// character, other rules, (groups), and * + ? {n} {m,n} behind any of these; the text is a root. # begins a comment. Rules that
// begin with themselves (left recursion) are refused, as there.
//
// A grammar is compiled to a machine over bytes: classes become ranges of UTF-8 bytes, repetitions rules of their own. What may come
// next is a set of stacks of return addresses. Such sets are numbered, and so are the sets that each byte leads to (a deterministic
// automaton made as it is needed), so that the tokens that fit are found by one walk through the vocabulary's trie, and are known
// when the same set comes again.
package grammar

import (
	"fmt"

	"github.com/carat-llm/carat/gguf"
)

// Limits of a grammar.
const (
	MaxText    = 4 << 20 // bytes of a grammar or a schema
	maxCode    = 1 << 20 // instructions
	maxRepeat  = 1 << 15 // of an element, by {m,n}
	maxNesting = 200     // of groups, and of schemas
	maxStacks  = 1 << 14 // ways in which a text may have been read
)

// Grammar is a compiled grammar. It may be used by several goroutines.
type Grammar struct {
	code  []instruction
	rules []rule
	root  int
}

// rule is a list of alternatives: where their code begins.
type rule struct {
	name         string
	alternatives []int32
	defined      bool
}

// instruction matches a byte of a set, calls a rule, or ends an alternative.
type instruction struct {
	op  op
	arg int32 // the rule that is called
	set byteSet
}

type op uint8

const (
	opEnd op = iota
	opByte
	opCall
)

// byteSet has a bit for each byte.
type byteSet [4]uint64

func (s *byteSet) has(b byte) bool { return s[b>>6]>>(b&63)&1 == 1 }

func (s *byteSet) add(lo, hi byte) {
	for b := int(lo); b <= int(hi); b++ {
		s[b>>6] |= 1 << (b & 63)
	}
}

func bad(format string, args ...any) error {
	return fmt.Errorf("%w: %s", gguf.ErrInput, fmt.Sprintf(format, args...))
}

// check refuses what the machine cannot run: rules that begin with themselves and have something to come back to; and a root that no
// text fits.
func (g *Grammar) check() error {
	ends := g.closure(func(in instruction) bool { return in.op == opByte && in.set != (byteSet{}) })
	if !ends[g.root] {
		return bad("grammar: no text fits root: its rules call themselves for ever, or want a character of an empty class")
	}
	empty := g.closure(func(instruction) bool { return false })
	begins := make([][]int, len(g.rules)) // what rules may begin with
	type edge struct{ from, to int }
	var returns []edge // those that come back
	for r := range g.rules {
		for _, pc := range g.rules[r].alternatives {
			for ; g.code[pc].op == opCall; pc++ {
				to := int(g.code[pc].arg)
				begins[r] = append(begins[r], to)
				if g.code[pc+1].op != opEnd {
					returns = append(returns, edge{r, to})
				}
				if !empty[to] {
					break
				}
			}
		}
	}
	component := components(begins)
	for _, e := range returns {
		if component[e.from] == component[e.to] {
			return bad("grammar: rule %q begins with itself (left recursion)", g.nameOf(e.from))
		}
	}
	return nil
}

// nameOf is the rule's name, or that of the rule which it is part of.
func (g *Grammar) nameOf(r int) string {
	for r > 0 && g.rules[r].name == "" {
		r--
	}
	return g.rules[r].name
}

// closure says of each rule whether it has an alternative of nothing but instructions that pass, and calls of such rules.
func (g *Grammar) closure(pass func(instruction) bool) []bool {
	out := make([]bool, len(g.rules))
	for changed, up := true, false; changed; up = !up { // in both directions by turns, since there are long chains of either
		changed = false
		for i := range g.rules {
			r := i
			if !up {
				r = len(g.rules) - 1 - i
			}
			if out[r] {
				continue
			}
			for _, pc := range g.rules[r].alternatives {
				for in := g.code[pc]; in.op == opCall && out[in.arg] || pass(in); in = g.code[pc] {
					pc++
				}
				if g.code[pc].op == opEnd {
					out[r], changed = true, true
					break
				}
			}
		}
	}
	return out
}

// components numbers the strongly connected components of a graph (Tarjan 1972).
func components(edges [][]int) []int {
	index, low, out := make([]int, len(edges)), make([]int, len(edges)), make([]int, len(edges))
	var stack []int
	count, next := 0, 0
	var visit func(v int)
	visit = func(v int) {
		next++
		index[v], low[v] = next, next
		stack = append(stack, v)
		for _, w := range edges[v] {
			if index[w] == 0 {
				visit(w)
				low[v] = min(low[v], low[w])
			} else if out[w] == 0 {
				low[v] = min(low[v], index[w])
			}
		}
		if low[v] != index[v] {
			return
		}
		count++
		for {
			w := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			out[w] = count
			if w == v {
				return
			}
		}
	}
	for v := range edges {
		if index[v] == 0 {
			visit(v)
		}
	}
	return out
}
