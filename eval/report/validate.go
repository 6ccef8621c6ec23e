package report

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/carat-llm/carat/eval"
	"github.com/carat-llm/carat/eval/task"
)

// tolerance of figures against the sums they come from: the same computation, perhaps on another machine.
const tolerance = 1e-6

var sha256Form = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Validate says what is wrong with r, a *FormatError, or nil: numbers are finite, names refer to something, verdicts
// are known ones, and figures are what the chunks' sums give.
func (r *Report) Validate() error {
	if r.Schema != Schema || r.Version != Version {
		return wrong("schema", "is %q version %d, must be %q version %d", r.Schema, r.Version, Schema, Version)
	}
	if r.Command == "" {
		return wrong("command", "is empty")
	}
	if err := finite(reflect.ValueOf(r).Elem(), ""); err != nil {
		return err
	}
	if r.Protocol.Context < 0 || r.Protocol.Stride < 0 || r.Protocol.Chunks < 0 {
		return wrong("protocol", "has negative numbers")
	}
	for i, d := range r.Data {
		if err := hash(fmt.Sprintf("data[%d].sha256", i), d.SHA256); err != nil {
			return err
		}
		if slices.ContainsFunc(r.Data[:i], func(e Data) bool { return e.Name == d.Name }) {
			return wrong(fmt.Sprintf("data[%d].name", i), "%q is there twice", d.Name)
		}
	}
	if r.Reference != nil {
		if err := r.Reference.validate("reference"); err != nil {
			return err
		}
	}
	for i := range r.Candidates {
		c := &r.Candidates[i]
		at := fmt.Sprintf("candidates[%d]", i)
		if slices.ContainsFunc(r.Candidates[:i], func(o Candidate) bool { return o.Name == c.Name }) {
			return wrong(at+".name", "%q is there twice: comparisons could not tell them apart", c.Name)
		}
		if err := c.validate(at, r); err != nil {
			return err
		}
	}
	for i, c := range r.Comparisons {
		at := fmt.Sprintf("comparisons[%d]", i)
		switch {
		case r.Candidate(c.A) == nil:
			return wrong(at+".a", "%q is none of the candidates", c.A)
		case r.Candidate(c.B) == nil:
			return wrong(at+".b", "%q is none of the candidates", c.B)
		case c.Better != "" && c.Better != "a" && c.Better != "b":
			return wrong(at+".better", `%q is none of "a", "b" and ""`, c.Better)
		case !share(c.P) || !share(c.PAdjusted):
			return wrong(at+".p", "%v, adjusted %v: from 0 to 1", c.P, c.PAdjusted)
		}
	}
	if r.Gate != nil {
		if err := r.Gate.validate(r); err != nil {
			return err
		}
	}
	for i, f := range r.Findings {
		if f.Level != Error && f.Level != Warn {
			return wrong(fmt.Sprintf("findings[%d].level", i), "%q is neither %q nor %q", f.Level, Error, Warn)
		}
	}
	return nil
}

func (m *Model) validate(at string) error {
	switch {
	case m.Name == "":
		return wrong(at+".name", "is empty")
	case m.Bytes < 0 || m.Parameters < 0 || m.BitsPerWeight < 0:
		return wrong(at, "bytes %d, parameters %d, bits_per_weight %v: must not be negative", m.Bytes, m.Parameters, m.BitsPerWeight)
	}
	return hash(at+".sha256", m.SHA256)
}

func (c *Candidate) validate(at string, r *Report) error {
	if err := c.Model.validate(at); err != nil {
		return err
	}
	if c.Role != "" && c.Role != Control {
		return wrong(at+".role", "%q is neither %q nor empty", c.Role, Control)
	}
	if c.WorstSlice != "" && r.slice(c.WorstSlice) < 0 {
		return wrong(at+".worst_slice", "%q is none of the data's slices", c.WorstSlice)
	}
	for j := range c.Chunks {
		if err := validateChunk(fmt.Sprintf("%s.chunks[%d]", at, j), &c.Chunks[j], len(r.Data)); err != nil {
			return err
		}
	}
	if c.Metrics != nil {
		if err := agrees(at+".metrics", c.Metrics, c.Chunks); err != nil {
			return err
		}
	}
	for j, s := range c.Slices {
		at := fmt.Sprintf("%s.slices[%d]", at, j)
		k := r.slice(s.Name)
		if k < 0 {
			return wrong(at+".name", "%q is none of the data's slices", s.Name)
		}
		if s.Metrics == nil {
			return wrong(at+".metrics", "is missing")
		}
		var own []eval.ChunkStats
		for _, x := range c.Chunks {
			if x.Slice == k {
				own = append(own, x)
			}
		}
		if err := agrees(at+".metrics", s.Metrics, own); err != nil {
			return err
		}
	}
	for j, t := range c.Tensors {
		if t.Layer < -1 || t.Bytes < 0 || t.Error != nil && *t.Error < 0 {
			return wrong(fmt.Sprintf("%s.tensors[%d]", at, j), "layer %d, bytes %d: layer is from -1, bytes and error are not negative", t.Layer, t.Bytes)
		}
	}
	for j := range c.Tasks {
		if err := validateTask(fmt.Sprintf("%s.tasks[%d]", at, j), &c.Tasks[j]); err != nil {
			return err
		}
	}
	return nil
}

func validateChunk(at string, c *eval.ChunkStats, slices int) error {
	switch {
	case c.Slice < 0 || c.Slice >= slices:
		return wrong(at+".slice", "%d, there are %d slices", c.Slice, slices)
	case c.Tokens <= 0 || c.Bytes < 0:
		return wrong(at+".tokens", "%d tokens of %d bytes", c.Tokens, c.Bytes)
	case len(c.KLDs) != 0 && len(c.KLDs) != c.Tokens:
		return wrong(at+".klds", "%d values for %d tokens", len(c.KLDs), c.Tokens)
	case c.SameTop < 0 || c.SameTop > c.Tokens || c.Top5 < 0 || c.Top5 > 5*c.Tokens:
		return wrong(at+".same_top", "%d, top5 %d of %d tokens", c.SameTop, c.Top5, c.Tokens)
	}
	if len(c.KLDs) > 0 {
		var sum, size float64
		for _, v := range c.KLDs {
			sum += float64(v)
			size += math.Abs(float64(v))
		}
		if math.Abs(sum-c.KLD) > 1e-5*(size+1e-3) { // each was rounded to float32
			return wrong(at+".klds", "add up to %v, kld is %v", sum, c.KLD)
		}
	}
	return nil
}

// agrees checks figures against the sums they were computed from, where those are there.
func agrees(at string, m *eval.Metrics, chunks []eval.ChunkStats) error {
	if m.Perplexity.Value <= 0 || m.Perplexity.Tokens < 0 {
		return wrong(at+".perplexity", "value %v of %d tokens: must be positive", m.Perplexity.Value, m.Perplexity.Tokens)
	}
	c := m.Comparison
	if c != nil && (c.Reference.Value <= 0 || c.Ratio.Value <= 0) {
		return wrong(at+".perplexity_ratio", "ratio %v, reference %v: must be positive", c.Ratio.Value, c.Reference.Value)
	}
	if c != nil && (!share(c.SameTop.Value) || !share(c.TopFive.Value)) {
		return wrong(at+".same_top", "%v, top5_overlap %v: from 0 to 1", c.SameTop.Value, c.TopFive.Value)
	}
	if len(chunks) == 0 {
		return nil
	}
	var tokens, bytes, same, top5 int
	var nll, ref, kld float64
	for _, x := range chunks {
		tokens += x.Tokens
		bytes += x.Bytes
		same += x.SameTop
		top5 += x.Top5
		nll += x.NLL
		ref += x.RefNLL
		kld += x.KLD
	}
	n := float64(tokens)
	if m.Perplexity.Tokens != tokens {
		return wrong(at+".perplexity.tokens", "%d, the chunks have %d", m.Perplexity.Tokens, tokens)
	}
	if k := len(m.Perplexity.Chunks); k != len(chunks) {
		return wrong(at+".perplexity.chunks", "%d running values for %d chunks", k, len(chunks))
	}
	checks := []struct {
		name       string
		found, sum float64
	}{{"perplexity.value", m.Perplexity.Value, math.Exp(nll / n)}}
	if bytes > 0 {
		checks = append(checks, struct {
			name       string
			found, sum float64
		}{"bits_per_byte.value", m.BitsPerByte.Value, nll / float64(bytes) / math.Ln2})
	}
	if c != nil {
		checks = append(checks, []struct {
			name       string
			found, sum float64
		}{
			{"reference_perplexity.value", c.Reference.Value, math.Exp(ref / n)},
			{"perplexity_ratio.value", c.Ratio.Value, math.Exp((nll - ref) / n)},
			{"kld.mean", c.Divergence.Mean, kld / n},
			{"same_top.value", c.SameTop.Value, float64(same) / n},
			{"top5_overlap.value", c.TopFive.Value, float64(top5) / 5 / n},
		}...)
	}
	for _, k := range checks {
		if math.Abs(k.found-k.sum) > tolerance*(math.Abs(k.sum)+1e-6) {
			return wrong(at+"."+k.name, "%v, but the chunks' sums give %v", k.found, k.sum)
		}
	}
	return nil
}

func validateTask(at string, t *task.Result) error {
	if t.Items < 0 || len(t.Answers) != 0 && len(t.Answers) != t.Items {
		return wrong(at+".answers", "%d letters for %d items", len(t.Answers), t.Items)
	}
	if strings.Trim(t.Answers, "rw") != "" {
		return wrong(at+".answers", "has other letters than r and w")
	}
	for name, a := range map[string]*task.Accuracy{"score": &t.Score, "normalized": t.Normalized, "reference": t.Reference} {
		if a != nil && (!share(a.Value) || a.Correct < 0 || a.Correct > t.Items) {
			return wrong(at+"."+name, "%v, %d right of %d", a.Value, a.Correct, t.Items)
		}
	}
	return nil
}

func (g *Gate) validate(r *Report) error {
	if !slices.Contains([]string{Pass, Fail, Inconclusive, Skipped}, g.Verdict) {
		return wrong("gate.verdict", "%q is unknown", g.Verdict)
	}
	if g.Candidate != "" && r.Candidate(g.Candidate) == nil {
		return wrong("gate.candidate", "%q is none of the candidates", g.Candidate)
	}
	for i, x := range g.Gates {
		at := fmt.Sprintf("gate.gates[%d]", i)
		switch {
		case x.ID == "":
			return wrong(at+".id", "is empty")
		case !slices.Contains([]string{Pass, Fail, Inconclusive, Skipped}, x.Verdict):
			return wrong(at+".verdict", "%q is unknown", x.Verdict)
		case x.Level != Error && x.Level != Warn:
			return wrong(at+".level", "%q is neither %q nor %q", x.Level, Error, Warn)
		case x.Op != "<=" && x.Op != ">=":
			return wrong(at+".op", `%q is neither "<=" nor ">="`, x.Op)
		case !share(x.Confidence):
			return wrong(at+".confidence", "%v: from 0 to 1", x.Confidence)
		case x.PFail != nil && !share(*x.PFail):
			return wrong(at+".p_fail", "%v: from 0 to 1", *x.PFail)
		}
	}
	for i, w := range g.Waivers {
		if _, err := time.Parse(time.DateOnly, w.Until); err != nil {
			return wrong(fmt.Sprintf("gate.waivers[%d].until", i), "%q is no date such as 2026-12-31", w.Until)
		}
	}
	return nil
}

func share(v float64) bool { return v >= 0 && v <= 1 }

func hash(at, s string) error {
	if s != "" && !sha256Form.MatchString(s) {
		return wrong(at, "%.70q is no SHA-256 of 64 hexadecimal digits", s)
	}
	return nil
}

// finite finds NaN and infinities, which JSON has no form for, anywhere in v.
func finite(v reflect.Value, at string) error {
	switch v.Kind() {
	case reflect.Float32, reflect.Float64:
		if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			return wrong(at, "is %v", f)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			return finite(v.Elem(), at)
		}
	case reflect.Slice:
		for i := range v.Len() {
			if err := finite(v.Index(i), fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return err
			}
		}
	case reflect.Struct:
		for f, x := range v.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			where := at
			if name != "" {
				where = join(at, name)
			}
			if err := finite(x, where); err != nil {
				return err
			}
		}
	}
	return nil
}
