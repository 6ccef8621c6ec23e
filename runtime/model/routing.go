package model

import (
	"math"

	"github.com/carat-llm/carat/runtime/kernel"
)

// routing says how the logits of experts become the choice of some and their weights.
type routing struct {
	gating     gating
	normalise  bool    // scale the weights of a token's experts to a sum of 1
	scale      float32 // multiplies the weights; 0 means 1
	weighInput bool    // weights multiply what experts compute, not their results

	// Experts are in groups of the same size, and those of the usedGroups best groups can be chosen; 0 or 1 groups: all can.
	groups, usedGroups int
}

// gating makes weights of logits.
type gating int

const (
	softmax gating = iota
	sigmoid
	sparseMixer // see there
)

// sigmoidFloor is added to sums of weights that are sigmoids, which may all be 0.
const sigmoidFloor = 1e-20

// choose fills chosen with the numbers of experts, the largest weights first, and makes their logits, among p, their weights. scores is
// memory for as many.
func (r *routing) choose(chosen []int, p, scores, bias []float32) {
	switch r.gating {
	case softmax:
		kernel.Softmax(p)
	case sigmoid:
		for i, v := range p {
			p[i] = kernel.Sigmoid(v)
		}
	case sparseMixer:
		mixSparsely(chosen, p, scores)
		return
	}
	copy(scores, p)
	if bias != nil {
		kernel.AddBias(scores, bias)
	}
	if r.groups > 1 {
		r.hideGroups(scores)
	}
	kernel.Top(chosen, scores)
	scale := float32(1)
	if r.normalise {
		var sum float32
		for _, e := range chosen {
			sum += p[e]
		}
		if r.gating == sigmoid {
			sum += sigmoidFloor
		}
		scale = 1 / sum
	}
	for _, e := range chosen {
		p[e] *= scale
		if r.scale != 0 {
			p[e] *= r.scale
		}
	}
}

// hideGroups leaves the scores of the best groups. A group is as good as its best expert (DeepSeek-V2, whose weights are a softmax) or
// as its two best together (DeepSeek-V3, sigmoids).
func (r *routing) hideGroups(scores []float32) {
	size := len(scores) / r.groups
	for range r.groups - r.usedGroups {
		worst, least := -1, float32(0)
		for g := range r.groups {
			group := scores[g*size : (g+1)*size]
			if math.IsInf(float64(group[0]), -1) {
				continue
			}
			if v := r.worth(group); worst < 0 || v <= least { // of equals the last goes, as the first is chosen
				worst, least = g, v
			}
		}
		for i := range size {
			scores[worst*size+i] = float32(math.Inf(-1))
		}
	}
}

func (r *routing) worth(group []float32) float32 {
	first, second := float32(math.Inf(-1)), float32(math.Inf(-1))
	for _, v := range group {
		if v > first {
			first, second = v, first
		} else if v > second {
			second = v
		}
	}
	if r.gating == softmax || len(group) == 1 {
		return first
	}
	return first + second
}

// mixSparsely chooses two experts as SparseMixer does (Liu et al. 2023; Phi-3.5-MoE): the best one, then the best of the others. The
// weight of each is its share of a softmax over those whose logits are not too far below: by at most 0.02 of the larger size.
func mixSparsely(chosen []int, p, scores []float32) {
	const jitter = 0.01
	var weights [2]float32
	for n := range weights {
		best := -1
		for i, v := range p {
			if (n == 0 || i != chosen[0]) && (best < 0 || v > p[best]) {
				best = i
			}
		}
		top := p[best]
		for i, v := range p {
			scores[i] = v
			if n == 1 && i == chosen[0] || (top-v)/max(v, -v, top) > 2*jitter {
				scores[i] = float32(math.Inf(-1))
			}
		}
		kernel.Softmax(scores)
		chosen[n], weights[n] = best, scores[best]
	}
	p[chosen[0]], p[chosen[1]] = weights[0], weights[1]
}

// withExperts reads what models of experts have beside the hyperparameters of all. Whether the weights of experts are
// normalised follows from the architecture; expert_weights_norm may say it again.
func (l *loader) withExperts(h hparams, normalised bool) hparams {
	h.normalise = normalised
	if v, ok := l.value("expert_weights_norm"); ok && v != normalised {
		l.fail("metadata %s is %v, the runtime computes %s models with %t", l.key("expert_weights_norm"), v, l.arch, normalised)
	}
	return l.expertSizes(h)
}

// expertSizes reads the number and the size of experts.
func (l *loader) expertSizes(h hparams) hparams {
	h.experts, h.usedExperts = l.count("expert_count"), l.count("expert_used_count")
	h.expertHidden = l.countOr("expert_feed_forward_length", h.hidden)
	if h.usedExperts > h.experts {
		l.fail("metadata %s is %d, but there are only %d experts", l.key("expert_used_count"), h.usedExperts, h.experts)
	}
	return h
}

// withRouting reads what models of experts have beside the hyperparameters of all, when keys say how experts are chosen and weighted, with
// what the architecture does without these keys.
func (l *loader) withRouting(h hparams, otherwise gating, normalised bool) hparams {
	h.routing = routing{gating: otherwise, normalise: l.flag("expert_weights_norm", normalised), scale: float32(l.factorOr1("expert_weights_scale"))}
	switch kind := l.integerOr("expert_gating_func", 0); kind {
	case 0:
	case 1:
		h.gating = softmax
	case 2:
		h.gating = sigmoid
	default:
		l.fail("metadata %s is %d: the runtime knows 1 (softmax) and 2 (sigmoid)", l.key("expert_gating_func"), kind)
	}
	h = l.expertSizes(h)
	h.groups, h.usedGroups = l.integerOr("expert_group_count", 1), l.integerOr("expert_group_used_count", 1)
	if h.groups > 1 && (h.experts%h.groups != 0 || h.usedGroups < 1 || h.usedGroups > h.groups || h.usedExperts > h.usedGroups*(h.experts/h.groups)) {
		l.fail("metadata: %d of %d experts cannot come from %d of %d groups", h.usedExperts, h.experts, h.usedGroups, h.groups)
	}
	if n := l.integerOr("expert_shared_count", 0); n > 0 {
		h.sharedHidden = l.countOr("expert_shared_feed_forward_length", n*h.expertHidden)
	}
	return h
}

// hasExperts says of each layer whether it has experts: the first leading_dense_block_count have none, and of the others each
// interleave_moe_layer_step-th does.
func (l *loader) hasExperts(layers int) []bool {
	dense, step := l.integerOr("leading_dense_block_count", 0), max(1, l.integerOr("interleave_moe_layer_step", 1))
	experts := make([]bool, layers)
	for i := range experts {
		experts[i] = i >= dense && (i+1)%step == 0
	}
	return experts
}
