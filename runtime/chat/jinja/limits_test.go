package jinja

import (
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// hostile are templates that would take all memory, all time or all stack.
var hostile = map[string]string{
	"a text repeated":             "{{ 'x' * 10**9 }}",
	"a number too large":          "{{ 'x' * 10**18 }}",
	"two factors":                 "{{ ('x' * 10000) * 10000 }}",
	"a list repeated":             "{{ [1] * 10**8 }}",
	"a list of lists":             "{{ [[0] * 4000] * 4000 * 4000 }}",
	"doubling by +":               "{% set ns = namespace(s='xxxxxxxx') %}{% for i in range(40) %}{% set ns.s = ns.s + ns.s %}{% endfor %}{{ ns.s | length }}",
	"doubling by ~":               "{% set ns = namespace(s='x') %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
	"doubling lists":              "{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
	"doubling blocks":             "{% set ns = namespace(s='x') %}{% for i in range(60) %}{% set b %}{{ ns.s }}{{ ns.s }}{% endset %}{% set ns.s = b %}{% endfor %}",
	"doubling macros":             "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% else %}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx{% endif %}{% endmacro %}{{ m(40) }}",
	"doubling joins":              "{% set ns = namespace(s='x') %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] | join %}{% endfor %}",
	"doubling filter blocks":      "{% macro m(s, n) %}{% if n %}{% filter replace('x', 'xx') %}{{ m(s, n - 1) }}{% endfilter %}{% else %}{{ s }}{% endif %}{% endmacro %}{{ m('x', 60) }}",
	"doubling what is printed":    "{% set ns = namespace(l=['x']) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}",
	"doubling what is JSON":       "{% set ns = namespace(l=['x']) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l | tojson }}",
	"doubling what is compared":   "{% set ns = namespace(a=[1], b=[1]) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}{% set ns.b = [ns.b, ns.b] %}{% endfor %}{{ ns.a == ns.b }}",
	"doubling what is sorted":     "{% set ns = namespace(a=[1], b=[1]) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}{% set ns.b = [ns.b, ns.b] %}{% endfor %}{{ [ns.a, ns.b] | sort }}",
	"nested loops":                "{% for a in range(1000) %}{% for b in range(1000) %}{% for c in range(1000) %}{% endfor %}{% endfor %}{% endfor %}",
	"a loop that writes":          "{% set s = 'x' * 100000 %}{% for a in range(100000) %}{{ s }}{% endfor %}",
	"a range":                     "{{ range(1000000000000) }}",
	"ranges":                      "{% for a in range(100000) %}{{ range(100000) | length }}{% endfor %}",
	"a range of all integers":     "{{ range(-9223372036854775807, 9223372036854775807) }}",
	"a macro without end":         "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
	"macros without end":          "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}",
	"a default without end":       "{% macro a(x=a()) %}{% endmacro %}{{ a() }}",
	"a caller without end":        "{% macro a() %}{% call a() %}{{ caller() }}{% endcall %}{% endmacro %}{{ a() }}",
	"a recursive loop":            "{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}",
	"a join":                      "{{ range(100000) | join('x' * 100000) }}",
	"a method join":               "{{ ('x' * 100000).join(('x' * 100000) | list) }}",
	"a replace":                   "{{ ('x' * 100000) | replace('x', 'x' * 100000) }}",
	"a method replace":            "{{ ('x' * 100000).replace('', 'x' * 100000) }}",
	"an indent":                   "{{ ('x\\n' * 100000) | indent(100000) }}",
	"a wide indent":               "{{ 'x\\n\\n' | indent(10**12) }}",
	"an indent of JSON":           "{{ range(100000) | tojson(indent='x' * 100000) }}",
	"separators of JSON":          "{{ range(100000) | tojson(separators=('x' * 100000, '')) }}",
	"a format":                    "{{ ('%s' * 10000) % (('x' * 100000,) * 10000) }}",
	"a method format":             "{{ ('{0}' * 100000).format('x' * 100000) }}",
	"a width":                     "{{ 'x' | center(10**12) }}",
	"a method width":              "{{ 'x'.ljust(10**12) }}",
	"a batch":                     "{{ [1] | batch(10**12, 'x') }}",
	"many batches":                "{% for i in range(100000) %}{{ [1] | batch(100000, 'x') | length }}{% endfor %}",
	"a split":                     "{% set s = 'x ' * 1000000 %}{% for i in range(100000) %}{{ s.split() | length }}{% endfor %}",
	"characters":                  "{% set s = 'x' * 1000000 %}{% for i in range(100000) %}{{ s | list | length }}{% endfor %}",
	"a search":                    "{% set s = 'x' * 10000000 %}{% for i in range(100000) %}{{ 'y' in s }}{% endfor %}",
	"a strip":                     "{% set s = 'x' * 10000000 %}{% for i in range(100000) %}{{ s.strip('y' * 1000) }}{% endfor %}",
	"arguments":                   "{% macro m() %}{{ varargs | length }}{% endmacro %}{% set l = [1] * 100000 %}{% for i in range(100000) %}{{ m(*l) }}{% endfor %}",
	"variables":                   "{% set ns = namespace() %}{% for i in range(100000) %}{% set ns.d = dict(ns.d or {}, **{'k' ~ i: 1}) %}{% endfor %}",
	"names":                       "{% for i in range(100000) %}{{ dict([('x' * 1000000 ~ i, 1)]) | length }}{% endfor %}",
	"escapes":                     "{% set s = '<' * 1000000 %}{% for i in range(1000) %}{{ s | escape | length }}{% endfor %}",
	"a chain of operators":        "{{ 1" + strings.Repeat("+1", 1e5) + " }}",
	"a chain of attributes":       "{{ messages" + strings.Repeat(".x", 1e5) + " }}",
	"a chain of filters":          "{{ 1" + strings.Repeat("|d", 1e5) + " }}",
	"brackets":                    "{{ " + strings.Repeat("(", 1e5) + strings.Repeat(")", 1e5) + " }}",
	"signs":                       "{{ " + strings.Repeat("- ", 1e5) + "1 }}",
	"negations":                   "{{ " + strings.Repeat("not ", 6e4) + "1 }}",
	"targets":                     "{% set " + strings.Repeat("(", 1e5) + "x" + strings.Repeat(")", 1e5) + " = 1 %}",
	"blocks":                      strings.Repeat("{% if x %}", 2e4),
	"branches":                    "{{ " + strings.Repeat("1 if 0 else ", 2e4) + "1 }}",
	"size":                        strings.Repeat("x", maxSource+1),
	"a loop that calls":           "{% macro m() %}{% endmacro %}{% for a in range(100000) %}{% for b in range(100000) %}{{ m() }}{% endfor %}{% endfor %}",
	"a filter over filters":       "{% for i in range(100000) %}{{ range(100000) | map('string') | map('upper') | list | length }}{% endfor %}",
	"deep values":                 "{% set ns = namespace(l=[]) %}{% for i in range(90000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}",
	"deep values that are unique": "{% set ns = namespace(l=[]) %}{% for i in range(90000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ [ns.l, ns.l] | unique | list }}",
	"deep JSON":                   "{% set ns = namespace(l=[]) %}{% for i in range(90000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l | tojson(indent=1) }}",
}

// TestHostile: each is refused with ErrLimit, and no rendering allocates more than its budget.
func TestHostile(t *testing.T) {
	limits := Limits{Steps: DefaultLimits.Steps / 8, Bytes: DefaultLimits.Bytes / 8} // takes less time
	for name, source := range hostile {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			tmpl, err := Parse(source)
			runtime.ReadMemStats(&after)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20+400*len(source)))
			if err == nil {
				runtime.ReadMemStats(&before)
				_, err = tmpl.Render(map[string]any{"messages": &List{}}, limits)
				runtime.ReadMemStats(&after)
				// All that was ever allocated, garbage too, and some that is not counted: the budget is no exact measure.
				require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(2*limits.Bytes))
			}
			require.ErrorIs(t, err, ErrLimit)
		})
	}
}

// TestPerByte: what is given may be rendered, however long it is.
func TestPerByte(t *testing.T) {
	tmpl, err := Parse("{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + (m.content | trim) ~ '<|im_end|>\n' }}{% endfor %}")
	require.NoError(t, err)
	m := NewDict()
	m.Set("role", "user")
	m.Set("content", strings.Repeat("word ", 1<<20)+".")
	many := &List{}
	for range 20000 {
		one := NewDict()
		one.Set("role", "user")
		one.Set("content", "x")
		many.Items = append(many.Items, one)
	}
	for _, list := range []*List{{Items: []any{m}}, many} {
		_, err = tmpl.Render(map[string]any{"messages": list}, DefaultLimits)
		require.NoError(t, err)
	}
}

// TestIntegers: numbers beyond 64 bits are errors, not others.
func TestIntegers(t *testing.T) {
	for _, source := range []string{"{{ 9223372036854775807 + 1 }}", "{{ -9223372036854775807 - 2 }}", "{{ 4294967296 * 4294967296 }}", "{{ 10 ** 30 }}", "{{ (0 - 9223372036854775807 - 1) // -1 }}", "{{ 9223372036854775808 }}"} {
		tmpl, err := Parse(source)
		if err == nil {
			_, err = tmpl.Render(nil, DefaultLimits)
		}
		require.ErrorContains(t, err, "64", source)
	}
	require.Equal(t, int64(math.MinInt64), integers("**", -2, 63))
}

// FuzzRender: no template makes parsing or rendering panic, hang or take more than its budget.
func FuzzRender(f *testing.F) {
	ref, vars := readReference(f)
	for source := range ref.Templates {
		f.Add(source)
	}
	for _, source := range hostile {
		if len(source) < 1000 {
			f.Add(source)
		}
	}
	f.Fuzz(func(t *testing.T, source string) {
		if tmpl, err := Parse(source); err == nil {
			text, _ := tmpl.Render(vars, Limits{Steps: 1 << 16, Bytes: 1 << 20})
			require.LessOrEqual(t, len(text), 2<<20)
		}
	})
}
