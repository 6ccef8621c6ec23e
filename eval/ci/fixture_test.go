package ci

import (
	"fmt"
	"io"
	"strings"

	"github.com/carat-llm/carat/eval/bench"
	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/eval/task"
)

func sha(digit string) string { return strings.Repeat(digit, 64) }

func ptr(v float64) *float64 { return &v }

func metrics(kld float64) *figure.Metrics {
	at := func(v float64) figure.Estimate {
		return figure.Estimate{Value: v, StdErr: v / 100, ClusteredStdErr: v / 80, CI: &figure.Interval{Low: v * 0.975, High: v * 1.025}}
	}
	return &figure.Metrics{
		Perplexity: figure.Perplexity{Estimate: at(18.25), Tokens: 16320}, BitsPerByte: at(0.875),
		Comparison: &figure.Comparison{
			Reference: figure.Perplexity{Estimate: at(18)}, Ratio: at(1.0078125), SameTop: at(0.9375), TopFive: at(0.96875), DeltaP: at(0.03125),
			Divergence: figure.Divergence{Mean: kld, CI: &figure.Interval{Low: kld * 0.9, High: kld * 1.1}, P95: kld * 4, P99: kld * 10,
				P99CI: &figure.Interval{Low: kld * 8, High: kld * 12}, P999: kld * 30},
		},
	}
}

// ordinary is a report with something in every part that outputs read.
func ordinary() *report.Report {
	return &report.Report{
		Schema: report.Schema, Version: report.Version, Tool: report.Tool{Name: "carat", Version: "v1.2.3"}, Command: "gate", Complete: true,
		Protocol: report.Protocol{Context: 512, Chunks: 64},
		Data: []report.Data{
			{Name: "prose", File: "prose.txt", SHA256: sha("1"), Bytes: 40000, Tokens: 8192, Chunks: 32},
			{Name: "code", File: "code.txt", SHA256: sha("2"), Bytes: 30000, Tokens: 8192, Chunks: 32},
		},
		Calibration: &report.Calibration{File: "calibration.txt", SHA256: sha("3")},
		Reference: &report.Model{Name: "smol", SHA256: sha("4"), Bytes: 269060736, Architecture: "llama", FileType: "BF16",
			Parameters: 134515008, BitsPerWeight: 16, Title: "Smol"},
		Candidates: []report.Candidate{
			{Model: report.Model{Name: "control.gguf", SHA256: sha("5"), Bytes: 110000000, FileType: "Q4_K_M"}, Role: "control", Metrics: metrics(0.0625)},
			{
				Model: report.Model{Name: "smol-Q4_K_M.gguf", SHA256: sha("6"), Bytes: 105454432, Architecture: "llama", FileType: "Q4_K_M",
					Parameters: 134515008, BitsPerWeight: 6.25, Title: "Smol"},
				Metrics:    metrics(0.03125),
				Slices:     []report.Slice{{Name: "prose", Metrics: metrics(0.015625)}, {Name: "code", Metrics: metrics(0.046875)}},
				WorstSlice: "code", EffectiveBits: ptr(6.5),
				Latency: &bench.Result{PeakMemory: 200 << 20, Tests: []bench.Test{
					{Name: "pp512", TokensPerSecond: bench.Spread{Median: 512}, FirstToken: &bench.Quantiles{P50: 1}},
					{Name: "tg128", TokensPerSecond: bench.Spread{Median: 64}, InterToken: &bench.Quantiles{P50: 0.015625, P95: 0.03125}},
				}},
				Tasks: []task.Result{{Task: "hellaswag", Score: task.Accuracy{Correct: 50, Value: 0.5, Low: 0.4, High: 0.6}, Flips: &task.Flips{Rate: 0.02}}},
			},
		},
		Gate: &report.Gate{
			Verdict: report.Fail, ExitCode: 1, Policy: "carat.yaml", PolicySHA256: sha("7"), Candidate: "smol-Q4_K_M.gguf", Tokens: 16320, MaxTokens: 262144, Looks: 2,
			Gates: []report.Result{
				{ID: "kld", Metric: "kld.mean", Scope: "worst_slice", Slice: "code", Op: "<=", Limit: 0.04, Value: 0.046875, Level: report.Error,
					Verdict: report.Fail, Message: "kld.mean of code is 0.0469 (at least 0.043 with 95 % confidence), the limit is 0.04", Line: 12},
				{ID: "top1", Metric: "same_top", Op: ">=", Limit: 0.9375, Value: 0.9375, Level: report.Error, Verdict: report.Inconclusive,
					Message: "same_top is 93.75 %: more tokens are needed", Line: 13},
				{ID: "size", Metric: "bytes", Level: report.Error, Verdict: report.Pass, Line: 14},
				{ID: "speed", Metric: "decode.tok_s", Level: report.Warn, Verdict: report.Skipped, Message: "the machine is too noisy", Line: 15},
				{ID: "tail", Metric: "kld.p99", Level: report.Error, Verdict: report.Fail, Message: "kld.p99 is above 0.3", Line: 16, Waived: true},
				{ID: "better", Metric: "kld.mean", Level: report.Warn, Verdict: report.Fail, Message: "not 60 % better than the control", Line: 17},
			},
			Waivers: []report.Waiver{
				{Gate: "tail", Until: "2026-12-31", Reason: "known outlier"},
				{Gate: "ppl", Until: "2026-01-31", Reason: "new tokenizer", Expired: true},
			},
		},
		Findings: []report.Finding{
			{Rule: "chat-template-missing", Level: report.Error, Model: "smol-Q4_K_M.gguf", Key: "tokenizer.chat_template", Message: "the source has one"},
			{Rule: "tensor-zero", Level: report.Warn, Model: "smol-Q4_K_M.gguf", Tensor: "blk.3.attn_k.weight", Message: "all 110592 values are zero"},
		},
	}
}

// passing is ordinary with nothing to complain of.
func passing() *report.Report {
	r := ordinary()
	r.Findings = nil
	r.Gate.Verdict, r.Gate.ExitCode, r.Gate.Waivers = report.Pass, 0, nil
	r.Gate.Gates = r.Gate.Gates[2:3]
	return r
}

// evil tries what a name could do to each of the formats.
const evil = "x\n::error::hi\r\nCARAT_END\nverdict=pass,:%0A--> <script>\x1b[31m`\"'&\\\xff: ../../a b#?"

// hostile has evil names wherever names come from files.
func hostile() *report.Report {
	r := ordinary()
	r.Reference.Name, r.Calibration.File = evil, evil
	r.Data[1].Name, r.Data[1].File = evil, evil
	c := &r.Candidates[1]
	c.Name, c.Title, c.FileType, c.Architecture, c.WorstSlice, c.Slices[1].Name = evil, evil, evil, evil, evil, evil
	c.Tasks[0].Task, c.Failure = evil, evil
	g := r.Gate
	g.Candidate, g.Policy = evil, evil
	for i := range g.Gates {
		g.Gates[i].ID = fmt.Sprint(evil, i)
		g.Gates[i].Message = evil
	}
	g.Waivers[1].Gate = evil
	for i := range r.Findings {
		f := &r.Findings[i]
		f.Model, f.Message = evil, evil
	}
	r.Findings[0].Key, r.Findings[1].Tensor = evil, evil
	return r
}

// many has more gates that failed than GitHub shows.
func many() *report.Report {
	r := passing()
	r.Gate.Verdict, r.Gate.ExitCode = report.Fail, 1
	r.Gate.Gates = nil
	for i := range 25 {
		r.Gate.Gates = append(r.Gate.Gates, report.Result{ID: fmt.Sprint("g", i), Level: report.Error, Verdict: report.Fail, Line: i + 1, Message: "no"})
	}
	return r
}

func render(w io.Writer, r *report.Report) error {
	_, err := fmt.Fprintf(w, "# carat: %s\n\n%d gates\n", r.Gate.Verdict, len(r.Gate.Gates))
	return err
}

var githubRun = Run{
	Built: true, Builder: "https://github.com/actions/runner/github-hosted", URL: "https://github.com/o/n/actions/runs/7/attempts/1",
	Repository: "git+https://github.com/o/n@refs/heads/main", Commit: strings.Repeat("a", 40),
	Parameters: map[string]any{"type": "Q4_K_M", "imatrix": "smol.imatrix"},
}
