package main

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"os"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/imatrix"
)

// matrixName is the importance matrix's file in the scratch folder. Its name enters the metadata of the output.
const matrixName = "imatrix.gguf"

// mode is a kind of importance matrix.
type mode struct {
	name    string
	lacking func(name string) bool // tensors that it has no entry for
}

// modes are without a matrix, with one that has all that llama-imatrix collects, and with one that lacks a matrix.
var modes = []mode{
	{"none", nil},
	{"full", func(string) bool { return false }},
	{"part", func(name string) bool { return strings.HasPrefix(name, "blk.1.") && strings.Contains(name, "ffn_down") }},
}

// write writes a matrix for src: means that depend on the names alone, and an expert that saw nothing.
func (m mode) write(src gguf.Model, path string) error {
	if m.lacking == nil {
		return nil
	}
	var infos []gguf.TensorInfo
	var data [][]byte
	add := func(name string, values []float32, shape ...int64) {
		b := make([]byte, 0, 4*len(values))
		for _, v := range values {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
		infos, data = append(infos, gguf.TensorInfo{Name: name, Type: gguf.F32, Shape: shape}), append(data, b)
	}
	for _, t := range src.Tensors() {
		info := t.Info()
		if info.Dims() < 2 || !strings.HasSuffix(info.Name, ".weight") || !strings.Contains(info.Name, "blk.") || m.lacking(info.Name) {
			continue
		}
		experts := int64(1)
		if len(info.Shape) > 2 {
			experts = info.Shape[2]
		}
		sums, counts := columns(info.Name, info.Cols(), experts)
		add(info.Name+".in_sum2", sums, info.Cols(), experts)
		add(info.Name+".counts", counts, 1, experts)
	}
	md := &gguf.Metadata{}
	md.Append("general.type", "imatrix")
	md.Append("imatrix.datasets", []string{"text"})
	md.Append("imatrix.chunk_count", uint32(4))
	md.Append("imatrix.chunk_size", uint32(512))
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return err
	}
	w, err := gguf.Create(path, md, infos)
	if err != nil {
		return err
	}
	for i, b := range data {
		if err := w.WriteAt(i, b, 0); err != nil {
			return err
		}
	}
	return w.Commit()
}

func columns(name string, cols, experts int64) (sums, counts []float32) {
	h := fnv.New64a()
	h.Write([]byte(name))
	r := rand.New(rand.NewPCG(h.Sum64(), 1))
	for x := range experts {
		n := float32(r.IntN(2000) + 1)
		if x == 1 {
			n = 0
		}
		for range cols {
			sums = append(sums, n*float32(r.ExpFloat64()+0.001))
		}
		counts = append(counts, n)
	}
	return sums, counts
}

// read is the matrix that was written, or nil.
func (m mode) read(path string) (*imatrix.Matrix, error) {
	if m.lacking == nil {
		return nil, nil
	}
	return imatrix.Read(path)
}
