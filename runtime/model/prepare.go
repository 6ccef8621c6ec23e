package model

import (
	"fmt"

	"github.com/carat-llm/carat/internal/sysmem"
	"github.com/carat-llm/carat/runtime/kernel"
)

// linears lists the matrices that activations are multiplied with, for one after the other f.
func (g *graph) linears(f func(m *linear) error) error {
	each := func(ms ...*linear) error {
		for _, m := range ms {
			if m.w == nil {
				continue
			}
			if err := f(m); err != nil {
				return err
			}
		}
		return nil
	}
	for i := range g.blocks {
		b := &g.blocks[i]
		if err := each(&b.attn.q, &b.attn.k, &b.attn.v, &b.attn.out, &b.moe.router, &b.moe.sharedGate); err != nil {
			return err
		}
		parts := []*ffn{&b.ffn, &b.moe.shared}
		for e := range b.moe.experts {
			parts = append(parts, &b.moe.experts[e])
		}
		for _, p := range parts {
			if err := each(&p.gate, &p.up, &p.down); err != nil {
				return err
			}
		}
	}
	return each(&g.output)
}

// prepare arranges the weights in memory, which then hold about as much of it as the file is large; they are read from
// the file, so that its mapped pages stay out of memory. Models too large for that are computed from the mapped file.
func (m *Model) prepare() error {
	var bytes int64
	m.graph.linears(func(l *linear) error { bytes += l.w.PreparedBytes(); return nil })
	if have := sysmem.Total(); have > 0 && bytes > have/5*4 {
		return nil
	}
	var list []kernel.Loading
	m.graph.linears(func(l *linear) error {
		list = append(list, kernel.Loading{W: l.w, Read: func(dst []byte, first, n int64) error {
			if err := l.tensor.ReadRows(dst, int64(l.first)+first, n); err != nil {
				return fmt.Errorf("tensor %s: %w", l.name, err)
			}
			return nil
		}})
		return nil
	})
	return kernel.Prepare(m.opts.Pool, list)
}
