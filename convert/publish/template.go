package publish

import (
	"errors"
	"fmt"
	"strings"
	"text/template"
	"time"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/chat"
)

// Template is a chat template in the language of Ollama, Go's text/template over .Messages.
type Template struct {
	Name string
	Text string
	// Stop are texts at which an answer ends, beside the end tokens.
	Stop []string
}

// turns writes every message in the same way; the role of the assistant may have another name.
func turns(before, between, after, answer, assistant string) string {
	role := "{{ .Role }}"
	if assistant != "" {
		role = `{{ if eq .Role "assistant" }}` + assistant + "{{ else }}{{ .Role }}{{ end }}"
	}
	return "{{ range .Messages }}" + before + role + between + "{{ .Content }}" + after + "{{ end }}" + answer
}

// findSystem is the message of the system in a variable, for templates that put it within the user's.
const findSystem = `{{ $system := "" }}{{ range .Messages }}{{ if eq .Role "system" }}{{ $system = .Content }}{{ end }}{{ end }}`

// Where a template has the message of the system: in the first message of the user, or in one that is the last of all.
const (
	inFirst = `{{ if $system }}%s{{ $system = "" }}{{ end }}`
	inLast  = `{{ if and $system (eq (len (slice $.Messages $i)) 1) }}%s{{ end }}`
)

// instructions are Llama 2's and Mistral's: what the user says in brackets, behind the message of the system.
func instructions(begin, end, answer, after, where, system string) string {
	return findSystem + `{{ range $i, $_ := .Messages }}{{ if eq .Role "user" }}` + begin + fmt.Sprintf(where, fmt.Sprintf(system, "{{ $system }}")) +
		`{{ .Content }}` + end + `{{ else if eq .Role "assistant" }}` + answer + "{{ .Content }}" + after + "{{ end }}{{ end }}"
}

// gemma is Gemma's, which knows no system: its message begins the user's first.
const gemma = findSystem +
	`{{ range .Messages }}{{ if eq .Role "user" }}<start_of_turn>user` + "\n{{ if $system }}{{ $system }}\n\n" +
	`{{ $system = "" }}{{ end }}{{ .Content }}<end_of_turn>` + "\n" +
	`{{ else if eq .Role "assistant" }}<start_of_turn>model` + "\n{{ .Content }}<end_of_turn>\n{{ end }}{{ end }}<start_of_turn>model\n"

// deepseek is that of V3 and R1.
const deepseek = `{{ range .Messages }}{{ if eq .Role "system" }}{{ .Content }}{{ else if eq .Role "user" }}<｜User｜>{{ .Content }}` +
	`{{ else }}<｜Assistant｜>{{ .Content }}<｜end▁of▁sentence｜>{{ end }}{{ end }}<｜Assistant｜>`

// templates are those that are known. None is taken by its looks: see TemplateOf.
var templates = []Template{
	{"chatml", turns("<|im_start|>", "\n", "<|im_end|>\n", "<|im_start|>assistant\n", ""), []string{"<|im_start|>"}},
	{"llama3", turns("<|start_header_id|>", "<|end_header_id|>\n\n", "<|eot_id|>", "<|start_header_id|>assistant<|end_header_id|>\n\n", ""), []string{"<|start_header_id|>"}},
	{"gemma", gemma, []string{"<start_of_turn>"}},
	{"phi3", turns("<|", "|>\n", "<|end|>\n", "<|assistant|>\n", ""), []string{"<|user|>"}},
	{"phi4", turns("<|im_start|>", "<|im_sep|>", "<|im_end|>", "<|im_start|>assistant<|im_sep|>", ""), []string{"<|im_start|>"}},
	{"phi4-mini", turns("<|", "|>", "<|end|>", "<|assistant|>", ""), []string{"<|user|>"}},
	{"zephyr", turns("<|", "|>\n", "</s>\n", "<|assistant|>\n", ""), []string{"<|user|>"}},
	{"granite", turns("<|start_of_role|>", "<|end_of_role|>", "<|end_of_text|>\n", "<|start_of_role|>assistant<|end_of_role|>", ""), []string{"<|start_of_role|>"}},
	{"exaone", turns("[|", "|]", "[|endofturn|]\n", "[|assistant|]", ""), []string{"[|user|]"}},
	{"mistral", instructions("[INST] ", " [/INST]", " ", "</s>", inFirst, "%s\n\n"), []string{"[INST]"}},
	{"mistral-v1", instructions("[INST] ", " [/INST]", "", "</s>", inFirst, "%s\n\n"), []string{"[INST]"}},
	{"mistral-v3", instructions("[INST] ", "[/INST]", " ", "</s>", inLast, "%s\n\n"), []string{"[INST]"}},
	{"mistral-tekken", instructions("[INST]", "[/INST]", "", "</s>", inLast, "%s\n\n"), []string{"[INST]"}},
	{"mistral-v7", `{{ range .Messages }}{{ if eq .Role "system" }}[SYSTEM_PROMPT]{{ .Content }}[/SYSTEM_PROMPT]{{ else if eq .Role "user" }}[INST]{{ .Content }}[/INST]` +
		`{{ else if eq .Role "assistant" }}{{ .Content }}</s>{{ end }}{{ end }}`, []string{"[INST]"}},
	{"llama2", instructions("<s>[INST] ", " [/INST]", " ", " </s>", inFirst, "<<SYS>>\n%s\n<</SYS>>\n\n"), []string{"[INST]"}},
	{"command-r", `{{ range .Messages }}<|START_OF_TURN_TOKEN|>{{ if eq .Role "system" }}<|SYSTEM_TOKEN|>{{ else if eq .Role "user" }}<|USER_TOKEN|>` +
		`{{ else }}<|CHATBOT_TOKEN|>{{ end }}{{ .Content }}<|END_OF_TURN_TOKEN|>{{ end }}<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>`, []string{"<|START_OF_TURN_TOKEN|>"}},
	{"deepseek", deepseek, []string{"<｜User｜>"}},
	{"deepseek-r1", deepseek + "<think>\n", []string{"<｜User｜>"}},
}

// conversations are what a template is judged by. The last has a message of the system.
var conversations = []struct {
	system   bool
	messages []chat.Message
}{
	{false, []chat.Message{{Role: "user", Content: "Name a colour."}}},
	{false, []chat.Message{{Role: "user", Content: "Name a colour."}, {Role: "assistant", Content: "Red."}, {Role: "user", Content: "Another?"}}},
	{true, []chat.Message{{Role: "system", Content: "Be brief."}, {Role: "user", Content: "Name a colour."}, {Role: "assistant", Content: "Red."},
		{Role: "user", Content: "Another?"}, {Role: "assistant", Content: "Blue."}, {Role: "user", Content: "One more?"}}},
}

// spoken are the conversations as the model's own template writes them, without BOS, which programs add; "" for those that it
// refuses; or why there are none. where names what then has no template.
func spoken(md *gguf.Metadata, where string) (wants []string, bos, why string) {
	own, err := chat.New(md)
	switch {
	case err != nil:
		return nil, "", fmt.Sprintf("its chat template is not understood (%v): %s has none", err, where)
	case own.Default():
		return nil, "", fmt.Sprintf("the model has no chat template, and %s has none: the prompt is given to it as it is", where)
	}
	if id, ok := md.Int("tokenizer.ggml.bos_token_id"); ok {
		if tokens := md.Strings("tokenizer.ggml.tokens"); id >= 0 && id < int64(len(tokens)) {
			bos = tokens[id]
		}
	}
	for _, c := range conversations {
		want, err := own.Render(c.messages, chat.Options{AddGenerationPrompt: true, MergeSystem: true, Date: time.Unix(0, 0)})
		if err != nil && !errors.Is(err, chat.ErrRefused) {
			return nil, "", fmt.Sprintf("its chat template fails (%v): %s has none", err, where)
		}
		wants = append(wants, strings.TrimPrefix(want, bos))
	}
	return wants, bos, ""
}

// TemplateOf finds the template that gives the same texts as the model's own does, over conversations with and without a
// system message; nil if none does, and a note why. A note may stand beside a template, too.
func TemplateOf(md *gguf.Metadata) (*Template, string) {
	wants, bos, why := spoken(md, "the Modelfile")
	if why != "" {
		return nil, why
	}
	for i := range templates {
		if same, adds := templates[i].writes(wants, bos); same {
			note := ""
			if adds {
				note = "the model's own template adds a text of the system where a conversation has none; the Modelfile's does not"
			}
			return &templates[i], note
		}
	}
	return nil, "its chat template is none of those that are known in Ollama's language: the Modelfile has none"
}

// writes reports whether t writes the conversations as the model's template does, and whether that adds a text of the system
// to those that have none. A conversation that the model's template refuses says nothing, but one with an answer must be
// among the others.
func (t *Template) writes(wants []string, bos string) (same, adds bool) {
	judged := false
	for i, c := range conversations {
		if wants[i] == "" {
			continue
		}
		got, err := t.render(c.messages)
		if err != nil {
			return false, false
		}
		switch got = strings.TrimPrefix(got, bos); {
		case got == wants[i]:
			judged = judged || len(c.messages) > 1
		case !c.system && strings.HasSuffix(wants[i], got):
			adds = true
		default:
			return false, false
		}
	}
	return judged, adds
}

// render writes a conversation as Ollama does.
func (t *Template) render(messages []chat.Message) (string, error) {
	parsed, err := template.New(t.Name).Parse(t.Text)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = parsed.Execute(&b, map[string]any{"Messages": messages})
	return b.String(), err
}
