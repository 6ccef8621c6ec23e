package calibration

import (
	"bytes"
	"compress/flate"
	"path"
	"slices"
	"strings"
)

// languages is the folder of the default whose files are languages.
const languages = "languages"

// language is the code of the language of a document of the default; "" for documents of other kinds.
func language(d Document) string {
	if path.Dir(d.File) != languages {
		return ""
	}
	return strings.TrimSuffix(path.Base(d.File), path.Ext(d.File))
}

// known is the largest share of the bits of DEFLATE that a model takes for a text in a language that it knows. What a
// model was trained with takes a fifth to two fifths, other languages three fifths and more, whatever their script: bits per byte or
// per token alone say little, since a letter has one to three bytes and tells one language more than another.
const known = 0.5

// Known is the mix without the documents of languages that a model does not know, and the codes of these: rounding for text that
// it will not read is at the cost of text that it will. bits is how many bits the model takes for a text. Each language is
// judged by its first document; only documents of the default have one.
func (m *Mix) Known(bits func(text string) (float64, error)) (*Mix, []string, error) {
	knows := map[string]bool{"": true}
	out := &Mix{LeftOut: m.LeftOut}
	var unknown []string
	for _, d := range m.Documents {
		l := d.Language
		knew, judged := knows[l]
		if !judged {
			n, err := bits(d.Text)
			if err != nil {
				return nil, nil, err
			}
			knew = n <= known*deflated(d.Text)
			knows[l] = knew
			if !knew {
				unknown = append(unknown, l)
			}
		}
		if knew {
			out.Documents = append(out.Documents, d)
		}
	}
	slices.Sort(unknown)
	return out, unknown, nil
}

// deflated is the number of bits that DEFLATE takes for a text.
func deflated(text string) float64 {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestCompression) // the level is one that it has
	_, _ = w.Write([]byte(text))                       // a buffer takes all
	_ = w.Close()
	return float64(8 * b.Len())
}
