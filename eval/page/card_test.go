package page

import (
	"bytes"
	"strings"
	"testing"

	"github.com/carat-llm/carat/eval/report"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"
)

// TestCardIsYAML: the front matter says what the report does, whatever models and texts are called.
func TestCardIsYAML(t *testing.T) {
	attacks := []string{"a: [\n\"'x`", "---\nx: 1\n---", "'", `"`, `\`, `\u0041\`, "# x", "*a", "&a !!int 1", "%TAG", "null", "1e3", "~", "{}", "@x", "x: y", " x ", "-",
		"\u0085\u2028\u2029\ufeff\x7f", "\xff\xfe", "日本語😀", strings.Repeat("x", 3000)}
	reports := []*report.Report{sample(), single()}
	for _, a := range attacks {
		reports = append(reports, hostile(a))
	}
	for _, r := range reports {
		var b bytes.Buffer
		require.NoError(t, CardOf(&b, r, r.Candidates[0].Name))
		parts := strings.SplitN(b.String(), "---\n", 3)
		require.Len(t, parts, 3)
		var front struct {
			BaseModel string `yaml:"base_model"`
			Relation  string `yaml:"base_model_relation"`
			Index     []struct {
				Name    string
				Results []struct {
					Task    struct{ Type, Name string }
					Dataset struct{ Type, Name, Revision string }
					Metrics []struct {
						Type, Name string
						Value      *float64
					}
					Source struct{ Name, URL string }
				}
			} `yaml:"model-index"`
		}
		d := yaml.NewDecoder(strings.NewReader(parts[1]))
		require.NoError(t, d.Decode(&front), "%q", r.Candidates[0].Name)
		require.Equal(t, "quantized", front.Relation)
		require.Equal(t, clean(r.Candidates[0].Name), front.BaseModel)
		require.NotEmpty(t, front.Index)
		for i, m := range front.Index {
			c := &r.Candidates[i] // controls come last
			require.Equal(t, clean(c.Name), m.Name)
			require.NotEmpty(t, m.Results)
			for k, x := range m.Results {
				require.Equal(t, "text-generation", x.Task.Type)
				require.NotEmpty(t, x.Dataset.Type)
				require.NotEmpty(t, x.Metrics)
				require.NotEmpty(t, x.Source.Name)
				require.Regexp(t, "^https://", x.Source.URL)
				if k < len(c.Slices) {
					require.Equal(t, clean(c.Slices[k].Name), x.Dataset.Name)
					require.Equal(t, c.Slices[k].Metrics.Perplexity.Value, *x.Metrics[0].Value)
					require.Len(t, x.Dataset.Revision, 64)
				}
				for _, f := range x.Metrics {
					require.NotEmpty(t, f.Type)
					require.NotEmpty(t, f.Name)
					require.NotNil(t, f.Value)
				}
			}
		}
	}
}

// TestCardNumbers are numbers in YAML 1.1, too.
func TestCardNumbers(t *testing.T) {
	for v, want := range map[float64]string{1e-5: "1.0e-05", 6.78e-5: "6.78e-05", 0.25: "0.25", 0: "0", 1e21: "1.0e+21", 12: "12"} {
		require.Equal(t, want, yamlNumber(v))
	}
}
