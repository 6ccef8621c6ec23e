package calibration

import (
	"fmt"

	"github.com/carat-llm/carat/gguf"
)

// Tokenizer is what cutting needs of runtime/tokenizer.
type Tokenizer interface {
	Encode(text string, addSpecial, parseSpecial bool) ([]int32, error)
	BOS() (id int32, ok bool)
	AddBOS() bool
}

// Chunks are the first n chunks of length tokens of the documents one after the other, or as many as there are: at least 2. Each
// begins with the beginning-of-text token if the model adds one. render, if not nil, writes a conversation as the model has them,
// with special tokens; those that it cannot are in plain words.
func (m *Mix) Chunks(tok Tokenizer, render func([]Message) (text string, ok bool), length, n int) ([][]int32, error) {
	var ids []int32
	for _, d := range m.Documents {
		if len(ids) >= n*length {
			break
		}
		text, special := "", false
		if d.Messages != nil && render != nil {
			text, special = render(d.Messages)
		}
		if !special {
			text = d.plain() + "\n\n"
		}
		more, err := tok.Encode(text, false, special)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.File, err)
		}
		ids = append(ids, more...)
	}
	out := make([][]int32, min(n, len(ids)/length))
	if len(out) < 2 {
		return nil, fmt.Errorf("%w: the texts have %d tokens, but at least %d are needed: use more text", gguf.ErrInput, len(ids), 2*length)
	}
	bos, adds := tok.BOS()
	for i := range out {
		out[i] = ids[i*length : (i+1)*length : (i+1)*length]
		if adds && tok.AddBOS() {
			out[i][0] = bos
		}
	}
	return out, nil
}
