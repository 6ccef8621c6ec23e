package job

import (
	"testing"

	"github.com/carat-llm/carat/eval/text"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize"
	"github.com/stretchr/testify/require"
)

// named is a model of metadata alone.
type named struct {
	gguf.Model
	md gguf.Metadata
}

func (n *named) Metadata() *gguf.Metadata { return &n.md }

func TestCalibratedBy(t *testing.T) {
	texts := []text.Text{text.NewText("a", "a.txt", "one"), text.NewText("b", "b.txt", "two")}
	m := &named{}
	require.Empty(t, CalibratedBy(m, texts))
	m.md.Append(quantize.CalibrationSHA256, texts[1].SHA256)
	require.Equal(t, []string{"b.txt"}, CalibratedBy(m, texts))
	require.Empty(t, CalibratedBy(nil, texts))
}
