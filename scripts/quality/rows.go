package main

import "strings"

// groups in the order of the document.
var groups = []string{"bars", "types", "default", "families", "tasks"}

// row is a preset, and what is better at its bytes.
type row struct {
	group, model, prefix string // prefix begins the names of its files
	preset               string // the file type
	pure                 bool
	calibration          string // of both: the name of a text
	home                 string // the evaluation text of the calibration text's kind; "" for none
	// inside and outside are by how much the divergence is to be lower, on that text and on others.
	inside, outside float64
}

// name is how --rows and files call it.
func (r *row) name() string {
	parts := []string{r.prefix, r.preset}
	if r.pure {
		parts = append(parts, "pure")
	}
	return strings.Join(append(parts, r.calibration), "-")
}

// budget says whether carat chooses the types.
func (r *row) budget() bool { return !r.pure }

// bars are those of the issue that asked for them.
var bars = []struct {
	preset          string
	inside, outside float64
}{{"Q4_K_M", .60, .50}, {"Q3_K_M", .70, .60}, {"IQ4_XS", .65, .55}, {"Q5_K_M", .35, .25}}

// allRows are the rows of a model and of families.
func allRows(model string, families pairs) (out []row) {
	for _, b := range bars {
		out = append(out, row{"bars", model, "model", b.preset, false, "wikitext", "wikitext", b.inside, b.outside})
	}
	pure := []string{"Q4_0", "Q5_0", "Q4_K", "IQ4_XS", "Q3_K"}
	for _, t := range pure {
		out = append(out, row{"types", model, "model", t, true, "wikitext", "wikitext", .30, .25})
	}
	for _, b := range bars {
		out = append(out, row{"default", model, "model", b.preset, false, "default", "", 0, b.outside})
	}
	for _, t := range pure {
		out = append(out, row{"default", model, "model", t, true, "default", "", 0, .25})
	}
	for _, f := range families {
		for _, t := range []string{"Q4_K_M", "Q3_K_M"} {
			out = append(out, row{"families", f[1], f[0], t, false, "stories", "stories", .40, .25})
		}
	}
	for _, b := range bars[:2] {
		out = append(out, row{"tasks", model, "model", b.preset, false, "default", "", 0, 0})
	}
	return out
}
