package embed

import (
	"fmt"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/internal/inputfile"
	"github.com/carat-llm/carat/runtime/tokenizer"
)

// tokens are the ids of each text, with the tokens that the model wants around it. Texts of more than most are cut, but for
// the token that the model wants in the end, or refused.
func tokens(tok *tokenizer.Tokenizer, texts []string, most int, cut bool) ([][]int32, error) {
	all := make([][]int32, len(texts))
	for i, text := range texts {
		if err := inputfile.CheckUTF8(fmt.Sprintf("text %d", i+1), []byte(text)); err != nil {
			return nil, err
		}
		ids, err := tok.Encode(text, true, true)
		if err != nil {
			return nil, fmt.Errorf("text %d: %w", i+1, err)
		}
		switch {
		case len(ids) == 0:
			return nil, fmt.Errorf("%w: text %d is empty, and the model has no token that texts begin or end with", gguf.ErrInput, i+1)
		case len(ids) > most && !cut:
			return nil, hint.Wrap(fmt.Errorf("%w: text %d has %d tokens, but the model takes %d", gguf.ErrInput, i+1, len(ids), most), "cut texts into parts, or let --truncate leave out what is behind")
		case len(ids) > most:
			last := ids[len(ids)-1]
			if ids = ids[:most:most]; tok.AddEOS() {
				ids[most-1] = last
			}
		}
		all[i] = ids
	}
	return all, nil
}
