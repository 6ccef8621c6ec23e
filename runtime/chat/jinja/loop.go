package jinja

import "strings"

// loopNode is for.
type loopNode struct {
	line       int
	target     target
	over       expr
	condition  expr
	recursive  bool
	body, none []node
}

// loop is the variable of that name.
type loop struct {
	node      *loopNode
	items     []any
	at, depth int
	last      any // what changed() was given
	asked     bool
	outside   *scope
}

func (n *loopNode) exec(r *run, s *scope, out *strings.Builder) flow {
	r.line = n.line
	return n.run(r, s, r.eval(n.over, s), 1, out)
}

func (n *loopNode) run(r *run, s *scope, over any, depth int, out *strings.Builder) flow {
	items := r.items(over)
	if n.condition != nil {
		r.alloc(len(items) * itemBytes)
		kept := make([]any, 0, len(items))
		for _, item := range items {
			in := r.scope(s)
			n.target.set(r, in, item)
			if truth(r.eval(n.condition, in)) {
				kept = append(kept, item)
			}
		}
		items = kept
	}
	if len(items) == 0 {
		return r.exec(n.none, r.scope(s), out)
	}
	l := &loop{node: n, items: items, depth: depth, outside: s}
	for i, item := range items {
		l.at = i
		in := r.scope(s)
		in.set(r, "loop", l)
		n.target.set(r, in, item)
		if r.exec(n.body, in, out) == broken {
			break
		}
	}
	return onward
}

// attribute is what templates may ask of a loop.
func (l *loop) attribute(r *run, name string) any {
	n := len(l.items)
	switch name {
	case "index":
		return int64(l.at + 1)
	case "index0":
		return int64(l.at)
	case "revindex":
		return int64(n - l.at)
	case "revindex0":
		return int64(n - l.at - 1)
	case "first":
		return l.at == 0
	case "last":
		return l.at == n-1
	case "length":
		return int64(n)
	case "depth":
		return int64(l.depth)
	case "depth0":
		return int64(l.depth - 1)
	case "previtem":
		if l.at > 0 {
			return l.items[l.at-1]
		}
	case "nextitem":
		if l.at+1 < n {
			return l.items[l.at+1]
		}
	case "cycle":
		return function(func(_ *run, a arguments) any {
			if len(a.values) == 0 {
				fail("loop.cycle() wants values")
			}
			return a.values[l.at%len(a.values)]
		})
	case "changed":
		return function(func(r *run, a arguments) any {
			now := &List{Items: a.values}
			changed := !l.asked || !r.equal(now, l.last)
			l.asked, l.last = true, now
			return changed
		})
	}
	return undefined("loop." + name)
}

// again is loop(items) of a recursive loop.
func (l *loop) again(r *run, a arguments) any {
	if !l.node.recursive || len(a.values) != 1 {
		fail("loop() is for recursive loops, and wants what to go through")
	}
	var out strings.Builder
	l.node.run(r, l.outside, a.values[0], l.depth+1, &out)
	return out.String()
}
