package allocate

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/carat-llm/carat/gguf"
)

// Measurements are what Measure found, and what it found it in.
type Measurements struct {
	// Key names the model, the text and all that the figures depend on, and Model the model alone.
	Key, Model string
	// Text says in words what the model was evaluated over; Name and SHA256 are what a file says of the text.
	Text, Name, SHA256 string
	Tensors            []Tensor
	// Ratio is the divergence that was measured of the last file by what had been expected of it; 0 before there is one.
	Ratio float64
}

// file is the JSON of measurements.
type file struct {
	Version int          `json:"version"`
	Key     string       `json:"key"`
	Model   string       `json:"model,omitempty"`
	Text    string       `json:"text,omitempty"`
	File    string       `json:"text_name,omitempty"`
	SHA256  string       `json:"text_sha256,omitempty"`
	Ratio   float64      `json:"measured_over_expected,omitempty"`
	Tensors []fileTensor `json:"tensors"`
}

type fileTensor struct {
	Name        string             `json:"name"`
	Type        string             `json:"type"` // in the source
	Shape       []int64            `json:"shape"`
	Sensitivity float64            `json:"sensitivity"`
	Losses      map[string]float64 `json:"losses"`
}

const fileVersion = 1

// Bytes is m as JSON.
func (m *Measurements) Bytes() ([]byte, error) {
	f := file{Version: fileVersion, Key: m.Key, Model: m.Model, Text: m.Text, File: m.Name, SHA256: m.SHA256, Ratio: m.Ratio}
	for _, t := range m.Tensors {
		x := fileTensor{t.Name, t.Type.String(), t.Shape, t.Sensitivity, map[string]float64{}}
		for k, typ := range t.Types {
			x.Losses[typ.String()] = t.Losses[k]
		}
		f.Tensors = append(f.Tensors, x)
	}
	b, err := json.MarshalIndent(f, "", " ")
	return append(b, '\n'), err
}

// Parse reads what Bytes wrote. Errors wrap gguf.ErrInput.
func Parse(b []byte) (*Measurements, error) {
	var f file
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, fmt.Errorf("%w: not measurements of carat: %w", gguf.ErrInput, err)
	}
	if f.Version != fileVersion {
		return nil, fmt.Errorf("%w: measurements of version %d, but this carat reads version %d", gguf.ErrInput, f.Version, fileVersion)
	}
	if !(f.Ratio >= 0 && f.Ratio < math.MaxFloat32) {
		return nil, fmt.Errorf("%w: measured_over_expected of these measurements is %v, expected a ratio", gguf.ErrInput, f.Ratio)
	}
	m := &Measurements{Key: f.Key, Model: f.Model, Text: f.Text, Name: f.File, SHA256: f.SHA256, Ratio: f.Ratio}
	for _, x := range f.Tensors {
		source, err := gguf.ParseType(x.Type)
		if err != nil || len(x.Shape) == 0 || len(x.Shape) > 4 || !(x.Sensitivity >= 0) {
			return nil, fmt.Errorf("%w: measurements of tensor %s are broken", gguf.ErrInput, x.Name)
		}
		t := Tensor{TensorInfo: gguf.TensorInfo{Name: x.Name, Type: source, Shape: x.Shape}, Sensitivity: x.Sensitivity}
		for _, typ := range Pool(t.Cols()) {
			if loss, ok := x.Losses[typ.String()]; ok && loss >= 0 {
				t.Types, t.Losses = append(t.Types, typ), append(t.Losses, loss)
			}
		}
		if len(t.Types) == 0 {
			return nil, fmt.Errorf("%w: measurements of tensor %s have no losses", gguf.ErrInput, x.Name)
		}
		m.Tensors = append(m.Tensors, t)
	}
	return m, nil
}
