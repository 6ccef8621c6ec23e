package gate

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/recipe"
	"github.com/stretchr/testify/require"
)

const gates = "gates: [{metric: kld.mean, value: 0.1}]\n"

func parse(t *testing.T, text string) *Policy {
	t.Helper()
	p, err := Parse("p.yaml", strings.NewReader(text))
	require.NoError(t, err, text)
	return p
}

func TestParseEveryKey(t *testing.T) {
	sum := strings.Repeat("ab", 32)
	p := parse(t, `
version: 1
profile: smoke
tokens: 2_000
ctx: 256
model: {source: ./ckpt, expect_arch: llama, require: [chat_template, general.name]}
target: {type: q4_k_m, imatrix: im.gguf, llama_cpp: bin/llama-perplexity, max_bytes: 106583616, types: [Q4_K, f32], min_type: {token_embd: Q5_0}}
data:
  calib: sha256:`+sum+`
  eval: [{name: code, path: code.txt, sha256: `+sum+`, tokens: 4096}, {path: c.jsonl, text_field: t, slice_field: s}]
  forbid_overlap: true
reference: {source: ./ref, dtype: bf16}
baseline: {report: last.json, sha256: "sha256:`+sum+`", control: llamacpp-q4_k_m-imatrix}
gates:
  - {id: kld, metric: kld.mean, scope: worst_slice, op: "<=", value: 0.05, confidence: 0.99}
  - {id: code, metric: same_top, scope: "slice:code", value: 0.93, level: warn}
  - {id: noninf, metric: kld.mean, vs: baseline, rel_margin: 0.03}
  - {id: speed, metric: decode.tok_s, vs: control, rel_margin: -0.10, level: warn, on_noise: fail}
  - {metric: bytes, value: target}
  - {metric: task.arc-easy.score, value: 0.4}
inconclusive: more_data(max_tokens=9000)
allow: [{gate: kld, until: 2026-12-31, reason: known}]
`)
	require.Equal(t, Model{"./ckpt", "llama", []string{"chat_template", "general.name"}}, p.Model)
	require.Equal(t, Target{Type: "Q4_K_M", Imatrix: "im.gguf", LlamaCPP: "bin/llama-perplexity", MaxBytes: 106583616, Types: []gguf.Type{gguf.Q4_K, gguf.F32},
		MinType: []MinType{{"token_embd", gguf.Q5_0, 7}}}, p.Target)
	require.Equal(t, Data{CalibrationSHA256: sum, ForbidOverlap: true, Eval: []Text{
		{Name: "code", Path: "code.txt", SHA256: sum, Tokens: 4096, Line: 10},
		{Path: "c.jsonl", TextField: "t", SliceField: "s", Line: 10}}}, p.Data)
	require.Equal(t, Reference{"./ref", "bf16"}, p.Reference)
	require.Equal(t, Baseline{Report: "last.json", SHA256: sum}, p.Baseline)
	require.Equal(t, Control{"llamacpp-q4_k_m-imatrix", recipe.Q4_K_M, true}, p.Control)
	require.Equal(t, []Gate{
		{"kld", "kld.mean", ScopeWorst, AtMost, 0.05, 0.99, "", report.Error, Skip, 15},
		{"code", "same_top", "slice:code", AtLeast, 0.93, 0.95, "", report.Warn, Skip, 16},
		{"noninf", "kld.mean", ScopeAll, AtMost, 0.03, 0.95, VersusBaseline, report.Error, Skip, 17},
		{"speed", "decode.tok_s", ScopeAll, AtLeast, -0.10, 0.95, VersusControl, report.Warn, Fail, 18},
		{"bytes", "bytes", ScopeAll, AtMost, 106583616, 0.95, "", report.Error, Skip, 19},
		{"task.arc-easy.score", "task.arc-easy.score", ScopeAll, AtLeast, 0.4, 0.95, "", report.Error, Skip, 20},
		{"findings", "findings", ScopeAll, AtMost, 0, 0.95, "", report.Error, Skip, 0}, // since it asks something of the model
	}, p.Gates)
	require.Equal(t, []any{2000, 9000, 256, MoreData}, []any{p.Tokens, p.MaxTokens, p.Context, p.Inconclusive})
	require.Equal(t, []Waiver{{"kld", "2026-12-31", "known"}}, p.Allow)
}

// TestParseExample: the policy that the format was designed from, with one of each alternative ("a | b").
func TestParseExample(t *testing.T) {
	sum := strings.Repeat("0a", 32)
	for _, c := range []struct {
		size, release, inconclusive, unit string
		tokens                            int
	}{
		{"max_bytes: 106583616", "latest", "fail", "bytes", 16384}, {"bpw: 4.85", "sha256:" + sum, "warn", "bits_per_weight", 16384},
		{"max_bytes: 106583616", "latest", "more_data(max_tokens=262144)", "bytes", 262144},
	} {
		p := parse(t, `
version: 1
model:      {source: ./ckpt, expect_arch: llama, require: [chat_template, tokenizer_pre]}
target:     {`+c.size+`, types: compat-llama.cpp-b4500, min_type: {token_embd: Q5_0}}
data:       {calib: sha256:`+sum+`, eval: [{name: code, sha256: `+sum+`, tokens: 4096}], forbid_overlap: true}
reference:  {dtype: bf16}                     # fidelity reference
baseline:   {release: `+c.release+` , control: llamacpp-q4_k_m-imatrix}
gates:
  - {id: kld,    metric: kld.mean,  scope: worst_slice, op: "<=", value: 0.05, confidence: 0.95}
  - {id: tail,   metric: kld.p99,   op: "<=", value: 0.6}
  - {id: top1,   metric: same_top,  op: ">=", value: 0.93}
  - {id: ppl,    metric: ppl.ratio, op: "<=", value: 1.02}
  - {id: noninf, metric: kld.mean,  vs: baseline, rel_margin: 0.03}      # must not be worse than last release by >3 %
  - {id: better, metric: kld.mean,  vs: control,  rel_margin: -0.25, level: warn}
  - {id: speed,  metric: decode.tok_s, vs: baseline, rel_margin: -0.10, level: warn, on_noise: skip}
  - {id: size,   metric: `+c.unit+`, op: "<=", value: target}
  - {id: loads,  metric: parity.llama_cpp, op: "<=", value: 1e-2, level: warn}
inconclusive: `+c.inconclusive+`
`)
		require.Len(t, p.Gates, 10, "nine, and one on what it asks of the structure")
		require.Equal(t, Gate{"loads", "parity.llama_cpp", ScopeAll, AtMost, 0.01, 0.95, "", report.Warn, Skip, 17}, p.Gates[8])
		require.Equal(t, c.tokens, p.MaxTokens)
		require.Equal(t, Needs{Speed: true, Parity: true}, p.Needs())
	}
}

func TestParseJSON(t *testing.T) {
	p := parse(t, `{"version": 1, "control": {"type": "Q4_K_M"}, "gates": [{"metric": "kld.mean", "vs": "control", "rel_margin": -0.25}]}`)
	require.Equal(t, "llamacpp-q4_k_m", p.Control.Name)
	require.Equal(t, -0.25, p.Gates[0].Value)
}

func TestTokensOfProfiles(t *testing.T) {
	for text, want := range map[string][2]int{
		"":                                {16384, 65536},
		"profile: smoke":                  {4096, 8192},
		"profile: release":                {131072, 262144},
		"inconclusive: fail":              {16384, 16384},
		"inconclusive: warn\ntokens: 100": {100, 100},
		"tokens: 100000":                  {100000, 100000},
		"max_tokens: 1000":                {1000, 1000},
		"inconclusive: more_data(max_tokens=99999)": {16384, 99999},
		"inconclusive: fail\nmax_tokens: 99999":     {16384, 99999},
	} {
		p := parse(t, "version: 1\n"+gates+text)
		require.Equal(t, want, [2]int{p.Tokens, p.MaxTokens}, text)
	}
}

func TestParseRefuses(t *testing.T) {
	const head = "version: 1\n" + gates
	gate := func(s string) string { return "version: 1\ngates:\n  - {id: a, " + s + "}" }
	for text, reason := range map[string]string{
		"":                                "p.yaml: the file is empty",
		"a: [":                            "bad policy: p.yaml: not YAML or JSON: yaml: line 2: did not find expected node content",
		"[1]":                             "line 1: the policy: found a list, expected lines of KEY: VALUE",
		"version: 1":                      "line 1: gates: missing",
		gates:                             "line 1: version: missing, expected version: 1",
		"version: 2\n" + gates:            `line 1: version: found "2", expected one of 1`,
		head + "---\na: 1":                "more than one YAML document",
		head + "gate: []":                 `line 3: the policy: unknown key: found "gate", expected one of allow, baseline`,
		head + "version: 1":               "line 3: version: appears twice, first in line 1",
		head + "profile: large":           `line 3: profile: found "large", expected one of smoke, pr, release`,
		head + "tokens: 0":                `line 3: tokens: found "0", expected a whole number between 1`,
		head + "tokens: x":                `line 3: tokens: found "x"`,
		head + "ctx: 3":                   `line 3: ctx: found "3", expected a whole number between 4`,
		head + "tokens: 9\nmax_tokens: 8": "max_tokens: found 8, expected at least tokens, 9",
		head + "max_tokens: 99999\ninconclusive: more_data(max_tokens=7)":      "max_tokens: found 99999 here and 7 at inconclusive",
		head + "inconclusive: maybe":                                           `line 3: inconclusive: found "maybe", expected one of fail, warn, more_data`,
		head + "inconclusive: more_data(max_tokens=0)":                         `inconclusive.max_tokens: found "0"`,
		head + "model: {arch: x}":                                              `line 3: model: unknown key: found "arch"`,
		head + "model: {source: }":                                             `line 3: model.source: found "", expected a text`,
		head + "model: {source: [a]}":                                          "line 3: model.source: found a list, expected a text",
		head + "model: {source: &a x, expect_arch: *a}":                        "found an alias",
		head + "model: {require: [tmpl]}":                                      `model.require[0]: found "tmpl", expected one of bos, chat_template`,
		head + "target: {type: Q9}":                                            `target.type: found "Q9", expected a file type`,
		head + "target: {type: COPY}":                                          `target.type: found "COPY"`,
		head + "target: {max_bytes: 1, bpw: 4}":                                "target: found max_bytes and bpw, expected one",
		head + "target: {type: Q8_0, recipe: a}":                               "target: found type and recipe",
		head + "target: {bpw: 0}":                                              `target.bpw: found "0"`,
		head + "target: {bpw: .nan}":                                           `target.bpw: found ".nan"`,
		head + "target: {types: compat-x}":                                     `target.types: found "compat-x", expected a list of tensor types or one of compat-llama.cpp-b4500`,
		head + "target: {types: [Q9]}":                                         `target.types[0]: found "Q9"`,
		head + "target: {min_type: {token_embd: Q9}}":                          `target.min_type.token_embd: found "Q9"`,
		head + "target: {min_type: [a]}":                                       "target.min_type: found a list",
		head + "data: {calib: sha256:12}":                                      `data.calib: found "sha256:12"`,
		head + "data: {eval: a.txt}":                                           `data.eval: found "a.txt", expected a list`,
		head + "data: {eval: [{name: a}]}":                                     "data.eval[0].path: missing",
		head + "data: {eval: [{name: a, path: a}, {name: a, path: b}]}":        `data.eval[1].name: found "a" again`,
		head + "data: {eval: [{path: a, sha256: zz}]}":                         `data.eval[0].sha256: found "zz"`,
		head + "data: {forbid_overlap: maybe}":                                 `data.forbid_overlap: found "maybe", expected true or false`,
		head + "reference: {dtype: q8}":                                        `reference.dtype: found "q8"`,
		head + "baseline: {report: a, release: latest}":                        "baseline: found report and release",
		head + "baseline: {release: v1}":                                       `baseline.release: found "v1"`,
		head + "control: q4":                                                   `control: found "q4", expected llamacpp-TYPE`,
		head + "control: llamacpp-q9":                                          `control: found "llamacpp-q9"`,
		head + "control: {name: x}":                                            "control.type: missing",
		head + "control: llamacpp-q8_0\nbaseline: {control: llamacpp-q8_0}":    "a second control",
		"version: 1\ngates: []":                                                "gates: found 0, expected 1 to 1000",
		"version: 1\ngates: [a]":                                               `gates[0]: found "a", expected lines of KEY: VALUE`,
		gate("value: 1"):                                                       "line 3: gates[0].metric: missing, expected one of ppl,",
		gate("metric: kld, value: 1"):                                          `gates[0].metric: found "kld", expected one of ppl,`,
		gate("metric: task.x, value: 1"):                                       `gates[0].metric: found "task.x"`,
		gate("metric: task..score, value: 1"):                                  `gates[0].metric: found "task..score"`,
		gate("metric: ppl"):                                                    "gates[0].value: missing",
		gate("metric: ppl, value: x"):                                          `gates[0].value: found "x", expected a number`,
		gate("metric: ppl, value: .inf"):                                       `gates[0].value: found ".inf"`,
		gate("metric: ppl, value: target"):                                     "only bytes and bits_per_weight have a target",
		gate("metric: bytes, value: target"):                                   "expected target.max_bytes in the policy",
		gate("metric: bits_per_weight, value: target"):                         "expected target.bpw in the policy",
		gate("metric: bytes, value: 1, scope: worst_slice"):                    `gates[0].scope: found "worst_slice", expected all: bytes has no slices`,
		gate("metric: ppl, value: 1, scope: some"):                             `gates[0].scope: found "some"`,
		gate("metric: ppl, value: 1, op: <"):                                   `gates[0].op: found "<", expected one of <=, >=`,
		gate("metric: ppl, value: 1, confidence: 1"):                           `gates[0].confidence: found "1"`,
		gate("metric: ppl, value: 1, level: info"):                             `gates[0].level: found "info"`,
		gate("metric: ppl, value: 1, on_noise: x"):                             `gates[0].on_noise: found "x"`,
		gate("metric: ppl, value: 1, rel_margin: 1"):                           "gates[0].rel_margin: found without vs",
		gate("metric: ppl, vs: baseline, value: 1"):                            "gates[0].value: found together with vs",
		gate("metric: ppl, vs: baseline"):                                      "gates[0].rel_margin: missing",
		gate("metric: ppl, vs: baseline, rel_margin: -2"):                      `gates[0].rel_margin: found "-2"`,
		gate("metric: ppl, vs: control, rel_margin: 0"):                        "expected a control in the policy",
		gate("metric: findings, vs: baseline, rel_margin: 0"):                  "findings has no relative difference",
		gate("metric: ppl, value: 1") + "\n  - {id: a, metric: ppl, value: 2}": `gates[1].id: found "a" again`,
		"version: 1\ngates: [{id: a b, metric: ppl, value: 1}]":                `gates[0].id: found "a b"`,
		head + "allow: [{gate: x, until: 2026-01-01, reason: y}]":              `allow[0].gate: found "x", expected the id of a gate`,
		head + "allow: [{gate: kld.mean, until: soon, reason: y}]":             `allow[0].until: found "soon", expected a date`,
		head + "allow: [{gate: kld.mean, until: 2026-01-01}]":                  `expected all three`,
	} {
		_, err := Parse("p.yaml", strings.NewReader(text))
		require.ErrorIs(t, err, ErrPolicy, "%q", text)
		require.ErrorContains(t, err, reason, "%q", text)
	}
	_, err := Load("no/such/policy.yaml")
	require.ErrorIs(t, err, ErrPolicy)
}

func TestDefaultPolicy(t *testing.T) {
	p := Default()
	require.Equal(t, "pr", p.Profile)
	require.Len(t, p.Gates, 7)
	// What is commented out must be valid, too: users remove the "# ".
	text := regexp.MustCompile(`(?m)^(  )?# (model:|target:|data:|allow:|- \{id|  )`).ReplaceAllString(DefaultText(), "$1$2")
	text = regexp.MustCompile(`(?m)^  Q8_0 0.01.*$`).ReplaceAllString(text, "")
	full := parse(t, text)
	require.Len(t, full.Gates, 11, text)
	require.Equal(t, "llama", full.Model.ExpectArch)
	require.Len(t, full.Data.Eval, 2)
	require.Len(t, full.Allow, 1)
}

func TestNeeds(t *testing.T) {
	for gate, want := range map[string]Needs{
		"metric: kld.mean, value: 1":                {},
		"metric: decode.tok_s, value: 1":            {Speed: true},
		"metric: peak_memory, value: 1":             {Speed: true},
		"metric: load.warm, value: 1":               {Speed: true, Load: true},
		"metric: energy.joules_per_token, value: 1": {Speed: true, Energy: true},
		"metric: tensor.error.max, value: 1":        {Tensors: true},
		"metric: parity.llama_cpp, value: 1":        {Parity: true},
	} {
		require.Equal(t, want, parse(t, "version: 1\ngates: [{"+gate+"}]").Needs(), gate)
	}
}

// What a policy asks of the model's structure bears on the verdict without a gate, too.
func TestFindingsAreGated(t *testing.T) {
	for text, want := range map[string]int{
		"":                             1,
		"model: {source: a}":           1,
		"model: {expect_arch: llama}":  2,
		"target: {types: [Q4_K]}":      2,
		"data: {forbid_overlap: true}": 2,
		"data: {eval: [{path: a, sha256: " + strings.Repeat("0", 64) + "}]}": 2,
	} {
		require.Len(t, parse(t, "version: 1\n"+gates+text).Gates, want, text)
	}
	p := parse(t, "version: 1\nmodel: {expect_arch: llama}\ngates: [{id: structure, metric: findings, value: 2, level: warn}]")
	require.Len(t, p.Gates, 1, "its own gate on findings stays the only one")
}

func TestSetProfile(t *testing.T) {
	p := parse(t, "version: 1\ntokens: 5\n"+gates)
	require.NoError(t, p.SetProfile("smoke"))
	require.Equal(t, []any{"smoke", 4096, 8192}, []any{p.Profile, p.Tokens, p.MaxTokens})
	p = parse(t, "version: 1\ninconclusive: fail\n"+gates)
	require.NoError(t, p.SetProfile("release"))
	require.Equal(t, 131072, p.MaxTokens)
	require.ErrorContains(t, p.SetProfile("huge"), `unknown profile "huge"; expected smoke, pr or release`)
}

func TestTaskFiles(t *testing.T) {
	p := parse(t, "version: 1\n"+gates+"data: {tasks: [{task: hellaswag, path: h.txt, limit: 400}]}")
	require.Equal(t, []Task{{"hellaswag", "h.txt", 400}}, p.Data.Tasks)
	for text, reason := range map[string]string{
		"[{task: chess, path: a}]":                                 `data.tasks[0].task: found "chess"`,
		"[{task: hellaswag}]":                                      "a task needs task and path",
		"[{task: hellaswag, path: a}, {task: hellaswag, path: b}]": `data.tasks[1].task: found "hellaswag" again`,
		"[{task: hellaswag, path: a, limit: 0}]":                   `data.tasks[0].limit: found "0"`,
	} {
		_, err := Parse("p", strings.NewReader("version: 1\n"+gates+"data: {tasks: "+text+"}"))
		require.ErrorIs(t, err, ErrPolicy)
		require.ErrorContains(t, err, reason)
	}
}

func TestMetricsOfTheList(t *testing.T) {
	for _, name := range report.Bounded() {
		_, ok := metric(strings.Replace(name, "NAME", "arc-easy", 1))
		require.True(t, ok, name)
	}
}

// Every fenced yaml block of the page parses.
func TestDocumentedPolicies(t *testing.T) {
	b, err := os.ReadFile("../../docs/policy.md")
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(b), -1)
	require.NotEmpty(t, blocks)
	for _, m := range blocks {
		parse(t, m[1])
	}
	for _, name := range report.Bounded() {
		require.Contains(t, string(b), "`"+name+"`", "docs/policy.md lists every metric")
	}
	for name := range typeSets {
		require.Contains(t, string(b), name)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(defaultText)
	f.Add("version: 1\ngates: [{metric: kld.mean, value: 0.1, scope: worst_slice}]\ninconclusive: more_data(max_tokens=3)")
	f.Add(`{"version": 1, "baseline": {"control": "llamacpp-q8_0"}, "gates": [{"metric": "task.a.score", "vs": "control", "rel_margin": 0}]}`)
	f.Add("a: &a [*a]")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse("p", strings.NewReader(text))
		if err != nil {
			require.ErrorIs(t, err, ErrPolicy)
			return
		}
		require.NotEmpty(t, p.Gates)
		require.LessOrEqual(t, p.Tokens, p.MaxTokens)
		_, err = Judge(p, &report.Report{Candidates: make([]report.Candidate, 1)}, 0, nil, Options{})
		require.NoError(t, err)
	})
}
