package bench

import (
	"encoding/csv"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func results() []*Result {
	return []*Result{
		{Model: "dir/a b|c.gguf", CPU: "Some, CPU", Threads: 2, WeightBytes: 10, MultiplyAdds: 20, PeakMemory: 30, Tests: []Test{
			{Name: "pp512+tg128@d64", Tokens: 640, Depth: 64, TokensPerSecond: Spread{100, 50, 200}, FirstToken: &Quantiles{P50: 0.5, P95: 0.75},
				InterToken: &Quantiles{0.001, 0.002, 0.003, 0.004}, Samples: []float64{50, 100, 200}},
		}},
		{Model: "folder", Threads: 2, Compute: "fast", KVType: "F16", ReadBandwidth: 320e9, Tests: []Test{{Name: "tg4", Tokens: 4, TokensPerSecond: Spread{8, 8, 8}, BytesPerSecond: 80e9, Samples: []float64{8}}}},
	}
}

func write(t *testing.T, f Format) string {
	var b strings.Builder
	require.NoError(t, Write(&b, f, results()...))
	return b.String()
}

func TestMarkdown(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(write(t, Markdown)), "\n")
	require.Len(t, lines, 4)
	require.Equal(t, `| dir/a b\|c.gguf | 2 |  | pp512+tg128@d64 | 100.00 | 50.00 | 200.00 | 500.0 / 750.0 | 1.00 / 2.00 / 3.00 / 4.00 |  |  |`, lines[2])
	require.Equal(t, `| folder | 2 | fast, F16 | tg4 | 8.00 | 8.00 | 8.00 |  |  | 80.00 | 25 % |`, lines[3])
}

func TestCSV(t *testing.T) {
	rows, err := csv.NewReader(strings.NewReader(write(t, CSV))).ReadAll() // all rows have as many fields
	require.NoError(t, err)
	require.Len(t, rows, 3)
	require.Equal(t, []string{"dir/a b|c.gguf", "Some, CPU", "2", "", "", "10", "20", "pp512+tg128@d64", "640", "64", "0", "100", "50", "200", "0", "0",
		"0.5", "0.75", "0.001", "0.002", "0.003", "0.004", "30"}, rows[1])
}

func TestJSONLines(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(write(t, JSONLines)), "\n")
	require.Len(t, lines, 2)
	var x map[string]any
	require.NoError(t, json.Unmarshal([]byte(lines[0]), &x))
	require.InDelta(t, 30, x["peak_memory_bytes"], 0)
	require.NoError(t, json.Unmarshal([]byte(lines[1]), &x))
	require.Equal(t, []any{"folder", "fast", "tg4", 80e9, 320e9}, []any{x["model"], x["compute"], x["test"], x["bytes_per_second"], x["read_bandwidth"]})
}

func TestBenchstat(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(write(t, Benchstat)), "\n")
	require.Equal(t, "cpu: Some, CPU", lines[2])
	require.Equal(t, []string{
		"BenchmarkPp512Tg128/model=a_b|c/depth=64-2\t640\t20000000 ns/op\t50 tok/s",
		"BenchmarkPp512Tg128/model=a_b|c/depth=64-2\t640\t10000000 ns/op\t100 tok/s",
		"BenchmarkPp512Tg128/model=a_b|c/depth=64-2\t640\t5000000 ns/op\t200 tok/s",
		"BenchmarkTg4/model=folder/compute=fast/kv=F16-2\t4\t125000000 ns/op\t8 tok/s",
	}, lines[3:])
	line := regexp.MustCompile(`^Benchmark[A-Z]\S*\s+\d+(\s+[0-9.e+]+ \S+)+$`)
	for _, l := range lines[3:] {
		require.Regexp(t, line, l)
	}
}

func TestUnknownFormat(t *testing.T) {
	require.ErrorContains(t, Write(&strings.Builder{}, "sql"), "sql")
}
