package ci

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

var command = regexp.MustCompile(`^::(error|warning) (file=[^,:\r\n]+,)?(line=[0-9]+,)?title=[^,:\r\n]+::[^\r\n]*$`)

func TestAnnotationsAreOneCommandALine(t *testing.T) {
	for _, r := range []*report.Report{ordinary(), hostile(), many(), passing()} {
		for _, l := range lines(write(t, r, "annotations.txt")) {
			if l != "" {
				require.Regexp(t, command, l)
				require.NotContains(t, l, "\x1b")
			}
		}
	}
	require.Empty(t, write(t, passing(), "annotations.txt"))
}

func TestAnnotationKinds(t *testing.T) {
	out := string(write(t, ordinary(), "annotations.txt"))
	require.Contains(t, out, "::error file=ci/carat.yaml,line=12,title=gate kld%3A fail::kld.mean of code is 0.0469 (at least 0.043 with 95 %25 confidence)")
	require.Contains(t, out, "::error file=ci/carat.yaml,line=13,title=gate top1%3A inconclusive::")
	require.Contains(t, out, "::warning file=ci/carat.yaml,line=15,title=gate speed%3A skipped::")
	require.Contains(t, out, "::warning file=ci/carat.yaml,line=16,title=gate tail%3A fail (waived)::")
	require.Contains(t, out, "waiver of ppl has expired")
	r := ordinary()
	r.Gate.ExitCode = 0 // --warn-only
	require.NotContains(t, string(write(t, r, "annotations.txt")), "::error")
	r = passing()
	r.Complete = false
	require.Contains(t, string(write(t, r, "annotations.txt")), "::warning title=interrupted::")
	var b bytes.Buffer
	require.NoError(t, Annotations(&b, ordinary(), ""))
	require.NotContains(t, b.String(), "line=", "a line needs a file")
}

func TestAnnotationsAreAtMostTen(t *testing.T) {
	l := lines(write(t, many(), "annotations.txt"))
	require.Len(t, l, 10)
	require.Contains(t, l[9], "title=16 more::gate g9: fail: no%0Agate g10: fail: no")
}

// readOutputs is the runner's reading of $GITHUB_OUTPUT.
func readOutputs(t *testing.T, b []byte) map[string]string {
	t.Helper()
	out := map[string]string{}
	l := lines(b)
	for i := 0; i < len(l); i++ {
		equals, heredoc := strings.Index(l[i], "="), strings.Index(l[i], "<<")
		if heredoc < 0 || equals >= 0 && equals < heredoc {
			require.Positive(t, equals, "%q", l[i])
			out[l[i][:equals]] = l[i][equals+1:]
			continue
		}
		key, end, value := l[i][:heredoc], l[i][heredoc+2:], []string{}
		for i++; l[i] != end; i++ {
			value = append(value, l[i])
		}
		out[key] = strings.Join(value, "\n")
	}
	return out
}

func TestOutputs(t *testing.T) {
	out := readOutputs(t, write(t, ordinary(), "outputs.txt"))
	require.Equal(t, map[string]string{
		"verdict": "fail", "kld": "0.03125", "kld_low": "0.028125", "kld_high": "0.034375", "worst_slice": "code", "ppl_ratio": "1.0078125",
		"same_top": "0.9375", "bytes": "105454432", "bits_per_weight": "6.25", "effective_bits": "6.5", "artifact_sha256": sha("6"),
		"candidate": "smol-Q4_K_M.gguf", "tokens": "16320", "cached": "false", "failed_gates": "kld\ntop1", "report": "out/report.json",
	}, out)
	bad := readOutputs(t, write(t, hostile(), "outputs.txt"))
	require.Len(t, bad, len(outputKeys), "no output is made up by a name")
	require.Equal(t, "fail", bad["verdict"])
	require.Equal(t, evil, bad["candidate"])
	none := readOutputs(t, write(t, &report.Report{Gate: &report.Gate{}}, "outputs.txt"))
	require.Len(t, none, len(outputKeys))
}

func TestDelimiterIsNotInTheValue(t *testing.T) {
	for n := range 5 {
		value := "a\nCARAT_END" + strings.Repeat("_", n) + "\nb"
		require.NotContains(t, value, delimiter(value))
	}
}

func TestMarker(t *testing.T) {
	for name, want := range map[string]string{"smol/Q4_K_M": "smol-Q4_K_M", "a--> <b": "a-b", "": "", "é.1": ".1"} {
		require.Equal(t, "<!-- carat:gate:"+want+" -->", Marker(name))
	}
}

func long(n int) Render {
	return func(w io.Writer, _ *report.Report) error {
		for i := range n {
			if _, err := fmt.Fprintf(w, "<details><summary>%d</summary>\n\n```\nén %d\n```\n\n</details>\n\n", i, i); err != nil {
				return err
			}
		}
		return nil
	}
}

func TestLongPagesAreCut(t *testing.T) {
	for _, limit := range []int{0, 10, 100, 1000, 65535, MaxSummary} {
		for _, n := range []int{1, 40000} {
			var b bytes.Buffer
			require.NoError(t, StepSummary(&b, passing(), long(n), limit))
			require.LessOrEqual(t, b.Len(), limit)
			s := b.String()
			if limit >= 100 {
				require.Equal(t, strings.Count(s, "<details>"), strings.Count(s, "</details>"))
				require.Zero(t, strings.Count(s, "\n```")%2)
				require.Equal(t, n > 1, strings.HasSuffix(s, cutNote))
			}
		}
	}
	var b bytes.Buffer
	require.NoError(t, Comment(&b, passing(), "x", long(40000)))
	require.LessOrEqual(t, b.Len(), MaxComment)
	require.True(t, strings.HasPrefix(b.String(), "<!-- carat:gate:x -->\n"))
}

func TestGitHub(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	env := map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": dir, "GITHUB_OUTPUT": in("output"), "GITHUB_STEP_SUMMARY": in("summary"),
		"CARAT_COMMENT_FILE": in("comment.md"), "CARAT_GATE_NAME": "smol",
	}
	require.NoError(t, os.WriteFile(in("output"), []byte("before=1\n"), 0o600))
	require.NoError(t, os.WriteFile(in("summary"), bytes.Repeat([]byte("x"), MaxSummary-30), 0o600))
	var log bytes.Buffer
	o := GitHubOptions{PolicyPath: in("ci/carat.yaml"), ReportPath: "r.json", Markdown: render}
	require.NoError(t, GitHub(func(k string) string { return env[k] }, &log, ordinary(), o))
	require.Contains(t, log.String(), "::error file=ci/carat.yaml,line=12,")
	b, err := os.ReadFile(in("output"))
	require.NoError(t, err)
	outputs := readOutputs(t, b)
	require.Equal(t, "1", outputs["before"])
	require.Equal(t, "r.json", outputs["report"])
	b, err = os.ReadFile(in("summary"))
	require.NoError(t, err)
	require.Equal(t, MaxSummary-30+len("# carat: fail\n\n6 gates\n"), len(b))
	b, err = os.ReadFile(in("comment.md"))
	require.NoError(t, err)
	require.Equal(t, "<!-- carat:gate:smol -->\n# carat: fail\n\n6 gates\n", string(b))

	log.Reset()
	require.NoError(t, GitHub(func(string) string { return "" }, &log, ordinary(), o))
	require.Empty(t, log.String(), "nothing was asked for")
	env["GITHUB_OUTPUT"] = in("absent/output")
	require.ErrorIs(t, GitHub(func(k string) string { return env[k] }, io.Discard, ordinary(), o), gguf.ErrEnvironment)
}

func TestPolicyOutsideOfTheRepository(t *testing.T) {
	dir := t.TempDir()
	require.Equal(t, "a/b.yaml", repositoryPath(dir, filepath.Join(dir, "a", "b.yaml")))
	require.Equal(t, "", repositoryPath(dir, filepath.Join(filepath.Dir(dir), "b.yaml")))
	require.Equal(t, "", repositoryPath("", "../b.yaml"))
	require.Equal(t, "b.yaml", repositoryPath("", "./b.yaml"))
	require.Equal(t, "", repositoryPath(dir, ""))
}

// FuzzEscapes holds that no text can end an output, a command or a marker.
func FuzzEscapes(f *testing.F) {
	for _, s := range []string{evil, "", "a\nCARAT_END\n", "<<x", "a=b", "\r", "-->", "%0A"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var b bytes.Buffer
		require.NoError(t, WriteOutputs(&b, []Output{{"a", s}, {"b", "1"}}))
		require.Equal(t, map[string]string{"a": s, "b": "1"}, readOutputs(t, b.Bytes()))
		r := hostile()
		r.Gate.Gates[0].ID, r.Gate.Gates[0].Message = s, s
		b.Reset()
		require.NoError(t, Annotations(&b, r, "p"))
		for _, l := range lines(b.Bytes()) {
			require.Regexp(t, command, l)
		}
		require.Regexp(t, `^<!-- carat:gate:[A-Za-z0-9._-]* -->$`, Marker(s))
		require.Equal(t, 2, strings.Count(Marker(s), "--"))
	})
}
