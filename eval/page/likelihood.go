package page

import (
	"fmt"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/report"
)

// likelihood is the figure that tells candidates apart without a reference: perplexity, or bits per byte where their
// tokenizers differ, as perplexities of different tokens do not compare.
func likelihood(r *report.Report) figure.Figure {
	if r.Protocol.SameBytes {
		return *figure.Named("bits_per_byte")
	}
	return *figure.Named("ppl")
}

// headline is the figure that candidates are drawn and ranked by.
func headline(r *report.Report) figure.Figure {
	if some(r, (*report.Candidate).Paired) {
		return *figure.Named("kld.mean")
	}
	return likelihood(r)
}

// likelihoodTitles and likelihoodCells are the columns of tables of candidates without a reference.
func likelihoodTitles(r *report.Report) []string {
	if r.Protocol.SameBytes {
		return []string{"bits/byte", "95 % interval", "tokens"}
	}
	return []string{"perplexity", "95 % interval", "bits/byte"}
}

func likelihoodCells(r *report.Report, m *figure.Metrics) []string {
	f := likelihood(r)
	v, ci := valueOf(f, m)
	beside := show("bits_per_byte", m.BitsPerByte.Value)
	if r.Protocol.SameBytes {
		beside = fmt.Sprint(m.Perplexity.Tokens)
	}
	return []string{show(f.Name, v), showInterval(f.Name, ci), beside}
}

// scoredBytes is "15005 bytes scored in 68 chunks of up to 128 tokens; the tokenizers differ".
func scoredBytes(r *report.Report, c *report.Candidate) string {
	bytes := 0
	for i := range c.Chunks {
		bytes += c.Chunks[i].Bytes
	}
	return fmt.Sprintf("%d bytes scored in %s of up to %d tokens; the tokenizers differ", bytes, count(len(c.Chunks), "chunk"), r.Protocol.Context)
}
