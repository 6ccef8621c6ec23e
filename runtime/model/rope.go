package model

import (
	"math"

	"github.com/carat-llm/carat/internal/elementary"
	"github.com/carat-llm/carat/runtime/kernel"
)

// rope reads the rotary embedding: rope.freq_base, dimension_count (heads are rotated in their first so many elements) and scaling,
// and rope_freqs.weight.
func (l *loader) rope(h hparams, neox bool) kernel.Rope {
	r := kernel.Rope{Dims: l.countOr("rope.dimension_count", h.dim), Neox: neox, Base: l.base("rope.freq_base")}
	if r.Dims%2 != 0 || r.Dims > h.dim {
		l.fail("metadata %s is %d, expected an even number of at most %d", l.key("rope.dimension_count"), r.Dims, h.dim)
		r.Dims = 0
	}
	r.Factors = l.ropeFactorsIf("rope_freqs.weight", r.Dims/2)
	r.Magnitude = l.factor("rope.scaling.attn_factor")
	l.scaling(&r, h)
	return r
}

// ropes is the rotary embedding of models that have one.
func (l *loader) ropes(h hparams, neox bool) []kernel.Rope { return []kernel.Rope{l.rope(h, neox)} }

// localRope is the rotary embedding of layers with a window, where the one of the others is global: with a base of its own, and without
// scaling.
func (l *loader) localRope(global kernel.Rope) kernel.Rope {
	local := kernel.Rope{Dims: global.Dims, Neox: global.Neox, Base: global.Base}
	if l.given("rope.freq_base_swa") {
		local.Base = l.base("rope.freq_base_swa")
	}
	return local
}

// base reads the base of the frequencies. Without the key it is 10000, which the reference converter leaves out.
func (l *loader) base(name string) float64 {
	base := l.floatOr(name, 10000)
	if !(base > 1) || math.IsInf(base, 0) {
		l.fail("metadata %s is %g, expected more than 1", l.key(name), float32(base))
		return 10000
	}
	return base
}

// scaling reads rope.scaling.type and what belongs to it, as llama.cpp does: without a type a factor is linear
// scaling, and rope.scale_linear is the factor's old name.
func (l *loader) scaling(r *kernel.Rope, h hparams) {
	kind := l.textOr("rope.scaling.type", "linear")
	name := "rope.scaling.factor"
	if !l.given(name) {
		name = "rope.scale_linear"
	}
	switch kind {
	case "none":
		l.value(name) // has no effect
	case "longrope":
		if !l.has("rope_factors_long.weight") {
			l.fail("metadata %s is longrope, but tensor rope_factors_long.weight is missing", l.key("rope.scaling.type"))
		}
	case "linear", "yarn":
		if !l.given(name) && l.given("rope.scaling.type") {
			l.fail("metadata %s is missing, but %s is %s", l.key("rope.scaling.factor"), l.key("rope.scaling.type"), kind)
		}
		factor := l.factor(name)
		r.Scale = 1 / factor
		if kind == "yarn" {
			l.yarn(r, h, factor)
		}
	default:
		l.fail("metadata %s is %q, the runtime supports none, linear, yarn and longrope", l.key("rope.scaling.type"), kind)
	}
}

// yarn reads the parameters of YaRN as transformers does: yarn_attn_factor takes the place of 0.1 ln(factor) + 1.
// llama.cpp reads the three yarn keys for a few architectures only, and computes the others with the defaults.
func (l *loader) yarn(r *kernel.Rope, h hparams, factor float64) {
	y := &kernel.Yarn{OriginalContext: l.countOr("rope.scaling.original_context_length", h.context), BetaFast: 32, BetaSlow: 1}
	if l.given("rope.scaling.yarn_beta_fast") {
		y.BetaFast = l.factor("rope.scaling.yarn_beta_fast")
	}
	if l.given("rope.scaling.yarn_beta_slow") {
		y.BetaSlow = l.factor("rope.scaling.yarn_beta_slow")
	}
	if y.BetaFast < y.BetaSlow {
		l.fail("metadata %s is %v, less than %s, %v", l.key("rope.scaling.yarn_beta_fast"), float32(y.BetaFast), l.key("rope.scaling.yarn_beta_slow"), float32(y.BetaSlow))
	}
	if ext := l.floatOr("rope.scaling.yarn_ext_factor", 1); ext != 1 && ext != -1 {
		l.fail("metadata %s is %v: the runtime computes YaRN with 1 (or -1, for the default) only", l.key("rope.scaling.yarn_ext_factor"), float32(ext))
	}
	r.Yarn = y
	switch {
	case l.given("rope.scaling.yarn_attn_factor"):
		r.Magnitude *= l.factor("rope.scaling.yarn_attn_factor")
	case factor > 1:
		r.Magnitude *= 1 + float64(0.1*elementary.Log(factor))
	}
}

// yarnLogMultiplier reads a key of models whose two magnitudes of YaRN (mscale and mscale_all_dim) are the same, so that r, which was
// read without it, has none. It returns the multiplier, 0 when the key is missing.
func (l *loader) yarnLogMultiplier(r *kernel.Rope) float64 {
	f := l.positiveOr("rope.scaling.yarn_log_multiplier", 0)
	if f > 0 {
		r.Magnitude = l.factor("rope.scaling.attn_factor")
	}
	return f
}

// longRope loads the two sets of factors of longrope if there are any.
func (l *loader) longRope(r *kernel.Rope) {
	if l.has("rope_factors_long.weight") || l.has("rope_factors_short.weight") {
		r.Factors = l.ropeFactors("rope_factors_short.weight", r.Dims/2)
		r.LongFactors = l.ropeFactors("rope_factors_long.weight", r.Dims/2)
		r.Original = l.count("rope.scaling.original_context_length")
	}
}

// ropeFactors loads n divisors of frequencies. They are few, and are looked at even when only headers are.
func (l *loader) ropeFactors(name string, n int) []float32 {
	only := l.headersOnly
	l.headersOnly = false
	factors := l.vector(name, n)
	l.headersOnly = only
	for i, f := range factors {
		if !(f > 0) || math.IsInf(float64(f), 0) {
			l.fail("tensor %s: factor %d is %v, expected a number above 0", name, i, f)
		}
	}
	return factors
}

// ropeFactorsIf is ropeFactors for a tensor that may be absent; nil then.
func (l *loader) ropeFactorsIf(name string, n int) []float32 {
	if !l.has(name) {
		return nil
	}
	return l.ropeFactors(name, n)
}
