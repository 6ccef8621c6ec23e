package publish

import (
	"cmp"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/chat"
)

// conversation is how MLC LLM writes conversations (python/mlc_llm/protocol/conversation_protocol.py): a system message, which is
// always there, and turns of role, content and what ends them.
type conversation struct {
	name string
	// system is the system's message with {system_message} for its text.
	system string
	// user and assistant begin a turn, content its text; end ends it.
	user, assistant, content, end string
}

// mlcTurns are those whose turns differ in the names of roles alone.
func mlcTurns(name, before, content, end string) conversation {
	return conversation{name, before + "system" + content + "{system_message}" + end, before + "user", before + "assistant", content, end}
}

// mlcConversations are those that are known; which one is a model's is seen by what it writes.
var mlcConversations = []conversation{
	mlcTurns("chatml", "<|im_start|>", "\n", "<|im_end|>\n"),
	mlcTurns("llama-3", "<|start_header_id|>", "<|end_header_id|>\n\n", "<|eot_id|>"),
	mlcTurns("phi-3", "<|", "|>\n", "<|end|>\n"),
	mlcTurns("phi-4-mini", "<|", "|>", "<|end|>"),
	mlcTurns("phi-4", "<|im_start|>", "<|im_sep|>", "<|im_end|>"),
	mlcTurns("zephyr", "<|", "|>\n", "</s>\n"),
	{"gemma_instruction", "{system_message}", "<start_of_turn>user", "<start_of_turn>model", "\n", "<end_of_turn>\n"},
}

// bare reports whether the system's message has no turn of its own: MLC then writes it before the first, unlike the models' own
// templates, so that only conversations without one are compared.
func (c conversation) bare() bool { return c.system == "{system_message}" }

// helpful is the system's message in MLC's own templates, whose models have none.
const helpful = "You are a helpful assistant."

// MLCConversation is conv_template of mlc-chat-config.json: one that writes the same conversations as the model's own template, or
// one that gives the model the prompt as it is; and what the user should know of it.
func MLCConversation(md *gguf.Metadata) (template map[string]any, note string) {
	wants, bos, why := spoken(md, "mlc-chat-config.json")
	c, system := conversation{name: "LM", system: "{system_message}"}, ""
	if why == "" {
		why = "its chat template is none of those that MLC has: mlc-chat-config.json gives the model the prompt as it is"
		for _, known := range mlcConversations {
			if own, ok := known.writes(wants, bos); ok {
				c, system, why = known, own, ""
				break
			}
		}
		switch {
		case why != "" || system != "":
		case c.bare():
			why = "MLC writes a message of the system before the first turn, and the model's own template within it: leave it out"
		default:
			system = helpful
			why = "MLC begins each conversation with a message of the system; where yours has none it is: " + helpful
		}
	}
	out := map[string]any{"name": c.name, "system_template": c.system, "system_message": system, "add_role_after_system_message": true,
		"roles":          map[string]string{"user": c.user, "assistant": c.assistant, "tool": cmp.Or(c.user, "")},
		"role_templates": map[string]string{"user": "{user_message}", "assistant": "{assistant_message}", "tool": "{tool_message}"},
		"messages":       []any{}, "seps": []string{c.end}, "role_content_sep": c.content, "role_empty_sep": c.content,
		"stop_str": []string{}, "stop_token_ids": ends(md), "function_string": "", "use_function_calling": false}
	id, ok := md.Int("tokenizer.ggml.bos_token_id")
	if add, _ := md.Bool("tokenizer.ggml.add_bos_token"); ok && add {
		out["system_prefix_token_ids"] = []int64{id}
	}
	return out, why
}

// ends are the tokens that end an answer.
func ends(md *gguf.Metadata) []int64 {
	ids := []int64{}
	for _, key := range []string{"eos", "eot", "eom"} {
		if id, ok := md.Int("tokenizer.ggml." + key + "_token_id"); ok {
			ids = append(ids, id)
		}
	}
	return ids
}

// writes reports whether c writes the conversations as the model's template does, and the system's message that this adds to
// those that have none.
func (c conversation) writes(wants []string, bos string) (system string, same bool) {
	for i, x := range conversations {
		if wants[i] == "" || x.system && c.bare() {
			continue
		}
		got, want := c.render(x.messages), wants[i]
		if strings.HasPrefix(got, bos) {
			want = bos + want // it begins every turn
		}
		if got != want && !x.system {
			before, after, _ := strings.Cut(c.system, "{system_message}")
			head, ok := strings.CutSuffix(want, after+got)
			if head, found := strings.CutPrefix(head, before); ok && found {
				system = head
			} else {
				return "", false
			}
		} else if got != want {
			return "", false
		}
		same = same || len(x.messages) > 1
	}
	return system, same
}

// render writes a conversation; unlike MLC none of the system that it does not have.
func (c conversation) render(messages []chat.Message) string {
	var b strings.Builder
	for _, m := range messages {
		switch m.Role {
		case "system":
			b.WriteString(strings.ReplaceAll(c.system, "{system_message}", m.Content))
		case "user":
			b.WriteString(c.user + c.content + m.Content + c.end)
		default:
			b.WriteString(c.assistant + c.content + m.Content + c.end)
		}
	}
	return b.String() + c.assistant + c.content
}
