package main

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every verb's flags complete, and every flag is completed by what it takes.
func TestCompleteFlags(t *testing.T) {
	app := newApp(streams{})
	for _, c := range app.Commands {
		found, files := completions(app, []string{c.Name, ".-"})
		require.False(t, files)
		for _, f := range c.Flags {
			for _, name := range f.Names() {
				require.True(t, slices.ContainsFunc(found, func(o candidate) bool { return o.word == dashed(name) && o.about != "" }), "%s %s", c.Name, name)
			}
			if takesValue(f) {
				a, filesA := completions(app, []string{c.Name, dashed(f.Names()[0]), "."})
				b, filesB := completions(app, []string{c.Name, "." + dashed(f.Names()[0]) + "="})
				require.Equal(t, len(a), len(b))
				require.Equal(t, filesA, filesB)
			}
		}
	}
}

func TestComplete(t *testing.T) {
	app := newApp(streams{})
	for _, tc := range []struct {
		words []string
		want  []string
		files bool
	}{
		{[]string{".qu"}, []string{"quantize"}, false},
		{[]string{"build", "dir", "--type", ".q4_k"}, []string{"Q4_K_M", "Q4_K_S"}, false},
		{[]string{"build", "dir", ".--type=q4_k_m"}, []string{"--type=Q4_K_M"}, false},
		{[]string{"build", "--type", "=", ".q4_k_m"}, []string{"Q4_K_M"}, false},
		{[]string{"build", "--log-format", ".="}, []string{"text", "json"}, false},
		{[]string{"build", "."}, nil, true},
		{[]string{"build", "--imatrix", "."}, nil, true},
		{[]string{"build", "--calibration", ".d"}, []string{"default"}, true},
		{[]string{"build", "--threads", "."}, nil, false},
		{[]string{"--threads", "2", ".lis"}, []string{"list"}, false},
		{[]string{"list", "."}, lists, false},
		{[]string{"completion", ".f"}, []string{"fish"}, false},
		{[]string{"eval", "m.gguf", "--compute", "."}, []string{"exact", "fast"}, false},
		{[]string{"inspect", "--", ".-"}, nil, true},
		{[]string{"inspect", ".--frob="}, nil, false},
		{[]string{".frob"}, nil, false},
	} {
		found, files := completions(app, tc.words)
		var words []string
		for _, c := range found {
			words = append(words, c.word)
		}
		require.Equal(t, tc.want, words, "%q", tc.words)
		require.Equal(t, tc.files, files, "%q", tc.words)
	}
}
