package bench

import (
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strings"
	"unicode"
)

// writeBenchstat writes one line for each repetition in Go's benchmark format (golang.org/design/14313-benchmark-format):
// an operation is a token, the number at the end of the name the threads.
func writeBenchstat(w io.Writer, rs []*Result) error {
	var b strings.Builder
	fmt.Fprintf(&b, "goos: %s\ngoarch: %s\n", runtime.GOOS, runtime.GOARCH)
	if len(rs) > 0 && rs[0].CPU != "" {
		fmt.Fprintf(&b, "cpu: %s\n", rs[0].CPU)
	}
	for _, r := range rs {
		for _, t := range r.Tests {
			name := fmt.Sprintf("Benchmark%s/model=%s", benchmarkName(t.Name), modelName(r.Model))
			for _, part := range []struct{ key, value string }{{"compute", r.Compute}, {"kv", r.KVType}} {
				if part.value != "" {
					name += fmt.Sprintf("/%s=%s", part.key, modelName(part.value))
				}
			}
			if t.Batch > 0 {
				name += fmt.Sprintf("/batch=%d", t.Batch)
			}
			if t.Depth > 0 {
				name += fmt.Sprintf("/depth=%d", t.Depth)
			}
			for _, rate := range t.Samples {
				fmt.Fprintf(&b, "%s-%d\t%d\t%.0f ns/op\t%.4g tok/s\n", name, r.Threads, t.Tokens, 1e9/rate, rate)
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// benchmarkName makes "Pp512Tg128" of "pp512+tg128@d1024".
func benchmarkName(test string) string {
	test, _, _ = strings.Cut(test, "@")
	var out string
	for part := range strings.SplitSeq(test, "+") {
		out += strings.ToUpper(part[:1]) + part[1:]
	}
	return out
}

// modelName is the path's last element without what would end the name or begin another part of it.
func modelName(path string) string {
	name := strings.TrimSuffix(filepath.Base(path), ".gguf")
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) || r == '/' || r == '=' {
			return '_'
		}
		return r
	}, name)
}
