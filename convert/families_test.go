package convert

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"hash/fnv"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/carat-llm/carat/convert/arch"
	"github.com/carat-llm/carat/convert/safetensors"
	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

var updateFamilies = flag.Bool("update", false, "write testdata/families.json anew, from CARAT_GOLDEN")

// familiesFile has a config of every family, and the sum of what random weights become with it. Where CARAT_GOLDEN is,
// TestGoldenArch proves that the same transforms and keys give the reference's files.
const familiesFile = "testdata/families.json"

type familyCase struct {
	Config json.RawMessage `json:"config"`
	SHA256 string          `json:"sha256"`
}

func readFamilies(t *testing.T) map[string]familyCase {
	t.Helper()
	out := map[string]familyCase{}
	b, err := os.ReadFile(familiesFile)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &out))
	return out
}

// TestFamilies: nothing changes unseen in what any family makes of a checkpoint.
func TestFamilies(t *testing.T) {
	if *updateFamilies {
		writeFamilies(t)
	}
	for name, c := range readFamilies(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.SHA256, sumOfFamily(t, c.Config))
		})
	}
}

// writeFamilies takes the configs of the golden folders, and keeps those that there are besides: of models that
// scripts/checkpoints/random_models.py makes and compares.
func writeFamilies(t *testing.T) {
	t.Helper()
	out := readFamilies(t)
	for name, c := range out {
		out[name] = familyCase{c.Config, sumOfFamily(t, c.Config)}
	}
	files, err := filepath.Glob(filepath.Join(os.Getenv("CARAT_GOLDEN"), "golden", "arch", "*", "config.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, f := range files {
		if !slices.Contains(arch.Classes(), classOf(t, filepath.Dir(f))) {
			continue
		}
		b, err := os.ReadFile(f)
		require.NoError(t, err)
		b = bytes.ReplaceAll(b, []byte(" Infinity"), []byte(" 1e300")) // which JSON does not have
		out[filepath.Base(filepath.Dir(f))] = familyCase{b, sumOfFamily(t, b)}
	}
	b, err := json.MarshalIndent(out, "", " ")
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll("testdata", 0o755))
	require.NoError(t, os.WriteFile(familiesFile, append(b, '\n'), 0o600))
}

// sumOfFamily converts random weights, in each of the first ways in which the family takes its tensors, and sums up
// all that comes of them but the tokenizer.
func sumOfFamily(t *testing.T, config []byte) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "config.json"), config, 0o600))
	c, err := arch.ReadConfig(dir)
	require.NoError(t, err)
	family, _, c, err := arch.Find(c)
	require.NoError(t, err)
	spec := family.Describe(c)
	require.NoError(t, c.Err())
	tensors := spec.Tensors
	for _, n := range spec.Numbers {
		for i := range n.Count {
			tensors = append(tensors, arch.Tensor{Source: fmt.Sprintf(n.Source, i), Name: fmt.Sprint(n.Key, i), Shape: []int64{1}})
		}
	}
	writeRandom(t, filepath.Join(dir, "model.safetensors"), tensors)
	files, err := safetensors.Open(dir)
	require.NoError(t, err)
	defer files.Close()
	m := &Model{dir: dir, files: files}
	require.NoError(t, m.mapTensors(spec, gguf.F32))
	h := sha256.New()
	for _, kv := range slices.Concat(spec.Before, m.numbers, spec.Metadata) {
		fmt.Fprintf(h, "%s=%T %v\n", kv.Key, kv.Value, kv.Value)
	}
	for _, x := range spec.Computed {
		fmt.Fprintln(h, x)
	}
	for _, x := range m.tensors {
		in := x.Info()
		b := make([]byte, in.Bytes())
		require.NoError(t, x.ReadRows(b, 0, in.Rows()))
		fmt.Fprintln(h, in.Name, in.Type, in.Shape)
		h.Write(b)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// writeRandom writes what the tensors are made of, each of the names once.
func writeRandom(t *testing.T, path string, specs []arch.Tensor) {
	t.Helper()
	header, data, made := map[string]any{}, []byte{}, map[string]string{}
	for _, s := range specs {
		if from, ok := made[s.Name]; ok && from != s.Source {
			continue // another way to hold the same tensor
		}
		made[s.Name] = s.Source
		for _, name := range s.Sources() {
			if header[name] != nil {
				continue
			}
			n, begin, seed := int64(1), len(data), fnv.New64a()
			for _, d := range s.Shape {
				n *= d
			}
			_, _ = seed.Write([]byte(name))
			for x := seed.Sum64(); n > 0; n-- {
				x = x*6364136223846793005 + 1442695040888963407
				v := float32(int32(x>>32)) / (1 << 31)
				data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
			}
			header[name] = map[string]any{"dtype": "F32", "shape": s.Shape, "data_offsets": []int{begin, len(data)}}
		}
	}
	h, err := json.Marshal(header)
	require.NoError(t, err)
	file := append(binary.LittleEndian.AppendUint64(nil, uint64(len(h))), h...)
	require.NoError(t, os.WriteFile(path, append(file, data...), 0o600))
}
