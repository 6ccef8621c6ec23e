package main

import (
	"context"
	"fmt"
	"io"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/eval"
	"github.com/carat-llm/carat/gguf"
	"github.com/urfave/cli/v2"
)

func benchCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:      "bench",
		Usage:     "measure prefill and decoding speed",
		ArgsUsage: "MODEL",
		Description: `ppN is a prompt of N tokens in one batch, tgN is N tokens one after the other. The median of the repetitions is
the figure to quote; a wide range between min and max says that the machine was busy.

EXAMPLES:
   carat bench smollm2-Q4_K_M.gguf
   carat bench smollm2-Q4_K_M.gguf -p 128 -n 32 -d 1024 -r 10 --json`,
		Flags: append(sourceFlags(),
			&cli.IntFlag{Name: "p", Value: 512, Usage: "tokens of prompt, 0 for no such test"},
			&cli.IntFlag{Name: "n", Value: 128, Usage: "tokens to decode, 0 for no such test"},
			&cli.IntFlag{Name: "d", Usage: "tokens in the KV cache beforehand"},
			&cli.IntFlag{Name: "r", Value: 5, Usage: "repetitions"}),
		Action: func(c *cli.Context) error {
			g, err := globals(c)
			if err != nil {
				return err
			}
			args, err := positional(c, 1, "MODEL")
			if err != nil {
				return err
			}
			o := eval.LatencyOptions{Prompt: c.Int("p"), Generate: c.Int("n"), Depth: c.Int("d"), Repetitions: c.Int("r")}
			if o.Prompt < 0 || o.Generate < 0 || o.Depth < 0 || o.Repetitions < 1 || o.Prompt+o.Generate == 0 {
				return usagef("-p, -n and -d count tokens and -r repetitions: give at least one of -p and -n, and -r from 1")
			}
			return runBench(c.Context, s, g, args[0], sourceOptions(c), o)
		},
	}
}

// benchmark is bench's JSON.
type benchmark struct {
	Model       string         `json:"model,omitempty"`
	Threads     int            `json:"threads"`
	WeightBytes int64          `json:"weight_bytes"`
	Results     []eval.Latency `json:"results"`
	PeakMemory  int64          `json:"peak_memory_bytes"`
}

func runBench(ctx context.Context, s streams, g global, path string, src convert.Options, o eval.LatencyOptions) error {
	m, err := openModel(path, src)
	if err != nil {
		return err
	}
	defer m.Close()
	b, err := benchModel(ctx, g, m, o)
	if err != nil {
		return err
	}
	b.Model = path
	if g.json {
		return printJSON(s.out, b)
	}
	if !g.quiet {
		b.print(s.out)
	}
	return nil
}

func benchModel(ctx context.Context, g global, m gguf.Model, o eval.LatencyOptions) (*benchmark, error) {
	cand, err := candidate(m, g, o.Depth+max(o.Prompt, o.Generate))
	if err != nil {
		return nil, err
	}
	o.WeightBytes = decodeBytes(m)
	results, err := eval.MeasureLatency(ctx, *cand, o)
	if err != nil {
		return nil, err
	}
	return &benchmark{Threads: g.threads, WeightBytes: o.WeightBytes, Results: results, PeakMemory: eval.PeakMemory()}, nil
}

// decodeBytes is what decoding a token reads: every tensor, but of the embedding only a row unless it
// is the output matrix too.
func decodeBytes(m gguf.Model) int64 {
	var n, embedding int64
	tied := true
	for _, t := range m.Tensors() {
		i := t.Info()
		switch i.Name {
		case "token_embd.weight":
			embedding = i.Bytes()
			continue
		case "output.weight":
			tied = false
		}
		n += i.Bytes()
	}
	if tied {
		n += embedding
	}
	return n
}

func (b *benchmark) print(out io.Writer) {
	t := newTable(out)
	t.row("test", "tokens/s", "     min", "     max", "weights GB/s")
	for _, r := range b.Results {
		bw := ""
		if r.BytesPerSecond > 0 {
			bw = fmt.Sprintf("%12.2f", r.BytesPerSecond/1e9)
		}
		t.row(r.Test, fmt.Sprintf("%8.2f", r.TokensPerSecond.Median), fmt.Sprintf("%8.2f", r.TokensPerSecond.Min), fmt.Sprintf("%8.2f", r.TokensPerSecond.Max), bw)
	}
	t.flush()
	fmt.Fprintf(out, "\n%d threads, peak memory %s\n", b.Threads, memory(b.PeakMemory))
}

func memory(n int64) string {
	if n == 0 {
		return "unknown on this system"
	}
	return trimmed(size(n))
}
