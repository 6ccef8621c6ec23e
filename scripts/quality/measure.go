package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/report"
)

// files are the two of a row.
type files struct {
	preset, ours string
	bytes        [2]int64
}

// files makes the files of a row, as far as they are not there.
func (s *setup) files(ctx context.Context, r row) (f files, err error) {
	chunks := strconv.Itoa(s.calibration)
	text := s.texts.calibrating(r.calibration)
	matrix, err := s.once(ctx, r.prefix+"-"+r.calibration+".imatrix.gguf", "imatrix", r.model, "--text", text, "--chunks", chunks)
	if err != nil {
		return f, err
	}
	types := []string{"--type", r.preset}
	if r.pure {
		types = append(types, "--pure")
	}
	if f.preset, err = s.once(ctx, "preset-"+r.name()+".gguf", append([]string{"build", r.model, "--imatrix", matrix}, types...)...); err != nil {
		return f, err
	}
	if f.bytes[0], err = sizeOf(f.preset); err != nil {
		return f, err
	}
	if r.budget() {
		types = []string{"--target-size", strconv.FormatInt(f.bytes[0], 10), "--measurements", s.path(r.prefix + "-" + r.calibration + ".costs.json")}
	}
	f.ours, err = s.once(ctx, "carat-"+r.name()+".gguf", append([]string{"build", r.model, "--calibration", text, "--calibration-chunks", chunks, "--no-proof"}, types...)...)
	if err != nil {
		return f, err
	}
	f.bytes[1], err = sizeOf(f.ours)
	return f, err
}

func sizeOf(path string) (int64, error) {
	st, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}

// state says what is there of a row.
func (s *setup) state(r row) string {
	if rep, err := report.Read(s.path(r.name() + ".json")); err == nil && rep.Complete {
		return "measured"
	}
	if _, err := os.Stat(s.path("carat-" + r.name() + ".gguf")); err == nil {
		return "built"
	}
	return "to do"
}

// difference is what a row's files differ by on one text.
type difference struct {
	preset, ours float64 // mean divergence in nats
	relative     float64
	upper        float64 // one-sided limit of relative
}

// compare measures both files of a row on all texts.
func (s *setup) compare(ctx context.Context, r row, f files) (map[string]difference, error) {
	path := s.path(r.name() + ".json")
	rep, err := report.Read(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err != nil || !rep.Complete {
		args := []string{"compare", f.ours, f.preset, "--reference", r.model, "--chunks", strconv.Itoa(s.chunks * len(evaluation)), "--report", path, "--resume", "--quiet"}
		for _, name := range evaluation {
			args = append(args, "--text", name+"="+s.texts[name])
		}
		if _, err := s.run(ctx, args...); err != nil {
			return nil, err
		}
		if rep, err = report.Read(path); err != nil {
			return nil, err
		}
	}
	if len(rep.Candidates) != 2 || rep.Candidates[0].Failure+rep.Candidates[1].Failure != "" {
		return nil, fmt.Errorf("%s: expected two models that were measured: delete the report, and the row is measured again", path)
	}
	return differences(rep)
}

// alpha is the level of the one-sided limits.
const alpha = 0.05

// differences are those of the first candidate from the second, on each text.
func differences(rep *report.Report) (map[string]difference, error) {
	ours, preset := rep.Candidates[0].Series(), rep.Candidates[1].Series()
	out := map[string]difference{}
	for i, text := range rep.Data {
		l, ok, err := figure.Relative("kld.mean", ours, preset, i, true)
		if err != nil || !ok {
			return nil, fmt.Errorf("%s has no divergence to compare (%v)", text.Name, err)
		}
		out[text.Name] = difference{preset: mean(preset, i), ours: mean(ours, i), relative: l.Estimate(), upper: l.Upper(alpha)}
	}
	return out, nil
}

// mean is the divergence by token of a slice.
func mean(s *figure.Series, slice int) float64 {
	sum, tokens := 0.0, 0
	for _, c := range s.Chunks {
		if c.Slice == slice {
			sum, tokens = sum+c.KLD, tokens+c.Tokens
		}
	}
	return sum / float64(max(1, tokens))
}
