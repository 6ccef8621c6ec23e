// Servespeed prints how many tokens a second a server writes when so many clients ask at once, beside one client alone:
//
//	go run ./scripts/servespeed --rounds 3 -n 64 --clients 1,2,4,8 MODEL
//
// The server is in this process and is asked over loopback. Numbers of clients take turns; each round has a ratio of its own to one
// client of that round, and the table gives the least and the median of the rounds. Prompts are short, so that writing counts.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/engine"
	"github.com/carat-llm/carat/runtime/kernel"
	"github.com/carat-llm/carat/runtime/serve"
)

func main() {
	rounds := flag.Int("rounds", 3, "`ROUNDS` of all numbers of clients")
	tokens := flag.Int("n", 64, "`TOKENS` of an answer")
	list := flag.String("clients", "1,2,4,8", "`NUMBERS` of clients that ask at once")
	threads := flag.Int("threads", runtime.NumCPU(), "`THREADS`")
	flag.Parse()
	if err := run(flag.Arg(0), *list, *rounds, *tokens, *threads); err != nil {
		fmt.Fprintln(os.Stderr, "servespeed:", err)
		os.Exit(1)
	}
}

func run(path, list string, rounds, tokens, threads int) error {
	var clients []int
	for _, s := range strings.Split(list, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > 64 {
			return fmt.Errorf("--clients: %q is no number from 1 to 64", s)
		}
		clients = append(clients, n)
	}
	e, err := engine.Open(path, engine.Options{Threads: threads, Compute: kernel.Fast, Text: true,
		Source: func(path string) (gguf.Model, error) { return convert.OpenPath(path, convert.Options{}) }})
	if err != nil {
		return err
	}
	defer e.Close()
	s, err := serve.New(e, serve.Options{Name: "model", Slots: slices.Max(clients), Context: tokens + 32})
	if err != nil {
		return err
	}
	defer s.Close()
	h := httptest.NewServer(s)
	defer h.Close()
	speeds, ratios := map[int][]float64{}, map[int][]float64{}
	for round := -1; round < rounds; round++ { // the first is for warming up
		for _, n := range clients {
			speed, err := ask(h.URL, n, tokens)
			if err != nil {
				return err
			}
			if round >= 0 {
				speeds[n] = append(speeds[n], speed)
				ratios[n] = append(ratios[n], speed/speeds[clients[0]][round])
			}
		}
	}
	fmt.Printf("| clients | tokens/s, median | least | beside %d, median | least |\n|---|---|---|---|---|\n", clients[0])
	for _, n := range clients {
		fmt.Printf("| %d | %.1f | %.1f | %.2f | %.2f |\n", n, median(speeds[n]), slices.Min(speeds[n]), median(ratios[n]), slices.Min(ratios[n]))
	}
	return nil
}

// ask lets n clients ask at once, and returns the tokens of all answers a second.
func ask(url string, n, tokens int) (float64, error) {
	begun, results := time.Now(), make(chan error, n)
	for i := range n {
		go func() {
			body := fmt.Sprintf(`{"prompt": "%d. Once upon a time", "max_tokens": %d, "temperature": 1, "seed": %d, "logit_bias": {"0": -100, "2": -100}}`, i, tokens, i)
			r, err := http.Post(url+"/v1/completions", "application/json", bytes.NewReader([]byte(body)))
			if err != nil {
				results <- err
				return
			}
			defer r.Body.Close()
			var v struct {
				Usage struct {
					Completion int `json:"completion_tokens"`
				}
			}
			if err = json.NewDecoder(r.Body).Decode(&v); err == nil && v.Usage.Completion != tokens {
				err = fmt.Errorf("an answer has %d tokens, expected %d", v.Usage.Completion, tokens)
			}
			results <- err
		}()
	}
	for range n {
		if err := <-results; err != nil {
			return 0, err
		}
	}
	return float64(n*tokens) / time.Since(begun).Seconds(), nil
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}
