package display

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestName(t *testing.T) {
	for in, want := range map[string]string{
		"":                       "",
		`C:\models\blk.0.weight`: `C:\models\blk.0.weight`,
		"blk.0.attn_q.weight":    "blk.0.attn_q.weight",
		"\x1b[31m\n|<script>":    `\x1b[31m\n|<script>`,
		"a\tb\rc\x00d\x7f":       `a\tb\rc\x00d\x7f`,
		"\u0085\u009b31m":        `\u0085\u009b31m`,
		"fdp.\u202egg":           `fdp.\u202egg`,
		"\u2066x\u2069\u200e":    `\u2066x\u2069\u200e`,
		"a\u200bb\ufeff\u2028":   `a\u200bb\ufeff\u2028`,
		"\xff\xc3":               `\xff\xc3`,
		"\U000e0041\ue000\uffff": `\U000e0041\ue000\uffff`,
		"größe 模型 \u00a0👩\u200d💻\ufffd": "größe 模型 \u00a0👩\u200d💻\ufffd",
	} {
		require.Equal(t, want, Name(in))
	}
}

func FuzzName(f *testing.F) {
	f.Add("\x1b]0;x\x07\u202e\n")
	f.Fuzz(func(t *testing.T, s string) {
		n := Name(s)
		require.True(t, utf8.ValidString(n))
		require.Equal(t, n, Name(n))
		require.Negative(t, strings.IndexFunc(n, func(r rune) bool { return !visible(r) }))
	})
}

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1.00 kB", 1234: "1.23 kB", 9994: "9.99 kB", 9996: "10.0 kB", 73_700: "73.7 kB", 322_600: "322.6 kB",
		999_949: "999.9 kB", 999_950: "1.00 MB", 999_999: "1.00 MB", 1_000_000: "1.00 MB", 2_327_000: "2.33 MB", 142_300_000: "142.3 MB", 999_960_000: "1.00 GB",
		1_345_000_000: "1.34 GB", 16_060_000_000: "16.1 GB", 1_500_000_000_000: "1.50 TB", 5_000_000_000_000_000_000: "5000.0 PB", -2_327_000: "-2.33 MB",
	} {
		require.Equal(t, want, Bytes(n))
	}
	require.Equal(t, "12 B", Bytes(12.4))
	require.Equal(t, "1.00 kB", Bytes(999.6))
}

func TestJSON(t *testing.T) {
	for _, s := range []string{"plain ü 🙂 a\u200db", "\u202eevil\u200b\u009b31m\x7f\u2028", "tag \U000e0041", "line\nbreak"} {
		var b bytes.Buffer
		require.NoError(t, json.NewEncoder(&b).Encode(map[string]string{"name": s}))
		out := JSON(b.Bytes())
		var back map[string]string
		require.NoError(t, json.Unmarshal(out, &back))
		require.Equal(t, s, back["name"], "the value stays")
		require.Equal(t, string(out), Name(string(out[:len(out)-1]))+"\n", "nothing hidden is left")
	}
}
