package ci_test

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/carat-llm/carat/eval/ci"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"
)

type job struct {
	Variables   map[string]string
	Script      []string
	AfterScript []string `yaml:"after_script"`
	Artifacts   struct {
		When    string
		Paths   []string
		Reports map[string]string
	}
	Cache struct{ Paths []string }
}

func gitlab(t *testing.T) (*bench, job) {
	b := newBench(t)
	text, err := os.ReadFile("../../scripts/ci/gitlab.yml")
	require.NoError(t, err)
	var jobs map[string]job
	require.NoError(t, yaml.Unmarshal(text, &jobs))
	j := jobs[".carat"]
	require.Len(t, j.Script, 1)
	require.Len(t, j.AfterScript, 1)
	maps.Copy(b.env, j.Variables)
	maps.Copy(b.env, map[string]string{"GITLAB_CI": "true", "CI_API_V4_URL": b.server.URL, "CI_PROJECT_ID": "9", "CI_MERGE_REQUEST_IID": "5",
		"CARAT_GITLAB_TOKEN": "secret", "CARAT_RELEASES": b.server.URL + "/releases"})
	return b, j
}

var sh = []string{"sh", "-c"}

func TestGitLab(t *testing.T) {
	b, j := gitlab(t)
	require.Equal(t, "always", j.Artifacts.When)
	require.Equal(t, "carat-reports/junit.xml", j.Artifacts.Reports["junit"])
	require.Equal(t, []string{".carat-cache/"}, j.Cache.Paths)
	maps.Copy(b.env, map[string]string{"CARAT_MODEL": "./ck pt", "CARAT_POLICY": "carat.yaml", "CARAT_OUTPUT": "o.gguf", "CARAT_NAME": "smol/Q4",
		"CARAT_TEXT": "prose=a b.txt\ncode=c.txt", "CARAT_ARGS": "--threads\n2\n$(touch pwned)"})
	for code, verdict := range map[string]string{"0": "pass", "1": "fail", "3": "inconclusive"} {
		b.env["FAKE_CODE"] = code
		got, log := b.shell(sh, j.Script[0], nil)
		require.Equal(t, code, string(rune('0'+got)), log)
		got, log = b.shell(sh, j.AfterScript[0], nil)
		require.Zero(t, got, log)
		m := b.server.marked(ci.Marker("smol/Q4"))
		require.Len(t, m, 1, "one note, replaced in place")
		require.Contains(t, m[0].Body, "\n# The verdict is "+verdict)
	}
	require.Equal(t, []string{"--cache=.carat-cache", "--policy=carat.yaml", "-o=o.gguf", "--text=prose=a b.txt", "--text=code=c.txt",
		"--threads", "2", "$(touch pwned)", "--", "./ck pt"}, b.args()[11:])
	require.NoFileExists(t, b.path("pwned"))
	for _, path := range []string{"report.json", "report.md"} {
		require.FileExists(t, b.path("carat-reports/"+path))
	}
	for _, a := range b.args()[1:11] {
		require.True(t, strings.HasPrefix(a[strings.Index(a, "=")+1:], "carat-reports/"), "%s is an artefact", a)
	}
}

func TestGitLabNotesOfOthers(t *testing.T) {
	b, j := gitlab(t)
	b.server.chatter(150, ci.Marker("gate"))
	for range 2 {
		_, log := b.shell(sh, j.Script[0]+"\n", nil)
		code, out := b.shell(sh, j.AfterScript[0], nil)
		require.Zero(t, code, log+out)
	}
	require.Len(t, b.server.marked(ci.Marker("gate")), 2, "the other's and ours")
}

func TestGitLabWithoutMergeRequest(t *testing.T) {
	b, j := gitlab(t)
	b.shell(sh, j.Script[0], nil)
	for _, unset := range []string{"CI_MERGE_REQUEST_IID", "CARAT_GITLAB_TOKEN"} {
		code, out := b.shell(sh, j.AfterScript[0], map[string]string{unset: ""})
		require.Zero(t, code, out)
	}
	require.Empty(t, b.server.calls)
}

func TestGitLabDownload(t *testing.T) {
	b, j := gitlab(t)
	const binary = "#!/bin/sh\necho carat of the release\n"
	h := sha256.Sum256([]byte(binary))
	sum := hex.EncodeToString(h[:])
	for _, arch := range []string{"amd64", "arm64"} {
		b.server.files["/releases/v1.2.3/carat-linux-"+arch] = binary
		b.server.files["/releases/v1.2.3/SHA256SUMS"] += sum + "  carat-linux-" + arch + "\n"
	}
	b.env["CARAT_VERSION"] = "v1.2.3"
	code, out := b.shell(sh, j.Script[0], nil)
	require.Zero(t, code, out)
	require.Contains(t, out, "carat of the release")
	code, out = b.shell(sh, j.Script[0], map[string]string{"CARAT_SHA256": strings.Repeat("0", 64)})
	require.Equal(t, 5, code, out)
	require.NotContains(t, out, "carat of the release")
}
