package model

import "github.com/carat-llm/carat/gguf"

// layer is one step of a model. Between layers runs the residual stream, a row of activations for each token.
type layer interface {
	// forward changes x, n rows of the stream, which follow the tokens that own holds, and adds them to own. Left holds
	// what the layer before leaves to be added to x first, and in the end what this one leaves: so that an addition and
	// the norm behind it are one pass over x.
	forward(s *Session, x, left []float32, n int, own state)
	stateful
}

// mixer is the part of a layer in which tokens see those before them.
type mixer interface {
	// mix computes n rows of x, which follow the tokens that own holds, into dst, and adds them to own. Called by Session.mix.
	mix(s *Session, dst, x []float32, n int, own state)
	stateful
}

// feedForward is the part of a layer that computes each token by itself.
type feedForward interface {
	// apply computes n rows of x into dst.
	apply(s *Session, dst, x []float32, n int)
}

// stateful is what has a state in each session.
type stateful interface {
	// newState returns the state of no tokens, with room for so many; nil if there is nothing to keep.
	newState(positions int, kv gguf.Type) state
	// stateBytes is about the memory of that state; a float, since it may be beyond any integer.
	stateBytes(positions int, kv gguf.Type) float64
}

// state is what a layer keeps of the tokens of a sequence.
type state interface {
	// Bytes is the memory of the state.
	Bytes() int64
	// truncate keeps at most the first n tokens and returns how many it could keep: n where every token is kept by
	// itself; those of the last save, or none, where one number stands for all of them (recurrent layers).
	truncate(n int) int
	// copyFrom makes the state that of another session of the model, with as much room, which holds n tokens.
	copyFrom(from state, n int)
	// save makes the tokens of now a number that truncate can go back to, in place of the one before.
	save()
}

// block is the layer of most models: x += residual * post(mixer(pre(x))), then the same with the feed-forward part. Norms
// without weight are left out, and so is a part that is nil.
type block struct {
	attnNorm, postAttn norm
	mixer              mixer
	ffnNorm, postFFN   norm
	ffn                feedForward
	residual           float32 // multiplies what each part adds; 0 means 1
}

func (b *block) newState(positions int, kv gguf.Type) state {
	if b.mixer == nil {
		return nil
	}
	return b.mixer.newState(positions, kv)
}

func (b *block) stateBytes(positions int, kv gguf.Type) float64 {
	if b.mixer == nil {
		return 0
	}
	return b.mixer.stateBytes(positions, kv)
}

func (b *block) forward(s *Session, x, left []float32, n int, own state) {
	mark := s.arena.mark()
	h := s.arena.floats(len(x))
	if b.mixer != nil {
		b.attnNorm.applyAfter(s, h, x, left)
		s.mix(b.mixer, left, h, n, own)
		b.leave(s, left, b.postAttn)
	}
	if b.ffn != nil {
		b.ffnNorm.applyAfter(s, h, x, left)
		b.ffn.apply(s, left, h, n)
		b.leave(s, left, b.postFFN)
	}
	s.arena.release(mark)
}

// leave makes of a part's result what is added to the stream.
func (b *block) leave(s *Session, out []float32, post norm) {
	if post.weight != nil {
		post.apply(s, out, out)
	}
	if b.residual != 0 {
		s.pool.Scale(out, b.residual)
	}
}
