package vocab

import (
	"path/filepath"

	"github.com/carat-llm/carat/internal/inputfile"
	"google.golang.org/protobuf/encoding/protowire"
)

// T5's tokenizer is a SentencePiece model that takes the likeliest way to cut a text (unigram), not pairs in an order.
// It has rules of its own for how a text is written before that, which are copied.

const unigramType = 1

// spelling is what a SentencePiece model says of its kind and of how texts are normalized.
type spelling struct {
	kind                int
	prefix, extraSpaces bool // a space before a text; several spaces made one
	charsmap            []byte
}

// parseSpelling reads them (sentencepiece_model.proto: field 2 of ModelProto is the trainer, of which 3 is the kind;
// field 3 the normalizer, of which 2 is the map of characters, 3 the space before and 4 the spaces).
func parseSpelling(b []byte, path string) (spelling, error) {
	s := spelling{kind: unigramType, prefix: true, extraSpaces: true}
	err := eachField(b, func(num protowire.Number, v []byte, _ uint64) error {
		switch num {
		case 2:
			return eachField(v, func(num protowire.Number, _ []byte, n uint64) error {
				if num == 3 {
					s.kind = int(n)
				}
				return nil
			})
		case 3:
			return eachField(v, func(num protowire.Number, v []byte, n uint64) error {
				switch num {
				case 2:
					s.charsmap = v
				case 3:
					s.prefix = n != 0
				case 4:
					s.extraSpaces = n != 0
				}
				return nil
			})
		}
		return nil
	})
	if err != nil {
		return s, bad(path, "it is truncated or not a SentencePiece model (%v)", err)
	}
	return s, nil
}

// eachField calls f for the fields of a message: with the bytes of a string or message, or a number.
func eachField(b []byte, f func(num protowire.Number, v []byte, n uint64) error) error {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return protowire.ParseError(n)
		}
		b = b[n:]
		var v []byte
		var number uint64
		switch typ {
		case protowire.BytesType:
			v, n = protowire.ConsumeBytes(b)
		case protowire.VarintType:
			number, n = protowire.ConsumeVarint(b)
		default:
			n = protowire.ConsumeFieldValue(num, typ, b)
		}
		if n < 0 {
			return protowire.ParseError(n)
		}
		b = b[n:]
		if err := f(num, v, number); err != nil {
			return err
		}
	}
	return nil
}

// unigram writes T5's tokenizer, if the folder has one: model, which is tokenizer.model's, or spiece.model where that is nil.
func (f *folder) unigram(l *list, model []byte) error {
	if err := f.noPre(); err != nil {
		return err
	}
	path := filepath.Join(f.dir, "tokenizer.model")
	if model == nil {
		path = filepath.Join(f.dir, "spiece.model")
		var err error
		if model, err = inputfile.ReadSmall(path, inputfile.MaxVocab); err != nil {
			return bad(f.dir, "neither tokenizer.model nor spiece.model can be read: T5's tokenizer is in one of them (%v)", err)
		}
	}
	s, err := parseSpelling(model, path)
	if err != nil {
		return err
	}
	if s.kind != unigramType {
		return f.sentencePiece(l, model)
	}
	v, err := f.modelPieces(model, path)
	if err != nil {
		return err
	}
	v.write(l, "t5", "default", true)
	l.add("tokenizer.ggml.add_space_prefix", s.prefix)
	l.add("tokenizer.ggml.remove_extra_whitespaces", s.extraSpaces)
	if len(s.charsmap) > 0 {
		l.add("tokenizer.ggml.precompiled_charsmap", s.charsmap)
	}
	return f.special(l, len(v.tokens))
}
