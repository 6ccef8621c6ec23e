package manifest

// Proof is how a calibrated file compares with a preset of its bytes, both measured against the original over one text. The preset has
// an importance matrix of the text that the file was calibrated by.
type Proof struct {
	Preset      string `json:"preset"` // the file type
	PresetBytes int64  `json:"preset_bytes"`
	Bytes       int64  `json:"bytes"`
	Text        string `json:"text"` // the base name, or what carat calls it
	TextSHA256  string `json:"text_sha256"`
	Tokens      int    `json:"tokens"` // that were scored
	// KLD and PresetKLD are mean divergences from the original in nats; Relative is the one by the other, less 1.
	KLD       float64   `json:"kld"`
	PresetKLD float64   `json:"preset_kld"`
	Relative  float64   `json:"relative"`
	CI        *Interval `json:"ci95,omitempty"` // of Relative, paired by token and clustered by chunk
}

// Interval has limits.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}
