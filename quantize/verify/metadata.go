package verify

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/gguf/names"
	"github.com/carat-llm/carat/internal/suggest"
)

// metadataChecker collects faults of metadata: keys that are missing, and what does not agree with the tensors. An
// architecture that carat evaluates is checked as loading does (see hyperparameters); the rules here follow from the
// tensors that are there, so they hold for every other one.
type metadataChecker struct {
	md       *gguf.Metadata
	arch     string
	tensors  map[string]gguf.TensorInfo
	findings []Finding
	notes    []string
}

func checkMetadata(m gguf.Model, loads func(gguf.Model) error) (findings []Finding, notes []string) {
	c := &metadataChecker{md: m.Metadata(), arch: m.Metadata().Architecture(), tensors: map[string]gguf.TensorInfo{}, findings: []Finding{}, notes: []string{}}
	for _, t := range m.Tensors() {
		c.tensors[t.Info().Name] = t.Info()
	}
	switch kind, _ := c.md.String("general.type"); kind {
	case "", "model":
	default:
		// imatrix, adapter, mmproj: other rules, which nobody wrote down.
		c.notes = append(c.notes, fmt.Sprintf("general.type is %q: only structure and contents are checked", kind))
		return c.findings, c.notes
	}
	if c.arch == "" {
		c.fail("", "general.architecture is missing")
		return c.findings, c.notes
	}
	c.tokenizer()
	if !c.hyperparameters(m, loads) && len(c.tensors) > 0 {
		c.sizes()
		c.layers()
	}
	return c.findings, c.notes
}

func (c *metadataChecker) fail(tensor, format string, args ...any) {
	c.findings = append(c.findings, Finding{Check: "metadata", Tensor: tensor, Message: fmt.Sprintf(format, args...)})
}

// failOnce is fail for what another rule may have found, too.
func (c *metadataChecker) failOnce(err error) {
	message := fault(err)
	if !slices.ContainsFunc(c.findings, func(f Finding) bool { return f.Message == message }) {
		c.fail("", "%s", message)
	}
}

// has reports whether the name of a tensor of a layer contains part.
func (c *metadataChecker) has(part string) bool {
	for name := range c.tensors {
		if strings.Contains(name, "blk.") && strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// sizes asks for the keys that the tensors there need, and compares with their shapes.
func (c *metadataChecker) sizes() {
	keys := []struct {
		key    string
		needed bool
	}{
		{"block_count", c.has("")}, {"context_length", c.has("")}, {"embedding_length", c.has("")},
		{"attention.head_count", c.has(".attn_q.") || c.has(".attn_qkv.")},
		{"feed_forward_length", c.has(".ffn_up.") || c.has(".ffn_down.")},
		{"expert_count", c.has("_exps.")}, {"expert_used_count", c.has("_exps.")},
	}
	for _, k := range keys {
		key := c.arch + "." + k.key
		if _, ok := c.md.Get(key); k.needed && !ok {
			c.fail("", "%s is missing, but %s models need it", key, c.arch)
		}
	}
	embed, ok := c.tensors["token_embd.weight"]
	if n, known := c.md.Int(c.arch + ".embedding_length"); ok && known && embed.Cols() != n {
		c.fail(embed.Name, "has rows of %d, but %s.embedding_length is %d", embed.Cols(), c.arch, n)
	}
	if n := len(c.md.Strings("tokenizer.ggml.tokens")); ok && n > 0 && embed.Rows() != int64(n) {
		c.fail(embed.Name, "has %d rows, but tokenizer.ggml.tokens has %d tokens", embed.Rows(), n)
	}
}

// layers compares block_count with the layers that have tensors.
func (c *metadataChecker) layers() {
	count, ok := c.md.Int(c.arch + ".block_count")
	if !ok {
		return
	}
	seen := map[int64]bool{}
	for name := range c.tensors {
		rest, ok := strings.CutPrefix(name, "blk.")
		number, _, dot := strings.Cut(rest, ".")
		if n, err := strconv.ParseInt(number, 10, 32); ok && dot && err == nil {
			seen[n] = true
		}
	}
	if len(seen) == 0 {
		return // enc.blk.N and dec.blk.N count otherwise
	}
	if int64(len(seen)) != count {
		c.fail("", "%s.block_count is %d, but %d layers have tensors", c.arch, count, len(seen))
		return
	}
	for n := range count {
		if !seen[n] {
			c.fail("", "layer %d of %d has no tensors", n, count)
		}
	}
}

// tokenizer compares the lists of the vocabulary with each other.
func (c *metadataChecker) tokenizer() {
	if err := gguf.CheckTokenizer(c.md); err != nil {
		c.failOnce(err)
		return
	}
	kind, ok := c.md.String("tokenizer.ggml.model")
	if !ok && c.md.Strings("tokenizer.ggml.tokens") != nil {
		c.fail("", "tokenizer.ggml.model is missing, but tokenizer.ggml.tokens is there")
	} else if !ok {
		c.notes = append(c.notes, "the file has no tokenizer")
	}
	if !ok || kind == "none" || kind == "no_vocab" {
		return
	}
	if !slices.Contains(names.Models, kind) {
		c.fail("", "tokenizer.ggml.model: %s", suggest.OneOf("tokenizer model", kind, names.Models))
		return
	}
	tokens := len(c.md.Strings("tokenizer.ggml.tokens"))
	if tokens == 0 {
		c.fail("", "tokenizer.ggml.tokens is missing or empty")
		return
	}
	if s := c.md.Floats("tokenizer.ggml.scores"); s != nil && len(s) != tokens {
		c.fail("", "tokenizer.ggml.scores has %d entries for %d tokens", len(s), tokens)
	}
	if s := c.md.Ints("tokenizer.ggml.token_type"); s != nil && len(s) != tokens {
		c.fail("", "tokenizer.ggml.token_type has %d entries for %d tokens", len(s), tokens)
	}
	if pre, ok := c.md.String("tokenizer.ggml.pre"); ok && kind == "gpt2" {
		if _, known := names.Find(pre); !known {
			c.fail("", "tokenizer.ggml.pre: unknown pre-tokenizer %q%s", pre, suggest.DidYouMean(pre, names.All()))
		}
	}
}
