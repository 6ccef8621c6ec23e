package vocab

import (
	"path/filepath"
	"strings"
)

// wordPiece writes BERT's tokenizer: GGUF marks the pieces that begin a word, where BERT marks those that go on.
func (f *folder) wordPiece(l *list) error {
	path := filepath.Join(f.dir, "tokenizer.json")
	if mark := f.json.Model.Prefix; mark != "##" {
		return bad(path, "unsupported mark of pieces within words, %q: only ## is supported", mark)
	}
	v, err := f.pieces(path)
	if err != nil {
		return err
	}
	for id, t := range v.tokens {
		within, ok := strings.CutPrefix(t, "##")
		switch {
		case v.types[id] == control:
		case ok:
			v.tokens[id] = within
		default:
			v.tokens[id] = "▁" + t
		}
	}
	if n, ok := f.textTypes(); ok {
		l.add("tokenizer.ggml.token_type_count", n)
	}
	v.write(l, "bert", f.bertPre(), false)
	return f.special(l, len(v.tokens))
}

// bertPre is the name of the pre-tokenizer. All are BERT's, which runtimes know without it; the reference has names for
// published vocabularies.
func (f *folder) bertPre() string {
	vocab := f.json.Model.Vocab
	switch {
	case f.opts.Pre != "":
		return f.opts.Pre
	case len(vocab) == 30522 && vocab["[CLS]"] == 101 && vocab["the"] == 1996: // BERT, English without capitals
		return "jina-v2-en"
	case len(vocab) == 21128 && vocab["[CLS]"] == 101 && vocab["的"] == 4638: // BERT, Chinese
		return "bert-bge-large"
	}
	return "bert-bge"
}
