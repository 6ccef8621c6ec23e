// Package chat writes a conversation as the text that a model was trained to answer: by the model's own chat template, a
// Jinja text in its metadata (tokenizer.chat_template, and more by name in tokenizer.chat_template.NAME), rendered as
// transformers' apply_chat_template renders it.
//
//	t, err := chat.New(model.Metadata())
//	text, err := t.Render([]chat.Message{{Role: "user", Content: "Hello"}}, chat.Options{AddGenerationPrompt: true})
//	ids, err := chat.Encode(tok, text)
//
// A model without a template gets ChatML, and Default reports so. Templates come from strangers: what a rendering may take of memory and
// time is limited (runtime/chat/jinja), a Template renders one conversation at a time, and whatever is wrong with one is an error.
package chat

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/chat/jinja"
)

// Message is one of a conversation; its JSON is that of OpenAI's API.
type Message struct {
	Role      string     `json:"role"` // system, user, assistant, tool or what else the template knows
	Content   string     `json:"content"`
	Name      string     `json:"name,omitempty"`
	Reasoning string     `json:"reasoning_content,omitempty"` // what an assistant thought before it answered
	ToolCalls []ToolCall `json:"tool_calls,omitempty"`        // of an assistant
	CallID    string     `json:"tool_call_id,omitempty"`      // of a tool's answer: the call that it answers
}

// ToolCall is a call of a function by an assistant.
type ToolCall struct {
	ID       string   `json:"id,omitempty"`
	Type     string   `json:"type,omitempty"` // function
	Function Function `json:"function"`
}

// Function is what is called.
type Function struct {
	Name      string `json:"name"`
	Arguments string `json:"arguments"` // JSON
}

// Options of Render.
type Options struct {
	// Tools describe functions that the model may call, each as in OpenAI's API: {"type": "function", "function": {…}}.
	Tools []json.RawMessage
	// AddGenerationPrompt ends the text with the beginning of an answer.
	AddGenerationPrompt bool
	// Template is the name of the template; empty is the default one, or tool_use if there are tools and the model has that.
	Template string
	// MergeSystem puts a system message in front of the first message of the user when the template refuses system messages.
	MergeSystem bool
	// Date is what templates take for now; zero means the present.
	Date time.Time
	// Vars are further variables for the template, as enable_thinking.
	Vars map[string]any
}

// ErrRefused is wrapped by the errors of conversations that a template refuses with raise_exception: roles in an order that
// the model does not know, as an example.
var ErrRefused = errors.New("the chat template refuses the conversation")

// ChatML is the template of models that have none.
const ChatML = `{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}` +
	`{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}`

// Template is a model's chat templates. It may be used by several goroutines.
type Template struct {
	sources  map[string]string // by name; the default's is ""
	compiled map[string]*jinja.Template
	none     bool
	special  map[string]any // bos_token and its like
	turn     sync.Mutex     // of renderings, so that their memory is that of one
}

const key = "tokenizer.chat_template"

// New reads the templates of a model's metadata. Errors name the key, and wrap gguf.ErrInput.
func New(md *gguf.Metadata) (*Template, error) {
	t := &Template{sources: map[string]string{}, compiled: map[string]*jinja.Template{}, special: specialTokens(md)}
	for _, kv := range md.All() {
		if name, ok := strings.CutPrefix(kv.Key, key); ok {
			source, isText := kv.Value.(string)
			if name, ok = strings.CutPrefix(name, "."); isText && (ok || kv.Key == key) {
				t.sources[name] = source
			}
		}
	}
	if _, ok := t.sources[""]; !ok {
		t.none, t.sources[""] = true, ChatML
	}
	for name, source := range t.sources {
		c, err := jinja.Parse(source)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", gguf.ErrInput, keyOf(name), err)
		}
		t.compiled[name] = c
	}
	return t, nil
}

func keyOf(name string) string {
	if name == "" {
		return key
	}
	return key + "." + name
}

// Default reports whether the model has no template, so that ChatML is used.
func (t *Template) Default() bool { return t.none }

// Names are those of the model's templates beside the default one.
func (t *Template) Names() []string {
	var out []string
	for name := range t.sources {
		if name != "" {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// Source is the text of a template, the default one's for no name; empty if there is none.
func (t *Template) Source(name string) string { return t.sources[name] }

// specialTokens are the tokens that templates know by name, as far as the model has them.
func specialTokens(md *gguf.Metadata) map[string]any {
	tokens, out := md.Strings("tokenizer.ggml.tokens"), map[string]any{}
	for _, s := range []struct{ variable, key string }{{"bos_token", "bos"}, {"eos_token", "eos"}, {"unk_token", "unknown"}, {"pad_token", "padding"}} {
		if id, ok := md.Int("tokenizer.ggml." + s.key + "_token_id"); ok && id >= 0 && id < int64(len(tokens)) {
			out[s.variable] = tokens[id]
		}
	}
	return out
}

// Render returns the text of a conversation. Errors name the key and wrap gguf.ErrInput, and ErrRefused when the template says so.
func (t *Template) Render(messages []Message, opts Options) (string, error) {
	name := opts.Template
	if _, ok := t.sources["tool_use"]; ok && name == "" && len(opts.Tools) > 0 {
		name = "tool_use"
	}
	c, ok := t.compiled[name]
	if !ok {
		return "", fmt.Errorf("%w: the model has no chat template %q (found %q)", gguf.ErrInput, name, t.Names())
	}
	text, err := t.render(c, messages, opts)
	if err != nil && opts.MergeSystem {
		if merged := mergeSystem(messages); merged != nil {
			if text, err := t.render(c, merged, opts); err == nil {
				return text, nil
			}
		}
	}
	if err != nil {
		err = fmt.Errorf("%w: %s: %w", gguf.ErrInput, keyOf(name), err)
	}
	return text, err
}

// render finds how the template wants calls of tools, if there are any, and renders.
func (t *Template) render(c *jinja.Template, messages []Message, opts Options) (string, error) {
	var s style
	if slices.ContainsFunc(messages, func(m Message) bool { return len(m.ToolCalls) > 0 }) {
		s = t.styleOf(c, opts)
	}
	return t.renderOnce(c, messages, opts, s)
}

// styleOf is the first way of writing a call with which the template writes it.
func (t *Template) styleOf(c *jinja.Template, opts Options) style {
	const name = "carat_function"
	call := ToolCall{ID: "call00000", Type: "function", Function: Function{Name: name, Arguments: `{"x": 1}`}}
	messages := []Message{{Role: "user", Content: "x"}, {Role: "assistant", ToolCalls: []ToolCall{call}}}
	for _, s := range []style{{}, {texts: true}, {none: true}, {none: true, texts: true}} {
		text, err := t.renderOnce(c, messages, opts, s)
		if err == nil && strings.Contains(text, name) && !strings.Contains(text, "{'x'") {
			return s
		}
	}
	return style{}
}

func (t *Template) renderOnce(c *jinja.Template, messages []Message, opts Options, s style) (string, error) {
	vars := map[string]any{"tools": nil, "documents": nil}
	for name, v := range opts.Vars {
		vars[name] = jinja.From(v)
	}
	for name, v := range t.special {
		vars[name] = v
	}
	list := &jinja.List{}
	for _, m := range messages {
		list.Items = append(list.Items, s.message(m))
	}
	vars["messages"] = list
	if len(opts.Tools) > 0 {
		tools := &jinja.List{}
		for i, raw := range opts.Tools {
			tool, err := jinja.FromJSON(raw)
			if err != nil {
				return "", fmt.Errorf("tool %d: %w", i, err)
			}
			tools.Items = append(tools.Items, tool)
		}
		vars["tools"] = tools
	}
	vars["add_generation_prompt"] = opts.AddGenerationPrompt
	now := opts.Date
	if now.IsZero() {
		now = time.Now()
	}
	for name, f := range functions(now) {
		vars[name] = f
	}
	t.turn.Lock()
	defer t.turn.Unlock()
	return c.Render(vars, jinja.DefaultLimits)
}

// Check says why the templates of a model cannot be used: one does not parse, or fails on a simple conversation. A model without
// templates has nothing to check.
func Check(md *gguf.Metadata) error {
	t, err := New(md)
	if err != nil || t.none {
		return err
	}
	_, err = t.Render([]Message{{Role: "user", Content: "Hello"}, {Role: "assistant", Content: "Hello."}, {Role: "user", Content: "Who are you?"}}, Options{AddGenerationPrompt: true})
	return err
}

// mergeSystem returns the messages with those of the system in front of the user's first one, or nil if there are not both.
func mergeSystem(messages []Message) []Message {
	var system []string
	var out []Message
	for _, m := range messages {
		if m.Role == "system" {
			system = append(system, m.Content)
		} else {
			out = append(out, m)
		}
	}
	i := slices.IndexFunc(out, func(m Message) bool { return m.Role == "user" })
	if len(system) == 0 || i < 0 {
		return nil
	}
	out[i].Content = strings.Join(append(system, out[i].Content), "\n\n")
	return out
}

// Tokenizer is what Encode needs of one; runtime/tokenizer.Tokenizer is one.
type Tokenizer interface {
	Encode(text string, addSpecial, parseSpecial bool) ([]int32, error)
	BOS() (int32, bool)
	AddBOS() bool
}

// Encode returns the tokens of a rendered conversation: special tokens are found in it, and it begins with one BOS token if
// texts of the model do, whether the template writes it or not.
func Encode(tok Tokenizer, text string) ([]int32, error) {
	ids, err := tok.Encode(text, false, true)
	if err != nil {
		return nil, err
	}
	if bos, ok := tok.BOS(); ok && tok.AddBOS() && (len(ids) == 0 || ids[0] != bos) {
		ids = slices.Insert(ids, 0, bos)
	}
	return ids, nil
}
