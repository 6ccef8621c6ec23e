package report

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/task"
)

var sha256Form = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Validate says what is wrong with r, a *FormatError, or nil: numbers are finite, names refer to something, verdicts
// are known ones, and figures are what the chunks' sums give.
func (r *Report) Validate() error {
	if r.Schema != Schema || r.Version != Version {
		return wrong("schema", "must be %q version %d (got %q version %d)", Schema, Version, r.Schema, r.Version)
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
	if c := r.Protocol.Whole(); c.Compute != "exact" && c.Compute != "fast" {
		return wrong("protocol.compute", `must be "exact" or "fast" (got %q)`, c.Compute)
	}
	if p := r.Protocol; !slices.Contains([]string{"", StoppedByWidth, StoppedByTokens}, p.Stopped) {
		return wrong("protocol.stopped", "must be %q, %q or empty (got %q)", StoppedByWidth, StoppedByTokens, p.Stopped)
	} else if p.UntilWidth < 0 || p.UntilWidth >= 1 {
		return wrong("protocol.until_width", "must be at least 0 and below 1 (got %v)", p.UntilWidth)
	}
	for i, d := range r.Data {
		if err := hash(fmt.Sprintf("data[%d].sha256", i), d.SHA256); err != nil {
			return err
		}
		if slices.ContainsFunc(r.Data[:i], func(e Data) bool { return e.Name == d.Name }) {
			return wrong(fmt.Sprintf("data[%d].name", i), "%q appears twice", d.Name)
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
			return wrong(at+".name", "%q appears twice: comparisons need different names", c.Name)
		}
		if err := c.validate(at, r); err != nil {
			return err
		}
		if r.Protocol.SameBytes && !sameBytes(r.measured(), c) {
			return wrong(at+".chunks", "cover other bytes than those of %s, but protocol.same_bytes is set", r.measured().Name)
		}
	}
	if r.Protocol.SameBytes && r.Reference != nil {
		return wrong("reference", "cannot be combined with protocol.same_bytes: its tokenizer is not the candidates'")
	}
	for i, c := range r.Comparisons {
		at := fmt.Sprintf("comparisons[%d]", i)
		switch {
		case r.Candidate(c.A) == nil:
			return wrong(at+".a", "unknown candidate %q", c.A)
		case r.Candidate(c.B) == nil:
			return wrong(at+".b", "unknown candidate %q", c.B)
		case c.Better != "" && c.Better != "a" && c.Better != "b":
			return wrong(at+".better", `must be "a", "b" or "" (got %q)`, c.Better)
		case !share(c.P) || !share(c.PAdjusted):
			return wrong(at+".p", "must be between 0 and 1, as must p_adjusted (got %v and %v)", c.P, c.PAdjusted)
		}
	}
	if r.Calibration != nil {
		if err := hash("calibration.sha256", r.Calibration.SHA256); err != nil {
			return err
		}
	}
	if r.Gate != nil {
		if err := r.Gate.validate(r); err != nil {
			return err
		}
	}
	for i, f := range r.Findings {
		if f.Level != Error && f.Level != Warn {
			return wrong(fmt.Sprintf("findings[%d].level", i), "must be %q or %q (got %q)", Error, Warn, f.Level)
		}
	}
	return nil
}

func (m *Model) validate(at string) error {
	switch {
	case m.Name == "":
		return wrong(at+".name", "is empty")
	case m.Bytes < 0 || m.Parameters < 0 || m.BitsPerWeight < 0:
		return wrong(at, "bytes, parameters and bits_per_weight must not be negative (got %d, %d and %v)", m.Bytes, m.Parameters, m.BitsPerWeight)
	}
	return hash(at+".sha256", m.SHA256)
}

func (c *Candidate) validate(at string, r *Report) error {
	if err := c.Model.validate(at); err != nil {
		return err
	}
	if c.Role != "" && c.Role != Control {
		return wrong(at+".role", "must be %q or empty (got %q)", Control, c.Role)
	}
	if c.WorstSlice != "" && r.Slice(c.WorstSlice) < 0 {
		return wrong(at+".worst_slice", "unknown slice %q", c.WorstSlice)
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
		k := r.Slice(s.Name)
		if k < 0 {
			return wrong(at+".name", "unknown slice %q", s.Name)
		}
		if s.Metrics == nil {
			return wrong(at+".metrics", "is missing")
		}
		var own []figure.ChunkStats
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
			return wrong(fmt.Sprintf("%s.tensors[%d]", at, j), "layer %d and bytes %d: the layer must be at least -1, bytes and error must not be negative", t.Layer, t.Bytes)
		}
	}
	if p := c.Parity; p != nil && (p.Chunks < 0 || p.Difference != nil && *p.Difference < 0) {
		return wrong(at+".parity", "chunks and difference must not be negative")
	}
	for j := range c.Tasks {
		if err := validateTask(fmt.Sprintf("%s.tasks[%d]", at, j), &c.Tasks[j]); err != nil {
			return err
		}
	}
	return nil
}

func validateTask(at string, t *task.Result) error {
	if t.Items < 0 || len(t.Answers) != 0 && len(t.Answers) != t.Items {
		return wrong(at+".answers", "has %d letters for %d items", len(t.Answers), t.Items)
	}
	if strings.Trim(t.Answers, "rw") != "" {
		return wrong(at+".answers", "must have only the letters r and w")
	}
	for name, a := range map[string]*task.Accuracy{"score": &t.Score, "normalized": t.Normalized, "reference": t.Reference} {
		if a != nil && (!share(a.Value) || a.Correct < 0 || a.Correct > t.Items) {
			return wrong(at+"."+name, "is %v, but %d of %d are right", a.Value, a.Correct, t.Items)
		}
	}
	return nil
}

func (g *Gate) validate(r *Report) error {
	if !slices.Contains([]string{Pass, Fail, Inconclusive, Skipped}, g.Verdict) {
		return wrong("gate.verdict", "unknown verdict %q", g.Verdict)
	}
	if g.Candidate != "" && r.Candidate(g.Candidate) == nil {
		return wrong("gate.candidate", "unknown candidate %q", g.Candidate)
	}
	for i, x := range g.Gates {
		at := fmt.Sprintf("gate.gates[%d]", i)
		switch {
		case x.ID == "":
			return wrong(at+".id", "is empty")
		case !slices.Contains([]string{Pass, Fail, Inconclusive, Skipped}, x.Verdict):
			return wrong(at+".verdict", "unknown verdict %q", x.Verdict)
		case x.Level != Error && x.Level != Warn:
			return wrong(at+".level", "must be %q or %q (got %q)", Error, Warn, x.Level)
		case x.Op != "<=" && x.Op != ">=":
			return wrong(at+".op", `must be "<=" or ">=" (got %q)`, x.Op)
		case !share(x.Confidence):
			return wrong(at+".confidence", "must be between 0 and 1 (got %v)", x.Confidence)
		case x.PFail != nil && !share(*x.PFail):
			return wrong(at+".p_fail", "must be between 0 and 1 (got %v)", *x.PFail)
		}
	}
	for i, w := range g.Waivers {
		if _, err := time.Parse(time.DateOnly, w.Until); err != nil {
			return wrong(fmt.Sprintf("gate.waivers[%d].until", i), "must be a date such as 2026-12-31 (got %q)", w.Until)
		}
	}
	return hash("gate.policy_sha256", g.PolicySHA256)
}

func share(v float64) bool { return v >= 0 && v <= 1 }

func hash(at, s string) error {
	if s != "" && !sha256Form.MatchString(s) {
		return wrong(at, "must be a SHA-256 of 64 hexadecimal digits (got %.70q)", s)
	}
	return nil
}

// finite finds NaN and infinities, which JSON has no form for, anywhere in v.
func finite(v reflect.Value, at string) error {
	switch v.Kind() {
	case reflect.Float32, reflect.Float64:
		if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			return wrong(at, "must be finite (got %v)", f)
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
