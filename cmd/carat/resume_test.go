package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carat-llm/carat/eval/report"
	"github.com/stretchr/testify/require"
)

// TestResumeGivesTheSameReport interrupts runs at several places; what they and their continuations write together is
// what a run without a break writes.
func TestResumeGivesTheSameReport(t *testing.T) {
	t.Parallel()
	files := tinyFiles(t, "Q2_K", "Q4_K_M")
	for name, args := range map[string][]string{
		"eval":       {"eval", files[0], "--reference", tiny, "--text", evalFile, "--chunks", "6"},
		"perplexity": {"eval", files[0], "--text", evalFile, "--max-tokens", "300"},
		"width":      {"eval", files[0], "--reference", tiny, "--text", evalFile, "--until-width", "0.4"},
		"compare":    {"compare", files[0], files[1], "--reference", tiny, "--text", evalFile, "--chunks", "5"},
	} {
		t.Run(name, func(t *testing.T) {
			args := append(args, "--ctx", "128", "--threads", "1", "--report")
			dir := t.TempDir()
			whole := filepath.Join(dir, "whole.json")
			code, _, stderr := carat(context.Background(), append(args, whole)...)
			require.Zero(t, code, stderr)
			want, err := os.ReadFile(whole)
			require.NoError(t, err)

			part := filepath.Join(dir, "part.json")
			done := 0
			for _, asked := range []int{5, 5} {
				code, stdout, stderr := carat(&countdown{context.Background(), asked}, append(args, part, "--resume")...)
				require.Equal(t, exitInterrupted, code, stderr)
				require.Contains(t, stderr, "continue with --resume")
				require.Contains(t, stdout, "interrupted: the figures are of the chunks that were done")
				r, err := report.Read(part)
				require.NoError(t, err)
				require.False(t, r.Complete)
				require.Greater(t, len(r.Candidates[0].Chunks), done, "it went on")
				done = len(r.Candidates[0].Chunks)
			}

			code, _, stderr = carat(context.Background(), append(args, part)...)
			require.Equal(t, exitUsage, code, "what was measured is not overwritten")
			require.Contains(t, stderr, "--resume")

			for range 2 { // a complete report is where nothing is left to do
				code, _, stderr = carat(context.Background(), append(args, part, "--resume")...)
				require.Zero(t, code, stderr)
				got, err := os.ReadFile(part)
				require.NoError(t, err)
				require.Equal(t, string(want), string(got))
			}
		})
	}
}

func TestInterruptedBeforeTheFirstChunk(t *testing.T) {
	files := tinyFiles(t, "Q2_K")
	file := filepath.Join(t.TempDir(), "r.json")
	code, stdout, stderr := carat(&countdown{context.Background(), 1}, "eval", files[0], "--text", evalFile, "--ctx", "128", "--report", file)
	require.Equal(t, exitInterrupted, code)
	require.Empty(t, stdout)
	require.Contains(t, stderr, "no output was left")
	require.NoFileExists(t, file)
}

// TestResumeOfSomethingElse is refused.
func TestResumeOfSomethingElse(t *testing.T) {
	files := tinyFiles(t, "Q2_K", "Q4_K_M")
	other := filepath.Join(t.TempDir(), "other.txt")
	b, err := os.ReadFile(evalFile)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(other, b[1000:], 0o600))
	file := filepath.Join(t.TempDir(), "r.json")
	args := func(model, reference, text, ctx string) []string {
		return []string{"eval", model, "--reference", reference, "--text", text, "--ctx", ctx, "--report", file, "--resume"}
	}
	code, _, stderr := carat(&countdown{context.Background(), 9}, args(files[0], tiny, evalFile, "128")...)
	require.Equal(t, exitInterrupted, code, stderr)
	before, err := os.ReadFile(file)
	require.NoError(t, err)
	for what, args := range map[string][]string{
		"model":     args(files[1], tiny, evalFile, "128"),
		"reference": args(files[0], files[1], evalFile, "128"),
		"text":      args(files[0], tiny, other, "128"),
		"ctx":       args(files[0], tiny, evalFile, "64"),
		"chunks":    append(args(files[0], tiny, evalFile, "128"), "--chunks", "1"),
		"stride":    append(args(files[0], tiny, evalFile, "128"), "--stride", "32"),
		"two":       append(args(files[0], tiny, evalFile, "128"), "--text", "second="+other),
	} {
		code, _, stderr := carat(context.Background(), args...)
		require.Equal(t, exitInput, code, what)
		require.Contains(t, stderr, "cannot resume", what)
		require.Contains(t, stderr, "--resume", what)
	}
	after, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, before, after)
}

// TestReportsDoNotDependOnThreads, not in a byte.
func TestReportsDoNotDependOnThreads(t *testing.T) {
	t.Parallel()
	files := tinyFiles(t, "Q2_K", "Q4_K_M")
	for name, args := range map[string][]string{
		"eval":    {"eval", files[0], "--reference", tiny},
		"compare": {"compare", files[0], files[1], "--reference", tiny, "--tensors"},
	} {
		var first string
		for _, threads := range []string{"1", "2", "8"} {
			file := filepath.Join(t.TempDir(), "r.json")
			code, _, stderr := carat(context.Background(), append(args, "--text", evalFile, "--ctx", "128", "--chunks", "3", "--report", file, "--threads", threads)...)
			require.Zero(t, code, stderr)
			b, err := os.ReadFile(file)
			require.NoError(t, err)
			if first == "" {
				first = string(b)
				require.Greater(t, strings.Count(first, "\n"), 50)
			}
			require.Equal(t, first, string(b), "%s with %s threads", name, threads)
		}
	}
}

// TestInterruptedBesideTheChunks keeps what was measured when the speed was not yet.
func TestInterruptedBesideTheChunks(t *testing.T) {
	files := tinyFiles(t, "Q2_K", "Q4_K_M")
	file := filepath.Join(t.TempDir(), "r.json")
	args := []string{"compare", files[0], files[1], "--text", evalFile, "--ctx", "32", "--chunks", "2", "--speed", "--report", file}
	code, stdout, stderr := carat(&countdown{context.Background(), 12}, args...)
	require.Equal(t, exitInterrupted, code, stderr)
	require.Contains(t, stderr, "interrupted when all chunks were done; "+file+" keeps what was measured: continue with --resume")
	require.Contains(t, stdout, "Q2_K.gguf")
	r, err := report.Read(file)
	require.NoError(t, err)
	require.False(t, r.Complete)
	require.Len(t, r.Candidates[1].Chunks, 2)
	require.Nil(t, r.Candidates[1].Latency)

	code, _, stderr = carat(context.Background(), append(args, "--resume")...)
	require.Zero(t, code, stderr)
	r, err = report.Read(file)
	require.NoError(t, err)
	require.True(t, r.Complete)
	require.NotNil(t, r.Candidates[1].Latency)
}
