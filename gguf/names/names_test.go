package names_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carat-llm/carat/gguf/names"
	"github.com/stretchr/testify/require"
)

func TestNamesAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, n := range names.All() {
		require.False(t, seen[n], n)
		seen[n] = true
	}
	_, ok := names.Find("garbage")
	require.False(t, ok)
}

// Families spell the same expression in several ways.
func TestRecognise(t *testing.T) {
	const tail = `|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	for _, c := range []struct {
		splits       []string
		ignore, nfc  bool
		first, among string
	}{
		{[]string{names.GPT2}, false, false, "gpt-2", "phi-2"},
		{[]string{names.GPT2}, false, true, "olmo", "mpt"},
		{[]string{names.Digit, names.GPT2}, false, false, "smollm", "starcoder"},
		{[]string{names.Digit, names.GPT2}, false, true, "command-r", "command-r"},
		{[]string{`(?i:'s|'t|'re|'ve|'m|'ll|'d)` + tail}, true, false, "llama-bpe", "smaug-bpe"},
		{[]string{`(?i:'s|'t|'re|'ve|'m|'ll|'d)` + tail}, false, false, "glm4", "dbrx"},
		// Phi-4
		{[]string{`'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+`},
			false, false, "glm4", "dbrx"},
		// with line ends instead of their escapes
		{[]string{strings.NewReplacer(`\r`, "\r", `\n`, "\n").Replace(`(?i:'s|'t|'re|'ve|'m|'ll|'d)` + tail)}, true, false, "llama-bpe", "lfm2"},
	} {
		got := names.Recognise(c.splits, c.ignore, c.nfc)
		require.NotEmpty(t, got, c)
		require.Equal(t, c.first, got[0].Name)
		found := false
		for _, p := range got {
			found = found || p.Name == c.among
			require.True(t, p.SplitsAlike(c.splits))
		}
		require.True(t, found, c)
	}
	require.Empty(t, names.Recognise([]string{names.GPT2}, true, false))
	require.Empty(t, names.Recognise(nil, false, false))
	require.Empty(t, names.Recognise([]string{`\p{L}+`}, false, false))
}

// asWritten turns llama.cpp's expressions, which avoid what its library lacks, into those of tokenizer.json.
var asWritten = strings.NewReplacer(
	`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)`, names.GPT2,
	`((?=[\p{L}])([^a-z]))`, `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`,
	`((?=[\p{L}])([^A-Z]))`, `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`,
	`((?=[\p{L}\p{M}])([^a-z]))`, `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`,
	`((?=[\p{L}\p{M}])([^A-Z]))`, `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`,
	`\p{AFMoE_digits}`, `\p{N}{1,3}(?=(?:\p{N}{3})*(?!\p{N}))`, // what its function does
	"\u8c48-\ufaff", "\uf900-\ufaff", // of the compatibility characters' block, of which normal form C changed the first
)

// TestGoldenPreTokenizers compares the table with the list of what runtimes know.
func TestGoldenPreTokenizers(t *testing.T) {
	golden := os.Getenv("CARAT_GOLDEN")
	if golden == "" {
		t.Skip("CARAT_GOLDEN is not set")
	}
	b, err := os.ReadFile(filepath.Join(golden, "tokenizers", "pretokenizers.md"))
	require.NoError(t, err)
	matched, of := 0, 0
	for _, section := range strings.Split(string(b), "\n## ")[1:] {
		lines := strings.Split(section, "\n")
		var splits []string
		flags := ""
		for _, l := range lines[1:] {
			if rest, ok := strings.CutPrefix(l, "    "); ok {
				splits = append(splits, asWritten.Replace(rest))
			}
			if strings.HasPrefix(l, "Flags: ") {
				flags = l
			}
		}
		for _, name := range strings.Split(lines[0], ", ") {
			of++
			p, ok := names.Find(name)
			require.True(t, ok, name)
			require.Equal(t, strings.Contains(flags, "add_bos=true"), p.AddBOS, name)
			// Under these names Hugging Face takes whole tokens, and llama.cpp does not.
			if !p.EitherMerges && name != "smaug-bpe" {
				require.Equal(t, strings.Contains(flags, "ignore_merges=true"), p.IgnoreMerges, name)
			}
			require.Equal(t, strings.Contains(flags, "byte_encode=false"), p.Joins != names.Bytes, name)
			// Of these the list has a part: white space, and a name for the function that does it.
			if name != "default" && name != "kimi-k2" {
				require.True(t, p.SplitsAlike(splits), "%s: %q, want %q", name, p.Splits, splits)
			}
			matched++
		}
	}
	t.Logf("matched %d of %d", matched, of)
	require.NotZero(t, of)
	require.Equal(t, of, matched)
}

// The documents name all of them.
func TestDocumented(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "docs", "tokenizers.md"))
	require.NoError(t, err)
	for _, n := range names.All() {
		require.Contains(t, string(b), "`"+n+"`")
	}
}
