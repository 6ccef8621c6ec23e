package main

import (
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/calibration"
	"github.com/stretchr/testify/require"
)

// TestConversationsAreTheModels: conversations are written by the model's template, with one date, and in plain words where it
// has none or refuses.
func TestConversationsAreTheModels(t *testing.T) {
	with := func(template string) func([]calibration.Message) (string, bool) {
		md := &gguf.Metadata{}
		if template != "" {
			md.Append("tokenizer.chat_template", template)
		}
		return conversations(md)
	}
	talk := []calibration.Message{{Role: "system", Content: "Be brief."}, {Role: "user", Content: "Why?"}, {Role: "assistant", Content: "Because."}}
	require.Nil(t, with(""))
	require.Nil(t, with("{% for"))
	s, ok := with("{{ strftime_now('%Y-%m-%d') }}{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}")(talk)
	require.True(t, ok)
	require.Equal(t, "2025-01-01<system>Be brief.<user>Why?<assistant>Because.", s)
	s, ok = with("{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}")(talk)
	require.True(t, ok)
	require.Contains(t, s, "Be brief.")
	_, ok = with("{{ raise_exception('no') }}")(talk)
	require.False(t, ok)
}
