package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/display"
	"github.com/carat-llm/carat/quantize/manifest"
)

// madeBy is the card's section on how a model was made, as its manifest, or its metadata, tell: the command with the options that were
// given, and the sums of what it read; "" where nothing tells. file is the manifest's name beside the card, if it is there.
func madeBy(md *gguf.Metadata, m *manifest.Manifest, file string) string {
	if m == nil {
		if m = manifest.FromMetadata(md); m == nil {
			return ""
		}
	}
	code := func(s string) string { return "`" + strings.ReplaceAll(display.Name(s), "`", "'") + "`" }
	var b strings.Builder
	fmt.Fprintf(&b, "\n## How it was made\n\n%s, by %s", code(strings.Join(append([]string{"carat", m.Command, "MODEL"}, asFlags(m.Options)...), " ")), code(m.Tool.Name+" "+m.Tool.Version))
	if file != "" {
		fmt.Fprintf(&b, "; [%s](%s) has the type and the SHA-256 of each tensor", file, file)
	}
	b.WriteString(".\n")
	if p := m.Proof; p != nil {
		fmt.Fprintf(&b, "\nKL divergence from the original over %s: %.5f nats with %s; %s with an importance matrix of the same text has %.5f with %s.\n",
			code(p.Text), p.KLD, display.Bytes(p.Bytes), code(p.Preset), p.PresetKLD, display.Bytes(p.PresetBytes))
	}
	if len(m.Sources) > 0 {
		b.WriteString("\n| made from | SHA-256 |\n|---|---|\n")
	}
	for _, s := range m.Sources {
		fmt.Fprintf(&b, "| %s | %s |\n", strings.ReplaceAll(code(s.Name), "|", "\\|"), code(s.SHA256))
	}
	return b.String()
}

// asFlags are options as they are written on a command line, sorted by name.
func asFlags(options map[string]any) (out []string) {
	for _, name := range slices.Sorted(maps.Keys(options)) {
		values, ok := options[name].([]any)
		if !ok {
			values = []any{options[name]}
		}
		for _, v := range values {
			if v == true {
				out = append(out, "--"+name)
			} else {
				out = append(out, "--"+name, fmt.Sprint(v))
			}
		}
	}
	return out
}
