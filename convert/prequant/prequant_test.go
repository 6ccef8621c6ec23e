package prequant

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/carat-llm/carat/convert/safetensors"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/quantize/codec"
	"github.com/stretchr/testify/require"
)

var sizes = map[string]gguf.Type{"F32": gguf.F32, "F16": gguf.F16, "BF16": gguf.BF16, "I64": gguf.I64, "I32": gguf.I32,
	"I8": gguf.I8, "U8": gguf.I8, safetensors.F8E4M3: gguf.I8, safetensors.F8E5M2: gguf.I8, safetensors.F8E8M0: gguf.I8}

// tensor makes one in memory. data is bytes, or numbers to encode.
func tensor(name, dtype string, shape []int64, data any) *safetensors.Tensor {
	b, ok := data.([]byte)
	if !ok {
		b, _ = binary.Append(nil, binary.LittleEndian, data)
	}
	t := safetensors.Made(name, "model.safetensors", sizes[dtype], shape, func(dst []byte, off int64) error {
		copy(dst, b[off:])
		return nil
	})
	t.DType = dtype
	if int64(len(b)) != t.Size() {
		panic(fmt.Sprintf("%s: %d bytes for %v", name, len(b), shape))
	}
	return t
}

func shape(dims ...int64) []int64 { return dims }

// read is Read of a config.json with that quantization_config.
func read(t testing.TB, quantization string) (*Config, error) {
	var q map[string]any
	require.NoError(t, json.Unmarshal([]byte(quantization), &q), quantization)
	return Read(t.TempDir(), map[string]any{"quantization_config": q})
}

// only is the one tensor that is made of others, and its elements, read as a whole and in uneven pieces.
func only(t *testing.T, quantization string, tensors ...*safetensors.Tensor) (*Tensor, []float32) {
	t.Helper()
	c, err := read(t, quantization)
	require.NoError(t, err)
	s, err := Tensors(tensors, c)
	require.NoError(t, err)
	require.Len(t, s.Tensors, 1)
	x := s.Tensors[0]
	return x, elements(t, x.Tensor)
}

func elements(t *testing.T, x *safetensors.Tensor) []float32 {
	t.Helper()
	require.Equal(t, gguf.F32, x.Type)
	b := make([]byte, x.Size())
	require.NoError(t, x.ReadAt(b, 0))
	for at := int64(0); at < x.Size(); {
		piece := make([]byte, min(x.Size()-at, 4*(1+at/4%23)))
		require.NoError(t, x.ReadAt(piece, at))
		require.Equal(t, b[at:at+int64(len(piece))], piece)
		at += int64(len(piece))
	}
	out := make([]float32, x.Elements())
	decodeF32(out, b)
	return out
}

// stream packs codes of so many bits one after the other in words of 32 bits, lowest first.
func stream(codes []int, bits int) []uint32 {
	out := make([]uint32, (len(codes)*bits+31)/32)
	for i, q := range codes {
		for b := range bits {
			out[(i*bits+b)/32] |= uint32(q>>b&1) << ((i*bits + b) % 32)
		}
	}
	return out
}

func randoms(r *rand.Rand, n, below int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = r.IntN(below)
	}
	return out
}

func scalesOf(r *rand.Rand, n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(r.IntN(1000)+1) / 4096
	}
	return out
}

func TestGPTQ(t *testing.T) {
	const in, out, groups = 64, 32, 4
	r := rand.New(rand.NewPCG(1, 2))
	for _, bits := range []int{2, 3, 4, 8} {
		for _, version := range []string{"", "gptq", "gptq_v2"} {
			for _, sorted := range []bool{false, true} {
				q, zeros, scales := randoms(r, in*out, 1<<bits), randoms(r, groups*out, 1<<bits), scalesOf(r, groups*out)
				group := make([]int32, in)
				for i := range group {
					group[i] = int32(i / (in / groups))
				}
				if sorted {
					r.Shuffle(in, func(i, j int) { group[i], group[j] = group[j], group[i] })
				}
				words, zeroWords := make([]uint32, in*bits/32*out), []uint32{}
				for o := range out {
					column := make([]int, in)
					for i := range column {
						column[i] = q[i*out+o]
					}
					for row, w := range stream(column, bits) {
						words[row*out+o] = w
					}
				}
				for g := range groups {
					zeroWords = append(zeroWords, stream(zeros[g*out:][:out], bits)...)
				}
				tensors := []*safetensors.Tensor{tensor("m.scales", "F32", shape(groups, out), scales), tensor("m.qweight", "I32", shape(int64(in*bits/32), out), words),
					tensor("m.qzeros", "I32", shape(groups, int64(out*bits/32)), zeroWords)}
				if sorted {
					tensors = append(tensors, tensor("m.g_idx", "I32", shape(in), group))
				}
				x, got := only(t, fmt.Sprintf(`{"quant_method": "gptq", "bits": %d, "group_size": %d, "checkpoint_format": %q}`, bits, in/groups, version), tensors...)
				require.Equal(t, "m.weight", x.Name)
				require.Equal(t, shape(out, in), x.Shape)
				one := 1
				if version == "gptq_v2" {
					one = 0
				}
				for o := range out {
					for i := range in {
						g := int(group[i])
						want := scales[g*out+o] * float32(q[i*out+o]-zeros[g*out+o]-one)
						require.Equal(t, want, got[o*in+i], "%d bits, output %d, input %d", bits, o, i)
					}
				}
			}
		}
	}
}

func TestAWQ(t *testing.T) {
	const in, out, groups = 8, 16, 2
	r := rand.New(rand.NewPCG(3, 4))
	order := []int{0, 2, 4, 6, 1, 3, 5, 7} // the output that each place of a word holds
	pack := func(codes []int) (words []uint32) {
		for j := 0; j < len(codes); j += 8 {
			place := make([]int, 8)
			for p, o := range order {
				place[p] = codes[j+o]
			}
			words = append(words, stream(place, 4)...)
		}
		return words
	}
	q, zeros, scales := randoms(r, in*out, 16), randoms(r, groups*out, 16), scalesOf(r, groups*out)
	for _, withZeros := range []bool{true, false} {
		tensors := []*safetensors.Tensor{tensor("m.qweight", "I32", shape(in, out/8), pack(q)), tensor("m.scales", "F32", shape(groups, out), scales)}
		if withZeros {
			tensors = append(tensors, tensor("m.qzeros", "I32", shape(groups, out/8), pack(zeros)))
		}
		for _, config := range []string{`{"quant_method": "awq", "bits": 4, "group_size": 4, "version": "gemm"}`,
			`{"quant_method": "auto-round", "bits": 4, "group_size": 4, "packing_format": "auto_round:auto_awq"}`} {
			_, got := only(t, config, tensors...)
			for o := range out {
				for i := range in {
					at, zero := i/4*out+o, 8
					if withZeros {
						zero = zeros[at]
					}
					require.Equal(t, scales[at]*float32(q[i*out+o]-zero), got[o*in+i])
				}
			}
		}
	}
}

func TestPacked(t *testing.T) {
	const rows, cols = 5, 24
	r := rand.New(rand.NewPCG(5, 6))
	for _, bits := range []int{2, 3, 4, 8} {
		for _, groups := range []int{1, 3} {
			for _, zeroType := range []string{"", "I32", "I8"} {
				perWord := 32 / bits
				q, zeros, scales := randoms(r, rows*cols, 1<<bits), randoms(r, rows*groups, 1<<bits), scalesOf(r, rows*groups)
				pack := func(codes []int) (words []uint32) { // whole codes only
					for ; len(codes) > 0; codes = codes[min(perWord, len(codes)):] {
						words = append(words, stream(codes[:min(perWord, len(codes))], bits)[0])
					}
					return words
				}
				var words []uint32
				for row := range rows {
					words = append(words, pack(q[row*cols:][:cols])...)
				}
				tensors := []*safetensors.Tensor{tensor("m.weight_packed", "I32", shape(rows, int64((cols+perWord-1)/perWord)), words),
					tensor("m.weight_scale", "F32", shape(rows, int64(groups)), scales), tensor("m.weight_shape", "I64", shape(2), []int64{rows, cols})}
				switch zeroType {
				case "I32":
					packed := make([]uint32, (rows+perWord-1)/perWord*groups)
					for g := range groups {
						column := make([]int, rows)
						for row := range column {
							column[row] = zeros[row*groups+g]
						}
						for i, w := range pack(column) {
							packed[i*groups+g] = w
						}
					}
					tensors = append(tensors, tensor("m.weight_zero_point", "I32", shape(int64(len(packed)/groups), int64(groups)), packed))
				case "I8":
					var signed []int8
					for _, z := range zeros {
						signed = append(signed, int8(z-1<<(bits-1)))
					}
					tensors = append(tensors, tensor("m.weight_zero_point", "I8", shape(rows, int64(groups)), signed))
				}
				strategy := `"channel"`
				if groups > 1 {
					strategy = `"group", "group_size": 8`
				}
				_, got := only(t, fmt.Sprintf(`{"quant_method": "compressed-tensors", "format": "pack-quantized", "config_groups": {"group_0":
					{"targets": ["Linear"], "weights": {"num_bits": %d, "strategy": %s}}}}`, bits, strategy), tensors...)
				for i, v := range got {
					row, zero := i/cols, 1<<(bits-1)
					at := row*groups + i%cols/(cols/groups)
					if zeroType != "" {
						zero = zeros[at]
					}
					require.Equal(t, scales[at]*float32(q[i]-zero), v, "%d bits, %d groups, zeros %q, element %d", bits, groups, zeroType, i)
				}
			}
		}
	}
}

// TestScaled: scales of the tensor, of rows, of blocks that do not fill it, of matrices in it.
func TestScaled(t *testing.T) {
	codes := []byte{0x38, 0xb8, 0x01, 0x7e, 0x80, 0x40} // 1, -1, 2^-9, 448, -0, 2
	values := []float32{1, -1, 0x1p-9, 448, float32(math.Copysign(0, -1)), 2}
	w := tensor("m.weight", safetensors.F8E4M3, shape(2, 3), codes)
	compressed := func(strategy string) string {
		return `{"quant_method": "compressed-tensors", "format": "float-quantized", "config_groups": {"a": {"targets": ["re:other.*"], "weights": {"strategy": "block"}}, "b": {"targets": ["Linear"], "weights": {"strategy": ` + strategy + `}}}}`
	}
	for name, c := range map[string]struct {
		config string
		scale  *safetensors.Tensor
		want   [6]float32 // the scale of each element
	}{
		"tensor":      {`{"quant_method": "fp8"}`, tensor("m.weight_scale_inv", "F32", nil, []float32{0.5}), [6]float32{.5, .5, .5, .5, .5, .5}},
		"mistral":     {`{"quant_method": "fp8"}`, tensor("m.qscale_weight", "BF16", nil, []uint16{0x3f00}), [6]float32{.5, .5, .5, .5, .5, .5}},
		"row":         {`{"quant_method": "fbgemm_fp8"}`, tensor("m.weight_scale", "F32", shape(2, 1), []float32{2, 3}), [6]float32{2, 2, 2, 3, 3, 3}},
		"row, flat":   {compressed(`"channel"`), tensor("m.weight_scale", "F16", shape(2), []uint16{0x4000, 0x4200}), [6]float32{2, 2, 2, 3, 3, 3}},
		"block":       {`{"quant_method": "fp8", "weight_block_size": [1, 2]}`, tensor("m.weight_scale_inv", "F32", shape(2, 2), []float32{2, 3, 4, 5}), [6]float32{2, 2, 3, 4, 4, 5}},
		"powers of 2": {`{"quant_method": "fp8", "weight_block_size": [2, 2]}`, tensor("m.weight_scale_inv", safetensors.F8E8M0, shape(1, 2), []byte{128, 126}), [6]float32{2, 2, .5, 2, 2, .5}},
		"structure":   {compressed(`"block", "block_structure": [2, 2]`), tensor("m.weight_scale", "F32", shape(1, 2), []float32{2, 3}), [6]float32{2, 2, 3, 2, 2, 3}},
		"modelopt":    {`{"quant_method": "modelopt", "quant_algo": "FP8"}`, tensor("m.weight_scale", "F32", shape(1), []float32{4}), [6]float32{4, 4, 4, 4, 4, 4}},
	} {
		_, got := only(t, c.config, w, c.scale)
		for i := range values {
			require.Equal(t, math.Float32bits(values[i]*c.want[i]), math.Float32bits(got[i]), "%s, element %d: %v", name, i, got[i])
		}
	}
	_, got := only(t, `{"quant_method": "fp8"}`, tensor("e.up", safetensors.F8E5M2, shape(2, 1, 2), []byte{0x3c, 0xbc, 0x7b, 0x01}),
		tensor("e.up_scale_inv", "F32", shape(2), []float32{2, 4}))
	require.Equal(t, []float32{2, -2, 4 * 57344, 0x1p-14}, got)
	_, got = only(t, compressed(`"channel"`), tensor("m.weight", "I8", shape(2, 2), []int8{-128, 127, 1, 0}),
		tensor("m.weight_scale", "F32", shape(2, 1), []float32{0.5, 2}), tensor("m.weight_zero_point", "I8", shape(2, 1), []int8{-1, 3}))
	require.Equal(t, []float32{-63.5, 64, -4, -6}, got)
}

func TestBitsAndBytes(t *testing.T) {
	const config = `{"quant_method": "bitsandbytes"}`
	quantMap := make([]float32, 16)
	for i := range quantMap {
		quantMap[i] = float32(i*i) - 20
	}
	codes := []byte{0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xe0} // 15 elements in rows of 5, blocks of 4
	state := func(more string) []byte { return []byte(`{"shape": [3, 5], "blocksize": 4` + more + `}`) }
	for _, kind := range []string{"nf4", "fp4"} {
		s := state("")
		_, got := only(t, config, tensor("m.weight", "U8", shape(8, 1), codes), tensor("m.weight.absmax", "F32", shape(4), []float32{1, 2, 3, 4}),
			tensor("m.weight.quant_map", "F32", shape(16), quantMap), tensor("m.weight.quant_state.bitsandbytes__"+kind, "U8", shape(int64(len(s))), s))
		require.Len(t, got, 15)
		for i, v := range got {
			require.Equal(t, quantMap[i]*float32(i/4+1), v, i)
		}
	}
	nestedMap := make([]float32, 256)
	for i := range nestedMap {
		nestedMap[i] = float32(i) / 256
	}
	s := state(`, "nested_blocksize": 2, "nested_offset": 0.25`)
	_, got := only(t, config, tensor("m.weight", "U8", shape(8, 1), codes), tensor("m.weight.absmax", "U8", shape(4), []byte{0, 64, 128, 255}),
		tensor("m.weight.quant_map", "F32", shape(16), quantMap), tensor("m.weight.quant_state.bitsandbytes__nf4", "U8", shape(int64(len(s))), s),
		tensor("m.weight.nested_absmax", "F32", shape(2), []float32{2, 4}), tensor("m.weight.nested_quant_map", "F32", shape(256), nestedMap))
	for i, v := range got {
		require.Equal(t, quantMap[i]*[]float32{0.25, 0.75, 2.25, 255./64 + 0.25}[i/4], v, i)
	}

	_, got = only(t, config, tensor("m.weight", "I8", shape(2, 2), []int8{127, -127, 0, 1}), tensor("m.SCB", "F32", shape(2), []float32{3, 0.3}),
		tensor("m.weight_format", "U8", nil, []byte{0}))
	scb := float32(0.3)
	require.Equal(t, []float32{381 * (float32(1) / 127), -381 * (float32(1) / 127), 0, scb * (float32(1) / 127)}, got)
}

func TestBitNet(t *testing.T) {
	w, s := tensor("m.weight", "U8", shape(1, 3), []byte{0b10_01_00_10, 0b00_00_01_01, 0b01_10_01_00}), tensor("m.weight_scale", "F32", shape(1), []float32{4})
	_, got := only(t, `{"quant_method": "bitnet"}`, w, s)
	require.Equal(t, []float32{.25, 0, -.25, -.25, 0, 0, 0, -.25, .25, .25, -.25, 0}, got)
	_, got = only(t, `{"quant_method": "bitnet", "linear_class": "autobitlinear"}`, w, s)
	require.Equal(t, []float32{4, 0, -4, -4, 0, 0, 0, -4, 4, 4, -4, 0}, got)
}

// kept decodes the blocks that GGUF has.
func kept(t *testing.T, x *safetensors.Tensor) []float32 {
	t.Helper()
	b := make([]byte, x.Size())
	require.NoError(t, x.ReadAt(b, 0))
	out := make([]float32, x.Elements())
	c, _ := codec.For(x.Type)
	c.Decode(out, b)
	return out
}

func TestNVFP4(t *testing.T) {
	const rows, cols = 3, 128
	r := rand.New(rand.NewPCG(7, 8))
	q, scales := randoms(r, rows*cols, 16), make([]byte, rows*cols/16)
	for i := range scales {
		scales[i] = byte(r.IntN(0x7f))
	}
	var packed []byte
	for i := 0; i < len(q); i += 2 {
		packed = append(packed, byte(q[i]|q[i+1]<<4))
	}
	global := float32(1) / 3
	var want []float32
	for i, c := range q {
		want = append(want, e2m1[c]*(e4m3[scales[i/16]]*(1/global)))
	}
	for config, tensors := range map[string][]*safetensors.Tensor{
		`{"quant_method": "modelopt", "quant_algo": "NVFP4"}`: {tensor("m.weight", "U8", shape(rows, cols/2), packed),
			tensor("m.weight_scale_2", "F32", nil, []float32{1 / global}), tensor("m.input_scale", "F32", nil, []float32{0.5})},
		`{"quant_method": "compressed-tensors", "format": "nvfp4-pack-quantized", "config_groups": {}}`: {tensor("m.weight_packed", "U8", shape(rows, cols/2), packed),
			tensor("m.weight_global_scale", "F32", shape(1), []float32{global}), tensor("m.input_global_scale", "F32", shape(1), []float32{2})},
	} {
		x, got := only(t, config, append(tensors, tensor("m.weight_scale", safetensors.F8E4M3, shape(rows, cols/16), scales))...)
		require.Equal(t, want, got)
		require.Equal(t, []Scale{{"scale", 1 / global}, {"input_scale", 0.5}}, x.Scales)
		for i, v := range kept(t, x.Kept) {
			require.InEpsilon(t, 1+got[i], 1+v*x.Scales[0].Value, 1e-6, i) // rounded in another order
		}
	}
	x, got := only(t, `{"quant_method": "modelopt"}`, tensor("m.weight", "U8", shape(1, 8), packed[:8]), tensor("m.weight_scale", safetensors.F8E4M3, shape(1, 1), scales[:1]))
	require.Nil(t, x.Kept, "GGUF has blocks of 64")
	require.Equal(t, e2m1[q[5]]*e4m3[scales[0]], got[5])
}

func TestMXFP4(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	q, scales := randoms(r, 2*3*64, 16), []byte{127, 130, 120, 1, 0, 127, 128, 126, 127, 127, 127, 254}
	var packed []byte
	for i := 0; i < len(q); i += 2 {
		packed = append(packed, byte(q[i]|q[i+1]<<4))
	}
	packed[len(packed)-16] = 0x21 // the largest scale fits small values only
	x, got := only(t, `{"quant_method": "mxfp4"}`, tensor("m.up_blocks", "U8", shape(2, 3, 2, 16), packed), tensor("m.up_scales", "U8", shape(2, 3, 2), scales))
	require.True(t, x.Turned)
	require.Equal(t, "m.up", x.Name)
	require.Equal(t, shape(2, 3, 64), x.Shape)
	for i, v := range kept(t, x.Kept) {
		code := packed[i/2] >> (4 * (i % 2)) & 15
		want := float32(float64(e2m1[code]) * math.Ldexp(1, int(scales[i/32])-127))
		require.Equal(t, want, got[i], i)
		require.Equal(t, got[i], v, i)
	}
}

// TestOthers: what is not quantized stays as it is and where it is, and scales of nothing are counted.
func TestOthers(t *testing.T) {
	c, err := read(t, `{"quant_method": "fp8"}`)
	require.NoError(t, err)
	half := tensor("b.weight", "BF16", shape(1, 1), []uint16{1})
	s, err := Tensors([]*safetensors.Tensor{tensor("a.input_scale", "F32", nil, []float32{1}), tensor("a.weight", safetensors.F8E4M3, shape(1, 1), []byte{1}), tensor("a.weight_scale", "F32", nil, []float32{1}),
		half, tensor("b.weight_scale", "F32", nil, []float32{1}), tensor("k.k_scale", "F32", nil, []float32{1})}, c)
	require.NoError(t, err)
	require.Equal(t, []string{"a.input_scale"}, s.Activations)
	require.Equal(t, []string{"k.k_scale"}, s.Cache)
	require.Equal(t, "a.weight", s.Tensors[0].Name)
	require.Same(t, half, s.Tensors[1].Tensor)
	require.Len(t, s.Tensors, 3, "the scale of what has no codes is a tensor like others")

	c, err = Read(t.TempDir(), map[string]any{"quantization_config": map[string]any{}})
	require.NoError(t, err)
	require.Nil(t, c)
	s, err = Tensors([]*safetensors.Tensor{half}, c)
	require.NoError(t, err)
	require.Same(t, half, s.Tensors[0].Tensor)
}

// TestRefused: configs that say what cannot be.
func TestRefused(t *testing.T) {
	for config, want := range map[string]string{
		`{"quant_method": "zip"}`:                  `the method "zip", which carat does not read`,
		`{"quant_method": "quark", "format": "x"}`: "Quark, x, which carat does not read",
		`{"bits": 4}`:                              `the method ""`,
		`{"quant_method": "gptq"}`:                 "not <nil>",
		`{"quant_method": "gptq", "bits": 4, "checkpoint_format": "marlin"}`:       `"marlin" is for one runtime alone`,
		`{"quant_method": "awq", "bits": 4, "version": "gemv"}`:                    `not "gemv"`,
		`{"quant_method": "auto-round", "bits": 4, "packing_format": "x"}`:         `not "x"`,
		`{"quant_method": "compressed-tensors", "format": "mxfp4-pack-quantized"}`: "mxfp4-pack-quantized: carat does not read the format",
	} {
		_, err := read(t, config)
		require.ErrorIs(t, err, gguf.ErrInput, config)
		require.ErrorContains(t, err, want)
		require.Contains(t, hint.Of(err), "gptq", "what is read")
	}
}

// TestWrong: tensors that do not fit each other.
func TestWrong(t *testing.T) {
	gptq := `{"quant_method": "gptq", "bits": 4, "group_size": 8}`
	words := func(name string, dims ...int64) *safetensors.Tensor {
		n := int64(1)
		for _, d := range dims {
			n *= d
		}
		return tensor(name, "I32", dims, make([]int32, n))
	}
	floats := func(name string, dims ...int64) *safetensors.Tensor {
		n := int64(1)
		for _, d := range dims {
			n *= d
		}
		return tensor(name, "F32", dims, make([]float32, n))
	}
	bytesOf := func(name, dtype string, dims ...int64) *safetensors.Tensor {
		n := int64(1)
		for _, d := range dims {
			n *= d
		}
		return tensor(name, dtype, dims, make([]byte, n))
	}
	packed := `{"quant_method": "compressed-tensors", "format": "pack-quantized", "config_groups": {"a": {"targets": ["Linear"], "weights": {"num_bits": 4, "group_size": 8}}}}`
	size := func(rows, cols int64) *safetensors.Tensor {
		return tensor("m.weight_shape", "I64", shape(2), []int64{rows, cols})
	}
	state := func(s string) *safetensors.Tensor {
		return tensor("m.weight.quant_state.bitsandbytes__nf4", "U8", shape(int64(len(s))), []byte(s))
	}
	bnb := `{"quant_method": "bitsandbytes"}`
	for _, c := range []struct {
		config, want string
		tensors      []*safetensors.Tensor
	}{
		{gptq, "missing tensor m.scales", []*safetensors.Tensor{words("m.qweight", 1, 8)}},
		{gptq, "missing tensor m.qzeros", []*safetensors.Tensor{words("m.qweight", 1, 8), floats("m.scales", 1, 8)}},
		{gptq, "m.qweight (GPTQ) has the type F32, expected I32", []*safetensors.Tensor{floats("m.qweight", 1, 8), floats("m.scales", 1, 8), words("m.qzeros", 1, 1)}},
		{gptq, "m.qweight (GPTQ) has the shape [8], expected two dimensions", []*safetensors.Tensor{words("m.qweight", 8), floats("m.scales", 1, 8), words("m.qzeros", 1, 1)}},
		{gptq, "m.scales (GPTQ) has the shape [1 9], expected [1 8]", []*safetensors.Tensor{words("m.qweight", 1, 8), floats("m.scales", 1, 9), words("m.qzeros", 1, 1)}},
		{gptq, "m.qzeros (GPTQ) has the shape [1 2], expected [1 1]", []*safetensors.Tensor{words("m.qweight", 1, 8), floats("m.scales", 1, 8), words("m.qzeros", 1, 2)}},
		{gptq, "16 inputs in groups of 8, but there are scales of 1 groups", []*safetensors.Tensor{words("m.qweight", 2, 8), floats("m.scales", 1, 8), words("m.qzeros", 1, 1)}},
		{gptq, "m.g_idx (GPTQ) has the group 1 for input 3, expected 0 to 0", []*safetensors.Tensor{words("m.qweight", 1, 8), floats("m.scales", 1, 8), words("m.qzeros", 1, 1), tensor("m.g_idx", "I32", shape(8), []int32{0, 0, 0, 1, 0, 0, 0, 0})}},
		{gptq, "has the group -1 for input 0", []*safetensors.Tensor{words("m.qweight", 1, 8), floats("m.scales", 1, 8), words("m.qzeros", 1, 1), tensor("m.g_idx", "I32", shape(8), []int32{-1, 0, 0, 0, 0, 0, 0, 0})}},
		{gptq, "stands beside m.weight", []*safetensors.Tensor{floats("m.weight", 1, 1), words("m.qweight", 1, 8), floats("m.scales", 1, 8), words("m.qzeros", 1, 1)}},
		{`{"quant_method": "gptq", "bits": 3, "group_size": 8}`, "whole codes of 3 bits", []*safetensors.Tensor{words("m.qweight", 1, 8), floats("m.scales", 1, 8), words("m.qzeros", 1, 1)}},
		{`{"quant_method": "awq", "bits": 4, "group_size": 1.5}`, "group_size must be a whole number", []*safetensors.Tensor{words("m.qweight", 8, 1), floats("m.scales", 1, 8)}},
		{packed, "says -1 x 8", []*safetensors.Tensor{words("m.weight_packed", 1, 1), floats("m.weight_scale", 1, 1), size(-1, 8)}},
		{packed, "m.weight_packed (compressed-tensors) has the shape [1 1], expected [1 2]", []*safetensors.Tensor{words("m.weight_packed", 1, 1), floats("m.weight_scale", 1, 2), size(1, 16)}},
		{packed, "has 3 scales in each row", []*safetensors.Tensor{words("m.weight_packed", 1, 2), floats("m.weight_scale", 1, 3), size(1, 16)}},
		{packed, "m.weight_zero_point (compressed-tensors) has the shape [2 2], expected [1 2]", []*safetensors.Tensor{words("m.weight_packed", 1, 2), floats("m.weight_scale", 1, 2), size(1, 16), words("m.weight_zero_point", 2, 2)}},
		{`{"quant_method": "fp8", "weight_block_size": [2, 2]}`, "expected one scale for each block of [2 2]", []*safetensors.Tensor{bytesOf("m.weight", safetensors.F8E4M3, 3, 3), floats("m.weight_scale_inv", 3, 3)}},
		{`{"quant_method": "fp8", "weight_block_size": [2]}`, "weight_block_size must be two whole numbers", []*safetensors.Tensor{bytesOf("m.weight", safetensors.F8E4M3, 3, 3), floats("m.weight_scale_inv", 2, 2)}},
		{`{"quant_method": "fp8"}`, "expected one scale for the weight", []*safetensors.Tensor{bytesOf("m.weight", safetensors.F8E4M3, 3, 3), floats("m.weight_scale_inv", 2, 2)}},
		{`{"quant_method": "fp8"}`, "expected no more dimensions", []*safetensors.Tensor{bytesOf("m.weight", safetensors.F8E4M3, 3, 3), floats("m.weight_scale_inv", 3, 1, 1)}},
		{bnb, "is not a JSON object", []*safetensors.Tensor{bytesOf("m.weight", "U8", 8, 1), floats("m.weight.absmax", 1), floats("m.weight.quant_map", 16), state("[")}},
		{bnb, "has the shape [9000000000 9000000000 9000000000]", []*safetensors.Tensor{bytesOf("m.weight", "U8", 8, 1), floats("m.weight.absmax", 1), floats("m.weight.quant_map", 16), state(`{"shape": [9000000000, 9000000000, 9000000000], "blocksize": 64}`)}},
		{bnb, "has 8 bytes, expected 5000", []*safetensors.Tensor{bytesOf("m.weight", "U8", 8, 1), floats("m.weight.absmax", 1), floats("m.weight.quant_map", 16), state(`{"shape": [100, 100], "blocksize": 64}`)}},
		{bnb, "has 1 scales, expected 4 of blocks of 4", []*safetensors.Tensor{bytesOf("m.weight", "U8", 8, 1), floats("m.weight.absmax", 1), floats("m.weight.quant_map", 16), state(`{"shape": [4, 4], "blocksize": 4}`)}},
		{bnb, "expected 16 numbers", []*safetensors.Tensor{bytesOf("m.weight", "U8", 8, 1), floats("m.weight.absmax", 4), floats("m.weight.quant_map", 15), state(`{"shape": [4, 4], "blocksize": 4}`)}},
		{bnb, "is 1, expected 0", []*safetensors.Tensor{bytesOf("m.weight", "I8", 1, 1), floats("m.SCB", 1), tensor("m.weight_format", "U8", nil, []byte{1})}},
		{`{"quant_method": "bitnet"}`, "is 0, expected another number", []*safetensors.Tensor{bytesOf("m.weight", "U8", 1, 1), floats("m.weight_scale", 1)}},
		{`{"quant_method": "modelopt"}`, "m.weight_scale (ModelOpt) has the shape [1 2], expected [1 1]", []*safetensors.Tensor{bytesOf("m.weight", "U8", 1, 8), bytesOf("m.weight_scale", safetensors.F8E4M3, 1, 2)}},
		{`{"quant_method": "modelopt"}`, "is 0, expected a number above 0", []*safetensors.Tensor{bytesOf("m.weight", "U8", 1, 8), bytesOf("m.weight_scale", safetensors.F8E4M3, 1, 1), floats("m.weight_scale_2", 1)}},
		{`{"quant_method": "mxfp4"}`, "missing tensor m_scales", []*safetensors.Tensor{bytesOf("m_blocks", "U8", 1, 1, 16)}},
		{`{"quant_method": "mxfp4"}`, "expected blocks of 16 bytes", []*safetensors.Tensor{bytesOf("m_blocks", "U8", 1, 1, 8), bytesOf("m_scales", "U8", 1, 1)}},
	} {
		cfg, err := read(t, c.config)
		require.NoError(t, err)
		_, err = Tensors(c.tensors, cfg)
		require.ErrorIs(t, err, gguf.ErrInput, c.want)
		require.ErrorContains(t, err, c.want)
		require.Regexp(t, `model\.safetensors|config\.json`, err.Error(), "the file")
	}
}

// TestBadCodes: what shows when rows are read only.
func TestBadCodes(t *testing.T) {
	for config, tensors := range map[string][]*safetensors.Tensor{
		`{"quant_method": "bitnet"}`:   {tensor("m.weight", "U8", shape(1, 1), []byte{0b11}), tensor("m.weight_scale", "F32", nil, []float32{1})},
		`{"quant_method": "modelopt"}`: {tensor("m.weight", "U8", shape(1, 8), make([]byte, 8)), tensor("m.weight_scale", safetensors.F8E4M3, shape(1, 1), []byte{0x81})},
		`{"quant_method": "mxfp4"}`:    {tensor("m_blocks", "U8", shape(1, 1, 16), make([]byte, 16)), tensor("m_scales", "U8", shape(1, 1), []byte{255})},
	} {
		c, err := read(t, config)
		require.NoError(t, err)
		s, err := Tensors(tensors, c)
		require.NoError(t, err)
		err = s.Tensors[0].ReadAt(make([]byte, s.Tensors[0].Size()), 0)
		require.ErrorIs(t, err, gguf.ErrInput)
		require.ErrorContains(t, err, "row 0")
	}
}

// FuzzTensors gives tensors of any shape and type to every layout: what is made of them can be read, or is refused.
func FuzzTensors(f *testing.F) {
	var endings []string
	for _, m := range methods {
		for _, l := range append(m.layouts, gptq, awq) {
			for _, n := range slices.Concat([]string{l.codes}, l.needed, l.optional) {
				if !slices.Contains(endings, n) {
					endings = append(endings, n)
				}
			}
		}
	}
	slices.Sort(endings)
	dtypes := []string{"F32", "F16", "BF16", "I64", "I32", "I8", "U8", safetensors.F8E4M3, safetensors.F8E5M2, safetensors.F8E8M0}
	configs := []string{`{"quant_method": "gptq", "bits": 3}`, `{"quant_method": "gptq", "bits": 4, "group_size": 2}`, `{"quant_method": "awq", "bits": 4}`, `{"quant_method": "bitsandbytes"}`,
		`{"quant_method": "fp8", "weight_block_size": [2, 3]}`, `{"quant_method": "fp8"}`, `{"quant_method": "compressed-tensors", "config_groups": {"a": {"weights": {"num_bits": 4}}}}`,
		`{"quant_method": "modelopt"}`, `{"quant_method": "bitnet"}`, `{"quant_method": "mxfp4"}`}
	f.Add(uint8(0), []byte("\x05\x04\x02\x08\x01\x01\x00\x00"))
	f.Fuzz(func(t *testing.T, which uint8, b []byte) {
		next := func(below int) int {
			if len(b) == 0 {
				return 0
			}
			v := int(b[0]) % below
			b = b[1:]
			return v
		}
		var tensors []*safetensors.Tensor
		for len(b) > 0 && len(tensors) < 8 {
			name, dtype := "m"+endings[next(len(endings))], dtypes[next(len(dtypes))]
			var dims []int64
			n := int64(1)
			for range next(4) {
				dims = append(dims, int64(next(20)))
				n *= dims[len(dims)-1]
			}
			data := make([]byte, n*int64(sizes[dtype].BlockBytes()))
			for i := range data {
				data[i] = byte(next(256))
			}
			if !slices.ContainsFunc(tensors, func(x *safetensors.Tensor) bool { return x.Name == name }) {
				tensors = append(tensors, tensor(name, dtype, dims, data))
			}
		}
		c, err := read(t, configs[int(which)%len(configs)])
		require.NoError(t, err)
		s, err := Tensors(tensors, c)
		if err != nil {
			require.ErrorIs(t, err, gguf.ErrInput)
			return
		}
		for _, x := range s.Tensors {
			if slices.Contains(tensors, x.Tensor) {
				continue
			}
			if err := x.ReadAt(make([]byte, x.Size()), 0); err != nil {
				require.ErrorIs(t, err, gguf.ErrInput)
			}
			if x.Kept != nil {
				if err := x.Kept.ReadAt(make([]byte, x.Kept.Size()), 0); err != nil {
					require.ErrorIs(t, err, gguf.ErrInput)
				}
			}
		}
	})
}
