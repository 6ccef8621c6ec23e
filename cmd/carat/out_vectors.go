package main

import (
	"context"
	"encoding/binary"
	"io"
	"math"
	"strconv"

	"github.com/carat-llm/carat/internal/atomicfile"
	"github.com/carat-llm/carat/internal/npy"
	"github.com/carat-llm/carat/runtime/embed"
	"github.com/carat-llm/carat/runtime/engine"
)

// vectors is where embed's results go, one after the other.
type vectors interface {
	put(embed.Result) error
	end(context.Context) error
}

func newVectors(g global, o embedOptions, e *engine.Engine, files *outputs) (vectors, error) {
	switch {
	case o.npy != "":
		return newArray(g, o, e.VectorWidth(), files)
	case g.json:
		return &vectorObjects{out: g.out, o: o}, nil
	}
	return &vectorLines{out: g.out, blank: o.Pooling == embed.None}, nil
}

// vectorLines prints numbers, a vector a line, as short as they can be told apart.
type vectorLines struct {
	out   io.Writer
	blank bool // an empty line behind each text
	line  []byte
}

func (v *vectorLines) put(r embed.Result) error {
	v.line = v.line[:0]
	for _, x := range r.Vectors {
		for i, f := range x {
			if i > 0 {
				v.line = append(v.line, ' ')
			}
			v.line = strconv.AppendFloat(v.line, float64(f), 'g', -1, 32)
		}
		v.line = append(v.line, '\n')
	}
	if v.blank {
		v.line = append(v.line, '\n')
	}
	_, err := v.out.Write(v.line)
	return err
}

func (v *vectorLines) end(context.Context) error { return nil }

// embedded is a line of embed's JSON.
type embedded struct {
	Index      int         `json:"index"`
	Text       string      `json:"text"`
	Tokens     int         `json:"tokens"`
	Embedding  []float32   `json:"embedding,omitempty"`
	Embeddings [][]float32 `json:"embeddings,omitempty"` // of tokens, in place of the other
}

// vectorObjects prints an object of JSON a line.
type vectorObjects struct {
	out  io.Writer
	o    embedOptions
	done int
}

func (v *vectorObjects) put(r embed.Result) error {
	line := embedded{Index: v.done, Text: v.o.texts[v.done], Tokens: r.Tokens}
	if v.o.Pooling == embed.None {
		line.Embeddings = r.Vectors
	} else {
		line.Embedding = r.Vectors[0]
	}
	v.done++
	return writeJSON(v.out, line, "")
}

func (v *vectorObjects) end(context.Context) error { return nil }

// array is embed's JSON where the vectors are in a file.
type array struct {
	File      string `json:"file"`
	Vectors   int    `json:"vectors"`
	Dimension int    `json:"dimension"`
	Pooling   string `json:"pooling"`
	Normalize bool   `json:"normalized"`
	Tokens    int    `json:"tokens"`
}

// vectorArray writes a file of NumPy's.
type vectorArray struct {
	array
	g     global
	files *outputs
	file  *atomicfile.File
	at    int64
	row   []byte
}

func newArray(g global, o embedOptions, width int, files *outputs) (*vectorArray, error) {
	v := &vectorArray{g: g, files: files, array: array{File: o.npy, Vectors: len(o.texts), Dimension: width, Pooling: o.Pooling.String(), Normalize: o.Normalize}}
	head := npy.Header(v.Vectors, width)
	var err error
	if v.file, err = atomicfile.Create(o.npy, int64(len(head))+4*int64(width)*int64(v.Vectors)); err != nil {
		return nil, err
	}
	files.files.Add(v.file)
	return v, v.write(head)
}

func (v *vectorArray) write(b []byte) error {
	n, err := v.file.WriteAt(b, v.at)
	v.at += int64(n)
	return err
}

func (v *vectorArray) put(r embed.Result) error {
	v.Tokens += r.Tokens
	v.row = v.row[:0]
	for _, f := range r.Vectors[0] {
		v.row = binary.LittleEndian.AppendUint32(v.row, math.Float32bits(f))
	}
	return v.write(v.row)
}

func (v *vectorArray) end(ctx context.Context) error {
	if err := v.files.commitUnless(ctx, v.g.out); err != nil {
		return err
	}
	switch {
	case v.g.json:
		return printJSON(v.g.out, v.array)
	case !v.g.quiet:
		length := "as they come"
		if v.Normalize {
			length = "of length 1"
		}
		printf(v.g.out, "%d vectors of %d numbers, %s, pooling %s: %s\n", v.Vectors, v.Dimension, length, v.Pooling, v.File)
	}
	return nil
}
