package page

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/internal/display"
)

// Card is CardOf with the reference's name as the base model.
func Card(w io.Writer, r *report.Report) error { return CardOf(w, r, "") }

// CardOf writes a model card for the Hugging Face Hub: front matter with base_model, base_model_relation and a
// model-index of the figures (huggingface.co/docs/hub/model-cards), and a section with the figures and how to measure them again. Controls are left out.
// baseModel is the repository of the source, "org/name"; "" takes the reference's name.
func CardOf(w io.Writer, r *report.Report, baseModel string) error {
	return Front{BaseModel: baseModel}.Card(w, r)
}

// Front is what a model card says beside what a report knows. Empty fields are left out.
type Front struct {
	BaseModel   string // the repository of the source, "org/name"
	License     string // as the hub names it, "apache-2.0"
	QuantizedBy string
	Intro       string // Markdown that stands first
}

// Card is CardOf with a Front. A report without candidates adds nothing.
func (f Front) Card(w io.Writer, r *report.Report) error {
	var own []*report.Candidate
	for i := range r.Candidates {
		if c := &r.Candidates[i]; c.Role != report.Control && c.Metrics != nil {
			own = append(own, c)
		}
	}
	if f.BaseModel == "" && r.Reference != nil {
		f.BaseModel = r.Reference.Name
	}
	k := modelCard{r: r, own: own}
	k.frontMatter(f)
	k.WriteString(f.Intro)
	if f.Intro == "" || len(own) > 0 {
		k.body()
	}
	_, err := io.WriteString(w, k.String())
	return err
}

const home = "https://github.com/carat-llm/carat"

type modelCard struct {
	strings.Builder
	r   *report.Report
	own []*report.Candidate
}

func (k *modelCard) linef(format string, args ...any) { fmt.Fprintf(k, format+"\n", args...) }

// yamlString quotes as JSON does, which YAML reads alike.
func yamlString(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(clean(s)); err != nil {
		panic(err) // of a string
	}
	return strings.TrimSpace(b.String())
}

func (k *modelCard) frontMatter(f Front) {
	k.linef("---")
	for _, line := range [][2]string{{"license", f.License}, {"base_model", f.BaseModel}, {"quantized_by", f.QuantizedBy}} {
		if line[1] != "" {
			k.linef("%s: %s", line[0], yamlString(line[1]))
		}
	}
	k.linef("base_model_relation: quantized\nlibrary_name: gguf\npipeline_tag: text-generation\ntags:\n- gguf\n- quantized\n- carat")
	if len(k.own) > 0 {
		k.linef("model-index:")
	}
	for _, c := range k.own {
		k.linef("- name: %s\n  results:", yamlString(c.Name))
		if len(c.Slices) == 0 {
			name := "evaluation text"
			if len(k.r.Data) == 1 {
				name = k.r.Data[0].Name
			}
			k.result(name, c.Metrics)
		}
		for _, s := range c.Slices {
			k.result(s.Name, s.Metrics)
		}
		for _, t := range c.Tasks {
			k.dataset(t.Task, t.SHA256)
			k.metric("accuracy", "accuracy", t.Score.Value)
			k.source()
		}
	}
	k.linef("---\n")
}

func (k *modelCard) result(data string, m *figure.Metrics) {
	sha := ""
	if i := k.r.Slice(data); i >= 0 {
		sha = k.r.Data[i].SHA256
	}
	k.dataset(data, sha)
	k.metric("perplexity", "perplexity", m.Perplexity.Value)
	k.metric("bits_per_byte", "bits per byte", m.BitsPerByte.Value)
	if m.Comparison != nil {
		k.metric("kl_divergence", "KL divergence from the base model, mean, nats", m.Divergence.Mean)
		k.metric("kl_divergence_p99", "KL divergence from the base model, 99th percentile, nats", m.Divergence.P99)
		k.metric("same_top_token", "same top token as the base model", m.SameTop.Value)
		k.metric("perplexity_ratio", "perplexity over the base model's", m.Ratio.Value)
	}
	k.source()
}

// dataset begins a result. The revision is the text's SHA-256.
func (k *modelCard) dataset(name, sha string) {
	k.linef("  - task:\n      type: text-generation\n      name: Text Generation\n    dataset:\n      type: %s\n      name: %s", yamlString(slug(name)), yamlString(name))
	if sha != "" {
		k.linef("      revision: %s", yamlString(sha))
	}
	k.linef("    metrics:")
}

// source ends a result: who measured.
func (k *modelCard) source() {
	k.linef("    source:\n      name: %s\n      url: %s", yamlString(k.r.Tool.Name+" "+k.r.Tool.Version), home)
}

func (k *modelCard) metric(kind, name string, v float64) {
	k.linef("    - type: %s\n      value: %s\n      name: %s", kind, yamlNumber(v), yamlString(name))
}

// yamlNumber has a point: YAML 1.1, which the Hub's tools read, takes 1e-05 for text.
func yamlNumber(v float64) string {
	s := exact(v)
	if i := strings.IndexByte(s, 'e'); i >= 0 && !strings.Contains(s, ".") {
		return s[:i] + ".0" + s[i:]
	}
	return s
}

// slug is a name as a dataset's type may be written.
func slug(s string) string {
	out := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', r == '_', r == '.', r == '/':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, s)
	if out == "" {
		return "text"
	}
	return out
}

func (k *modelCard) body() {
	r := k.r
	k.linef("## Fidelity\n")
	if r.Reference != nil {
		k.linef("Measured against %s (%s) on the same tokens; intervals of 95 %% treat chunks of text as independent.\n", md(r.Reference.Name), md(about(r.Reference)))
	} else {
		k.linef("Intervals of 95 %% treat chunks of text as independent.\n")
	}
	m := markdown{r: r}
	if some(r, (*report.Candidate).Paired) {
		m.Table("lrrrrrrr", "file", "size", "bits/weight", "KL divergence", "95 % interval", "99 %", "same top token", "perplexity ratio")
	} else {
		m.Table("lrrrrr", "file", "size", "bits/weight", "perplexity", "95 % interval", "bits/byte")
	}
	for _, c := range k.own {
		row := []string{md(c.Name), display.Bytes(c.Bytes), fmt.Sprintf("%.3f", c.BitsPerWeight)}
		if x := c.Metrics; x.Comparison != nil {
			d := x.Divergence
			row = append(row, figure.Nats(d.Mean), showInterval("kld.mean", d.CI), figure.Nats(d.P99), figure.Percent(x.SameTop.Value), show("ppl.ratio", x.Ratio.Value))
		} else {
			row = append(row, show("ppl", x.Perplexity.Value), showInterval("ppl", x.Perplexity.CI), show("bits_per_byte", x.BitsPerByte.Value))
		}
		m.Row(row...)
	}
	k.WriteString(m.String())
	k.linef("\n### Reproduce\n")
	k.linef("%s; texts and files by SHA-256:\n", upperFirst(scored(r, focus(r))))
	m = markdown{r: r}
	m.Table("ll", "file", "SHA-256")
	for _, c := range k.own {
		m.Row(md(c.Name), "`"+c.SHA256+"`")
	}
	for _, d := range r.Data {
		name := md(d.File)
		if d.Name != d.File && d.Name != "" {
			name = md(d.Name) + ", " + name
		}
		m.Row(name, "`"+d.SHA256+"`")
	}
	k.WriteString(m.String())
	k.linef("\n```\n%s\n```\n", k.command())
	k.linef("Made with %s %s.", md(r.Tool.Name), md(r.Tool.Version))
}

// command measures again: with the report's texts and protocol.
func (k *modelCard) command() string {
	s := "carat eval"
	if len(k.own) > 1 {
		s = "carat compare"
	}
	for _, c := range k.own {
		s += " " + shellWord(c.Name)
	}
	if k.r.Reference != nil {
		s += " --reference " + shellWord(k.r.Reference.Name)
	}
	seen := map[string]bool{}
	for _, d := range k.r.Data {
		if !seen[d.File] {
			s += " --text " + shellWord(d.File)
			seen[d.File] = true
		}
	}
	s += fmt.Sprintf(" --ctx %d", k.r.Protocol.Context)
	if k.r.Protocol.Stride > 0 {
		s += fmt.Sprintf(" --stride %d", k.r.Protocol.Stride)
	}
	if p := k.r.Protocol; !p.Usual() {
		s += fmt.Sprintf(" --compute %s --kv-type %s", shellWord(p.Whole().Compute), shellWord(strings.ToLower(p.Whole().KVType)))
	}
	if k.r.Protocol.UntilWidth > 0 {
		s += fmt.Sprintf(" --until-width %v", k.r.Protocol.UntilWidth)
	}
	return s
}

// shellWord quotes what a shell would not take as it is.
func shellWord(s string) string {
	s = strings.ReplaceAll(clean(s), "```", "")
	if s != "" && !strings.HasPrefix(s, "-") && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/+:,@%") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
