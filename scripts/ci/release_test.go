package ci_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/carat-llm/carat/internal/buildinfo"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"
)

// written are the files that people and programs take a version or YAML from, by path.
func written(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	require.NoError(t, filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch name := d.Name(); {
		case err != nil:
			return err
		case d.IsDir() && (name == ".git" || name == "testdata" || name == "dist"):
			return filepath.SkipDir
		case name == "CHANGELOG.md" || d.IsDir():
			return nil
		case strings.HasSuffix(name, ".md"), strings.HasSuffix(name, ".yml"), strings.HasSuffix(name, ".yaml"), name == "Dockerfile":
			b, err := os.ReadFile(path)
			files[filepath.ToSlash(strings.TrimPrefix(path, "../../"))] = string(b)
			return err
		}
		return nil
	}))
	require.Contains(t, files, "docs/ci.md")
	require.Contains(t, files, ".github/workflows/release.yml")
	return files
}

// Every version of carat that a file names is the one of internal/buildinfo/VERSION.
func TestVersions(t *testing.T) {
	require.Regexp(t, `^v\d+\.\d+\.\d+$`, buildinfo.Release())
	named := regexp.MustCompile(`(?:carat-llm/carat(?:/cmd/carat)?[@:/]|carat/gate@|CARAT_VERSION: |\bversion: |releases/download/)"?(v\d+\.\d+\.\d+)`)
	found := 0
	for path, text := range written(t) {
		for _, m := range named.FindAllStringSubmatch(text, -1) {
			require.Equal(t, buildinfo.Release(), m[1], "%s: %s", path, m[0])
			found++
		}
	}
	require.Greater(t, found, 8)
}

// Files and examples in docs/ci.md are YAML.
func TestYAML(t *testing.T) {
	fence := regexp.MustCompile("(?s)```yaml\n(.*?)```")
	for path, text := range written(t) {
		blocks := []string{text}
		if strings.HasSuffix(path, ".md") {
			blocks = nil
			for _, m := range fence.FindAllStringSubmatch(text, -1) {
				blocks = append(blocks, m[1])
			}
		} else if path == "Dockerfile" {
			continue
		}
		for _, block := range blocks {
			d := yaml.NewDecoder(strings.NewReader(block))
			for {
				var n yaml.Node
				err := d.Decode(&n)
				if errors.Is(err, io.EOF) {
					break
				}
				require.NoError(t, err, "%s:\n%s", path, block)
			}
		}
	}
}

// Workflows pin what they use by its commit, but for what is said here, and give no step more than it needs.
func TestWorkflows(t *testing.T) {
	for path, text := range written(t) {
		if !strings.HasPrefix(path, ".github/workflows/") {
			continue
		}
		for _, m := range regexp.MustCompile(`uses: (\S+)( # v[0-9.]+)?`).FindAllStringSubmatch(text, -1) {
			if m[1] != "anchore/sbom-action/download-syft@v0" {
				require.Regexp(t, `@[0-9a-f]{40}$`, m[1], path)
				require.NotEmpty(t, m[2], "%s: %s: the version in a comment", path, m[1])
			}
		}
		require.Contains(t, text, "\npermissions:", path)
		require.NotContains(t, text, "pull_request_target", path)
	}
}

// The names of a release's files are those that action.sh and gitlab.yml download.
func TestReleaseNames(t *testing.T) {
	files := written(t)
	require.Contains(t, files[".goreleaser.yaml"], `name_template: "carat-{{ .Os }}-{{ .Arch }}"`)
	require.Contains(t, files[".goreleaser.yaml"], "name_template: SHA256SUMS")
	require.Contains(t, files[".goreleaser.yaml"], "goos: [linux, darwin, windows]")
	require.Contains(t, files[".goreleaser.yaml"], "goarch: [amd64, arm64]")
	require.Contains(t, files["scripts/ci/gitlab.yml"], "/carat-linux-$arch")
}
