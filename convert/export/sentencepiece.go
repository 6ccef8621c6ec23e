package export

import (
	"math"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// message writes fields of protocol buffers (sentencepiece_model.proto).
type message []byte

func (m *message) bytes(field protowire.Number, b []byte) {
	*m = protowire.AppendBytes(protowire.AppendTag(*m, field, protowire.BytesType), b)
}

func (m *message) number(field protowire.Number, n int64) {
	*m = protowire.AppendVarint(protowire.AppendTag(*m, field, protowire.VarintType), uint64(n))
}

// pieces is tokenizer.model: the tokens with their scores and types, and how a text is split. Rows that no token is of stay out
// at the end.
func (v *vocabulary) pieces() []byte {
	n := len(v.tokens)
	for n > 0 && v.padding(n-1) {
		n--
	}
	var out message
	for id, t := range v.tokens[:n] {
		if v.types[id] == userDefined {
			t = strings.ReplaceAll(t, " ", "▁")
		}
		var p message
		p.bytes(1, []byte(t))
		score := float32(0)
		if id < len(v.scores) {
			score = v.scores[id]
		}
		p = protowire.AppendFixed32(protowire.AppendTag(p, 2, protowire.Fixed32Type), math.Float32bits(score))
		if v.types[id] != normal {
			p.number(3, v.types[id])
		}
		out.bytes(1, p)
	}
	var trainer message
	trainer.number(3, 2) // model_type: BPE
	trainer.number(4, int64(n))
	if slices.Contains(v.types, byteToken) {
		trainer.number(35, 1) // byte_fallback
	}
	for _, r := range []struct {
		field protowire.Number
		name  string
	}{{40, "unknown"}, {41, "bos"}, {42, "eos"}, {43, "padding"}} {
		id, ok := v.md.Int("tokenizer.ggml." + r.name + "_token_id")
		if !ok {
			id = -1
		}
		if r.name == "unknown" { // the one that the type says
			id = int64(max(0, slices.Index(v.types, 2)))
		}
		trainer.number(r.field, id)
		if id >= 0 && id < int64(n) {
			trainer.bytes(r.field+5, []byte(v.tokens[id])) // unk_piece and so on
		}
	}
	out.bytes(2, trainer)
	var normalizer message
	normalizer.bytes(1, []byte("identity"))
	prefix, ok := v.md.Bool("tokenizer.ggml.add_space_prefix")
	normalizer.number(3, map[bool]int64{true: 1, false: 0}[prefix || !ok]) // add_dummy_prefix
	normalizer.number(4, 0)                                                // remove_extra_whitespaces
	normalizer.number(5, 1)                                                // escape_whitespaces
	out.bytes(3, normalizer)
	return out
}
