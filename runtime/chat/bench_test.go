package chat

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkRender renders the conversation with tools by the templates of testdata.
func BenchmarkRender(b *testing.B) {
	raw, err := os.ReadFile("testdata/conversations.json")
	if err != nil {
		b.Fatal(err)
	}
	var cases map[string]conversation
	if err := json.Unmarshal(raw, &cases); err != nil {
		b.Fatal(err)
	}
	c := cases["turns"]
	paths, _ := filepath.Glob("testdata/templates/*.jinja")
	for _, path := range paths {
		source, _ := os.ReadFile(path)
		tmpl, err := New(metadata(string(source)))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(filepath.Base(path), func(b *testing.B) {
			for b.Loop() {
				if _, err := tmpl.Render(c.Messages, Options{Tools: c.Tools}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
