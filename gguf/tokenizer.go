package gguf

import (
	"fmt"
	"strings"
)

// CheckTokenizer refuses tokenizer.ggml keys whose values cannot be what they are for: values of another type, which
// readers would take for a missing key or not load, and special tokens that are not in the vocabulary. Errors wrap
// ErrInput.
func CheckTokenizer(md *Metadata) error {
	for _, kv := range md.All() {
		name, ok := strings.CutPrefix(kv.Key, "tokenizer.ggml.")
		if !ok {
			continue
		}
		if want := wantedType(name, kv.Value); want != "" {
			return fmt.Errorf("%w: metadata %s is %.40v (%T), expected %s", ErrInput, kv.Key, kv.Value, kv.Value, want)
		}
	}
	return checkTokenIDs(md)
}

// wantedType is what the key tokenizer.ggml.<name> holds, "" when v is that. Other keys may hold anything.
func wantedType(name string, v any) string {
	var ok bool
	var want string
	switch name {
	case "model", "pre":
		want = "a string"
		_, ok = v.(string)
	case "add_bos_token", "add_eos_token", "add_sep_token", "add_space_prefix", "remove_extra_whitespaces":
		want = "true or false"
		_, ok = v.(bool)
	case "tokens", "merges":
		want = "a list of strings"
		_, ok = v.([]string)
	case "scores":
		want = "a list of float32"
		_, ok = v.([]float32)
	case "token_type":
		want = "a list of int32"
		switch v.(type) {
		case []int32, []uint32:
			ok = true
		}
	}
	if ok {
		return ""
	}
	return want
}

// checkTokenIDs refuses special tokens that are not in the vocabulary: every tokenizer.ggml key that ends in
// _token_id, or in _token_ids and suppress_tokens for several of them, must be below the number of
// tokenizer.ggml.tokens. Without a vocabulary there is nothing to compare with. Errors wrap ErrInput.
func checkTokenIDs(md *Metadata) error {
	count := int64(len(md.Strings("tokenizer.ggml.tokens")))
	if count == 0 {
		return nil
	}
	for _, kv := range md.All() {
		name, ok := strings.CutPrefix(kv.Key, "tokenizer.ggml.")
		if !ok {
			continue
		}
		var ids []int64
		switch {
		case strings.HasSuffix(name, "_token_id"):
			id, ok := md.Int(kv.Key)
			if !ok {
				return fmt.Errorf("%w: metadata %s is %v, expected one integer: the id of a token", ErrInput, kv.Key, kv.Value)
			}
			ids = []int64{id}
		case strings.HasSuffix(name, "_token_ids"), name == "suppress_tokens":
			ids = md.Ints(kv.Key)
		}
		for _, id := range ids {
			if id < 0 || id >= count {
				return fmt.Errorf("%w: metadata %s is %d, the vocabulary has %d tokens", ErrInput, kv.Key, id, count)
			}
		}
	}
	return nil
}
