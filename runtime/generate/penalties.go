package generate

import "slices"

// Penalties make tokens that stand among the last LastN less likely (Keskar et al. 2019, and the two of OpenAI's API).
type Penalties struct {
	LastN     int     // 0: none
	Repeat    float64 // divides logits above 0 and multiplies others; 0 and 1 do nothing
	Presence  float64 // is taken from logits
	Frequency float64 // is taken from logits once for each time that the token is there
}

func (p *Penalties) penalises() bool {
	return p.LastN > 0 && (p.Repeat != 0 && p.Repeat != 1 || p.Presence != 0 || p.Frequency != 0)
}

// penalise changes the logits of the last tokens.
func (s *Sampler) penalise(logits []float32) {
	p := &s.params.Penalties
	if !p.penalises() {
		return
	}
	s.counts = append(s.counts[:0], s.past.last(p.LastN)...)
	slices.Sort(s.counts)
	repeat := float32(p.Repeat)
	if repeat == 0 {
		repeat = 1
	}
	for i := 0; i < len(s.counts); {
		id, first := s.counts[i], i
		for i < len(s.counts) && s.counts[i] == id {
			i++
		}
		if int(id) >= len(logits) || id < 0 {
			continue
		}
		v := logits[id]
		if v <= 0 {
			v *= repeat
		} else {
			v /= repeat
		}
		logits[id] = v - (float32(float32(i-first)*float32(p.Frequency)) + float32(p.Presence))
	}
}

// past is the last tokens of a sequence, most of them or more.
type past struct {
	ids  []int32
	most int
}

func (p *past) add(ids []int32) {
	if p.most == 0 {
		return
	}
	if len(p.ids) > 2*p.most+64 {
		p.ids = p.ids[:copy(p.ids, p.ids[len(p.ids)-p.most:])]
	}
	p.ids = append(p.ids, ids[max(0, len(ids)-p.most):]...)
}

// last are the last n tokens, or as many as there are.
func (p *past) last(n int) []int32 { return p.ids[max(0, len(p.ids)-n):] }
