package recipe

import (
	"fmt"
	"slices"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/suggest"
)

// Idle says why options choose the type of no tensor, those that change nothing because the tensors have it anyway
// aside. It is to be asked when Next was called for all tensors.
func (r *Recipe) Idle() (errs []string) {
	add := func(option, format string, args ...any) {
		errs = append(errs, option+" "+fmt.Sprintf(format, args...))
	}
	for i, tt := range r.opts.TensorTypes {
		if !r.decided[tt.reason()] && !r.asIs(tt) && !slices.ContainsFunc(r.opts.TensorTypes[:i], func(o TensorType) bool { return o.reason() == tt.reason() }) {
			add(fmt.Sprintf("%s=%s", tt.reason(), tt.Type), "%s", r.whyIdle(tt))
		}
	}
	if r.opts.TokenEmbeddingType != nil && !r.decided[byTokenEmbeddingType] {
		add(byTokenEmbeddingType, "%s", r.whyNot("token_embd.weight", "the model has no token_embd.weight"))
	}
	// Both together are what scripts give that know nothing of the model.
	if r.opts.OutputTensorType != nil && !r.decided[byOutputTensorType] && (!r.tied || r.opts.TokenEmbeddingType == nil) {
		add(byOutputTensorType, "%s", r.whyNot("output.weight", "the model has no output.weight, since token_embd.weight is the output too: use --token-embedding-type"))
	}
	if r.opts.Pure && !r.decided[byPure] && !r.def.Quantized() {
		add(byPure, "has no effect: %s", r.oneType())
	}
	return errs
}

// Notes says in a sentence each which options were passed over without harm.
func (r *Recipe) Notes() (notes []string) {
	if r.opts.LeaveOutputTensor && r.tied {
		notes = append(notes, byLeaveOutputTensor+" has no effect: the model has no output.weight, since token_embd.weight is the output too")
	}
	if r.opts.OutputTensorType != nil && r.tied && r.opts.TokenEmbeddingType != nil {
		notes = append(notes, byOutputTensorType+" has no effect: the model has no output.weight, since token_embd.weight is the output too, and has the type of "+byTokenEmbeddingType)
	}
	return notes
}

// asIs says that all tensors that match have the type anyway.
func (r *Recipe) asIs(tt TensorType) bool {
	any := false
	for _, t := range r.tensors {
		if tt.Pattern.MatchString(t.Name) {
			if any = true; r.types[t.Name] != tt.Type {
				return false
			}
		}
	}
	return any
}

// whyIdle completes the sentence that begins with the option.
func (r *Recipe) whyIdle(tt TensorType) string {
	var matched []gguf.TensorInfo
	for _, t := range r.tensors {
		if tt.Pattern.MatchString(t.Name) {
			matched = append(matched, t)
		}
	}
	switch {
	case len(matched) == 0:
		var names []string
		for _, t := range r.tensors {
			if r.reserved(t) == "" {
				names = append(names, t.Name)
			}
		}
		return "matches no tensor" + suggest.DidYouMean(literal(tt.Pattern.String()), Spellings(tt.Pattern.String(), names))
	case !r.def.Quantized() || r.fileType == Copy:
		return "has no effect: " + r.oneType()
	case !slices.ContainsFunc(matched, func(t gguf.TensorInfo) bool { return r.reserved(t) == "" }):
		return fmt.Sprintf("has no effect: it matches only tensors that always keep their type, such as %s (%s)", matched[0].Name, r.reserved(matched[0]))
	}
	i := slices.IndexFunc(matched, func(t gguf.TensorInfo) bool { return r.reserved(t) == "" })
	return fmt.Sprintf("has no effect: another option decides first for all that it matches, such as %s (%s)", matched[i].Name, r.reasons[matched[i].Name])
}

// whyNot is whyIdle for the option of one tensor.
func (r *Recipe) whyNot(name, missing string) string {
	switch {
	case r.fileType == Copy:
		return "has no effect: " + r.oneType()
	case r.reasons[name] == "":
		return "has no effect: " + missing
	}
	return fmt.Sprintf("has no effect: %s is decided by %s", name, r.reasons[name])
}

func (r *Recipe) oneType() string {
	if r.fileType == Copy {
		return "file type COPY keeps every type"
	}
	return fmt.Sprintf("file type %s gives all matrices one type; choose a quantized file type", r.fileType)
}

// literal is a pattern without what makes it one, to find names that are spelt like it.
func literal(pattern string) string {
	return strings.NewReplacer(`\`, "", "^", "", "$", "", ".*", "", "(", "", ")", "").Replace(pattern)
}

// Spellings are what a part or a pattern of these names may have been meant to be: whole names when it begins as a
// layer's, else what the names of layers have in common.
func Spellings(pattern string, names []string) (out []string) {
	whole, weight := strings.HasPrefix(literal(pattern), "blk"), strings.HasSuffix(literal(pattern), "weight")
	for _, name := range names {
		if LayerOf(name) >= 0 && !whole {
			_, name, _ = strings.Cut(strings.TrimPrefix(name, "blk."), ".")
		}
		if !weight {
			name = strings.TrimSuffix(name, ".weight")
		}
		out = append(out, name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
