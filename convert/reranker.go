package convert

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/carat-llm/carat/convert/arch"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/inputfile"
)

// Qwen3-Reranker is published as Qwen3ForCausalLM: it judges a document by the logits of "yes" and "no" after a
// fixed prompt. As the reference converter does, the file then has those two rows of the head in place of it, and
// says that it ranks; it is not a model to chat with.

const poolingRank uint32 = 4

// rerankTemplate is the prompt that the model was trained with.
const rerankTemplate = `<|im_start|>system
Judge whether the Document meets the requirements based on the Query and the Instruct provided. Note that the answer can only be "yes" or "no".<|im_end|>
<|im_start|>user
<Instruct>: Given a web search query, retrieve relevant passages that answer the query
<Query>: {query}
<Document>: {document}<|im_end|>
<|im_start|>assistant
<think>

</think>

`

// isReranker tells Qwen3-Reranker by the model card, the folder's name or the name in the config.
func isReranker(dir string, family *arch.Family, config map[string]any) (bool, error) {
	if family.Name != "qwen3" {
		return false, nil
	}
	card, err := inputfile.ReadSmall(filepath.Join(dir, "README.md"), 16<<20)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return false, err
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return false, err
	}
	named := func(text, name string) bool { return strings.Contains(strings.ToLower(text), name) }
	from, _ := config["_name_or_path"].(string)
	return named(string(card), "# qwen3-reranker") || named(string(card), "# qwen3-vl-reranker") ||
		slices.ContainsFunc([]string{filepath.Base(abs), from}, func(s string) bool { return named(s, "qwen3-reranker") || named(s, "qwen3-vl-reranker") }), nil
}

// rerank changes what the checkpoint becomes. tokenizer holds the tokens; tied heads are those of the embeddings.
func rerank(dir string, spec *arch.Spec, tokenizer []gguf.KV, tied bool) error {
	var ids []int64
	for _, word := range []string{"yes", "no"} {
		id := -1
		for _, kv := range tokenizer {
			if tokens, ok := kv.Value.([]string); ok && kv.Key == "tokenizer.ggml.tokens" {
				id = slices.Index(tokens, word)
			}
		}
		if id < 0 {
			return fmt.Errorf("%w: %s: this is a reranker (Qwen3-Reranker), but its tokenizer has no token %q", gguf.ErrInput, dir, word)
		}
		ids = append(ids, int64(id))
	}
	head := "lm_head.weight"
	if tied {
		head = "model.embed_tokens.weight"
	}
	for i, t := range spec.Tensors {
		if t.Source != head {
			continue
		}
		rows := t
		rows.Name, rows.As = "cls.output.weight", []int64{int64(len(ids)), t.Shape[1]}
		rows.Order = func(r, _ int64) int64 { return ids[r] }
		if tied { // the embeddings stay behind it
			spec.Tensors = slices.Insert(spec.Tensors, i, rows)
		} else {
			spec.Tensors[i] = rows
		}
		break
	}
	spec.Metadata = append(spec.Metadata,
		gguf.KV{Key: "qwen3.pooling_type", Value: poolingRank},
		gguf.KV{Key: "qwen3.classifier.output_labels", Value: []string{"yes", "no"}},
		gguf.KV{Key: "tokenizer.chat_template.rerank", Value: rerankTemplate},
		gguf.KV{Key: "tokenizer.chat_templates", Value: []string{"rerank"}})
	return nil
}
