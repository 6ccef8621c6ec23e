package arch

import (
	"slices"
	"strings"
)

// Kind says what a tensor of a checkpoint is to the text model.
type Kind int

const (
	Weight Kind = iota // it belongs to the text model
	Buffer             // computed anew: left out without a word
	Scale              // scales a quantized cache: left out
	Other              // belongs to another part of a multimodal model: left out, counted and said
)

// The rules for names are those of the reference's TextModel.filter_tensors and prepare_tensors.
var (
	bufferSuffixes = []string{".attention.masked_bias", ".attention.bias", ".attn.masked_bias", ".attn.bias",
		"rotary_emb.inv_freq", "rotary_emb.cos_cached", "rotary_emb.sin_cached"}
	scaleSuffixes = []string{".k_scale", ".v_scale"}
	otherPrefixes = []string{"mlp", "vit.", "vpm.", "siglip2.", "conformer.", "merger.", "resampler.", "sound_encoder.", "sound_projection.", "speech_embeddings."}
	otherParts    = []string{"visual.", "vision.", "audio.", "talker.", "vision_", "audio_", "token2wav.", "code2wav.", "projector.", "pre_mm_projector_norm",
		"image_newline", "view_seperator", "patch_embed", "patch_merger.", "patch_merge_mlp.", "model.connector."}
)

// textNames are what multimodal models put into the names of their text model's tensors.
var textNames = strings.NewReplacer("language_model.", "", "text_model.", "")

// Source says what the checkpoint's tensor called name is, and its name in the text model alone: a multimodal
// model has that as part of its own, language_model, model.language_model or model.text_model.
func Source(name string) (string, Kind) {
	has := func(test func(s, part string) bool, parts []string) bool {
		return slices.ContainsFunc(parts, func(part string) bool { return test(name, part) })
	}
	switch {
	case has(strings.HasPrefix, otherPrefixes) || has(strings.Contains, otherParts):
		return name, Other
	case has(strings.HasSuffix, bufferSuffixes):
		return name, Buffer
	case has(strings.HasSuffix, scaleSuffixes):
		return name, Scale
	}
	return textNames.Replace(name), Weight
}
