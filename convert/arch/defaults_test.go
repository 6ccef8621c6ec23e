package arch

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

var printClasses = flag.Bool("classes", false, "print the names of all classes")

// TestClassDefaults: a config that says nothing but its class is described as one that holds all defaults of that class in
// transformers, which scripts/checkpoints/defaults.py records.
func TestClassDefaults(t *testing.T) {
	if *printClasses {
		for _, c := range Classes() {
			fmt.Println(c)
		}
		return
	}
	var recorded map[string]map[string]any
	b, err := os.ReadFile("testdata/defaults.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &recorded))
	// Not as transformers has it:
	delete(recorded, "Mistral3ForConditionalGeneration")               // the class of its text_config is another, Mistral or Ministral 3
	delete(recorded, "Ministral3ForCausalLM")                          // without rope_parameters it is refused
	delete(recorded, "NemotronHForCausalLM")                           // four layers of all kinds, which no model has: refused
	delete(recorded["Glm4MoeForCausalLM"], "num_nextn_predict_layers") // 1, but a file that says nothing of them need not have them
	delete(recorded["Olmo3ForCausalLM"], "rope_parameters")            // the same base twice, which older configs say once
	require.ErrorContains(t, errors.New(described(t, "Ministral3ForCausalLM", nil)[0]), "positions are scaled with yarn")
	seen := 0
	for _, class := range Classes() {
		values := recorded[class]
		if values == nil {
			continue
		}
		seen++
		t.Run(class, func(t *testing.T) {
			want := described(t, class, values)
			got := described(t, class, nil)
			for i := range max(len(want), len(got)) {
				if i >= len(want) || i >= len(got) || want[i] != got[i] {
					t.Fatalf("without anything: %v\nwith transformers' defaults: %v", at(got, i), at(want, i))
				}
			}
		})
	}
	require.Equal(t, len(recorded), seen)
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "nothing"
}

// described is all that a family makes of a config, a line each: errors, keys and tensors.
func described(t *testing.T, class string, values map[string]any) (lines []string) {
	t.Helper()
	config := map[string]any{"architectures": []any{class}}
	for k, v := range values {
		config[k] = v
	}
	b, err := json.Marshal(config)
	require.NoError(t, err)
	c, err := parseConfig(b, "config.json")
	require.NoError(t, err)
	f, _, c, err := Find(c)
	require.NoError(t, err)
	s := f.Describe(c)
	if c.Err() != nil {
		return []string{c.Err().Error()}
	}
	for _, kv := range slices.Concat(s.Before, s.Metadata) {
		lines = append(lines, fmt.Sprintf("%s = %v", kv.Key, kv.Value))
	}
	for _, x := range s.Tensors {
		lines = append(lines, fmt.Sprintf("%s %s %v optional %v", x.Source, x.Name, x.Shape, x.Optional))
	}
	return lines
}
