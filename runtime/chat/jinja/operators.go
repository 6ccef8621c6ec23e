package jinja

import (
	"math"
	"strings"
)

// binary is a operator b.
type binary struct {
	op   string
	a, b expr
}

func (e *binary) eval(r *run, s *scope) any {
	a := r.eval(e.a, s)
	b := r.eval(e.b, s)
	if e.op == "~" {
		return r.join(r.text(a), r.text(b))
	}
	return arithmetic(r, e.op, a, b)
}

func (r *run) join(a, b string) string {
	r.alloc(len(a) + len(b))
	return a + b
}

// arithmetic is what Python makes of + - * / // % **: of numbers, and of texts and lists where it knows that.
func arithmetic(r *run, op string, a, b any) any {
	switch x := a.(type) {
	case string:
		if y, ok := b.(string); ok && op == "+" {
			return r.join(x, y)
		}
		if n, ok := integer(b); ok && op == "*" {
			return r.repeat(x, n)
		}
		if op == "%" {
			return format(r, x, b)
		}
	case *List:
		if y, ok := b.(*List); ok && op == "+" && x.tuple == y.tuple {
			out := r.list(len(x.Items) + len(y.Items))
			out.tuple, out.Items = x.tuple, append(append(out.Items, x.Items...), y.Items...)
			return out
		}
		if n, ok := integer(b); ok && op == "*" {
			return r.repeatList(x, n)
		}
	}
	if n, ok := integer(a); ok {
		switch y := b.(type) {
		case string:
			if op == "*" {
				return r.repeat(y, n)
			}
		case *List:
			if op == "*" {
				return r.repeatList(y, n)
			}
		}
		if m, ok := integer(b); ok && op != "/" && (op != "**" || m >= 0) {
			return integers(op, n, m)
		}
	}
	x, ok := float(a)
	y, ok2 := float(b)
	if !ok || !ok2 {
		fail("%s %s %s is not known", kind(a), op, kind(b))
	}
	return floats(op, x, y)
}

func (r *run) repeat(s string, n int64) string {
	n = max(0, n)
	if s == "" || n == 0 {
		return ""
	}
	r.alloc(times(len(s), n))
	return strings.Repeat(s, int(n))
}

func (r *run) repeatList(l *List, n int64) *List {
	n = max(0, n)
	if len(l.Items) == 0 || n == 0 {
		return &List{tuple: l.tuple}
	}
	out := r.list(times(len(l.Items), n))
	out.tuple = l.tuple
	for range n {
		out.Items = append(out.Items, l.Items...)
	}
	return out
}

// times is a product that is too large for any budget, but no overflow, when a factor is large.
func times(a int, n int64) int {
	const large = 1 << 40
	if n > large/int64(max(a, 1)) {
		return large
	}
	return a * int(n)
}

// integers computes with 64 bits, and fails where Python would go on with more.
func integers(op string, a, b int64) any {
	overflow := false
	var c int64
	switch op {
	case "+":
		c = a + b
		overflow = (c > a) != (b > 0) && b != 0
	case "-":
		c = a - b
		overflow = (c < a) != (b > 0) && b != 0
	case "*":
		c = multiply(a, b, &overflow)
	case "**":
		c = 1
		for base := a; b > 0 && !overflow; b >>= 1 {
			if b&1 == 1 {
				c = multiply(c, base, &overflow)
			}
			if b > 1 {
				base = multiply(base, base, &overflow)
			}
		}
	case "//", "%":
		if b == 0 {
			fail("division by zero")
		}
		q, m := a/b, a%b
		if m != 0 && (m < 0) != (b < 0) {
			q, m = q-1, m+b
		}
		if overflow = a == math.MinInt64 && b == -1; op == "//" {
			c = q
		} else {
			c = m
		}
	}
	if overflow {
		fail("%d %s %d has more than 64 bits", a, op, b)
	}
	return c
}

func multiply(a, b int64, overflow *bool) int64 {
	c := a * b
	if a != 0 && (c/a != b || a == -1 && b == math.MinInt64) {
		*overflow = true
	}
	return c
}

func floats(op string, a, b float64) any {
	switch op {
	case "+":
		return a + b
	case "-":
		return a - b
	case "*":
		return a * b
	case "**":
		return math.Pow(a, b)
	}
	if b == 0 {
		fail("division by zero")
	}
	if op == "/" {
		return a / b
	}
	m := math.Mod(a, b)
	if m != 0 && (m < 0) != (b < 0) {
		m += b
	}
	if op == "%" {
		return m
	}
	return math.Floor((a - m) / b)
}
