package vocab

import (
	"math"
	"path/filepath"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// piece is an entry of tokenizer.model.
type piece struct {
	text  string
	score float32
	typ   int32
}

// parseModel reads the pieces of a SentencePiece model (sentencepiece_model.proto: field 1 of ModelProto,
// whose fields are 1 piece, 2 score, 3 type; the types are GGUF's).
func parseModel(b []byte, path string) ([]piece, error) {
	var out []piece
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return nil, bad(path, "it is truncated or not a SentencePiece model (%v)", protowire.ParseError(n))
		}
		b = b[n:]
		if num != 1 || typ != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(num, typ, b); n < 0 {
				return nil, bad(path, "it is truncated or not a SentencePiece model (%v)", protowire.ParseError(n))
			}
			b = b[n:]
			continue
		}
		msg, n := protowire.ConsumeBytes(b)
		if n < 0 {
			return nil, bad(path, "it is truncated in piece %d (%v)", len(out), protowire.ParseError(n))
		}
		b = b[n:]
		p, err := parsePiece(msg)
		if err != nil {
			return nil, bad(path, "piece %d: %v", len(out), err)
		}
		out = append(out, p)
	}
	if len(out) == 0 {
		return nil, bad(path, "it has no pieces")
	}
	return out, nil
}

func parsePiece(b []byte) (piece, error) {
	p := piece{typ: normal}
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return p, protowire.ParseError(n)
		}
		b = b[n:]
		switch {
		case num == 1 && typ == protowire.BytesType:
			var s []byte
			s, n = protowire.ConsumeBytes(b)
			p.text = string(s)
		case num == 2 && typ == protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(b)
			p.score = math.Float32frombits(v)
		case num == 3 && typ == protowire.VarintType:
			var v uint64
			v, n = protowire.ConsumeVarint(b)
			p.typ = int32(v)
		default:
			n = protowire.ConsumeFieldValue(num, typ, b)
		}
		if n < 0 {
			return p, protowire.ParseError(n)
		}
		b = b[n:]
	}
	return p, nil
}

// sentencePiece writes tokenizer.model with the tokens that other files add.
func (f *folder) sentencePiece(l *list, model []byte) error {
	if err := f.noPre(); err != nil {
		return err
	}
	v, err := f.modelPieces(model, filepath.Join(f.dir, "tokenizer.model"))
	if err != nil {
		return err
	}
	if f.opts.Class == internLM2 {
		v.internLM2()
	}
	if err := f.addToPieces(v); err != nil {
		return err
	}
	v.write(l, "llama", "default", true)
	if f.opts.Class == internLM2 {
		s, err := parseSpelling(model, filepath.Join(f.dir, "tokenizer.model"))
		if err != nil {
			return err
		}
		l.add("tokenizer.ggml.add_space_prefix", s.prefix)
	}
	if prefix, ok := f.config["add_prefix_space"].(bool); ok && f.opts.Class == internLM3 {
		l.add("tokenizer.ggml.add_space_prefix", prefix)
	}
	return f.special(l, len(v.tokens))
}

// modelPieces are the pieces of a SentencePiece model with the tokens of added_tokens.json. Ids that the model has no row for
// are left out.
func (f *folder) modelPieces(model []byte, path string) (*vocabulary, error) {
	pieces, err := parseModel(model, path)
	if err != nil {
		return nil, err
	}
	size, err := f.vocabSize(len(pieces))
	if err != nil {
		return nil, err
	}
	v := newVocabulary(size)
	for id, p := range pieces {
		if p.typ == userDefined {
			p.typ = normal // SentencePiece's interface does not tell, so the reference cannot know
		}
		v.set(id, p.text, p.score, p.typ)
	}
	extra, err := f.addedJSON()
	if err != nil {
		return nil, err
	}
	for id, t := range extra {
		if id < size {
			v.set(id, t.Content, -1000, userDefined)
		}
	}
	return v, nil
}

// addToPieces adds the tokens of further files: tokenizer_config.json's, and what only tokenizer.json has. The reference takes
// the last for Phi-3 alone, over all others. Ids that the model has no row for are left out.
func (f *folder) addToPieces(v *vocabulary) error {
	size := len(v.tokens)
	phi := f.isPhi() || f.opts.Class == internLM2
	put := func(t addedToken) {
		switch {
		case t.ID < 0 || t.ID >= size:
		case t.Special || !phi && looksSpecial(t.Content):
			v.set(t.ID, t.Content, -1000, control)
		case phi:
			v.set(t.ID, t.Content, -1000, userDefined)
		default:
			v.set(t.ID, strings.ReplaceAll(t.Content, "▁", " "), -1000, userDefined)
		}
	}
	decoder, _, err := f.decoder()
	if err != nil {
		return err
	}
	for _, t := range decoder {
		put(t)
	}
	if f.json == nil {
		return nil
	}
	for _, t := range f.json.AddedTokens {
		if phi || t.ID >= 0 && t.ID < size && v.types[t.ID] == unused && strings.HasPrefix(v.tokens[t.ID], "[PAD") {
			put(t)
		}
	}
	return nil
}
