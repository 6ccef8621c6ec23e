package job

import (
	"github.com/carat-llm/carat/eval/text"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize"
)

// CalibratedBy are the files of those texts by which m was calibrated, as its metadata say: figures on them flatter it.
func CalibratedBy(m gguf.Model, texts []text.Text) (files []string) {
	if m == nil {
		return nil
	}
	sum, ok := m.Metadata().String(quantize.CalibrationSHA256)
	for _, t := range texts {
		if ok && t.SHA256 == sum {
			files = append(files, t.File)
		}
	}
	return files
}
