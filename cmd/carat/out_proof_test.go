package main

import (
	"bytes"
	"testing"

	"github.com/carat-llm/carat/quantize/manifest"
	"github.com/stretchr/testify/require"
)

func TestProofSentence(t *testing.T) {
	for _, c := range []struct {
		p        manifest.Proof
		sentence string
		warning  string
	}{
		{manifest.Proof{Preset: "Q4_K_M", PresetBytes: 105_500_000, Bytes: 105_400_000, KLD: .0137, PresetKLD: .0447, Relative: -.6935, CI: &manifest.Interval{Low: -.72, High: -.66}},
			"KL divergence 0.0137 against 0.0447 for Q4_K_M of the same bytes: 69 % lower (95 % interval 66 to 72 %)", ""},
		{manifest.Proof{Preset: "IQ4_XS", PresetBytes: 90_000_000, Bytes: 92_000_000, KLD: .00002, PresetKLD: .00001, Relative: 1, CI: &manifest.Interval{Low: .5, High: 1.5}, Text: "a.txt"},
			"KL divergence 2e-05 against 1e-05 for IQ4_XS of 90.0 MB (this file: 92.0 MB): 100 % higher (95 % interval 50 to 150 %)", "carat: warning: the file is further from the original than IQ4_XS"},
		{manifest.Proof{Preset: "Q8_0", PresetBytes: 1, Bytes: 1, KLD: .002, PresetKLD: .0025, Relative: -.2, CI: &manifest.Interval{Low: -.5, High: .1}, Tokens: 93},
			"KL divergence 0.0020 against 0.0025 for Q8_0 of the same bytes: 20 % lower, which may be chance (95 % interval from 50 % lower to 10 % higher)", "carat: warning: 93 tokens of"},
		{manifest.Proof{Preset: "Q8_0", PresetBytes: 1, Bytes: 1, KLD: .002, PresetKLD: .0025, Relative: -.2},
			"KL divergence 0.0020 against 0.0025 for Q8_0 of the same bytes: 20 % lower (one chunk has no interval)", ""},
	} {
		require.Equal(t, c.sentence, proofSentence(&c.p))
		var b bytes.Buffer
		warnWorse(&b, &c.p)
		require.Contains(t, b.String(), c.warning)
		require.Equal(t, c.warning == "", b.Len() == 0)
	}
}
