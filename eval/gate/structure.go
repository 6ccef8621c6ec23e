package gate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/gguf"
)

// Rules of findings.
const (
	RuleArchitecture = "architecture-mismatch"
	RuleMetadata     = "metadata-missing"
	RuleType         = "tensor-type-not-allowed"
	RuleMinType      = "tensor-type-too-small"
	RuleNoTensor     = "tensor-missing"
	RuleData         = "data-mismatch"
	RuleOverlap      = "data-overlap"
)

// Structure checks what a policy asks of a model's header: architecture, metadata and tensor types. name is the
// model's, for the findings.
func Structure(p *Policy, name string, md *gguf.Metadata, tensors []gguf.TensorInfo) []report.Finding {
	var out []report.Finding
	find := func(rule, tensor, key, format string, args ...any) {
		out = append(out, report.Finding{Rule: rule, Level: report.Error, Model: name, Tensor: tensor, Key: key, Message: fmt.Sprintf(format, args...)})
	}
	if want, got := p.Model.ExpectArch, md.Architecture(); want != "" && got != want {
		find(RuleArchitecture, "", "general.architecture", "the architecture is %q, the policy expects %q", got, want)
	}
	for _, r := range p.Model.Require {
		key := r
		if required[r] != "" {
			key = required[r]
		}
		if v, ok := md.Get(key); !ok || v == "" {
			find(RuleMetadata, "", key, "the metadata has no %s, which the policy requires", key)
		}
	}
	for _, t := range tensors {
		if p.Target.Types != nil && !slices.Contains(p.Target.Types, t.Type) {
			find(RuleType, t.Name, "", "%s is %s, which is not in the types that the policy allows", t.Name, t.Type)
		}
	}
	for _, m := range p.Target.MinType {
		found := false
		for _, t := range tensors {
			if !m.names(t.Name) {
				continue
			}
			found = true
			if t.Type.BitsPerWeight() < m.Type.BitsPerWeight() {
				find(RuleMinType, t.Name, "", "%s is %s of %.4g bits a weight, the policy asks for at least %s of %.4g", t.Name, t.Type, t.Type.BitsPerWeight(), m.Type, m.Type.BitsPerWeight())
			}
		}
		if !found && m.Tensor != "output" && m.Tensor != "output.weight" { // which tied embeddings stand for
			find(RuleNoTensor, m.Tensor, "", "no tensor is named %s, for which the policy has a least type", m.Tensor)
		}
	}
	return out
}

// names reports whether a tensor is meant: by its name, without ".weight", or by the part that layers share.
func (m *MinType) names(tensor string) bool {
	base := strings.TrimSuffix(tensor, ".weight")
	if m.Tensor == tensor || m.Tensor == base {
		return true
	}
	parts := strings.SplitN(base, ".", 3)
	return len(parts) == 3 && parts[0] == "blk" && parts[2] == m.Tensor
}

// Inputs checks the texts: that they are those the policy names, and that evaluation text is not in the calibration
// text. sums are the SHA-256 of the files of p.Data.Eval, in order; calibration may be nil.
func Inputs(p *Policy, sums []string, calibration *report.Calibration) []report.Finding {
	var out []report.Finding
	find := func(rule, level, format string, args ...any) {
		out = append(out, report.Finding{Rule: rule, Level: level, Message: fmt.Sprintf(format, args...)})
	}
	for i, t := range p.Data.Eval {
		if i < len(sums) && t.SHA256 != "" && t.SHA256 != sums[i] {
			name := t.Path
			if name == "" {
				name = t.Name
			}
			find(RuleData, report.Error, "%s: the file's SHA-256 is %s, the policy says %s: it is another text", name, sums[i], t.SHA256)
		}
	}
	if calibration == nil {
		return out
	}
	if want := p.Data.CalibrationSHA256; want != "" && calibration.SHA256 != want {
		find(RuleData, report.Error, "%s: the calibration text's SHA-256 is %s, the policy says %s", calibration.File, calibration.SHA256, want)
	}
	if calibration.Overlap > 0 {
		level := report.Warn
		if p.Data.ForbidOverlap && calibration.Overlap > MaxOverlap {
			level = report.Error
		}
		find(RuleOverlap, level, "%.3g %% of the n-grams of %s are in the calibration text %s: figures on it say little about other text",
			100*calibration.Overlap, calibration.Worst, calibration.File)
	}
	return out
}

// MaxOverlap is the share of shared n-grams that forbid_overlap lets be: set phrases and licence headers stand in
// any two texts.
const MaxOverlap = 0.01
