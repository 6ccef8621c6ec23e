package gate

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/eval/text"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/imatrix"
	"github.com/stretchr/testify/require"
)

func TestReadTexts(t *testing.T) {
	dir := t.TempDir()
	at := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	prose := at("prose.txt", "some prose")
	lines := at("lines.jsonl", `{"text": "a", "slice": "code"}`+"\n"+`{"text": "b", "slice": "chat"}`+"\n")
	other := at("other.jsonl", `{"body": "c", "lang": "de"}`)
	p := &Policy{Data: Data{Eval: []Text{{Path: prose, Tokens: 100}, {Path: lines}, {Path: other, TextField: "body", SliceField: "lang"}}}}
	texts, err := p.ReadTexts()
	require.NoError(t, err)
	var got []string
	for _, x := range texts {
		got = append(got, x.Name+": "+x.Data)
	}
	require.Equal(t, []string{"prose: some prose", "code: a", "chat: b", "de: c"}, got)
	require.Equal(t, 100, texts[0].Limit)

	for want, eval := range map[string][]Text{
		"code has no path: pass the file with --text code=FILE": {{Name: "code", SHA256: strings.Repeat("0", 64)}},
		`both make a slice "prose"`:                             {{Path: prose}, {Name: "prose", Path: lines}, {Path: prose}},
		`are the same text`:                                     {{Path: prose}, {Name: "again", Path: prose}},
	} {
		_, err := (&Policy{Data: Data{Eval: eval}}).ReadTexts()
		require.ErrorIs(t, err, ErrPolicy)
		require.ErrorContains(t, err, want)
	}
	_, err = (&Policy{Data: Data{Eval: []Text{{Path: filepath.Join(dir, "none.txt")}}}}).ReadTexts()
	require.ErrorIs(t, err, gguf.ErrInput)
}

func TestReadCalibration(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calib.txt")
	passage := "it was a bright cold day in april and the clocks were striking thirteen when he came home"
	require.NoError(t, os.WriteFile(path, []byte("Something else first. "+passage+" and so on"), 0o600))
	c, err := ReadCalibration(context.Background(), path, []text.Text{
		text.NewText("clean", "", strings.Repeat("nothing of that sort is in here at all, word by word it differs, and it goes on. ", 3)),
		text.NewText("dirty", "", passage),
	})
	require.NoError(t, err)
	require.Equal(t, []any{"calib.txt", "dirty", 1.0}, []any{c.File, c.Worst, c.Overlap})
	require.Contains(t, c.Excerpt, "bright cold day")
}

func TestRecordedTexts(t *testing.T) {
	a, b, c := strings.Repeat("a", 64), strings.Repeat("b", 64), strings.Repeat("c", 64)
	p := &Policy{Data: Data{Eval: []Text{{Path: "code.txt"}, {Path: "chat.jsonl"}}}}
	texts := []text.Text{{Name: "code", SHA256: a}, {Name: "chat", SHA256: c}}
	rules := func(m *imatrix.Matrix) (out []string) {
		for _, f := range Recorded(p, "im.gguf", m, texts, []string{a, b}) {
			out = append(out, f.Rule+" "+f.Level+" "+f.Message)
		}
		return out
	}
	require.Empty(t, rules(nil))
	require.Empty(t, rules(&imatrix.Matrix{}), "llama-imatrix records no sums")
	require.Empty(t, rules(&imatrix.Matrix{SHA256: []string{strings.Repeat("d", 64)}}))
	got := rules(&imatrix.Matrix{SHA256: []string{a}})
	require.Len(t, got, 1, "a file that is one slice is said once")
	require.Contains(t, got[0], "data-overlap warn im.gguf was collected from code.txt itself")
	require.Contains(t, rules(&imatrix.Matrix{SHA256: []string{b}})[0], "chat.jsonl")
	require.Contains(t, rules(&imatrix.Matrix{SHA256: []string{c}})[0], "collected from chat itself")
	p.Data.ForbidOverlap = true
	require.Contains(t, rules(&imatrix.Matrix{SHA256: []string{a}})[0], "data-overlap error")
	p.Data.CalibrationSHA256 = c
	require.Contains(t, rules(&imatrix.Matrix{SHA256: []string{strings.Repeat("d", 64)}})[0], "data-mismatch error")
}

func TestWhatIsAskedForIsGated(t *testing.T) {
	sum := strings.Repeat("ab", 32)
	for text, want := range map[string]bool{
		"":                                                 false,
		"model: {source: x}\n":                             false,
		"model: {expect_arch: llama}\n":                    true,
		"model: {require: [chat_template]}\n":              true,
		"target: {types: [F32]}\n":                         true,
		"target: {min_type: {output: Q6_K}}\n":             true,
		"target: {type: Q4_K_M}\n":                         false,
		"data: {forbid_overlap: true}\n":                   true,
		"data: {calib: sha256:" + sum + "}\n":              true,
		"data: {eval: [{path: a, sha256: " + sum + "}]}\n": true,
		"data: {eval: [{path: a}]}\n":                      false,
	} {
		p := parse(t, "version: 1\n"+text+gates)
		require.Equal(t, want, len(p.Gates) == 2, text)
		if want {
			require.Equal(t, Gate{ID: "findings", Metric: "findings", Scope: ScopeAll, Op: AtMost, Confidence: 0.95, Level: report.Error, OnNoise: Skip}, p.Gates[1])
		}
	}
	own := parse(t, "version: 1\nmodel: {expect_arch: llama}\ngates: [{id: mine, metric: findings, value: 1, level: warn}]\nallow: []\n")
	require.Len(t, own.Gates, 1, "a gate of one's own stays what it is")
	taken := parse(t, "version: 1\nmodel: {expect_arch: llama}\ngates: [{id: findings, metric: kld.mean, value: 1}]\n")
	require.Equal(t, "findings_", taken.Gates[1].ID)
	parse(t, "version: 1\nmodel: {expect_arch: llama}\n"+gates+"allow: [{gate: findings, until: 2026-12-31, reason: soon}]\n")
}

func TestInvalidate(t *testing.T) {
	p := parse(t, "version: 1\n"+gates)
	r := &report.Report{Schema: report.Schema, Version: report.Version, Command: "gate", Findings: []report.Finding{{Rule: "x", Level: report.Warn}}}
	id := report.Model{Name: "m.gguf"}
	fault := errors.Join(text.ErrTokenizers, gguf.ErrInput)
	require.NoError(t, Invalidate(p, r, id, fault, "why", nil, "2026-01-01"))
	require.NoError(t, r.Validate())
	require.True(t, r.Complete, "nothing was interrupted")
	require.Equal(t, []any{report.Fail, ExitInvalid, "m.gguf"}, []any{r.Gate.Verdict, r.Gate.ExitCode, r.Gate.Candidate})
	require.Equal(t, []string{"x", RuleTokenizer}, []string{r.Findings[0].Rule, r.Findings[1].Rule})
	require.Equal(t, "why", r.Candidates[0].Failure)
	require.Equal(t, report.Skipped, r.Gate.Gates[0].Verdict)
}
