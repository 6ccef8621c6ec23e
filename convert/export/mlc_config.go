package export

import (
	"fmt"
	"maps"
	"slices"

	"github.com/carat-llm/carat/gguf"
)

// mlcConfig adds mlc-chat-config.json and the tokenizer, as `mlc_llm gen_config` makes them
// (python/mlc_llm/interface/gen_config.py and protocol/mlc_chat_config.py).
func (p *Plan) mlcConfig(md *gguf.Metadata, found *recognised, family mlcFamily, o MLCOptions) error {
	v := found.values
	files, notes, err := tokenizerFiles(md, v)
	if err != nil {
		return err
	}
	p.Notes = notes
	if err := mlcRope(p, family.model, v); err != nil {
		return err
	}
	model := family.config(v)
	model["tensor_parallel_shards"], model["max_batch_size"] = 1, 128
	generation, _ := files["generation_config.json"].(map[string]any)
	delete(files, "generation_config.json")
	info := map[string]any{"token_postproc_method": "byte_fallback", "prepend_space_in_encode": false, "strip_space_in_decode": false}
	if files["tokenizer.json"] != nil {
		info["token_postproc_method"] = "byte_level"
	} else if files["tokenizer.model"] != nil {
		p.Notes = append(p.Notes, "MLC reads tokenizer.model without the tokens that were added to it: if the checkpoint had a tokenizer.json, put it beside")
	}
	chat := map[string]any{"version": "0.1.0", "model_type": family.model, "quantization": o.Quantization, "model_config": model,
		"vocab_size": v["vocab_size"], "active_vocab_size": active(md, v), "context_window_size": model["context_window_size"],
		"sliding_window_size": -1, "prefill_chunk_size": model["prefill_chunk_size"], "attention_sink_size": -1, "tensor_parallel_shards": 1, "pipeline_parallel_stages": 1,
		"disaggregation": false, "temperature": 1.0, "presence_penalty": 0.0, "frequency_penalty": 0.0, "repetition_penalty": 1.0, "top_p": 1.0,
		"tokenizer_files": slices.Sorted(maps.Keys(files)), "tokenizer_info": info, "conv_template": o.Conversation,
		"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "model_task": "chat", "embedding_metadata": nil}
	if family.model == "gemma3_text" {
		chat["sliding_window_size"] = model["sliding_window_size"]
	}
	for _, from := range []map[string]any{v, generation} {
		for _, key := range []string{"temperature", "top_p", "repetition_penalty", "pad_token_id", "bos_token_id", "eos_token_id"} {
			if x, ok := from[key]; ok && x != nil {
				chat[key] = x
			}
		}
	}
	if err := p.add(files); err != nil {
		return err
	}
	return p.add(map[string]any{"mlc-chat-config.json": decimals(chat)})
}

// active is how many tokens the tokenizer has, without those that fill up the embeddings.
func active(md *gguf.Metadata, v map[string]any) any {
	tokens, types := md.Strings("tokenizer.ggml.tokens"), md.Ints("tokenizer.ggml.token_type")
	if len(tokens) == 0 {
		return v["vocab_size"]
	}
	n, voc := len(tokens), &vocabulary{md: md, tokens: tokens, types: types}
	for n > 0 && len(types) == len(tokens) && voc.padding(n-1) {
		n--
	}
	return n
}

// mlcRope refuses what scales positions in a way at which MLC stops, and notes what it passes over.
func mlcRope(p *Plan, model string, v map[string]any) error {
	scaling, _ := v["rope_scaling"].(map[string]any)
	kind, _ := scaling["rope_type"].(string)
	if kind == "" {
		kind, _ = scaling["type"].(string)
	}
	switch {
	case scaling == nil || model == "llama" && kind == "llama3" || model == "phi3" && kind == "longrope":
	case model == "llama" || model == "phi3":
		return fmt.Errorf("%w: MLC's %s does not scale positions by %q, as this model does", gguf.ErrInput, model, kind)
	default:
		p.Notes = append(p.Notes, fmt.Sprintf("MLC's %s does not scale positions by %q, as this model does: long texts will differ", model, kind))
		delete(v, "rope_scaling")
	}
	return nil
}

// pick takes keys of a config, as MLC calls them.
func pick(v map[string]any, keys ...string) map[string]any {
	out := map[string]any{}
	for _, key := range keys {
		out[key] = v[key]
	}
	return out
}

// mlcShape are the keys that all of MLC's classes have.
func mlcShape(v map[string]any, chunk float64) map[string]any {
	out := pick(v, "hidden_size", "intermediate_size", "num_attention_heads", "num_key_value_heads", "num_hidden_layers", "rms_norm_eps", "vocab_size")
	context, _ := v["max_position_embeddings"].(float64)
	out["context_window_size"], out["prefill_chunk_size"] = context, min(context, chunk)
	heads, _ := v["num_attention_heads"].(float64)
	hidden, _ := v["hidden_size"].(float64)
	if out["head_dim"] = v["head_dim"]; out["head_dim"] == nil && heads > 0 {
		out["head_dim"] = hidden / heads
	}
	return out
}

func mlcLlama(v map[string]any) map[string]any {
	out := mlcShape(v, 8192)
	maps.Copy(out, map[string]any{"tie_word_embeddings": v["tie_word_embeddings"], "position_embedding_base": v["rope_theta"], "rope_scaling": v["rope_scaling"],
		"pipeline_parallel_stages": 1, "disaggregation": false})
	return out
}

func mlcQwen2(v map[string]any) map[string]any {
	out := mlcShape(v, 8192)
	maps.Copy(out, map[string]any{"tie_word_embeddings": v["tie_word_embeddings"], "rope_theta": v["rope_theta"], "hidden_act": "silu", "dtype": "float32"})
	return out
}

func mlcQwen3(v map[string]any) map[string]any {
	out := mlcQwen2(v)
	out["prefill_chunk_size"] = min(out["context_window_size"].(float64), 2048)
	out["attention_bias"], out["weight_block_size"] = false, nil
	return out
}

func mlcGemma(v map[string]any) map[string]any {
	out := mlcShape(v, 8192)
	maps.Copy(out, map[string]any{"attention_bias": false, "hidden_activation": "gelu_pytorch_tanh", "position_embedding_base": v["rope_theta"]})
	return out
}

// mlcGemma2 has the window of its sliding layers for a context: MLC computes no sliding there.
func mlcGemma2(v map[string]any) map[string]any {
	out := mlcGemma(v)
	maps.Copy(out, pick(v, "attn_logit_softcapping", "final_logit_softcapping", "query_pre_attn_scalar", "sliding_window"))
	out["context_window_size"] = v["sliding_window"]
	return out
}

// mlcGemma3 has the text model's config in one of its own, as MLC has it.
func mlcGemma3(v map[string]any) map[string]any {
	text := mlcGemma(v)
	delete(text, "vocab_size")
	window, _ := v["sliding_window"].(float64)
	context := max(window, 8192)
	maps.Copy(text, map[string]any{"query_pre_attn_scalar": v["query_pre_attn_scalar"], "sliding_window_size": window, "context_window_size": context, "prefill_chunk_size": 8192.0, "rope_scaling": 0})
	return map[string]any{"text_config": text, "vocab_size": v["vocab_size"], "context_window_size": context, "sliding_window_size": window, "prefill_chunk_size": 8192.0, "is_text_model": true}
}

func mlcPhi3(v map[string]any) map[string]any {
	out := mlcShape(v, 8192)
	maps.Copy(out, map[string]any{"model_type": "phi3", "tie_word_embeddings": v["tie_word_embeddings"], "position_embedding_base": v["rope_theta"], "max_position_embeddings": v["max_position_embeddings"],
		"original_max_position_embeddings": v["original_max_position_embeddings"], "partial_rotary_factor": 1.0, "rope_scaling": nil})
	if f, ok := v["partial_rotary_factor"].(float64); ok {
		out["partial_rotary_factor"] = f
	}
	if out["original_max_position_embeddings"] == nil {
		out["original_max_position_embeddings"] = 0
	}
	if s, ok := v["rope_scaling"].(map[string]any); ok {
		s = maps.Clone(s)
		s["rope_type"], s["max_position_embeddings"], s["original_max_position_embeddings"] = s["type"], out["max_position_embeddings"], out["original_max_position_embeddings"]
		out["rope_scaling"] = s
	}
	return out
}
