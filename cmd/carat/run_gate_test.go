package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/carat-llm/carat/eval/gate"
	gaterun "github.com/carat-llm/carat/eval/gate/run"
	"github.com/carat-llm/carat/eval/parity"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
	"github.com/urfave/cli/v2"
)

// asked counts how often a context was looked at, and is cancelled from the limit on.
type asked struct {
	context.Context
	n, limit atomic.Int64
}

func newAsked(limit int64) *asked {
	a := &asked{Context: context.Background()}
	a.limit.Store(limit)
	return a
}

func (a *asked) Err() error {
	if a.n.Add(1) > a.limit.Load() {
		return context.Canceled
	}
	return nil
}

// hardPolicy has a bound where the figure is, so that all looks are needed and none decides.
const hardPolicy = `
version: 1
tokens: 256
max_tokens: 1024
ctx: 64
target: {type: Q4_K_M}
gates: [{id: kld, metric: kld.mean, scope: worst_slice, value: 0.0095}]
`

// TestGateResume: interrupted in its last look and gone on from, a run says what an uninterrupted one does.
func TestGateResume(t *testing.T) {
	dir := t.TempDir()
	policy, whole, part := filepath.Join(dir, "p.yaml"), filepath.Join(dir, "whole.json"), filepath.Join(dir, "part.json")
	out := filepath.Join(dir, "out.gguf")
	writeFile(t, policy, hardPolicy)
	t.Setenv("CARAT_THREADS", "1")
	args := []string{"gate", tiny, "--policy", policy, "--text", evalFile, "-o", out, "--no-cache"}
	count := newAsked(1 << 40)
	code, _, stderr := carat(count, append(args, "--report", whole)...)
	require.Equal(t, gate.ExitInconclusive, code, stderr)
	r, err := report.Read(whole)
	require.NoError(t, err)
	require.Equal(t, 3, r.Gate.Looks, "256, 512 and 1024 tokens")

	args = append(args, "--report", part)
	code, _, stderr = carat(newAsked(count.n.Load()-8), args...)
	require.Equal(t, exitInterrupted, code, stderr)
	require.Contains(t, stderr, part+" keeps what was measured: continue with --resume")
	left, err := report.Read(part)
	require.NoError(t, err)
	require.False(t, left.Complete)
	require.Nil(t, left.Gate)
	require.Greater(t, len(left.Candidates[0].Chunks), 16, "into the last look")
	require.Less(t, len(left.Candidates[0].Chunks), len(r.Candidates[0].Chunks))

	code, _, stderr = carat(context.Background(), args...)
	require.Equal(t, exitUsage, code, "it is not thrown away")
	require.Contains(t, stderr, "--resume")
	code, _, stderr = carat(context.Background(), append(args, "--resume", "--ctx", "32")...)
	require.Equal(t, exitInput, code)
	require.Contains(t, stderr, "cannot resume")

	code, _, stderr = carat(context.Background(), append(args, "--resume", "--threads", "2")...)
	require.Equal(t, gate.ExitInconclusive, code, stderr)
	require.Equal(t, readFile(t, whole), readFile(t, part))
	require.ElementsMatch(t, []string{"p.yaml", "whole.json", "part.json"}, names(t, dir), "no model, and no folder that it was made in")
}

// TestGateInterruptedLeavesNothing at any time of the run, the build included.
func TestGateInterruptedLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	policy := filepath.Join(dir, "p.yaml")
	writeFile(t, policy, hardPolicy)
	args := []string{"gate", tiny, "--policy", policy, "--text", evalFile, "-o", filepath.Join(dir, "out.gguf"), "--no-cache", "--keep", "--threads", "1"}
	for _, limit := range []int64{0, 1, 2, 4, 8, 16, 32, 64} {
		code, stdout, stderr := carat(newAsked(limit), args...)
		require.Equal(t, exitInterrupted, code, "%d: %s", limit, stderr)
		require.Contains(t, stderr, "carat: interrupted")
		require.Empty(t, stdout)
		require.Equal(t, []string{"p.yaml"}, names(t, dir))
	}
}

// TestGateJSON: one object on stdout, whatever the verdict.
func TestGateJSON(t *testing.T) {
	dir := t.TempDir()
	policy, model := filepath.Join(dir, "p.yaml"), tinyFiles(t, "Q4_K_M")[0]
	for bound, want := range map[string]int{"0.1": gate.ExitPass, "0.0095": gate.ExitInconclusive, "0.001": gate.ExitFail} {
		writeFile(t, policy, strings.ReplaceAll(strings.ReplaceAll(hardPolicy, "0.0095", bound), "1024", "256"))
		code, stdout, stderr := carat(context.Background(), "gate", model, "--reference", tiny, "--policy", policy, "--text", evalFile, "--no-cache", "--json")
		require.Equal(t, want, code, stderr)
		r, err := report.Parse([]byte(stdout))
		require.NoError(t, err)
		require.Equal(t, want, r.Gate.ExitCode)
	}
}

// TestGateQuestion: whatever a verdict depends on is in its key, and what it does not depend on is not.
func TestGateQuestion(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	mustCarat(t, "build", tiny, "--type", "Q4_0", "-o", at("q4.gguf"), "--quiet")
	mustCarat(t, "build", tiny, "--type", "Q8_0", "-o", at("q8.gguf"), "--quiet")
	mustCarat(t, "imatrix", tiny, "--text", evalFile, "--ctx", "64", "--chunks", "2", "-o", at("im.gguf"))
	mustCarat(t, "imatrix", tiny, "--text", evalFile, "--ctx", "64", "--chunks", "3", "-o", at("im3.gguf"))
	text := string(readFile(t, evalFile))
	writeFile(t, at("a.txt"), text)
	writeFile(t, at("b.txt"), text+"More.")
	writeFile(t, at("metadata.json"), "{}")
	base := strings.Replace(hardPolicy, "target", "data: {tasks: [{task: hellaswag, path: "+at("hs.txt")+"}]}\ntarget", 1)
	writeFile(t, at("hs.txt"), "Tom\n0\na\nb\nc\nd\n")
	writeFile(t, at("p.yaml"), base)
	writeFile(t, at("c.yaml"), base+"# a comment\n")
	writeFile(t, at("v.yaml"), strings.Replace(base, "0.0095", "0.0096", 1))
	copyFile(t, at("q8.gguf"), at("other.gguf"))
	quickReport(t, at("q8.gguf"), at("r8.json"))

	key := func(args ...string) string {
		t.Helper()
		store := filepath.Join(t.TempDir(), "cache")
		x := gateOf(t, append([]string{"--cache", store}, args...)...)
		key := x.read(t).Key(x.env)
		require.NotEmpty(t, key)
		return key
	}
	given := []string{"--policy", at("p.yaml"), "--reference", tiny, "--text", "t=" + at("a.txt"), at("q8.gguf")}
	first := key(given...)
	seen := map[string]string{first: "as it is"}
	with := func(args ...string) []string { return append(append([]string{}, given...), args...) }
	replace := func(old, new string) []string {
		out := append([]string{}, given...)
		for i := range out {
			if out[i] == old {
				out[i] = new
			}
		}
		return out
	}
	for what, args := range map[string][]string{
		"the text":             replace("t="+at("a.txt"), "t="+at("b.txt")),
		"the slice's name":     replace("t="+at("a.txt"), "u="+at("a.txt")),
		"a second text":        with("--text", "u="+at("b.txt")),
		"the policy":           replace(at("p.yaml"), at("v.yaml")),
		"the policy's text":    replace(at("p.yaml"), at("c.yaml")),
		"the candidate":        replace(at("q8.gguf"), at("q4.gguf")),
		"the candidate's name": replace(at("q8.gguf"), at("other.gguf")),
		"the reference":        replace(tiny, at("q8.gguf")),
		"a baseline":           with("--baseline", at("r8.json")),
		"calibration text":     with("--calibration", at("b.txt")),
		"an imatrix":           with("--imatrix", at("im.gguf")),
		"another imatrix":      with("--imatrix", at("im3.gguf")),
		"the context":          with("--ctx", "32"),
		"the profile":          with("--profile", "smoke"),
		"warn-only":            with("--warn-only"),
		"a conversion option":  with("--model-name", "x"),
		"general metadata":     with("--metadata", at("metadata.json")),
		"what is built":        append(append([]string{}, given[:6]...), tiny),
		"another type":         append(append([]string{}, given[:6]...), tiny, "--type", "Q5_K_M"),
		"its name":             append(append([]string{}, given[:6]...), tiny, "-o", at("built.gguf")),
	} {
		k := key(args...)
		require.NotContains(t, seen, k, "%s and %s", what, seen[k])
		seen[k] = what
	}
	for what, args := range map[string][]string{
		"nothing": given, "threads": with("--threads", "1"), "outputs": with("--report", at("new.json"), "--junit", at("new.xml"), "--github"), "quiet": with("--quiet"),
	} {
		require.Equal(t, first, key(args...), what)
	}
	// The program is part of the question, and so are the machine and the day where they matter.
	x := gateOf(t, append([]string{"--cache", filepath.Join(dir, "cache")}, given...)...)
	in := x.read(t)
	require.NotEmpty(t, in.Key(x.env))
	exe, err := os.Executable()
	require.NoError(t, err)
	h, err := gguf.HashFile(exe)
	require.NoError(t, err)
	require.Equal(t, h.SHA256, in.Program.SHA256)
	require.Empty(t, in.CPU, "no gate is on speed")
	require.Empty(t, in.Day, "no waiver")
	in.Policy.Gates = append(in.Policy.Gates, gate.Gate{Metric: "decode.tok_s"})
	in.Llama = &parity.Program{Path: exe, Version: "1"}
	in.Policy.Allow = []gate.Waiver{{}}
	require.NotEmpty(t, in.Key(x.env))
	require.NotEmpty(t, in.CPU)
	require.Equal(t, x.env.Threads, in.Threads)
	require.Equal(t, h.SHA256, in.LlamaSHA256)
	require.Equal(t, x.env.Today, in.Day)
}

// TestGateReplacedFiles: another file at the same path is another question, whatever it is read for.
func TestGateReplacedFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	mustCarat(t, "build", tiny, "--type", "Q8_0", "-o", at("m.gguf"), "--quiet")
	for i, name := range []string{"im.gguf", "im3.gguf"} {
		mustCarat(t, "imatrix", tiny, "--text", evalFile, "--ctx", "64", "--chunks", fmt.Sprint(2+i), "-o", at(name))
	}
	for _, typ := range []string{"Q8_0", "Q5_0"} {
		mustCarat(t, "plan", tiny, "--type", typ, "--save", at(typ+".yaml"), "--quiet")
	}
	words := strings.Repeat("some words of a text ", 10)
	require.NoError(t, os.CopyFS(at("ckpt"), os.DirFS(tiny)))
	require.NoError(t, os.CopyFS(at("ref"), os.DirFS(tiny)))
	config := string(readFile(t, at("ckpt/config.json")))
	require.Contains(t, config, `"rms_norm_eps": `)
	config = strings.Replace(config, `"rms_norm_eps": `, `"rms_norm_eps": 1`, 1)
	writeFile(t, at("a.txt"), words)
	writeFile(t, at("hs.txt"), "Tom\n0\na\nb\nc\nd\n")
	writeFile(t, at("calibration.txt"), "Other "+words)
	writeFile(t, at("metadata.json"), "{}")
	writeFile(t, at("llama"), "1")
	copyFile(t, at("Q8_0.yaml"), at("recipe.yaml"))
	writeFile(t, at("p.yaml"), strings.Replace(hardPolicy, "target: {type: Q4_K_M}",
		fmt.Sprintf("target: {recipe: '%s'}\ndata: {tasks: [{task: hellaswag, path: '%s'}]}", at("recipe.yaml"), at("hs.txt")), 1))
	quickReport(t, at("m.gguf"), at("r.json"))
	baseline := string(readFile(t, at("r.json")))
	version := regexp.MustCompile(`"version": "[^"]*"`)
	require.Regexp(t, version, baseline)
	store := filepath.Join(t.TempDir(), "cache") // one, as the program need not be hashed again for each key

	key := func(args ...string) string {
		t.Helper()
		x := gateOf(t, append([]string{"--cache", store, "--policy", at("p.yaml"), "--reference", at("ref"), "--text", "t=" + at("a.txt"),
			"--imatrix", at("im.gguf"), "--calibration", at("calibration.txt"), "--metadata", at("metadata.json"), "--baseline", at("r.json")}, args...)...)
		in := x.read(t)
		in.Llama = &parity.Program{Path: at("llama")}
		key := in.Key(x.env)
		require.NoError(t, x.env.Sums.Save())
		require.NotEmpty(t, key)
		return key
	}
	asked := map[string][]string{"BUILD": {"--source", at("ckpt")}, "GIVEN": {at("m.gguf")}}
	first := map[string]string{}
	for name, args := range asked {
		first[name] = key(args...)
	}
	saved := os.DirFS(filepath.Join(t.TempDir(), "all"))
	require.NoError(t, os.CopyFS(fmt.Sprint(saved), os.DirFS(dir)))
	for what, change := range map[string]func(){
		"the text":                     func() { writeFile(t, at("a.txt"), words+"more") },
		"the items of a task":          func() { writeFile(t, at("hs.txt"), "Tom\n1\na\nb\nc\nd\n") },
		"the importance matrix":        func() { copyFile(t, at("im3.gguf"), at("im.gguf")) },
		"the calibration text":         func() { writeFile(t, at("calibration.txt"), "Others "+words) },
		"the metadata":                 func() { writeFile(t, at("metadata.json"), `{"general.author": "x"}`) },
		"the baseline":                 func() { writeFile(t, at("r.json"), version.ReplaceAllString(baseline, `"version": "other"`)) },
		"the reference's config":       func() { writeFile(t, at("ref/config.json"), config) },
		"llama.cpp":                    func() { writeFile(t, at("llama"), "2") },
		"the policy":                   func() { writeFile(t, at("p.yaml"), string(readFile(t, at("p.yaml")))+"# a comment\n") },
		"BUILD: the recipe":            func() { copyFile(t, at("Q5_0.yaml"), at("recipe.yaml")) },
		"BUILD: the source's config":   func() { writeFile(t, at("ckpt/config.json"), config) },
		"GIVEN: the candidate":         func() { mustCarat(t, "build", tiny, "--type", "Q4_1", "-o", at("m.gguf"), "--quiet") },
		"GIVEN: the candidate's bytes": func() { writeFile(t, at("m.gguf"), string(readFile(t, at("m.gguf")))+"x") },
	} {
		change()
		for name, args := range asked {
			if only, _, ok := strings.Cut(what, ": "); !ok || only == name {
				require.NotEqual(t, first[name], key(args...), what)
			}
		}
		require.NoError(t, os.RemoveAll(dir))
		require.NoError(t, os.CopyFS(dir, saved))
	}
	for name, args := range asked {
		require.Equal(t, first[name], key(args...), "everything is as it was")
	}
}

// TestGateBaselineQuestion: how the baseline was judged does not matter, what it measured does.
func TestGateBaselineQuestion(t *testing.T) {
	dir := t.TempDir()
	model, file := filepath.Join(dir, "m.gguf"), filepath.Join(dir, "r.json")
	mustCarat(t, "build", tiny, "--type", "Q8_0", "-o", model, "--quiet")
	quickReport(t, model, file)
	x := gateOf(t, model, "--reference", tiny, "--text", evalFile, "--baseline", file, "--cache", filepath.Join(dir, "cache"))
	in := x.read(t)
	first := in.Key(x.env)
	require.NotEmpty(t, first)
	in.Baseline.Gate.Looks++
	require.Equal(t, first, in.Key(x.env))
	in.Baseline.Candidates[0].Chunks[0].KLD++
	require.NotEqual(t, first, in.Key(x.env))
}

// quickReport gates a model that passes.
func quickReport(t *testing.T, model, file string) {
	t.Helper()
	policy := filepath.Join(t.TempDir(), "p.yaml")
	writeFile(t, policy, hardPolicy)
	mustCarat(t, "gate", model, "--reference", tiny, "--text", evalFile, "--policy", policy, "--no-cache", "--report", file)
}

// parsedGate is a command line up to where the gate would begin.
type parsedGate struct {
	*gateOptions
	env *gaterun.Env
}

// read reads the inputs.
func (x parsedGate) read(t *testing.T) *gaterun.Inputs {
	t.Helper()
	in, err := gaterun.Read(context.Background(), x.Request, x.env)
	require.NoError(t, err)
	return in
}

func gateOf(t *testing.T, args ...string) (x parsedGate) {
	t.Helper()
	var out, log bytes.Buffer
	app := newApp(streams{nil, &out, &log})
	app.Command("gate").Action = func(c *cli.Context) (err error) {
		g, err := globals(c)
		if err != nil {
			return err
		}
		if x.gateOptions, err = gateOptionsOf(c, g); err != nil {
			return err
		}
		ms := &models{g: g, src: sourceOptions(c)}
		t.Cleanup(ms.close)
		x.env = gateEnv(g, ms, x.gateOptions)
		return nil
	}
	require.NoError(t, parseAndRun(context.Background(), app, append([]string{"carat", "gate"}, args...)), log.String())
	return x
}

func names(t *testing.T, dir string) (out []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	require.NoError(t, os.WriteFile(to, readFile(t, from), 0o600))
}
