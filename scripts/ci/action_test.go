package ci_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carat-llm/carat/eval/ci"
	"github.com/stretchr/testify/require"
)

func TestArguments(t *testing.T) {
	b := github(t)
	r := b.run(map[string]string{
		"model": "-odd name;$(touch pwned).gguf", "policy": "ci/carat.yaml", "reference": "./ckpt", "text": "prose=a b.txt\n\n  code=c.txt\r\n",
		"type": "Q4_K_M", "output": "out.gguf", "profile": "smoke", "args": "--threads\n2\n`touch pwned`", "name": "smol/Q4",
	})
	require.Zero(t, r.code, r.log)
	d := b.path("temp/carat/gate-smol-Q4")
	require.Equal(t, []string{"gate", "--report=" + d + "/report.json", "--html=" + d + "/report.html", "--markdown=" + d + "/report.md",
		"--junit=" + d + "/junit.xml", "--sarif=" + d + "/findings.sarif", "--cyclonedx=" + d + "/bom.cdx.json",
		"--intoto=" + d + "/statements.intoto.jsonl", "--card=" + d + "/card.md", "--svg=" + d + "/pareto.svg", "--csv=" + d + "/figures.csv",
		"--cache=" + b.path("temp/carat/cache-smol-Q4"), "--github", "--policy=ci/carat.yaml", "--reference=./ckpt", "--type=Q4_K_M", "--profile=smoke",
		"--text=prose=a b.txt", "--text=code=c.txt", "-o=out.gguf", "--threads", "2", "`touch pwned`", "--", "-odd name;$(touch pwned).gguf"}, b.args())
	require.NoFileExists(t, b.path("pwned"))

	require.NoError(t, os.Mkdir(b.path("models"), 0o700))
	r = b.run(map[string]string{"working-directory": b.path("models"), "threads": "3", "baseline": "last.json", "output": "o.gguf", "upload-model": "true"})
	require.Subset(t, b.args(), []string{"--threads=3", "--baseline=last.json", "-o=o.gguf"})
	require.Equal(t, b.path("models/o.gguf"), r.used["Upload the model"]["path"])
	require.Equal(t, 2, b.run(map[string]string{"working-directory": "none"}).code)

	b.run(nil)
	require.NotContains(t, b.read("args"), "--policy", "inputs that are empty are not given")
	require.NotContains(t, b.read("args"), "--profile", "the policy has one of its own")
}

func TestOutputs(t *testing.T) {
	b := github(t)
	b.env["FAKE_CODE"] = "1"
	r := b.run(map[string]string{"policy": "carat.yaml"})
	require.Equal(t, 1, r.code)
	a, _ := readAction(t)
	got := map[string]string{}
	for name, out := range a.Outputs {
		got[name] = r.evaluate(out.Value)
	}
	d := b.path("temp/carat/gate-gate")
	require.Equal(t, map[string]string{"verdict": "fail", "exit-code": "1", "kld": "", "bytes": "123", "effective-bits": "",
		"artifact-sha256": strings.Repeat("5", 64), "failed-gates": "kld", "report": d + "/report.json", "directory": d}, got)
	require.Contains(t, r.log, "::error file=carat.yaml,line=7,title=gate kld%3A fail::100 %25 measured")
	require.Equal(t, "# The verdict is fail\n", b.read("summary"))
	require.FileExists(t, d+"/report.json")
	require.Equal(t, map[string]string{"name": "carat-gate", "path": d, "if-no-files-found": "ignore", "overwrite": "true"}, r.used["Upload reports"])
	require.NotContains(t, r.used, "Upload the model")
	require.NotContains(t, r.used, "Comment")
}

func TestExitCodes(t *testing.T) {
	b := github(t)
	for _, c := range []struct {
		carat, failOn string
		code          int
		verdict       string
	}{
		{"0", "inconclusive", 0, "pass"}, {"1", "inconclusive", 1, "fail"}, {"3", "inconclusive", 3, "inconclusive"},
		{"0", "fail", 0, "pass"}, {"1", "fail", 1, "fail"}, {"3", "fail", 0, "inconclusive"},
		{"1", "never", 0, "fail"}, {"3", "never", 0, "inconclusive"},
		{"2", "never", 2, "error"}, {"4", "never", 4, "error"}, {"5", "fail", 5, "error"}, {"70", "inconclusive", 70, "error"},
	} {
		b.env["FAKE_CODE"] = c.carat
		r := b.run(map[string]string{"fail-on": c.failOn})
		require.Equal(t, c.code, r.code, "%+v\n%s", c, r.log)
		require.Equal(t, c.verdict, r.outputs["gate"]["verdict"], "%+v", c)
		require.Contains(t, r.used, "Upload reports", "whatever happened")
	}
	b.env["FAKE_CODE"] = "0"
	r := b.run(map[string]string{"fail-on": "sometimes"})
	require.Equal(t, 2, r.code)
	require.Contains(t, r.log, "::error title=carat::fail-on is sometimes")
}

func TestCacheIsSavedWhenItChanged(t *testing.T) {
	b := github(t)
	r := b.run(nil)
	key := r.used["Save results"]["key"]
	require.Regexp(t, `^carat-Linux-X64-gate-gate-[0-9a-f]{64}$`, key)
	require.Equal(t, "carat-Linux-X64-gate-gate-", r.used["Restore results"]["restore-keys"])
	require.Equal(t, r.used["Restore results"]["path"], r.used["Save results"]["path"])
	require.Equal(t, key, b.run(nil).used["Save results"]["key"], "the same content has the same key")
	b.env["FAKE_CODE"] = "3"
	require.NotEqual(t, key, b.run(nil).used["Save results"]["key"])
	r = b.run(map[string]string{"cache": "false"})
	require.NotContains(t, r.used, "Save results")
	require.NotContains(t, r.used, "Restore results")
}

func TestModelIsUploadedWhenItPassed(t *testing.T) {
	b := github(t)
	in := map[string]string{"upload-model": "true", "output": "m.gguf"}
	path := b.run(in).used["Upload the model"]["path"]
	require.True(t, filepath.IsAbs(path) && filepath.Base(path) == "m.gguf", path)
	b.env["FAKE_CODE"] = "1"
	require.NotContains(t, b.run(in).used, "Upload the model")
}

func TestComment(t *testing.T) {
	b := github(t)
	marker := ci.Marker("smol")
	b.server.chatter(150, marker)
	in := map[string]string{"comment": "true", "name": "smol"}
	r := b.run(in)
	require.Zero(t, r.code, r.log)
	m := b.server.marked(marker)
	require.Len(t, m, 2, "what another wrote is not taken for ours")
	require.Equal(t, marker+"\nverdict: pass", m[0].Body)
	require.Equal(t, marker+"\n# The verdict is pass\n", m[1].Body)

	b.env["FAKE_CODE"] = "1"
	require.Equal(t, 1, b.run(in).code)
	m = b.server.marked(marker)
	require.Len(t, m, 2, "replaced in place")
	require.Equal(t, marker+"\n# The verdict is fail\n", m[1].Body)

	b.env["FAKE_CODE"] = "4"
	require.Equal(t, 4, b.run(in).code)
	m = b.server.marked(marker)
	require.Len(t, m, 2)
	require.Contains(t, m[1].Body, "could not judge the model** (exit code 4)")

	in["name"] = "other"
	b.run(in)
	require.Len(t, b.server.marked(ci.Marker("other")), 1, "each gate has its own")
}

func TestCommentThatCannotBePosted(t *testing.T) {
	b := github(t)
	in := map[string]string{"comment": "true"}
	b.server.readOnly = true
	r := b.run(in)
	require.Zero(t, r.code, "no reason to fail")
	require.Contains(t, r.log, "::warning title=carat::the comment could not be posted")

	r = b.run(map[string]string{"comment": "true", "token": "wrong"})
	require.Zero(t, r.code)
	require.Contains(t, r.log, "::warning title=carat::no comment: those of the pull request cannot be read")
	require.NotContains(t, strings.Join(b.server.calls[len(b.server.calls)-1:], ""), "POST", "not without having looked")

	b.write("event.json", `{"ref": "refs/heads/main"}`)
	r = b.run(in)
	require.Zero(t, r.code)
	require.Contains(t, r.log, "this run is not of a pull request")
	require.Empty(t, b.server.messages)
}

func TestNamesAsInMarker(t *testing.T) {
	b := github(t)
	b.env["FAKE_CODE"] = "4"
	for _, name := range []string{"a", "smol/Q4_K_M", "a--> b", "-x-", "é.1", "../..", "a\nb"} {
		b.run(map[string]string{"name": name, "comment": "true"})
		require.Len(t, b.server.marked(ci.Marker(name)+"\n"), 1, name)
	}
}

func TestDownload(t *testing.T) {
	if _, err := exec.LookPath("sha256sum"); err != nil {
		t.Skip("needs sha256sum")
	}
	const binary = "#!/bin/sh\necho carat of the release\n"
	h := sha256.Sum256([]byte(binary))
	good, bad := hex.EncodeToString(h[:]), strings.Repeat("0", 64)
	for name, c := range map[string]struct{ sum, listed, want string }{
		"by the release's list":   {"", good, ""},
		"pinned":                  {good, bad, ""},
		"another binary":          {"", bad, "has SHA-256 " + good + ", expected " + bad},
		"another than pinned":     {bad, good, "expected " + bad},
		"not listed":              {"", "", "SHA256SUMS of v1.2.3 does not list carat-linux-amd64"},
		"not a release's name":    {"", good, "version is ../v1: it should be"},
		"a release that is not":   {"", good, "cannot download"},
		"not a platform of carat": {"", good, "there is no release of carat for Plan9"},
	} {
		t.Run(name, func(t *testing.T) {
			b := github(t)
			b.server.files["/releases/v1.2.3/carat-linux-amd64"] = binary
			if c.listed != "" {
				b.server.files["/releases/v1.2.3/SHA256SUMS"] = bad + "  carat-linux-arm64\n" + c.listed + "  carat-linux-amd64\n"
			} else {
				b.server.files["/releases/v1.2.3/SHA256SUMS"] = bad + "  carat-linux-arm64\n"
			}
			in := map[string]string{"version": "v1.2.3", "sha256": c.sum, "comment": "true"}
			switch name {
			case "not a release's name":
				in["version"] = "../v1"
			case "a release that is not":
				in["version"] = "v9"
			case "not a platform of carat":
				b.env["RUNNER_OS"] = "Plan9"
			}
			r := b.run(in)
			if c.want == "" {
				require.Contains(t, r.log, "carat of the release")
				require.Equal(t, "carat-linux-amd64", filepath.Base(r.outputs["setup"]["carat"]))
				return
			}
			require.NotZero(t, r.code)
			require.Contains(t, r.log, c.want)
			require.NotContains(t, r.log, "carat of the release", "%s: nothing unchecked is run")
			require.Empty(t, r.outputs["setup"]["carat"])
			require.NotContains(t, r.used, "Upload reports")
		})
	}
}
