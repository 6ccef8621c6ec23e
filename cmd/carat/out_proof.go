package main

import (
	"fmt"
	"io"
	"math"

	"github.com/carat-llm/carat/internal/display"
	"github.com/carat-llm/carat/quantize/manifest"
)

// proofSentence says how a file compares with the preset.
func proofSentence(p *manifest.Proof) string {
	s := fmt.Sprintf("KL divergence %s against %s for %s of ", divergence(p.KLD), divergence(p.PresetKLD), p.Preset)
	if math.Abs(float64(p.PresetBytes-p.Bytes)) <= 0.005*float64(p.Bytes) {
		s += "the same bytes: "
	} else {
		s += fmt.Sprintf("%s (this file: %s): ", display.Bytes(p.PresetBytes), display.Bytes(p.Bytes))
	}
	if p.Relative > 0 {
		s += fmt.Sprintf("%.0f %% higher", 100*p.Relative)
	} else {
		s += fmt.Sprintf("%.0f %% lower", -100*p.Relative)
	}
	switch ci := p.CI; {
	case ci == nil:
		return s + " (one chunk has no interval)"
	case ci.High < 0:
		return s + fmt.Sprintf(" (95 %% interval %.0f to %.0f %%)", -100*ci.High, -100*ci.Low)
	case ci.Low > 0:
		return s + fmt.Sprintf(" (95 %% interval %.0f to %.0f %%)", 100*ci.Low, 100*ci.High)
	default:
		return s + fmt.Sprintf(", which may be chance (95 %% interval from %.0f %% lower to %.0f %% higher)", -100*ci.Low, 100*ci.High)
	}
}

// divergence shows a divergence: four digits behind the point, or two that say something.
func divergence(v float64) string {
	if v < 0.001 {
		return fmt.Sprintf("%.2g", v)
	}
	return fmt.Sprintf("%.4f", v)
}

// warnWorse warns of a file that is not better than the preset.
func warnWorse(w io.Writer, p *manifest.Proof) {
	switch {
	case p.CI != nil && p.CI.Low > 0:
		printf(w, "carat: warning: the file is further from the original than %s: calibrate by a text that resembles %s, or by more of it (--calibration-chunks)\n", p.Preset, p.Text)
	case p.CI != nil && p.CI.High >= 0:
		printf(w, "carat: warning: %d tokens of %s do not show that the file is closer to the original than %s: measure on more text\n", p.Tokens, p.Text, p.Preset)
	}
}
