package vocab

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

const jinjaText = "{% for m in messages %}{{ m }}{% endfor %}"

// small is a byte-level tokenizer with two special tokens, 3 and 4.
func small(post any) object {
	o := byteBPE(object{"type": "ByteLevel"}, nil)
	o["added_tokens"] = []object{{"id": 3, "content": "<s>", "special": true}, {"id": 4, "content": "</s>", "special": true}}
	o["post_processor"] = post
	return o
}

func TestChatTemplates(t *testing.T) {
	type want map[string]any
	for name, c := range map[string]struct {
		files object
		want  want
	}{
		"the line ends of Windows and of old Macs": {object{"chat_template.jinja": "a\r\nb\rc"}, want{"": "a\nb\nc"}},
		"in the config":           {object{"tokenizer_config.json": object{"chat_template": "c\r\n"}}, want{"": "c\r\n"}},
		"the file goes before it": {object{"chat_template.jinja": jinjaText, "tokenizer_config.json": object{"chat_template": "old"}}, want{"": jinjaText}},
		"null in the config":      {object{"chat_template.jinja": jinjaText, "tokenizer_config.json": object{"chat_template": nil}}, want{"": jinjaText}},
		"null and nothing else":   {object{"tokenizer_config.json": object{"chat_template": nil}}, want{}},
		"the processor's":         {object{"chat_template.json": object{"chat_template": "p"}}, want{"": "p"}},
		"the config before it":    {object{"chat_template.json": object{"chat_template": "p"}, "tokenizer_config.json": object{"chat_template": "c"}}, want{"": "c"}},
		"no config":               {object{"chat_template.jinja": jinjaText}, want{"": jinjaText}},
		"none of no text":         {object{"tokenizer_config.json": object{"chat_template": ""}}, want{}},
		"one name twice": {object{"tokenizer_config.json": object{"chat_template": []any{object{"name": "x", "template": "1"}, object{"name": "x", "template": "2"}}}},
			want{"x": "2", "s": []string{"x"}}},
		"additional ones":           {object{"chat_template.jinja": "d", "additional_chat_templates/tool-use.jinja": "t\r\n", "additional_chat_templates/rag.jinja": "r"}, want{"": "d", "tool_use": "t\n", "rag": "r", "s": []string{"rag", "tool_use"}}},
		"a list":                    {object{"tokenizer_config.json": object{"chat_template": []object{{"name": "rag", "template": "r"}, {"name": "default", "template": "d"}}}}, want{"": "d", "rag": "r", "s": []string{"rag"}}},
		"a list without a default":  {object{"tokenizer_config.json": object{"chat_template": []object{{"name": "rag", "template": "r"}}}}, want{"rag": "r", "s": []string{"rag"}}},
		"a list of a default alone": {object{"tokenizer_config.json": object{"chat_template": []object{{"name": "default", "template": "d"}}}}, want{"": "d"}},
	} {
		t.Run(name, func(t *testing.T) {
			c.files["tokenizer.json"] = small(nil)
			md := load(t, c.files, Options{})
			got := want{}
			for _, kv := range md.All() {
				if rest, ok := cutPrefix(kv.Key, "tokenizer.chat_template"); ok {
					got[rest] = kv.Value
				}
			}
			require.Equal(t, c.want, got)
		})
	}
}

func cutPrefix(key, prefix string) (string, bool) {
	if len(key) < len(prefix) || key[:len(prefix)] != prefix {
		return "", false
	}
	rest := key[len(prefix):]
	if rest != "" && rest[0] == '.' {
		rest = rest[1:]
	}
	return rest, true
}

func TestBadTemplates(t *testing.T) {
	_, err := Load(write(t, object{"tokenizer.json": small(nil), "tokenizer_config.json": object{"chat_template": []object{{"name": "x"}}}}), Options{})
	require.ErrorIs(t, err, gguf.ErrInput)
	_, err = Load(write(t, object{"tokenizer.json": small(nil), "chat_template.jinja": "\xff"}), Options{})
	require.ErrorIs(t, err, gguf.ErrInput)
	require.ErrorContains(t, err, "UTF-8")
}

// JSON as Python writes it, and as editors on Windows do.
func TestPythonsJSON(t *testing.T) {
	md := load(t, object{"tokenizer.json": small(nil), "tokenizer_config.json": "\ufeff{\"model_max_length\": Infinity, \"x\": NaN, \"bos_token\": \"<s>\"}"}, Options{})
	id, _ := md.Int("tokenizer.ggml.bos_token_id")
	require.EqualValues(t, 3, id)
}

func special(id string) object { return object{"SpecialToken": object{"id": id}} }

func TestSpecialTokens(t *testing.T) {
	text, a, b := object{"Sequence": object{"id": "A"}}, object{"Sequence": object{"id": "A"}}, object{"Sequence": object{"id": "B"}}
	template := func(single, pair []object) object {
		return object{"type": "Sequence", "processors": []object{{"type": "ByteLevel"}, {"type": "TemplateProcessing", "single": single, "pair": pair}}}
	}
	roles := object{"bos_token": "<s>", "eos_token": object{"content": "</s>"}}
	for name, c := range map[string]struct {
		post         any
		config, json object
		want         object
	}{
		"by name":                 {nil, roles, nil, object{"bos_token_id": 3, "eos_token_id": 4}},
		"config.json is the last": {nil, object{"bos_token": "<s>"}, object{"bos_token_id": 4.0, "eos_token_id": 4.0}, object{"bos_token_id": 3, "eos_token_id": 4}},
		"several ids are none":    {nil, roles, object{"eos_token_id": []any{3.0, 4.0}, "pad_token_id": -1.0}, object{"bos_token_id": 3, "eos_token_id": 4}},
		"of the text model":       {nil, nil, object{"text_config": map[string]any{"eos_token_id": 4.0}}, object{"eos_token_id": 4}},
		"no model row":            {nil, nil, object{"pad_token_id": 77.0}, object{"padding_token_id": 77}},
		"cls has no key":          {nil, object{"cls_token": "<s>", "mask_token": "</s>"}, nil, object{"mask_token_id": 4, "bos_token_id": 3}},
		"added before": {template([]object{special("<s>"), text}, []object{special("<s>"), a, special("</s>"), b}), roles, nil,
			object{"bos_token_id": 3, "eos_token_id": 4, "add_bos_token": true, "add_sep_token": true, "seperator_token_id": 4}},
		"the config's word counts": {template([]object{special("<s>"), text}, nil), object{"bos_token": "<s>", "add_bos_token": false}, nil,
			object{"bos_token_id": 3, "add_bos_token": false}},
		"another token at the end becomes EOS": {template([]object{text, special("<s>")}, nil), object{"eos_token": "</s>"}, nil,
			object{"eos_token_id": 3, "eot_token_id": 4, "add_eos_token": true}},
		"the template's first token is BOS where no file names one": {template([]object{special("<s>"), text}, nil), object{"eos_token": "</s>"}, nil,
			object{"bos_token_id": 3, "eos_token_id": 4, "add_bos_token": true}},
		"a file that names another counts": {template([]object{special("</s>"), text}, nil), object{"bos_token": "<s>"}, nil,
			object{"bos_token_id": 3, "add_bos_token": false}},
		"without a config the template names them": {template([]object{special("<s>"), text, special("</s>")}, nil), nil, nil,
			object{"add_bos_token": true, "add_eos_token": true}},
		"RoBERTa": {object{"type": "RobertaProcessing", "cls": []any{"<s>", 3}, "sep": []any{"</s>", 4}}, object{"mask_token": "<s>"}, nil,
			object{"add_bos_token": true, "add_eos_token": true, "add_sep_token": true, "mask_token_id": 3, "seperator_token_id": 4}},
	} {
		t.Run(name, func(t *testing.T) {
			files := object{"tokenizer.json": small(c.post)}
			if c.config != nil {
				files["tokenizer_config.json"] = c.config
			}
			got := object{}
			for _, kv := range load(t, files, Options{Config: c.json}).All() {
				if rest, ok := cutPrefix(kv.Key, "tokenizer.ggml."); ok && (strings.HasPrefix(rest, "add_") || strings.HasSuffix(rest, "_token_id")) {
					got[rest] = kv.Value
					if v, ok := kv.Value.(uint32); ok {
						got[rest] = int(v)
					}
				}
			}
			require.Equal(t, c.want, got)
		})
	}
}

func TestLowercase(t *testing.T) {
	lower := byteBPE(object{"type": "ByteLevel"}, object{"type": "Sequence", "normalizers": []object{{"type": "NFC"}, {"type": "Lowercase"}}})
	md := load(t, object{"tokenizer.json": lower}, Options{Pre: "gpt-2"})
	v, ok := md.Bool("tokenizer.ggml.normalizer.lowercase")
	require.True(t, v && ok)
}

func TestCodeLlama(t *testing.T) {
	pieces := "\x0a\x0a\x0a\x01a\x15\x00\x00\x80\x3f\x18\x01"
	files := object{"tokenizer.model": pieces}
	get := func(o Options) []any {
		md := load(t, files, o)
		var got []any
		for _, k := range []string{"prefix", "suffix", "middle", "eot"} {
			v, _ := md.Get("tokenizer.ggml." + k + "_token_id")
			got = append(got, v)
		}
		return got
	}
	require.Equal(t, []any{nil, nil, nil, uint32(32010)}, get(Options{Class: "LlamaForCausalLM", Config: object{"vocab_size": 32016.0}}))
	require.Equal(t, []any{nil, nil, nil, nil}, get(Options{Class: "LlamaForCausalLM", Config: object{"vocab_size": 32000.0}}))
	require.Equal(t, []any{nil, nil, nil, nil}, get(Options{Class: "Qwen2ForCausalLM", Config: object{"vocab_size": 32016.0}}))
}

// Tokens that only other files name are added as transformers adds them.
func TestAdditions(t *testing.T) {
	tokens := func(files object, size float64) ([]string, []int64) {
		files["tokenizer.json"] = small(nil)
		md := load(t, files, Options{Config: object{"vocab_size": size}})
		return md.Strings("tokenizer.ggml.tokens"), md.Ints("tokenizer.ggml.token_type")
	}
	decoder := object{"3": object{"content": "<s>", "special": true}, "9": object{"content": "<y>"}}
	got, types := tokens(object{"tokenizer_config.json": object{"added_tokens_decoder": decoder, "pad_token": "<pad>", "bos_token": "a", "additional_special_tokens": []any{"<n>"}}}, 9)
	require.Equal(t, []string{"a", "b", "ab", "<s>", "</s>", "<y>", "<pad>", "<n>", "[PAD8]"}, got)
	require.Equal(t, []int64{3, 1, 1, 3, 3, 4, 3, 3, 5}, types)
	got, _ = tokens(object{"tokenizer_config.json": object{"pad_token": "<pad>"}}, 5)
	require.Len(t, got, 5, "no row for it")
	got, types = tokens(object{"added_tokens.json": object{"<x>": 6, "<|i|>": 5}, "special_tokens_map.json": object{"eos_token": "<e>"}, "tokenizer_config.json": object{"eos_token": "</s>"}}, 8)
	require.Equal(t, []string{"a", "b", "ab", "<s>", "</s>", "<|i|>", "<x>", "<e>"}, got)
	require.Equal(t, []int64{1, 1, 1, 3, 3, 3, 4, 3}, types)
	got, _ = tokens(object{"added_tokens.json": object{"<x>": 6}, "tokenizer_config.json": object{"added_tokens_decoder": object{}}}, 8)
	require.Equal(t, "[PAD6]", got[6], "added_tokens.json is what came before added_tokens_decoder")
}

// What tokenizer.model has stays as it says where no file marks it otherwise.
func TestPiecesBesideTokenizerJSON(t *testing.T) {
	piece := func(text string, score byte, typ byte) string {
		msg := "\x0a" + string(rune(len(text))) + text + "\x15\x00\x00" + string([]byte{score, 0xc0}) + "\x18" + string(rune(typ))
		return "\x0a" + string(rune(len(msg))) + msg
	}
	model := piece("<unk>", 0, 2) + piece("<s>", 0, 3) + piece("a", 0x40, 1)
	added := []object{{"id": 1, "content": "<s>", "special": true}, {"id": 3, "content": "<new>", "special": true}}
	json := object{"added_tokens": added, "model": object{"type": "BPE", "byte_fallback": true, "vocab": object{}, "merges": []string{}}}
	for _, c := range []struct {
		class  string
		scores []float32
		types  []int64
	}{
		{"LlamaForCausalLM", []float32{-2, -2, -3, -1000, -10000}, []int64{2, 3, 1, 3, 5}},
		{"Phi3ForCausalLM", []float32{-2, -1000, -3, -1000, -10000}, []int64{2, 3, 1, 3, 5}},
	} {
		md := load(t, object{"tokenizer.model": model, "tokenizer.json": json}, Options{Class: c.class, Config: object{"vocab_size": 5.0}})
		require.Equal(t, c.scores, md.Floats("tokenizer.ggml.scores"), c.class)
		require.Equal(t, c.types, md.Ints("tokenizer.ggml.token_type"), c.class)
	}
	// A token of the model, renamed in tokenizer.json alone, and one that Phi-3 does not take for special by its looks.
	json["added_tokens"] = []object{{"id": 2, "content": "<|a|>"}, {"id": 3, "content": "<|b|>"}}
	for class, want := range map[string][]int64{"LlamaForCausalLM": {2, 3, 1, 3, 5}, "Phi3ForCausalLM": {2, 3, 4, 4, 5}} {
		md := load(t, object{"tokenizer.model": model, "tokenizer.json": json}, Options{Class: class, Config: object{"vocab_size": 5.0}})
		require.Equal(t, want, md.Ints("tokenizer.ggml.token_type"), class)
	}
	phi4 := object{"tokenizer.model": model, "tokenizer.json": small(nil), "tokenizer_config.json": object{"tokenizer_class": "GPT2Tokenizer"}}
	kind, _ := load(t, phi4, Options{Class: "Phi3ForCausalLM"}).String("tokenizer.ggml.model")
	require.Equal(t, "gpt2", kind)

	md := load(t, object{"tokenizer.model": model, "added_tokens.json": object{"<x>": 3, "<far>": 99}}, Options{Config: object{"vocab_size": 5.0}})
	require.Equal(t, []string{"<unk>", "<s>", "a", "<x>", "[PAD4]"}, md.Strings("tokenizer.ggml.tokens"))
	_, err := Load(write(t, object{"tokenizer.model": model, "added_tokens.json": object{"<x>": "3"}}), Options{})
	require.ErrorIs(t, err, gguf.ErrInput)
}

func FuzzTokenizerConfig(f *testing.F) {
	f.Add([]byte(`{"added_tokens_decoder":{"3":{"content":"<s>"}},"bos_token":{"content":"<s>"},"chat_template":[{"name":"x","template":"y"}]}`), []byte(`{"<x>":7}`))
	f.Add([]byte(`{"extra_special_tokens":{"a":"b"},"add_bos_token":1}`), []byte(`[]`))
	f.Fuzz(func(t *testing.T, config, added []byte) {
		files := object{"tokenizer.json": small(nil), "tokenizer_config.json": string(config), "added_tokens.json": string(added), "chat_template.json": string(added)}
		if _, err := Load(write(t, files), Options{Config: object{"vocab_size": 12.0}}); err != nil {
			require.ErrorIs(t, err, gguf.ErrInput)
		}
	})
}

// TestGoldenGemma4 compares the metadata of the tiny checkpoint's tokenizer.
func TestGoldenGemma4(t *testing.T) {
	golden := goldenDir(t)
	var want struct {
		OutTypes map[string]struct{ KV [][3]any }
	}
	readGolden(t, filepath.Join(golden, "golden", "arch", "gemma4.expected.json"), &want)
	var config object
	readGolden(t, filepath.Join(golden, "golden", "arch", "gemma4", "config.json"), &config)
	got, err := Load(filepath.Join(golden, "golden", "arch", "gemma4"), Options{Class: "Gemma4ForCausalLM", Config: config})
	require.NoError(t, err)
	i := 0
	for _, kv := range want.OutTypes["f32"].KV {
		if _, ok := cutPrefix(kv[0].(string), "tokenizer."); ok {
			require.Less(t, i, len(got))
			require.Equal(t, kv[0], got[i].Key)
			require.True(t, same(got[i].Value, kv[2]), got[i].Key)
			i++
		}
	}
	require.Len(t, got, i)
}
