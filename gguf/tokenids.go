package gguf

import (
	"fmt"
	"strings"
)

// CheckTokenIDs refuses special tokens that are not in the vocabulary: every tokenizer.ggml key that ends in
// _token_id, or in _token_ids and suppress_tokens for several of them, must be below the number of
// tokenizer.ggml.tokens. Without a vocabulary there is nothing to compare with. Errors wrap ErrInput.
func CheckTokenIDs(md *Metadata) error {
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
