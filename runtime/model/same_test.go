package model

import (
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"hash/crc32"
	"maps"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/cpu"
	"github.com/carat-llm/carat/quantize"
	"github.com/carat-llm/carat/quantize/recipe"
	"github.com/carat-llm/carat/runtime/kernel"
)

// The sums of logits, of all tiers of all platforms, are in testdata/logits.json. The tests run on amd64 and, by
// scripts/qemu_arm64.sh, on arm64. When the arithmetic is changed on purpose, this writes them anew, from the generic tier:
//
//	go test ./runtime/model -run Same -update
var update = flag.Bool("update", false, "write testdata/logits.json")

const sumsPath = "testdata/logits.json"

// sameFiles are the types of files that are compared.
var sameFiles = []recipe.FileType{recipe.F32, recipe.F16, recipe.BF16, recipe.Q8_0, recipe.Q4_0, recipe.Q5_1, recipe.Q2_K,
	recipe.Q3_K_S, recipe.Q4_K_M, recipe.Q6_K, recipe.IQ4_XS, recipe.TQ2_0}

// crc is the sum of logits as they lie in memory on a little-endian machine.
func crc(logits []float32) uint32 {
	sum, b := crc32.NewIEEE(), make([]byte, 0, 4*len(logits))
	for _, v := range logits {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	sum.Write(b)
	return sum.Sum32()
}

// promptAndSteps are the logits of all but three tokens in one call and of three in calls of their own.
func promptAndSteps(t *testing.T, m *Model, ids []int32) []float32 {
	t.Helper()
	s, prompt := session(t, m, len(ids)), len(ids)-3
	logits := make([]float32, len(ids)*m.Vocab())
	require.NoError(t, s.Forward(ids[:prompt], 0, logits[:prompt*m.Vocab()]))
	for i := prompt; i < len(ids); i++ {
		require.NoError(t, s.Forward(ids[i:i+1], 0, logits[i*m.Vocab():][:m.Vocab()]))
	}
	return logits
}

// requireSame compares the sums of logits on every tier with the one expected, or writes them.
func requireSame(t *testing.T, logits map[string]func(t *testing.T) []float32) {
	t.Helper()
	want := map[string]string{}
	data, err := os.ReadFile(sumsPath)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &want))
	for _, name := range slices.Sorted(maps.Keys(logits)) {
		t.Run(name, func(t *testing.T) {
			for _, tier := range cpu.Ladder() {
				restore := cpu.Force(tier)
				got := fmt.Sprintf("%08x", crc(logits[name](t)))
				restore()
				if *update && tier == cpu.Generic {
					want[name] = got
				}
				require.Equal(t, want[name], got, "%s", tier)
			}
		})
	}
	if *update {
		data, err := json.MarshalIndent(want, "", "  ")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(sumsPath, append(data, '\n'), 0o644))
	}
}

// TestLogitsAreTheSameEverywhere: the logits of exact computation are the same bits on every tier and platform.
func TestLogitsAreTheSameEverywhere(t *testing.T) {
	src, err := convert.Open("../../testdata/tiny-llama", convert.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, src.Close()) }()
	ids := make([]int32, 23)
	for i := range ids {
		ids[i] = int32((i*i*71 + 13*i) % 2046)
	}
	logits := map[string]func(t *testing.T) []float32{}
	for _, ft := range sameFiles {
		file := quantized(t, src, quantize.Options{FileType: ft})
		for _, cache := range KVTypes {
			name := ft.String()
			if cache != gguf.F32 {
				name += ", cache " + cache.String()
				if ft != recipe.Q8_0 {
					continue
				}
			}
			logits[name] = func(t *testing.T) []float32 {
				m, err := Load(file, Options{Pool: kernel.NewPool(2), KVType: cache})
				require.NoError(t, err)
				return promptAndSteps(t, m, ids)
			}
		}
	}
	requireSame(t, logits)
}

// TestFamiliesAreTheSameEverywhere is about what else graphs compute.
func TestFamiliesAreTheSameEverywhere(t *testing.T) {
	logits := map[string]func(t *testing.T) []float32{}
	for name := range families {
		src := invented(t, name)
		logits[name+" invented"] = func(t *testing.T) []float32 { return promptAndSteps(t, load(t, src, 2), testIDs(30)) }
	}
	for name := range encoders {
		src := invented(t, name)
		logits[name+" invented"] = func(t *testing.T) []float32 { return hidden(t, load(t, src, 2), testIDs(30)) }
	}
	requireSame(t, logits)
}

// TestArchitecturesAreTheSameEverywhere is about what else graphs compute: norms, activations, rotary positions, experts,
// limits of logits.
func TestArchitecturesAreTheSameEverywhere(t *testing.T) {
	logits := map[string]func(t *testing.T) []float32{}
	for name, src := range everyArchitecture() {
		logits[name] = func(t *testing.T) []float32 { return promptAndSteps(t, load(t, src, 2), testIDs(30)) }
	}
	requireSame(t, logits)
}
