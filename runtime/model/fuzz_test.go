package model

import (
	"errors"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/carat-llm/carat/gguf"
)

// FuzzCheck gives models keys of any value and type: Check says what is wrong with gguf.ErrInput, or Load works, and so
// does a first step. Nothing panics, and nothing is allocated by a number that was not compared with the tensors.
func FuzzCheck(f *testing.F) {
	models := everyArchitecture()
	names := slices.Sorted(maps.Keys(models))
	var keys []string
	for _, e := range hostileEdits {
		if !slices.Contains(keys, e.key) {
			keys = append(keys, e.key)
		}
	}
	for i := range keys {
		f.Add(byte(i), byte(i), byte(i%9), uint64(i), uint8(3), uint64(1))
		f.Add(byte(i+1), byte(i), byte(i%9), math.Float64bits(-1.5), uint8(i), uint64(math.MaxUint64))
	}
	value := func(kind byte, bits uint64) any {
		switch kind % 9 {
		case 0:
			return uint32(bits)
		case 1:
			return int32(bits)
		case 2:
			return float32(math.Float64frombits(bits))
		case 3:
			return math.Float32frombits(uint32(bits))
		case 4:
			return bits%2 == 0
		case 5:
			return []uint32{uint32(bits), uint32(bits >> 32)}
		case 6:
			return []string{"yarn", "linear", "none", "longrope", ""}[bits%5]
		case 7:
			return bits
		}
		return int8(bits)
	}
	f.Fuzz(func(t *testing.T, model, key, kind byte, bits uint64, key2 uint8, bits2 uint64) {
		sound := models[names[int(model)%len(names)]]
		m := &fake{sound.md.Clone(), sound.tensors}
		prefix := m.md.Architecture() + "."
		m.md.Set(prefix+keys[int(key)%len(keys)], value(kind, bits))
		m.md.Set(prefix+keys[int(key2)%len(keys)], value(kind+key2, bits2))
		if Check(m) != nil {
			requireRefusedWith(t, m)
			return
		}
		loaded := load(t, m, 1)
		s, err := loaded.NewSession(2)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Forward([]int32{1, 2}, 1, make([]float32, loaded.Vocab())); err != nil {
			t.Fatal(err)
		}
	})
}

// requireRefusedWith requires an error of the right kind.
func requireRefusedWith(t *testing.T, m gguf.Model) {
	t.Helper()
	if _, err := Load(m, Options{}); !errors.Is(err, gguf.ErrInput) {
		t.Fatalf("%v", err)
	}
}
