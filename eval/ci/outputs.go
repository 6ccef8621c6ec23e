package ci

import (
	"fmt"
	"io"
	"strings"

	"github.com/carat-llm/carat/eval/report"
)

// Output is one output of a CI step.
type Output struct{ Key, Value string }

// Outputs are the figures that later steps ask for. A figure that was not measured has an empty value, so that the
// keys are always the same. reportPath is the stored report's.
func Outputs(r *report.Report, reportPath string) []Output {
	value := map[string]string{"report": reportPath}
	if g := r.Gate; g != nil {
		value["verdict"] = g.Verdict
		value["cached"] = fmt.Sprint(g.Cached)
		value["tokens"] = fmt.Sprint(g.Tokens)
		var failed []string
		for i := range g.Gates {
			if s := &g.Gates[i]; s.Verdict != report.Pass && decides(s) {
				failed = append(failed, s.ID)
			}
		}
		value["failed_gates"] = strings.Join(failed, "\n")
	}
	if c := judged(r); c != nil {
		value["candidate"] = c.Name
		value["artifact_sha256"] = c.SHA256
		value["worst_slice"] = c.WorstSlice
		for _, f := range figures(r, c) {
			if key := figureKeys[f.id()]; key != "" {
				value[key] = number(f.value)
				if f.Name == "kld.mean" && f.ci != nil {
					value["kld_low"], value["kld_high"] = number(f.ci.Low), number(f.ci.High)
				}
			}
		}
		value["bytes"] = fmt.Sprint(c.Bytes)
	}
	out := make([]Output, len(outputKeys))
	for i, k := range outputKeys {
		out[i] = Output{k, value[k]}
	}
	return out
}

var outputKeys = []string{"verdict", "kld", "kld_low", "kld_high", "worst_slice", "ppl_ratio", "same_top", "bytes", "bits_per_weight",
	"effective_bits", "artifact_sha256", "candidate", "tokens", "cached", "failed_gates", "report"}

var figureKeys = map[string]string{"kld.mean": "kld", "ppl.ratio": "ppl_ratio", "same_top": "same_top",
	"bits_per_weight": "bits_per_weight", "effective_bits": "effective_bits"}

// WriteOutputs writes outputs in the format of $GITHUB_OUTPUT.
func WriteOutputs(w io.Writer, outputs []Output) error {
	for _, o := range outputs {
		line := o.Key + "=" + o.Value + "\n"
		if strings.ContainsAny(o.Value, "\r\n") {
			end := delimiter(o.Value)
			line = o.Key + "<<" + end + "\n" + o.Value + "\n" + end + "\n"
		}
		if _, err := io.WriteString(w, line); err != nil {
			return err
		}
	}
	return nil
}

// delimiter is a line that does not occur in value: the name grows until that is so.
func delimiter(value string) string {
	end := "CARAT_END"
	for strings.Contains(value, end) {
		end += "_"
	}
	return end
}
