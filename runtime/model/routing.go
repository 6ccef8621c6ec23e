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
	hidden := 0
	for hidden < r.groups-r.usedGroups {
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
		hidden++
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
