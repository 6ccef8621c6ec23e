package chat

import (
	"encoding/json"
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

// TestBadTemplates: whatever is wrong with a template is an error, in New or in Render.
func TestBadTemplates(t *testing.T) {
	for source, want := range map[string]string{
		"{% for m in messages %}":         "tokenizer.chat_template: line 1: the block is unclosed",
		"{{ raise_exception('no') }}":     "the chat template refuses the conversation: no",
		"{{ nothing.here.at_all }}":       "nothing is undefined",
		"\n{{ messages[7].content }}":     "tokenizer.chat_template: line 2: item 7 of 2 is undefined",
		"{{ 'x' * 10 ** 12 }}":            "tokenizer.chat_template: line 1: the template takes too much: more than 64 MiB of memory",
		"{{ strftime_now('%A' * 1000) }}": "more than 1000",
	} {
		tmpl, err := New(metadata(source))
		if err == nil {
			_, err = tmpl.Render(hello, Options{})
		}
		require.ErrorContains(t, err, want, "%.60s", source)
		require.ErrorIs(t, err, gguf.ErrInput)
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
