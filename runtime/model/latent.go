package model

import (
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/kernel"
)

// latentAttention is multi-head latent attention (MLA, DeepSeek-V2): keys and values of all heads come from one short vector, the latent,
// beside a part of the key that is rotated and the same for all heads.
//
// Files hold it in two forms. With the two matrices that make keys and values of a latent as one (attn_kv_b), keys and values of each
// head are kept in the cache. With them apart (attn_k_b, transposed, and attn_v_b), they are applied to queries and results instead:
// then the latents are kept themselves, as keys and values of one head that all heads share.
type latentAttention struct {
	heads, latent         int
	plain, rotated, value int    // elements of a head's key that are not rotated and are, and of its value
	qA, qB                linear // width -> rank -> heads x (plain + rotated); without rank there is no qA
	qNorm, latentNorm     norm
	kvA                   linear   // width -> latent + rotated
	kvB                   linear   // latent -> heads x (plain + value)
	kB, vB                []linear // of each head: plain -> latent, latent -> value
	out                   linear   // heads x value -> width
	scale                 float32
}

// latentEpsilon is what the norms of latents add to the variance, whatever the others do: checkpoints have no key for it.
const latentEpsilon = 1e-6

func (l *loader) latentAttention(p string, h hparams, rotated int) *latentAttention {
	a := &latentAttention{heads: h.heads, latent: l.count("attention.kv_lora_rank"), rotated: rotated}
	key := l.countOr("attention.key_length_mla", h.dim)
	a.plain, a.value = key-rotated, l.countOr("attention.value_length_mla", h.valueDim)
	if a.plain < 1 {
		l.fail("metadata: keys have %d elements, of which %d are rotated", key, rotated)
		a.plain = 1
	}
	if rank := l.integerOr("attention.q_lora_rank", 0); rank > 0 {
		a.qA, a.qB = l.linear(p+"attn_q_a", h.width, rank), l.linear(p+"attn_q_b", rank, a.heads*key)
		a.qNorm = l.rmsNorm(p+"attn_q_a_norm", rank)
		a.qNorm.eps = latentEpsilon
	} else {
		a.qB = l.linear(p+"attn_q", h.width, a.heads*key)
	}
	a.kvA = l.linear(p+"attn_kv_a_mqa", h.width, a.latent+rotated)
	a.latentNorm = l.rmsNorm(p+"attn_kv_a_norm", a.latent)
	a.latentNorm.eps = latentEpsilon
	if l.has(p + "attn_kv_b.weight") {
		a.kvB = l.linear(p+"attn_kv_b", a.latent, a.heads*(a.plain+a.value))
	} else {
		a.kB, a.vB = l.stacked(p+"attn_k_b", a.plain, a.latent, a.heads), l.stacked(p+"attn_v_b", a.latent, a.value, a.heads)
	}
	a.out = l.linear(p+"attn_output", a.heads*a.value, h.width)
	return a
}

// shape is that of the cache: heads, and the elements of keys and values.
func (a *latentAttention) shape() (heads, key, value int) {
	if a.kB == nil {
		return a.heads, a.plain + a.rotated, a.value
	}
	return 1, a.latent + a.rotated, a.latent
}

func (a *latentAttention) newState(positions int, kv gguf.Type) state {
	heads, key, value := a.shape()
	return cache{kernel.NewCache(heads, key, value, positions, kv)}
}

func (a *latentAttention) stateBytes(positions int, kv gguf.Type) float64 {
	heads, key, value := a.shape()
	return float64(positions) * float64(kernel.CacheBytes(heads, key, value, kv))
}

func (a *latentAttention) mix(s *Session, dst, x []float32, n int, own state) {
	mark := s.arena.mark()
	q := s.arena.floats(n * a.heads * (a.plain + a.rotated))
	kv := s.arena.floats(n * (a.latent + a.rotated))
	if a.qA.w != nil {
		low := s.arena.floats(n * a.qA.w.Rows)
		s.apply(x, n, output{low, &a.qA}, output{kv, &a.kvA})
		a.qNorm.apply(s, low, low)
		s.apply(low, n, output{q, &a.qB})
	} else {
		s.apply(x, n, output{q, &a.qB}, output{kv, &a.kvA})
	}
	latents := a.normalise(s, q, kv, n)
	held := own.(cache).Cache
	heads, key, value := a.shape()
	mixed := s.arena.floats(n * a.heads * value)
	if a.kB == nil {
		a.store(s, held, a.expand(s, latents, kv, n), n, heads*key)
	} else {
		a.storeLatents(s, held, latents, kv, n)
		q = a.absorb(s, q, n)
	}
	s.pool.Attend(mixed, q, n, s.done, held, kernel.Attention{Heads: a.heads, Scale: a.scale, Compute: s.model.opts.Compute})
	if a.kB != nil {
		mixed = a.release(s, mixed, n)
	}
	s.apply(mixed, n, output{dst, &a.out})
	s.arena.release(mark)
}

// normalise rotates the queries and the rotated part of keys, and returns the normalised latents, n rows.
func (a *latentAttention) normalise(s *Session, q, kv []float32, n int) []float32 {
	latents := s.arena.floats(n * a.latent)
	s.rotatingLatents = rotatingLatents{a, s.ropes[0], q, kv, latents, n, s.done}
	s.pool.Do((n+rowsPerTask-1)/rowsPerTask, &s.rotatingLatents)
	return latents
}

// rotatingLatents is the task of normalise.
type rotatingLatents struct {
	*latentAttention
	table          *kernel.RopeTable
	q, kv, latents []float32
	n, first       int
}

// Chunk implements kernel.Task.
func (t *rotatingLatents) Chunk(_ *kernel.Scratch, chunk int) {
	key := t.plain + t.rotated
	for i := chunk * rowsPerTask; i < min(t.n, (chunk+1)*rowsPerTask); i++ {
		row, latent := t.kv[i*(t.latent+t.rotated):][:t.latent+t.rotated], t.latents[i*t.latent:][:t.latent]
		copy(latent, row)
		t.latentNorm.inPlace(latent)
		t.table.Apply(row[t.latent:], t.first+i)
		for h := range t.heads {
			t.table.Apply(t.q[(i*t.heads+h)*key+t.plain:][:t.rotated], t.first+i)
		}
	}
}

// expand makes keys and values of latents: n rows of keys of all heads, then n rows of values.
func (a *latentAttention) expand(s *Session, latents, kv []float32, n int) []float32 {
	key := a.plain + a.rotated
	both := s.arena.floats(n * a.heads * (a.plain + a.value))
	s.apply(latents, n, output{both, &a.kvB})
	out := s.arena.floats(n * a.heads * (key + a.value))
	values := out[n*a.heads*key:]
	for i := range n * a.heads {
		row := both[i*(a.plain+a.value):][:a.plain+a.value]
		copy(out[i*key:], row[:a.plain])
		copy(out[i*key+a.plain:][:a.rotated], kv[i/a.heads*(a.latent+a.rotated)+a.latent:])
		copy(values[i*a.value:(i+1)*a.value], row[a.plain:])
	}
	return out
}

// store puts n keys of so many elements and the values behind them into the cache.
func (a *latentAttention) store(s *Session, held *kernel.Cache, kv []float32, n, key int) {
	s.storing = storing{held, kv[:n*key], kv[n*key:], n, s.done}
	s.pool.Do((n+rowsPerTask-1)/rowsPerTask, &s.storing)
}

// storeLatents puts n latents into the cache: as values, and with the rotated parts of keys as keys.
func (a *latentAttention) storeLatents(s *Session, held *kernel.Cache, latents, kv []float32, n int) {
	key := a.latent + a.rotated
	out := s.arena.floats(n * (key + a.latent))
	for i := range n {
		row := out[i*key:][:key]
		copy(row, latents[i*a.latent:(i+1)*a.latent])
		copy(row[a.latent:], kv[i*key+a.latent:(i+1)*key])
	}
	copy(out[n*key:], latents)
	a.store(s, held, out, n, key)
}

// absorb makes queries for latents of queries for keys: n rows of heads x (latent + rotated).
func (a *latentAttention) absorb(s *Session, q []float32, n int) []float32 {
	from, to := a.plain+a.rotated, a.latent+a.rotated
	out, in, part := s.arena.floats(n*a.heads*to), s.arena.floats(n*a.plain), s.arena.floats(n*a.latent)
	for h := range a.heads {
		for i := range n {
			copy(in[i*a.plain:(i+1)*a.plain], q[(i*a.heads+h)*from:])
		}
		s.apply(in, n, output{part, &a.kB[h]})
		for i := range n {
			row := out[(i*a.heads+h)*to:][:to]
			copy(row, part[i*a.latent:(i+1)*a.latent])
			copy(row[a.latent:], q[(i*a.heads+h)*from+a.plain:][:a.rotated])
		}
	}
	return out
}

// release makes values of mixed latents, n rows of all heads.
func (a *latentAttention) release(s *Session, mixed []float32, n int) []float32 {
	out, in, part := s.arena.floats(n*a.heads*a.value), s.arena.floats(n*a.latent), s.arena.floats(n*a.value)
	for h := range a.heads {
		for i := range n {
			copy(in[i*a.latent:(i+1)*a.latent], mixed[(i*a.heads+h)*a.latent:])
		}
		s.apply(in, n, output{part, &a.vB[h]})
		for i := range n {
			copy(out[(i*a.heads+h)*a.value:], part[i*a.value:(i+1)*a.value])
		}
	}
	return out
}

// storing is the task that puts rows of keys and values into a cache, from position first on.
type storing struct {
	cache    *kernel.Cache
	k, v     []float32
	n, first int
}

// Chunk implements kernel.Task.
func (t *storing) Chunk(s *kernel.Scratch, chunk int) {
	key, value := len(t.k)/t.n, len(t.v)/t.n
	for i := chunk * rowsPerTask; i < min(t.n, (chunk+1)*rowsPerTask); i++ {
		t.cache.Put(s, t.first+i, t.k[i*key:], t.v[i*value:])
	}
}
