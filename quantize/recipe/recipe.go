package recipe

import (
	"fmt"
	"slices"

	"github.com/carat-llm/carat/gguf"
)

// Recipe decides the types of one model's tensors. Make one with New and call Next for each tensor in order.
type Recipe struct {
	fileType FileType
	def      gguf.Type
	opts     Options

	arch    string
	falcon  bool
	layers  int // n_layer
	gqa     int // heads / kv heads of the first layer
	experts int
	large   bool // what the reference calls the 70B model
	tied    bool // no output.weight

	wv  counter          // of matrices that carry values
	ffn map[category]int // how many of each kind of feed-forward matrix were decided

	// What Idle asks: the tensors, the type and the reason of each, and which reasons there were.
	tensors []gguf.TensorInfo
	types   map[string]gguf.Type
	reasons map[string]string
	decided map[string]bool
}

// Reasons that are options.
const (
	byTokenEmbeddingType = "--token-embedding-type"
	byOutputTensorType   = "--output-tensor-type"
	byLeaveOutputTensor  = "--leave-output-tensor"
	byPure               = "--pure"
)

// counter numbers the tensors of a kind: i is the next, n how many there are.
type counter struct{ i, n int }

// Decision is what a tensor becomes, and why.
type Decision struct {
	Type gguf.Type
	// Reason names the rule in a few words.
	Reason string
	// Fallback says that Wanted could not be had because its blocks do not divide the rows.
	Fallback bool
	Wanted   gguf.Type
	// Eligible is false for tensors that no file type quantizes: norms, biases and the like.
	Eligible bool
}

// New prepares the decisions for a model of which tensors are all. md must name the architecture.
func New(ft FileType, md *gguf.Metadata, tensors []gguf.TensorInfo, opts Options) *Recipe {
	arch := md.Architecture()
	r := &Recipe{fileType: ft, def: ft.Default(), opts: opts, arch: arch, falcon: arch == "falcon", tied: true, ffn: map[category]int{},
		tensors: tensors, types: map[string]gguf.Type{}, reasons: map[string]string{}, decided: map[string]bool{}}
	r.layers = int(first(md, arch+".block_count"))
	r.experts = int(first(md, arch+".expert_count"))
	heads, kv := first(md, arch+".attention.head_count"), first(md, arch+".attention.head_count_kv")
	if _, ok := md.Get(arch + ".attention.head_count_kv"); !ok {
		kv = heads
	}
	if kv > 0 {
		r.gqa = int(heads / kv)
	}
	own := r.layers - int(first(md, arch+".nextn_predict_layers")) // without those that predict further tokens
	switch arch {
	case "llama", "llama-embed":
		r.large = own == 80 && heads != kv
	case "qwen2", "deci", "olmo":
		r.large = own == 80
	case "jais2":
		r.large = own == 68
	case "granite-switch": // the reference counts the router's attention as a layer
		r.layers++
	case "nanbeige": // its layers run several times, and each pass counts
		r.layers *= max(1, int(first(md, arch+".num_loops")))
	}
	for _, t := range tensors {
		if t.Name == "output.weight" {
			r.tied = false
		}
		if categoryOf(t.Name).valueLike() {
			r.wv.n++
		}
	}
	return r
}

// first is an integer of the metadata, or the first of an array that has one for each layer.
func first(md *gguf.Metadata, key string) int64 {
	if v, ok := md.Int(key); ok {
		return v
	}
	if a := md.Ints(key); len(a) > 0 {
		return a[0]
	}
	return 0
}

// Next decides what t becomes.
func (r *Recipe) Next(t gguf.TensorInfo) (Decision, error) {
	d, err := r.decide(t)
	r.types[t.Name] = d.Type
	return d, err
}

func (r *Recipe) decide(t gguf.TensorInfo) (Decision, error) {
	if r.fileType == Copy {
		return Decision{Type: t.Type, Wanted: t.Type, Reason: "copied"}, nil
	}
	fixed := r.opts.File != nil
	if why := r.keep(t); why != "" && !fixed {
		r.reasons[t.Name] = why
		return Decision{Type: t.Type, Wanted: t.Type, Reason: why, Eligible: r.reserved(t) == ""}, nil
	}
	want, reason, final, err := r.choose(t)
	if err != nil {
		return Decision{}, err
	}
	r.reasons[t.Name], r.decided[reason] = reason, true
	if fixed && want == t.Type {
		return Decision{Type: want, Wanted: want, Reason: reason, Eligible: r.reserved(t) == ""}, nil
	}
	if why := r.reserved(t); why != "" {
		f := r.opts.File
		return Decision{}, fmt.Errorf("%s: tensor %s: %s was asked for, but such tensors are never quantized (%s): write keep", f.place(f.byName[t.Name]), t.Name, want, why)
	}
	d := Decision{Type: want, Wanted: want, Reason: reason, Eligible: true}
	if final || t.Cols()%int64(want.BlockSize()) == 0 {
		return d, r.check(t, d)
	}
	if r.opts.NoFallback {
		return d, fmt.Errorf("tensor %s: rows of %d elements are not a multiple of the block size of %s, which is %d: choose another type, or allow falling back to one",
			t.Name, t.Cols(), want, want.BlockSize())
	}
	d.Fallback = true
	var ok bool
	if d.Type, ok = fallback(want); !ok {
		return d, fmt.Errorf("tensor %s: rows of %d elements are not a multiple of the block size of %s, which is %d, and there is no type to fall back to: choose another type",
			t.Name, t.Cols(), want, want.BlockSize())
	}
	if t.Cols()%int64(d.Type.BlockSize()) != 0 {
		d.Type = gguf.F16
	}
	d.Reason += fmt.Sprintf(", %s does not divide rows of %d", want, t.Cols())
	return d, nil
}

// check refuses a type fixed by an option that the rows cannot have; the reference dies on an assertion.
func (r *Recipe) check(t gguf.TensorInfo, d Decision) error {
	if t.Cols()%int64(d.Type.BlockSize()) != 0 {
		return fmt.Errorf("tensor %s: %s was asked for, but rows of %d elements are not a multiple of its block size, %d",
			t.Name, d.Type, t.Cols(), d.Type.BlockSize())
	}
	return nil
}

// choose applies options, then rules. final types are not replaced by a fallback.
func (r *Recipe) choose(t gguf.TensorInfo) (want gguf.Type, reason string, final bool, err error) {
	cat := categoryOf(t.Name)
	if f := r.opts.File; f != nil {
		if e := f.byName[t.Name]; e != nil && !e.Keep {
			return e.Type, "recipe", false, nil
		}
		return t.Type, "recipe: keep", false, nil
	}
	pattern := slices.IndexFunc(r.opts.TensorTypes, func(tt TensorType) bool { return tt.Pattern.MatchString(t.Name) })
	// The second table of embeddings is large, so a pattern that names it goes first.
	perLayer := t.Name == "per_layer_token_embd.weight" && pattern >= 0
	if o := r.opts.TokenEmbeddingType; o != nil && cat == tokenEmbedding && !perLayer {
		return *o, byTokenEmbeddingType, true, nil
	}
	if o := r.opts.OutputTensorType; o != nil && cat == output {
		return *o, byOutputTensorType, true, nil
	}
	if !r.def.Quantized() {
		return r.def, "file type " + r.fileType.String(), true, nil
	}
	if pattern >= 0 {
		tt := r.opts.TensorTypes[pattern]
		return tt.Type, tt.reason(), false, nil
	}
	if r.opts.Pure {
		return r.def, byPure, false, nil
	}
	want, reason, err = r.rule(t, cat)
	return want, reason, false, err
}

// fallback is the type with blocks of 32 that stands in for one with larger blocks. Types with such blocks stand in for
// themselves, since it is a float type that takes their place.
func fallback(t gguf.Type) (gguf.Type, bool) {
	switch t {
	case gguf.IQ1_S, gguf.IQ1_M, gguf.IQ2_XXS, gguf.IQ2_XS, gguf.IQ2_S, gguf.IQ3_XXS, gguf.IQ3_S, gguf.IQ4_XS:
		return gguf.IQ4_NL, true
	case gguf.Q2_0, gguf.Q2_K, gguf.Q3_K, gguf.TQ1_0, gguf.TQ2_0:
		return gguf.Q4_0, true
	case gguf.Q4_K:
		return gguf.Q5_0, true
	case gguf.Q5_K:
		return gguf.Q5_1, true
	case gguf.Q6_K:
		return gguf.Q8_0, true
	}
	return t, t.BlockSize() <= 32
}
