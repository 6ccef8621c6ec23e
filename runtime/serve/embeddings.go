package serve

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math"
	"net/http"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/embed"
)

// embeddingRequest is the body of /v1/embeddings.
type embeddingRequest struct {
	Input      prompts `json:"input"`
	Format     string  `json:"encoding_format"`
	Dimensions *int    `json:"dimensions"`
}

type embedding struct {
	Object string `json:"object"`
	Index  int    `json:"index"`
	Vector any    `json:"embedding"` // numbers, or their bytes in base64
}

const mostInputs = 2048

func (s *Server) embeddings(w http.ResponseWriter, r *http.Request) error {
	var q embeddingRequest
	if err := s.decode(w, r, &q); err != nil {
		return err
	}
	pooling, err := s.pooling()
	switch n := len(q.Input.texts) + len(q.Input.tokens); {
	case err != nil:
		return err
	case q.Format != "" && q.Format != "float" && q.Format != "base64":
		return invalid("encoding_format", "must be float or base64 (found %q)", q.Format)
	case q.Dimensions != nil && *q.Dimensions != s.engine.VectorWidth():
		return invalid("dimensions", "the model's vectors have %d (found %d)", s.engine.VectorWidth(), *q.Dimensions)
	case n == 0:
		return invalid("input", "is missing")
	case n > mostInputs:
		return invalid("input", "found %d texts, expected at most %d", n, mostInputs)
	}
	for i, ids := range q.Input.tokens {
		if err := s.checkInput(ids, i); err != nil {
			return err
		}
	}
	defer s.vectors.Add(-1)
	if s.vectors.Add(1) > int64(s.o.Queue)+1 {
		return errFull
	}
	select { // one request at a time: its texts are evaluated together
	case s.embedding <- struct{}{}:
		defer func() { <-s.embedding }()
	case <-r.Context().Done():
		return context.Cause(r.Context())
	}
	out, tokens := make([]embedding, 0, 1), 0
	put := func(res embed.Result) error {
		tokens += res.Tokens
		out = append(out, embedding{"embedding", len(out), encode(res.Vectors[0], q.Format)})
		return nil
	}
	o := embed.Options{Pooling: pooling, Normalize: !s.o.Plain}
	if q.Input.tokens != nil {
		err = embed.Sequences(r.Context(), s.engine, q.Input.tokens, o, put)
	} else {
		err = embed.Run(r.Context(), s.engine, q.Input.texts, o, put)
	}
	if errors.Is(err, gguf.ErrInput) {
		return invalid("input", "%v", err)
	}
	if err != nil {
		return err
	}
	s.metrics.read.Add(int64(tokens))
	answer(w, http.StatusOK, map[string]any{"object": "list", "data": out, "model": s.o.Name,
		"usage": map[string]int{"prompt_tokens": tokens, "total_tokens": tokens}})
	return nil
}

func (s *Server) checkInput(ids []int32, number int) error {
	if len(ids) == 0 || len(ids) > s.engine.ContextLength() {
		return invalid("input", "text %d has %d tokens, expected from 1 to %d", number, len(ids), s.engine.ContextLength())
	}
	for _, id := range ids {
		if id < 0 || int(id) >= s.engine.Vocab() {
			return invalid("input", "text %d has token %d, but the model has tokens from 0 to %d", number, id, s.engine.Vocab()-1)
		}
	}
	return nil
}

// pooling is how vectors are made.
func (s *Server) pooling() (embed.Pooling, error) {
	var p embed.Pooling
	if s.o.Pooling != nil {
		p = *s.o.Pooling
	} else {
		var err error
		if p, err = embed.PoolingOf(s.engine.Source().Metadata()); err != nil {
			return p, refused(http.StatusBadRequest, "invalid_request_error", "no_pooling", "this model does not say how its activations become vectors: start the server with --pooling")
		}
	}
	if p == embed.None {
		return p, refused(http.StatusBadRequest, "invalid_request_error", "no_pooling", "this model makes a vector of each token: start the server with --pooling")
	}
	return p, nil
}

// encode is a vector as JSON has it, or in base64 the bytes of float32, little endian.
func encode(vector []float32, format string) any {
	if format != "base64" {
		return append([]float32(nil), vector...)
	}
	b := make([]byte, 0, 4*len(vector))
	for _, v := range vector {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return base64.StdEncoding.EncodeToString(b)
}
