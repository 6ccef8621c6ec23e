package ci

import (
	"io"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/carat-llm/carat/eval/report"
	"github.com/stretchr/testify/require"
)

func TestSARIF(t *testing.T) {
	for _, r := range []*report.Report{ordinary(), hostile(), passing()} {
		o := parse(t, write(t, r, "findings.sarif"))
		require.Equal(t, "2.1.0", o.text("version"))
		require.NotEmpty(t, o.text("$schema"))
		run := o.at("runs", 0)
		require.Equal(t, "carat", run.text("tool", "driver", "name"))
		rules := run.list("tool", "driver", "rules")
		artifacts := run.list("artifacts")
		results := run.list("results")
		require.Len(t, results, len(r.Findings))
		for i, x := range results {
			index := int(x.at("ruleIndex").v.(float64))
			require.Equal(t, x.text("ruleId"), rules[index].text("id"))
			require.NotEmpty(t, rules[index].text("shortDescription", "text"))
			require.Contains(t, []string{"error", "warning", "note", "none"}, x.text("level"))
			require.NotEmpty(t, x.text("message", "text"))
			at := x.at("locations", 0, "physicalLocation", "artifactLocation")
			u, err := url.Parse(at.text("uri"))
			require.NoError(t, err)
			require.Empty(t, u.Scheme, "a name is no scheme")
			require.NotContains(t, at.text("uri"), "\n")
			require.Equal(t, strings.TrimPrefix(u.Path, "./"), r.Findings[i].Model)
			require.Equal(t, at.text("uri"), artifacts[int(at.at("index").v.(float64))].text("location", "uri"))
			require.Len(t, x.text("partialFingerprints", "carat/v1"), 64)
		}
	}
	require.Equal(t, "./c:d.gguf", relativeURI("c:d.gguf"))
	require.NotContains(t, string(write(t, ordinary(), "findings.sarif")), "kld", "figures are no findings")
}

// checkStatement is what in-toto's Statement v1 requires.
func checkStatement(t *testing.T, o object, predicate string) {
	t.Helper()
	require.Equal(t, "https://in-toto.io/Statement/v1", o.text("_type"))
	require.Equal(t, predicate, o.text("predicateType"))
	s := o.list("subject")
	require.Len(t, s, 1)
	require.Equal(t, sha("6"), s[0].text("digest", "sha256"))
}

// checkResources requires one of uri, digest and content of each ResourceDescriptor.
func checkResources(t *testing.T, list []object) {
	t.Helper()
	for _, x := range list {
		require.True(t, x.has("digest") || x.has("uri") || x.has("content"))
	}
}

func TestTestResult(t *testing.T) {
	for _, r := range []*report.Report{ordinary(), hostile()} {
		o := parse(t, write(t, r, "test-result.json"))
		checkStatement(t, o, "https://in-toto.io/attestation/test-result/v0.1")
		require.Equal(t, "FAILED", o.text("predicate", "result"))
		checkResources(t, o.list("predicate", "configuration"))
		require.Len(t, o.list("predicate", "passedTests"), 1)
		require.Len(t, o.list("predicate", "warnedTests"), 3, "waived, warned, a finding; not the skipped one")
		require.Len(t, o.list("predicate", "failedTests"), 3, "failed, inconclusive, a finding")
	}
	o := parse(t, write(t, ordinary(), "test-result.json"))
	require.Equal(t, sha("7"), o.text("predicate", "configuration", 0, "digest", "sha256"))
	require.Equal(t, "kld", o.text("predicate", "failedTests", 0))
}

func TestResultOfStatement(t *testing.T) {
	gates := func(g ...report.Result) func(*report.Report) {
		return func(r *report.Report) { r.Gate.Gates = append(r.Gate.Gates, g...) }
	}
	for name, c := range map[string]struct {
		change func(*report.Report)
		want   string
	}{
		"clean":             {func(*report.Report) {}, "PASSED"},
		"warned":            {gates(report.Result{Level: report.Warn, Verdict: report.Fail}), "WARNED"},
		"waived":            {gates(report.Result{Level: report.Error, Verdict: report.Fail, Waived: true}), "WARNED"},
		"not measured":      {gates(report.Result{Level: report.Warn, Verdict: report.Skipped}), "WARNED"},
		"required, skipped": {gates(report.Result{Level: report.Error, Verdict: report.Skipped}), "FAILED"},
		"inconclusive":      {func(r *report.Report) { r.Gate.Verdict = report.Inconclusive }, "FAILED"},
		"warn only":         {func(r *report.Report) { r.Gate.Verdict, r.Gate.ExitCode = report.Fail, 0 }, "FAILED"},
		"interrupted":       {func(r *report.Report) { r.Complete = false }, "FAILED"},
		"finding":           {func(r *report.Report) { r.Findings = ordinary().Findings }, "FAILED"},
		"minor finding":     {func(r *report.Report) { r.Findings = ordinary().Findings[1:] }, "WARNED"},
	} {
		r := passing()
		c.change(r)
		require.Equal(t, c.want, parse(t, write(t, r, "test-result.json")).text("predicate", "result"), name)
	}
}

func TestNothingToAttest(t *testing.T) {
	r := ordinary()
	r.Gate = nil
	require.ErrorIs(t, WriteStatements(io.Discard, r, Run{}), ErrNoStatement)
	r = ordinary()
	r.Candidates[1].SHA256 = "sha256:unknown"
	require.ErrorIs(t, WriteStatements(io.Discard, r, Run{}), ErrNoStatement)
	_, err := provenanceOf(ordinary(), Run{})
	require.ErrorIs(t, err, ErrNoStatement, "it was not built")
	require.ErrorIs(t, WriteCycloneDX(io.Discard, &report.Report{}), ErrNoStatement)
}

func TestProvenance(t *testing.T) {
	for _, r := range []*report.Report{ordinary(), hostile()} {
		o := parse(t, write(t, r, "provenance.json"))
		checkStatement(t, o, "https://slsa.dev/provenance/v1")
		d := o.at("predicate", "buildDefinition")
		require.Regexp(t, `^https://[^ ]+$`, d.text("buildType"))
		require.IsType(t, map[string]any{}, d.at("externalParameters").v)
		checkResources(t, d.list("resolvedDependencies"))
		require.Len(t, d.list("resolvedDependencies"), 4)
		require.Equal(t, githubRun.Commit, d.text("resolvedDependencies", 0, "digest", "gitCommit"))
		require.Equal(t, sha("4"), d.text("resolvedDependencies", 1, "digest", "sha256"))
		require.Equal(t, githubRun.Builder, o.text("predicate", "runDetails", "builder", "id"))
		require.Equal(t, githubRun.URL, o.text("predicate", "runDetails", "metadata", "invocationId"))
	}
}

func TestStatementsAreLines(t *testing.T) {
	l := lines(write(t, hostile(), "statements.intoto.jsonl"))
	require.Len(t, l, 2)
	checkStatement(t, parse(t, []byte(l[0])), testResultType)
	checkStatement(t, parse(t, []byte(l[1])), provenanceType)
	var b strings.Builder
	require.NoError(t, WriteStatements(&b, ordinary(), Run{}))
	require.Len(t, lines([]byte(b.String())), 1, "what was not built has no provenance")
}

func TestRunOf(t *testing.T) {
	env := map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "o/n", "GITHUB_RUN_ID": "7",
		"GITHUB_RUN_ATTEMPT": "1", "GITHUB_REF": "refs/heads/main", "GITHUB_SHA": githubRun.Commit, "RUNNER_ENVIRONMENT": "github-hosted"}
	got := RunOf(func(k string) string { return env[k] })
	got.Built, got.Parameters = true, githubRun.Parameters
	require.Equal(t, githubRun, got)
	require.Equal(t, Run{}, RunOf(func(string) string { return "" }))
	env = map[string]string{"GITLAB_CI": "true", "CI_SERVER_URL": "https://g", "CI_RUNNER_ID": "3", "CI_JOB_URL": "https://g/j/1", "CI_PROJECT_URL": "https://g/o/n",
		"CI_COMMIT_REF_NAME": "main", "CI_COMMIT_SHA": "abc"}
	require.Equal(t, Run{Builder: "https://g/-/runners/3", URL: "https://g/j/1", Repository: "git+https://g/o/n@main", Commit: "abc"},
		RunOf(func(k string) string { return env[k] }))
}

var uuid = regexp.MustCompile(`^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

func TestCycloneDX(t *testing.T) {
	for _, r := range []*report.Report{ordinary(), hostile()} {
		b := write(t, r, "bom.cdx.json")
		o := parse(t, b)
		require.Equal(t, "CycloneDX", o.text("bomFormat"))
		require.Equal(t, "1.6", o.text("specVersion"))
		require.Regexp(t, uuid, o.text("serialNumber"))
		require.NotContains(t, string(b), "timestamp")
		m := o.at("metadata", "component")
		require.Equal(t, "machine-learning-model", m.text("type"))
		require.Equal(t, sha("6"), m.text("hashes", 0, "content"))
		require.Equal(t, "SHA-256", m.text("hashes", 0, "alg"))
		require.Equal(t, sha("4"), m.text("pedigree", "ancestors", 0, "hashes", 0, "content"))
		refs := map[string]bool{}
		for _, c := range o.list("components") {
			require.Equal(t, "data", c.text("type"))
			require.Equal(t, "dataset", c.text("data", 0, "type"))
			require.False(t, refs[c.text("bom-ref")], "unique")
			refs[c.text("bom-ref")] = true
		}
		for _, d := range m.list("modelCard", "modelParameters", "datasets") {
			require.True(t, refs[d.text("ref")])
		}
		require.Len(t, refs, 3)
		sliced := 0
		for _, x := range m.list("modelCard", "quantitativeAnalysis", "performanceMetrics") {
			require.NotEmpty(t, x.text("type"))
			require.NotEmpty(t, x.text("value"))
			if x.text("type") == "kld.mean" {
				require.NotEmpty(t, x.text("confidenceInterval", "lowerBound"))
				require.NotEmpty(t, x.text("confidenceInterval", "upperBound"))
				if x.has("slice") {
					sliced++
				}
			}
		}
		require.Equal(t, 2, sliced)
	}
	other := ordinary()
	other.Candidates[1].SHA256 = sha("8")
	serial := func(r *report.Report) string { return parse(t, write(t, r, "bom.cdx.json")).text("serialNumber") }
	require.Equal(t, serial(ordinary()), serial(ordinary()))
	require.NotEqual(t, serial(ordinary()), serial(other))
}

// TestUUID compares with Python: uuid.uuid5(uuid.NAMESPACE_URL, "https://github.com/carat-llm/carat#x").
func TestUUID(t *testing.T) {
	require.Equal(t, "820ba707-7927-597d-9ccd-40d2b3ceedfa", uuid5([]byte("x")))
}

func TestBenchmark(t *testing.T) {
	names := map[string]bool{}
	for _, x := range parse(t, write(t, ordinary(), "benchmark.json")).list() {
		name := x.text("name")
		require.False(t, names[name], "unique: %s", name)
		names[name] = true
		require.NotEmpty(t, x.text("unit"))
		require.IsType(t, 0.0, x.at("value").v)
	}
	require.True(t, names["smol-Q4_K_M.gguf: kld.mean/code"])
	require.True(t, names["control.gguf: kld.mean"])
	require.True(t, names["smol-Q4_K_M.gguf: changed_top"])
	for _, larger := range []string{"same_top", "tg128.tok_s", "task.hellaswag", "effective_bits"} {
		require.False(t, names["smol-Q4_K_M.gguf: "+larger], "more of %s is better", larger)
	}
}

func TestMLflow(t *testing.T) {
	key := regexp.MustCompile(`^[A-Za-z0-9_\-. /]{1,250}$`)
	r := hostile()
	for range 200 {
		r.Candidates[1].Slices = append(r.Candidates[1].Slices, report.Slice{Name: evil, Metrics: metrics(1)})
	}
	for _, r := range []*report.Report{ordinary(), r} {
		o := parse(t, write(t, r, "mlflow.json"))
		require.Equal(t, "", o.text("run_id"))
		seen := map[string]bool{}
		for _, m := range o.list("metrics") {
			require.Regexp(t, key, m.text("key"))
			require.False(t, seen[m.text("key")])
			seen[m.text("key")] = true
			require.IsType(t, 0.0, m.at("value").v)
			require.Zero(t, m.at("timestamp").v)
		}
		require.LessOrEqual(t, len(seen)+len(o.list("params"))+len(o.list("tags")), 1000)
		require.True(t, seen["kld.mean"])
	}
}
