package job

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"

	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/hfcache"
	"github.com/carat-llm/carat/quantize/recipe"
)

// Named is what is known of the model at path before it is opened.
func Named(path string) report.Model {
	id := report.Model{Name: hfcache.Name(path)}
	if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() {
		id.Bytes = st.Size()
	}
	return id
}

// Identify describes m, which was opened at path, and hashes its files with hash, which may leave the
// SHA-256 out. That of a model of several files is the one of the lines of sha256sum over them, sorted by name.
func Identify(path string, m gguf.Model, hash func(path string) (gguf.FileHash, error)) (report.Model, error) {
	md := m.Metadata()
	id := Named(path)
	id.Bytes = 0 // of all files
	id.Architecture, id.FileType = md.Architecture(), fileType(m)
	id.Title, _ = md.String("general.name")
	var weights int64
	for _, t := range m.Tensors() {
		i := t.Info()
		id.Parameters += i.Elements()
		weights += i.Bytes()
	}
	if id.Parameters > 0 {
		id.BitsPerWeight = 8 * float64(weights) / float64(id.Parameters)
	}
	files, ok := m.(interface{ Paths() []string })
	if !ok {
		return id, fmt.Errorf("cannot identify %s: its files are not known", path)
	}
	var sums []gguf.FileHash
	for _, p := range files.Paths() {
		h, err := hash(p)
		if err != nil {
			return id, err
		}
		sums = append(sums, h)
		id.Bytes += h.Bytes
	}
	id.SHA256 = gguf.TogetherSHA256(sums)
	if v, ok := m.(interface{ Variant() string }); ok { // files that are computed in more than one way, as adapters with a scale
		id.Name += ", " + v.Variant()
		if id.SHA256 != "" {
			sum := sha256.Sum256([]byte(id.SHA256 + " " + v.Variant()))
			id.SHA256 = hex.EncodeToString(sum[:])
		}
	}
	return id, nil
}

// fileType is the preset in general.file_type, or the type of most of the weights.
func fileType(m gguf.Model) string {
	if n, ok := m.Metadata().Int("general.file_type"); ok && n >= 0 && recipe.FileType(n).Valid() {
		return recipe.FileType(n).String()
	}
	bytes := map[gguf.Type]int64{}
	var most gguf.Type
	for _, t := range m.Tensors() {
		i := t.Info()
		bytes[i.Type] += i.Elements()
		if bytes[i.Type] > bytes[most] {
			most = i.Type
		}
	}
	return most.String()
}
