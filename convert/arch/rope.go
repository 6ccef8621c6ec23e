package arch

import (
	"maps"
	"math"
	"slices"
	"strings"
)

// rope is what a config says of rotary positions, in whichever spelling it says it:
//
//   - rope_theta, partial_rotary_factor and rope_local_base_freq beside an object rope_scaling, whose type is
//     called type or rope_type (transformers 4);
//   - an object rope_parameters that holds all of it (transformers 5);
//   - the same once for each type of layers, full_attention and sliding_attention (Gemma 3).
//
// The rules for what stands in several places, and for what is missing, are those of transformers'
// RotaryEmbeddingConfigMixin. The object's keys are checked: one that changes the frequencies and is not
// understood is an error.
type rope struct {
	kind     string  // "default", "linear", "yarn", "llama3", "longrope" or "dynamic"
	theta    float64 // the base of the frequencies
	localSWA float64 // the base in layers with a sliding window, 0 if they have none of their own
	said     bool    // the config has the base
	partial  float64 // the share of a head that is rotated, from the front
	original int64   // the context that a scaled model was trained with at first
	params   *Config // the parameters of kind
	more     []string
}

// ropeKeys are the keys that each kind understands; all understand those of common.
var ropeKeys = map[string][]string{
	"common":   {"rope_type", "type", "rope_theta", "partial_rotary_factor", "original_max_position_embeddings", "mrope_section", "mrope_interleaved"},
	"linear":   {"factor"},
	"dynamic":  {"factor"},
	"yarn":     {"factor", "extrapolation_factor", "attention_factor", "attn_factor", "beta_fast", "beta_slow", "mscale", "mscale_all_dim", "truncate", "finetuned"},
	"llama3":   {"factor", "low_freq_factor", "high_freq_factor"},
	"longrope": {"factor", "attention_factor", "long_factor", "short_factor"},
}

// readRope reads them. theta is the class's default of the base. Where classes differ from the rest, outer is the
// value of a key original_max_position_embeddings beside the object that comes first (Phi-3), or 0. more are keys of
// the object that the family understands by itself.
func readRope(c *Config, d dims, theta float64, outer int64, more ...string) rope {
	key := "rope_parameters"
	if m, _ := c.value("rope_scaling").(map[string]any); len(m) > 0 || c.Has("rope_scaling") && m == nil {
		key = "rope_scaling" // the older one counts where both stand
	}
	all := c.Sub(key)
	r := rope{params: all, more: more}
	if all.Has("full_attention") || all.Has("sliding_attention") {
		r.params = all.Sub("full_attention")
		if swa := all.Sub("sliding_attention"); swa.Has("rope_theta") {
			r.localSWA = swa.positive("rope_theta", 1)
			if kind := swa.kind(); kind != "default" {
				swa.fail("rope_type", "is %q: layers with a sliding window are rotated without scaling", kind)
			}
		}
	}
	p := r.params
	if r.kind = p.kind(); outer > 0 && r.kind == "yarn" {
		r.kind = "longrope" // what older configs of Phi-3 say
	}
	r.theta = p.positive("rope_theta", c.positive("rope_theta", theta))
	r.said = p.Has("rope_theta") || c.Has("rope_theta")
	r.partial = p.positive("partial_rotary_factor", c.positive("partial_rotary_factor", 1))
	r.original = d.context
	switch scaled := slices.Contains([]string{"llama3", "yarn", "longrope"}, r.kind); {
	case outer > 0 && (scaled || !p.Has("original_max_position_embeddings")):
		r.original = outer
	case p.Has("original_max_position_embeddings"):
		r.original = p.Int("original_max_position_embeddings", maxTokens)
	}
	p.checkRopeKeys(r.kind, more)
	return r
}

// kind is the type of scaling.
func (c *Config) kind() string {
	kind := c.String("rope_type")
	if kind == "" {
		kind = c.String("type")
	}
	switch kind = strings.ToLower(kind); kind {
	case "":
		return "default"
	case "su":
		return "longrope"
	case "mrope": // what Qwen2-VL of 2024 calls it
		return "default"
	case "default", "linear", "yarn", "llama3", "longrope", "dynamic", "proportional":
	default:
		c.fail("rope_type", "is %q, which is not supported; it must be default, linear, dynamic, yarn, longrope, su or llama3", kind)
	}
	return kind
}

// checkRopeKeys refuses keys that are not understood. Without scaling all but the base are without effect.
func (c *Config) checkRopeKeys(kind string, more []string) {
	if kind == "default" {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(c.values)) {
		if c.Has(key) && !slices.Contains(ropeKeys["common"], key) && !slices.Contains(ropeKeys[kind], key) && !slices.Contains(more, key) {
			c.fail(key, "is %v, which is not supported with rope_type %s", c.values[key], kind)
		}
	}
	if kind == "yarn" && c.Has("truncate") && !c.Bool("truncate") && !slices.Contains(more, "truncate") {
		c.fail("truncate", "is false: GGUF runtimes round the limits of YaRN's ramp")
	}
}

// keys are linear and YaRN scaling and the bases, as the reference's TextModel writes them. llama3 and longrope
// become tensors (see llama3Factors and phi3), for the families that have them.
func (r rope) keys() keys {
	p, k := r.params, keys(nil)
	switch r.kind {
	case "linear", "yarn":
		if !p.Has("factor") {
			p.fail("factor", "is missing, but rope_type %s needs it", r.kind)
		}
		k = append(k, key{"rope.scaling.type", r.kind}, key{"rope.scaling.factor", p.positive("factor", 1)})
	case "dynamic":
		p.note("rope_type", "dynamic is left out, as the reference converter does: positions are not scaled, which is exact up to %d tokens", r.original)
	}
	if r.kind == "longrope" {
		k = append(k, key{"rope.scaling.type", r.kind})
	}
	if r.kind == "yarn" {
		k = append(k, key{"rope.scaling.original_context_length", r.original})
		k = append(k, r.yarn()...)
	}
	if sections := p.List("mrope_section"); sections != nil {
		k = append(k, key{"rope.dimension_sections", mropeSections(p, sections)})
	}
	k = append(k, key{"rope.freq_base", r.theta})
	return append(k, when(r.localSWA > 0, key{"rope.freq_base_swa", r.localSWA})...)
}

// yarn is what YaRN may say more.
func (r rope) yarn() keys {
	p, k := r.params, keys(nil)
	attention := "attention_factor"
	if !p.Has(attention) {
		attention = "attn_factor"
	}
	for _, e := range []struct{ from, to string }{{"extrapolation_factor", "yarn_ext_factor"}, {attention, "yarn_attn_factor"},
		{"beta_fast", "yarn_beta_fast"}, {"beta_slow", "yarn_beta_slow"}} {
		if p.Has(e.from) {
			k = append(k, key{"rope.scaling." + e.to, p.Float(e.from, 0)})
		}
	}
	if !slices.Contains(r.more, "mscale_all_dim") {
		r.yarnMagnitude(attention)
	}
	return k
}

// yarnMagnitude notes what llama.cpp makes of the factor alone.
func (r rope) yarnMagnitude(attention string) {
	p := r.params
	// What transformers multiplies queries and keys by, and what llama.cpp makes of the factor alone.
	factor := p.positive("factor", 1)
	magnitude := func(scale float64) float64 {
		if factor <= 1 {
			return 1
		}
		return 0.1*scale*math.Log(factor) + 1
	}
	there, here := magnitude(1), magnitude(1)
	if m, all := p.Float("mscale", 0), p.Float("mscale_all_dim", 0); m != 0 && all != 0 {
		here = magnitude(m) / magnitude(all)
	}
	if attention == "attn_factor" && p.Has(attention) {
		p.note(attention, "is %.4g: transformers and llama.cpp pass over it and compute with a magnitude of %.4g; the file holds it as the reference writes it, and carat computes with it",
			p.Float(attention, 1), here)
		return
	}
	if here = p.Float(attention, here); math.Abs(here-there) > 1e-6 {
		p.note(attention, "makes the magnitude %.4g: the reference converter has no key for it that llama.cpp follows, which computes %.4g from the factor", here, there)
	}
}

// mropeSections are how many dimensions of a head turn with time, height and width of an image, and a fourth for
// which there is nothing. For text all turn alike.
func mropeSections(p *Config, list []any) []int32 {
	out := make([]int32, 4)
	for i, x := range list {
		v, ok := x.(float64)
		if i >= len(out) || !ok || v < 0 || v > maxWidth || v != math.Trunc(v) {
			p.fail("mrope_section", "must be up to 4 whole numbers (got %v)", list)
			break
		}
		out[i] = int32(v)
	}
	return out
}

// only refuses kinds that a family's runtimes do not know.
func (r rope) only(kinds ...string) {
	if !slices.Contains(kinds, r.kind) {
		r.params.fail("rope_type", "is %q: GGUF files of this architecture have %s", r.kind, strings.Join(kinds, ", "))
	}
}

// llama3Factors is Llama 3.1's scaling of rotary frequencies, one factor for each pair of a head's dimensions. It is
// computed as the reference computes it, with torch, in float32: each operation is rounded, a number divided by
// a tensor is the tensor's reciprocal times the number, and powers are torchPow's.
func (r rope) llama3Factors(headDim int64) []Computed {
	if r.kind != "llama3" {
		return nil
	}
	p := r.params
	factor, low, high := p.positive("factor", 8), p.positive("low_freq_factor", 1), p.positive("high_freq_factor", 4)
	old := float64(r.original)
	over := func(scalar float64, tensor float32) float32 { return float32(float32(1/tensor) * float32(scalar)) }
	values := make([]float32, headDim/2)
	for i := range values {
		values[i] = float32(2*i) / float32(headDim)
	}
	for i, power := range torchPow(r.theta, values) {
		freq := over(1, power)
		wave := over(2*math.Pi, freq)
		switch {
		case wave < float32(old/high):
			values[i] = 1
		case wave > float32(old/low):
			values[i] = float32(factor)
		default:
			smooth := (over(old, wave) - float32(low)) / float32(high-low)
			values[i] = over(1, float32(float32(1-smooth)/float32(factor))+smooth)
		}
	}
	return []Computed{{"rope_freqs.weight", values}}
}

// asGiven leaves the base out where the config does not say it, as the reference does for classes that transformers does not know:
// runtimes then take 10000.
func (k keys) asGiven(r rope) keys {
	if r.said || r.theta != 10000 {
		return k
	}
	return k.without("rope.freq_base")
}
