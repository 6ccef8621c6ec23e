package arch

import "strconv"

// Some models have layers behind their own that predict the token after the next.

// nextToken says what such layers are where they are left out.
const nextToken = "they predict further tokens at once, which the model does without"

// nextToken adds what such a layer has besides: what joins the model's output and the next token's embedding, and
// possibly embeddings and a head of its own.
func (l layer) nextToken() {
	d := l.d
	l.add("eh_proj", "nextn.eh_proj", []int64{d.hidden, 2 * d.hidden}, Transform{}, noBias)
	l.norm("enorm", "nextn.enorm", Transform{})
	l.norm("hnorm", "nextn.hnorm", Transform{})
	for _, t := range []struct {
		source, name string
		shape        []int64
	}{{"embed_tokens", "nextn.embed_tokens", []int64{d.vocab, d.hidden}}, {"shared_head.head", "nextn.shared_head_head", []int64{d.vocab, d.hidden}},
		{"shared_head.norm", "nextn.shared_head_norm", []int64{d.hidden}}} {
		l.add(t.source, t.name, t.shape, Transform{}, noBias)
		(*l.out)[len(*l.out)-1].Optional = true
	}
}

// sharedNextToken adds the same where it is not the layer's but stands once, in a module.
func (l layer) sharedNextToken(module string) {
	hidden := l.d.hidden
	for _, t := range []struct {
		source, name string
		shape        []int64
	}{{"fc", "nextn.eh_proj", []int64{hidden, 2 * hidden}}, {"pre_fc_norm_embedding", "nextn.enorm", []int64{hidden}},
		{"pre_fc_norm_hidden", "nextn.hnorm", []int64{hidden}}, {"norm", "nextn.shared_head_norm", []int64{hidden}}} {
		*l.out = append(*l.out, Tensor{Source: module + "." + t.source + ".weight", Name: l.name(t.name + ".weight"), Shape: t.shape})
	}
}

// withoutLayers leaves out the layers that a checkpoint has from first on.
func (s *Spec) withoutLayers(first, n int64) *Spec {
	for i := range n {
		s.LeftOut = append(s.LeftOut, LeftOut{Prefix: "model.layers." + strconv.FormatInt(first+i, 10) + ".", What: nextToken})
	}
	return s
}
