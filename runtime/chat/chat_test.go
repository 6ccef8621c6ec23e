package chat

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/gguf"
)

var hello = []Message{{Role: "system", Content: "Be brief."}, {Role: "user", Content: "Hello"}}

func TestDefault(t *testing.T) {
	tmpl, err := New(&gguf.Metadata{})
	require.NoError(t, err)
	require.True(t, tmpl.Default())
	text, err := tmpl.Render(hello, Options{AddGenerationPrompt: true})
	require.NoError(t, err)
	require.Equal(t, "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n", text)
}

func TestNamed(t *testing.T) {
	md := metadata("default")
	md.Append("tokenizer.chat_template.tool_use", "with {{ tools | length }} tools")
	md.Append("tokenizer.chat_template.rag", "rag")
	md.Append("tokenizer.chat_templates", []string{"rag", "tool_use"})
	tmpl, err := New(md)
	require.NoError(t, err)
	require.False(t, tmpl.Default())
	require.Equal(t, []string{"rag", "tool_use"}, tmpl.Names())
	for want, o := range map[string]Options{"default": {}, "rag": {Template: "rag"}, "with 1 tools": {Tools: tools(`{"type": "function"}`)}} {
		text, err := tmpl.Render(hello, o)
		require.NoError(t, err)
		require.Equal(t, want, text)
	}
	_, err = tmpl.Render(hello, Options{Template: "code"})
	require.ErrorContains(t, err, `"code" (found ["rag" "tool_use"])`)
}

func tools(texts ...string) (out []json.RawMessage) {
	for _, s := range texts {
		out = append(out, json.RawMessage(s))
	}
	return out
}

// TestMergeSystem: what a template refuses is told as a refusal; a system message may go to the user's first.
func TestMergeSystem(t *testing.T) {
	source, _ := templateOf(t, "own/gemma.jinja")
	tmpl, err := New(metadata(source))
	require.NoError(t, err)
	_, err = tmpl.Render(hello, Options{})
	require.ErrorIs(t, err, ErrRefused)
	require.ErrorContains(t, err, "System role not supported")
	text, err := tmpl.Render(hello, Options{MergeSystem: true})
	require.NoError(t, err)
	require.Equal(t, "<s><start_of_turn>user\nBe brief.\n\nHello<end_of_turn>\n", text)
	_, err = tmpl.Render(append(hello, hello[1]), Options{MergeSystem: true})
	require.ErrorContains(t, err, "System role not supported", "the first reason is told")
}

// TestBadTemplates: whatever is wrong with a template is an error, in New or in Render, and takes no time.
func TestBadTemplates(t *testing.T) {
	for source, want := range map[string]string{
		"{% for m in messages %}":                             "unclosed",
		"{% if %}":                                            "",
		strings.Repeat("x", maxSource+1):                      "bytes",
		"{{ " + strings.Repeat("(", 1e5) + " }}":              "brackets are nested",
		strings.Repeat("{% if x %}", 1e4):                     "blocks are nested",
		"{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}":     "macros are called more than",
		"{% macro a(x) -%}{{ a(x) }}{% endmacro %}{{ a(1) }}": "macros are called more than",
		"{% for a in range(1000) %}{% for b in range(1000) %}{% for c in range(1000) %}{% endfor %}{% endfor %}{% endfor %}": "turns",
		"{% set r = range(100000) %}{%- for a in r if true -%}{% for b in r %}{% endfor %}{% endfor %}":                      "turns",
		"{% for a in range(1000000000000) %}{% endfor %}":                                                                    "numbers",
		"{{ range(1, 2, 0) }}":        "step is 0",
		"{{ raise_exception('no') }}": "no",
		"{{ nothing.here.at_all }}":   "",
		"{{ messages[7].content }}":   "",
		"{{ 'a'.nothing() }}":         "",
		"{{ 1 / 0 }}":                 "",
		"{{ messages | no_filter }}":  "no_filter",
	} {
		tmpl, err := New(metadata(source))
		if err == nil {
			_, err = tmpl.Render(hello, Options{})
		}
		if want != "" {
			require.ErrorContains(t, err, want, "%.60s", source)
		}
	}
}

// TestGuard: white space is trimmed as by Jinja, loops and macros count.
func TestGuard(t *testing.T) {
	for source, want := range map[string]string{
		"a\r\nb\n":                         `{{ "a\nb" }}`,
		"{# {% for #}x":                    `{{ "x" }}`,
		"{% for x in y -%} z{%- endfor %}": `{% for x in y  if carat_turn() %}{{ "z" }}{% endfor %}`,
		"{%- for x in y|f('if') if x != ' if ' %}{% endfor %}":     "{% for x in y|f('if') if carat_turn() and ( x != ' if ' ) %}{% endfor %}",
		"{% raw %}{% for x in y %}{{ {% endraw %}{{ '{% for' }}":   `{{ "{% for x in y %}{{ " }}{{ '{% for' }}`,
		"{% macro f(a, b=1) -%}{% endmacro %}":                     "{% macro f(a, b=1, carat_call_=carat_call()) %}{% endmacro %}",
		"{ {{ '}}' }} {":                                           `{{ "{ " }}{{ '}}' }}{{ " {" }}`,
		"{%- generation -%}a{% endgeneration %}":                   `{% if true %}{{ "a" }}{% endif %}`,
		"  {{ a }}{% if b %}\n\n\tc\n  {% endif %}\n{{ d }}\n\"\\": `{{ "  " }}{{ a }}{% if b %}{{ "\n\tc\n" }}{% endif %}{{ d }}{{ "\n\"\\" }}`,
		"  {% if a %}\n  {%+ if b +%}\nc":                          `{% if a %}{{ "  " }}{% if b %}{{ "\nc" }}`,
	} {
		got, err := guard(source)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

// TestTurns: what a turn of a loop sets is unknown to the next, and behind the loop.
func TestTurns(t *testing.T) {
	for source, want := range map[string]string{
		"{% for i in [1, 2, 3] %}{% if i == 1 %}{% set x = i %}{% endif %}{{ x }},{% endfor %}{{ x }}.":                             "1,,,.",
		"{% set x = 7 %}\n  {%- for i in [1, 2] -%}\n{{ x }}{% set x = i %}{{ x }} {% endfor %}\n{{ x }}":                           "71 72 7",
		"{% for i in [1, 2] %}{% for j in [1, 2] %}{{ y }}{% set y = j %}{% endfor %}{{ y is defined }}{% set y = 5 %}{% endfor %}": "FalseFalse",
		"{% for i in [1, 2] %}{% set i = i + 1 %}{{ i }}{% endfor %}":                                                               "23",
		"{% for i in [1, 2] %}\n{{ b }}{% set b %}{{ i }}{% endset %}{{ b }}\n{% endfor %}":                                         "1\n2\n",
	} {
		tmpl, err := New(metadata(source))
		require.NoError(t, err, source)
		text, err := tmpl.Render(nil, Options{})
		require.NoError(t, err, source)
		require.Equal(t, want, text, source)
	}
}

func TestCheck(t *testing.T) {
	require.NoError(t, Check(&gguf.Metadata{}))
	require.NoError(t, Check(metadata(ChatML)))
	require.ErrorContains(t, Check(metadata("{% if %}")), "tokenizer.chat_template")
	require.ErrorContains(t, Check(metadata("{{ messages | nothing }}")), "tokenizer.chat_template")
	require.ErrorIs(t, Check(metadata("{{ raise_exception('no') }}")), ErrRefused)
	md := metadata(ChatML)
	md.Append("tokenizer.chat_template.rag", "{% for %}")
	require.ErrorContains(t, Check(md), "tokenizer.chat_template.rag")
}

func TestStrftime(t *testing.T) {
	now := time.Date(2026, 3, 5, 9, 8, 7, 0, time.UTC)
	for format, want := range map[string]string{
		"%d %b %Y": "05 Mar 2026", "%Y-%m-%d": "2026-03-05", "%A, %B %-d": "Thursday, March 5", "%H:%M:%S %p %j": "09:08:07 AM 064",
		"100%% %Q %": "100% %Q %", "%-H%y": "926",
	} {
		require.Equal(t, want, strftime(now, format))
	}
}

// words is a tokenizer with one token a byte, and BOS 1.
type words struct{ add bool }

func (w words) Encode(text string, _, _ bool) (ids []int32, _ error) {
	for _, b := range []byte(text) {
		ids = append(ids, int32(b))
	}
	return ids, nil
}
func (w words) BOS() (int32, bool) { return 1, true }
func (w words) AddBOS() bool       { return w.add }

func TestEncode(t *testing.T) {
	for _, c := range []struct {
		add  bool
		text string
		want []int32
	}{{true, "\x01a", []int32{1, 'a'}}, {true, "a", []int32{1, 'a'}}, {false, "a", []int32{'a'}}, {true, "", []int32{1}}} {
		ids, err := Encode(words{c.add}, c.text)
		require.NoError(t, err)
		require.Equal(t, c.want, ids)
	}
}

// FuzzTemplate: no template makes rendering panic or hang.
func FuzzTemplate(f *testing.F) {
	paths, _ := filepath.Glob("testdata/templates/*.jinja")
	for _, p := range paths {
		b, err := os.ReadFile(p)
		require.NoError(f, err)
		f.Add(string(b))
	}
	for _, s := range []string{ChatML, "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}", "{% for a in range(9) %}{{ loop }}{% endfor %}", "{{ ''.split('') }}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		if strings.Contains(source, "*") || strings.Contains(source, "indent") {
			t.Skip("texts repeated many times: the library sets no limit")
		}
		if tmpl, err := New(metadata(source)); err == nil {
			_, _ = tmpl.Render(hello, Options{AddGenerationPrompt: true})
		}
	})
}
