package publish

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMLCConversations: models' own templates, and which of MLC's writes the same, with the system's message that it has.
func TestMLCConversations(t *testing.T) {
	for file, want := range map[string]string{"chatml": "chatml", "gemma": "gemma_instruction", "phi3": "phi-3", "mistral": "LM"} {
		b, err := os.ReadFile(filepath.Join(templatesDir, file+".jinja"))
		require.NoError(t, err)
		got, note := MLCConversation(metadata(string(b)))
		require.Equal(t, want, got["name"], note)
	}
	for _, c := range []struct{ template, name, system, note string }{
		{chatML, "chatml", helpful, "where yours has none it is"},
		{"{% if messages[0].role != 'system' %}<|im_start|>system\nHelp.<|im_end|>\n{% endif %}" + chatML, "chatml", "Help.", ""},
		{"{% if messages[0].role != 'system' %}Help.{% endif %}" + chatML, "LM", "", "none of those that MLC has"},
		{"{% for m in messages %}<start_of_turn>{{ 'model' if m.role == 'assistant' else m.role }}\n{{ m.content }}<end_of_turn>\n{% endfor %}{{ '<start_of_turn>model\n' }}", "gemma_instruction", "", "leave it out"},
		{"", "LM", "", "no chat template"},
	} {
		got, note := MLCConversation(metadata(c.template))
		require.Equal(t, c.name, got["name"], c.template)
		require.Equal(t, c.system, got["system_message"], c.template)
		require.Contains(t, note, c.note)
		require.Equal(t, c.note == "", note == "", note)
	}
}

// TestMLCFirstToken: the model's BOS begins every turn, as in SmolLM2, whose template has a message of the system by itself.
func TestMLCFirstToken(t *testing.T) {
	md := metadata("{% if messages[0].role != 'system' %}<|im_start|>system\nHelp.<|im_end|>\n{% endif %}" + chatML)
	md.Set("tokenizer.ggml.bos_token_id", uint32(2))
	got, note := MLCConversation(md)
	require.Equal(t, "chatml", got["name"], note)
	require.Equal(t, "Help.", got["system_message"])
}

func TestMLCEnds(t *testing.T) {
	md := metadata(chatML)
	md.Append("tokenizer.ggml.add_bos_token", true)
	md.Append("tokenizer.ggml.eot_token_id", uint32(3))
	got, _ := MLCConversation(md)
	require.Equal(t, []int64{1, 3}, got["stop_token_ids"])
	require.Equal(t, []int64{0}, got["system_prefix_token_ids"])
}
